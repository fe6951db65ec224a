//! Images out of a tree of folders.

use std::collections::{BTreeSet, HashMap};

use regcarve_formats::ManifestType;
use regcarve_layout_kit::raw::{
    Audit, Collector, Damage, Failure, Image, ImageRequest, Level, Reader, Referrer, Resolution,
    UntaggedContent, log, source,
};
use regcarve_layout_kit::{
    Store, Unreadable, asked_digest, attached_by_tag, closure, directories, entries, pinned_digest,
    repository_name, resolve_each, subject_of, unlisted,
};
use regcarve_types::{Algorithm, Digest, Reference, Repository, Tag};

use crate::folder::{Folder, Name, Named, join, judge, of_repository, parent_of};
use crate::store::{Child, ImageFolder, manifest_path};

/// Paths longer than this are not looked into: no name of an image is as long (255 characters, and a tag or a
/// digest of 135), and a chain of folders must not go on until the host refuses the path.
const LONGEST_FOLDER: usize = 512;

/// See the header of this crate.
#[derive(Default)]
pub(crate) struct DirReader {
    /// Names of the folders in folders that have been listed. Neighbours in a catalogue share one.
    siblings: HashMap<String, Vec<String>>,
    /// The repository whose images were last read for their digests.
    tops: Option<(Repository, HashMap<Digest, String>)>,
    /// What could not be read when it was asked what speaks of an image.
    unreadable: Unreadable,
}

impl Reader for DirReader {
    fn repositories(&mut self) -> Result<Vec<String>, Failure> {
        let mut found = BTreeSet::new();
        let mut unnamed = false;
        let mut ahead = vec![String::new()];
        while let Some(path) = ahead.pop() {
            let entries = entries(&path)?;
            match judge(&path, &entries) {
                Folder::Unnamed(_) if path.is_empty() => {
                    return Err(Failure::Damaged(ROOT_IS_IMAGE.into()));
                }
                Folder::Unnamed(why) => {
                    log(Level::Warn, &why);
                    unnamed = true;
                }
                // Without a manifest it is damaged; that is said when it is resolved.
                Folder::Image(reference) | Folder::Broken(reference) => {
                    found.insert(reference.repository().to_string());
                }
                Folder::Above => {}
            }
            let folders: Vec<String> = entries
                .into_iter()
                .filter(|entry| entry.is_directory)
                .map(|entry| entry.name)
                .collect();
            for folder in &folders {
                let below = join(&path, folder);
                if below.len() > LONGEST_FOLDER {
                    log(
                        Level::Warn,
                        &format!("`{below}` is too deep for an image and is not looked into"),
                    );
                } else {
                    ahead.push(below);
                }
            }
            if !folders.is_empty() {
                self.siblings.insert(path, folders);
            }
        }
        if found.is_empty() && !unnamed {
            log(Level::Warn, NO_IMAGES);
        }
        Ok(found.into_iter().collect())
    }

    fn tags(&mut self, repository: &str) -> Result<Vec<String>, Failure> {
        let mut tags = Vec::new();
        for Named { path, name } in self.folders(&repository_name(repository)?)? {
            if let Name::Tag(tag) = name
                && !matches!(look(&path)?, Folder::Above)
            {
                tags.push(tag.to_string());
            }
        }
        Ok(tags)
    }

    fn resolve(&mut self, repository: &str, requests: Vec<ImageRequest>) -> Vec<Resolution> {
        resolve_each(repository, requests, |repository, request| {
            match self.resolve_one(repository, request) {
                Resolution::Missing(_)
                    if matches!(self.folders(repository), Err(Failure::NotFound)) =>
                {
                    Resolution::NoRepository
                }
                answer => answer,
            }
        })
    }

    fn referrers(&mut self, repository: &str, subjects: Vec<String>) -> Vec<Referrer> {
        let Ok(name) = repository_name(repository) else {
            return Vec::new();
        };
        let folders = self.any_folders(&name);
        // Where they cannot be listed, each possible tag can still be asked for.
        let tags = folders.as_ref().ok().map(|folders| tags_of(folders));
        let mut attachments = attached_by_tag(&subjects, tags.as_deref(), |tag| {
            self.resolve_one(
                &name,
                ImageRequest {
                    tag: Some(tag),
                    digest: None,
                },
            )
        });
        let mut damages = Vec::new();
        match folders {
            Ok(folders) => {
                for folder in &folders {
                    match untagged_attachment(folder, &subjects) {
                        Ok(attachment) => attachments.extend(attachment),
                        Err(damage) => damages.push(damage),
                    }
                }
            }
            Err(damage) => damages.push(damage),
        }
        let unreadable = self.unreadable.attachment(&name, &subjects, || damages);
        attachments.extend(unreadable);
        attachments
    }
}

