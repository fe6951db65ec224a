//! From a plan to files: each output is built in a staging directory of its own.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::workers::{self, Jobs, Worker};
use crate::error::Error;
use crate::fs::{LinkMode, Method, OutputSink, SourceTree};
use crate::progress::Progress;
use crate::publish::Staging;
use crate::release::plan::{Plan, PlannedImage};
use crate::release::tally::Tally;
use crate::wasm::Component;
use crate::wasm::roles::writer::{OutputPlan, Writer};

/// The plan in the form that writers share.
pub struct CarveJob {
    plan: Arc<Plan>,
    contents: Arc<crate::release::blob_table::BlobTable>,
    planned: Arc<[bool]>,
    /// The images of one repository each, as ranges of the plan.
    shares: Vec<Range<usize>>,
}

impl CarveJob {
    /// Prepares a plan for any number of outputs.
    pub fn new(mut plan: Plan) -> Self {
        let planned = plan.planned().into();
        let contents = Arc::new(std::mem::take(&mut plan.contents));
        let mut shares: Vec<Range<usize>> = Vec::new();
        for (position, image) in plan.images.iter().enumerate() {
            match shares.last_mut() {
                Some(share) if plan.images[share.start].repository == image.repository => {
                    share.end = position + 1
                }
                _ => shares.push(position..position + 1),
            }
        }
        Self {
            plan: Arc::new(plan),
            contents,
            planned,
            shares,
        }
    }

    /// The plan. Its content is in [`Self::contents`].
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// All content.
    pub fn contents(&self) -> &crate::release::blob_table::BlobTable {
        &self.contents
    }

    /// Fills a staging directory.
    pub fn carve(
        &self,
        component: &Component,
        source: &SourceTree,
        staging: &Staging,
        mode: LinkMode,
        jobs: Jobs,
        progress: &Progress,
    ) -> Result<Tally, Error> {
        let output = Arc::new(OutputPlan::new(
            source.for_worker(),
            Arc::clone(&self.contents),
            Arc::clone(&self.planned),
        ));
        let next = AtomicUsize::new(0);
        let total = Mutex::new(Tally::default());
        let work = |tree: Box<dyn OutputSink>, shift: &Worker<'_>| -> Result<Writer, Error> {
            let mut writer = Writer::start(component, tree, Arc::clone(&output))?;
            while let Some(share) = self.shares.get(next.fetch_add(1, Ordering::Relaxed)) {
                for image in self.images(share) {
                    crate::signals::check()?;
                    writer.place(image, &self.contents)?;
                }
                progress.advance(share.len() as u64);
                shift.pause();
            }
            *total.lock().unwrap_or_else(PoisonError::into_inner) += writer.tally();
            Ok(writer)
        };
        // Whoever fails takes the work from the others.
        let work = |shift: &Worker<'_>| {
            work(staging.sink(mode), shift)
                .inspect_err(|_| next.store(usize::MAX / 2, Ordering::Relaxed))
        };
        let other = |shift: &Worker<'_>| match next.load(Ordering::Relaxed) {
            taken if taken < self.shares.len() => work(shift).map(drop),
            _ => Ok(()),
        };
        let jobs = match mode.first() {
            Method::Hard | Method::Reflink => jobs,
            // Bytes come as fast as the disk gives them.
            Method::Copy => jobs.fixed(),
        };
        let mut writer = workers::share(jobs.for_pieces(self.shares.len()), work, other)?;
        // What is written here comes on top of what the instance has reported.
        let before = writer.tally();
        writer.finish(self.plan.images.iter(), &self.contents)?;
        let mut tally = total.into_inner().unwrap_or_else(PoisonError::into_inner);
        tally.written += writer.tally().written - before.written;
        tally.bytes_written += writer.tally().bytes_written - before.bytes_written;
        Ok(tally)
    }

    fn images(&self, share: &Range<usize>) -> &[PlannedImage] {
        &self.plan.images[share.clone()]
    }
}
