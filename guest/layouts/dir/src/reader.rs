//! Images out of a tree of folders.

use std::collections::{BTreeSet, HashMap};

use regcarve_formats::ManifestType;
use regcarve_formats::dir::{folder_of, reference_of};
use regcarve_layout_kit::{
    Audited, Catalog, Damage, Level, Located, Unresolved, Untagged, UntaggedReferrers, closure,
    log, source, subject_of,
};
use regcarve_types::{Algorithm, Digest, Reference, Repository, Tag};

use crate::folder::{Folder, Name, Named, classify, join, of_repository, parent_of};
use crate::store::{Children, ImageFolder, manifest_path};

/// Folders with longer paths are not looked into: no name of an image is as long (255 characters, and a tag or a
/// digest of 135), and a chain of folders must not go on until the host refuses the path.
const LONGEST_FOLDER: usize = 512;

/// For a user who named one image instead of the folder of all.
const ROOT_IS_IMAGE: &str = "the source is itself an image: name the folder above it, below which images are in \
                             folders named REPOSITORY:TAG";

/// Any folder is a tree of images, so a wrong path shows in nothing else.
const NO_IMAGES: &str = "no folder in the source holds an image; check the format and the path";

/// See the header of this crate.
#[derive(Default)]
pub(crate) struct DirCatalog {
    /// Names of the folders in folders that have been listed. Neighbours in a catalogue share one.
    siblings: HashMap<String, Vec<String>>,
    /// The repository whose images were last read for their digests.
    tops: Option<(Repository, HashMap<Digest, String>)>,
}

/// The top manifest of an image.
pub(crate) enum Top {
    /// `manifest.json` of a folder.
    Folder(ImageFolder),
    /// A manifest beside it, and the path of the folder.
    Child(Digest, String),
}

impl Catalog for DirCatalog {
    type Top = Top;

    fn repositories(&mut self) -> Result<Option<Vec<Repository>>, Damage> {
        let mut found = BTreeSet::new();
        let mut unaddressable = false;
        let mut ahead = vec![String::new()];
        while let Some(path) = ahead.pop() {
            let Some(entries) = source::entries(&path)? else {
                match path.is_empty() {
                    true => return Ok(None),
                    // Deleted just now.
                    false => continue,
                }
            };
            match classify(&path, &entries) {
                Folder::Unaddressable(_) if path.is_empty() => {
                    let cause = ROOT_IS_IMAGE.into();
                    return Err(Damage { path, cause });
                }
                Folder::Unaddressable(why) => {
                    log(Level::Warn, &why);
                    unaddressable = true;
                }
                // Without a manifest it is damaged; that is reported when it is resolved.
                Folder::Image(reference) | Folder::Incomplete(reference) => {
                    found.insert(reference.repository().clone());
                }
                Folder::Parent => {}
            }
            let folders = entries.into_iter().filter(|entry| entry.is_directory);
            let folders: Vec<String> = folders.map(|entry| entry.name).collect();
            for folder in &folders {
                let below = join(&path, folder);
                if below.len() > LONGEST_FOLDER {
                    let what = format!("`{below}` is too deep for an image and is not looked into");
                    log(Level::Warn, &what);
                } else {
                    ahead.push(below);
                }
            }
            if !folders.is_empty() {
                self.siblings.insert(path, folders);
            }
        }
        if found.is_empty() && !unaddressable {
            log(Level::Warn, NO_IMAGES);
        }
        Ok(Some(found.into_iter().collect()))
    }

    fn tags(&mut self, repository: &Repository) -> Result<Option<Vec<Tag>>, Damage> {
        let folders = self.folders(repository)?;
        let exists = !folders.is_empty();
        let mut tags = Vec::new();
        for Named { path, name } in folders {
            if let Name::Tag(tag) = name
                && !matches!(look(&path)?, Folder::Parent)
            {
                tags.push(tag);
            }
        }
        Ok(exists.then_some(tags))
    }

    fn has(&mut self, repository: &Repository) -> Result<bool, Damage> {
        Ok(!self.folders(repository)?.is_empty())
    }

