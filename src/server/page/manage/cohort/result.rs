//! An assignment as managers look it over: who has whom and why, who nobody, and what the rules cost.

use std::collections::HashMap;

use maud::{Markup, html};

use crate::programme::cohort::{Cohort, CohortAlternative, CohortPair, Relaxed, Rule, Unmatched};
use crate::programme::harmless;
use crate::search::{HitMember, PointInCommon};
use crate::server::page::manage::count;
use crate::server::page::parts;
use crate::server::problem::Problem;

/// Points in common that are told of a pair.
const POINTS: usize = 3;

/// Pairs that are shown of those who would rather have one another.
const BLOCKING: usize = 20;

pub fn totals(cohort: &Cohort) -> Markup {
    let totals = &cohort.totals;
    let (many, one) = if cohort.exchange { ("scores", "score") } else { ("matches", "match") };
    html! {
        ul.figures {
            li { strong { (count(totals.matched)) " of " (count(totals.mentees)) } "mentees matched" }
            li { strong { (count(totals.mentors)) } "mentors looked at" }
            li { strong { (count(totals.places)) } "free places" }
            li { strong { (format!("{:.2}", totals.total)) } "total of the " (many) }
            @if let Some(worst) = totals.worst { li { strong { (format!("{worst:.2}")) } "the lowest " (one) } }
        }
    }
}

/// The pairs, each with a box that keeps it.
pub fn pairs(cohort: &Cohort) -> Markup {
    html! {
        section aria-labelledby="pairs" {
            h2 #pairs { "Pairs" }
            @if cohort.pairs.is_empty() { p.empty { "Nobody could be matched." } } @else {
                p.hint {
                    "The reasons are in the words that the mentee would read"
                    @if cohort.exchange { ", and those of the way back in the words that the mentor would" }
                    ". What is ticked is kept when you match again."
                }
            }
            ol.pairs { @for pair in &cohort.pairs { li { (one(pair)) } } }
        }
    }
}

/// A pair as a form has it.
pub fn value(pair: &CohortPair) -> String {
    serde_json::to_string(&(&pair.mentee.id, &pair.mentor.id)).unwrap_or_default()
}

fn one(pair: &CohortPair) -> Markup {
    let (mentee, mentor) = (&pair.mentee, &pair.mentor);
    let value = value(pair);
    let keep = format!("Keep {} with {}", parts::name(mentee), parts::name(mentor));
    let breaks: Vec<&str> = pair.breaks.iter().map(|rule| said(*rule)).collect();
    html! {
        article.pair {
            header {
                h3 { (parts::link(mentee)) span.with { " with " } (parts::link(mentor)) }
                @match (pair.score, &pair.back) {
                    (Some(score), Some(back)) => {
                        span.figure { span.unseen { "Score " } (format!("{score:.2}")) }
                        span.hint { (format!("{:.2} there, {:.2} back", pair.match_, back.match_)) }
                    }
                    _ => span.figure { span.unseen { "Match " } (format!("{:.2}", pair.match_)) },
                }
                label.keep {
                    input type="checkbox" name="lock" value=(value) checked[pair.locked] aria-label=(keep);
                    " Keep"
                }
            }
            @if !breaks.is_empty() { p.warning { "Kept although it breaks a rule: " (breaks.join(", ")) "." } }
            (points(&pair.points_in_common))
            @if let Some(back) = &pair.back {
                h4 { "What " bdi { (parts::name(mentor)) } " would find in " bdi { (parts::name(mentee)) } }
                (points(&back.points_in_common))
            }
            (others(&pair.alternatives))
        }
    }
}

fn points(points: &[PointInCommon]) -> Markup {
    parts::points(&points[..POINTS.min(points.len())])
}

/// The best others.
fn others(alternatives: &[CohortAlternative]) -> Markup {
    html! {
        @if !alternatives.is_empty() {
            details.made {
                summary { "Who else" }
                ul {
                    @for other in alternatives {
                        li { (parts::link(&other.mentor)) " " span.figure { (format!("{:.2}", other.match_)) } ", " (other.because.map_or("free", |because| because.said())) }
                    }
                }
            }
        }
    }
}

/// Who has nobody, and what the rules cost.
pub fn rest(cohort: &Cohort) -> Markup {
    html! {
        @if !cohort.unmatched.is_empty() {
            section aria-labelledby="unmatched" {
                h2 #unmatched { "Without a mentor" }
                ol.pairs { @for unmatched in &cohort.unmatched { li { (nobody(unmatched)) } } }
            }
        }
        section aria-labelledby="rules" {
            h2 #rules { "What each rule costs" }
            @if cohort.relaxed.is_empty() { p.hint { "No rule stands in anybody's way." } } @else { (costs(cohort)) }
        }
        section aria-labelledby="blocking" {
            h2 #blocking { "Who would rather have one another" }
            (blocking(cohort))
        }
        @if !cohort.left_out.is_empty() {
            details {
                summary { "Mentors who may not be matched (" (count(cohort.left_out.len())) ")" }
                ul { @for left in &cohort.left_out { li { (parts::link(&left.mentor)) ": " (left.because.said()) } } }
            }
        }
    }
}

fn nobody(unmatched: &Unmatched) -> Markup {
    html! {
        article.pair {
            header { h3 { (parts::link(&unmatched.mentee)) } }
            ul { @for reason in &unmatched.reasons { li { (reason.text) } } }
            (others(&unmatched.alternatives))
        }
    }
}

