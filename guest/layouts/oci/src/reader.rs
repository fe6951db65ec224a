//! Images out of a layout.

use std::collections::{BTreeMap, HashMap, HashSet};

use regcarve_formats::oci::{INDEX_FILE, LAYOUT_FILE, blob_path, check_layout, parse_index};
use regcarve_layout_kit::{
    Audited, Catalog, Damage, Level, Located, Store as _, Unresolved, Untagged, UntaggedReferrers,
    closure, log, source, subject_of,
};
use regcarve_types::{Digest, Repository, Tag};

use crate::blobs::Blobs;
use crate::layout::{Images, Layout, TopManifest, UnnamedEntry, UnnamedKind};

/// See the header of this crate.
#[derive(Default)]
pub(crate) struct OciCatalog {
    /// The layout, read once, or the damage that makes it unreadable.
    layout: Option<Result<Layout, Damage>>,
    /// The repository whose indexes were last followed, and all manifests in it.
    manifests: Option<(Repository, HashSet<Digest>)>,
    /// The subjects of images without a tag.
    subjects: HashMap<Digest, Subject>,
}

/// The subject of an image without a tag.
#[derive(Clone, Copy)]
enum Subject {
    /// Another manifest.
    Of(Digest),
    /// It is no referrer.
    None,
    /// It cannot be read: it may be a referrer of any image.
    Unknown,
}

impl Catalog for OciCatalog {
    type Top = TopManifest;

    fn repositories(&mut self) -> Result<Option<Vec<Repository>>, Damage> {
        let Self {
            layout, subjects, ..
        } = self;
        let layout = open(layout)?;
        for entry in &layout.unnamed {
            // A referrer needs no name: it travels with its subject.
            let is_referrer = matches!(entry.kind, UnnamedKind::NoName)
                && matches!(subject(subjects, entry.top), Subject::Of(_));
            if !is_referrer {
                log(Level::Warn, &entry.warning());
            }
        }
        Ok(Some(layout.repositories.keys().cloned().collect()))
    }

    fn tags(&mut self, repository: &Repository) -> Result<Option<Vec<Tag>>, Damage> {
        let images = open(&mut self.layout)?.repositories.get(repository);
        Ok(images.map(|images| images.tagged.keys().cloned().collect()))
    }

    fn has(&mut self, repository: &Repository) -> Result<bool, Damage> {
        let layout = open(&mut self.layout)?;
        Ok(layout.repositories.contains_key(repository))
    }

    fn by_tag(
        &mut self,
        repository: &Repository,
        tag: &Tag,
        pinned: Option<Digest>,
    ) -> Result<Option<TopManifest>, Unresolved> {
        let layout = open(&mut self.layout)?;
        let images = layout.repositories.get(repository);
        let tops = images.and_then(|images| images.tagged.get(tag));
        match tops.map(Vec::as_slice).unwrap_or_default() {
            [] => unnamed(layout, repository, tag, pinned),
            [top] => Ok(Some(*top)),
            tops => match tops.iter().find(|top| Some(top.digest) == pinned) {
                Some(top) => Ok(Some(*top)),
                None => Err(contradiction(repository, tag, tops).into()),
            },
        }
    }

    fn by_digest(
        &mut self,
        repository: &Repository,
        digest: Digest,
    ) -> Result<Option<TopManifest>, Unresolved> {
        let layout = open(&mut self.layout)?;
        let images = layout.repositories.get(repository);
        let named = images.and_then(|images| images.tops().find(|top| top.digest == digest));
        if let Some(top) = named.or_else(|| layout.unnamed_with(digest, None)) {
            return Ok(Some(top));
        }
        // A registry also serves a child of an index by its digest.
        let Some(images) = images else {
            return Ok(None);
        };
        let is_known = |(known, _): &(Repository, _)| known == repository;
        if !self.manifests.as_ref().is_some_and(is_known) {
            self.manifests = Some((repository.clone(), all_manifests(images)));
        }
        let mut manifests = self.manifests.iter();
        if !manifests.any(|(_, manifests)| manifests.contains(&digest)) {
            return Ok(None);
        }
        let size = source::file_size(&blob_path(digest))?;
        Ok(size.map(|size| TopManifest {
            digest,
            size,
            is_manifest: true,
        }))
    }

    fn digest_of(top: &TopManifest) -> Digest {
        top.digest
    }

    fn closure(&mut self, _: &Repository, top: TopManifest) -> Result<Vec<Located>, Vec<Damage>> {
        whole(top)
    }

    fn retain_existing(&mut self, repository: &Repository, tags: &mut Vec<(Digest, Tag)>) {
        if let Ok(layout) = open(&mut self.layout) {
            let images = layout.repositories.get(repository);
            tags.retain(|(_, tag)| images.is_some_and(|images| images.tagged.contains_key(tag)));
        }
    }

    fn untagged_referrers(
        &mut self,
        repository: &Repository,
        subjects: &[Digest],
    ) -> UntaggedReferrers<TopManifest> {
        let mut referrers = UntaggedReferrers::default();
        let Ok(layout) = open(&mut self.layout) else {
            return referrers;
        };
        let is_nameless = |entry: &&UnnamedEntry| matches!(entry.kind, UnnamedKind::NoName);
        let nameless = layout.unnamed.iter().filter(is_nameless);
        let images = layout.repositories.get(repository);
        let untagged = images.into_iter().flat_map(|images| &images.untagged);
        let mut unknown = BTreeMap::new();
        for top in nameless.map(|entry| entry.top).chain(untagged.copied()) {
            match subject(&mut self.subjects, top) {
                Subject::Of(subject) if subjects.contains(&subject) => {
                    referrers.found.push((subject, top));
                }
                Subject::Unknown if top.is_manifest => drop(unknown.insert(top.digest, top)),
                _ => {}
            }
        }
        let damages = |top| whole(top).err().unwrap_or_default();
        referrers.unreadable = unknown.into_values().flat_map(damages).collect();
        referrers
    }
}

