//! Images out of a storage.

use regcarve_formats::registry::Place;
use regcarve_layout_kit::{
    Audited, BlobFile, Catalog, Collector, Damage, Level, Located, ManifestFile, Store, Unresolved,
    Untagged, closure, log, source,
};
use regcarve_types::{Digest, Repository, Tag};

use crate::collect::collectors;
use crate::inspect::untagged;
use crate::links::{layer_blob, manifest_blob};

/// See the header of this crate.
#[derive(Default)]
pub(crate) struct RegistryCatalog {
    /// The tags of the repository that was last listed.
    listed: Option<(Repository, Vec<Tag>)>,
}

/// From so many possible tags on, listing all tags is cheaper than looking for each.
const LISTING_PAYS_FROM: usize = 12;

/// A manifest that a repository may serve.
pub(crate) struct Revision {
    digest: Digest,
    /// Its blob, if the link has been read already.
    blob: Option<Digest>,
}

impl Catalog for RegistryCatalog {
    type Top = Revision;

    fn repositories(&mut self) -> Result<Option<Vec<Repository>>, Damage> {
        let root = Place::Repositories.path();
        let mut found = Vec::new();
        let mut ahead = vec![None];
        while let Some(name) = ahead.pop() {
            let path = match &name {
                None => root.clone(),
                Some(repository) => Place::Repository { repository }.path(),
            };
            let Some(directories) = source::directories(&path)? else {
                match name {
                    None => return Ok(None),
                    // Deleted just now.
                    Some(_) => continue,
                }
            };
            let mut is_repository = false;
            for directory in directories {
                if directory.starts_with('_') {
                    is_repository |= directory == "_manifests";
                    continue;
                }
                let below = match &name {
                    None => directory,
                    Some(name) => format!("{name}/{directory}"),
                };
                match Repository::parse(&below) {
                    Ok(below) => ahead.push(Some(below)),
                    Err(error) => warn(&format!(
                        "{path} holds a folder that is no repository: {error}"
                    )),
                }
            }
            if is_repository {
                found.extend(name);
            }
        }
        found.sort_unstable();
        Ok(Some(found))
    }

    fn tags(&mut self, repository: &Repository) -> Result<Option<Vec<Tag>>, Damage> {
        let path = Place::Tags { repository }.path();
        let Some(names) = source::directories(&path)? else {
            return Ok(self.has(repository)?.then(Vec::new));
        };
        let mut tags = Vec::with_capacity(names.len());
        for name in names {
            match Tag::parse(&name) {
                Ok(tag) => tags.push(tag),
                Err(error) => warn(&format!("{path} holds a folder that is no tag: {error}")),
            }
        }
        Ok(Some(tags))
    }

    fn has(&mut self, repository: &Repository) -> Result<bool, Damage> {
        source::is_directory(&Place::Manifests { repository }.path())
    }

    fn by_tag(
        &mut self,
        repository: &Repository,
        tag: &Tag,
        _: Option<Digest>,
    ) -> Result<Option<Revision>, Unresolved> {
        let link = Place::CurrentTag { repository, tag };
        let digest = source::read_link(&link.path())?;
        // A tag without a revision link is broken; that is found when the image is followed.
        Ok(digest.map(|digest| Revision { digest, blob: None }))
    }

    fn by_digest(
        &mut self,
        repository: &Repository,
        digest: Digest,
    ) -> Result<Option<Revision>, Unresolved> {
        let blob = manifest_blob(repository, digest)?;
        Ok(blob.map(|_| Revision { digest, blob }))
    }

    fn digest_of(top: &Revision) -> Digest {
        top.digest
    }

    fn closure(
        &mut self,
        repository: &Repository,
        top: Revision,
    ) -> Result<Vec<Located>, Vec<Damage>> {
        let digest = top.digest;
        closure(&mut Storage { repository, top }, digest)
    }

    fn retain_existing(&mut self, repository: &Repository, tags: &mut Vec<(Digest, Tag)>) {
        let is_listed = |(listed, _): &(Repository, _)| listed == repository;
        if tags.len() >= LISTING_PAYS_FROM && !self.listed.as_ref().is_some_and(is_listed) {
            let existing = self.tags(repository).ok().flatten();
            self.listed = existing.map(|existing| (repository.clone(), existing));
        }
        if let Some((_, existing)) = self.listed.as_ref().filter(|listed| is_listed(listed)) {
            tags.retain(|(_, tag)| existing.binary_search(tag).is_ok());
        }
    }
}

impl Audited for RegistryCatalog {
    fn untagged(&mut self, repository: &Repository) -> Untagged {
        untagged(repository)
    }

    fn garbage(&mut self) -> Result<Vec<Collector>, Damage> {
        let repositories = self.repositories()?.unwrap_or_default();
        collectors(repositories)
    }
}

fn warn(message: &str) {
    log(Level::Warn, message);
}

/// A storage, as one repository sees it.
struct Storage<'r> {
    repository: &'r Repository,
    top: Revision,
}

impl Store for Storage<'_> {
    fn manifest(&mut self, digest: Digest) -> Result<ManifestFile, Damage> {
        let repository = self.repository;
        let blob = match self.top.blob.filter(|_| self.top.digest == digest) {
            Some(blob) => Some(blob),
            None => manifest_blob(repository, digest)?,
        };
        match blob {
            Some(blob) => ManifestFile::read(Place::BlobData { digest: blob }.path(), digest),
            None => Ok(ManifestFile {
                path: Place::RevisionLink { repository, digest }.path(),
                bytes: None,
            }),
        }
    }

    fn blob(&mut self, digest: Digest, need_size: bool) -> Result<BlobFile, Damage> {
        let repository = self.repository;
        match layer_blob(repository, digest)? {
            Some(blob) => BlobFile::at(Place::BlobData { digest: blob }.path(), need_size),
            None => Ok(BlobFile {
                path: Place::LayerLink { repository, digest }.path(),
                size: None,
            }),
        }
    }
}
