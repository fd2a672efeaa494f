//! An assignment as a person reads it.

use std::io::{self, Write};

use anstyle::Style;
use rapport::programme::cohort::{Cohort, CohortAlternative, CohortPair, Objective, Relaxed, Rule, Unmatched};
use rapport::search::{HitMember, PointInCommon};

use crate::cli::render::clean;

const NAME: Style = Style::new().bold();
const QUIET: Style = Style::new().dimmed();

/// Points in common told of a pair.
const POINTS: usize = 3;

/// Writes who gets whom, who nobody and why, and what would change that.
pub fn write(out: &mut impl Write, cohort: &Cohort) -> io::Result<()> {
    cohort.pairs.iter().try_for_each(|pair| write_pair(out, pair))?;
    if !cohort.unmatched.is_empty() {
        writeln!(out, "\n{NAME}Without a mentor{NAME:#}")?;
        cohort.unmatched.iter().try_for_each(|unmatched| write_unmatched(out, unmatched))?;
    }
    if !cohort.left_out.is_empty() {
        writeln!(out, "\n{NAME}Mentors who may not be matched{NAME:#}")?;
        for left_out in &cohort.left_out {
            writeln!(out, "  {}: {}", name(&left_out.mentor), left_out.because.said())?;
        }
    }
    write_summary(out, cohort)
}

fn write_pair(out: &mut impl Write, pair: &CohortPair) -> io::Result<()> {
    let locked = if pair.locked { ", locked" } else { "" };
    let breaks = match &pair.breaks[..] {
        [] => String::new(),
        breaks => format!(" (breaks {})", breaks.iter().map(|rule| rule.name()).collect::<Vec<_>>().join(", ")),
    };
    let (mentee, mentor) = (name(&pair.mentee), name(&pair.mentor));
    let confided = pair.confided.map_or(String::new(), |more| format!(" and {more:.4} by what they confided"));
    let (arrow, value, ways) = match &pair.back {
        Some(back) => {
            ("↔", pair.score.unwrap_or(pair.match_), format!(" ({:.4} there, {:.4} back)", pair.match_, back.match_))
        }
        None => ("→", pair.match_, String::new()),
    };
    let with = format!("{NAME}{mentee}{NAME:#} {arrow} {NAME}{mentor}{NAME:#}");
    writeln!(out, "{with}  {value:.4}{ways}{confided}{locked}{breaks}")?;
    write_points(out, &pair.points_in_common)?;
    if let Some(back) = &pair.back {
        writeln!(out, "    {QUIET}what {mentor} would read of {mentee}{QUIET:#}")?;
        write_points(out, &back.points_in_common)?;
    }
    write_alternatives(out, &pair.alternatives)
}

fn write_points(out: &mut impl Write, points: &[PointInCommon]) -> io::Result<()> {
    points.iter().take(POINTS).try_for_each(|point| writeln!(out, "    • {}", clean(&point.text)))
}

fn write_unmatched(out: &mut impl Write, unmatched: &Unmatched) -> io::Result<()> {
    writeln!(out, "{NAME}{}{NAME:#}", name(&unmatched.mentee))?;
    for reason in &unmatched.reasons {
        writeln!(out, "    • {}", clean(&reason.text))?;
    }
    write_alternatives(out, &unmatched.alternatives)
}

fn write_alternatives(out: &mut impl Write, alternatives: &[CohortAlternative]) -> io::Result<()> {
    if alternatives.is_empty() {
        return Ok(());
    }
    let told = alternatives.iter().map(|CohortAlternative { mentor, match_, because }| {
        let because = match because {
            None => "free",
            Some(because) => because.said(),
        };
        format!("{} {match_:.4} ({because})", name(mentor))
    });
    writeln!(out, "    {QUIET}else {}{QUIET:#}", told.collect::<Vec<_>>().join("; "))
}

fn write_summary(out: &mut impl Write, cohort: &Cohort) -> io::Result<()> {
    let totals = &cohort.totals;
    let objective = match cohort.objective {
        Objective::BestTotal => "best total",
        Objective::MostMatched => "most matched",
        Objective::Fairest => "fairest",
    };
    let what = if cohort.exchange { "score" } else { "match" };
    let worst = |worst: Option<f64>| worst.map_or(String::new(), |worst| format!(", worst {what} {worst:.4}"));
    writeln!(
        out,
        "\n{NAME}{} of {} mentees matched{NAME:#} ({objective}): total {:.4}{}; {} mentors with {} places",
        totals.matched,
        totals.mentees,
        totals.total,
        worst(totals.worst),
        totals.mentors,
        totals.places
    )?;
    for Relaxed { rule, matched, more, total, worst: lowest } in &cohort.relaxed {
        let without = match rule {
            Rule::Capacity => "a place more with each mentor".to_owned(),
            rule => format!("without {}", rule.name()),
        };
        writeln!(out, "  {without:<30} {matched} matched ({more:+}), total {total:.4}{}", worst(*lowest))?;
    }
    match cohort.blocking.count {
        0 => writeln!(out, "  stable: no two would both rather have one another"),
        count => {
            let pairs = cohort.blocking.pairs.iter().take(3);
            let pairs = pairs.map(|pair| format!("{} and {}", clean(&pair.mentee), clean(&pair.mentor)));
            let pairs = pairs.collect::<Vec<_>>().join("; ");
            writeln!(out, "  {count} pairs would both rather have one another, among them {pairs}")
        }
    }
}

fn name(member: &HitMember) -> String {
    match member.name.as_deref().or(member.headline.as_deref()) {
        Some(name) => format!("{} ({})", clean(name), clean(&member.id)),
        None => clean(&member.id),
    }
}
