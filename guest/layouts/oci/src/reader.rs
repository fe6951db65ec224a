//! Images out of a layout.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use regcarve_formats::oci::{INDEX_FILE, LAYOUT_FILE, blob_path, check_layout, parse_index};
use regcarve_layout_kit::raw::{
    Audit, Collector, Damage, Failure, Image, ImageRequest, Kind, Level, Reader, Referrer,
    Resolution, UntaggedContent, log, source,
};
use regcarve_layout_kit::{
    ManifestFile, Store as _, Unreadable, asked_digest, attached_by_tag, cause, closure,
    pinned_digest, repository_name, resolve_each, subject_of,
};
use regcarve_types::{Digest, Repository, Tag};

use crate::blobs::Blobs;
use crate::layout::{Images, Layout, StrayKind, Top};

/// See the header of this crate.
#[derive(Default)]
pub(crate) struct OciReader {
    /// Read once, and what is wrong with it said each time.
    layout: Option<Result<Layout, Damage>>,
    /// The repository whose indexes were last followed, and all manifests in it.
    manifests: Option<(Repository, HashSet<Digest>)>,
    /// What images without a tag speak of.
    subjects: HashMap<Digest, Subject>,
    /// What could not be read when it was asked what speaks of an image.
    unreadable: Unreadable,
}

/// What an image without a tag speaks of.
#[derive(Clone, Copy)]
enum Subject {
    /// Another manifest.
    Of(Digest),
    /// Nothing.
    Nothing,
    /// What cannot be read may speak of anything.
    Unknown,
}

const NO_SUCH_TAG: &str = "there is no such tag";
const NO_SUCH_MANIFEST: &str = "this repository has no such manifest";

impl Reader for OciReader {
    fn repositories(&mut self) -> Result<Vec<String>, Failure> {
        let Self {
            layout, subjects, ..
        } = self;
        let layout = open(layout).map_err(not_readable)?;
        for stray in &layout.strays {
            // A referrer needs no name: it travels with what it speaks of.
            let is_nameless = matches!(stray.kind, StrayKind::Nameless);
            if is_nameless && matches!(subject(subjects, stray.top), Subject::Of(_)) {
                continue;
            }
            log(Level::Warn, &stray.warning());
        }
        Ok(layout
            .repositories
            .keys()
            .map(ToString::to_string)
            .collect())
    }

    fn tags(&mut self, repository: &str) -> Result<Vec<String>, Failure> {
        let name = repository_name(repository)?;
        let layout = open(&mut self.layout).map_err(not_readable)?;
        let images = layout.repositories.get(&name).ok_or(Failure::NotFound)?;
        Ok(images.tagged.keys().map(ToString::to_string).collect())
    }

    fn resolve(&mut self, repository: &str, requests: Vec<ImageRequest>) -> Vec<Resolution> {
        let Self {
            layout, manifests, ..
        } = self;
        match open(layout) {
            Ok(layout) => resolve_each(repository, requests, |repository, request| {
                match resolve(layout, manifests, repository, request) {
                    Resolution::Missing(cause)
                        if cause == NO_SUCH_TAG || cause == NO_SUCH_MANIFEST =>
                    {
                        match layout.repositories.contains_key(repository) {
                            true => Resolution::Missing(cause),
                            false => Resolution::NoRepository,
                        }
                    }
                    answer => answer,
                }
            }),
            Err(damage) => requests
                .iter()
                .map(|_| Resolution::Damaged(vec![damage.clone()]))
                .collect(),
        }
    }

    fn referrers(&mut self, repository: &str, asked: Vec<String>) -> Vec<Referrer> {
        let Self {
            layout,
            manifests,
            subjects,
            unreadable,
        } = self;
        let (Ok(layout), Ok(name)) = (open(layout), repository_name(repository)) else {
            return Vec::new();
        };
        let images = layout.repositories.get(&name);
        let tags = images.map(|images| {
            images
                .tagged
                .keys()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        });
        let mut attachments =
            attached_by_tag(&asked, Some(tags.as_deref().unwrap_or_default()), |tag| {
                resolve(
                    layout,
                    manifests,
                    &name,
                    ImageRequest {
                        tag: Some(tag),
                        digest: None,
                    },
                )
            });
        let nameless = layout
            .strays
            .iter()
            .filter(|stray| matches!(stray.kind, StrayKind::Nameless));
        let untagged = images
            .map(|images| images.untagged.as_slice())
            .unwrap_or_default();
        let mut unknown = BTreeMap::new();
        for top in nameless
            .map(|stray| stray.top)
            .chain(untagged.iter().copied())
        {
            let subject = match subject(subjects, top) {
                Subject::Of(subject) => subject.to_string(),
                Subject::Unknown if top.is_manifest => {
                    unknown.insert(top.digest, top);
                    continue;
                }
                Subject::Unknown | Subject::Nothing => continue,
            };
            if asked.contains(&subject) {
                attachments.push(Referrer {
                    subject,
                    resolution: whole(None, top),
                });
            }
        }
        let damages = || unknown.into_values().flat_map(damages_of).collect();
        attachments.extend(unreadable.attachment(&name, &asked, damages));
        attachments
    }
}

