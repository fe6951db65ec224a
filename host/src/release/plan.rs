//! What will be in the output, what will not, and why. Printable; nothing is written before it is complete.

use std::collections::HashMap;
use std::sync::Arc;

use regcarve_types::{Digest, Repository, Tag};

use super::blob_table::{Blob, BlobState, BlobTable};
use super::closure;
use super::image::{self, ClosureEntry, platforms};
use super::problem::{Problem, Severity};
use super::request::Origin;
use crate::error::Error;

/// An image that stays.
#[derive(Debug, Clone)]
pub struct PlannedImage {
    /// Its name in the output.
    pub repository: Arc<Repository>,
    /// Its tag in the output, if it has one.
    pub tag: Option<Tag>,
    /// Of its top manifest in the output.
    pub digest: Digest,
    /// What travels: the closure without other platforms and without layers that the source does not have.
    pub items: Vec<ClosureEntry>,
    /// Who asked for it.
    pub origin: Origin,
    /// Its reference in the source, where that is another one.
    pub renamed_from: Option<String>,
    /// Its digest in the source, where that is another one.
    pub rewritten_from: Option<Digest>,
    /// Digests of layers that the source does not have, because they come from elsewhere.
    pub left_out: Vec<Digest>,
}

impl PlannedImage {
    /// `name:tag`, or `name@digest` without a tag.
    pub fn reference(&self) -> String {
        image::reference(&self.repository, self.tag.as_ref(), &self.digest)
    }

    /// The top manifest.
    pub fn top(&self) -> &ClosureEntry {
        &self.items[0]
    }

    /// The platforms that travel, as text; empty for an image that is no index.
    pub fn platforms(&self) -> Vec<String> {
        platforms(&self.items).map(ToString::to_string).collect()
    }

    /// Bytes that travel, each digest counted once.
    pub fn bytes(&self) -> u64 {
        self.items.iter().map(|item| item.size).sum()
    }
}

/// An image that a policy dropped.
#[derive(Debug, Clone)]
pub struct Dropped {
    /// Its reference.
    pub reference: String,
    /// Who asked for it.
    pub origin: Origin,
    /// The policy.
    pub policy: String,
    /// Its words.
    pub reason: String,
}

/// The release.
#[derive(Debug)]
pub struct Plan {
    /// What stays, sorted by repository, tag and digest; no name twice.
    pub images: Vec<PlannedImage>,
    /// What a policy dropped.
    pub dropped: Vec<Dropped>,
    /// All content, of what stays and of what does not.
    pub contents: BlobTable,
}

/// Blob of a plan, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// Different digests.
    pub blobs: usize,
    /// Their bytes.
    pub bytes: u64,
}

impl Plan {
    /// For each content, whether it is in the plan.
    pub fn planned(&self) -> Vec<bool> {
        let mut planned = vec![false; self.contents.len()];
        for item in self.images.iter().flat_map(|image| &image.items) {
            planned[item.content.0 as usize] = true;
        }
        planned
    }

    /// Blob of the plan, each digest once.
    pub fn size(&self) -> Size {
        let planned = self.planned();
        let mut size = Size::default();
        for (content, _) in self
            .contents
            .iter()
            .zip(planned)
            .filter(|(_, planned)| *planned)
        {
            size.blobs += 1;
            size.bytes += content.size().unwrap_or(0);
        }
        size
    }

    /// Puts images in order, leaves out what the source does not have to have, and makes sure that no name
    /// stands for two images.
    pub fn new(
        mut images: Vec<PlannedImage>,
        dropped: Vec<Dropped>,
        mut contents: BlobTable,
    ) -> Result<Self, Error> {
        images.sort_by(|a, b| {
            (&a.repository, &a.tag, &a.digest).cmp(&(&b.repository, &b.tag, &b.digest))
        });
        images.dedup_by(|a, b| {
            (&a.repository, &a.tag, &a.digest) == (&b.repository, &b.tag, &b.digest)
        });
        let mut names: HashMap<(&Repository, &Tag), &PlannedImage> = HashMap::new();
        for image in &images {
            let Some(tag) = &image.tag else { continue };
            if let Some(other) = names.insert((&image.repository, tag), image) {
                let from = |image: &PlannedImage| {
                    image
                        .renamed_from
                        .clone()
                        .unwrap_or_else(|| image.reference())
                };
                return Err(Error::Usage(format!(
                    "two images would both be {}: {} ({}, {}) and {} ({}, {})\n  hint: rename one of them, or leave it out",
                    image.reference(),
                    from(other),
                    other.digest.short(),
                    other.origin,
                    from(image),
                    image.digest.short(),
                    image.origin,
                )));
            }
        }
        let items = images.iter_mut().flat_map(|image| &mut image.items);
        contents
            .unify(items)
            .map_err(|(one, other)| disagreement(contents.get(one), contents.get(other)))?;
        for image in &mut images {
            let absent =
                |item: &&ClosureEntry| contents.get(item.content).presence == BlobState::Absent;
            if image.items.iter().any(|item| absent(&item)) {
                image.left_out = image
                    .items
                    .iter()
                    .filter(absent)
                    .map(|item| contents.get(item.content).digest)
                    .collect();
                image.items = closure::without_absent(&image.items, &contents);
            }
        }
        Ok(Self {
            images,
            dropped,
            contents,
        })
    }
}

/// Two files that should hold the same and cannot.
fn disagreement(one: &Blob, other: &Blob) -> Error {
    let size = |content: &Blob| content.size().unwrap_or(0);
    Error::problem(Problem {
        severity: Severity::Damaged,
        reference: one.digest.to_string(),
        origin: None,
        path: Some(other.path.to_string()),
        cause: format!(
            "has {} bytes, but {}, which should hold the same, has {}",
            size(other),
            one.path,
            size(one)
        ),
        hint: Some("`regcarve verify` tells which of them is damaged".into()),
    })
}
