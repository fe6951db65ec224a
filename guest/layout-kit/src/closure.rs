//! The closure of an image: everything that is reached from its top manifest, whatever the storage.
//!
//! A format says where its storage keeps a manifest or a blob ([`Store`]); [`closure`] follows what manifests name,
//! from the top to the last layer:
//!
//! ```text
//!   index ──▶ index ──▶ manifest ──▶ config
//!        ╲                      ╲──▶ layer, layer, …
//!         ╲──▶ attestation ──▶ …      (describes the manifest beside it)
//! ```
//!
//! A blob that the storage lacks is *kept* in the closure, with the path where it should be: whether it is needed is
//! decided later, when it is known which platforms travel. The host looks at every path.

use std::collections::{HashMap, HashSet};

use regcarve_formats::{Descriptor, Manifest, ManifestType, Schema1};
use regcarve_types::{Digest, Platform};

use crate::raw::{self, ClosureEntry, Damage, Kind, LocatedEntry};
use crate::source;

/// The deepest nesting of indexes. In practice it is three at most.
const MAX_DEPTH: usize = 8;
/// The largest closure of one image.
const MAX_ENTRIES: usize = 100_000;
/// The media type that registries give to layers of schema 1.
const SCHEMA1_LAYER: &str = "application/vnd.docker.container.image.rootfs.diff+x-gtar";

/// The file of a manifest.
pub struct ManifestFile {
    /// The path of the file, also of one that is missing.
    pub path: String,
    /// The content, of which the host has checked the digest; `None` if the file is missing.
    pub bytes: Option<Vec<u8>>,
}

/// The file of a blob.
pub struct BlobFile {
    /// The path of the file, also of one that is missing.
    pub path: String,
    /// The size in bytes, if it was asked for and the file exists.
    pub size: Option<u64>,
}

impl ManifestFile {
    /// Reads the file of a manifest.
    ///
    /// # Errors
    ///
    /// The damage of the file.
    pub fn read(path: String, digest: Digest) -> Result<Self, Damage> {
        let bytes = source::read_blob(&path, digest)?;
        Ok(Self { path, bytes })
    }
}

impl BlobFile {
    /// A file at this path; it is looked at only if its size is needed.
    ///
    /// # Errors
    ///
    /// The damage of the file.
    pub fn at(path: String, need_size: bool) -> Result<Self, Damage> {
        let size = match need_size {
            true => source::file_size(&path)?,
            false => None,
        };
        Ok(Self { path, size })
    }
}

/// A storage in which blobs are looked up.
pub trait Store {
    /// Reads a manifest.
    ///
    /// # Errors
    ///
    /// The damage that makes it unreadable.
    fn manifest(&mut self, digest: Digest) -> Result<ManifestFile, Damage>;

    /// Finds a blob, and its size if `need_size`.
    ///
    /// # Errors
    ///
    /// The damage that hides it.
    fn blob(&mut self, digest: Digest, need_size: bool) -> Result<BlobFile, Damage>;
}

/// One blob of a closure, and its file.
#[derive(Debug, Clone)]
pub struct Located {
    /// The digest of the blob.
    pub digest: Digest,
    /// The media type; empty for a top manifest that is missing.
    pub media_type: String,
    /// The size in bytes.
    pub size: u64,
    /// How the image uses the blob.
    pub kind: Kind,
    /// The platform in the descriptor.
    pub platform: Option<Platform>,
    /// The manifest that an attestation describes.
    pub describes: Option<Digest>,
    /// Positions in the closure of the blobs that it names.
    pub children: Vec<u32>,
    /// The path of the file.
    pub path: String,
    /// The image is complete without it.
    pub optional: bool,
}

impl Located {
    fn new(digest: Digest, kind: Kind, media_type: String, size: u64, path: String) -> Self {
        Self {
            digest,
            media_type,
            size,
            kind,
            platform: None,
            describes: None,
            children: Vec::new(),
            path,
            optional: false,
        }
    }

    /// Adds the fields that only the descriptor in an index has.
    fn described_by(mut self, descriptor: Option<&Descriptor>) -> Self {
        self.platform = descriptor.and_then(|descriptor| descriptor.platform.clone());
        self.describes = descriptor.and_then(Descriptor::attestation_for);
        self
    }

