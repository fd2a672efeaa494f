//! Who is shown, by which groups, what a match is worth, and what it costs to look outside the circle or to share out attention: as `rapport evaluate`
//! prints it.

use std::collections::BTreeMap;
use std::io::{self, Write};

use indicatif::HumanCount;
use rapport::evaluate::{AtBudget, AtDial, Calibration, Estimate, Exposure, GroupExposure, GroupField};

use crate::cli::render::clean;

/// Groups of one field shown on the terminal, the largest.
const GROUPS: usize = 10;

/// A field to group by, from its name.
pub fn group_field(name: &str) -> Result<GroupField, String> {
    let known = || GroupField::ALL.iter().map(|field| field.name()).collect::<Vec<_>>().join(", ");
    let found = GroupField::ALL.iter().find(|field| field.name() == name.trim());
    found.copied().ok_or_else(|| format!("expected some of {}", known()))
}

/// A setting of the dial or a share, from its number.
pub fn dial(number: &str) -> Result<f64, String> {
    let parsed = number.trim().parse().ok().filter(|setting| (0.0..=1.0).contains(setting));
    parsed.ok_or_else(|| "expected numbers from 0 to 1".to_owned())
}

pub fn write_exposure(out: &mut impl Write, exposure: &Exposure) -> io::Result<()> {
    writeln!(
        out,
        "exposure     {} of {} mentors to be found are among the first ten of some query ({:.1} %); Gini {:.3}; the tenth \
         shown most has {:.1} %",
        HumanCount(exposure.shown as u64),
        HumanCount(exposure.findable as u64),
        100.0 * exposure.coverage,
        exposure.gini,
        100.0 * exposure.top_tenth
    )?;
    let mut groups: Vec<&GroupExposure> = exposure.groups.iter().collect();
    groups.sort_by_key(|group| (group.field.as_str(), std::cmp::Reverse(group.findable)));
    for of_field in groups.chunk_by(|left, right| left.field == right.field) {
        for GroupExposure { field, value, findable, share, parity } in of_field.iter().take(GROUPS) {
            let value = value.as_deref().unwrap_or("(not said)");
            let (value, share) = (clean(value), 100.0 * share);
            writeln!(out, "  {field:<10} {value:<24} {findable:>7} mentors, {share:>5.1} % of it, parity {parity:.2}")?;
        }
        if of_field.len() > GROUPS {
            writeln!(out, "  and {} smaller groups; --json names all", of_field.len() - GROUPS)?;
        }
    }
    Ok(())
}

pub fn write_calibration(out: &mut impl Write, calibration: &Calibration) -> io::Result<()> {
    let (Some(first), Some(last)) = (calibration.steps.first(), calibration.steps.last()) else {
        return Ok(());
    };
    write!(
        out,
        "calibration  a mentor shown is a good one with a chance of {:.3} (match from {:.3}) to {:.3} (from {:.3}); Brier \
         {:.4}, {:.4} by the mean alone",
        first.chance, first.from, last.chance, last.from, calibration.brier, calibration.brier_of_mean
    )?;
    match calibration.threshold {
        None => writeln!(out),
        Some(threshold) => writeln!(out, "; below {threshold:.3} it is less than half of the mean"),
    }
}

/// Writes from which match on such a share is good.
pub fn write_good_match(
    out: &mut impl Write,
    by_seeker: &BTreeMap<&'static str, Calibration>,
    share: f64,
) -> io::Result<()> {
    for (seeker, calibration) in by_seeker {
        let percent = 100.0 * share;
        match calibration.good_from(share) {
            Some((from, above, shown)) => writeln!(
                out,
                "good match   {seeker}: from {from:.3} on at least {percent} % of those shown are judged good ({} of {} shown)",
                HumanCount(above as u64),
                HumanCount(shown as u64)
            )?,
            None => {
                writeln!(out, "good match   {seeker}: no match of which {percent} % of those shown are judged good")?
            }
        }
    }
    Ok(())
}

pub fn write_outside_circle(out: &mut impl Write, settings: &[AtDial]) -> io::Result<()> {
    if settings.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n{:<15} {:>8}  {:<14} {:>7} {:>8} {:>10}  {:<18} {:>8}",
        "outside circle", "outside", "95 % interval", "match", "nDCG@10", "difference", "95 % interval", "p (Holm)"
    )?;
    for AtDial { dial, outside, match_, ndcg } in settings {
        let Estimate { mean, low, high } = ndcg.difference;
        writeln!(
            out,
            "{dial:<15} {:>8.3}  {:<14} {match_:>7.4} {:>8.4} {mean:>+10.4}  {:<18} {:>8.4}",
            outside.mean,
            format!("{:.3} to {:.3}", outside.low, outside.high),
            ndcg.after,
            format!("{low:+.4} to {high:+.4}"),
            ndcg.p_holm
        )?;
    }
    Ok(())
}

pub fn write_steered_exposure(out: &mut impl Write, settings: &[AtBudget]) -> io::Result<()> {
    if settings.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n{:<15} {:>8} {:>8} {:>9} {:>8} {:>10}  {:<18} {:>8}",
        "exposure", "Gini", "coverage", "top tenth", "nDCG@10", "difference", "95 % interval", "p (Holm)"
    )?;
    for AtBudget { exposure, gini, coverage, top_tenth, ndcg } in settings {
        let Estimate { mean, low, high } = ndcg.difference;
        writeln!(
            out,
            "{exposure:<15} {gini:>8.3} {coverage:>8.3} {top_tenth:>9.3} {:>8.4} {mean:>+10.4}  {:<18} {:>8.4}",
            ndcg.after,
            format!("{low:+.4} to {high:+.4}"),
            ndcg.p_holm
        )?;
    }
    Ok(())
}
