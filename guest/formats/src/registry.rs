//! Where a registry keeps what, relative to its `rootdirectory`.
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
//!       └── _uploads/…                           none of our business
//! ```
//!
//! A `link` file holds a digest and nothing else, see [`parse_link`]. What it says need not be what
//! its path says: a blob that was pushed by its `sha512` is stored by its `sha256`, and both links
//! say `sha256:…`. So the path of a blob is made from what a link says, never from a descriptor.
//!
//! [`Place`] and [`parse()`] are each other's inverse, which a property test holds them to.

use alloc::string::String;
use core::fmt::{self, Write};

use regcarve_types::{Algorithm, Digest, Repository, Tag};

mod link;
mod parse;
#[cfg(test)]
mod tests;

pub use link::{LinkError, MAX_LINK_BYTES, parse_link};
pub use parse::{NotAPlace, parse};

/// The folder that holds everything, below the `rootdirectory`.
pub const ROOT: &str = "docker/registry/v2";

/// A path in a storage, by what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place<'a> {
    /// The folder of all blobs.
    Blobs,
    /// The bytes of a manifest, config or layer.
    BlobData {
        /// Which bytes.
        digest: Digest,
    },
    /// The folder of all repositories.
    Repositories,
    /// The folder of a repository, and of those whose names continue its own.
    Repository {
        /// Which one.
        repository: &'a Repository,
    },
    /// The folder that says which blobs a repository may serve. Garbage collection fails where
    /// it is missing, so an empty one is made where there are none.
    Layers {
        /// Whose.
        repository: &'a Repository,
    },
    /// The permission to serve a blob; a very old registry files manifests here too.
    LayerLink {
        /// Whose.
        repository: &'a Repository,
        /// Under which name the blob is asked for.
        digest: Digest,
    },
    /// The folder of the manifests of a repository, by one algorithm.
    Revisions {
        /// Whose.
        repository: &'a Repository,
        /// The algorithm of their digests.
        algorithm: Algorithm,
    },
    /// The permission to serve a manifest.
    RevisionLink {
        /// Whose.
        repository: &'a Repository,
        /// Which manifest.
        digest: Digest,
    },
    /// The folder of the tags of a repository. Every name in it is listed as a tag.
    Tags {
        /// Whose.
        repository: &'a Repository,
    },
    /// Which manifest a tag names.
    CurrentTag {
        /// Whose.
        repository: &'a Repository,
        /// Which tag.
        tag: &'a Tag,
    },
    /// That a tag names, or once named, a manifest.
    TagIndex {
        /// Whose.
        repository: &'a Repository,
        /// Which tag.
        tag: &'a Tag,
        /// Which manifest.
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
            | Self::Revisions { repository, .. }
            | Self::Tags { repository } => repository.as_str().len(),
            Self::LayerLink { repository, digest } | Self::RevisionLink { repository, digest } => {
                repository.as_str().len() + digest.algorithm().hex_length()
            }
            Self::CurrentTag { repository, tag } => repository.as_str().len() + tag.as_str().len(),
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

    fn write(&self, out: &mut impl Write) -> fmt::Result {
        out.write_str(ROOT)?;
        match self {
            Self::Blobs | Self::BlobData { .. } => out.write_str("/blobs")?,
            Self::Repositories => out.write_str("/repositories")?,
            Self::Repository { repository }
            | Self::Layers { repository }
            | Self::LayerLink { repository, .. }
            | Self::Revisions { repository, .. }
            | Self::RevisionLink { repository, .. }
            | Self::Tags { repository }
            | Self::CurrentTag { repository, .. }
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
            Self::Revisions { algorithm, .. } => {
                folders(out, &["_manifests/revisions", algorithm.name()])
            }
            Self::RevisionLink { digest, .. } => {
                out.write_str("/_manifests/revisions")?;
                write_link(out, digest)
            }
            Self::Tags { .. } => out.write_str("/_manifests/tags"),
            Self::CurrentTag { tag, .. } => {
                folders(out, &["_manifests/tags", tag.as_str(), "current/link"])
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
