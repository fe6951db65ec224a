//! An audit of a repository: manifests that no tag reaches, and everything that is wrong apart from images.
//!
//! Not everything that looks odd is wrong. A registry that deletes a manifest leaves the empty folder of its
//! link, and garbage collection of registry 2.8 leaves layer links whose blobs it has deleted: both are the usual
//! state of a storage in service, and nothing is said of them.

use std::collections::{BTreeMap, BTreeSet};

use regcarve_formats::Manifest;
use regcarve_formats::registry::Place;
use regcarve_layout_kit::raw::{Damage, Failure, UntaggedContent, source};
use regcarve_layout_kit::{cause, entries};
use regcarve_types::{Algorithm, Digest, Repository, Tag};

use crate::reader::read_link;

/// Finds the untagged content of a repository.
pub(crate) fn untagged(repository: &Repository) -> UntaggedContent {
    let mut inspection = Inspection {
        repository,
        damages: Vec::new(),
    };
    inspection.layers();
    let revisions = inspection.revisions();
    let tagged = inspection.tags();
    UntaggedContent {
        manifests: unreached(&revisions, tagged),
        damages: inspection.damages,
    }
}

/// The revisions that neither a tag nor another revision leads to, sorted.
fn unreached(revisions: &BTreeMap<Digest, Vec<Digest>>, tagged: Vec<Digest>) -> Vec<String> {
    let mut reached: BTreeSet<Digest> = revisions.values().flatten().copied().collect();
    reached.extend(tagged);
    let roots = revisions.keys().filter(|digest| !reached.contains(digest));
    roots.map(ToString::to_string).collect()
}

struct Inspection<'r> {
    repository: &'r Repository,
    damages: Vec<Damage>,
}

impl Inspection<'_> {
    fn layers(&mut self) {
        let repository = self.repository;
        let path = Place::Layers { repository }.path();
        match entries(&path) {
            Ok(_) => drop(self.links(&path)),
            Err(Failure::NotFound) => self.note(
                &path,
                "there is no such folder: garbage collection of registry 3 gives up without it; make an empty one",
            ),
            Err(failure) => self.note(&path, cause(failure)),
        }
    }

    /// The manifests that the repository serves, tagged or not, and the manifests that each names.
    fn revisions(&mut self) -> BTreeMap<Digest, Vec<Digest>> {
        let repository = self.repository;
        let path = format!("{}/_manifests/revisions", Place::Repository { repository });
        let links = self.links(&path);
        let children = |digest: Digest, target: Digest| {
            let blob = Place::BlobData { digest: target }.path();
            // What cannot be read leads nowhere; that it cannot is said when it is resolved.
            let read = source::read_blob(&blob, Some(&digest.to_string())).ok()?;
            match Manifest::parse(&read.bytes).ok()? {
                Manifest::Index(index) => {
                    Some(index.manifests.iter().map(|child| child.digest).collect())
                }
                _ => None,
            }
        };
        links
            .into_iter()
            .map(|(digest, target)| (digest, children(digest, target).unwrap_or_default()))
            .collect()
    }

    /// Looks at the tags; returns the manifests that they name.
    fn tags(&mut self) -> Vec<Digest> {
        let repository = self.repository;
        let path = Place::Tags { repository }.path();
        let mut named = Vec::new();
        for (name, directory) in self.list(&path) {
            let below = format!("{path}/{name}");
            match Tag::parse(&name) {
                Ok(tag) if directory => {
                    let tag = &tag;
                    // A broken tag is said when it is resolved.
                    let current = Place::CurrentTag { repository, tag }.path();
                    named.extend(read_link(&current).ok().flatten());
                    self.links(&format!("{below}/index"));
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

    /// The links in `folder/<algorithm>/<hex>/link`: digest of the path, and what is written in them. A
    /// folder that is not there has none.
    fn links(&mut self, folder: &str) -> Vec<(Digest, Digest)> {
        let mut links = Vec::new();
        for (name, _) in self.list(folder) {
            let path = format!("{folder}/{name}");
            let Some(algorithm) = Algorithm::from_name(&name) else {
                self.note(&path, "it should be a folder named like a hash algorithm");
                continue;
            };
            for (hex, _) in self.list(&path) {
                let below = format!("{path}/{hex}");
                let Ok(digest) = Digest::from_hex(algorithm, &hex) else {
                    self.note(&below, format!("its name is no {algorithm}"));
                    continue;
                };
                let link = format!("{below}/link");
                match read_link(&link) {
                    // A blob may be stored by another algorithm than it is asked for, but not as another blob.
                    Ok(Some(target)) if target.algorithm() == algorithm && target != digest => {
                        self.note(&link, format!("it names another digest: {target}"));
                    }
                    Ok(Some(target)) => links.push((digest, target)),
                    Ok(None) => {}
                    Err(damage) => self.damages.push(damage),
                }
            }
        }
        links
    }

    /// Names in a folder, and whether they are folders. One that is not there is empty.
    fn list(&mut self, path: &str) -> Vec<(String, bool)> {
        match entries(path) {
            Ok(entries) => entries
                .into_iter()
                .map(|entry| (entry.name, entry.is_directory))
                .collect(),
            Err(Failure::NotFound) => Vec::new(),
            Err(failure) => {
                self.note(path, cause(failure));
                Vec::new()
            }
        }
    }

    fn note(&mut self, path: &str, cause: impl Into<String>) {
        self.damages.push(Damage {
            path: path.into(),
            cause: cause.into(),
        });
    }
}
