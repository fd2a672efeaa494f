//! The charts of match quality, drawn as in a report, each with its figures in words and in a table.

use maud::{Markup, PreEscaped, html};

use super::{count, percent};
use crate::evaluate::Calibration;
use crate::evaluate::report::{ReportError, charts};
use crate::server::problem::Problem;

/// How many queries have how much nDCG@10.
pub fn spread(ndcg: &[f64]) -> Result<Markup, Problem> {
    let those = |reach: fn(&f64) -> bool| ndcg.iter().filter(|value| reach(value)).count();
    let (first, none) = (those(|ndcg| *ndcg >= 0.95), those(|ndcg| *ndcg == 0.0));
    let none = match none {
        0 => "all have somebody good among the first ten".to_owned(),
        some => format!("{} have nobody good among the first ten", count(some)),
    };
    let said =
        format!("nDCG@10, search by search: {} of {} reach 0.95 or more, and {none}.", count(first), count(ndcg.len()));
    let width = 1.0 / charts::BINS as f64;
    let rows = (0u32..).zip(charts::counts(ndcg, 0.0, 1.0)).filter(|(_, searches)| *searches > 0);
    let rows = rows.map(|(at, searches)| {
        let from = f64::from(at) * width;
        vec![format!("{from:.2} to {:.2}", from + width), count(searches), percent(searches, ndcg.len())]
    });
    figure(charts::spread(ndcg), &said, ["nDCG@10", "Searches", "Of all"], rows.collect())
}

/// What a match is worth as a chance of a good one, learned of `what`.
pub fn calibration(calibration: &Calibration, what: &str) -> Result<Markup, Problem> {
    let steps = &calibration.steps;
    let percent = |chance: f64| format!("{:.0} %", chance * 100.0);
    let threshold = calibration.threshold.map(|threshold| {
        format!(" Below {threshold:.2}, the broken line, they are good less than half as often as on the whole.")
    });
    let said = match (&steps[..], steps.last()) {
        ([one], _) => format!("Low matches and high ones were good alike: {}.", percent(one.chance)),
        ([first, second, ..], Some(last)) => format!(
            "Of matches below {:.2} there were {} good ones, of those from {:.2} on {}.{} {}",
            second.from,
            percent(first.chance),
            last.from,
            percent(last.chance),
            threshold.unwrap_or_default(),
            if calibration.brier < calibration.brier_of_mean {
                "Whoever goes by the match is right more often than whoever gives all the same chance."
            } else {
                "So far that is no better a guess than giving all the same chance."
            }
        ),
        _ => "Nobody was shown.".to_owned(),
    };
    let mut rows = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        let range = match steps.get(at + 1) {
            Some(next) => format!("{:.2} to {:.2}", step.from, next.from),
            None => format!("{:.2} and more", step.from),
        };
        rows.push(vec![range, percent(step.chance), count(step.shown)]);
    }
    figure(charts::calibration(calibration), &said, ["Match", "Good", what], rows)
}

/// A chart, what it says, and its figures.
fn figure(
    svg: Result<String, ReportError>,
    said: &str,
    columns: [&str; 3],
    rows: Vec<Vec<String>>,
) -> Result<Markup, Problem> {
    let svg = svg.map_err(|error| Problem::internal(&error))?;
    Ok(html! {
        figure.chart {
            div role="img" aria-label=(said) { (PreEscaped(svg)) }
            figcaption { (said) }
            details {
                summary { "The same in figures" }
                table {
                    thead { tr { @for (at, column) in columns.iter().enumerate() { th.number[at > 0] scope="col" { (column) } } } }
                    tbody {
                        @for row in &rows {
                            tr { @for (at, cell) in row.iter().enumerate() { @if at == 0 { th scope="row" { (cell) } } @else { td.number { (cell) } } } }
                        }
                    }
                }
            }
        }
    })
}
