//! The charts of a report, each as an SVG element in text.

use plotters::coord::Shift;
use plotters::prelude::*;

use super::super::{Calibration, Estimate, Exposure, Latency};
use super::{BY, Report, ReportError, RetrievalAt};

// The service's page has these in its own colours: web/page.css names them.
const INK: RGBColor = RGBColor(38, 50, 56);
const QUIET: RGBColor = RGBColor(144, 157, 164);
const RULE: RGBColor = RGBColor(230, 234, 237);
const FIRST: RGBColor = RGBColor(31, 97, 141);
const SECOND: RGBColor = RGBColor(202, 111, 30);

/// In pixels; what holds the chart may make it smaller.
const WIDTH: u32 = 480;
const HEIGHT: u32 = 300;

/// Groups that a chart has room for; the tables hold all.
const BARS: usize = 24;

/// The longest label beside a bar, in characters.
const LABEL: usize = 22;

type Drawing<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

fn svg(
    chart: &'static str,
    height: u32,
    draw: impl for<'a> FnOnce(&Drawing<'a>) -> Drawn,
) -> Result<String, ReportError> {
    let mut text = String::new();
    let drawn = {
        let area = SVGBackend::with_string(&mut text, (WIDTH, height)).into_drawing_area();
        draw(&area).and_then(|()| Ok(area.present()?))
    };
    drawn.map_err(|error| ReportError::Chart { chart, problem: error.to_string() })?;
    Ok(text)
}

fn words(size: i32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&INK)
}

/// nDCG@10 by group, with intervals; where no query has a group, how many queries have how much.
pub fn quality(report: &Report) -> Result<String, ReportError> {
    let evaluation = &report.evaluation;
    let mut groups: Vec<(String, usize, Estimate)> = evaluation
        .groups
        .iter()
        .filter_map(|group| {
            let by = group.metrics.iter().find(|measured| measured.metric == BY)?;
            Some((group.group.clone(), group.queries, by.estimate))
        })
        .collect();
    if groups.is_empty() {
        let values: Vec<f64> =
            evaluation.per_query.iter().filter_map(|result| result.metrics.get(&BY)).copied().collect();
        return spread(&values);
    }
    // Where there are too many, the largest say most.
    groups.sort_by(|left, right| right.1.cmp(&left.1).then(left.0.cmp(&right.0)));
    groups.truncate(BARS);
    groups.sort_by(|left, right| left.2.mean.total_cmp(&right.2.mean));
    let height = (70 + 22 * groups.len() as u32).max(HEIGHT / 2);
    svg("nDCG@10 by group", height, |area| {
        let most = groups.iter().map(|group| group.2.high).fold(0.05, f64::max);
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .margin_right(28)
            .x_label_area_size(36)
            .y_label_area_size(180)
            .build_cartesian_2d(0.0..(most * 1.05).min(1.0), 0.0..groups.len() as f64)?;
        chart
            .configure_mesh()
            .disable_y_mesh()
            .disable_y_axis()
            .light_line_style(WHITE)
            .bold_line_style(RULE)
            .axis_style(QUIET)
            .x_desc(BY.to_string())
            .x_labels(6)
            .label_style(words(12))
            .axis_desc_style(words(13))
            .draw()?;
        for (at, (label, queries, Estimate { mean, low, high })) in groups.iter().enumerate() {
            let middle = at as f64 + 0.5;
            chart.draw_series([Rectangle::new(
                [(0.0, middle - 0.3), (*mean, middle + 0.3)],
                FIRST.mix(0.75).filled(),
            )])?;
            chart.draw_series([PathElement::new([(*low, middle), (*high, middle)], INK.stroke_width(2))])?;
            // The place of a label is that of its bar's foot, in pixels.
            let (x, y) = chart.backend_coord(&(0.0, middle));
            let label = format!("{} ({queries})", cut(label));
            let right = plotters::style::text_anchor::Pos::new(
                plotters::style::text_anchor::HPos::Right,
                plotters::style::text_anchor::VPos::Center,
            );
            area.draw_text(&label, &words(12).pos(right), (x - 8, y))?;
        }
        Ok(())
    })
}