impl Audit for OciReader {
    /// Images without a tag; with the first repository also those that belong to none.
    fn untagged(&mut self, repository: &str) -> Result<UntaggedContent, Failure> {
        let name = repository_name(repository)?;
        let layout = open(&mut self.layout).map_err(not_readable)?;
        let images = layout.repositories.get(&name);
        let untagged = images.map(|images| images.untagged.as_slice());
        let mut tops = untagged.unwrap_or_default().to_vec();
        if layout.repositories.keys().next() == Some(&name) {
            tops.extend(layout.strays.iter().map(|stray| stray.top));
        }
        let mut sizes = BTreeMap::new();
        let mut damages = Vec::new();
        for top in images
            .iter()
            .flat_map(|images| images.tops())
            .chain(tops.iter().copied())
        {
            let size = *sizes.entry(top.digest).or_insert(top.size);
            if size != top.size {
                let cause = format!(
                    "it gives {} {size} bytes and {} bytes",
                    top.digest, top.size
                );
                damages.push(Damage {
                    path: INDEX_FILE.into(),
                    cause,
                });
            }
        }
        let manifests: BTreeSet<String> = tops.iter().map(|top| top.digest.to_string()).collect();
        Ok(UntaggedContent {
            manifests: manifests.into_iter().collect(),
            damages,
        })
    }

    fn garbage(&mut self) -> Result<Vec<Collector>, Failure> {
        Ok(Vec::new())
    }
}

/// What is wrong with an image that is named by nobody.
fn damages_of(top: Top) -> Vec<Damage> {
    match whole(None, top) {
        Resolution::Found(_) | Resolution::NoRepository => Vec::new(),
        Resolution::Damaged(damages) => damages,
        Resolution::Missing(cause) => vec![Damage {
            path: blob_path(top.digest),
            cause,
        }],
    }
}

/// Reads the two files that make a layout, once.
fn open(layout: &mut Option<Result<Layout, Damage>>) -> Result<&Layout, Damage> {
    layout
        .get_or_insert_with(read)
        .as_ref()
        .map_err(Clone::clone)
}

fn read() -> Result<Layout, Damage> {
    let damage = |path: &str, cause: String| Damage {
        path: path.into(),
        cause,
    };
    let version = source::read_file(LAYOUT_FILE).map_err(|failure| match failure {
        Failure::NotFound => damage(
            LAYOUT_FILE,
            "there is no such file, so this is no OCI image layout".into(),
        ),
        failure => damage(LAYOUT_FILE, cause(failure)),
    })?;
    check_layout(&version).map_err(|error| damage(LAYOUT_FILE, error.to_string()))?;
    let index =
        source::read_file(INDEX_FILE).map_err(|failure| damage(INDEX_FILE, cause(failure)))?;
    let entries = parse_index(&index).map_err(|error| damage(INDEX_FILE, error.to_string()))?;
    Ok(Layout::of(entries))
}

fn not_readable(damage: Damage) -> Failure {
    Failure::Damaged(format!("{}: {}", damage.path, damage.cause))
}

fn resolve(
    layout: &Layout,
    manifests: &mut Option<(Repository, HashSet<Digest>)>,
    repository: &Repository,
    wanted: ImageRequest,
) -> Resolution {
    let images = layout.repositories.get(repository);
    let top = match &wanted.tag {
        Some(tag) => by_tag(layout, images, repository, tag, &wanted),
        None => asked_digest(&wanted, None).and_then(|digest| {
            by_digest(layout, images, manifests, repository, digest)
                .ok_or_else(|| Resolution::Missing(NO_SUCH_MANIFEST.into()))
        }),
    };
    match top {
        Ok(top) => whole(wanted.tag, top),
        Err(answer) => answer,
    }
}