impl Audit for DirReader {
    fn untagged(&mut self, repository: &str) -> Result<UntaggedContent, Failure> {
        let folders = match self.any_folders(&repository_name(repository)?) {
            Ok(folders) => folders,
            Err(damage) => {
                return Ok(UntaggedContent {
                    manifests: Vec::new(),
                    damages: vec![damage],
                });
            }
        };
        let mut manifests = Vec::new();
        let mut damages = Vec::new();
        for Named { path, name } in folders {
            let Name::Digest(digest) = name else { continue };
            match look(&path) {
                Ok(Folder::Image(_)) => manifests.push(digest.to_string()),
                Ok(_) => damages.push(without_manifest(&path)),
                Err(failure) => damages.push(unlisted(&path, failure)),
            }
        }
        Ok(UntaggedContent { manifests, damages })
    }

    fn garbage(&mut self) -> Result<Vec<Collector>, Failure> {
        Ok(Vec::new())
    }
}

/// For a user who named one image too exactly.
const ROOT_IS_IMAGE: &str = "the source is itself an image: name the folder above it, below which images are in \
                             folders named REPOSITORY:TAG";

/// Any folder is a tree of images, so a wrong path shows in nothing else.
const NO_IMAGES: &str = "no folder in the source holds an image; check the format and the path";

impl DirReader {
    /// The folders with names of images of a repository; there is at least one.
    fn folders(&mut self, repository: &Repository) -> Result<Vec<Named>, Failure> {
        let (parent, _) = parent_of(repository);
        if !self.siblings.contains_key(parent) {
            self.siblings.insert(parent.into(), directories(parent)?);
        }
        let siblings = self
            .siblings
            .get(parent)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let folders = of_repository(repository, siblings);
        if folders.is_empty() {
            Err(Failure::NotFound)
        } else {
            Ok(folders)
        }
    }

    /// The same for who looks for something that does not have to be there: it may be that there are none.
    fn any_folders(&mut self, repository: &Repository) -> Result<Vec<Named>, Damage> {
        match self.folders(repository) {
            Ok(folders) => Ok(folders),
            Err(Failure::NotFound) => Ok(Vec::new()),
            Err(failure) => Err(unlisted(parent_of(repository).0, failure)),
        }
    }

    fn resolve_one(&mut self, repository: &Repository, wanted: ImageRequest) -> Resolution {
        let answer = match &wanted.tag {
            Some(tag) => by_tag(repository, tag, &wanted),
            None => self.by_digest(repository, &wanted),
        };
        match answer {
            Ok((digest, contents)) => Resolution::Found(Image {
                tag: wanted.tag,
                digest: digest.to_string(),
                entries: contents,
            }),
            Err(answer) => answer,
        }
    }

    fn by_digest(&mut self, repository: &Repository, wanted: &ImageRequest) -> Answer {
        let digest = asked_digest(wanted, None)?;
        let own = join_name(&Reference::pinned(repository.clone(), digest))?;
        if let Some(folder) = ImageFolder::open(&own, Some(digest)).map_err(damaged)? {
            return whole(&own, folder);
        }
        let missing = || Resolution::Missing("this repository has no such manifest".into());
        let folders = self.any_folders(repository).map_err(damaged)?;
        if let Some(path) = self.folder_with_top(repository, &folders, digest)
            && let Some(folder) = ImageFolder::open(&path, Some(digest)).map_err(damaged)?
        {
            return whole(&path, folder);
        }
        // A registry also serves a child of an index by its digest.
        let Some(folder) = folders
            .iter()
            .find(|folder| ImageFolder::has_child(&folder.path, digest))
        else {
            return Err(missing());
        };
        finish(digest, &mut Child(&folder.path))
    }

    /// The folder of a repository in which `manifest.json` has this digest.
    fn folder_with_top(
        &mut self,
        repository: &Repository,
        folders: &[Named],
        digest: Digest,
    ) -> Option<String> {
        if digest.algorithm() != Algorithm::Sha256 {
            // Computed is the sha256 only; others can just be tried.
            let has = |folder: &&Named| {
                matches!(ImageFolder::open(&folder.path, Some(digest)), Ok(Some(_)))
            };
            return folders.iter().find(has).map(|folder| folder.path.clone());
        }
        if self
            .tops
            .as_ref()
            .is_none_or(|(known, _)| known != repository)
        {
            // What cannot be read here is said when it is asked for itself.
            let tops = folders.iter().filter_map(|folder| {
                let opened = ImageFolder::open(&folder.path, None).ok()??;
                Some((opened.top(), folder.path.clone()))
            });
            self.tops = Some((repository.clone(), tops.collect()));
        }
        self.tops.as_ref()?.1.get(&digest).cloned()
    }
}

/// An image and all that belongs to it, or what became of it instead.
type Answer = Result<(Digest, Vec<regcarve_layout_kit::raw::LocatedEntry>), Resolution>;

