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
//! list of blobs to them and another to everybody else, and somebody carving by the other list
//! leaves out, or takes along, what nobody has looked at. No tool writes such a manifest by
//! accident, so it is refused here, and so is one that claims to be two things at a time.
//!
//! Beyond that the rule is: what a registry can serve and what has only one meaning is accepted.
//! Layers may be none, or the same one twice, or of a type that we never heard of. As in Go, a
//! `null` is the same as nothing.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use regcarve_types::Digest;

mod descriptor;
mod document;
mod error;
mod fields;
mod kind;
mod read;
#[cfg(test)]
mod tests;
mod values;

pub use descriptor::Descriptor;
pub use error::{ManifestError, Problem};
pub use kind::ManifestType;

/// The largest manifest; registries neither take nor serve larger ones.
pub const MAX_MANIFEST_BYTES: usize = 4 * 1024 * 1024;

/// How many children an index may have. Real ones have a few dozen; each is another file to read.
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
    /// What it says it is, or what it must be.
    pub media_type: ManifestType,
    /// Whether the manifest itself says so; if not, readers guess.
    pub media_type_stated: bool,
    /// The children, in the order in which clients look through them.
    pub manifests: Vec<Descriptor>,
    /// The manifest that this one says something about.
    pub subject: Option<Descriptor>,
    /// Notes of whoever made it.
    pub annotations: BTreeMap<String, String>,
    /// What kind of artifact this is, if it is one.
    pub artifact_type: Option<String>,
}

/// An image: an OCI image manifest or a Docker manifest of schema 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// What it says it is, or what it must be.
    pub media_type: ManifestType,
    /// Whether the manifest itself says so; if not, readers guess.
    pub media_type_stated: bool,
    /// How to run it; for artifacts anything at all.
    pub config: Descriptor,
    /// The contents, bottom first. The same blob may occur more than once.
    pub layers: Vec<Descriptor>,
    /// The manifest that this one says something about.
    pub subject: Option<Descriptor>,
    /// Notes of whoever made it.
    pub annotations: BTreeMap<String, String>,
    /// What kind of artifact this is, if it is one.
    pub artifact_type: Option<String>,
}

/// An image in the first schema: layers without sizes and no config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema1 {
    /// What it says it is, or what it must be.
    pub media_type: ManifestType,
    /// The contents, top first. The same blob often occurs more than once.
    pub layers: Vec<Digest>,
    /// The processor that it runs on.
    pub architecture: Option<String>,
    /// Whether signatures are part of the bytes. They are not part of what the digest of such a
    /// manifest is computed over.
    pub signed: bool,
}

impl Manifest {
    /// Reads a manifest of any kind.
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() > MAX_MANIFEST_BYTES {
            return Err(Problem::TooLarge { found: bytes.len() }.into());
        }
        document::read(bytes, MAX_INDEX_CHILDREN)?
            .classify()
            .map_err(Into::into)
    }

    /// Which of the formats it has.
    pub const fn media_type(&self) -> ManifestType {
        match self {
            Self::Index(index) => index.media_type,
            Self::Image(image) => image.media_type,
            Self::Schema1(schema1) => schema1.media_type,
        }
    }

    /// The manifest that this one says something about.
    pub const fn subject(&self) -> Option<&Descriptor> {
        match self {
            Self::Index(index) => index.subject.as_ref(),
            Self::Image(image) => image.subject.as_ref(),
            Self::Schema1(_) => None,
        }
    }
}

impl Index {
    /// Reads the index of a layout, which is no manifest that a registry would have to serve: it
    /// may be larger, and it needs no `mediaType` even if it is empty.
    pub(crate) fn parse_file(bytes: &[u8], most_entries: usize) -> Result<Self, ManifestError> {
        document::read(bytes, most_entries)?
            .classify_index()
            .map_err(Into::into)
    }
}

impl Image {
    /// The config and the layers.
    pub fn blobs(&self) -> impl Iterator<Item = &Descriptor> {
        core::iter::once(&self.config).chain(&self.layers)
    }
}
