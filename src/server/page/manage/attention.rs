//! Who is shown, and how evenly.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use maud::{Markup, html};

use super::{count, names, page, person};
use crate::community::SharedOut;
use crate::evaluate::Evenness;
use crate::server::App;
use crate::server::page::Shown;
use crate::server::page::visitor::Visitor;
use crate::store::Scope;

/// Mentors who are named.
const NAMED: usize = 25;

/// How often mentors were shown of late.
pub async fn attention(State(app): State<Arc<App>>, visitor: Visitor) -> Shown {
    visitor.caller.needs(Scope::Admin)?;
    let shared_out = app.community.attention().await?;
    let most = &shared_out.shown[..NAMED.min(shared_out.shown.len())];
    let ids: Vec<&str> = most.iter().map(|(id, _)| id.as_str()).collect();
    let names = names(app.community.store(), &ids).await?;
    let main = html! {
        p {
            "How often each mentor was among the first ten of an answer in the last " (shared_out.days) " days. "
            "Whoever has more than an even share of it for their places is found a little later."
        }
        @match &shared_out.evenness {
            None => p.empty { "Nobody was shown yet: it begins with the first search." },
            Some(evenness) => {
                (figures(&shared_out, evenness))
                (curve(evenness))
                (table(&shared_out, &names))
            }
        }
    };
    Ok(page("Attention", "/manage/attention", &main).into())
}

fn figures(shared_out: &SharedOut, evenness: &Evenness) -> Markup {
    html! {
        ul.figures {
            li { strong { (count(shared_out.shown.len())) " of " (count(shared_out.findable)) } "mentors were shown" }
            li { strong { (format!("{:.0} %", evenness.top_tenth * 100.0)) } "went to the tenth shown most" }
            li { strong { (format!("{:.2}", evenness.gini)) } "Gini: 0 all alike, 1 one alone" }
        }
    }
}

/// The Lorenz curve, beside the line on which all would be alike.
fn curve(evenness: &Evenness) -> Markup {
    let point = |(at, part): (usize, &f64)| format!("{},{:.1}", 2 * (at + 1), 200.0 - 200.0 * part);
    let points: Vec<String> = evenness.lorenz.iter().enumerate().map(point).collect();
    let half = evenness.lorenz.get(49).copied().unwrap_or_default() * 100.0;
    html! {
        figure.curve {
            svg viewBox="-2 -2 204 204" role="img"
                aria-label={ "Of all that was shown, the half of the mentors shown least had " (format!("{half:.0}")) " percent" } {
                path.ground d="M0,200 L200,200 L200,0" {}
                path.even d="M0,200 L200,0" {}
                polyline points={ "0,200 " (points.join(" ")) } {}
            }
            figcaption.hint {
                "From those shown least to those shown most, how much of all that was shown they had together; "
                "the straight line is where all would be alike."
            }
        }
    }
}

fn table(shared_out: &SharedOut, names: &HashMap<String, String>) -> Markup {
    let all: u64 = shared_out.shown.iter().map(|(_, count)| count).sum();
    let most = shared_out.shown.first().map_or(1, |(_, count)| *count).max(1);
    html! {
        h2 { "Shown most" }
        div.scroll tabindex="0" role="region" aria-label="Table of mentors shown most" {
            table {
                thead { tr { th scope="col" { "Mentor" } th.number scope="col" { "Times" } th.number scope="col" { "Of all" } td {} } }
                tbody {
                    @for (id, times) in shared_out.shown.iter().take(NAMED) {
                        tr {
                            th scope="row" { (person(names, id.as_str())) }
                            td.number { (count(*times)) }
                            td.number { (format!("{:.1} %", *times as f64 / all as f64 * 100.0)) }
                            td.told {
                                svg.bar aria-hidden="true" {
                                    rect class="part p1" width=(format!("{:.1}%", *times as f64 / most as f64 * 100.0)) height="100%" {}
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
