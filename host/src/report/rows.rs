//! The rows of the JSON report of a run, made of what was planned and carved.

use serde::Serialize;

use super::milliseconds;
use super::run::Facts;
use crate::release::blob_table::BlobTable;
use crate::release::image::ClosureEntry;
use crate::release::plan::{Dropped, Plan, PlannedImage};
use crate::release::problem::Problem;
use crate::release::tally::Tally;
use crate::wasm::Component;

/// The sandbox around the process.
#[derive(Debug, Default, Clone, Copy, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SandboxRow {
    /// The version of Landlock that confined the run; 0 if it ran, or failed, without.
    pub landlock_abi: i32,
}

/// An output.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OutputRow {
    /// The output, as given on the command line.
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ComponentRow {
    /// `selector`, `reader`, `policy` or `writer`.
    pub role: String,
    /// A shipped name, or a path.
    pub name: String,
    /// The digest of its bytes.
    pub sha256: String,
}

/// An image.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ImageRow {
    /// `name:tag` or `name@digest`, in the output.
    pub reference: String,
    /// The digest of the top manifest in the output.
    pub digest: String,
    /// The media type of the top manifest.
    pub media_type: String,
    /// Platforms that travel; empty for an image without an index.
    pub platforms: Vec<String>,
    /// The bytes of the closure.
    pub bytes: u64,
    /// The list line or flag that asked for it.
    pub from: String,
    /// The reference in the source, if it is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renamed_from: Option<String>,
    /// The digest in the source, if a policy rewrote the image. Signatures of that digest no longer apply.
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DroppedRow {
    /// `name:tag` or `name@digest`.
    pub reference: String,
    /// The list line or flag that asked for it.
    pub from: String,
    /// The policy.
    pub policy: String,
    /// The reason that the policy gave.
    pub reason: String,
}

/// A problem.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ProblemRow {
    /// The image, or the text of the list.
    pub reference: String,
    /// The list line or flag that asked for it.
    pub from: String,
    /// The file in the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The cause.
    pub cause: String,
    /// A way out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// The error that ended a run.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ErrorRow {
    /// The exit code of the process.
    pub exit_code: u8,
    /// The message, as printed.
    pub message: String,
}

/// Sums.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Totals {
    /// Images in the plan.
    pub images: usize,
    /// Different blobs in the plan.
    pub blobs: usize,
    /// Hard links made.
    pub linked: u64,
    /// Reflinks made.
    pub reflinked: u64,
    /// Copies made.
    pub copied: u64,
    /// Files written.
    pub written: u64,
    /// Bytes of the different blobs in the plan.
    pub bytes: u64,
    /// Bytes written or copied.
    pub bytes_written: u64,
}

/// Milliseconds of each stage.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Timing {
    /// Loading engine, components and inputs.
    pub start: f64,
    /// Reading lists and expanding patterns.
    pub requests: f64,
    /// Resolving images and looking at their files.
    pub resolve: f64,
    /// Asking policies.
    pub decide: f64,
    /// Making files.
    pub carve: f64,
    /// Writing to the disk and giving names.
    pub publish: f64,
    /// The whole run.
    pub total: f64,
}

impl OutputRow {
    pub(super) fn new((output, tally): &(String, Tally)) -> Self {
        Self {
            output: output.clone(),
            linked: tally.linked,
            reflinked: tally.reflinked,
            copied: tally.copied,
            written: tally.written,
            bytes_written: tally.bytes_written,
        }
    }
}

impl ComponentRow {
    pub(super) fn new(component: &Component) -> Self {
        Self {
            role: component.role().to_string(),
            name: component.name().into(),
            sha256: component.sha256().to_string(),
        }
    }
}

impl ImageRow {
    pub(super) fn new(image: &PlannedImage, blobs: &BlobTable, contents: bool) -> Self {
        let entries = if contents { image.entries() } else { &[] };
        let digest = |entry: &ClosureEntry| blobs.get(entry.blob).digest.to_string();
        Self {
            reference: image.reference(),
            digest: image.digest().to_string(),
            media_type: image.image.top().media_type.to_string(),
            platforms: image.image.platforms().map(ToString::to_string).collect(),
            bytes: image.image.size,
            from: image.image.origin.to_string(),
            renamed_from: image.renamed_from(),
            rewritten_from: image.rewritten_from.map(|digest| digest.to_string()),
            left_out: image.left_out.iter().map(ToString::to_string).collect(),
            contents: entries.iter().map(digest).collect(),
        }
    }
}

impl DroppedRow {
    pub(super) fn new(dropped: &Dropped) -> Self {
        Self {
            reference: dropped.reference.clone(),
            from: dropped.origin.to_string(),
            policy: dropped.policy.clone(),
            reason: dropped.reason.clone(),
        }
    }
}

impl ProblemRow {
    pub(super) fn new(problem: &Problem) -> Self {
        let origin = problem.origin.as_ref().map(ToString::to_string);
        Self {
            reference: problem.reference.clone(),
            from: origin.unwrap_or_default(),
            path: problem.path.clone(),
            cause: problem.cause.clone(),
            hint: problem.hint.clone(),
        }
    }
}

impl Totals {
    pub(super) fn new(facts: &Facts<'_>) -> Self {
        let size = facts.plan.map(Plan::size).unwrap_or_default();
        let mut made = Tally::default();
        for (_, tally) in &facts.outputs {
            made += *tally;
        }
        Self {
            images: facts.plan.map_or(0, |plan| plan.images.len()),
            blobs: size.blobs,
            bytes: size.bytes,
            linked: made.linked,
            reflinked: made.reflinked,
            copied: made.copied,
            written: made.written,
            bytes_written: made.bytes_written,
        }
    }
}

impl Timing {
    pub(super) fn new(facts: &Facts<'_>) -> Self {
        Self {
            start: milliseconds(facts.planning.start),
            requests: milliseconds(facts.planning.requests),
            resolve: milliseconds(facts.planning.resolve),
            decide: milliseconds(facts.planning.decide),
            carve: milliseconds(facts.carving),
            publish: milliseconds(facts.publishing),
            total: milliseconds(facts.total),
        }
    }
}
