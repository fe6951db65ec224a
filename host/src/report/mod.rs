//! What a run did, as JSON: `--report FILE`, and `plan --format json`.
//!
//! `schema` is a semantic version. Within one major version fields are only added. All lists are sorted; all
//! sizes are bytes; `from` is `file:line`, or the flag that asked.

use std::time::Duration;

use serde::Serialize;

use crate::error::Error;
use crate::release::blob_table::BlobTable;
use crate::release::plan::{Plan, PlannedImage, Size};
use crate::release::problem::{Problem, Severity};
use crate::release::tally::Tally;
use crate::wasm::Component;

/// The version of this format.
pub const SCHEMA: &str = "1.1.0";

/// The whole report.
#[derive(Debug, Serialize)]
pub struct Report {
    /// See [`SCHEMA`].
    pub schema: &'static str,
    /// `complete`, `partial` (with `--allow-missing`), `planned`, `unchanged` or `failed`.
    pub outcome: &'static str,
    /// As given on the command line.
    pub source: String,
    /// What was published.
    pub outputs: Vec<Output>,
    /// What the kernel watched.
    pub sandbox: SandboxRow,
    /// Every component that took part.
    pub components: Vec<ComponentRow>,
    /// What is in the release.
    pub images: Vec<ImageRow>,
    /// What policies dropped.
    pub dropped: Vec<DroppedRow>,
    /// What was asked for and is not there.
    pub missing: Vec<ProblemRow>,
    /// What is there and not whole.
    pub damaged: Vec<ProblemRow>,
    /// What ended the run, if it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorRow>,
    /// Sums over all outputs, but for `images`, `blobs` and `bytes`, which are those of the plan.
    pub totals: Totals,
    /// Milliseconds a stage.
    pub timing_ms: Timing,
}

/// The second wall; see [`crate::fs::Ruleset`].
#[derive(Debug, Default, Clone, Copy, Serialize)]
pub struct SandboxRow {
    /// The version of Landlock that fenced the run in; 0 if it ran, or failed, without.
    pub landlock_abi: i32,
}

/// An output.
#[derive(Debug, Serialize)]
pub struct Output {
    /// As given on the command line.
    pub output: String,
    /// Files linked to the source.
    pub linked: u64,
    /// Files that share blocks with the source.
    pub reflinked: u64,
    /// Files copied.
    pub copied: u64,
    /// Files written.
    pub written: u64,
    /// Bytes written or copied.
    pub bytes_written: u64,
}

/// A component.
#[derive(Debug, Serialize)]
pub struct ComponentRow {
    /// `selector`, `reader`, `policy` or `writer`.
    pub role: String,
    /// A shipped name, or a path.
    pub name: String,
    /// Digest of its bytes.
    pub sha256: String,
}

/// An image.
#[derive(Debug, Serialize)]
pub struct ImageRow {
    /// `name:tag` or `name@digest`, in the output.
    pub reference: String,
    /// Of the top manifest, in the output.
    pub digest: String,
    /// What the top is.
    pub media_type: String,
    /// Platforms that travel; empty for an image that is no index.
    pub platforms: Vec<String>,
    /// Of the closure.
    pub bytes: u64,
    /// Who asked for it.
    pub from: String,
    /// Its reference in the source, if that is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renamed_from: Option<String>,
    /// Its digest in the source, if a policy rewrote it. Signatures of that digest no longer apply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rewritten_from: Option<String>,
    /// Layers that come from elsewhere and that the source does not have.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// The closure: digests of everything that travels, the top first. With `--report-contents` only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contents: Vec<String>,
}

/// An image that was dropped.
#[derive(Debug, Serialize)]
pub struct DroppedRow {
    /// `name:tag` or `name@digest`.
    pub reference: String,
    /// Who asked for it.
    pub from: String,
    /// Which policy.
    pub policy: String,
    /// Its words.
    pub reason: String,
}

