//! The picture for the README: bars of the time that each way takes, on a scale of powers of ten.
//!
//! Nothing is painted behind the bars, and text has a grey that reads on white and on black alike.

use std::ops::Range;

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::coord::combinators::LogCoord;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::report;
use crate::scenarios::{COPY, PARALLEL, REGCARVE, REGCARVE_FULL, SERIAL, SHELL, SKOPEO};
use crate::section::{Row, Section};

const TEXT: RGBColor = RGBColor(115, 123, 135);
const OURS: RGBColor = RGBColor(230, 110, 30);
const KERNEL: RGBColor = RGBColor(70, 140, 200);
const OTHERS: RGBColor = RGBColor(140, 150, 160);

const WIDTH: u32 = 860;
const BAR: u32 = 28;
/// Room of a panel beyond its bars: heading above, axis below.
const HEADING: u32 = 42;
const AXIS: u32 = 42;
const FOOTER: u32 = 30;
/// Room on the left for names, and on the right for what is written behind the longest bar.
const NAMES: u32 = 250;
const VALUES: u32 = 150;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn<'a> = Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>>;
type Scales = Cartesian2d<LogCoord<f64>, RangedCoordf64>;
type Chart<'a, 'c> = ChartContext<'c, SVGBackend<'a>, Scales>;

/// Draws the releases, one panel for each file system; `None` if none was measured.
///
/// `footer` says where the numbers come from.
pub(crate) fn releases(sections: &[Section], footer: &str) -> Result<Option<String>> {
    let panels: Vec<&Section> = sections
        .iter()
        .filter(|section| section.scenario == "release" && !bars(section).is_empty())
        .collect();
    if panels.is_empty() {
        return Ok(None);
    }
    let mut svg = String::new();
    draw(&mut svg, &panels, footer).map_err(|error| anyhow!("cannot draw: {error}"))?;
    Ok(Some(svg))
}

fn draw<'a>(svg: &'a mut String, panels: &[&Section], footer: &str) -> Drawn<'a> {
    // One scale for all panels, so that they can be compared.
    let medians = panels
        .iter()
        .flat_map(|panel| bars(panel))
        .map(|(_, row)| row.seconds.median);
    let (least, most) = medians.fold((f64::MAX, 0.0_f64), |(least, most), median| {
        (least.min(median), most.max(median))
    });
    // Begins low enough that even the shortest bar can be seen.
    let scale = least / 3.0..most;

    let height = |panel: &Section| HEADING + BAR * bars(panel).len() as u32 + AXIS;
    let total = panels.iter().map(|panel| height(panel)).sum::<u32>() + FOOTER;
    let mut rest = SVGBackend::with_string(svg, (WIDTH, total)).into_drawing_area();
    for panel in panels {
        let (here, below) = rest.split_vertically(height(panel));
        draw_panel(&here, panel, scale.clone())?;
        rest = below;
    }
    rest.draw(&Text::new(footer, (12, 6), font(15)))
}

fn draw_panel<'a>(area: &Area<'a>, section: &Section, scale: Range<f64>) -> Drawn<'a> {
    let bars = bars(section);
    let heading = format!("{} · {}", section.title, section.place);
    area.draw(&Text::new(heading, (12, 10), bold(20)))?;
    let mut chart = ChartBuilder::on(area)
        .margin_top(HEADING)
        .margin_left(NAMES)
        .margin_right(VALUES)
        .margin_bottom(10)
        .x_label_area_size(AXIS - 10)
        .build_cartesian_2d(scale.clone().log_scale(), 0.0..bars.len() as f64)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .light_line_style(TRANSPARENT)
        .bold_line_style(TEXT.mix(0.3))
        .axis_style(TEXT.mix(0.3))
        .x_labels(6)
        .x_label_formatter(&|seconds| power_of_ten(*seconds))
        .x_label_style(font(16))
        .draw()?;
    for (place, (name, row)) in bars.iter().rev().enumerate() {
        draw_bar(area, &mut chart, name, row, place as f64, &scale)?;
    }
    Ok(())
}

/// A bar, a thin line from the fastest to the slowest run, and the words on both sides.
fn draw_bar<'a>(
    area: &Area<'a>,
    chart: &mut Chart<'a, '_>,
    name: &str,
    row: &Row,
    place: f64,
    scale: &Range<f64>,
) -> Drawn<'a> {
    let middle = place + 0.5;
    let (style, colour): (fn(u32) -> TextStyle<'static>, _) = match row.name.as_str() {
        REGCARVE | REGCARVE_FULL => (bold, OURS),
        SERIAL | PARALLEL => (font, KERNEL),
        _ => (font, OTHERS),
    };
    let corners = [
        (scale.start, place + 0.16),
        (row.seconds.median, place + 0.84),
    ];
    chart.draw_series([Rectangle::new(corners, colour.filled())])?;
    let slowest = row.seconds.max.min(scale.end);
    let spread = [(row.seconds.min, middle), (slowest, middle)];
    chart.draw_series([PathElement::new(spread, TEXT.stroke_width(2))])?;

    // The chart counts from the corner of the whole picture, the panel from its own.
    let (left, top) = area.get_base_pixel();
    let at = |seconds: f64| {
        let (x, y) = chart.backend_coord(&(seconds, middle));
        (x - left, y - top)
    };
    let (start, end) = (at(scale.start), at(slowest.max(row.seconds.median)));
    let before = style(18).pos(Pos::new(HPos::Right, VPos::Center));
    area.draw(&Text::new(name, (start.0 - 10, start.1), before))?;
    let after = style(18).pos(Pos::new(HPos::Left, VPos::Center));
    area.draw(&Text::new(label(row), (end.0 + 9, end.1), after))
}

fn font(size: u32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&TEXT)
}

fn bold(size: u32) -> TextStyle<'static> {
    ("sans-serif", size)
        .into_font()
        .style(FontStyle::Bold)
        .color(&TEXT)
}

/// Rows to be drawn, slowest first, with their names in the picture.
fn bars(section: &Section) -> Vec<(&'static str, &Row)> {
    let names = [
        (SKOPEO, "skopeo, two local registries"),
        (SHELL, "shell script (cp -l, mkdir -p)"),
        (COPY, "cp -al of the finished tree"),
        (REGCARVE_FULL, "regcarve, synced to disk"),
        (SERIAL, "bare system calls, 1 thread"),
        (PARALLEL, "bare system calls, 2 threads"),
        (REGCARVE, "regcarve"),
    ];
    let mut bars: Vec<_> = names
        .into_iter()
        .filter_map(|(row, name)| Some((name, section.row(row)?)))
        .collect();
    bars.sort_by(|(_, a), (_, b)| b.seconds.median.total_cmp(&a.seconds.median));
    bars
}

fn label(row: &Row) -> String {
    let time = report::seconds(row.seconds.median);
    match (&row.ratio, row.name.as_str()) {
        (Some(_), SERIAL) => format!("{time} (1×)"),
        (Some(ratio), _) => format!("{time} ({})", report::times(ratio.median)),
        (None, _) => time,
    }
}

fn power_of_ten(seconds: f64) -> String {
    match seconds {
        s if s >= 0.999 => format!("{s:.0} s"),
        s => format!("{:.0} ms", s * 1e3),
    }
}
