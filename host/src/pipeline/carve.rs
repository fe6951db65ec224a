//! Carving: from a plan to files. Each output is built in a staging directory of its own.

use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::session::Session;
use super::workers::{self, Jobs, Worker};
use crate::error::{Error, OutputError};
use crate::fs::{LinkMode, MergeError, Method, OutputSink, OutputTrees, SourceTree, WriteError};
use crate::publish::{IfExists, Staging};
use crate::release::plan::{Plan, PlannedImage};
use crate::release::tally::Tally;
use crate::signals;
use crate::spec::StorageSpec;
use crate::sync;
use crate::wasm::roles::writer::{OutputPlan, Writer};
use crate::wasm::{Component, Role};

/// An output under construction.
pub struct Output {
    /// The output as the command line names it.
    pub spec: StorageSpec,
    /// The component that writes its format.
    pub writer: Component,
    /// The directory that is being filled.
    pub staging: Staging,
}

impl Output {
    /// Loads the writer, makes the staging directory, and tries a link into it: a run that cannot work is to fail before it
    /// starts.
    pub fn begin(
        session: &mut Session,
        spec: &StorageSpec,
        if_exists: IfExists,
        mode: LinkMode,
    ) -> Result<Self, Error> {
        let writer = session.load(Role::Writer, &spec.format)?;
        let trees = session
            .ruleset()
            .map_or(OutputTrees::One, |ruleset| ruleset.output_trees());
        let staging = Staging::begin(&spec.path, if_exists, trees)?;
        if let Some(ruleset) = session.ruleset() {
            staging.allow(ruleset)?;
        }
        if let Some(file) = session.source.any_file() {
            let probe = staging.probe(mode, &session.source, &file);
            probe.map_err(|error| {
                staging.explain(cannot_link(&session.source, &spec.path, error))
            })?;
        }
        Ok(Self {
            spec: spec.clone(),
            writer,
            staging,
        })
    }

    /// Fills the staging directory with a plan.
    pub fn fill(
        &mut self,
        session: &Session,
        job: &CarveJob,
        mode: LinkMode,
        jobs: Jobs,
    ) -> Result<Tally, Error> {
        let tally = job
            .write(session, &self.writer, &self.staging, mode, jobs)
            .map_err(|error| self.staging.explain(error))?;
        self.staging.merge_parts().map_err(|error| match error {
            MergeError::Both(path) => {
                let what = format!("it gave the name {} to two things", path.display());
                self.writer.failed(what).into()
            }
            MergeError::OsError(error) => self
                .staging
                .explain(Error::system("put the output together")(error)),
        })?;
        Ok(tally)
    }
}

/// The failure of the first link into an output.
fn cannot_link(source: &SourceTree, output: &Path, error: WriteError) -> Error {
    let (source, output) = (source.path().display(), output.display());
    match error {
        WriteError::LinkRefused(refusal) => Error::LinkRefused {
            message: format!(
                "cannot link files of {source} into {output}: {}",
                refusal.cause
            ),
            hint: refusal.hint,
        },
        error => OutputError {
            what: format!("a first link into {output}"),
            error,
        }
        .into(),
    }
}

/// A plan in the form that writers share.
pub struct CarveJob {
    plan: Arc<Plan>,
    /// For each blob, whether it is in the plan.
    planned: Arc<[bool]>,
    /// The images of one repository each, as ranges of the plan.
    shares: Vec<Range<usize>>,
}

impl CarveJob {
    /// Prepares a plan for any number of outputs.
    pub fn new(plan: Plan) -> Self {
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
            planned: plan.planned().into(),
            plan: Arc::new(plan),
            shares,
        }
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Lets writers put the plan into a staging directory: each takes the images of one repository after the other, and one
    /// of them writes what is about all images.
    fn write(
        &self,
        session: &Session,
        component: &Component,
        staging: &Staging,
        mode: LinkMode,
        jobs: Jobs,
    ) -> Result<Tally, Error> {
        let blobs = &self.plan.blobs;
        let output = Arc::new(OutputPlan::new(
            session.source.for_worker(),
            Arc::clone(blobs),
            Arc::clone(&self.planned),
        ));
        let next = AtomicUsize::new(0);
        let total = Mutex::new(Tally::default());
        let work = |tree: Box<dyn OutputSink>, pool: &Worker<'_>| -> Result<Writer, Error> {
            let mut writer = Writer::start(component, tree, Arc::clone(&output))?;
            while let Some(share) = self.shares.get(next.fetch_add(1, Ordering::Relaxed)) {
                for image in self.images(share) {
                    signals::check()?;
                    writer.place(image, blobs)?;
                }
                session.progress.advance(share.len() as u64);
                pool.checkpoint();
            }
            *sync::lock(&total) += writer.tally();
            Ok(writer)
        };
        // After a failure nothing is left for the other workers.
        let work = |pool: &Worker<'_>| {
            work(staging.sink(mode), pool)
                .inspect_err(|_| next.store(usize::MAX / 2, Ordering::Relaxed))
        };
        let other = |pool: &Worker<'_>| match next.load(Ordering::Relaxed) {
            taken if taken < self.shares.len() => work(pool).map(drop),
            _ => Ok(()),
        };
        let jobs = match mode.first() {
            Method::Hard | Method::Reflink => jobs,
            // Bytes come as fast as the disk gives them.
            Method::Copy => jobs.fixed(),
        };
        let mut writer = workers::run(jobs.for_pieces(self.shares.len()), work, other)?;
        // Its tally so far is in the total already.
        let before = writer.tally();
        writer.finish(self.plan.images.iter(), blobs)?;
        let mut tally = sync::into_inner(total);
        tally.written += writer.tally().written - before.written;
        tally.bytes_written += writer.tally().bytes_written - before.bytes_written;
        Ok(tally)
    }

    fn images(&self, share: &Range<usize>) -> &[PlannedImage] {
        &self.plan.images[share.clone()]
    }
}
