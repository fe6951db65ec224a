//! From images to a plan: the policies are asked, in the order of the command line; the first drop wins.
//!
//! Each policy is one instance that sees all repositories in order. What a policy decides thus depends on the
//! release alone, not on how many jobs there are.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use regcarve_types::{Digest, Reference, Repository, Tag};

use super::resolve::check;
use crate::error::Error;
use crate::progress::Progress;
use crate::release::blob_table::BlobTable;
use crate::release::closure;
use crate::release::decision::Decision;
use crate::release::image::Image;
use crate::release::plan::{Dropped, Plan, PlannedImage};
use crate::release::problem::{Problem, Severity};
use crate::release::request::Origin;
use crate::wasm::roles::policy::{Decided, Policy};

/// An image on its way through the policies.
struct Candidate {
    image: Arc<Image>,
    /// Its repository in the output.
    repository: Arc<Repository>,
    /// Its tag in the output, if it has one.
    tag: Option<Tag>,
    /// Its digest in the source, once a policy has rewritten it.
    rewritten_from: Option<Digest>,
}

/// Asks all policies about all images (sorted by repository). Images that are only there because they speak of
/// another one are not asked about: they stay if that one stays.
pub fn decide(
    images: Vec<Arc<Image>>,
    contents: BlobTable,
    policies: &mut [Policy],
    progress: &Progress,
) -> Result<(Plan, Vec<Problem>), Error> {
    let mut stage = Stage {
        contents: Arc::new(contents),
        planned: Vec::new(),
        dropped: Vec::new(),
        problems: Vec::new(),
    };
    // IfExists one by one, so that what is planned is the image itself and not another one of a hundred thousand.
    let mut images = images.into_iter().peekable();
    while let Some(first) = images.next() {
        let mut repository = vec![first];
        while let Some(image) = images.next_if(|image| image.repository == repository[0].repository)
        {
            repository.push(image);
        }
        let count = repository.len();
        stage.repository(repository, policies)?;
        progress.advance(count as u64);
    }
    let Stage {
        planned,
        dropped,
        problems,
        contents,
    } = stage;
    let contents = Arc::into_inner(contents).ok_or_else(still_shared)?;
    Ok((Plan::new(planned, dropped, contents)?, problems))
}

struct Stage {
    /// Lent to a policy for each of its calls.
    contents: Arc<BlobTable>,
    planned: Vec<PlannedImage>,
    dropped: Vec<Dropped>,
    problems: Vec<Problem>,
}

impl Stage {
    fn repository(
        &mut self,
        images: Vec<Arc<Image>>,
        policies: &mut [Policy],
    ) -> Result<(), Error> {
        let (attached, asked) = self.attached_and_asked(images);
        let mut candidates: Vec<_> = asked
            .into_iter()
            .map(|image| Candidate::new(Arc::clone(&image.repository), image))
            .collect();
        for policy in policies {
            if candidates.is_empty() {
                break;
            }
            candidates = self.ask(policy, candidates)?;
        }
        let left = self.follow(&mut candidates, attached);
        self.dropped
            .extend(left.into_iter().filter_map(left_behind));
        for image in candidates.into_iter().map(planned) {
            let contents = &self.contents;
            let name = || (image.reference(), image.origin.clone());
            let problems = image
                .items
                .iter()
                .filter_map(|item| check(name, item, contents.get(item.content)));
            let before = self.problems.len();
            self.problems.extend(problems);
            if self.problems.len() == before {
                self.planned.push(image);
            }
        }
        Ok(())
    }

    /// One policy, one repository.
    fn ask(
        &mut self,
        policy: &mut Policy,
        candidates: Vec<Candidate>,
    ) -> Result<Vec<Candidate>, Error> {
        let images: Vec<_> = candidates
            .iter()
            .map(|candidate| Arc::clone(&candidate.image))
            .collect();
        let Decided {
            decisions,
            unreadable,
        } = policy.decide(&self.contents, &images[0].repository, &images)?;
        drop(images);
        for (id, state) in unreadable {
            self.contents_mut()?.get_mut(id).presence = state;
        }
        let mut staying = Vec::with_capacity(candidates.len());
        for (mut candidate, decision) in candidates.into_iter().zip(decisions) {
            match decision {
                Decision::Keep => {}
                Decision::Rename(name) => candidate.rename(name),
                Decision::Drop(reason) => {
                    self.dropped.push(Dropped {
                        reference: candidate.image.reference(),
                        origin: candidate.image.origin.clone(),
                        policy: policy.name().into(),
                        reason,
                    });
                    continue;
                }
                Decision::Missing(cause) => {
                    self.missing(&candidate.image, policy, &cause);
                    continue;
                }
                Decision::KeepPlatforms(platforms) => {
                    let kept =
                        closure::for_platforms(&candidate.image.items, &platforms, &self.contents);
                    let Some(items) = kept else {
                        let names: Vec<_> = platforms.iter().map(ToString::to_string).collect();
                        self.missing(
                            &candidate.image,
                            policy,
                            &format!("it has none of the platforms {}", names.join(", ")),
                        );
                        continue;
                    };
                    candidate.change(|image| image.items = items);
                }
                Decision::Rewrite {
                    manifests,
                    contents: stay,
                } => {
                    let contents = self.contents_mut()?;
                    let (digest, items) =
                        closure::rewritten(&candidate.image.items, manifests, &stay, contents)
                            .map_err(|what| {
                                policy.invalid_answer(format!(
                                    "rewriting {}: {what}",
                                    candidate.image.reference()
                                ))
                            })?;
                    candidate
                        .rewritten_from
                        .get_or_insert(candidate.image.digest);
                    candidate.change(|image| {
                        image.items = items;
                        image.digest = digest;
                    });
                }
            }
            staying.push(candidate);
        }
        Ok(staying)
    }

