//! Indexes reduced to the wanted platforms.
//!
//! Nested indexes come before those that name them, since these need the new digests. An index without any
//! child left is removed, too.

use std::collections::{BTreeMap, BTreeSet};

use regcarve_formats::{Descriptor, Replacement, strip_index};
use regcarve_policy_kit::convert::platform_from_contract;
use regcarve_policy_kit::policy::image_contents::ImageContents;
use regcarve_policy_kit::policy::{Decision, NewManifest, Rewritten};
use regcarve_policy_kit::{Content, Kind};
use regcarve_types::{Digest, Platform};
use sha2::{Digest as _, Sha256};

use crate::indexes::{children, read};

/// The result of stripping an index.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// It has no child left.
    Removed,
    /// It has no child to take out.
    Unchanged,
    /// Another index takes its place.
    Replaced(Replacement),
}

struct Strip<'a> {
    wanted: &'a [Platform],
    contents: BTreeMap<&'a str, &'a Content>,
    all: &'a [Content],
    outcomes: BTreeMap<String, Outcome>,
    manifests: Vec<NewManifest>,
    stays: BTreeSet<String>,
}

/// Strips the index of an image down to these platforms.
pub(crate) fn strip(contents: &ImageContents, wanted: &[Platform]) -> Result<Decision, String> {
    let all = contents.entries();
    let mut strip = Strip {
        wanted,
        contents: all
            .iter()
            .map(|content| (content.digest.as_str(), content))
            .collect(),
        all,
        outcomes: BTreeMap::new(),
        manifests: Vec::new(),
        stays: BTreeSet::new(),
    };
    let top = all.first().ok_or("the image has no content")?;
    match strip.index(top)? {
        Outcome::Unchanged => Ok(Decision::Keep),
        Outcome::Removed => Ok(Decision::Missing("none of its platforms is left".into())),
        Outcome::Replaced(_) => Ok(Decision::Rewrite(Rewritten {
            manifests: strip.manifests,
            contents: strip.stays.into_iter().collect(),
        })),
    }
}

impl<'a> Strip<'a> {
    fn index(&mut self, index: &Content) -> Result<Outcome, String> {
        if let Some(outcome) = self.outcomes.get(&index.digest) {
            return Ok(*outcome);
        }
        let failed = |what: &dyn std::fmt::Display| format!("index {}: {what}", index.digest);
        let bytes = read(index).map_err(|error| failed(&error))?;
        let before = children(&bytes).map_err(|error| failed(&error))?;

        let (mut replaced, mut gone) = (BTreeMap::new(), BTreeSet::new());
        for child in &before {
            if self.runs(child)
                && let Some(nested) = self.find(&child.digest, Kind::Index)
            {
                match self.index(nested)? {
                    Outcome::Replaced(new) => drop(replaced.insert(child.digest, new)),
                    Outcome::Removed => drop(gone.insert(child.digest)),
                    Outcome::Unchanged => {}
                }
            }
        }
        let keep = |child: &Descriptor| match child.attestation_for() {
            // Only asked where the manifest that it describes is not in this very index.
            Some(subject) => self.is_kept(&subject),
            None => self.runs(child) && !gone.contains(&child.digest),
        };
        let new = strip_index(&bytes, &keep, &replaced).map_err(|error| failed(&error))?;
        let left = children(&new).map_err(|error| failed(&error))?;
        for child in &left {
            self.take(child);
        }
        let outcome = if left.is_empty() && !before.is_empty() {
            Outcome::Removed
        } else if new == bytes {
            self.stays.insert(index.digest.clone());
            Outcome::Unchanged
        } else {
            let hash: [u8; 32] = Sha256::digest(&new).into();
            let (digest, size) = (Digest::sha256(hash), new.len() as u64);
            self.manifests.push(NewManifest {
                media_type: index.media_type.clone(),
                bytes: new,
                instead_of: index.digest.clone(),
            });
            Outcome::Replaced(Replacement { digest, size })
        };
        self.outcomes.insert(index.digest.clone(), outcome);
        Ok(outcome)
    }

    /// Returns true if an index names a child for a wanted platform, or for none.
    fn runs(&self, child: &Descriptor) -> bool {
        child.platform.as_ref().is_none_or(|has| self.wants(has))
    }

    fn wants(&self, has: &Platform) -> bool {
        self.wanted.iter().any(|wanted| has.matches(wanted))
    }

    /// Returns true if a manifest of another index of this image is kept.
    fn is_kept(&self, manifest: &Digest) -> bool {
        self.find(manifest, Kind::Manifest).is_some_and(|found| {
            let platform = found.platform.as_ref().and_then(platform_from_contract);
            platform.is_none_or(|has| self.wants(&has))
        })
    }

    fn find(&self, digest: &Digest, kind: Kind) -> Option<&'a Content> {
        let found = self.contents.get(digest.to_string().as_str()).copied();
        found.filter(|content| content.kind == kind)
    }

    /// Keeps a manifest with its config and its layers.
    fn take(&mut self, child: &Descriptor) {
        if let Some(manifest) = self.find(&child.digest, Kind::Manifest) {
            let below = manifest.children.iter();
            let below = below.filter_map(|position| self.all.get(*position as usize));
            let digests: Vec<_> = below
                .chain([manifest])
                .map(|one| one.digest.clone())
                .collect();
            self.stays.extend(digests);
        }
    }
}
