//! Introductions of everybody, by how far they are; each leads to its own page.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use maud::{Markup, html};

use super::{names, page, person};
use crate::programme::{Introduction, Side, Status};
use crate::server::App;
use crate::server::api::introductions;
use crate::server::json::Pairs;
use crate::server::page::form::stated;
use crate::server::page::visitor::Visitor;
use crate::server::page::{Shown, parts};
use crate::store::Scope;

/// Introductions on a page.
const SHOWN: &str = "100";

/// The introductions of a status, or all.
pub async fn list(State(app): State<Arc<App>>, visitor: Visitor, RawQuery(query): RawQuery) -> Shown {
    visitor.caller.needs(Scope::Admin)?;
    let mut pairs = Pairs::of(query.as_deref());
    let (status, after) = (stated(&mut pairs, "status")?, stated(&mut pairs, "after")?);
    let query = |after: Option<&str>| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in [("status", status.as_deref()), ("after", after)] {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        query
    };
    let asked = Some(query(after.as_deref()).append_pair("limit", SHOWN).finish());
    let axum::Json(found) = introductions::list(State(Arc::clone(&app)), visitor.caller, RawQuery(asked)).await?;
    let mut ids: Vec<&str> =
        found.introductions.iter().flat_map(|of| [of.mentee.as_str(), of.mentor.as_str()]).collect();
    ids.sort_unstable();
    ids.dedup();
    let names = names(app.community.store(), &ids).await?;
    let who = |of: &Introduction, side: Side| person(&names, of.member(side).as_str());
    let main = html! {
        ul.ways {
            li { a href="/manage/introductions" aria-current=[status.is_none().then_some("true")] { "All" } }
            @for of in Status::ALL {
                li {
                    a href={ "/manage/introductions?status=" (of.name()) }
                        aria-current=[(status.as_deref() == Some(of.name())).then_some("true")] { (of.name()) }
                }
            }
        }
        @if found.introductions.is_empty() {
            p.empty role="status" { "There are none." }
        } @else {
            div.scroll tabindex="0" role="region" aria-label="Introductions" {
                table.broad {
                    thead {
                        tr {
                            th scope="col" { "Introduction" } th scope="col" { "Mentee" } th scope="col" { "Mentor" }
                            th scope="col" { "Is" } th scope="col" { "Since (UTC)" } th.number scope="col" { "Match" }
                            th scope="col" { "To be looked at" }
                        }
                    }
                    tbody {
                        @for of in &found.introductions {
                            tr {
                                th scope="row" { a href=(parts::path("/introductions/", of.id.as_str())) { (of.id) } }
                                td { (who(of, Side::Mentee)) }
                                td { (who(of, Side::Mentor)) }
                                td { span.status.open[of.status.is_open()] { (of.status.name()) } }
                                td.when { time datetime=(of.since) { (of.since.strftime("%Y-%m-%d %H:%M")) } }
                                td.number { (format!("{:.2}", of.match_)) }
                                td { (concern(of)) }
                            }
                        }
                    }
                }
            }
        }
        @if let Some(next) = &found.next {
            p.row { a.button href={ "/manage/introductions?" (query(Some(next.as_str())).finish()) } { "More" } }
        }
    };
    Ok(page("Introductions", "/manage/introductions", &main).into())
}

/// What a manager may want to look at.
fn concern(of: &Introduction) -> Markup {
    html! {
        @for report in &of.reports {
            span.value { strong { @match report.by { Side::Mentee => "reported by the mentee", Side::Mentor => "reported by the mentor" } } }
        }
        @if of.reminded && of.status == Status::Requested { span.value { "reminded, and not answered" } }
        @if let (Status::Requested, Some(expires)) = (of.status, of.expires) {
            span.value { "expires " (expires.strftime("%Y-%m-%d")) }
        }
    }
}
