//! Links: files that hold the digest of a blob.

use regcarve_formats::registry::Place;
use regcarve_layout_kit::{Damage, source};
use regcarve_types::{Digest, Repository};

/// The blob of a manifest that a repository serves; `None` if it does not.
pub(crate) fn manifest_blob(
    repository: &Repository,
    digest: Digest,
) -> Result<Option<Digest>, Damage> {
    let revision = Place::RevisionLink { repository, digest };
    match read_link_of(digest, revision)? {
        Some(target) => Ok(Some(target)),
        // Registry 2.1 linked manifests among the layers, and 2.8 still looks there.
        None => layer_blob(repository, digest),
    }
}

/// The blob of a config or layer that a repository serves; `None` if it does not, even if others do.
pub(crate) fn layer_blob(
    repository: &Repository,
    digest: Digest,
) -> Result<Option<Digest>, Damage> {
    read_link_of(digest, Place::LayerLink { repository, digest })
}

/// The digest in the link of a digest: the same, or another one of the same content if it was pushed by another
/// algorithm.
pub(crate) fn read_link_of(digest: Digest, link: Place<'_>) -> Result<Option<Digest>, Damage> {
    let path = link.path();
    match source::read_link(&path)? {
        // One content has one digest by an algorithm: this one is of other content.
        Some(target) if target != digest && target.algorithm() == digest.algorithm() => {
            let cause = format!("it is the link of {digest}, but names {target}");
            Err(Damage { path, cause })
        }
        target => Ok(target),
    }
}