    /// The table, to change it: between two calls no policy holds it.
    fn contents_mut(&mut self) -> Result<&mut BlobTable, Error> {
        Arc::get_mut(&mut self.contents).ok_or_else(still_shared)
    }

    fn missing(&mut self, image: &Image, policy: &Policy, cause: &str) {
        self.problems.push(Problem {
            severity: Severity::Missing,
            reference: image.reference(),
            origin: Some(image.origin.clone()),
            path: None,
            cause: format!("policy `{}`: {cause}", policy.name()),
            hint: None,
        });
    }

    /// Images that go wherever the one goes that they speak of, and those that policies are asked about. Images that
    /// speak only of one another, in a ring, are of the second kind: nobody else would speak for them.
    fn attached_and_asked(&self, images: Vec<Arc<Image>>) -> (Vec<Arc<Image>>, Vec<Arc<Image>>) {
        let (mut rest, mut asked): (Vec<_>, Vec<_>) = images
            .into_iter()
            .partition(|image| image.subject.is_some());
        let contents = &self.contents;
        let mut attached = Vec::new();
        let mut spoken_for: HashSet<Digest> = HashSet::new();
        let mut new = asked.clone();
        while !rest.is_empty() && !new.is_empty() {
            spoken_for.extend(new.iter().flat_map(|image| manifests_of(image, contents)));
            (new, rest) = rest.into_iter().partition(|image| {
                image
                    .subject
                    .is_some_and(|subject| spoken_for.contains(&subject))
            });
            attached.extend(new.iter().cloned());
        }
        asked.extend(rest);
        asked.sort_by(|a, b| (&a.tag, &a.digest).cmp(&(&b.tag, &b.digest)));
        (attached, asked)
    }

    /// Adds what speaks of manifests that stay, and what speaks of that. Returns what speaks of nothing that stays.
    fn follow(
        &self,
        candidates: &mut Vec<Candidate>,
        mut attached: Vec<Arc<Image>>,
    ) -> Vec<Arc<Image>> {
        if attached.is_empty() {
            return attached;
        }
        let contents = &self.contents;
        // Manifests that stay, and the repositories that they stay in.
        let mut staying: HashMap<Digest, BTreeSet<Arc<Repository>>> = HashMap::new();
        let note =
            |staying: &mut HashMap<_, BTreeSet<_>>, image: &Image, repository: &Arc<Repository>| {
                for digest in manifests_of(image, contents) {
                    staying
                        .entry(digest)
                        .or_default()
                        .insert(Arc::clone(repository));
                }
            };
        for candidate in candidates.iter() {
            note(&mut staying, &candidate.image, &candidate.repository);
        }
        loop {
            let (follow, rest): (Vec<_>, Vec<_>) = attached.into_iter().partition(|image| {
                image
                    .subject
                    .is_some_and(|subject| staying.contains_key(&subject))
            });
            if follow.is_empty() {
                return rest;
            }
            for image in follow {
                // An image that got a name in another repository takes what speaks of it along.
                let repositories = image
                    .subject
                    .and_then(|subject| staying.get(&subject).cloned())
                    .unwrap_or_default();
                for repository in repositories {
                    note(&mut staying, &image, &repository);
                    candidates.push(Candidate::new(repository, Arc::clone(&image)));
                }
            }
            attached = rest;
        }
    }
}

fn still_shared() -> Error {
    Error::Internal("a policy still holds the table of blobs after its call".into())
}

/// The digests of all manifests in an image.
fn manifests_of(image: &Image, contents: &BlobTable) -> Vec<Digest> {
    let manifests = image.items.iter().filter(|item| item.kind.is_manifest());
    manifests
        .map(|item| contents.get(item.content).digest)
        .collect()
}

/// What is to be said of an image that speaks of nothing in the release: something, if it was asked for by itself.
fn left_behind(image: Arc<Image>) -> Option<Dropped> {
    let (Origin::Line { .. } | Origin::Flag(_)) = image.origin else {
        return None;
    };
    let subject = image.subject?;
    Some(Dropped {
        reference: image.reference(),
        origin: image.origin.clone(),
        policy: "regcarve".into(),
        reason: format!("it speaks of {subject}, which is not in the release"),
    })
}

impl Candidate {
    /// An image that goes to a repository, with the tag that it has.
    fn new(repository: Arc<Repository>, image: Arc<Image>) -> Self {
        Self {
            repository,
            tag: image.tag.clone(),
            image,
            rewritten_from: None,
        }
    }

    fn rename(&mut self, name: Reference) {
        let (repository, tag, _) = name.into_parts();
        self.repository = Arc::new(repository);
        self.tag = tag;
    }

    fn change(&mut self, change: impl FnOnce(&mut Image)) {
        let image = Arc::make_mut(&mut self.image);
        change(image);
        image.size = image.items.iter().map(|item| item.size).sum();
    }
}

fn planned(candidate: Candidate) -> PlannedImage {
    let Candidate {
        image,
        repository,
        tag,
        rewritten_from,
    } = candidate;
    let is_renamed = (&repository, &tag) != (&image.repository, &image.tag);
    let renamed_from = is_renamed.then(|| image.reference());
    let image = Arc::unwrap_or_clone(image);
    PlannedImage {
        repository,
        tag,
        digest: image.digest,
        items: image.items,
        origin: image.origin,
        renamed_from,
        rewritten_from,
        left_out: Vec::new(),
    }
}