impl Audited for OciCatalog {
    /// Images without a tag; with the first repository also those that belong to none.
    fn untagged(&mut self, repository: &Repository) -> Untagged {
        let layout = match open(&mut self.layout) {
            Ok(layout) => layout,
            Err(damage) => {
                return Untagged {
                    damages: vec![damage],
                    ..Untagged::default()
                };
            }
        };
        let images = layout.repositories.get(repository);
        let mut tops = images.map_or(Vec::new(), |images| images.untagged.clone());
        if layout.repositories.keys().next() == Some(repository) {
            tops.extend(layout.unnamed.iter().map(|entry| entry.top));
        }
        let tagged = images.into_iter().flat_map(|images| images.tagged.values());
        let all = tagged.flatten().chain(&tops);
        Untagged {
            damages: different_sizes(all),
            manifests: tops.iter().map(|top| top.digest).collect(),
        }
    }
}

/// Entries that give one digest different sizes: resolving finds only one of them.
fn different_sizes<'t>(tops: impl Iterator<Item = &'t TopManifest>) -> Vec<Damage> {
    let mut sizes = HashMap::new();
    let mut damages = Vec::new();
    for TopManifest { digest, size, .. } in tops {
        let first = *sizes.entry(digest).or_insert(size);
        if first != size {
            let cause = format!("it gives {digest} the sizes {first} and {size}");
            damages.push(index_damage(cause));
        }
    }
    damages
}

/// Reads the two files that make a layout, once.
fn open(layout: &mut Option<Result<Layout, Damage>>) -> Result<&Layout, Damage> {
    let layout = layout.get_or_insert_with(read);
    layout.as_ref().map_err(Clone::clone)
}

fn read() -> Result<Layout, Damage> {
    let version = source::read_file(LAYOUT_FILE)?.ok_or_else(|| Damage {
        path: LAYOUT_FILE.into(),
        cause: "there is no such file, so this is no OCI image layout".into(),
    })?;
    check_layout(&version).map_err(|error| Damage {
        path: LAYOUT_FILE.into(),
        cause: error.to_string(),
    })?;
    let index = source::read_file(INDEX_FILE)?
        .ok_or_else(|| index_damage("there is no such file".into()))?;
    let entries = parse_index(&index).map_err(|error| index_damage(error.to_string()))?;
    Ok(Layout::of(entries))
}

fn index_damage(cause: String) -> Damage {
    let path = INDEX_FILE.into();
    Damage { path, cause }
}

/// An entry without a repository, for a tag that the repository does not have: only with its digest is it sure to be
/// the right one.
fn unnamed(
    layout: &Layout,
    repository: &Repository,
    tag: &Tag,
    pinned: Option<Digest>,
) -> Result<Option<TopManifest>, Unresolved> {
    let top = pinned.and_then(|pinned| layout.unnamed_with(pinned, Some(tag)));
    match layout.unnamed_tagged(tag) {
        Some(entry) if top.is_none() => Err(Unresolved::Missing(format!(
            "there is no such tag, but `{INDEX_FILE}` has `{tag}` without a repository; if that is meant, write \
             {repository}:{tag}@{}",
            entry.digest,
        ))),
        _ => Ok(top),
    }
}

fn contradiction(repository: &Repository, tag: &Tag, tops: &[TopManifest]) -> Damage {
    let digests: Vec<_> = tops.iter().map(|top| top.digest.to_string()).collect();
    index_damage(format!(
        "more than one image is called {repository}:{tag}: {}",
        digests.join(", ")
    ))
}

/// Every manifest that belongs to an image of a repository. A damaged one is reported when it is resolved itself.
fn all_manifests(images: &Images) -> HashSet<Digest> {
    let closures = images
        .tops()
        .filter_map(|top| closure(&mut Blobs, top.digest).ok());
    let manifests = closures.flatten().filter(Located::is_manifest);
    manifests.map(|manifest| manifest.digest).collect()
}

/// The closure of an image, whose entry in the index has to agree with its top manifest.
fn whole(top: TopManifest) -> Result<Vec<Located>, Vec<Damage>> {
    let closure = closure(&mut Blobs, top.digest)?;
    let manifest = &closure[0];
    let cause = if manifest.media_type.is_empty() {
        format!("there is no such file, but `{INDEX_FILE}` names it")
    } else if manifest.size != top.size {
        let (found, stated) = (manifest.size, top.size);
        format!("it has {found} bytes, but `{INDEX_FILE}` says {stated}")
    } else {
        return Ok(closure);
    };
    let path = manifest.path.clone();
    Err(vec![Damage { path, cause }])
}

/// The subject of an image. A blob that is not a manifest has none.
fn subject(known: &mut HashMap<Digest, Subject>, top: TopManifest) -> Subject {
    let read = || match Blobs.manifest(top.digest).map(|file| file.bytes) {
        Ok(Some(bytes)) => subject_of(&bytes).map_or(Subject::None, Subject::Of),
        _ => Subject::Unknown,
    };
    *known.entry(top.digest).or_insert_with(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_sizes_of_one_digest_are_damage() {
        let top = |byte: u8, size| TopManifest {
            digest: Digest::sha256([byte; 32]),
            size,
            is_manifest: true,
        };
        let found = |tops: &[TopManifest]| different_sizes(tops.iter()).len();
        assert_eq!(found(&[top(1, 5), top(2, 6), top(1, 5)]), 0);
        assert_eq!(found(&[top(1, 5), top(2, 6), top(1, 7)]), 1);
    }
}
