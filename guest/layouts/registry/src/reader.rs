//! Images out of a storage.

use regcarve_closure::{BlobFile, ManifestFile, Store, closure};
use regcarve_formats::attached;
use regcarve_formats::registry::Place;
use regcarve_kit::layout::{Attachment, Damage, Image, Reader, Resolution, Wanted, source};
use regcarve_kit::{Failure, Level, log};
use regcarve_names::{Digest, Repository, Tag};

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
        let name = parse_repository(repository)?;
        let path = Place::Tags { repository: &name }.path();
        let mut tags = directories(&path)?;
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

    fn resolve(&mut self, repository: &str, wanted: Vec<Wanted>) -> Vec<Resolution> {
        let repository = match Repository::parse(repository) {
            Ok(repository) => repository,
            Err(error) => {
                return wanted
                    .iter()
                    .map(|_| Resolution::Missing(error.to_string()))
                    .collect();
            }
        };
        wanted
            .into_iter()
            .map(|wanted| resolve(&repository, wanted))
            .collect()
    }

    fn attached(&mut self, repository: &str, manifests: &[String]) -> Vec<Attachment> {
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
            .map(|(_, tags)| tags);
        let mut attachments = Vec::new();
        for subject in manifests {
            let Ok(digest) = Digest::parse(subject) else {
                continue;
            };
            for (_, tag) in attached::tags_for(digest) {
                let text = tag.to_string();
                if tags.is_some_and(|tags| tags.binary_search(&text).is_err()) {
                    continue;
                }
                let resolution = resolve(
                    &name,
                    Wanted {
                        tag: Some(text),
                        digest: None,
                    },
                );
                if !matches!(resolution, Resolution::Missing(_)) {
                    attachments.push(Attachment {
                        subject: subject.clone(),
                        resolution,
                    });
                }
            }
        }
        attachments
    }

    fn inspect(&mut self, _repository: &str) -> Vec<Damage> {
        Vec::new()
    }
}

/// The directories in a directory, sorted; it is read page by page.
fn directories(path: &str) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = source::list_directory(path, after.as_deref())?;
        after = page.entries.last().map(|entry| entry.name.clone());
        names.extend(
            page.entries
                .into_iter()
                .filter(|entry| entry.directory)
                .map(|entry| entry.name),
        );
        if !page.more {
            return Ok(names);
        }
    }
}

fn parse_repository(name: &str) -> Result<Repository, Failure> {
    Repository::parse(name).map_err(|error| Failure::Refused(error.to_string()))
}

fn resolve(repository: &Repository, wanted: Wanted) -> Resolution {
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
                Ok(digest) => Some(digest),
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
    let digest = match (tagged, &wanted.digest) {
        (Some(tagged), Some(pinned)) if tagged != *pinned => {
            return Resolution::Missing(format!("the tag now names {tagged}"));
        }
        (Some(tagged), _) => tagged,
        (None, Some(pinned)) => pinned.clone(),
        (None, None) => return missing("neither a tag nor a digest is asked for"),
    };
    let top = match Digest::parse(&digest) {
        Ok(top) => top,
        Err(error) => return Resolution::Missing(error.to_string()),
    };
    match closure(&mut Storage { repository }, top) {
        // Without a revision link the registry does not know the manifest. A tag that names it is broken; a
        // digest in a list may just be a wrong one.
        Ok(contents) if wanted.tag.is_none() && contents[0].content.media_type.is_empty() => {
            missing("this repository has no such manifest")
        }
        Ok(contents) => Resolution::Found(Image {
            tag: wanted.tag,
            digest,
            contents,
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
        let target = match read_link(&link)? {
            Some(target) => target,
            // Registry 2.1 linked manifests among the layers, and 2.8 still looks there.
            None => match read_link(&Place::LayerLink { repository, digest }.path())? {
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
        let Some(target) = read_link(&link)? else {
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

/// What a link names; nothing if there is no link.
fn read_link(path: &str) -> Result<Option<Digest>, Damage> {
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

fn cause(failure: Failure) -> String {
    match failure {
        Failure::NotFound => "there is no such file".into(),
        Failure::Occupied => "occupied".into(),
        Failure::Refused(text) | Failure::Damaged(text) | Failure::Other(text) => text,
    }
}
