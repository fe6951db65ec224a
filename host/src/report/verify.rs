//! The result of `verify`, as JSON and as text.
//!
//! `schema` is a semantic version. Within one major version fields are only added. All lists are sorted; all sizes are
//! bytes.

use std::time::Duration;

use regcarve_types::{Digest, Repository};
use serde::Serialize;

use super::milliseconds;
use super::rows::SandboxRow;
use crate::error::Error;
use crate::pipeline::verify::{self, Collector, Verified};
use crate::release::answers::GcOutcome;
use crate::release::problem::{Problem, Severity};
use crate::text;

/// The version of this format.
pub const SCHEMA: &str = "1.1.0";

/// The report of `verify --format json`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct VerifyReport {
    /// The version of this format.
    pub schema: &'static str,
    /// `whole` or `damaged`.
    pub outcome: &'static str,
    /// The storage, as given on the command line.
    pub storage: String,
    /// The sandbox around the process.
    pub sandbox: SandboxRow,
    /// True if untagged content was checked; of a format without `audit` only tagged images are.
    pub audited: bool,
    /// All problems, sorted by path.
    pub problems: Vec<ProblemRow>,
    /// The garbage collectors of the format, and what each would delete. Information, but for those named with `--gc`.
    pub collections: Vec<CollectionRow>,
    /// Counts.
    pub totals: Totals,
    /// Milliseconds of the whole run.
    pub timing_ms: f64,
}

/// A problem.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ProblemRow {
    /// `damaged`, or `unreadable` where the system refused to read a file.
    pub severity: &'static str,
    /// The images that need it, or the repository.
    pub reference: String,
    /// The file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The cause.
    pub cause: String,
    /// A way out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// A garbage collector, and what it would delete.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CollectionRow {
    /// The program with version and flags.
    pub collector: String,
    /// Why it would stop; then the lists are empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aborts: Option<String>,
    /// Manifests that it would delete, `repository@digest`.
    pub manifests: Vec<String>,
    /// Digests of the files that it would delete.
    pub blobs: Vec<String>,
    /// Bytes of these files.
    pub bytes: u64,
    /// Layer links that it would delete, `repository@digest`.
    pub links: Vec<String>,
    /// Tagged images that would lose content.
    pub images: Vec<String>,
}

/// Counts.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Totals {
    /// Repositories.
    pub repositories: usize,
    /// Tags.
    pub tags: usize,
    /// Manifests that no tag reaches.
    pub untagged: usize,
    /// Different blobs of all images.
    pub blobs: usize,
    /// Bytes of the blobs that exist.
    pub bytes: u64,
    /// Bytes hashed; manifests were hashed when they were read, and are not among them.
    pub hashed: u64,
    /// Milliseconds that hashing took.
    pub hashing_ms: f64,
    /// Child manifests that do not exist and that `--sparse` accepts.
    pub sparse: usize,
}

impl VerifyReport {
    /// The report of a storage.
    pub fn new(storage: String, landlock_abi: i32, verified: &Verified, total: Duration) -> Self {
        let collectors = verified.collectors.iter().flatten();
        Self {
            schema: SCHEMA,
            outcome: match verified.problems.as_slice() {
                [] => "whole",
                _ => "damaged",
            },
            storage,
            sandbox: SandboxRow { landlock_abi },
            audited: verified.audited,
            problems: verified.problems.iter().map(ProblemRow::new).collect(),
            collections: collectors.map(CollectionRow::new).collect(),
            totals: Totals::new(&verified.totals),
            timing_ms: milliseconds(total),
        }
    }

    /// The text for people: a line for each problem and each collector, and one that sums up.
    pub fn text(&self, problems: &[Problem]) -> String {
        let mut lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        if !self.audited {
            let line = format!(
                "{}: only tagged images were checked; this format has no `audit`",
                self.storage
            );
            lines.push(text::visible(&line).into_owned());
        }
        for row in &self.collections {
            let line = format!("gc: {}: {}", row.collector, row.text());
            lines.push(text::visible(&line).into_owned());
        }
        lines.push(text::visible(&self.summary()).into_owned());
        lines.join("\n")
    }

