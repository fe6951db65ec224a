//! A prediction of what `garbage-collect` of a registry would do to a storage.
//!
//! | step         | distribution 2.8                               | distribution 3.0, 3.1                    |
//! |--------------|------------------------------------------------|------------------------------------------|
//! | repositories | those with `_layers`                           | those with `_manifests`                  |
//! | roots        | every revision link whose blob is there        | the same                                 |
//! | marked       | what roots name                                | what roots name, and what these name …   |
//! | untagged     | with `--delete-untagged` no roots, and deleted | the same, unless something else marks it |
//! | `subject`    | marks nothing                                  | the same                                 |
//! | blobs        | what is not marked is deleted                  | the same                                 |
//! | layer links  | stay                                           | of what is not marked yet, are deleted   |
//! | gives up at  | malformed links, manifests that it cannot read; with `--delete-untagged` a repository without tags | malformed links, such manifests, no `_layers`, schema 1 |
//!
//! Followed as the collectors do it (`garbagecollect.go`, `linkedblobstore.go`, `vacuum.go`), with what is odd in
//! it: a blob named by sha512 is marked by that name and deleted by its sha256; in registry 3 a child that
//! was marked for another repository is not followed again, and links are checked while later repositories
//! are still to be marked.

use std::collections::{BTreeSet, HashSet};

use regcarve_formats::registry::Place;
use regcarve_layout_kit::{
    Collector, Damage, GcOutcome, GcPlan, RepositoryDigest, UnreferencedBlob,
};
use regcarve_types::{Digest, Repository};

use crate::model::{GcError, Links, Model, References, Repo};

/// A major version of the registry.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    V2,
    V3,
}

const COLLECTORS: [(&str, Version, bool); 4] = [
    ("distribution 2.8 garbage-collect", Version::V2, false),
    (
        "distribution 2.8 garbage-collect --delete-untagged",
        Version::V2,
        true,
    ),
    ("distribution 3.1 garbage-collect", Version::V3, false),
    (
        "distribution 3.1 garbage-collect --delete-untagged",
        Version::V3,
        true,
    ),
];

/// Predicts how each collector would end.
pub(crate) fn collectors(repositories: Vec<Repository>) -> Result<Vec<Collector>, Damage> {
    let model = Model::read(repositories)?;
    let collectors = COLLECTORS.map(|(name, version, delete_untagged)| {
        let collection = Collection {
            model: &model,
            version,
            delete_untagged,
            marked: HashSet::new(),
            manifests: Vec::new(),
            links: Vec::new(),
        };
        Collector {
            name: name.into(),
            outcome: match collection.run() {
                Ok(plan) => GcOutcome::Completes(plan),
                Err(error) => GcOutcome::Aborts(error),
            },
        }
    });
    Ok(collectors.into())
}

