//! `regcarve run`: the main job.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::session::{Prepared, Session, acceptable, jobs, plan};
use super::{print, print_problems};
use crate::cli::{Run, Verify};
use crate::error::{Error, OutputError};
use crate::fs::{
    Access, LinkMode, MergeError, OsError, OutputTrees, SourceTree, WriteError, retry_io,
};
use crate::pipeline::carve::CarveJob;
use crate::pipeline::hash;
use crate::publish::{Durability, IfExists, Staging};
use crate::report::{ComponentRow, Report, milliseconds};
use crate::spec::StorageSpec;
use crate::text;
use crate::wasm::{Component, Role};

/// Runs the command. The report is written however it ends.
pub fn run(args: Run) -> Result<(), Error> {
    let began = Instant::now();
    check_report(&args)?;
    let file = ReportFile::open(&args)?;
    let mut report = Report::new(args.release.source.to_string());
    let result = carve(&args, &mut report);
    report.timing_ms.total = milliseconds(began.elapsed());
    if let Err(error) = &result {
        report.failed(error);
    }
    let written = file.write(&report);
    // What went wrong first is what the user has to hear of.
    let mut outputs = result?;
    if let Err(error) = written {
        // A run that ends with an error publishes nothing.
        withdraw(&mut outputs);
        return Err(error);
    }
    // Removes what was replaced.
    drop(outputs);
    summary(&args, &report);
    Ok(())
}

fn carve<'a>(args: &'a Run, report: &mut Report) -> Result<Vec<Output<'a>>, Error> {
    let mode = args.link;
    check_places(args)?;
    let mut session = Session::open(&args.release.source, &args.release.components)?;
    let mut outputs = begin_outputs(&mut session, args, mode)?;
    let writers = outputs.iter().map(|output| &output.writer);
    report.components.extend(writers.map(ComponentRow::new));
    let outside = Prepared::read(&session, &args.release)?;
    report.sandbox = session.fence(Access::ReadAndLink)?;
    let planned = plan(&session, &args.release, outside, report)?;
    if !acceptable(&planned.problems, args.release.allow_missing) {
        session.progress.done();
        return Err(Error::Problems(planned.problems));
    }
    report.problems(&planned.problems);
    if args.verify == Verify::Full {
        let jobs = jobs(args.release.jobs);
        let (source, progress) = (&session.source, &session.progress);
        let problems = hash::hash_plan(&planned.plan, source, jobs, progress)?;
        if !problems.is_empty() {
            session.progress.done();
            return Err(Error::Problems(problems));
        }
    }

    let clock = Instant::now();
    let size = planned.plan.size();
    let work = CarveJob::new(planned.plan);
    report.plan(work.plan(), work.contents(), size, args.report_contents);
    for output in &outputs {
        session.progress.stage("carving", work.plan().images.len());
        let jobs = jobs(args.release.jobs);
        let (source, progress) = (&session.source, &session.progress);
        let done = work.carve(
            &output.writer,
            source,
            &output.staging,
            mode,
            jobs,
            progress,
        );
        let tally = done.map_err(|error| output.staging.explain(error))?;
        report.output(output.spec.to_string(), tally);
    }
    report.timing_ms.carve = milliseconds(clock.elapsed());

    let clock = Instant::now();
    crate::signals::check()?;
    publish(&mut outputs, args.durability)?;
    session.progress.done();
    report.timing_ms.publish = milliseconds(clock.elapsed());
    report.outcome = if planned.problems.is_empty() {
        "complete"
    } else {
        "partial"
    };
    print_problems(&planned.problems);
    // The process ends soon; taking all of this apart would only cost time.
    std::mem::forget((session, work));
    Ok(outputs)
}

/// An output under construction.
struct Output<'a> {
    spec: &'a StorageSpec,
    writer: Component,
    staging: Staging,
}