    fn summary(&self) -> String {
        let totals = &self.totals;
        let per_second = totals.hashed as f64 / (totals.hashing_ms / 1e3).max(1e-6);
        let sparse = match totals.sparse {
            0 => String::new(),
            count => format!(", {} left out", text::count(count, "child manifest")),
        };
        let outcome = match self.problems.len() {
            0 => "whole".into(),
            count => text::count(count, "problem"),
        };
        format!(
            "{}: {}, {}, {} ({}){sparse}: {outcome}; hashed {} at {}/s",
            self.storage,
            text::count(totals.repositories, "repository"),
            text::count(totals.tags, "tag"),
            text::count(totals.blobs, "blob"),
            text::bytes(totals.bytes),
            text::bytes(totals.hashed),
            text::bytes(per_second as u64),
        )
    }
}

/// The problems of collectors that the user demands to leave tagged images alone.
pub fn demanded(names: &[String], verified: &Verified) -> Result<Vec<Problem>, Error> {
    // Where collectors cannot be asked, a problem says why.
    let Some(collectors) = &verified.collectors else {
        return Ok(Vec::new());
    };
    let mut problems = Vec::new();
    for name in names {
        let Some(collector) = collectors.iter().find(|known| known.name == *name) else {
            let known: Vec<_> = collectors.iter().map(|known| known.name.as_str()).collect();
            return Err(Error::Usage(format!(
                "--gc: this storage knows no collector {name:?}; it knows: {}",
                known.join(", ")
            )));
        };
        let row = CollectionRow::new(collector);
        if row.aborts.is_some() || !row.images.is_empty() {
            problems.push(Problem::damaged(name, row.text()));
        }
    }
    Ok(problems)
}

impl ProblemRow {
    fn new(problem: &Problem) -> Self {
        Self {
            severity: match problem.severity {
                Severity::Unreadable => "unreadable",
                _ => "damaged",
            },
            reference: problem.reference.clone(),
            path: problem.path.clone(),
            cause: problem.cause.clone(),
            hint: problem.hint.clone(),
        }
    }
}

impl CollectionRow {
    fn new(collector: &Collector) -> Self {
        let mut row = Self {
            collector: collector.name.clone(),
            aborts: None,
            manifests: Vec::new(),
            blobs: Vec::new(),
            bytes: 0,
            links: Vec::new(),
            images: collector.affected_images.clone(),
        };
        let named = |all: &[(Repository, Digest)]| -> Vec<String> {
            let names = all.iter();
            names
                .map(|(name, digest)| format!("{name}@{digest}"))
                .collect()
        };
        match &collector.outcome {
            GcOutcome::Aborts(cause) => row.aborts = Some(cause.clone()),
            GcOutcome::Completes(plan) => {
                let blobs = plan.blobs.iter();
                row.bytes = blobs.clone().map(|blob| blob.size).sum();
                row.blobs = blobs.map(|blob| blob.digest.to_string()).collect();
                row.manifests = named(&plan.manifests);
                row.links = named(&plan.links);
            }
        }
        row
    }

    /// The row in one line.
    fn text(&self) -> String {
        if let Some(cause) = &self.aborts {
            return format!("would abort: {cause}");
        }
        let parts: Vec<_> = [
            (self.manifests.len(), "manifest"),
            (self.blobs.len(), "blob"),
            (self.links.len(), "layer link"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| text::count(count, what))
        .collect();
        if parts.is_empty() {
            return "would delete nothing".into();
        }
        let images = match self.images.as_slice() {
            [] => "nothing of a tagged image".into(),
            images => format!("of tagged images: {}", images.join(", ")),
        };
        let size = text::bytes(self.bytes);
        format!("would delete {} ({size}), {images}", parts.join(", "))
    }
}

impl Totals {
    fn new(totals: &verify::Totals) -> Self {
        Self {
            repositories: totals.repositories,
            tags: totals.tags,
            untagged: totals.untagged,
            blobs: totals.blobs,
            bytes: totals.bytes,
            hashed: totals.hashed,
            hashing_ms: milliseconds(totals.hashing),
            sparse: totals.sparse,
        }
    }
}
