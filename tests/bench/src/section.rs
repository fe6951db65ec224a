//! The results of a scenario: rows of a table and goals, ready to be printed or written as JSON.

use serde::Serialize;

use crate::race::{Lane, Outcome};
use crate::stats::Summary;

/// All results of one scenario at one place.
#[derive(Debug, Serialize)]
pub(crate) struct Section {
    /// Short name, as with `--only`.
    pub scenario: &'static str,
    /// Heading.
    pub title: String,
    /// File system.
    pub place: String,
    /// Name of the row that ratios refer to.
    pub baseline: Option<String>,
    /// One way of doing it each.
    pub rows: Vec<Row>,
    /// Remarks for the reader, also on everything that was left out.
    pub notes: Vec<String>,
    /// The goals of the scenario.
    pub goals: Vec<Goal>,
}

/// One way of doing it.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    /// Name of the measured thing.
    pub name: String,
    /// A remark on it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// Seconds.
    pub seconds: Summary,
    /// Seconds divided by those of the baseline in the same round.
    pub ratio: Option<Summary>,
    /// Largest resident memory in bytes.
    pub peak_bytes: Option<u64>,
    /// Every measurement.
    pub samples: Vec<f64>,
}

/// A number that must not be exceeded.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Goal {
    /// Name of the compared value.
    pub what: String,
    /// Where it was measured.
    pub place: String,
    /// The measured value.
    pub value: f64,
    /// The most that the value may be; the least with `at_least`.
    pub bound: f64,
    /// The value must not be below the bound, instead of not above.
    pub at_least: bool,
    /// Such as `ms`; empty for ratios.
    pub unit: &'static str,
    /// True if the value keeps to the bound.
    pub reached: bool,
}

impl Section {
    /// Turns measurements into rows; ratios refer to the lane called `baseline`.
    pub(crate) fn new(
        scenario: &'static str,
        title: String,
        place: &str,
        baseline: Option<&str>,
        outcome: Outcome,
    ) -> Self {
        let base = baseline
            .and_then(|name| outcome.lanes.iter().find(|lane| lane.name == name))
            .map(|lane| lane.seconds.clone());
        let row = |lane: Lane| {
            Some(Row {
                seconds: Summary::of(lane.seconds.iter().copied())?,
                ratio: base
                    .as_ref()
                    .and_then(|base| Summary::of_ratios(&lane.seconds, base)),
                name: lane.name,
                note: lane.note,
                peak_bytes: lane.peak,
                samples: lane.seconds,
            })
        };
        Self {
            scenario,
            title,
            place: place.to_owned(),
            baseline: base
                .is_some()
                .then(|| baseline.unwrap_or_default().to_owned()),
            rows: outcome.lanes.into_iter().filter_map(row).collect(),
            notes: outcome.skipped,
            goals: Vec::new(),
        }
    }

    /// The row of that name.
    pub(crate) fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == name)
    }

    /// Notes that the value, if there is one, must be at most `bound`.
    pub(crate) fn at_most(
        &mut self,
        what: &str,
        value: Option<f64>,
        bound: f64,
        unit: &'static str,
    ) {
        self.goal(what, value, bound, unit, false);
    }

    /// Notes that the value, if there is one, must be at least `bound`.
    pub(crate) fn at_least(
        &mut self,
        what: &str,
        value: Option<f64>,
        bound: f64,
        unit: &'static str,
    ) {
        self.goal(what, value, bound, unit, true);
    }

    fn goal(
        &mut self,
        what: &str,
        value: Option<f64>,
        bound: f64,
        unit: &'static str,
        at_least: bool,
    ) {
        let Some(value) = value else { return };
        self.goals.push(Goal {
            what: what.to_owned(),
            place: self.place.clone(),
            value,
            bound,
            at_least,
            unit,
            reached: if at_least {
                value >= bound
            } else {
                value <= bound
            },
        });
    }

    /// Median ratio of a row.
    pub(crate) fn ratio(&self, name: &str) -> Option<f64> {
        Some(self.row(name)?.ratio?.median)
    }

    /// Median seconds of a row.
    pub(crate) fn seconds(&self, name: &str) -> Option<f64> {
        Some(self.row(name)?.seconds.median)
    }

    /// Median of how many times longer `slow` took than `fast` in the same round.
    pub(crate) fn times(&self, slow: &str, fast: &str) -> Option<f64> {
        let (slow, fast) = (self.row(slow)?, self.row(fast)?);
        Some(Summary::of_ratios(&slow.samples, &fast.samples)?.median)
    }
}