/// One collector at work.
struct Collection<'m> {
    model: &'m Model,
    version: Version,
    delete_untagged: bool,
    marked: HashSet<Digest>,
    /// Untagged manifests.
    manifests: Vec<(&'m Repository, Digest)>,
    /// Layer links.
    links: Vec<(&'m Repository, Digest)>,
}

impl<'m> Collection<'m> {
    fn run(mut self) -> Result<GcPlan, GcError> {
        let model = self.model;
        for repo in &model.repositories {
            self.mark(repo)?;
            if self.version == Version::V3 {
                self.check_links(repo)?;
            }
        }
        if let Some(error) = &model.unlistable {
            return Err(error.clone());
        }
        if self.version == Version::V3 {
            let marked = &self.marked;
            self.manifests
                .retain(|(_, digest)| !marked.contains(digest));
        }
        let unmarked = model
            .blobs
            .iter()
            .filter(|(digest, _)| !self.marked.contains(*digest));
        let blobs = unmarked.map(|(digest, size)| UnreferencedBlob {
            digest: digest.to_string(),
            path: Place::BlobData { digest: *digest }.path(),
            size: *size,
        });
        Ok(GcPlan {
            manifests: named(&self.manifests),
            blobs: blobs.collect(),
            links: named(&self.links),
        })
    }

    /// Marks the blobs that the manifests of a repository need.
    fn mark(&mut self, repo: &'m Repo) -> Result<(), GcError> {
        let old = self.version == Version::V2;
        // It finds repositories by their layers: one without that folder is not seen, and keeps nothing.
        if old && repo.layers.is_none() {
            return Ok(());
        }
        for link in repo.revisions.iter() {
            let digest = link.clone()?;
            if old && self.delete_untagged && repo.tags.is_none() {
                let name = &repo.name;
                return Err(format!(
                    "failed to retrieve tags unknown repository name={name}"
                ));
            }
            if self.stat_manifest(repo, digest)?.is_none() {
                continue;
            }
            if self.delete_untagged && !tagged(repo, digest)? {
                // Without a folder of tags the manifest is left alone, and all that it needs is deleted.
                if repo.tags.is_some() {
                    self.manifests.push((&repo.name, digest));
                }
                continue;
            }
            self.marked.insert(digest);
            self.mark_references(repo, digest)?;
        }
        Ok(())
    }

    fn mark_references(&mut self, repo: &Repo, root: Digest) -> Result<(), GcError> {
        // A list instead of recursion: indexes may be nested without limit.
        let mut ahead = vec![root];
        while let Some(digest) = ahead.pop() {
            let Some(target) = self.stat_manifest(repo, digest)? else {
                continue;
            };
            let References { schema1, digests } = self.model.references(target)?;
            if schema1 && self.version == Version::V3 {
                let path = Place::BlobData { digest: target };
                return Err(format!("{path}: unrecognized manifest schema version 1"));
            }
            for digest in digests {
                let new = self.marked.insert(digest);
                // In version 2 only roots are followed.
                if new
                    && self.version == Version::V3
                    && matches!(self.stat_manifest(repo, digest), Ok(Some(_)))
                {
                    ahead.push(digest);
                }
            }
        }
        Ok(())
    }

    /// Notes layer links whose blobs are not marked yet.
    fn check_links(&mut self, repo: &'m Repo) -> Result<(), GcError> {
        let Some(layers) = &repo.layers else {
            let repository = &repo.name;
            let path = Place::Layers { repository };
            return Err(format!("{path}: there is no such folder"));
        };
        for link in layers.iter() {
            let digest = link.clone()?;
            if self.stat(layers, digest)?.is_some() && !self.marked.contains(&digest) {
                self.links.push((&repo.name, digest));
            }
        }
        Ok(())
    }

    /// The blob of a manifest, if the repository serves it and the blob is there.
    fn stat_manifest(&self, repo: &Repo, digest: Digest) -> Result<Option<Digest>, GcError> {
        match repo.revisions.get(digest) {
            Some(_) => self.stat(&repo.revisions, digest),
            // Version 2 still looks where registry 2.1 put them.
            None => match (&repo.layers, self.version) {
                (Some(layers), Version::V2) => self.stat(layers, digest),
                _ => Ok(None),
            },
        }
    }

    fn stat(&self, links: &Links, digest: Digest) -> Result<Option<Digest>, GcError> {
        let target = links.get(digest).cloned().transpose()?;
        Ok(target.filter(|target| self.model.blobs.contains_key(target)))
    }
}

/// Answers whether a tag names this manifest now.
fn tagged(repo: &Repo, digest: Digest) -> Result<bool, GcError> {
    let mut found = false;
    for tag in repo.tags.iter().flatten() {
        found |= tag.clone()? == digest;
    }
    Ok(found)
}

fn named(all: &[(&Repository, Digest)]) -> Vec<RepositoryDigest> {
    // Two links may say the same.
    let all: BTreeSet<_> = all.iter().collect();
    all.into_iter()
        .map(|(repository, digest)| RepositoryDigest {
            repository: repository.to_string(),
            digest: digest.to_string(),
        })
        .collect()
}
