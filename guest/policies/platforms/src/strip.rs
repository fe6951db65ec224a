//! Indexes that name only what travels.
//!
//! Nested indexes come before those that name them, since these need the new digests. An index of which nothing is
//! left goes, too.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use regcarve_formats::{Descriptor, Replacement, strip_index};
use regcarve_policy_kit::policy::inside::{self, Inside};
use regcarve_policy_kit::policy::{Decision, NewManifest, Rewritten};
use regcarve_policy_kit::{Content, Kind};
use regcarve_types::{Digest, Platform};
use sha2::{Digest as _, Sha256};

use crate::named::{children, read};

/// What becomes of an index.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Nothing is left of it.
    Gone,
    /// There is nothing to take out.
    Same,
    /// Another one takes its place.
    New(Replacement),
}

struct Strip<'a> {
    wanted: &'a [Platform],
    contents: BTreeMap<&'a str, &'a Content>,
    all: &'a [Content],
    fates: BTreeMap<String, Fate>,
    manifests: Vec<NewManifest>,
    stays: BTreeSet<String>,
}

/// Strips the index of an image down to these platforms.
pub(crate) fn strip(inside: &Inside, wanted: &[Platform]) -> Result<Decision, String> {
    let all = inside.contents();
    let mut strip = Strip {
        wanted,
        contents: all
            .iter()
            .map(|content| (content.digest.as_str(), content))
            .collect(),
        all,
        fates: BTreeMap::new(),
        manifests: Vec::new(),
        stays: BTreeSet::new(),
    };
    let top = all.first().ok_or("the image has no content")?;
    match strip.index(top)? {
        Fate::Same => Ok(Decision::Keep),
        Fate::Gone => Ok(Decision::Missing("none of its platforms is left".into())),
        Fate::New(_) => Ok(Decision::Rewrite(Rewritten {
            manifests: strip.manifests,
            contents: strip.stays.into_iter().collect(),
        })),
    }
}

impl<'a> Strip<'a> {
    fn index(&mut self, index: &Content) -> Result<Fate, String> {
        if let Some(fate) = self.fates.get(&index.digest) {
            return Ok(*fate);
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
                    Fate::New(new) => drop(replaced.insert(child.digest, new)),
                    Fate::Gone => drop(gone.insert(child.digest)),
                    Fate::Same => {}
                }
            }
        }
        let keep = |child: &Descriptor| match child.attestation_for() {
            // Only asked where what it speaks of is not in this very index.
            Some(subject) => self.travels(&subject),
            None => self.runs(child) && !gone.contains(&child.digest),
        };
        let new = strip_index(&bytes, &keep, &replaced).map_err(|error| failed(&error))?;
        let left = children(&new).map_err(|error| failed(&error))?;
        for child in &left {
            self.take(child);
        }
        let fate = if left.is_empty() && !before.is_empty() {
            Fate::Gone
        } else if new == bytes {
            self.stays.insert(index.digest.clone());
            Fate::Same
        } else {
            let (digest, size) = (digest(&new)?, new.len() as u64);
            self.manifests.push(NewManifest {
                media_type: index.media_type.clone(),
                bytes: new,
                instead_of: index.digest.clone(),
            });
            Fate::New(Replacement { digest, size })
        };
        self.fates.insert(index.digest.clone(), fate);
        Ok(fate)
    }

    /// Whether an index names a child for a wanted platform, or for none.
    fn runs(&self, child: &Descriptor) -> bool {
        child.platform.as_ref().is_none_or(|has| self.wants(has))
    }

    fn wants(&self, has: &Platform) -> bool {
        self.wanted.iter().any(|wanted| has.matches(wanted))
    }

    /// Whether a manifest of another index of this image travels.
    fn travels(&self, manifest: &Digest) -> bool {
        self.find(manifest, Kind::Manifest).is_some_and(|found| {
            let platform = found.platform.as_ref().and_then(inside::platform);
            platform.is_none_or(|has| self.wants(&has))
        })
    }

    fn find(&self, digest: &Digest, kind: Kind) -> Option<&'a Content> {
        let found = self.contents.get(digest.to_string().as_str()).copied();
        found.filter(|content| content.kind == kind)
    }

    /// Notes that a manifest travels with its config and its layers.
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

fn digest(bytes: &[u8]) -> Result<Digest, String> {
    let mut text = String::from("sha256:");
    for byte in Sha256::digest(bytes) {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    Digest::parse(&text).map_err(|error| error.to_string())
}
