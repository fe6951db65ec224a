//! Images, as the host knows them: names, digests, sizes and closures.

use std::sync::Arc;

pub use regcarve_types::Kind;
use regcarve_types::{Digest, Platform, Repository, Tag};

use super::request::Origin;

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
    pub blob: B,
    /// Its kind.
    pub kind: Kind,
    /// The media type that this image gives. One string is shared by all entries with that type.
    pub media_type: Arc<str>,
    /// The platform that the naming index gives.
    pub platform: Option<Arc<Platform>>,
    /// For an attestation: its subject.
    pub describes: Option<Box<Digest>>,
    /// True if the image is complete without it.
    pub optional: bool,
    /// The size that this image gives, in bytes.
    pub size: u64,
    /// The blobs that it names, as positions in the closure.
    pub children: Box<[u32]>,
}

impl<B> ClosureEntry<B> {
    /// The entry with its blob named in another way.
    pub fn with_blob<C>(self, blob: C) -> ClosureEntry<C> {
        ClosureEntry {
            blob,
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
    /// The repository in the source.
    pub repository: Arc<Repository>,
    /// The tag, if it has one.
    pub tag: Option<Tag>,
    /// The digest of the top manifest.
    pub digest: Digest,
    /// The closure: every blob once, the top first.
    pub entries: Vec<ClosureEntry>,
    /// Bytes of the closure, each digest counted once.
    pub size: u64,
    /// The list line or flag that asked for it.
    pub origin: Origin,
    /// For a referrer: its subject.
    pub subject: Option<Digest>,
}

impl Image {
    /// The top manifest.
    pub fn top(&self) -> &ClosureEntry {
        &self.entries[0]
    }

    /// The platforms that an index names, without attestations.
    pub fn platforms(&self) -> impl Iterator<Item = &Platform> {
        platforms(&self.entries)
    }

    /// `name:tag`, or `name@digest` without a tag.
    pub fn reference(&self) -> String {
        reference(&self.repository, self.tag.as_ref(), &self.digest)
    }
}

/// The platforms that an index names, without attestations.
pub fn platforms(entries: &[ClosureEntry]) -> impl Iterator<Item = &Platform> {
    entries
        .iter()
        .filter(|entry| entry.kind.is_manifest() && entry.describes.is_none())
        .filter_map(|entry| entry.platform.as_deref())
        .filter(|platform| !platform.is_unknown())
}

/// `name:tag`, or `name@digest` without a tag.
pub fn reference(repository: &Repository, tag: Option<&Tag>, digest: &Digest) -> String {
    match tag {
        Some(tag) => format!("{repository}:{tag}"),
        None => format!("{repository}@{digest}"),
    }
}
