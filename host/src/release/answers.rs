//! Answers of readers, checked: images and where their blobs are, and what an audit of a storage found.

use regcarve_types::{Digest, Repository, Tag};

use super::image::ClosureEntry;

/// A request for one image, by tag, by digest, or by both (which then have to agree).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ImageRequest {
    /// The tag.
    pub tag: Option<Tag>,
    /// The digest of the top manifest.
    pub digest: Option<Digest>,
}

/// The answer to an image request.
#[derive(Debug)]
pub enum Resolution {
    /// The image, as far as the reader knows.
    Found(FoundImage),
    /// The storage has no such repository.
    NoRepository,
    /// The repository has no such image, and why.
    Missing(String),
    /// The image is incomplete or wrong.
    Damaged(Vec<Damage>),
}

/// An image with its closure.
#[derive(Debug)]
pub struct FoundImage {
    /// The tag, if the image was asked for by tag or found by one.
    pub tag: Option<Tag>,
    /// The digest of the top manifest.
    pub digest: Digest,
    /// The closure. The first entry is the top; every digest occurs once; all positions are within the list.
    pub entries: Vec<ClosureEntry<BlobLocation>>,
}

/// A blob and the file that should hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobLocation {
    /// The digest of the blob.
    pub digest: Digest,
    /// The path in the source; a valid [`TreePath`](crate::fs::TreePath).
    pub path: String,
}

/// A file that is wrong or missing, in the words of the component.
#[derive(Debug)]
pub struct Damage {
    /// The path in the storage.
    pub path: String,
    /// The cause.
    pub cause: String,
}

/// Content of a repository besides its tagged images.
#[derive(Debug, Default)]
pub struct UntaggedContent {
    /// Top manifests that no tag reaches, sorted, each once.
    pub manifests: Vec<Digest>,
    /// Damages that resolving images does not show.
    pub damages: Vec<Damage>,
}

/// A program that deletes unused content, and how it would end.
#[derive(Debug)]
pub struct GcCollector {
    /// The program with version and flags, in the words of the component.
    pub name: String,
    /// The predicted end.
    pub outcome: GcOutcome,
}

/// The end of a garbage collection.
#[derive(Debug)]
pub enum GcOutcome {
    /// It would delete this.
    Completes(GcPlan),
    /// It would stop with this error, in the words of the component.
    Aborts(String),
}

/// Content that a garbage collector would delete.
#[derive(Debug)]
pub struct GcPlan {
    /// Manifests that a repository would no longer serve.
    pub manifests: Vec<(Repository, Digest)>,
    /// Blob files.
    pub blobs: Vec<UnreferencedBlob>,
    /// Blobs that a repository would no longer serve.
    pub links: Vec<(Repository, Digest)>,
}

/// A blob file that no manifest references.
#[derive(Debug)]
pub struct UnreferencedBlob {
    /// The digest of the blob.
    pub digest: Digest,
    /// The path of the file, as the reader gives it.
    pub path: String,
    /// The size in bytes, as the reader gives it.
    pub size: u64,
}
