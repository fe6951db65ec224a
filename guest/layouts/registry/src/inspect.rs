//! What is wrong with a repository apart from its tagged images.
//!
//! Not everything that looks odd is wrong. A registry that deletes a manifest leaves the empty folder of its
//! link, and garbage collection of registry 2.8 leaves layer links whose blobs it has deleted: both are the usual
//! state of a storage in service, and nothing is said of them.

use regcarve_formats::Manifest;
use regcarve_formats::registry::Place;
use regcarve_layout_kit::{cause, entries};
use regcarve_policy_kit::Failure;
use regcarve_policy_kit::layout::{Damage, source};
use regcarve_types::{Algorithm, Digest, Repository, Tag};

use crate::reader::read_link;

/// All that is wrong with a repository apart from its tagged images.
pub(crate) fn inspect(repository: &Repository) -> Vec<Damage> {
    let mut inspection = Inspection {
        repository,
        damages: Vec::new(),
    };
    inspection.layers();
    inspection.revisions();
    inspection.tags();
    inspection.damages
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

    /// Manifests that the repository serves, tagged or not.
    fn revisions(&mut self) {
        let repository = self.repository;
        let path = format!("{}/_manifests/revisions", Place::Repository { repository });
        for (link, digest, target) in self.links(&path) {
            let blob = Place::BlobData { digest: target }.path();
            match source::read_blob(&blob, Some(&digest.to_string())) {
                Ok(read) => {
                    if let Err(error) = Manifest::parse(&read.bytes) {
                        self.note(&blob, format!("the manifest {digest} is refused: {error}"));
                    }
                }
                Err(Failure::NotFound) => {
                    self.note(&blob, format!("there is no such file, but {link} names it"));
                }
                Err(failure) => self.note(&blob, cause(failure)),
            }
        }
    }

    fn tags(&mut self) {
        let repository = self.repository;
        let path = Place::Tags { repository }.path();
        for (name, directory) in self.list(&path) {
            let below = format!("{path}/{name}");
            match Tag::parse(&name) {
                Ok(_) if directory => drop(self.links(&format!("{below}/index"))),
                Ok(_) => self.note(&below, "it is listed as a tag, but it is a file"),
                Err(error) => self.note(
                    &below,
                    format!("it is listed as a tag, but is none: {error}"),
                ),
            }
        }
    }

    /// The links in `folder/<algorithm>/<hex>/link`: path, digest of the path, and what is written in them. A
    /// folder that is not there has none.
    fn links(&mut self, folder: &str) -> Vec<(String, Digest, Digest)> {
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
                    Ok(Some(target)) => links.push((link, digest, target)),
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
                .map(|entry| (entry.name, entry.directory))
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
