//! Referrers: signatures, attestations, SBOMs and other artifacts that name an image as their subject.
//!
//! Resolving follows them: it asks the reader for the referrers of every manifest, and for the referrers of these. Deciding
//! takes them along: policies are not asked about a referrer, it goes wherever its subject goes.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use regcarve_types::{Digest, Repository};

use super::resolve::{Seen, Worker};
use crate::error::Error;
use crate::release::answers::Resolution;
use crate::release::blob_table::BlobTable;
use crate::release::image::Image;
use crate::release::plan::{Dropped, PlannedImage};
use crate::release::request::Origin;
use crate::signals;

/// The longest chain of referrers of referrers that is followed. The signature of an SBOM of an image is two away from
/// it; a reader whose answers never end must not keep the run from ending.
const LONGEST_CHAIN: usize = 64;

impl Worker<'_> {
    /// Adds the referrers of these manifests, and their referrers. Each manifest comes with the name of its image.
    pub(super) fn follow_referrers(
        &mut self,
        repository: &Arc<Repository>,
        mut manifests: Vec<(Digest, Arc<str>)>,
        seen: &mut Seen,
    ) -> Result<(), Error> {
        let mut asked = HashSet::new();
        for length in 0.. {
            manifests.retain(|(digest, _)| asked.insert(*digest));
            if manifests.is_empty() {
                break;
            }
            if length == LONGEST_CHAIN {
                return Err(self.reader.invalid_answer(format!(
                    "referrer chain longer than {LONGEST_CHAIN} in {repository}; --no-attached skips referrers"
                )));
            }
            manifests = self.referrers_of(repository, manifests, seen)?;
        }
        Ok(())
    }

    /// Adds the referrers of these manifests. Returns the manifests of those that are new.
    fn referrers_of(
        &mut self,
        repository: &Arc<Repository>,
        manifests: Vec<(Digest, Arc<str>)>,
        seen: &mut Seen,
    ) -> Result<Vec<(Digest, Arc<str>)>, Error> {
        let subjects: Vec<Digest> = manifests.iter().map(|(digest, _)| *digest).collect();
        let names: HashMap<Digest, Arc<str>> = manifests.into_iter().collect();
        let answers = self.reader.referrers(repository, &subjects)?;
        self.note_verified();
        let mut new = Vec::new();
        for (subject, resolution) in answers {
            signals::check()?;
            let origin = Origin::ReferrerOf(Arc::clone(&names[&subject]));
            match resolution {
                Resolution::Found(found) => {
                    let known = seen.get(&(found.tag.clone(), found.digest)).copied();
                    match known {
                        Some(known) => self.change(known, |image| {
                            image.subject.get_or_insert(subject);
                        }),
                        None => {
                            new.extend(self.add(repository, found, origin, Some(subject), seen));
                        }
                    }
                }
                // It was deleted after it was listed.
                Resolution::NoRepository | Resolution::Missing(_) => {}
                Resolution::Damaged(damages) => {
                    let reference = format!("a referrer of {repository}@{subject}");
                    self.damaged(&reference, &origin, damages);
                }
            }
        }
        Ok(new)
    }
}

/// Separates the images of a repository: referrers that go wherever their subject goes, and images that policies are asked
/// about. Referrers that refer only to one another, in a ring, are of the second kind: no image would take them along.
pub fn separate(images: Vec<Arc<Image>>, blobs: &BlobTable) -> (Vec<Arc<Image>>, Vec<Arc<Image>>) {
    let (mut rest, mut asked): (Vec<_>, Vec<_>) = images
        .into_iter()
        .partition(|image| image.subject.is_some());
    let mut referrers = Vec::new();
    let mut subjects: HashSet<Digest> = HashSet::new();
    let mut new = asked.clone();
    while !rest.is_empty() && !new.is_empty() {
        subjects.extend(new.iter().flat_map(|image| manifests_of(image, blobs)));
        (new, rest) = rest
            .into_iter()
            .partition(|image| refers_to(image, |subject| subjects.contains(subject)));
        referrers.extend(new.iter().cloned());
    }
    asked.extend(rest);
    asked.sort_by(|a, b| (&a.tag, &a.digest).cmp(&(&b.tag, &b.digest)));
    (referrers, asked)
}

/// Adds the referrers of the images that stay, and their referrers. Returns those whose subject does not stay.
pub fn take_along(
    images: &mut Vec<PlannedImage>,
    mut referrers: Vec<Arc<Image>>,
    blobs: &BlobTable,
) -> Vec<Arc<Image>> {
    if referrers.is_empty() {
        return referrers;
    }
    let mut staying = Staying::default();
    for planned in images.iter() {
        staying.add(&planned.image, &planned.repository, blobs);
    }
    loop {
        let (follow, rest): (Vec<_>, Vec<_>) = referrers
            .into_iter()
            .partition(|image| refers_to(image, |subject| staying.0.contains_key(subject)));
        if follow.is_empty() {
            return rest;
        }
        for image in follow {
            // An image that a policy moved to another repository takes its referrers along.
            for repository in staying.repositories_of(&image) {
                staying.add(&image, &repository, blobs);
                images.push(PlannedImage {
                    repository,
                    ..PlannedImage::new(Arc::clone(&image))
                });
            }
        }
        referrers = rest;
    }
}

/// The manifests that stay, and the repositories in which they stay.
#[derive(Default)]
struct Staying(HashMap<Digest, BTreeSet<Arc<Repository>>>);

impl Staying {
    fn add(&mut self, image: &Image, repository: &Arc<Repository>, blobs: &BlobTable) {
        for digest in manifests_of(image, blobs) {
            let repositories = self.0.entry(digest).or_default();
            repositories.insert(Arc::clone(repository));
        }
    }

    /// The repositories of the subject of a referrer.
    fn repositories_of(&self, referrer: &Image) -> BTreeSet<Arc<Repository>> {
        let subject = referrer.subject.and_then(|subject| self.0.get(&subject));
        subject.cloned().unwrap_or_default()
    }
}

/// True if an image is a referrer of a subject for which `matches` holds.
fn refers_to(image: &Image, matches: impl FnOnce(&Digest) -> bool) -> bool {
    image.subject.as_ref().is_some_and(matches)
}

/// The digests of all manifests in an image.
fn manifests_of(image: &Image, blobs: &BlobTable) -> Vec<Digest> {
    let manifests = image
        .entries
        .iter()
        .filter(|entry| entry.kind.is_manifest());
    manifests
        .map(|entry| blobs.get(entry.blob).digest)
        .collect()
}

/// The row of the report for a referrer whose subject is not in the release, if it was asked for by itself.
pub fn left_behind(image: Arc<Image>) -> Option<Dropped> {
    let (Origin::Line { .. } | Origin::Flag(_)) = image.origin else {
        return None;
    };
    let subject = image.subject?;
    Some(Dropped {
        reference: image.reference(),
        origin: image.origin.clone(),
        policy: "regcarve".into(),
        reason: format!("its subject {subject} is not in the release"),
    })
}
