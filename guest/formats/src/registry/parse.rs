//! From paths back to places.

use regcarve_types::{Algorithm, Digest, Excerpt, Repository, Tag};

use super::{Place, ROOT};

/// A path that is no place in a storage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no place in the storage of a registry")]
pub struct NotAPlace(Excerpt);

/// A place that keeps the names it is made of; see [`OwnedPlace::as_place`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnedPlace(Owned);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Owned {
    Blobs,
    BlobData(Digest),
    Repositories,
    Repository(Repository),
    Layers(Repository),
    LayerLink(Repository, Digest),
    Manifests(Repository),
    Revisions(Repository),
    RevisionLink(Repository, Digest),
    Tags(Repository),
    CurrentTag(Repository, Tag),
    TagHistory(Repository, Tag),
    TagIndex(Repository, Tag, Digest),
}

impl OwnedPlace {
    /// The place itself.
    pub const fn as_place(&self) -> Place<'_> {
        match &self.0 {
            Owned::Blobs => Place::Blobs,
            Owned::BlobData(digest) => Place::BlobData { digest: *digest },
            Owned::Repositories => Place::Repositories,
            Owned::Repository(repository) => Place::Repository { repository },
            Owned::Layers(repository) => Place::Layers { repository },
            Owned::LayerLink(repository, digest) => Place::LayerLink {
                repository,
                digest: *digest,
            },
            Owned::Manifests(repository) => Place::Manifests { repository },
            Owned::Revisions(repository) => Place::Revisions { repository },
            Owned::RevisionLink(repository, digest) => Place::RevisionLink {
                repository,
                digest: *digest,
            },
            Owned::Tags(repository) => Place::Tags { repository },
            Owned::CurrentTag(repository, tag) => Place::CurrentTag { repository, tag },
            Owned::TagHistory(repository, tag) => Place::TagHistory { repository, tag },
            Owned::TagIndex(repository, tag, digest) => Place::TagIndex {
                repository,
                tag,
                digest: *digest,
            },
        }
    }
}

/// Finds out which place a path names; the path is relative to the `rootdirectory`.
///
/// For every place `p`, `parse(&p.path())` gives `p`, and no other path does. Uploads and folders
/// in between, such as the one of a single tag, are no places.
pub fn parse(path: &str) -> Result<OwnedPlace, NotAPlace> {
    below_root(path)
        .map(OwnedPlace)
        .ok_or_else(|| NotAPlace(Excerpt::of(path)))
}

fn below_root(path: &str) -> Option<Owned> {
    let rest = path.strip_prefix(ROOT)?.strip_prefix('/')?;
    let parts: Vec<&str> = rest.split('/').collect();
    match parts.as_slice() {
        ["blobs"] => Some(Owned::Blobs),
        ["blobs", algorithm, start, hex, "data"] if hex.starts_with(start) && start.len() == 2 => {
            Some(Owned::BlobData(digest(algorithm, hex)?))
        }
        ["repositories"] => Some(Owned::Repositories),
        ["repositories", below @ ..] => below_repositories(below),
        _ => None,
    }
}

fn below_repositories(parts: &[&str]) -> Option<Owned> {
    // No part of a name starts with `_`, which is how a registry tells them apart too.
    let end = parts.iter().position(|part| part.starts_with('_'));
    let (name, inside) = parts.split_at(end.unwrap_or(parts.len()));
    let repository = Repository::parse(&name.join("/")).ok()?;
    Some(match inside {
        [] => Owned::Repository(repository),
        ["_layers"] => Owned::Layers(repository),
        ["_layers", algorithm, hex, "link"] => {
            Owned::LayerLink(repository, digest(algorithm, hex)?)
        }
        ["_manifests"] => Owned::Manifests(repository),
        ["_manifests", "revisions"] => Owned::Revisions(repository),
        ["_manifests", "revisions", algorithm, hex, "link"] => {
            Owned::RevisionLink(repository, digest(algorithm, hex)?)
        }
        ["_manifests", "tags"] => Owned::Tags(repository),
        ["_manifests", "tags", tag, "current", "link"] => {
            Owned::CurrentTag(repository, Tag::parse(tag).ok()?)
        }
        ["_manifests", "tags", tag, "index"] => {
            Owned::TagHistory(repository, Tag::parse(tag).ok()?)
        }
        ["_manifests", "tags", tag, "index", algorithm, hex, "link"] => {
            Owned::TagIndex(repository, Tag::parse(tag).ok()?, digest(algorithm, hex)?)
        }
        _ => return None,
    })
}

fn digest(algorithm: &str, hex: &str) -> Option<Digest> {
    Digest::from_hex(Algorithm::from_name(algorithm)?, hex).ok()
}
