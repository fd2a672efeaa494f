//! How good matches are, as far as the community itself knows: in figures, charts and words.

mod charts;

use std::sync::Arc;

use axum::extract::State;
use maud::{Markup, html};

use super::{count, page};
use crate::community::{CameOf, MatchQuality};
use crate::evaluate::{Glance, MOST_ASKED};
use crate::programme::Status;
use crate::server::App;
use crate::server::api::to_the_end;
use crate::server::page::visitor::Visitor;
use crate::server::page::{Answer, Shown};
use crate::server::problem::Problem;
use crate::store::Scope;

/// Fewer introductions than these say nothing of what a match is worth: each step of the chart takes twenty.
const FEWEST_TELLING: usize = 40;

/// Fewer queries say nothing of the mean.
const FEWEST_QUERIES: usize = 10;

/// How good matches are.
pub async fn quality(State(app): State<Arc<App>>, visitor: Visitor) -> Shown {
    visitor.caller.needs(Scope::Admin)?;
    let came_of = app.community.came_of_introductions().await?;
    let (measured, is_current) = app.community.match_quality().await?;
    let is_served = app.community.searcher().is_ok();
    let names_queries = app.community.config().rebuild.quality.is_some();
    // Charts are drawn, which is not for the threads that answer.
    let drawn = tokio::task::spawn_blocking(move || {
        let rankings = match &measured {
            Some(measured) => Some(rankings(measured)?),
            None => None,
        };
        Ok::<_, Problem>(html! {
            p { "A match is worth something where the two who met say so. This page counts what they said; a score on it is of the community's searches, never of a member." }
            section aria-labelledby="introductions" {
                h2 #introductions { "What came of introductions" }
                (introductions(&came_of)?)
            }
            section aria-labelledby="rankings" {
                h2 #rankings { "Whether searches put good mentors first" }
                @if is_served {
                    (measure(measured.as_deref(), is_current))
                    @match &rankings {
                        Some(rankings) => (rankings),
                        None => @if !names_queries { (no_queries()) },
                    }
                } @else {
                    p.empty { "Nobody can be found yet: rebuild under " a href="/operate" { "Service" } " first." }
                }
            }
        })
    });
    let main = drawn.await.map_err(|error| Problem::internal(&error))??;
    Ok(page("Match quality", "/manage/quality", &main).into())
}

/// Measures, and shows what came of it.
pub async fn remeasure(State(app): State<Arc<App>>, visitor: Visitor) -> Shown {
    visitor.caller.needs(Scope::Admin)?;
    to_the_end(async move { Ok(app.community.measure_quality().await?) }).await?;
    Ok(Answer::go_to("/manage/quality#rankings"))
}

fn introductions(came_of: &CameOf) -> Result<Markup, Problem> {
    let all: usize = came_of.introductions.iter().sum();
    if all == 0 {
        return Ok(html! {
            p.empty { "Nobody was introduced to anybody yet, so nothing is known. It begins when a mentor says yes or no." }
        });
    }
    Ok(html! {
        ul.figures {
            li { strong { (count(all)) } "introductions" }
            li { strong { (count(came_of.telling)) } "tell how good the match was" }
            @if came_of.telling > 0 {
                li { strong { (percent(came_of.good, came_of.telling)) } "of these were good" }
            }
        }
        (statuses(came_of, all))
        @match &came_of.calibration {
            Some(calibration) if came_of.telling >= FEWEST_TELLING => {
                h3.after { "What a match is worth" }
                p {
                    "The match is that of the day on which the mentor was asked. Mentees ask whom they like, and see matches when they "
                    "do, so this is of those who were asked."
                }
                (charts::calibration(calibration, "Introductions")?)
            }
            _ => p.empty {
                (count(came_of.telling)) @if came_of.telling == 1 { " introduction tells" } @else { " introductions tell" }
                " something so far: too few to say what a match is worth. From " (FEWEST_TELLING) " on there is a chart here."
            }
        }
    })
}

fn statuses(came_of: &CameOf, all: usize) -> Markup {
    let rows = [
        (Status::Completed, "completed", "good: it helped"),
        (Status::Accepted, "going on", "good: they have met"),
        (Status::Ended, "ended before it was done", "good, unless it was not a fit, or somebody was reported"),
        (Status::Declined, "declined", "not good, unless the mentor had no time or no place"),
        (Status::Expired, "never answered", "nothing"),
        (Status::Withdrawn, "taken back", "nothing"),
        (Status::Requested, "waiting for an answer", "nothing yet"),
    ];
    let of = |status: Status| {
        let counts = Status::ALL.iter().zip(came_of.introductions);
        counts.filter(|(of, _)| **of == status).map(|(_, count)| count).sum::<usize>()
    };
    html! {
        div.scroll tabindex="0" role="region" aria-label="Table of what came of introductions" {
            table {
                thead { tr { th scope="col" { "Introductions" } th.number scope="col" { "How many" } th.number scope="col" { "Of all" } th scope="col" { "What it says of the match" } } }
                tbody {
                    @for (status, said, says) in rows {
                        tr {
                            th scope="row" { (said) }
                            td.number { (count(of(status))) }
                            td.number { (percent(of(status), all)) }
                            td { (says) }
                        }
                    }
                }
            }
        }
    }
}