    /// Answers whether it can name other blobs.
    pub fn is_manifest(&self) -> bool {
        matches!(self.kind, Kind::Index | Kind::Manifest)
    }
}

impl From<Located> for LocatedEntry {
    fn from(located: Located) -> Self {
        let platform = |platform: Platform| raw::Platform {
            os: platform.os().into(),
            architecture: platform.architecture().into(),
            variant: platform.variant().map(Into::into),
            os_version: platform.os_version().map(Into::into),
        };
        Self {
            entry: ClosureEntry {
                digest: located.digest.to_string(),
                media_type: located.media_type,
                size: located.size,
                kind: located.kind,
                platform: located.platform.map(platform),
                describes: located.describes.map(|digest| digest.to_string()),
                children: located.children,
            },
            path: located.path,
            optional: located.optional,
        }
    }
}

/// Follows a manifest to everything that belongs to it. The first entry is the top.
///
/// # Errors
///
/// Everything that is wrong, as far as it can be followed.
pub fn closure(store: &mut impl Store, top: Digest) -> Result<Vec<Located>, Vec<Damage>> {
    let mut walk = Walk {
        store,
        entries: Vec::new(),
        positions: HashMap::new(),
        damages: Vec::new(),
    };
    walk.manifest(top, None, 0);
    if walk.damages.is_empty() {
        Ok(walk.entries)
    } else {
        Err(walk.damages)
    }
}

/// The manifest that a manifest has as its `subject`, if any.
///
/// Bytes that are not a manifest have none here; that they are not is reported where they are resolved.
pub fn subject_of(manifest: &[u8]) -> Option<Digest> {
    Some(Manifest::parse(manifest).ok()?.subject()?.digest)
}

struct Walk<'s, S> {
    store: &'s mut S,
    entries: Vec<Located>,
    positions: HashMap<Digest, u32>,
    damages: Vec<Damage>,
}