/// How many queries have how much nDCG@10.
pub fn spread(values: &[f64]) -> Result<String, ReportError> {
    svg("nDCG@10", HEIGHT, |area| histogram(area, values, 0.0, 1.0, "nDCG@10 of a query", "queries"))
}

/// Recall of the exact scan against ef.
pub fn retrieval(by_ef: &[RetrievalAt]) -> Result<String, ReportError> {
    let points = |of: fn(&RetrievalAt) -> Option<f64>| -> Vec<(f64, f64)> {
        by_ef.iter().filter_map(|at| Some(((at.ef as f64).log2(), of(at)?))).collect()
    };
    let lines = [
        ("profile", FIRST, points(|at| at.retrieval.profile)),
        ("interests", SECOND, points(|at| at.retrieval.interests)),
    ];
    let least = lines.iter().flat_map(|line| &line.2).map(|point| point.1).fold(0.95, f64::min);
    let first = by_ef.first().map_or(4.0, |at| (at.ef as f64).log2());
    let last = by_ef.last().map_or(8.0, |at| (at.ef as f64).log2());
    svg("recall against ef", HEIGHT, |area| {
        let mut chart = builder(area).build_cartesian_2d(first - 0.2..last + 0.2, (least - 0.02).max(0.0)..1.005)?;
        chart
            .configure_mesh()
            .light_line_style(WHITE)
            .bold_line_style(RULE)
            .axis_style(QUIET)
            .x_desc("ef (candidate pool of the walk)")
            .y_desc("recall of the exact scan")
            .x_labels(by_ef.len())
            .x_label_formatter(&|log| format!("{:.0}", log.exp2()))
            .y_label_formatter(&|recall| format!("{recall:.3}"))
            .label_style(words(12))
            .axis_desc_style(words(13))
            .draw()?;
        for (name, colour, points) in lines.into_iter().filter(|line| !line.2.is_empty()) {
            chart
                .draw_series(LineSeries::new(points.clone(), colour.stroke_width(2)))?
                .label(name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
            chart.draw_series(points.into_iter().map(|point| Circle::new(point, 4, colour.filled())))?;
        }
        legend(&mut chart, SeriesLabelPosition::LowerRight)
    })
}

/// The Lorenz curve, and the diagonal of those who are all shown alike.
pub fn exposure(exposure: &Exposure) -> Result<String, ReportError> {
    svg("exposure", HEIGHT, |area| {
        let mut chart = builder(area).build_cartesian_2d(0.0..100.0, 0.0..1.0)?;
        chart
            .configure_mesh()
            .light_line_style(WHITE)
            .bold_line_style(RULE)
            .axis_style(QUIET)
            .x_desc("mentors, the least shown first (%)")
            .y_desc("their part of what is shown")
            .x_label_formatter(&|percent| format!("{percent:.0}"))
            .label_style(words(12))
            .axis_desc_style(words(13))
            .draw()?;
        let curve: Vec<(f64, f64)> =
            [(0.0, 0.0)].into_iter().chain((1..).map(f64::from).zip(exposure.lorenz.iter().copied())).collect();
        chart.draw_series(AreaSeries::new(curve.clone(), 0.0, FIRST.mix(0.15)))?;
        chart
            .draw_series(LineSeries::new(curve, FIRST.stroke_width(2)))?
            .label("as shown")
            .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], FIRST.stroke_width(2)));
        chart
            .draw_series(DashedLineSeries::new([(0.0, 0.0), (100.0, 1.0)], 6, 4, QUIET.stroke_width(1)))?
            .label("all alike")
            .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], QUIET.stroke_width(1)));
        legend(&mut chart, SeriesLabelPosition::UpperLeft)
    })
}