/// Something that is wrong.
#[derive(Debug, Serialize)]
pub struct ProblemRow {
    /// What was asked for.
    pub reference: String,
    /// Who asked for it.
    pub from: String,
    /// The file in the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What is wrong.
    pub cause: String,
    /// What may help.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// What ended a run.
#[derive(Debug, Serialize)]
pub struct ErrorRow {
    /// Of the process.
    pub exit_code: u8,
    /// As printed.
    pub message: String,
}

/// Sums.
#[derive(Debug, Default, Serialize)]
pub struct Totals {
    /// Images in the plan.
    pub images: usize,
    /// Different content in the plan.
    pub blobs: usize,
    /// Hard links made.
    pub linked: u64,
    /// Reflinks made.
    pub reflinked: u64,
    /// Copies made.
    pub copied: u64,
    /// Files written.
    pub written: u64,
    /// Bytes of the different content in the plan.
    pub bytes: u64,
    /// Bytes written or copied.
    pub bytes_written: u64,
}

/// Milliseconds.
#[derive(Debug, Default, Serialize)]
pub struct Timing {
    /// Engine and components.
    pub start: f64,
    /// Lists and patterns.
    pub requests: f64,
    /// Images and their content.
    pub resolve: f64,
    /// Policies.
    pub decide: f64,
    /// Files.
    pub carve: f64,
    /// Disk and names.
    pub publish: f64,
    /// All.
    pub total: f64,
}

/// Milliseconds of a duration, to the microsecond.
pub fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

impl Report {
    /// A report with nothing done yet.
    pub fn new(source: String) -> Self {
        Self {
            schema: SCHEMA,
            outcome: "failed",
            source,
            outputs: Vec::new(),
            sandbox: SandboxRow::default(),
            components: Vec::new(),
            images: Vec::new(),
            dropped: Vec::new(),
            missing: Vec::new(),
            damaged: Vec::new(),
            error: None,
            totals: Totals::default(),
            timing_ms: Timing::default(),
        }
    }

    /// Enters what ended the run.
    pub fn failed(&mut self, error: &Error) {
        self.outcome = "failed";
        // Nothing of it was published.
        self.outputs.clear();
        if let Error::Problems(problems) = error {
            self.problems(problems);
        }
        self.error = Some(ErrorRow {
            exit_code: error.exit_code(),
            message: error.to_string(),
        });
    }

    /// Enters what is wrong.
    pub fn problems(&mut self, problems: &[Problem]) {
        for problem in problems {
            let list = match problem.severity {
                Severity::Missing | Severity::Malformed => &mut self.missing,
                Severity::Damaged | Severity::Unreadable => &mut self.damaged,
            };
            list.push(ProblemRow {
                reference: problem.reference.clone(),
                from: problem
                    .origin
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
                path: problem.path.clone(),
                cause: problem.cause.clone(),
                hint: problem.hint.clone(),
            });
        }
    }

    /// Enters the plan; `contents` names every digest of every image.
    pub fn plan(&mut self, plan: &Plan, table: &BlobTable, size: Size, contents: bool) {
        self.images = plan
            .images
            .iter()
            .map(|image| ImageRow::new(image, table, contents))
            .collect();
        self.dropped = plan
            .dropped
            .iter()
            .map(|dropped| DroppedRow {
                reference: dropped.reference.clone(),
                from: dropped.origin.to_string(),
                policy: dropped.policy.clone(),
                reason: dropped.reason.clone(),
            })
            .collect();
        self.totals.images = plan.images.len();
        self.totals.blobs = size.blobs;
        self.totals.bytes = size.bytes;
    }

    /// Enters an output.
    pub fn output(&mut self, output: String, tally: Tally) {
        let row = Output {
            output,
            linked: tally.linked,
            reflinked: tally.reflinked,
            copied: tally.copied,
            written: tally.written,
            bytes_written: tally.bytes_written,
        };
        self.totals.linked += row.linked;
        self.totals.reflinked += row.reflinked;
        self.totals.copied += row.copied;
        self.totals.written += row.written;
        self.totals.bytes_written += row.bytes_written;
        self.outputs.push(row);
    }
}

impl ImageRow {
    fn new(image: &PlannedImage, table: &BlobTable, contents: bool) -> Self {
        let digests = image
            .items
            .iter()
            .map(|item| table.get(item.content).digest.to_string());
        Self {
            reference: image.reference(),
            digest: image.digest.to_string(),
            media_type: image.top().media_type.to_string(),
            platforms: image.platforms(),
            bytes: image.bytes(),
            from: image.origin.to_string(),
            renamed_from: image.renamed_from.clone(),
            rewritten_from: image.rewritten_from.map(|digest| digest.to_string()),
            left_out: image.left_out.iter().map(ToString::to_string).collect(),
            contents: if contents {
                digests.collect()
            } else {
                Vec::new()
            },
        }
    }
}

impl ComponentRow {
    /// For a component that takes part.
    pub fn new(component: &Component) -> Self {
        Self {
            role: component.role().to_string(),
            name: component.name().into(),
            sha256: component.sha256().to_string(),
        }
    }
}
