//! Deciding: from images to a plan. The policies are asked in the order of the command line; the first drop wins.
//!
//! Each policy is one instance that sees all repositories in order. Its decisions thus depend on the release alone, not on
//! the number of jobs.

use std::sync::Arc;

use regcarve_types::Platform;

use super::check;
use super::referrers;
use super::resolve::Resolved;
use crate::error::Error;
use crate::progress::Progress;
use crate::release::blob_table::BlobTable;
use crate::release::closure;
use crate::release::decision::{Decision, NewManifest};
use crate::release::image::Image;
use crate::release::plan::{Dropped, Plan, PlannedImage};
use crate::release::problem::Problem;
use crate::wasm::roles::policy::{Decided, Policy};

/// Asks all policies about all images (sorted by repository). Referrers are not asked about: they go wherever their subject
/// goes.
pub fn decide(
    resolved: Resolved,
    policies: &mut [Policy],
    progress: &Progress,
) -> Result<(Plan, Vec<Problem>), Error> {
    let mut deciding = Deciding {
        blobs: Arc::new(resolved.blobs),
        planned: Vec::new(),
        dropped: Vec::new(),
        problems: Vec::new(),
    };
    // They are taken one by one, so that a planned image is the very image and not a copy of it.
    let mut images = resolved.images.into_iter().peekable();
    while let Some(first) = images.next() {
        let mut repository = vec![first];
        while let Some(image) = images.next_if(|image| image.repository == repository[0].repository)
        {
            repository.push(image);
        }
        let count = repository.len();
        deciding.repository(repository, policies)?;
        progress.advance(count as u64);
    }
    let blobs = Arc::into_inner(deciding.blobs).ok_or_else(still_shared)?;
    let plan = Plan::new(deciding.planned, deciding.dropped, blobs)?;
    Ok((plan, deciding.problems))
}

struct Deciding {
    /// Lent to a policy for each of its calls.
    blobs: Arc<BlobTable>,
    planned: Vec<PlannedImage>,
    dropped: Vec<Dropped>,
    problems: Vec<Problem>,
}

impl Deciding {
    /// Asks all policies about the images of one repository.
    fn repository(
        &mut self,
        images: Vec<Arc<Image>>,
        policies: &mut [Policy],
    ) -> Result<(), Error> {
        let (referrers, asked) = referrers::separate(images, &self.blobs);
        let mut images: Vec<_> = asked.into_iter().map(PlannedImage::new).collect();
        for policy in policies {
            if images.is_empty() {
                break;
            }
            images = self.ask(policy, images)?;
        }
        let left = referrers::take_along(&mut images, referrers, &self.blobs);
        self.dropped
            .extend(left.into_iter().filter_map(referrers::left_behind));
        for image in images {
            let name = || (image.reference(), image.image.origin.clone());
            let entries = image.entries().iter();
            let before = self.problems.len();
            self.problems.extend(
                entries.filter_map(|entry| check::blob(name, entry, self.blobs.get(entry.blob))),
            );
            if self.problems.len() == before {
                self.planned.push(image);
            }
        }
        Ok(())
    }

    /// Asks one policy about the images of one repository. Returns those that stay.
    fn ask(
        &mut self,
        policy: &mut Policy,
        images: Vec<PlannedImage>,
    ) -> Result<Vec<PlannedImage>, Error> {
        let shown: Vec<_> = images
            .iter()
            .map(|image| Arc::clone(&image.image))
            .collect();
        let Decided {
            decisions,
            unreadable,
        } = policy.decide(&self.blobs, &shown[0].repository, &shown)?;
        drop(shown);
        for (id, state) in unreadable {
            self.blobs_mut()?.get_mut(id).state = state;
        }
        let mut staying = Vec::with_capacity(images.len());
        for (image, decision) in images.into_iter().zip(decisions) {
            staying.extend(self.apply(policy, image, decision)?);
        }
        Ok(staying)
    }

    /// Applies a decision. Returns the image if it stays.
    fn apply(
        &mut self,
        policy: &Policy,
        mut image: PlannedImage,
        decision: Decision,
    ) -> Result<Option<PlannedImage>, Error> {
        match decision {
            Decision::Keep => {}
            Decision::Rename(name) => image.rename(name),
            Decision::Drop(reason) => {
                self.dropped.push(Dropped {
                    reference: image.image.reference(),
                    origin: image.image.origin.clone(),
                    policy: policy.name().into(),
                    reason,
                });
                return Ok(None);
            }
            Decision::Missing(cause) => return Ok(self.missing(&image, policy, &cause)),
            Decision::KeepPlatforms(platforms) => {
                let kept = closure::for_platforms(image.entries(), &platforms, &self.blobs);
                let Some(entries) = kept else {
                    let names: Vec<_> = platforms.iter().map(Platform::to_string).collect();
                    let cause = format!("it has none of the platforms {}", names.join(", "));
                    return Ok(self.missing(&image, policy, &cause));
                };
                image.set_entries(entries);
            }
            Decision::Rewrite {
                manifests,
                contents,
            } => self.rewrite(policy, &mut image, manifests, &contents)?,
        }
        Ok(Some(image))
    }

    fn rewrite(
        &mut self,
        policy: &Policy,
        image: &mut PlannedImage,
        manifests: Vec<NewManifest>,
        staying: &[regcarve_types::Digest],
    ) -> Result<(), Error> {
        let blobs = self.blobs_mut()?;
        let (digest, entries) = closure::rewritten(image.entries(), manifests, staying, blobs)
            .map_err(|what| {
                policy.invalid_answer(format!("rewriting {}: {what}", image.image.reference()))
            })?;
        image.rewrite(digest, entries);
        Ok(())
    }

    /// Notes that the release is incomplete without this image.
    fn missing(
        &mut self,
        image: &PlannedImage,
        policy: &Policy,
        cause: &str,
    ) -> Option<PlannedImage> {
        let cause = format!("policy `{}`: {cause}", policy.name());
        let problem = Problem::missing(image.image.reference(), cause);
        self.problems.push(problem.from(image.image.origin.clone()));
        None
    }

    /// The table, to change it: between two calls no policy holds it.
    fn blobs_mut(&mut self) -> Result<&mut BlobTable, Error> {
        Arc::get_mut(&mut self.blobs).ok_or_else(still_shared)
    }
}

fn still_shared() -> Error {
    Error::Internal("a policy still holds the table of blobs after its call".into())
}
