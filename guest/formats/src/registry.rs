//! The files of a registry, relative to its `rootdirectory`.
//!
//! ```text
//!   docker/registry/v2
//!   ├── blobs/<alg>/<2 digits>/<hex>/data        bytes of a manifest, config or layer
//!   └── repositories/<name>
//!       ├── _layers/<alg>/<hex>/link             "this repository may serve that blob"
//!       ├── _manifests
//!       │   ├── revisions/<alg>/<hex>/link       "this repository may serve that manifest"
//!       │   └── tags/<tag>
//!       │       ├── current/link                 which manifest the tag names
//!       │       └── index/<alg>/<hex>/link       which ones it ever named
//!       └── _uploads/…                           uploads in progress, never looked at
//! ```
//!
//! A `link` file holds a digest and nothing else. It need not be the digest in its path: a blob that was
//! pushed by its `sha512` is stored by its `sha256`, and both links hold `sha256:…`. So the path of a
//! blob is made from the content of a link, never from a descriptor.
//!
//! [`Place::path`] and [`parse()`] are inverse; a property test checks it.

use std::fmt::{self, Write};

use regcarve_types::{Digest, Repository, Tag};

mod parse;
#[cfg(test)]
mod tests;

pub use parse::{NotAPlace, parse};

/// The folder that holds everything, below the `rootdirectory`.
pub const ROOT: &str = "docker/registry/v2";

/// A file or folder of a storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place<'a> {
    /// The folder of all blobs.
    Blobs,
    /// The bytes of a manifest, config or layer.
    BlobData {
        /// The digest of the bytes.
        digest: Digest,
    },
    /// The folder of all repositories.
    Repositories,
    /// The folder of a repository, and of those whose names continue its own.
    Repository {
        /// The repository.
        repository: &'a Repository,
    },
    /// The folder of links to the blobs that a repository may serve. Garbage collection fails where
    /// it is missing, so an empty one is made where there are none.
    Layers {
        /// The repository.
        repository: &'a Repository,
    },
    /// The link to a blob that a repository may serve; registry 2.1 linked manifests here too.
    LayerLink {
        /// The repository.
        repository: &'a Repository,
        /// The digest by which the blob is pulled.
        digest: Digest,
    },
    /// The folder of manifests and tags, which every repository has.
    Manifests {
        /// The repository.
        repository: &'a Repository,
    },
    /// The folder of links to the manifests that a repository may serve.
    Revisions {
        /// The repository.
        repository: &'a Repository,
    },
    /// The link to a manifest that a repository may serve.
    RevisionLink {
        /// The repository.
        repository: &'a Repository,
        /// The manifest.
        digest: Digest,
    },
    /// The folder of the tags of a repository. Every name in it is listed as a tag.
    Tags {
        /// The repository.
        repository: &'a Repository,
    },
    /// The link to the manifest that a tag names.
    CurrentTag {
        /// The repository.
        repository: &'a Repository,
        /// The tag.
        tag: &'a Tag,
    },
    /// The folder of links to the manifests that a tag names or once named.
    TagHistory {
        /// The repository.
        repository: &'a Repository,
        /// The tag.
        tag: &'a Tag,
    },
    /// The link to a manifest that a tag names or once named.
    TagIndex {
        /// The repository.
        repository: &'a Repository,
        /// The tag.
        tag: &'a Tag,
        /// The manifest.
        digest: Digest,
    },
}

impl Place<'_> {
    /// The path of this place, relative to the `rootdirectory`.
    pub fn path(&self) -> String {
        // Above the longest rest of a path: fixed names, an algorithm, and two digits of a blob.
        const FIXED: usize = 80;
        let variable = match self {
            Self::Blobs | Self::Repositories => 0,
            Self::BlobData { digest } => digest.algorithm().hex_length(),
            Self::Repository { repository }
            | Self::Layers { repository }
            | Self::Manifests { repository }
            | Self::Revisions { repository }
            | Self::Tags { repository } => repository.as_str().len(),
            Self::LayerLink { repository, digest } | Self::RevisionLink { repository, digest } => {
                repository.as_str().len() + digest.algorithm().hex_length()
            }
            Self::CurrentTag { repository, tag } | Self::TagHistory { repository, tag } => {
                repository.as_str().len() + tag.as_str().len()
            }
            Self::TagIndex {
                repository,
                tag,
                digest,
            } => {
                let names = repository.as_str().len() + tag.as_str().len();
                names + digest.algorithm().hex_length()
            }
        };
        let mut path = String::with_capacity(FIXED + variable);
        // Writing to a text cannot fail.
        let _ = self.write(&mut path);
        path
    }

    /// The digest in the path, of a blob or of a link by digest.
    pub const fn digest(&self) -> Option<Digest> {
        match self {
            Self::BlobData { digest }
            | Self::LayerLink { digest, .. }
            | Self::RevisionLink { digest, .. }
            | Self::TagIndex { digest, .. } => Some(*digest),
            _ => None,
        }
    }

    fn write(&self, out: &mut impl Write) -> fmt::Result {
        out.write_str(ROOT)?;
        match self {
            Self::Blobs | Self::BlobData { .. } => out.write_str("/blobs")?,
            Self::Repositories => out.write_str("/repositories")?,
            Self::Repository { repository }
            | Self::Layers { repository }
            | Self::LayerLink { repository, .. }
            | Self::Manifests { repository }
            | Self::Revisions { repository }
            | Self::RevisionLink { repository, .. }
            | Self::Tags { repository }
            | Self::CurrentTag { repository, .. }
            | Self::TagHistory { repository, .. }
            | Self::TagIndex { repository, .. } => {
                out.write_str("/repositories/")?;
                out.write_str(repository.as_str())?;
            }
        }
        match self {
            Self::Blobs | Self::Repositories | Self::Repository { .. } => Ok(()),
            Self::BlobData { digest } => {
                let hex = digest.hex();
                folders(out, &[digest.algorithm().name(), &hex[..2], &hex, "data"])
            }
            Self::Layers { .. } => out.write_str("/_layers"),
            Self::LayerLink { digest, .. } => {
                out.write_str("/_layers")?;
                write_link(out, digest)
            }
            Self::Manifests { .. } => out.write_str("/_manifests"),
            Self::Revisions { .. } => out.write_str("/_manifests/revisions"),
            Self::RevisionLink { digest, .. } => {
                out.write_str("/_manifests/revisions")?;
                write_link(out, digest)
            }
            Self::Tags { .. } => out.write_str("/_manifests/tags"),
            Self::CurrentTag { tag, .. } => {
                folders(out, &["_manifests/tags", tag.as_str(), "current/link"])
            }
            Self::TagHistory { tag, .. } => {
                folders(out, &["_manifests/tags", tag.as_str(), "index"])
            }
            Self::TagIndex { tag, digest, .. } => {
                folders(out, &["_manifests/tags", tag.as_str(), "index"])?;
                write_link(out, digest)
            }
        }
    }
}

/// The end of the path of a link by digest.
fn write_link(out: &mut impl Write, digest: &Digest) -> fmt::Result {
    folders(out, &[digest.algorithm().name(), &digest.hex(), "link"])
}

fn folders(out: &mut impl Write, names: &[&str]) -> fmt::Result {
    names.iter().try_for_each(|name| {
        out.write_str("/")?;
        out.write_str(name)
    })
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f)
    }
}
