//! `regcarve plan`: what `run` would do.

use std::time::Instant;

use super::print;
use super::session::{self, Prepared, Session, acceptable};
use crate::cli::{Format, PlanArgs};
use crate::error::Error;
use crate::fs::Access;
use crate::report::{Report, milliseconds};
use crate::text;

/// Runs the command.
pub fn plan(args: PlanArgs) -> Result<(), Error> {
    let began = Instant::now();
    let mut session = Session::open(&args.release.source, &args.release.components)?;
    let mut report = Report::new(args.release.source.to_string());
    let outside = Prepared::read(&session, &args.release)?;
    report.sandbox = session.fence(Access::Read)?;
    let planned = session::plan(&session, &args.release, outside, &mut report)?;
    session.progress.done();
    report.problems(&planned.problems);
    report.plan(
        &planned.plan,
        &planned.plan.contents,
        planned.plan.size(),
        true,
    );
    report.outcome = "planned";
    report.timing_ms.total = milliseconds(began.elapsed());
    let printed = match args.format {
        Format::Json => serde_json::to_string_pretty(&report)
            .map_err(|error| Error::Internal(error.to_string()))?,
        Format::Text => draw(&report),
    };
    print(&printed)?;
    if acceptable(&planned.problems, args.release.allow_missing) {
        Ok(())
    } else {
        Err(Error::Problems(planned.problems))
    }
}

/// For people: an image a line.
fn draw(report: &Report) -> String {
    let mut lines = Vec::new();
    for image in &report.images {
        let platforms = if image.platforms.is_empty() {
            String::new()
        } else {
            format!("  {}", image.platforms.join(","))
        };
        let renamed = image
            .renamed_from
            .as_ref()
            .map(|from| format!("  was {from}"))
            .unwrap_or_default();
        lines.push(format!(
            "keep  {}  {}  {}{platforms}{renamed}  ({})",
            image.reference,
            image.digest,
            text::bytes(image.bytes),
            image.from,
        ));
    }
    for dropped in &report.dropped {
        lines.push(format!(
            "drop  {}  {}: {}  ({})",
            dropped.reference, dropped.policy, dropped.reason, dropped.from
        ));
    }
    lines.push(format!(
        "{}, {} ({})",
        text::count(report.totals.images, "image"),
        text::count(report.totals.blobs, "blob"),
        text::bytes(report.totals.bytes),
    ));
    let safe: Vec<_> = lines.iter().map(|line| text::visible(line)).collect();
    safe.join("\n")
}