impl<S: Store> Walk<'_, S> {
    /// Adds a manifest and everything that it names; `naming` is its descriptor in the index above. Returns its
    /// position, or `None` if it could not be added (then there is a damage).
    fn manifest(
        &mut self,
        digest: Digest,
        naming: Option<&Descriptor>,
        depth: usize,
    ) -> Option<u32> {
        let known = self.positions.get(&digest).copied();
        if let Some(position) = known
            && self.entries[position as usize].is_manifest()
        {
            // An index may name it for a second platform. The contract has room for the first: a policy that
            // needs all of them reads the index.
            return Some(position);
        }
        let file = self.store.manifest(digest);
        let ManifestFile { path, bytes } = self.or_damage(file)?;
        let Some(bytes) = bytes else {
            return self.put(known, missing_manifest(digest, path, naming));
        };
        if depth > MAX_DEPTH {
            return self.damaged(
                path,
                format!("indexes are nested more than {MAX_DEPTH} deep"),
            );
        }
        let manifest = match Manifest::parse(&bytes) {
            Ok(manifest) => manifest,
            Err(error) => {
                return self.damaged(path, format!("the manifest {digest} is refused: {error}"));
            }
        };
        let size = bytes.len() as u64;
        if let Some(naming) = naming
            && naming.size != size
        {
            let stated = naming.size;
            let cause = format!("it has {size} bytes, but the index above it says {stated}");
            self.damaged(path.clone(), cause);
        }
        let kind = match manifest {
            Manifest::Index(_) => Kind::Index,
            _ => Kind::Manifest,
        };
        let media_type = manifest.media_type().as_str().to_owned();
        let itself = Located::new(digest, kind, media_type, size, path).described_by(naming);
        let position = self.put(known, itself)?;
        let children = self.children(&manifest, depth);
        self.entries[position as usize].children = once_each(children);
        Some(position)
    }

    fn children(&mut self, manifest: &Manifest, depth: usize) -> Vec<u32> {
        match manifest {
            Manifest::Index(index) => index
                .manifests
                .iter()
                .filter_map(|child| self.manifest(child.digest, Some(child), depth + 1))
                .collect(),
            Manifest::Image(image) => {
                let layers = image.layers.iter().map(|layer| (layer, Kind::Layer));
                std::iter::once((&image.config, Kind::Config))
                    .chain(layers)
                    .filter_map(|(descriptor, kind)| self.blob(descriptor, kind))
                    .collect()
            }
            Manifest::Schema1(schema1) => self.schema1_layers(schema1),
        }
    }

    fn blob(&mut self, descriptor: &Descriptor, kind: Kind) -> Option<u32> {
        // Only layers are downloaded from elsewhere, whatever else has `urls`.
        let optional = kind == Kind::Layer && !descriptor.urls.is_empty();
        if let Some(position) = self.positions.get(&descriptor.digest) {
            // A descriptor without `urls` needs it here.
            self.entries[*position as usize].optional &= optional;
            return Some(*position);
        }
        let file = self.store.blob(descriptor.digest, false);
        let path = self.or_damage(file)?.path;
        let media_type = descriptor.media_type.clone();
        let mut located = Located::new(descriptor.digest, kind, media_type, descriptor.size, path);
        located.optional = optional;
        self.add(located)
    }

    /// Layers of schema 1, which does not state their sizes.
    fn schema1_layers(&mut self, schema1: &Schema1) -> Vec<u32> {
        let mut positions = Vec::new();
        for digest in &schema1.layers {
            if let Some(position) = self.positions.get(digest) {
                self.entries[*position as usize].optional = false;
                positions.push(*position);
                continue;
            }
            let file = self.store.blob(*digest, true);
            if let Some(BlobFile { path, size }) = self.or_damage(file) {
                let size = size.unwrap_or(0);
                let layer = Located::new(*digest, Kind::Layer, SCHEMA1_LAYER.into(), size, path);
                positions.extend(self.add(layer));
            }
        }
        positions
    }

    /// Adds a manifest. If another manifest has it as a layer, it takes the place of that: as a manifest it has
    /// a closure of its own.
    fn put(&mut self, known: Option<u32>, located: Located) -> Option<u32> {
        match known {
            Some(position) => self.entries[position as usize] = located,
            None => return self.add(located),
        }
        known
    }

    fn add(&mut self, located: Located) -> Option<u32> {
        if self.entries.len() >= MAX_ENTRIES {
            let cause = format!("the image has more than {MAX_ENTRIES} blobs");
            return self.damaged(located.path, cause);
        }
        let position = u32::try_from(self.entries.len()).ok()?;
        self.positions.insert(located.digest, position);
        self.entries.push(located);
        Some(position)
    }

    fn damaged(&mut self, path: String, cause: String) -> Option<u32> {
        self.damages.push(Damage { path, cause });
        None
    }

    fn or_damage<T>(&mut self, found: Result<T, Damage>) -> Option<T> {
        found.map_err(|damage| self.damages.push(damage)).ok()
    }
}

/// A manifest that the storage lacks, as far as its descriptor describes it.
fn missing_manifest(digest: Digest, path: String, naming: Option<&Descriptor>) -> Located {
    let (media_type, size) = match naming {
        Some(naming) => (naming.media_type.clone(), naming.size),
        None => (String::new(), 0),
    };
    let kind = match ManifestType::from_media_type(&media_type) {
        Some(ManifestType::OciIndex | ManifestType::DockerList) => Kind::Index,
        _ => Kind::Manifest,
    };
    Located::new(digest, kind, media_type, size, path).described_by(naming)
}

/// A manifest may name the same blob twice.
fn once_each(mut positions: Vec<u32>) -> Vec<u32> {
    let mut seen = HashSet::new();
    positions.retain(|position| seen.insert(*position));
    positions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects() {
        let descriptor = format!(
            r#"{{"mediaType":"a/b","digest":"{}","size":1}}"#,
            Digest::sha256([1; 32])
        );
        let manifest = format!(
            r#"{{"schemaVersion":2,"config":{descriptor},"layers":[],"subject":{descriptor}}}"#
        );
        assert_eq!(
            subject_of(manifest.as_bytes()),
            Some(Digest::sha256([1; 32]))
        );
        assert_eq!(subject_of(b"{}"), None);
    }
}
