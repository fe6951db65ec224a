//! Images, as the host knows them: names, digests, sizes, and what belongs together.

use std::sync::Arc;

use regcarve_types::{Digest, Platform, Repository, Tag};

use super::request::Origin;

/// What a piece of content is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Lists other manifests.
    Index,
    /// Names a config and layers.
    Manifest,
    /// The config blob of a manifest.
    Config,
    /// Any other blob of a manifest.
    Layer,
}

impl Kind {
    /// Whether it can name other content.
    pub fn is_manifest(self) -> bool {
        matches!(self, Self::Index | Self::Manifest)
    }
}

/// A position in the [`BlobTable`](super::blob_table::BlobTable) of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobId(pub u32);

/// A blob in the closure of an image.
///
/// `B` is how the blob is named: by its id in the [`BlobTable`](super::blob_table::BlobTable), or by its
/// [`BlobLocation`](super::answers::BlobLocation) in the answer of a reader.
#[derive(Debug, Clone)]
pub struct ClosureEntry<B = BlobId> {
    /// The blob.
    pub content: B,
    /// What it is for, in this image.
    pub kind: Kind,
    /// What this image calls it. Shared by all that call it so.
    pub media_type: Arc<str>,
    /// The platform that the naming index gives.
    pub platform: Option<Arc<Platform>>,
    /// For an attestation: the manifest that it speaks of.
    pub describes: Option<Box<Digest>>,
    /// Whether the image is whole without it.
    pub optional: bool,
    /// What this image says of its size, in bytes.
    pub size: u64,
    /// Positions in the same closure.
    pub children: Box<[u32]>,
}

impl<B> ClosureEntry<B> {
    /// The entry with its blob named in another way.
    pub fn with_blob<C>(self, blob: C) -> ClosureEntry<C> {
        ClosureEntry {
            content: blob,
            kind: self.kind,
            media_type: self.media_type,
            platform: self.platform,
            describes: self.describes,
            optional: self.optional,
            size: self.size,
            children: self.children,
        }
    }
}

/// A resolved image.
#[derive(Debug, Clone)]
pub struct Image {
    /// Where it is kept in the source.
    pub repository: Arc<Repository>,
    /// Under which tag, if it has one.
    pub tag: Option<Tag>,
    /// Of the top manifest.
    pub digest: Digest,
    /// The closure: every content once, the top first.
    pub items: Vec<ClosureEntry>,
    /// Bytes of the closure, each digest counted once.
    pub size: u64,
    /// Who asked for it.
    pub origin: Origin,
    /// For an artifact that came along: the manifest that it speaks of.
    pub subject: Option<Digest>,
}

impl Image {
    /// The top manifest.
    pub fn top(&self) -> &ClosureEntry {
        &self.items[0]
    }

    /// The platforms that an index names, without attestations.
    pub fn platforms(&self) -> impl Iterator<Item = &Platform> {
        platforms(&self.items)
    }

    /// `name:tag`, or `name@digest` without a tag.
    pub fn reference(&self) -> String {
        reference(&self.repository, self.tag.as_ref(), &self.digest)
    }
}

/// The platforms that an index names, without attestations.
pub fn platforms(items: &[ClosureEntry]) -> impl Iterator<Item = &Platform> {
    items
        .iter()
        .filter(|item| item.kind.is_manifest() && item.describes.is_none())
        .filter_map(|item| item.platform.as_deref())
        .filter(|platform| platform.os() != "unknown")
}

/// `name:tag`, or `name@digest` without a tag.
pub fn reference(repository: &Repository, tag: Option<&Tag>, digest: &Digest) -> String {
    match tag {
        Some(tag) => format!("{repository}:{tag}"),
        None => format!("{repository}@{digest}"),
    }
}