/// Loads writers and makes staging directories, and tries a link into each: what cannot work is to fail
/// before any work is done.
fn begin_outputs<'a>(
    session: &mut Session,
    args: &'a Run,
    mode: LinkMode,
) -> Result<Vec<Output<'a>>, Error> {
    let taken = if args.replace {
        IfExists::Replace
    } else {
        IfExists::Refuse
    };
    let file = session.source.any_file();
    args.outputs
        .iter()
        .map(|spec| {
            let writer = session.load(Role::Writer, &spec.format)?;
            let wall = session.wall();
            let trees = wall
                .as_ref()
                .map_or(OutputTrees::One, |wall| wall.output_trees());
            let staging = Staging::begin(&spec.path, taken, trees)?;
            if let Some(wall) = wall {
                staging.allow(wall)?;
            }
            if let Some(file) = &file {
                let tried = staging.probe(mode, &session.source, file);
                tried.map_err(|error| {
                    staging.explain(no_links(&session.source, &spec.path, error))
                })?;
            }
            Ok(Output {
                spec,
                writer,
                staging,
            })
        })
        .collect()
}

/// What it means that a link could not be tried out.
fn no_links(source: &SourceTree, output: &Path, error: WriteError) -> Error {
    let (source, output) = (source.path().display(), output.display());
    match error {
        WriteError::LinkRefused(refusal) => Error::LinkRefused {
            message: format!(
                "files of {source} cannot be linked into {output}: {}",
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

/// An output inside of the source would be read while it is written, and garbage collection of a registry would
/// take it for its own; a source inside of an output could be replaced with it.
fn check_places(args: &Run) -> Result<(), Error> {
    // What is not there is found out when it is opened.
    let Some(source) = real(&args.release.source.path)? else {
        return Ok(());
    };
    let mut places: Vec<(&StorageSpec, PathBuf)> = Vec::new();
    for spec in &args.outputs {
        let Some(place) = place_of(&spec.path)? else {
            continue;
        };
        if place.starts_with(&source) || source.starts_with(&place) {
            return Err(Error::Usage(format!(
                "the output {} and the source {} are inside of one another\n  hint: name an output beside the source",
                spec.path.display(),
                args.release.source.path.display(),
            )));
        }
        if let Some((other, _)) = places
            .iter()
            .find(|(_, other)| place.starts_with(other) || other.starts_with(&place))
        {
            return Err(Error::Usage(format!(
                "the outputs {other} and {spec} are the same, or inside of one another"
            )));
        }
        places.push((spec, place));
    }
    Ok(())
}

/// Where a name is, or would be. `None`: its folder is not there.
fn place_of(path: &Path) -> Result<Option<PathBuf>, Error> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    Ok(match (real(parent)?, path.file_name()) {
        (Some(parent), Some(name)) => Some(parent.join(name)),
        _ => None,
    })
}

/// A report inside of an output would be a file that no reader of the format expects, and it is opened before the
/// output is there.
fn check_report(args: &Run) -> Result<(), Error> {
    let Some(report) = args.report.as_deref().filter(|path| *path != "-") else {
        return Ok(());
    };
    for spec in &args.outputs {
        let inside = match (place_of(report)?, place_of(&spec.path)?) {
            (Some(report), Some(output)) => report.starts_with(output),
            // The folder that is not there may be the output.
            _ => report.starts_with(&spec.path),
        };
        if inside {
            return Err(Error::Usage(format!(
                "the report is to be inside of the output {spec}\n  hint: name a file beside it"
            )));
        }
    }
    Ok(())
}

/// Where a path leads; `None` if there is nothing.
fn real(path: &Path) -> Result<Option<PathBuf>, Error> {
    match retry_io(|| std::fs::canonicalize(path)) {
        Ok(real) => Ok(Some(real)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let fault = OsError::from_io("readlink", path.display().to_string(), &error);
            Err(Error::system("find out where a path leads")(fault))
        }
    }
}

/// All of them or none.
fn publish(outputs: &mut [Output<'_>], durability: Durability) -> Result<(), Error> {
    for output in outputs.iter_mut() {
        join(output)?;
    }
    for position in 0..outputs.len() {
        if let Err(error) = outputs[position].staging.publish(durability) {
            withdraw(&mut outputs[..position]);
            return Err(error);
        }
    }
    Ok(())
}

fn withdraw(outputs: &mut [Output<'_>]) {
    for output in outputs {
        output.staging.rollback();
    }
}

/// Makes one tree of an output.
fn join(output: &mut Output<'_>) -> Result<(), Error> {
    output.staging.merge_parts().map_err(|error| match error {
        MergeError::Both(path) => {
            let what = format!("it gave the name {} to two things", path.display());
            output.writer.failed(what).into()
        }
        MergeError::OsError(fault) => output
            .staging
            .explain(Error::system("put the output together")(fault)),
    })
}

/// Where the report goes. It is opened before anything else is done: later the wall stands.
struct ReportFile<'a> {
    /// `None`: standard output.
    file: Option<std::fs::File>,
    /// `None`: nobody wants one.
    path: Option<&'a Path>,
}

impl<'a> ReportFile<'a> {
    fn open(args: &'a Run) -> Result<Self, Error> {
        let path = args.report.as_deref();
        let open = |path: &Path| {
            std::fs::File::options()
                .write(true)
                .create(true)
                // What is there is kept until there is something to take its place.
                .truncate(false)
                .open(path)
                .map_err(|error| cannot_report("open", path, &error))
        };
        let named = path.filter(|path| *path != "-");
        Ok(Self {
            file: named.map(open).transpose()?,
            path,
        })
    }

    fn write(self, report: &impl serde::Serialize) -> Result<(), Error> {
        let Some(path) = self.path else {
            return Ok(());
        };
        let json = serde_json::to_string_pretty(report)
            .map_err(|error| Error::Internal(error.to_string()))?;
        let Some(mut file) = self.file else {
            return print(&json);
        };
        // A pipe cannot be cut, and need not be.
        if file.metadata().is_ok_and(|file| file.is_file()) {
            file.set_len(0)
                .map_err(|error| cannot_report("ftruncate", path, &error))?;
        }
        file.write_all((json + "\n").as_bytes())
            .map_err(|error| cannot_report("write", path, &error))
    }
}

fn cannot_report(call: &'static str, path: &Path, error: &std::io::Error) -> Error {
    let fault = OsError::from_io(call, path.display().to_string(), error);
    Error::system("write the report")(fault)
}

fn shown_outputs(args: &Run) -> String {
    let outputs: Vec<_> = args.outputs.iter().map(ToString::to_string).collect();
    outputs.join(", ")
}

/// One line for people; on standard error, since standard output may be the report.
fn summary(args: &Run, report: &Report) {
    let totals = &report.totals;
    let mut parts = vec![
        text::count(totals.images, "image"),
        format!(
            "{} ({})",
            text::count(totals.blobs, "blob"),
            text::bytes(totals.bytes)
        ),
        format!("{} linked", totals.linked),
    ];
    for (count, what) in [
        (totals.reflinked, "reflinked"),
        (totals.copied, "copied"),
        (totals.written, "written"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    for (count, what) in [
        (report.dropped.len(), "dropped"),
        (report.missing.len(), "missing"),
    ] {
        if count > 0 {
            parts.push(format!("{} {what}", text::count(count, "image")));
        }
    }
    text::say(&format!(
        "regcarve: {}: {} in {:.0} ms",
        text::visible(&shown_outputs(args)),
        parts.join(", "),
        report.timing_ms.total,
    ));
    let rewritten = report
        .images
        .iter()
        .filter(|image| image.rewritten_from.is_some())
        .count();
    if rewritten > 0 {
        text::say(&format!(
            "regcarve: {} changed by a policy, with a new digest: signatures of the old one do not apply to it and stayed \
             behind; `rewritten_from` in the report names both",
            text::count(rewritten, "image"),
        ));
    }
}