/// The chance of a good match by match, in steps.
pub fn calibration(calibration: &Calibration) -> Result<String, ReportError> {
    let steps = &calibration.steps;
    let (least, highest) = (steps.first().map_or(0.0, |step| step.from), end_of(calibration));
    let top = steps.iter().map(|step| step.chance).fold(0.05, f64::max);
    svg("calibration", HEIGHT, |area| {
        let right = if highest > least { highest } else { least + 0.1 };
        let mut chart = builder(area).build_cartesian_2d(least.min(0.0)..right, 0.0..(top * 1.1).min(1.0))?;
        chart
            .configure_mesh()
            .light_line_style(WHITE)
            .bold_line_style(RULE)
            .axis_style(QUIET)
            .x_desc("match")
            .y_desc("chance of a good one")
            .label_style(words(12))
            .axis_desc_style(words(13))
            .draw()?;
        let ends = steps.iter().skip(1).map(|step| step.from).chain([right]);
        let line: Vec<(f64, f64)> =
            steps.iter().zip(ends).flat_map(|(step, end)| [(step.from, step.chance), (end, step.chance)]).collect();
        chart.draw_series(AreaSeries::new(line.clone(), 0.0, FIRST.mix(0.15)))?;
        chart.draw_series(LineSeries::new(line, FIRST.stroke_width(2)))?;
        if let Some(threshold) = calibration.threshold {
            let line = [(threshold, 0.0), (threshold, 1.0)];
            chart
                .draw_series(DashedLineSeries::new(line, 6, 4, SECOND.stroke_width(1)))?
                .label("threshold")
                .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], SECOND.stroke_width(1)));
            legend(&mut chart, SeriesLabelPosition::UpperLeft)?;
        }
        Ok(())
    })
}

/// How many of the timed searches took how long.
pub fn latency(latency: &Latency) -> Result<String, ReportError> {
    let most = latency.times_ms.last().copied().unwrap_or(1.0).max(1e-3);
    svg("latency", HEIGHT, |area| histogram(area, &latency.times_ms, 0.0, most * 1.001, "milliseconds", "searches"))
}

/// The x axis' length in the chart of calibration: as far as anybody's match goes is not kept, so a little beyond the
/// last step.
fn end_of(calibration: &Calibration) -> f64 {
    let last = calibration.steps.last().map_or(0.1, |step| step.from);
    (last * 1.15).max(0.01)
}

/// Bars of a histogram.
pub const BINS: usize = 20;

/// How many values each bar stands for.
pub fn counts(values: &[f64], from: f64, to: f64) -> [usize; BINS] {
    let width = (to - from) / BINS as f64;
    let mut counts = [0usize; BINS];
    for value in values {
        counts[(((value - from) / width) as usize).min(BINS - 1)] += 1;
    }
    counts
}

fn histogram(area: &Drawing<'_>, values: &[f64], from: f64, to: f64, x: &str, y: &str) -> Drawn {
    let (width, counts) = ((to - from) / BINS as f64, counts(values, from, to));
    let most = counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    let mut chart = builder(area).build_cartesian_2d(from..to, 0.0..most * 1.08)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(WHITE)
        .bold_line_style(RULE)
        .axis_style(QUIET)
        .x_desc(x)
        .y_desc(y)
        // Half a search is none: no finer than by ones.
        .y_labels(most.min(7.0) as usize + 1)
        .y_label_formatter(&|count| format!("{count:.0}"))
        .label_style(words(12))
        .axis_desc_style(words(13))
        .draw()?;
    let bars = counts.iter().enumerate().filter(|(_, count)| **count > 0).map(|(at, count)| {
        let left = from + at as f64 * width;
        Rectangle::new([(left + width * 0.06, 0.0), (left + width * 0.94, *count as f64)], FIRST.mix(0.75).filled())
    });
    chart.draw_series(bars)?;
    Ok(())
}

fn builder<'a, 'b>(area: &'a Drawing<'b>) -> ChartBuilder<'a, 'b, SVGBackend<'b>> {
    let mut builder = ChartBuilder::on(area);
    builder.margin(8).margin_right(20).x_label_area_size(40).y_label_area_size(56);
    builder
}

fn legend<'a, X, Y>(chart: &mut ChartContext<'a, SVGBackend<'a>, X>, position: SeriesLabelPosition) -> Drawn
where
    X: plotters::coord::CoordTranslate<From = Y>,
{
    chart
        .configure_series_labels()
        .position(position)
        .background_style(WHITE.mix(0.85))
        .border_style(RULE)
        .label_font(words(12))
        .draw()?;
    Ok(())
}

fn cut(label: &str) -> String {
    match label.char_indices().nth(LABEL) {
        None => label.to_owned(),
        Some((at, _)) => format!("{}…", &label[..at]),
    }
}
