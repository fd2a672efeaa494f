//! What stands under each chart of a report: what it shows, and its figures in words.

use super::Report;
use crate::evaluate::Calibration;

pub fn quality(report: &Report) -> String {
    if report.evaluation.groups.is_empty() {
        "nDCG@10, query by query: how many have how much.".into()
    } else {
        "nDCG@10 by group of queries, with 95 % intervals; the number of queries in brackets.".into()
    }
}

pub fn retrieval(report: &Report) -> String {
    let measured = report.retrieval_by_ef.iter().map(|at| at.retrieval.queries).max().unwrap_or(0);
    if report.retrieval_by_ef.iter().all(|at| at.retrieval.profile.is_none() && at.retrieval.interests.is_none()) {
        return "Retrieval: everyone who matches is ranked, so no facet is searched and there is nothing to miss."
            .into();
    }
    format!(
        "Retrieval: how much of what an exact scan of a facet finds its search finds too, where ten mentors are asked for \
         ({measured} queries)."
    )
}

pub fn exposure(report: &Report) -> String {
    let exposure = &report.evaluation.exposure;
    format!(
        "Exposure: {} of {} mentors ({:.1} %) are among the first ten of some query; Gini {:.3}; the tenth shown most has \
         {:.1} % of it.",
        exposure.shown,
        exposure.findable,
        100.0 * exposure.coverage,
        exposure.gini,
        100.0 * exposure.top_tenth
    )
}

pub fn calibration(calibration: &Calibration) -> String {
    let threshold = calibration.threshold.map_or_else(
        || "no match is too low to be shown".to_owned(),
        |threshold| format!("below {threshold:.3} the chance is less than half of the mean"),
    );
    format!(
        "Calibration: the chance that a mentor shown with such a match has a grade of 1 or more; {threshold}. Brier score \
         {:.4}, {:.4} by the mean chance alone.",
        calibration.brier, calibration.brier_of_mean
    )
}

pub fn latency(report: &Report) -> String {
    let latency = &report.evaluation.latency;
    format!(
        "Latency of {} whole searches for ten, one at a time: median {:.1} ms, 95th percentile {:.1} ms.",
        latency.queries, latency.median_ms, latency.p95_ms
    )
}
