//! `regcarve plan`: shows what `run` would do.

use std::time::Instant;

use super::{print, release};
use crate::cli::{Format, PlanArgs};
use crate::error::Error;
use crate::fs::Access;
use crate::pipeline;
use crate::release::problem::acceptable;
use crate::report::file::json;
use crate::report::run::{Facts, Report};
use crate::report::summary;

/// Runs the command.
pub fn plan(args: PlanArgs) -> anyhow::Result<()> {
    let began = Instant::now();
    let (mut session, prepared) = release::prepare(&args.release)?;
    let landlock_abi = session.restrict(Access::Read)?;
    let planned = pipeline::plan(&session, &prepared)?;
    session.progress.done();
    let report = Report::of_plan(&Facts {
        source: args.release.source.to_string(),
        landlock_abi,
        components: release::components(&session, &prepared).collect(),
        plan: Some(&planned.plan),
        contents: true,
        problems: &planned.problems,
        planning: planned.timings,
        total: began.elapsed(),
        ..Facts::default()
    });
    print(&match args.format {
        Format::Json => json(&report)?,
        Format::Text => summary::plan(&report),
    })?;
    if acceptable(&planned.problems, args.release.allow_missing) {
        Ok(())
    } else {
        Err(Error::Problems(planned.problems).into())
    }
}