    fn by_tag(
        &mut self,
        repository: &Repository,
        tag: &Tag,
        pinned: Option<Digest>,
    ) -> Result<Option<Top>, Unresolved> {
        let path = path_of(&Reference::tagged(repository.clone(), tag.clone()))?;
        let Some(folder) = ImageFolder::open(&path, None)? else {
            return match look(&path)? {
                Folder::Incomplete(_) => Err(without_manifest(&path).into()),
                _ => Ok(None),
            };
        };
        // Only the sha256 can be computed without knowing the digest to look for.
        if let Some(pinned) = pinned
            && pinned.algorithm() != Algorithm::Sha256
            && let Ok(Some(same)) = ImageFolder::open(&path, Some(pinned))
        {
            return Ok(Some(Top::Folder(same)));
        }
        Ok(Some(Top::Folder(folder)))
    }

    fn by_digest(
        &mut self,
        repository: &Repository,
        digest: Digest,
    ) -> Result<Option<Top>, Unresolved> {
        let own = path_of(&Reference::pinned(repository.clone(), digest))?;
        if let Some(folder) = ImageFolder::open(&own, Some(digest))? {
            return Ok(Some(Top::Folder(folder)));
        }
        let folders = self.folders(repository)?;
        if let Some(path) = self.folder_with_top(repository, &folders, digest)
            && let Some(folder) = ImageFolder::open(&path, Some(digest))?
        {
            return Ok(Some(Top::Folder(folder)));
        }
        // A registry also serves a child of an index by its digest.
        let has_child = |folder: &Named| ImageFolder::has_child(&folder.path, digest);
        let parent = folders.into_iter().find(has_child);
        Ok(parent.map(|folder| Top::Child(digest, folder.path)))
    }

    fn digest_of(top: &Top) -> Digest {
        match top {
            Top::Folder(folder) => folder.top(),
            Top::Child(digest, _) => *digest,
        }
    }

    fn closure(&mut self, _: &Repository, top: Top) -> Result<Vec<Located>, Vec<Damage>> {
        match top {
            Top::Folder(folder) => whole(folder),
            Top::Child(digest, path) => closure(&mut Children(&path), digest),
        }
    }

    fn retain_existing(&mut self, repository: &Repository, tags: &mut Vec<(Digest, Tag)>) {
        // If they cannot be listed, each possible tag can still be looked for.
        if let Ok(folders) = self.folders(repository) {
            let existing: BTreeSet<Tag> = folders.into_iter().filter_map(tag_of).collect();
            tags.retain(|(_, tag)| existing.contains(tag));
        }
    }

    fn untagged_referrers(
        &mut self,
        repository: &Repository,
        subjects: &[Digest],
    ) -> UntaggedReferrers<Top> {
        let mut referrers = UntaggedReferrers::default();
        let folders = self.folders(repository).unwrap_or_else(|damage| {
            referrers.unreadable.push(damage);
            Vec::new()
        });
        for folder in folders {
            match untagged_referrer(&folder, subjects) {
                Ok(referrer) => referrers.found.extend(referrer),
                Err(damage) => referrers.unreadable.push(damage),
            }
        }
        referrers
    }
}

impl Audited for DirCatalog {
    fn untagged(&mut self, repository: &Repository) -> Untagged {
        let mut untagged = Untagged::default();
        let folders = self.folders(repository).unwrap_or_else(|damage| {
            untagged.damages.push(damage);
            Vec::new()
        });
        for Named { path, name } in folders {
            let Name::Digest(digest) = name else { continue };
            match look(&path) {
                Ok(Folder::Image(_)) => drop(untagged.manifests.insert(digest)),
                Ok(_) => untagged.damages.push(without_manifest(&path)),
                Err(damage) => untagged.damages.push(damage),
            }
        }
        untagged
    }
}

impl DirCatalog {
    /// The folders with names of images of a repository.
    fn folders(&mut self, repository: &Repository) -> Result<Vec<Named>, Damage> {
        let (parent, _) = parent_of(repository);
        let siblings = match self.siblings.get(parent) {
            Some(siblings) => siblings,
            None => {
                let Some(siblings) = source::directories(parent)? else {
                    return Ok(Vec::new());
                };
                self.siblings.entry(parent.into()).or_insert(siblings)
            }
        };
        Ok(of_repository(repository, siblings))
    }

