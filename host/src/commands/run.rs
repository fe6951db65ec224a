//! `regcarve run`: carves a release into new storages.

use std::time::{Duration, Instant};

use super::{print_problems, release};
use crate::cli::{Run, Verify};
use crate::error::Error;
use crate::fs::Access;
use crate::pipeline::carve::{CarveJob, Output};
use crate::pipeline::{self, Prepared, Session, Timings, hash};
use crate::publish::{IfExists, paths, publish_all, rollback_all};
use crate::release::problem::{Problem, acceptable};
use crate::release::tally::Tally;
use crate::report::file::ReportFile;
use crate::report::run::{Facts, Report};
use crate::report::summary;
use crate::signals;
use crate::text;

/// Runs the command. The report is written however it ends.
pub fn run(args: Run) -> anyhow::Result<()> {
    let began = Instant::now();
    if let Some(report) = args.report.as_deref().filter(|path| *path != "-") {
        paths::check_report(report, &args.outputs)?;
    }
    let file = ReportFile::open(args.report.as_deref())?;
    let mut attempt = Attempt::default();
    let result = attempt.carve(&args);
    let facts = attempt.facts(&args, began.elapsed());
    let report = match &result {
        Ok(()) => Report::of_run(&facts),
        Err(error) => Report::of_failure(&facts, error),
    };
    let written = file.write(&report);
    // If both failed, the user has to know of the first failure.
    result?;
    if let Err(error) = written {
        // A run that ends with an error publishes nothing.
        attempt.rollback();
        return Err(error.into());
    }
    attempt.finish();
    for line in summary::run(&report) {
        text::say(&line);
    }
    Ok(())
}

/// A run, as far as it came.
#[derive(Default)]
struct Attempt {
    session: Option<Session>,
    prepared: Option<Prepared>,
    landlock_abi: i32,
    outputs: Vec<Output>,
    planning: Timings,
    /// Missing images that the run may go on without.
    problems: Vec<Problem>,
    job: Option<CarveJob>,
    tallies: Vec<Tally>,
    carving: Duration,
    publishing: Duration,
}

impl Attempt {
    fn carve(&mut self, args: &Run) -> Result<(), Error> {
        paths::check_outputs(&args.release.source, &args.outputs)?;
        let (session, prepared) = release::prepare(&args.release)?;
        let session = self.session.insert(session);
        let prepared = self.prepared.insert(prepared);
        let if_exists = match args.replace {
            true => IfExists::Replace,
            false => IfExists::Refuse,
        };
        for spec in &args.outputs {
            let output = Output::begin(session, spec, if_exists, args.link)?;
            self.outputs.push(output);
        }
        self.landlock_abi = session.restrict(Access::ReadAndLink)?;

        let planned = pipeline::plan(session, prepared)?;
        self.planning = planned.timings;
        if !acceptable(&planned.problems, args.release.allow_missing) {
            session.progress.done();
            return Err(Error::Problems(planned.problems));
        }
        self.problems = planned.problems;
        if args.verify == Verify::Full {
            hash::check_plan(session, &planned.plan, prepared.jobs)?;
        }

        let clock = Instant::now();
        let job = self.job.insert(CarveJob::new(planned.plan));
        for output in &mut self.outputs {
            let tally = pipeline::carve(session, job, output, args.link, prepared.jobs)?;
            self.tallies.push(tally);
        }
        self.carving = clock.elapsed();

        let clock = Instant::now();
        signals::check()?;
        let stagings = self.outputs.iter_mut().map(|output| &mut output.staging);
        publish_all(stagings, args.durability)?;
        session.progress.done();
        self.publishing = clock.elapsed();
        print_problems(&self.problems);
        Ok(())
    }

    /// Everything that the report tells.
    fn facts(&self, args: &Run, total: Duration) -> Facts<'_> {
        let writers = self.outputs.iter().map(|output| &output.writer);
        let planning = self.session.as_ref().zip(self.prepared.as_ref());
        let planning = planning.map(|(session, prepared)| release::components(session, prepared));
        let outputs = self.outputs.iter().map(|output| output.spec.to_string());
        Facts {
            source: args.release.source.to_string(),
            landlock_abi: self.landlock_abi,
            components: writers.chain(planning.into_iter().flatten()).collect(),
            plan: self.job.as_ref().map(CarveJob::plan),
            contents: args.report_contents,
            problems: &self.problems,
            outputs: outputs.zip(self.tallies.iter().copied()).collect(),
            planning: self.planning,
            carving: self.carving,
            publishing: self.publishing,
            total,
        }
    }

    /// Takes the names from the outputs again, and removes them.
    fn rollback(&mut self) {
        rollback_all(self.outputs.iter_mut().map(|output| &mut output.staging));
    }

    /// Removes the outputs that were replaced. The process ends soon: taking apart everything else would only cost time.
    fn finish(mut self) {
        self.outputs.clear();
        std::mem::forget(self);
    }
}
