//! The JSON report of `run --report FILE` and `plan --format json`.
//!
//! `schema` is a semantic version. Within one major version fields are only added. All lists are sorted; all
//! sizes are bytes; `from` is `file:line`, or the flag that asked.

use std::time::Duration;

use serde::Serialize;

use super::rows::{
    ComponentRow, DroppedRow, ErrorRow, ImageRow, OutputRow, ProblemRow, SandboxRow, Timing, Totals,
};
use crate::error::Error;
use crate::pipeline::Timings;
use crate::release::plan::Plan;
use crate::release::problem::{Problem, Severity};
use crate::release::tally::Tally;
use crate::wasm::Component;

/// The version of this format.
pub const SCHEMA: &str = "1.1.0";

/// Everything that is known of a run when it ends, however early that is.
#[derive(Default)]
pub struct Facts<'a> {
    /// The source, as given on the command line.
    pub source: String,
    /// The version of Landlock; 0 without.
    pub landlock_abi: i32,
    /// The components that were loaded.
    pub components: Vec<&'a Component>,
    /// The plan, if the run came so far as to carve it.
    pub plan: Option<&'a Plan>,
    /// True if every digest of every image is to be named.
    pub contents: bool,
    /// The problems that the run was allowed to go on with.
    pub problems: &'a [Problem],
    /// The outputs, and the files made in each.
    pub outputs: Vec<(String, Tally)>,
    /// The time of planning.
    pub planning: Timings,
    /// The time of carving.
    pub carving: Duration,
    /// The time of publishing.
    pub publishing: Duration,
    /// The time of the whole run.
    pub total: Duration,
}

impl Report {
    /// The report of a plan.
    pub fn of_plan(facts: &Facts<'_>) -> Self {
        Self::new(facts, "planned")
    }

    /// The report of a run that was published.
    pub fn of_run(facts: &Facts<'_>) -> Self {
        let outcome = match facts.problems {
            [] => "complete",
            _ => "partial",
        };
        Self::new(facts, outcome)
    }

    /// The report of a run that ended with an error. Nothing was published.
    pub fn of_failure(facts: &Facts<'_>, error: &Error) -> Self {
        let mut report = Self::new(facts, "failed");
        report.outputs.clear();
        if let Error::Problems(problems) = error {
            report.missing.extend(rows(problems, is_missing));
            report.damaged.extend(rows(problems, is_damaged));
        }
        report.error = Some(ErrorRow {
            exit_code: error.exit_code(),
            message: error.to_string(),
        });
        report
    }

    fn new(facts: &Facts<'_>, outcome: &'static str) -> Self {
        let (mut images, mut dropped) = (Vec::new(), Vec::new());
        if let Some(plan) = facts.plan {
            let image = |image| ImageRow::new(image, &plan.blobs, facts.contents);
            images = plan.images.iter().map(image).collect();
            dropped = plan.dropped.iter().map(DroppedRow::new).collect();
        }
        Self {
            schema: SCHEMA,
            outcome,
            source: facts.source.clone(),
            outputs: facts.outputs.iter().map(OutputRow::new).collect(),
            sandbox: SandboxRow {
                landlock_abi: facts.landlock_abi,
            },
            components: facts
                .components
                .iter()
                .map(|component| ComponentRow::new(component))
                .collect(),
            images,
            dropped,
            missing: rows(facts.problems, is_missing).collect(),
            damaged: rows(facts.problems, is_damaged).collect(),
            error: None,
            totals: Totals::new(facts),
            timing_ms: Timing::new(facts),
        }
    }
}

fn is_missing(severity: Severity) -> bool {
    matches!(severity, Severity::Missing | Severity::Malformed)
}

fn is_damaged(severity: Severity) -> bool {
    !is_missing(severity)
}

fn rows(problems: &[Problem], of: fn(Severity) -> bool) -> impl Iterator<Item = ProblemRow> {
    let chosen = problems.iter().filter(move |problem| of(problem.severity));
    chosen.map(ProblemRow::new)
}

/// The report of a run or a plan.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Report {
    /// The version of this format.
    pub schema: &'static str,
    /// `complete`, `partial` (with `--allow-missing`), `planned` or `failed`.
    pub outcome: &'static str,
    /// The source, as given on the command line.
    pub source: String,
    /// The outputs that were published.
    pub outputs: Vec<OutputRow>,
    /// The sandbox around the process.
    pub sandbox: SandboxRow,
    /// Every component that took part.
    pub components: Vec<ComponentRow>,
    /// The images of the release.
    pub images: Vec<ImageRow>,
    /// The images that policies dropped.
    pub dropped: Vec<DroppedRow>,
    /// Images that were asked for and do not exist, and lines that are no references.
    pub missing: Vec<ProblemRow>,
    /// Images that exist and are damaged or unreadable.
    pub damaged: Vec<ProblemRow>,
    /// The error that ended the run, if it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorRow>,
    /// Sums over all outputs, but for `images`, `blobs` and `bytes`, which are those of the plan.
    pub totals: Totals,
    /// Milliseconds a stage.
    pub timing_ms: Timing,
}