fn by_tag(
    layout: &Layout,
    images: Option<&Images>,
    repository: &Repository,
    tag: &str,
    wanted: &ImageRequest,
) -> Result<Top, Resolution> {
    let missing = |cause: String| Err(Resolution::Missing(cause));
    let Ok(tag) = Tag::parse(tag) else {
        return missing("this cannot be a tag".into());
    };
    let pinned = pinned_digest(wanted)?;
    match images
        .and_then(|images| images.tagged.get(&tag))
        .map(Vec::as_slice)
    {
        Some([top]) => asked_digest(wanted, Some(top.digest)).map(|_| *top),
        Some(tops) if !tops.is_empty() => {
            match tops.iter().find(|top| Some(top.digest) == pinned) {
                Some(top) => Ok(*top),
                None => Err(damaged(INDEX_FILE, contradiction(repository, &tag, tops))),
            }
        }
        _ => match (
            pinned.and_then(|pinned| layout.stray(pinned, Some(&tag))),
            layout.stray_tagged(&tag),
        ) {
            (Some(top), _) => Ok(top),
            (None, Some(stray)) => missing(format!(
                "there is no such tag, but `{INDEX_FILE}` has `{tag}` without a repository; if that is meant, write \
                 {repository}:{tag}@{}",
                stray.digest,
            )),
            (None, None) => missing(NO_SUCH_TAG.into()),
        },
    }
}

fn contradiction(repository: &Repository, tag: &Tag, tops: &[Top]) -> String {
    let digests: Vec<_> = tops.iter().map(|top| top.digest.to_string()).collect();
    format!(
        "more than one image is called {repository}:{tag}: {}",
        digests.join(", ")
    )
}

fn by_digest(
    layout: &Layout,
    images: Option<&Images>,
    manifests: &mut Option<(Repository, HashSet<Digest>)>,
    repository: &Repository,
    digest: Digest,
) -> Option<Top> {
    let named = images.and_then(|images| images.tops().find(|top| top.digest == digest));
    if let Some(top) = named.or_else(|| layout.stray(digest, None)) {
        return Some(top);
    }
    // A registry also serves a child of an index by its digest.
    let images = images?;
    if manifests
        .as_ref()
        .is_none_or(|(known, _)| known != repository)
    {
        *manifests = Some((repository.clone(), all_manifests(images)));
    }
    let size = source::file_size(&blob_path(digest));
    let known = manifests
        .as_ref()
        .is_some_and(|(_, manifests)| manifests.contains(&digest));
    Some(Top {
        digest,
        size: size.ok().filter(|_| known)?,
        is_manifest: true,
    })
}

/// Every manifest that belongs to an image of a repository. What is damaged is said when it is asked for itself.
fn all_manifests(images: &Images) -> HashSet<Digest> {
    let closures = images
        .tops()
        .filter_map(|top| closure(&mut Blobs, top.digest).ok());
    let manifests = closures
        .flatten()
        .filter(|located| matches!(located.entry.kind, Kind::Index | Kind::Manifest));
    manifests
        .filter_map(|located| Digest::parse(&located.entry.digest).ok())
        .collect()
}

/// An image and all that belongs to it.
fn whole(tag: Option<String>, top: Top) -> Resolution {
    let contents = match closure(&mut Blobs, top.digest) {
        Ok(contents) => contents,
        Err(damages) => return Resolution::Damaged(damages),
    };
    let content = &contents[0].entry;
    if content.media_type.is_empty() {
        return damaged(
            &contents[0].path,
            format!("there is no such file, but `{INDEX_FILE}` names it"),
        );
    }
    if content.size != top.size {
        let cause = format!(
            "it has {} bytes, but `{INDEX_FILE}` says {}",
            content.size, top.size
        );
        return damaged(&contents[0].path, cause);
    }
    Resolution::Found(Image {
        tag,
        digest: top.digest.to_string(),
        entries: contents,
    })
}

fn damaged(path: &str, cause: String) -> Resolution {
    Resolution::Damaged(vec![Damage {
        path: path.into(),
        cause,
    }])
}

/// What an image speaks of. What is no manifest speaks of nothing.
fn subject(known: &mut HashMap<Digest, Subject>, top: Top) -> Subject {
    *known
        .entry(top.digest)
        .or_insert_with(|| match Blobs.manifest(top.digest) {
            Ok(ManifestFile::Present { bytes, .. }) => {
                subject_of(&bytes).map_or(Subject::Nothing, Subject::Of)
            }
            _ => Subject::Unknown,
        })
}
