//! All that belongs to an image, whatever the storage.
//!
//! A layout says where its storage keeps a manifest or a blob ([`Store`]); [`closure`] follows what
//! manifests name, from the top to the last layer:
//!
//! ```text
//!   index ──▶ index ──▶ manifest ──▶ config
//!        ╲                      ╲──▶ layer, layer, …
//!         ╲──▶ attestation ──▶ …      (describes the manifest beside it)
//! ```
//!
//! What a storage should have and has not is *kept* in the closure, with the path where it should be: whether that
//! matters is decided later, when it is known which platforms travel. The host looks at every path.
//!
//! Beside it is what every layout needs around that walk: [`entries`] of a directory, [`asked_digest`] of a
//! wish, [`attached_by_tag`], and failures in the words of a report.

mod attachments;
mod bindings;
mod failure;
mod files;
mod listing;
pub mod raw;
mod uses;
mod wish;

use std::collections::HashMap;

use crate::raw::{ClosureEntry, Damage, Kind, LocatedEntry, Platform};
use regcarve_formats::{Descriptor, Manifest, ManifestType, Schema1};
use regcarve_types::Digest;

#[doc(hidden)]
pub use bindings::generated;
pub use raw::report_panics;

pub use attachments::{Unreadable, attached_by_tag, subject_of};
pub use failure::{cause, invalid};
pub use files::wrong_files;
pub use listing::{directories, entries, unlisted};
pub use uses::{Uses, uses};
pub use wish::{asked_digest, pinned_digest, repository_name, resolve_each};

/// How deep indexes may stand in indexes. Nobody has been seen to use more than three levels.
const MAX_DEPTH: usize = 8;
/// How much content one image may have.
const MAX_CONTENTS: usize = 100_000;

/// What a storage says of a manifest.
pub enum ManifestFile {
    /// Its bytes, of which the host has checked the digest, and where they are.
    Present {
        /// The file.
        path: String,
        /// What it holds.
        bytes: Vec<u8>,
    },
    /// It is not there.
    Absent {
        /// Where it should be.
        path: String,
    },
}

/// What a storage says of a blob.
pub struct BlobFile {
    /// Where it is, or should be.
    pub path: String,
    /// Its size, for those who do not know it. Asked for by `need_size`.
    pub size: Option<u64>,
}

/// A storage that content is looked up in.
pub trait Store {
    /// Reads a manifest.
    fn manifest(&mut self, digest: Digest) -> Result<ManifestFile, Damage>;
    /// Finds a blob; with `need_size` also how long it is.
    fn blob(&mut self, digest: Digest, need_size: bool) -> Result<BlobFile, Damage>;
}

/// Follows a manifest to everything that belongs to it. The first is the top.
///
/// # Errors
///
/// All that is wrong, as far as it can be followed.
pub fn closure(store: &mut impl Store, top: Digest) -> Result<Vec<LocatedEntry>, Vec<Damage>> {
    let mut walk = Walk {
        store,
        contents: Vec::new(),
        positions: HashMap::new(),
        damages: Vec::new(),
    };
    walk.manifest(top, None, 0);
    if walk.damages.is_empty() {
        Ok(walk.contents)
    } else {
        Err(walk.damages)
    }
}

struct Walk<'s, S> {
    store: &'s mut S,
    contents: Vec<LocatedEntry>,
    positions: HashMap<Digest, u32>,
    damages: Vec<Damage>,
}

