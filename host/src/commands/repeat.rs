//! `run --replace` of a release that has not changed: see [`crate::stamp`].

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;

use regcarve_names::Algorithm;
use serde_json::{Value, json};

use super::session::{Given, chain, jobs};
use crate::capability::{SourceTree, Wall, WallError};
use crate::cli::{Link, Release, Run, Verify};
use crate::hash;
use crate::publish::{self, Staging};
use crate::report::{Report, milliseconds};
use crate::stamp::{Draft, Notes, Pending};
use crate::wasm::{Component, ComponentSpec, Role};

/// The same thing asked again: stamps of all outputs, before anything of the source is read.
pub(super) struct Repeat {
    asked: String,
    given: Given,
    drafts: Vec<Draft>,
}

/// Stamps that are to be written.
pub(super) struct NewStamps {
    asked: String,
    pending: Vec<Pending>,
}

impl Repeat {
    /// `None` where a run cannot be told from another by what it is asked: without `--replace`, with a list from
    /// standard input or another pipe, with `--verify full`, which asks for more than a look; or where something of it
    /// cannot be read, which the run itself will say better.
    pub(super) fn of(args: &Run) -> Option<Self> {
        if !args.replace || args.verify == Verify::Full {
            return None;
        }
        let given = Given::of_plain_files(&args.release)?;
        let root = std::fs::metadata(&args.release.source.path).ok()?;
        Some(Self {
            asked: asked(args, &given, &root)?,
            given,
            drafts: args
                .outputs
                .iter()
                .map(|output| Draft::open(&output.path, root.dev()))
                .collect::<Option<_>>()?,
        })
    }

    /// The report of the run that made these outputs, if they are what this run would make.
    pub(super) fn unchanged(&self, args: &Run) -> Option<Value> {
        let stamps: Vec<_> = self
            .drafts
            .iter()
            .map(|draft| draft.read(&self.asked))
            .collect::<Option<_>>()?;
        let source = SourceTree::open(&args.release.source.path).ok()?;
        let jobs = jobs(args.release.jobs);
        if !stamps.iter().all(|stamp| stamp.holds(&source, jobs)) {
            return None;
        }
        for output in &args.outputs {
            publish::tidy(&output.path);
        }
        serde_json::from_str(stamps.first()?.report()).ok()
    }

    /// To be called before anything of the source is read. Also gives what has been read of what the user gives: the run must
    /// be about the same.
    pub(super) fn begin(self) -> Option<(NewStamps, Given)> {
        let pending = self.drafts.into_iter().map(Draft::begin);
        let stamps = NewStamps {
            asked: self.asked,
            pending: pending.collect::<Option<_>>()?,
        };
        Some((stamps, self.given))
    }
}

impl NewStamps {
    /// Leaves doors to them in the wall.
    pub(super) fn allow(&self, wall: &mut Wall) -> Result<(), WallError> {
        self.pending.iter().try_for_each(|stamp| stamp.allow(wall))
    }

    /// Leaves the stamps, once nothing can fail any more. Without notes of the source there is nothing that they could say.
    pub(super) fn leave<'a>(
        self,
        source: Option<Vec<String>>,
        report: &Report,
        outputs: impl Iterator<Item = &'a Staging>,
    ) {
        let report = serde_json::to_string(report).unwrap_or_default();
        let mut notes = source.map(|source| Notes {
            source,
            output: Vec::new(),
        });
        for (pending, staging) in self.pending.into_iter().zip(outputs) {
            match (&mut notes, staging.journal().sheets()) {
                (Some(notes), Some(output)) => notes.output = output,
                _ => notes = None,
            }
            pending.finish(staging.dir(), &self.asked, &report, notes.as_ref());
        }
    }
}

/// Makes the report of an earlier run that of one that did nothing.
pub(super) fn as_unchanged(report: &mut Value, took: std::time::Duration) {
    report["outcome"] = "unchanged".into();
    let timing = report["timing_ms"].as_object_mut();
    for (_, time) in timing.into_iter().flatten() {
        *time = json!(0.0);
    }
    report["timing_ms"]["total"] = json!(milliseconds(took));
    let outputs = report["outputs"].as_array_mut();
    outputs.into_iter().flatten().for_each(nothing_done);
    nothing_done(&mut report["totals"]);
}

fn nothing_done(row: &mut Value) {
    for count in ["linked", "reflinked", "copied", "written", "bytes_written"] {
        if let Some(count) = row.get_mut(count) {
            *count = json!(0);
        }
    }
}

/// All that the result of a run depends on besides the source's content, as one line of JSON.
fn asked(args: &Run, given: &Given, root: &Metadata) -> Option<String> {
    let Release {
        // They are in what is given.
        lists: _,
        images,
        all,
        selector,
        no_attached,
        allow_missing,
        limits,
        source,
        // They are in the chain of policies.
        policies: _,
        platforms: _,
        platform_mode: _,
        // How fast, not what.
        jobs: _,
    } = &args.release;
    let component = |role, spec: &ComponentSpec| {
        // The pin is checked where the component is loaded; a run that was stopped by it left no stamp.
        let digest = Component::digest_of(role, spec)?;
        Some(json!([
            spec.to_string(),
            spec.pin().map(|pin| pin.to_string()),
            digest.to_string()
        ]))
    };
    let lists: Vec<_> = given
        .lists
        .iter()
        .map(|(name, text)| {
            json!([
                name,
                hash::digest(Algorithm::Sha256, text.as_bytes()).to_string()
            ])
        })
        .collect();
    let policies = chain(&args.release)
        .iter()
        .zip(&given.settings)
        .map(|(policy, settings)| {
            Some(json!([
                component(Role::Policy, &policy.component)?,
                settings
            ]))
        })
        .collect::<Option<Vec<_>>>()?;
    let outputs = args
        .outputs
        .iter()
        .map(|output| {
            Some(json!([
                output.path.to_str()?,
                component(Role::Writer, &output.format)?
            ]))
        })
        .collect::<Option<Vec<_>>>()?;
    let asked = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "source": [root.dev(), root.ino(), source.path.to_str()?, component(Role::Reader, &source.format)?],
        "lists": lists,
        "images": images,
        "all": all,
        "selector": component(Role::Selector, selector)?,
        "policies": policies,
        "attached": !no_attached,
        "allow_missing": allow_missing,
        "require_pins": limits.require_pins,
        "outputs": outputs,
        "link": match args.link {
            Link::Hard => "hard",
            Link::Reflink => "reflink",
            Link::Copy => "copy",
            Link::Auto => "auto",
        },
        "disk": disk(args)?,
        "report_contents": args.report_contents,
        "date": std::env::var("SOURCE_DATE_EPOCH").ok(),
    });
    serde_json::to_string(&asked).ok()
}

/// What an output owes to the disk. Without durability it is only as good as the memory that it was written to:
/// after a power cut its names may be there and its bytes may not. Where the machine does not say which start this is,
/// there is no telling.
fn disk(args: &Run) -> Option<String> {
    match args.durability {
        crate::cli::DurabilityArg::Full => Some("durable".into()),
        crate::cli::DurabilityArg::None => {
            std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
                .ok()
                .map(|boot| boot.trim().to_owned())
        }
    }
}
