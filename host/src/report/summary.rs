//! Summaries of reports for people.

use super::rows::ImageRow;
use super::run::Report;
use crate::text;

/// The result of `plan`: a line for each image and one with the totals.
pub fn plan(report: &Report) -> String {
    let mut lines: Vec<_> = report.images.iter().map(image).collect();
    for dropped in &report.dropped {
        lines.push(format!(
            "drop  {}  {}: {}  ({})",
            dropped.reference, dropped.policy, dropped.reason, dropped.from
        ));
    }
    let totals = &report.totals;
    lines.push(format!(
        "{}, {} ({})",
        text::count(totals.images, "image"),
        text::count(totals.blobs, "blob"),
        text::bytes(totals.bytes),
    ));
    let safe: Vec<_> = lines.iter().map(|line| text::visible(line)).collect();
    safe.join("\n")
}

fn image(image: &ImageRow) -> String {
    let platforms = match image.platforms.as_slice() {
        [] => String::new(),
        platforms => format!("  {}", platforms.join(",")),
    };
    let renamed = match &image.renamed_from {
        None => String::new(),
        Some(from) => format!("  was {from}"),
    };
    format!(
        "keep  {}  {}  {}{platforms}{renamed}  ({})",
        image.reference,
        image.digest,
        text::bytes(image.bytes),
        image.from,
    )
}

/// The end of `run`: a line with the totals, and one on images that policies rewrote.
pub fn run(report: &Report) -> Vec<String> {
    let outputs: Vec<_> = report.outputs.iter().map(|row| &*row.output).collect();
    let mut lines = vec![format!(
        "regcarve: {}: {} in {:.0} ms",
        text::visible(&outputs.join(", ")),
        counts(report).join(", "),
        report.timing_ms.total,
    )];
    let is_rewritten = |image: &&ImageRow| image.rewritten_from.is_some();
    let rewritten = report.images.iter().filter(is_rewritten).count();
    if rewritten > 0 {
        lines.push(format!(
            "regcarve: {} changed by a policy, with a new digest: signatures of the old one do not apply to it and stayed \
             behind; `rewritten_from` in the report names both",
            text::count(rewritten, "image"),
        ));
    }
    lines
}

fn counts(report: &Report) -> Vec<String> {
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
    parts
}
