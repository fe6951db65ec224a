//! An audit of a repository: manifests that no tag reaches, and everything that is wrong apart from images.
//!
//! Not everything that looks odd is wrong. A registry that deletes a manifest leaves the empty folder of its
//! link, and garbage collection of registry 2.8 leaves layer links whose blobs it has deleted: both are the usual
//! state of a storage in service, and are not reported.

use std::collections::{BTreeMap, BTreeSet};

use regcarve_formats::Manifest;
use regcarve_formats::registry::{Place, parse};
use regcarve_layout_kit::{Damage, Untagged, source};
use regcarve_types::{Algorithm, Digest, Repository, Tag};

use crate::links::read_link_of;

/// Finds the untagged content of a repository.
pub(crate) fn untagged(repository: &Repository) -> Untagged {
    let mut inspection = Inspection {
        repository,
        damages: Vec::new(),
    };
    inspection.layers();
    let revisions = inspection.revisions();
    let tagged = inspection.tags();
    Untagged {
        manifests: unreached(&revisions, tagged),
        damages: inspection.damages,
    }
}

/// Revisions, and the manifests that each names.
type Revisions = BTreeMap<Digest, Vec<Digest>>;

/// The revisions that neither a tag nor another revision leads to.
fn unreached(revisions: &Revisions, tagged: Vec<Digest>) -> BTreeSet<Digest> {
    let named = revisions.values().flatten().copied();
    let reached: BTreeSet<Digest> = named.chain(tagged).collect();
    let roots = revisions.keys().filter(|digest| !reached.contains(digest));
    roots.copied().collect()
}

struct Inspection<'r> {
    repository: &'r Repository,
    damages: Vec<Damage>,
}

impl Inspection<'_> {
    fn layers(&mut self) {
        let folder = Place::Layers {
            repository: self.repository,
        };
        let path = folder.path();
        match source::is_directory(&path) {
            Ok(true) => drop(self.links(folder)),
            Ok(false) => self.note(
                &path,
                "there is no such folder: garbage collection of registry 3 gives up without it; make an empty one",
            ),
            Err(damage) => self.damages.push(damage),
        }
    }

    /// The manifests that the repository serves, tagged or not.
    fn revisions(&mut self) -> Revisions {
        let links = self.links(Place::Revisions {
            repository: self.repository,
        });
        let named = |(digest, blob)| (digest, children(digest, blob).unwrap_or_default());
        links.into_iter().map(named).collect()
    }

    /// The manifests that tags name now.
    fn tags(&mut self) -> Vec<Digest> {
        let repository = self.repository;
        let path = Place::Tags { repository }.path();
        let mut named = Vec::new();
        for (name, is_directory) in self.list(&path) {
            let below = format!("{path}/{name}");
            match &Tag::parse(&name) {
                Ok(tag) if is_directory => {
                    // A broken tag is reported when it is resolved.
                    let current = Place::CurrentTag { repository, tag }.path();
                    named.extend(source::read_link(&current).ok().flatten());
                    self.links(Place::TagHistory { repository, tag });
                }
                Ok(_) => self.note(&below, "it is listed as a tag, but it is a file"),
                Err(error) => self.note(
                    &below,
                    format!("it is listed as a tag, but is none: {error}"),
                ),
            }
        }
        named
    }

    /// The links below a folder: the digest in the path of each, and the digest in the file. A folder that does not
    /// exist has none.
    fn links(&mut self, folder: Place<'_>) -> Vec<(Digest, Digest)> {
        let folder = folder.path();
        let mut links = Vec::new();
        for (algorithm, _) in self.list(&folder) {
            let path = format!("{folder}/{algorithm}");
            if Algorithm::from_name(&algorithm).is_none() {
                self.note(&path, "it should be a folder named like a hash algorithm");
                continue;
            }
            for (hex, _) in self.list(&path) {
                let below = format!("{path}/{hex}");
                let place = parse(&format!("{below}/link"));
                let place = place.as_ref().map(|place| place.as_place());
                let Some((place, digest)) = place.ok().and_then(|it| Some((it, it.digest()?)))
                else {
                    self.note(&below, format!("its name is no {algorithm}"));
                    continue;
                };
                match read_link_of(digest, place) {
                    Ok(blob) => links.extend(blob.map(|blob| (digest, blob))),
                    Err(damage) => self.damages.push(damage),
                }
            }
        }
        links
    }

    /// Names in a folder, and whether they are folders. A folder that does not exist is empty.
    fn list(&mut self, path: &str) -> Vec<(String, bool)> {
        let entries = source::entries(path).unwrap_or_else(|damage| {
            self.damages.push(damage);
            None
        });
        let entries = entries.unwrap_or_default().into_iter();
        entries
            .map(|entry| (entry.name, entry.is_directory))
            .collect()
    }

    fn note(&mut self, path: &str, cause: impl Into<String>) {
        self.damages.push(Damage {
            path: path.into(),
            cause: cause.into(),
        });
    }
}

/// The manifests that a manifest names. One that cannot be read leads nowhere; that it cannot be read is reported
/// when it is resolved.
fn children(digest: Digest, blob: Digest) -> Option<Vec<Digest>> {
    let path = Place::BlobData { digest: blob }.path();
    let bytes = source::read_blob(&path, digest).ok()??;
    match Manifest::parse(&bytes).ok()? {
        Manifest::Index(index) => Some(index.manifests.iter().map(|one| one.digest).collect()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tops_without_tag_are_untagged() {
        let digest = |byte| Digest::sha256([byte; 32]);
        let revisions = Revisions::from([
            (digest(1), vec![digest(2), digest(3)]),
            (digest(2), Vec::new()),
            (digest(3), Vec::new()),
            (digest(4), vec![digest(5)]),
            (digest(5), Vec::new()),
            (digest(6), Vec::new()),
        ]);
        let found = unreached(&revisions, vec![digest(1), digest(9)]);
        assert_eq!(found, [digest(4), digest(6)].into());
    }
}