/// What measuring is, and the button.
fn measure(measured: Option<&MatchQuality>, is_current: bool) -> Markup {
    html! {
        p {
            "Mentors who are known to be good for somebody should stand at the top of what that member finds. nDCG@10 says whether they "
            "do: 1 where they come first, 0 where none of them is among the first ten. It is good for comparing this community with "
            "itself, before and after a change, and with nothing else."
        }
        form method="post" action="/manage/quality" {
            @match measured {
                None => button.main { "Measure it" },
                Some(measured) => p.row {
                    span {
                        "Measured " time datetime=(measured.at) { (measured.at.strftime("%Y-%m-%d %H:%M UTC")) } " on " code { (measured.state) } "."
                        @if is_current { " Nothing that counts has changed since." }
                    }
                    @if !is_current { button { "Measure it again" } }
                }
            }
            @if !is_current {
                p.hint {
                    "Up to " (MOST_ASKED) " searches of each kind are made, at half of one processor's time. It takes up to a minute; "
                    "searches of others go on meanwhile."
                }
            }
        }
    }
}

fn rankings(measured: &MatchQuality) -> Result<Markup, Problem> {
    let met = match &measured.met {
        Some(glance) => of_queries(glance, "mentees who have met a mentor", "introductions that tell something")?,
        None => html! { p.empty { "No mentee has met a mentor through an introduction yet." } },
    };
    let judged = match &measured.judged {
        None => no_queries(),
        Some(Err(problem)) => html! { p.warning { "The judged queries cannot be used: " (problem) "." } },
        Some(Ok(glance)) => html! {
            (of_queries(glance, "queries that are judged", "judgements")?)
            @if glance.ndcg.len() >= FEWEST_QUERIES {
                h4 { "What a match is worth" }
                p { "Of the first ten of each of these searches; who was not judged counts as not good, so that few judgements make for low shares." }
                (charts::calibration(&glance.calibration, "Mentors shown")?)
            }
        },
    };
    Ok(html! {
        h3.after { "By what came of introductions" }
        p { "Members mostly ask whom searches showed them first, which makes the figure too high rather than too low." }
        (met)
        h3.after { "By judged queries" }
        (judged)
    })
}

fn no_queries() -> Markup {
    html! {
        p.hint {
            "No judged queries are named in the configuration. " code { "rapport judge" } " makes them of a few people's judgement, and "
            code { "[rebuild.quality]" } " names them: then they are measured here, and each rebuild is held to them."
        }
    }
}

/// nDCG@10 of some queries, what it rests on, and how the queries lie.
fn of_queries(glance: &Glance, queries: &str, judgements: &str) -> Result<Markup, Problem> {
    let asked = glance.ndcg.len();
    if asked < FEWEST_QUERIES {
        return Ok(html! {
            p.empty { (count(asked)) " " (queries) ": too few to say anything. From " (FEWEST_QUERIES) " on there is a figure here." }
        });
    }
    let mean = &glance.mean;
    Ok(html! {
        ul.figures {
            li { strong { (format!("{:.2}", mean.mean)) } "nDCG@10" }
            li { strong { (format!("{:.2} to {:.2}", mean.low, mean.high)) } "its 95 % interval" }
            li { strong { (count(asked)) } (queries) }
            li { strong { (count(glance.judgements)) } (judgements) }
        }
        p {
            "Were others asked in their place, the mean would lie between " (format!("{:.2}", mean.low)) " and " (format!("{:.2}", mean.high))
            " nineteen times of twenty."
            @if mean.high - mean.low > 0.2 { " That is wide: take the figure as a hint." }
            @if glance.cut_short {
                " There was time for " (count(asked)) " of " (count(glance.judged)) "."
            } @else if glance.judged > asked.max(MOST_ASKED) {
                " " (count(asked)) " of " (count(glance.judged)) " were asked, at even distances."
            } @else if glance.judged > asked {
                " " (count(glance.judged - asked)) " more cannot be asked: who seeks in them is not available."
            }
        }
        (charts::spread(&glance.ndcg)?)
    })
}

fn percent(part: usize, of: usize) -> String {
    format!("{:.0} %", part as f64 / of.max(1) as f64 * 100.0)
}