fn by_tag(repository: &Repository, tag: &str, wanted: &ImageRequest) -> Answer {
    let missing = |cause: &str| Resolution::Missing(cause.into());
    let tag = Tag::parse(tag).map_err(|_| missing("this cannot be a tag"))?;
    let path = join_name(&Reference::tagged(repository.clone(), tag))?;
    let Some(mut folder) = ImageFolder::open(&path, None).map_err(damaged)? else {
        return Err(match look(&path) {
            Ok(Folder::Broken(_)) => damaged(without_manifest(&path)),
            Ok(_) => missing("there is no such tag"),
            Err(failure) => damaged(unlisted(&path, failure)),
        });
    };
    // Only the sha256 can be computed without knowing what to look for.
    if let Some(pinned) = pinned_digest(wanted)?
        && pinned.algorithm() != Algorithm::Sha256
        && let Ok(Some(same)) = ImageFolder::open(&path, Some(pinned))
    {
        folder = same;
    }
    asked_digest(wanted, Some(folder.top()))?;
    whole(&path, folder)
}

/// Checks what surrounds the image in its folder, and follows its manifest.
fn whole(path: &str, mut folder: ImageFolder) -> Answer {
    folder.check_version().map_err(damaged)?;
    if folder.is_signed() {
        let what = format!(
            "`{path}` has a signature in skopeo's own form (signature-1), which stays behind"
        );
        log(Level::Warn, &what);
    }
    let (digest, contents) = finish(folder.top(), &mut folder)?;
    // Its digest is that of the bytes without their signatures, which no file has.
    if contents[0].entry.media_type == ManifestType::Schema1Signed.as_str() {
        return Err(damaged(Damage {
            path: manifest_path(path),
            cause: "a signed manifest of the first schema, which has no digest as a file: convert it with `skopeo copy \
                    --format v2s2`"
                .into(),
        }));
    }
    Ok((digest, contents))
}

fn finish(digest: Digest, store: &mut impl Store) -> Answer {
    let contents = closure(store, digest).map_err(Resolution::Damaged)?;
    Ok((digest, contents))
}

fn damaged(damage: Damage) -> Resolution {
    Resolution::Damaged(vec![damage])
}

/// The folder of an image. A name that cannot be that of a folder is that of no image here.
fn join_name(reference: &Reference) -> Result<String, Resolution> {
    regcarve_formats::dir::folder_of(reference)
        .map_err(|error| Resolution::Missing(error.to_string()))
}

/// Judges a folder, with as few questions as it takes.
fn look(path: &str) -> Result<Folder, Failure> {
    match source::file_size(&manifest_path(path)) {
        Err(Failure::NotFound) => match entries(path) {
            Ok(entries) => Ok(judge(path, &entries)),
            Err(Failure::NotFound) => Ok(Folder::Above),
            Err(failure) => Err(failure),
        },
        // Also a manifest that is no plain file: that is said when it is resolved.
        _ => Ok(regcarve_formats::dir::reference_of(path).map_or(Folder::Above, Folder::Image)),
    }
}

/// What is wrong with a folder of an image that has no manifest.
fn without_manifest(folder: &str) -> Damage {
    Damage {
        path: manifest_path(folder),
        cause: "there is no such file, though its folder is named like an image".into(),
    }
}

/// The tags in the names of folders. They stay sorted.
fn tags_of(folders: &[Named]) -> Vec<String> {
    let tags = folders.iter().filter_map(|folder| match &folder.name {
        Name::Tag(tag) => Some(tag.to_string()),
        Name::Digest(_) => None,
    });
    tags.collect()
}

/// An image without tag says in its manifest what it speaks of.
///
/// # Errors
///
/// Why its manifest cannot be read: then it may speak of anything.
fn untagged_attachment(folder: &Named, manifests: &[String]) -> Result<Option<Referrer>, Damage> {
    let Name::Digest(digest) = folder.name else {
        return Ok(None);
    };
    let path = &folder.path;
    let Some(opened) = ImageFolder::open(path, Some(digest))? else {
        return match look(path) {
            Ok(Folder::Broken(_)) => Err(without_manifest(path)),
            Ok(_) => Ok(None),
            Err(failure) => Err(unlisted(path, failure)),
        };
    };
    let subject = subject_of(opened.bytes()).map(|subject| subject.to_string());
    let Some(subject) = subject.filter(|subject| manifests.contains(subject)) else {
        return Ok(None);
    };
    let resolution = match whole(path, opened) {
        Ok((_, contents)) => Resolution::Found(Image {
            tag: None,
            digest: digest.to_string(),
            entries: contents,
        }),
        Err(answer) => answer,
    };
    Ok(Some(Referrer {
        subject,
        resolution,
    }))
}
