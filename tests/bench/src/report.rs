//! Results as text: a table for each scenario, and one of all goals.

use std::fmt::Write;

use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};

use crate::section::{Goal, Section};
use crate::stats::Summary;

/// A heading, the table of a section, and its notes.
pub(crate) fn section(section: &Section) -> String {
    let mut table = table(["", "median", "min – max", "ratio", "min – max", "peak"]);
    for row in &section.rows {
        let peak = row.peak_bytes.map(mebibytes).unwrap_or_default();
        let ratio = row
            .ratio
            .map(|ratio| (times(ratio.median), spread(&ratio, times)));
        let (ratio, ratios) = ratio.unwrap_or_default();
        table.add_row([
            row.name.clone(),
            seconds(row.seconds.median),
            spread(&row.seconds, seconds),
            ratio,
            ratios,
            peak,
        ]);
    }
    let mut text = format!("\n{} · {}\n", section.title, section.place);
    if section.rows.is_empty() {
        text.push_str("  (nothing measured)\n");
    } else {
        let _ = writeln!(text, "{table}");
    }
    if let Some(baseline) = &section.baseline {
        let _ = writeln!(text, "  ratio: to “{baseline}” of the same round");
    }
    for row in section.rows.iter().filter(|row| !row.note.is_empty()) {
        let _ = writeln!(text, "  {}: {}", row.name, row.note);
    }
    for note in &section.notes {
        let _ = writeln!(text, "  {note}");
    }
    text
}

/// A table of what was to be reached.
pub(crate) fn goals<'a>(goals: impl IntoIterator<Item = &'a Goal>) -> String {
    let mut table = table(["goal", "where", "found", "asked", ""]);
    for goal in goals {
        let sign = if goal.at_least { "≥" } else { "≤" };
        table.add_row([
            goal.what.clone(),
            goal.place.clone(),
            format!("{} {}", figures(goal.value), goal.unit)
                .trim()
                .to_owned(),
            format!("{sign} {} {}", figures(goal.bound), goal.unit)
                .trim()
                .to_owned(),
            if goal.reached {
                "reached"
            } else {
                "NOT REACHED"
            }
            .to_owned(),
        ]);
    }
    if table.is_empty() {
        return String::new();
    }
    format!("\nGoals (medians)\n{table}\n")
}

/// One line below the header is enough.
const STYLE: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// Aligned columns: text on the left, numbers on the right.
fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE).set_header(header);
    let words = if header[0].is_empty() { 1 } else { 2 };
    for column in table.column_iter_mut().skip(words) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Three figures with the unit that suits.
pub(crate) fn seconds(value: f64) -> String {
    match value {
        v if v >= 1.0 => format!("{} s", figures(v)),
        v if v >= 1e-3 => format!("{} ms", figures(v * 1e3)),
        v => format!("{} µs", figures(v * 1e6)),
    }
}

/// Such as `0.52×` or `210×`.
pub(crate) fn times(value: f64) -> String {
    format!("{}×", figures(value))
}

fn spread(summary: &Summary, unit: fn(f64) -> String) -> String {
    if summary.count < 2 {
        return "once".to_owned();
    }
    format!("{} – {}", unit(summary.min), unit(summary.max))
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.0} MiB", bytes as f64 / f64::from(1 << 20))
}

/// About three figures, never an exponent.
fn figures(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 0.1 || v == 0.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_unit_that_suits() {
        for (value, text) in [
            (8.4, "8.40 s"),
            (22.04, "22.0 s"),
            (0.0478, "47.8 ms"),
            (0.15, "150 ms"),
            (0.000_043, "43.0 µs"),
        ] {
            assert_eq!(seconds(value), text);
        }
        assert_eq!(
            (times(0.521), times(201.6)),
            ("0.52×".into(), "202×".into())
        );
    }
}