impl<S: Store> Walk<'_, S> {
    /// Adds a manifest and all that it names; `naming` is the descriptor in the index above it. Returns its
    /// position, or nothing if it could not be added (then there is a damage).
    fn manifest(
        &mut self,
        digest: Digest,
        naming: Option<&Descriptor>,
        depth: usize,
    ) -> Option<u32> {
        let known = self.positions.get(&digest).copied();
        if let Some(position) = known
            && uses::is_manifest(self.contents[position as usize].entry.kind)
        {
            // An index may name it for a second platform. The contract has room for the first: whoever has to know
            // all of them reads the index.
            return Some(position);
        }
        let file = match self.store.manifest(digest) {
            Ok(file) => file,
            Err(damage) => {
                self.damages.push(damage);
                return None;
            }
        };
        let (path, bytes) = match file {
            ManifestFile::Present { path, bytes } => (path, bytes),
            ManifestFile::Absent { path } => {
                let kind = match naming {
                    Some(naming) if is_index(&naming.media_type) => Kind::Index,
                    _ => Kind::Manifest,
                };
                let size = naming.map_or(0, |naming| naming.size);
                let media_type = naming
                    .map(|naming| naming.media_type.clone())
                    .unwrap_or_default();
                return self.put(
                    known,
                    digest,
                    located(digest, kind, media_type, size, path, naming),
                );
            }
        };
        let damaged = |cause: String| Damage {
            path: path.clone(),
            cause,
        };
        if depth > MAX_DEPTH {
            self.damages.push(damaged(format!(
                "indexes stand in indexes more than {MAX_DEPTH} deep"
            )));
            return None;
        }
        let manifest = match Manifest::parse(&bytes) {
            Ok(manifest) => manifest,
            Err(error) => {
                self.damages.push(damaged(format!(
                    "the manifest {digest} is refused: {error}"
                )));
                return None;
            }
        };
        if let Some(naming) = naming
            && naming.size != bytes.len() as u64
        {
            let cause = format!(
                "it has {} bytes, but the index above it says {}",
                bytes.len(),
                naming.size
            );
            self.damages.push(damaged(cause));
        }
        let kind = if matches!(manifest, Manifest::Index(_)) {
            Kind::Index
        } else {
            Kind::Manifest
        };
        let media_type = manifest.media_type().as_str().to_owned();
        let itself = located(digest, kind, media_type, bytes.len() as u64, path, naming);
        let position = self.put(known, digest, itself)?;
        let children: Vec<u32> = match &manifest {
            Manifest::Index(index) => index
                .manifests
                .iter()
                .filter_map(|child| self.manifest(child.digest, Some(child), depth + 1))
                .collect(),
            Manifest::Image(image) => {
                let config = self.blob(&image.config, Kind::Config);
                let layers = image
                    .layers
                    .iter()
                    .map(|layer| self.blob(layer, Kind::Layer));
                std::iter::once(config)
                    .chain(layers.collect::<Vec<_>>())
                    .flatten()
                    .collect()
            }
            Manifest::Schema1(schema1) => self.old_layers(schema1),
        };
        self.contents[position as usize].entry.children = once_each(children);
        Some(position)
    }

    fn blob(&mut self, descriptor: &Descriptor, kind: Kind) -> Option<u32> {
        // Only layers come from elsewhere, whatever else has an address.
        let optional = kind == Kind::Layer && !descriptor.urls.is_empty();
        if let Some(position) = self.positions.get(&descriptor.digest) {
            // Whoever gives no other place for it needs it here.
            self.contents[*position as usize].optional &= optional;
            return Some(*position);
        }
        match self.store.blob(descriptor.digest, false) {
            Ok(file) => {
                let media_type = descriptor.media_type.clone();
                let mut blob = located(
                    descriptor.digest,
                    kind,
                    media_type,
                    descriptor.size,
                    file.path,
                    None,
                );
                blob.optional = optional;
                self.add(descriptor.digest, blob)
            }
            Err(damage) => {
                self.damages.push(damage);
                None
            }
        }
    }

    /// Layers of the first schema, which does not say how long they are.
    fn old_layers(&mut self, schema1: &Schema1) -> Vec<u32> {
        let mut positions = Vec::new();
        for digest in &schema1.layers {
            if let Some(position) = self.positions.get(digest) {
                self.contents[*position as usize].optional = false;
                positions.push(*position);
                continue;
            }
            match self.store.blob(*digest, true) {
                Ok(file) => {
                    let size = file.size.unwrap_or(0);
                    positions.extend(self.add(
                        *digest,
                        located(
                            *digest,
                            Kind::Layer,
                            OLD_LAYER.into(),
                            size,
                            file.path,
                            None,
                        ),
                    ));
                }
                Err(damage) => self.damages.push(damage),
            }
        }
        positions
    }

    /// Adds a manifest. If another manifest has it as a layer, it takes the place of that: as a manifest it has
    /// a closure of its own.
    fn put(&mut self, known: Option<u32>, digest: Digest, located: LocatedEntry) -> Option<u32> {
        match known {
            Some(position) => self.contents[position as usize] = located,
            None => return self.add(digest, located),
        }
        known
    }

    fn add(&mut self, digest: Digest, located: LocatedEntry) -> Option<u32> {
        if self.contents.len() >= MAX_CONTENTS {
            let cause = format!("the image has more than {MAX_CONTENTS} pieces of content");
            self.damages.push(Damage {
                path: located.path,
                cause,
            });
            return None;
        }
        let position = u32::try_from(self.contents.len()).ok()?;
        self.contents.push(located);
        self.positions.insert(digest, position);
        Some(position)
    }
}

/// What layers of the first schema are, in the words of registries.
const OLD_LAYER: &str = "application/vnd.docker.container.image.rootfs.diff+x-gtar";

fn is_index(media_type: &str) -> bool {
    ManifestType::from_media_type(media_type)
        .is_some_and(|kind| matches!(kind, ManifestType::OciIndex | ManifestType::DockerList))
}

fn located(
    digest: Digest,
    kind: Kind,
    media_type: String,
    size: u64,
    path: String,
    naming: Option<&Descriptor>,
) -> LocatedEntry {
    let platform = naming
        .and_then(|naming| naming.platform.as_ref())
        .map(|platform| Platform {
            os: platform.os().into(),
            architecture: platform.architecture().into(),
            variant: platform.variant().map(Into::into),
            os_version: platform.os_version().map(Into::into),
        });
    let describes = naming
        .and_then(Descriptor::attestation_for)
        .map(|digest| digest.to_string());
    let entry = ClosureEntry {
        digest: digest.to_string(),
        media_type,
        size,
        kind,
        platform,
        describes,
        children: Vec::new(),
    };
    LocatedEntry {
        entry,
        path,
        optional: false,
    }
}

/// A manifest may name the same content twice.
fn once_each(mut positions: Vec<u32>) -> Vec<u32> {
    let mut seen = std::collections::HashSet::new();
    positions.retain(|position| seen.insert(*position));
    positions
}
