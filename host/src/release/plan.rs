//! The plan: the images that will be in the output, those that will not, and why. It is printable, and nothing is written
//! before it is complete.

use std::collections::HashMap;
use std::sync::Arc;

use regcarve_types::{Digest, Reference, Repository, Tag};

use super::blob_table::{Blob, BlobState, BlobTable};
use super::closure;
use super::image::{self, ClosureEntry, Image};
use super::problem::Problem;
use super::request::Origin;

/// An image of the plan.
#[derive(Debug, Clone)]
pub struct PlannedImage {
    /// The repository in the output.
    pub repository: Arc<Repository>,
    /// The tag in the output, if it has one.
    pub tag: Option<Tag>,
    /// The image with its name in the source and the closure that travels: without other platforms, and without layers that
    /// the source does not have.
    pub image: Arc<Image>,
    /// The digest in the source, if a policy rewrote the image.
    pub rewritten_from: Option<Digest>,
    /// Digests of layers that the source does not have, because they come from elsewhere.
    pub left_out: Vec<Digest>,
}

impl PlannedImage {
    /// An image as it is in the source.
    pub fn new(image: Arc<Image>) -> Self {
        Self {
            repository: Arc::clone(&image.repository),
            tag: image.tag.clone(),
            image,
            rewritten_from: None,
            left_out: Vec::new(),
        }
    }

    /// The digest of the top manifest in the output.
    pub fn digest(&self) -> Digest {
        self.image.digest
    }

    /// The closure that travels.
    pub fn entries(&self) -> &[ClosureEntry] {
        &self.image.entries
    }

    /// `name:tag` in the output, or `name@digest` without a tag.
    pub fn reference(&self) -> String {
        image::reference(&self.repository, self.tag.as_ref(), &self.image.digest)
    }

    /// The reference in the source, if it is another one.
    pub fn renamed_from(&self) -> Option<String> {
        let is_renamed = (&self.repository, &self.tag) != (&self.image.repository, &self.image.tag);
        is_renamed.then(|| self.image.reference())
    }

    /// Gives the image another name in the output.
    pub fn rename(&mut self, name: Reference) {
        let (repository, tag, _) = name.into_parts();
        self.repository = Arc::new(repository);
        self.tag = tag;
    }

    /// Replaces the closure.
    pub fn set_entries(&mut self, entries: Vec<ClosureEntry>) {
        let image = Arc::make_mut(&mut self.image);
        image.size = entries.iter().map(|entry| entry.size).sum();
        image.entries = entries;
    }

    /// Replaces the top manifest and the closure.
    pub fn rewrite(&mut self, digest: Digest, entries: Vec<ClosureEntry>) {
        self.rewritten_from.get_or_insert(self.image.digest);
        Arc::make_mut(&mut self.image).digest = digest;
        self.set_entries(entries);
    }

    /// The order in a plan.
    fn key(&self) -> (&Repository, Option<&Tag>, &Digest) {
        (&self.repository, self.tag.as_ref(), &self.image.digest)
    }

    /// The image in a message about two images of one name.
    fn described(&self) -> String {
        format!(
            "{} ({}, {})",
            self.image.reference(),
            self.image.digest.short(),
            self.image.origin
        )
    }
}

/// An image that a policy dropped.
#[derive(Debug, Clone)]
pub struct Dropped {
    /// Its reference.
    pub reference: String,
    /// The list line or flag that asked for it.
    pub origin: Origin,
    /// The policy.
    pub policy: String,
    /// The reason that the policy gave.
    pub reason: String,
}

/// The plan of a release.
#[derive(Debug)]
pub struct Plan {
    /// The images that stay, sorted by repository, tag and digest; no name twice.
    pub images: Vec<PlannedImage>,
    /// The images that a policy dropped.
    pub dropped: Vec<Dropped>,
    /// All blobs, also those of images that do not stay.
    pub blobs: Arc<BlobTable>,
}

/// The number of blobs of a plan, and their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// Different digests.
    pub blobs: usize,
    /// Their bytes.
    pub bytes: u64,
}

/// A reason why images do not make a plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// Two images would have one name.
    #[error(
        "two images would both be {name}: {one} and {other}\n  hint: rename one of them, or leave it out"
    )]
    SameName {
        /// The name.
        name: String,
        /// One of the images.
        one: String,
        /// The other one.
        other: String,
    },
    /// Two files of one digest have different sizes.
    #[error("{0}")]
    DifferentSizes(Box<Problem>),
}

impl Plan {
    /// Sorts the images, takes out blobs that the source need not have and does not have, and makes sure that no name
    /// stands for two images.
    pub fn new(
        mut images: Vec<PlannedImage>,
        dropped: Vec<Dropped>,
        mut blobs: BlobTable,
    ) -> Result<Self, PlanError> {
        images.sort_by(|a, b| a.key().cmp(&b.key()));
        images.dedup_by(|a, b| a.key() == b.key());
        check_names(&images)?;
        let entries = images
            .iter_mut()
            .flat_map(|image| &mut Arc::make_mut(&mut image.image).entries);
        blobs
            .unify(entries)
            .map_err(|(one, other)| different_sizes(blobs.get(one), blobs.get(other)))?;
        for image in &mut images {
            leave_out_absent(image, &blobs);
        }
        Ok(Self {
            images,
            dropped,
            blobs: Arc::new(blobs),
        })
    }

    /// For each blob, whether it is in the plan.
    pub fn planned(&self) -> Vec<bool> {
        let mut planned = vec![false; self.blobs.len()];
        for entry in self.images.iter().flat_map(PlannedImage::entries) {
            planned[entry.blob.0 as usize] = true;
        }
        planned
    }

    /// The blobs of the plan, each digest once.
    pub fn size(&self) -> Size {
        let planned = self.planned();
        let blobs = self.blobs.iter().zip(planned);
        let mut size = Size::default();
        for (blob, _) in blobs.filter(|(_, planned)| *planned) {
            size.blobs += 1;
            size.bytes += blob.size().unwrap_or(0);
        }
        size
    }
}

/// Makes sure that no name stands for two images.
fn check_names(images: &[PlannedImage]) -> Result<(), PlanError> {
    let mut names: HashMap<(&Repository, &Tag), &PlannedImage> = HashMap::new();
    for image in images {
        let Some(tag) = &image.tag else { continue };
        if let Some(other) = names.insert((&image.repository, tag), image) {
            return Err(PlanError::SameName {
                name: image.reference(),
                one: other.described(),
                other: image.described(),
            });
        }
    }
    Ok(())
}

/// Takes optional layers that the source does not have out of an image.
fn leave_out_absent(image: &mut PlannedImage, blobs: &BlobTable) {
    let is_absent = |entry: &&ClosureEntry| blobs.get(entry.blob).state == BlobState::Absent;
    let left_out: Vec<_> = image
        .entries()
        .iter()
        .filter(is_absent)
        .map(|entry| blobs.get(entry.blob).digest)
        .collect();
    if !left_out.is_empty() {
        image.set_entries(closure::without_absent(image.entries(), blobs));
        image.left_out = left_out;
    }
}

/// Two files of one digest with different sizes.
fn different_sizes(one: &Blob, other: &Blob) -> PlanError {
    let size = |blob: &Blob| blob.size().unwrap_or(0);
    let cause = format!(
        "has {} bytes, but {}, which should hold the same, has {}",
        size(other),
        one.path,
        size(one)
    );
    let problem = Problem::damaged(one.digest.to_string(), cause)
        .at(&*other.path)
        .hint("`regcarve verify` tells which of them is damaged");
    PlanError::DifferentSizes(Box::new(problem))
}
