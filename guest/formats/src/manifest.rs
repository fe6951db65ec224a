//! Manifests: the JSON that says which blobs an image consists of.
//!
//! ```text
//!   Index ──▶ Image ──▶ config            Schema1 ──▶ layers      (before 2016, no config)
//!     │         └─────▶ layers
//!     └─────▶ Index …
//! ```
//!
//! A registry and its clients are written in Go, and Go reads JSON in its own way: a key counts in
//! any letter case, and of two equal keys the last one counts. A manifest that uses this means one
//! list of blobs to them and another one to other readers: a release carved by the other list
//! leaves out, or takes along, blobs that were never checked. No tool writes such a manifest by
//! accident, so it is refused here, and so is one that claims to be two things at a time.
//!
//! Apart from that, a manifest is accepted if a registry can serve it and it has one meaning only.
//! Layers may be none, or the same one twice, or of an unknown type. As in Go, a `null` is the
//! same as nothing.

use std::collections::BTreeMap;

use regcarve_types::Digest;

mod descriptor;
mod document;
mod error;
mod key_case;
mod media_type;
mod strict;
#[cfg(test)]
mod tests;

pub use descriptor::Descriptor;
use document::Document;
pub use error::ManifestError;
pub use media_type::ManifestType;

/// The largest manifest; registries neither take nor serve larger ones.
pub const MAX_MANIFEST_BYTES: usize = 4 * 1024 * 1024;

/// The largest number of children of an index. Real ones have a few dozen; each is another file to
/// read.
pub const MAX_INDEX_CHILDREN: usize = 10_000;

/// A manifest of any kind.
#[expect(
    clippy::large_enum_variant,
    reason = "few exist at a time, and each is taken apart where it was made"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manifest {
    /// A list of manifests, usually one for each platform.
    Index(Index),
    /// An image, or anything else that consists of a config and layers.
    Image(Image),
    /// An image in the format that registries stopped serving with version 3.
    Schema1(Schema1),
}

/// A list of manifests: an OCI image index or a Docker manifest list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// The media type that it states, or else the one that it must have.
    pub media_type: ManifestType,
    /// True if the manifest states its media type; if not, readers guess.
    pub media_type_stated: bool,
    /// The children, in the order in which clients look through them.
    pub manifests: Vec<Descriptor>,
    /// The manifest that this one is a referrer of.
    pub subject: Option<Descriptor>,
    /// Annotations, by key.
    pub annotations: BTreeMap<String, String>,
    /// The kind of an artifact.
    pub artifact_type: Option<String>,
}

/// An image: an OCI image manifest or a Docker manifest of schema 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The media type that it states, or else the one that it must have.
    pub media_type: ManifestType,
    /// True if the manifest states its media type; if not, readers guess.
    pub media_type_stated: bool,
    /// The config of an image; for artifacts anything at all.
    pub config: Descriptor,
    /// The layers, bottom first. One blob may occur more than once.
    pub layers: Vec<Descriptor>,
    /// The manifest that this one is a referrer of.
    pub subject: Option<Descriptor>,
    /// Annotations, by key.
    pub annotations: BTreeMap<String, String>,
    /// The kind of an artifact.
    pub artifact_type: Option<String>,
}

/// An image in the first schema: layers without sizes and no config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema1 {
    /// The media type that it states, or else the one that it must have.
    pub media_type: ManifestType,
    /// The layers, top first. One blob often occurs more than once.
    pub layers: Vec<Digest>,
    /// The processor that it runs on.
    pub architecture: Option<String>,
    /// True if signatures are part of the bytes. The digest of such a manifest is computed without
    /// them.
    pub signed: bool,
}

impl Manifest {
    /// Reads a manifest of any kind.
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() > MAX_MANIFEST_BYTES {
            return Err(ManifestError::TooLarge { found: bytes.len() });
        }
        Document::read(bytes, MAX_INDEX_CHILDREN)?.classify()
    }

    /// The format of the manifest.
    pub const fn media_type(&self) -> ManifestType {
        match self {
            Self::Index(index) => index.media_type,
            Self::Image(image) => image.media_type,
            Self::Schema1(schema1) => schema1.media_type,
        }
    }

    /// The manifest that this one is a referrer of.
    pub const fn subject(&self) -> Option<&Descriptor> {
        match self {
            Self::Index(index) => index.subject.as_ref(),
            Self::Image(image) => image.subject.as_ref(),
            Self::Schema1(_) => None,
        }
    }

    /// The annotations of the manifest itself.
    pub fn into_annotations(self) -> BTreeMap<String, String> {
        match self {
            Self::Index(index) => index.annotations,
            Self::Image(image) => image.annotations,
            Self::Schema1(_) => BTreeMap::new(),
        }
    }
}

impl Index {
    /// Reads the index of a layout, which no registry has to serve: it may be larger than a
    /// manifest, and it needs no `mediaType` even if it is empty.
    pub(crate) fn parse_file(bytes: &[u8], most_entries: usize) -> Result<Self, ManifestError> {
        Document::read(bytes, most_entries)?.classify_index()
    }
}

impl Image {
    /// The config and the layers.
    pub fn blobs(&self) -> impl Iterator<Item = &Descriptor> {
        std::iter::once(&self.config).chain(&self.layers)
    }
}