fn said(rule: Rule) -> &'static str {
    match rule {
        Rule::NotSameEmployer => "not the same employer",
        Rule::LanguageInCommon => "a language in common",
        Rule::TimeZoneGap => "clocks that are near",
        Rule::Minimum => "no match below the minimum",
        Rule::Capacity => "as many places as each mentor states",
    }
}

fn costs(cohort: &Cohort) -> Markup {
    let without = |rule: Rule| match rule {
        Rule::Capacity => "With one place more at each mentor".to_owned(),
        rule => format!("Without: {}", said(rule)),
    };
    html! {
        div.scroll tabindex="0" role="region" aria-label="Table of rules" {
            table {
                thead { tr { th scope="col" { "Rule" } th.number scope="col" { "Matched" } th.number scope="col" { "More" } th.number scope="col" { "Total" } th.number scope="col" { "Lowest" } } }
                tbody {
                    @for Relaxed { rule, matched, more, total, worst } in &cohort.relaxed {
                        tr {
                            th scope="row" { (without(*rule)) }
                            td.number { (count(*matched)) }
                            td.number { (format!("{more:+}")) }
                            td.number { (format!("{total:.2}")) }
                            td.number { @if let Some(worst) = worst { (format!("{worst:.2}")) } }
                        }
                    }
                }
            }
        }
    }
}

fn blocking(cohort: &Cohort) -> Markup {
    let paired = cohort.pairs.iter().flat_map(|pair| [&pair.mentee, &pair.mentor]);
    let rest = cohort.unmatched.iter().map(|of| &of.mentee).chain(cohort.mentors.iter().map(|of| &of.mentor));
    let known: HashMap<&str, &HitMember> = paired.chain(rest).map(|member| (member.id.as_str(), member)).collect();
    let who = |id: &str| html! { @match known.get(id) { Some(member) => (parts::link(member)), None => (id) } };
    let blocking = &cohort.blocking;
    html! {
        @if blocking.count == 0 {
            p { "Nobody: it is stable." }
        } @else {
            p { (count(blocking.count)) @if blocking.count == 1 { " pair would" } @else { " pairs would" } " both rather have one another than what they have." }
            ul { @for pair in blocking.pairs.iter().take(BLOCKING) { li { (who(&pair.mentee)) " with " (who(&pair.mentor)) " " span.figure { (format!("{:.2}", pair.match_)) } } } }
            @if blocking.count > BLOCKING { p.hint { "And " (count(blocking.count - BLOCKING)) " more." } }
        }
    }
}

/// What is shown as files, which are in the page itself: they are of these very pairs.
pub fn downloads(cohort: &Cohort) -> Result<Markup, Problem> {
    let name = |member: &HitMember| member.name.clone().unwrap_or_default();
    let said = |points: &[PointInCommon]| {
        let points: Vec<&str> = points.iter().map(|point| point.text.as_str()).collect();
        points.join("; ")
    };
    let pair = |pair: &CohortPair| {
        let locked = if pair.locked { "yes" } else { "no" };
        let (mentee, mentor) = (&pair.mentee, &pair.mentor);
        let mut row = vec![mentee.id.clone(), name(mentee), mentor.id.clone(), name(mentor)];
        row.extend([format!("{:.6}", pair.match_), locked.into(), said(&pair.points_in_common)]);
        if let (Some(score), Some(back)) = (pair.score, &pair.back) {
            row.extend([format!("{score:.6}"), format!("{:.6}", back.match_), said(&back.points_in_common)]);
        }
        row
    };
    let mut head = vec!["mentee", "mentee_name", "mentor", "mentor_name", "match", "locked", "points_in_common"];
    if cohort.exchange {
        head.extend(["score", "match_back", "points_in_common_back"]);
    }
    let pairs = data(&head, cohort.pairs.iter().map(pair))?;
    let nobody = |of: &Unmatched| {
        let reasons: Vec<&str> = of.reasons.iter().map(|reason| reason.text.as_str()).collect();
        vec![of.mentee.id.clone(), name(&of.mentee), reasons.join("; ")]
    };
    let unmatched = data(&["mentee", "mentee_name", "why"], cohort.unmatched.iter().map(nobody))?;
    Ok(html! {
        p.row {
            a href="#pairs" { "Pairs" }
            @if !cohort.unmatched.is_empty() { a href="#unmatched" { "Without a mentor (" (count(cohort.unmatched.len())) ")" } }
            a href="#rules" { "What each rule costs" }
            a href="#blocking" { "Who would rather have one another (" (count(cohort.blocking.count)) ")" }
        }
        p.row {
            a.button href=(pairs) download="pairs.csv" { "The pairs as CSV" }
            @if !cohort.unmatched.is_empty() { a.button href=(unmatched) download="unmatched.csv" { "Those without a mentor as CSV" } }
        }
    })
}

/// Rows as CSV, in an address.
fn data(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Result<String, Problem> {
    let internal = |error: &dyn std::fmt::Display| Problem::internal(error);
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(head).map_err(|error| internal(&error))?;
    for row in rows {
        let row = row.iter().map(|value| harmless(value));
        writer.write_record(row).map_err(|error| internal(&error))?;
    }
    let written = writer.into_inner().map_err(|error| internal(&error))?;
    let encoded: String = form_urlencoded::byte_serialize(&written).collect();
    // As of an address: there a plus is a plus.
    Ok(format!("data:text/csv;charset=utf-8,{}", encoded.replace('+', "%20")))
}