    /// The folder of a repository in which `manifest.json` has this digest.
    fn folder_with_top(
        &mut self,
        repository: &Repository,
        folders: &[Named],
        digest: Digest,
    ) -> Option<String> {
        if digest.algorithm() != Algorithm::Sha256 {
            // Only the sha256 is computed; others can just be tried.
            let has = |folder: &&Named| {
                matches!(ImageFolder::open(&folder.path, Some(digest)), Ok(Some(_)))
            };
            return folders.iter().find(has).map(|folder| folder.path.clone());
        }
        let is_known = |(known, _): &(Repository, _)| known == repository;
        if !self.tops.as_ref().is_some_and(is_known) {
            // A folder that cannot be read is reported when it is resolved itself.
            let tops = folders.iter().filter_map(|folder| {
                let opened = ImageFolder::open(&folder.path, None).ok()??;
                Some((opened.top(), folder.path.clone()))
            });
            self.tops = Some((repository.clone(), tops.collect()));
        }
        self.tops.as_ref()?.1.get(&digest).cloned()
    }
}

/// The closure of the image in a folder, after a look at the other files there.
fn whole(mut folder: ImageFolder) -> Result<Vec<Located>, Vec<Damage>> {
    folder.check_version().map_err(|damage| vec![damage])?;
    let path = folder.path().to_owned();
    if folder.is_signed() {
        let what = format!(
            "`{path}` has a signature in skopeo's own form (signature-1), which stays behind"
        );
        log(Level::Warn, &what);
    }
    let top = folder.top();
    let closure = closure(&mut folder, top)?;
    // Its digest is that of the bytes without their signatures, which no file has.
    if closure[0].media_type == ManifestType::Schema1Signed.as_str() {
        return Err(vec![Damage {
            path: manifest_path(&path),
            cause: "a signed manifest of the first schema, which has no digest as a file: convert it with `skopeo copy \
                    --format v2s2`"
                .into(),
        }]);
    }
    Ok(closure)
}

/// The folder of an image. A name that cannot be that of a folder is that of no image here.
fn path_of(reference: &Reference) -> Result<String, Unresolved> {
    folder_of(reference).map_err(Unresolved::missing)
}

/// Classifies a folder, with as few questions as it takes.
fn look(path: &str) -> Result<Folder, Damage> {
    if let Ok(None) = source::file_size(&manifest_path(path)) {
        let entries = source::entries(path)?;
        return Ok(entries.map_or(Folder::Parent, |entries| classify(path, &entries)));
    }
    // Also a manifest that is no regular file: that is reported when it is resolved.
    Ok(reference_of(path).map_or(Folder::Parent, Folder::Image))
}

/// The damage of a folder of an image that has no manifest.
fn without_manifest(folder: &str) -> Damage {
    Damage {
        path: manifest_path(folder),
        cause: "there is no such file, though its folder is named like an image".into(),
    }
}

fn tag_of(folder: Named) -> Option<Tag> {
    match folder.name {
        Name::Tag(tag) => Some(tag),
        Name::Digest(_) => None,
    }
}

/// The image in a folder without tag, if it is a referrer of one of these subjects.
///
/// # Errors
///
/// The damage of a manifest that cannot be read: it may be a referrer of any image.
fn untagged_referrer(folder: &Named, subjects: &[Digest]) -> Result<Option<(Digest, Top)>, Damage> {
    let Name::Digest(digest) = folder.name else {
        return Ok(None);
    };
    let Some(opened) = ImageFolder::open(&folder.path, Some(digest))? else {
        return match look(&folder.path)? {
            Folder::Incomplete(_) => Err(without_manifest(&folder.path)),
            _ => Ok(None),
        };
    };
    let subject = subject_of(opened.bytes()).filter(|subject| subjects.contains(subject));
    Ok(subject.map(|subject| (subject, Top::Folder(opened))))
}
