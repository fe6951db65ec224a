//! Images out of a storage.

use regcarve_formats::registry::Place;
use regcarve_layout_kit::raw::{
    Audit, Collector, Damage, Failure, Image, ImageRequest, Level, Reader, Referrer, Resolution,
    UntaggedContent, log, source,
};
use regcarve_layout_kit::{
    BlobFile, ManifestFile, Store, asked_digest, attached_by_tag, cause, closure, directories,
    repository_name, resolve_each,
};
use regcarve_types::{Digest, Repository, Tag};

use crate::collect::collections;
use crate::inspect::untagged;

/// See the header of this crate.
#[derive(Default)]
pub(crate) struct RegistryReader {
    /// The tags of the repository that was last listed.
    listed: Option<(String, Vec<String>)>,
}

/// From so many manifests on, one listing of all tags is cheaper than asking for each possible tag.
const LISTING_PAYS_FROM: usize = 3;

impl Reader for RegistryReader {
    fn repositories(&mut self) -> Result<Vec<String>, Failure> {
        let mut found = Vec::new();
        let mut ahead = vec![String::new()];
        while let Some(name) = ahead.pop() {
            let mut path = Place::Repositories.path();
            if !name.is_empty() {
                path.push('/');
                path.push_str(&name);
            }
            let mut is_repository = false;
            for directory in directories(&path)? {
                if directory.starts_with('_') {
                    is_repository |= directory == "_manifests";
                    continue;
                }
                let below = if name.is_empty() {
                    directory
                } else {
                    format!("{name}/{directory}")
                };
                match Repository::parse(&below) {
                    Ok(_) => ahead.push(below),
                    Err(error) => log(
                        Level::Warn,
                        &format!("{path} holds a folder that is no repository: {error}"),
                    ),
                }
            }
            if is_repository {
                found.push(name);
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    fn tags(&mut self, repository: &str) -> Result<Vec<String>, Failure> {
        let name = repository_name(repository)?;
        let path = Place::Tags { repository: &name }.path();
        let mut tags = match directories(&path) {
            Err(Failure::NotFound) if exists(&name)? => Vec::new(),
            tags => tags?,
        };
        tags.retain(|tag| match Tag::parse(tag) {
            Ok(_) => true,
            Err(error) => {
                log(
                    Level::Warn,
                    &format!("{path} holds a folder that is no tag: {error}"),
                );
                false
            }
        });
        Ok(tags)
    }

    fn resolve(&mut self, repository: &str, requests: Vec<ImageRequest>) -> Vec<Resolution> {
        resolve_each(repository, requests, |repository, request| {
            match resolve(repository, request) {
                Resolution::Missing(_) if matches!(exists(repository), Ok(false)) => {
                    Resolution::NoRepository
                }
                answer => answer,
            }
        })
    }

    fn referrers(&mut self, repository: &str, manifests: Vec<String>) -> Vec<Referrer> {
        let Ok(name) = Repository::parse(repository) else {
            return Vec::new();
        };
        if manifests.len() >= LISTING_PAYS_FROM
            && self
                .listed
                .as_ref()
                .is_none_or(|(listed, _)| listed != repository)
        {
            self.listed = self
                .tags(repository)
                .ok()
                .map(|tags| (repository.to_owned(), tags));
        }
        let tags = self
            .listed
            .as_ref()
            .filter(|(listed, _)| listed == repository)
            .map(|(_, tags)| tags.as_slice());
        attached_by_tag(&manifests, tags, |tag| {
            resolve(
                &name,
                ImageRequest {
                    tag: Some(tag),
                    digest: None,
                },
            )
        })
    }
}

impl Audit for RegistryReader {
    fn untagged(&mut self, repository: &str) -> Result<UntaggedContent, Failure> {
        Ok(untagged(&repository_name(repository)?))
    }

    fn garbage(&mut self) -> Result<Vec<Collector>, Failure> {
        let repositories = self.repositories()?;
        collections(&repositories)
    }
}

/// Whether there is such a repository.
fn exists(repository: &Repository) -> Result<bool, Failure> {
    let path = format!("{}/_manifests", Place::Repository { repository });
    match source::list_directory(&path, None) {
        Ok(_) => Ok(true),
        Err(Failure::NotFound) => Ok(false),
        Err(failure) => Err(failure),
    }
}

fn resolve(repository: &Repository, wanted: ImageRequest) -> Resolution {
    let missing = |cause: &str| Resolution::Missing(cause.into());
    let tagged = match &wanted.tag {
        None => None,
        Some(text) => {
            let Ok(tag) = Tag::parse(text) else {
                return missing("this cannot be a tag");
            };
            let path = Place::CurrentTag {
                repository,
                tag: &tag,
            }
            .path();
            match source::read_link(&path) {
                Ok(digest) => match Digest::parse(&digest) {
                    Ok(digest) => Some(digest),
                    Err(error) => return missing(&error.to_string()),
                },
                Err(Failure::NotFound) => return missing("there is no such tag"),
                Err(failure) => {
                    return Resolution::Damaged(vec![Damage {
                        path,
                        cause: cause(failure),
                    }]);
                }
            }
        }
    };
    let top = match asked_digest(&wanted, tagged) {
        Ok(top) => top,
        Err(answer) => return answer,
    };
    let link = Place::RevisionLink {
        repository,
        digest: top,
    };
    match closure(&mut Storage { repository }, top) {
        // Without a revision link the registry does not know the manifest. A tag that names it is broken; a
        // digest in a list may just be a wrong one. With a link the storage is damaged, whoever asks.
        Ok(contents) if wanted.tag.is_none() && contents[0].path == link.path() => {
            missing("this repository has no such manifest")
        }
        Ok(contents) => Resolution::Found(Image {
            tag: wanted.tag,
            digest: top.to_string(),
            entries: contents,
        }),
        Err(damages) => Resolution::Damaged(damages),
    }
}

/// A storage, as one repository sees it.
struct Storage<'r> {
    repository: &'r Repository,
}

impl Store for Storage<'_> {
    fn manifest(&mut self, digest: Digest) -> Result<ManifestFile, Damage> {
        let repository = self.repository;
        let link = Place::RevisionLink { repository, digest }.path();
        let target = match read_link_to(digest, &link)? {
            Some(target) => target,
            // Registry 2.1 linked manifests among the layers, and 2.8 still looks there.
            None => match read_link_to(digest, &Place::LayerLink { repository, digest }.path())? {
                Some(target) => target,
                None => return Ok(ManifestFile::Absent { path: link }),
            },
        };
        let path = Place::BlobData { digest: target }.path();
        match source::read_blob(&path, Some(&digest.to_string())) {
            Ok(blob) => Ok(ManifestFile::Present {
                path,
                bytes: blob.bytes,
            }),
            Err(Failure::NotFound) => Ok(ManifestFile::Absent { path }),
            Err(failure) => Err(Damage {
                path,
                cause: cause(failure),
            }),
        }
    }

    fn blob(&mut self, digest: Digest, need_size: bool) -> Result<BlobFile, Damage> {
        let link = Place::LayerLink {
            repository: self.repository,
            digest,
        }
        .path();
        // A blob that this repository has no link to is not served from it, whoever else has it.
        let Some(target) = read_link_to(digest, &link)? else {
            return Ok(BlobFile {
                path: link,
                size: None,
            });
        };
        let path = Place::BlobData { digest: target }.path();
        let size = match need_size.then(|| source::file_size(&path)) {
            None | Some(Err(Failure::NotFound)) => None,
            Some(Ok(size)) => Some(size),
            Some(Err(failure)) => {
                return Err(Damage {
                    path,
                    cause: cause(failure),
                });
            }
        };
        Ok(BlobFile { path, size })
    }
}

/// What the link of a digest names: the digest itself, or another one of the same content if it was pushed by another
/// algorithm. Nothing if there is no link.
fn read_link_to(digest: Digest, path: &str) -> Result<Option<Digest>, Damage> {
    match read_link(path)? {
        // The same algorithm has one digest for one content: whoever asks for this one would get something else.
        Some(target) if target != digest && target.algorithm() == digest.algorithm() => {
            Err(Damage {
                path: path.to_owned(),
                cause: format!("it is the link of {digest}, but names {target}"),
            })
        }
        answer => Ok(answer),
    }
}

/// What a link names; nothing if there is no link.
pub(crate) fn read_link(path: &str) -> Result<Option<Digest>, Damage> {
    let damage = |cause| Damage {
        path: path.to_owned(),
        cause,
    };
    match source::read_link(path) {
        Ok(digest) => Digest::parse(&digest)
            .map(Some)
            .map_err(|error| damage(error.to_string())),
        Err(Failure::NotFound) => Ok(None),
        Err(failure) => Err(damage(cause(failure))),
    }
}
