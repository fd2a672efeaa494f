//! What happened in the programme: page by page, of all or of one member, and as a file.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use maud::{Markup, html};

use super::{count, names, page, person};
use crate::community::CommunityError;
use crate::member::MemberId;
use crate::programme::{Actor, Event, to_csv};
use crate::server::App;
use crate::server::api::programme;
use crate::server::json::Pairs;
use crate::server::page::form::stated;
use crate::server::page::named::{self, Whom};
use crate::server::page::visitor::Visitor;
use crate::server::page::{Shown, Wrong, parts};
use crate::server::problem::Problem;
use crate::store::Scope;

/// Events on a page.
const SHOWN: u64 = 100;

/// Events of one member on a page.
const OF_ONE: u32 = 1_000;

/// Events read at once for a file.
const AT_ONCE: u32 = 1_000;

/// The history: its end, or what follows an event.
pub async fn events(State(app): State<Arc<App>>, visitor: Visitor, RawQuery(query): RawQuery) -> Shown {
    visitor.caller.needs(Scope::Admin)?;
    let mut pairs = Pairs::of(query.as_deref());
    let after: Option<u64> = pairs.parsed("after", "the number of an event")?;
    let whom = named::asked(&app, &visitor.caller, stated(&mut pairs, "member")?).await?;
    let member = match &whom {
        Some(Whom::One(person)) => Some(MemberId::new(person.id.as_str())).transpose(),
        _ => Ok(None),
    };
    let member = member.map_err(|invalid| Problem::invalid("member", invalid.problem))?;
    let (last, _) = app.community.store().last_events().await.map_err(|error| Problem::internal(&error))?;
    let (shown, after) = match &member {
        Some(member) => {
            let after = after.unwrap_or(0);
            let rows = app.community.store().events_naming(member.as_str(), after, OF_ONE).await;
            let rows = rows.map_err(|error| Problem::internal(&error))?;
            let read = rows.iter().map(|(number, record)| Event::read(*number, record)).collect::<Result<Vec<_>, _>>();
            (read.map_err(|error| Problem::internal(&error))?, after)
        }
        None => {
            let after = after.unwrap_or(last.saturating_sub(SHOWN));
            let query = Some(format!("after={after}&limit={SHOWN}"));
            let axum::Json(answer) =
                programme::events(State(Arc::clone(&app)), visitor.caller.clone(), RawQuery(query)).await?;
            (answer.events, after)
        }
    };
    let people = shown.iter().flat_map(|event| {
        let by = match &event.happened.by {
            Actor::Member(id) => Some(id),
            _ => None,
        };
        [&event.happened.mentee, &event.happened.mentor, &event.happened.member].into_iter().flatten().chain(by)
    });
    let mut ids: Vec<&str> = people.map(MemberId::as_str).collect();
    ids.sort_unstable();
    ids.dedup();
    let names = names(app.community.store(), &ids).await?;
    let who = |id: &Option<MemberId>| html! { @if let Some(id) = id { (person(&names, id.as_str())) } };
    let main = html! {
        p { "Nothing changes in the programme without a line here; the newest is last. Lines hold ids, and no words of anybody's." }
        div.row.apart {
            form.narrow method="get" action="/manage/events" {
                (named::field("member", "Only about", whom.as_ref().map(Whom::said).unwrap_or_default()))
                p.row {
                    button { "Show" }
                    @if whom.is_some() { a.button.quiet href="/manage/events" { "Everybody" } }
                }
            }
            p.row {
                a.button href="/manage/events.csv" download { "All of it as CSV" }
                a.button href="/manage/events.jsonl" download { "As JSONL" }
            }
        }
        @if let Some(Whom::Several(named)) = &whom {
            (named::which(named, |id| parts::path("/manage/events?member=", id)))
        } @else if shown.is_empty() {
            p.empty role="status" { @if member.is_some() { "Nothing happened to them." } @else { "Nothing happened yet." } }
        } @else {
            (turns(after, &shown, last, member.as_ref()))
            div.scroll tabindex="0" role="region" aria-label="History" {
                table.broad {
                    thead {
                        tr {
                            th.number scope="col" { "No." } th scope="col" { "When (UTC)" } th scope="col" { "What" }
                            th scope="col" { "Mentee" } th scope="col" { "Mentor" } th scope="col" { "Member" }
                            th scope="col" { "By" } th scope="col" { "More" }
                        }
                    }
                    tbody {
                        @for event in &shown {
                            tr #{ "event-" (event.number) } {
                                th.number scope="row" { (event.number) }
                                td.when { time datetime=(event.at) { (event.at.strftime("%Y-%m-%d %H:%M")) } }
                                td { (event.happened.kind.name().replace('_', " ")) }
                                td { (who(&event.happened.mentee)) }
                                td { (who(&event.happened.mentor)) }
                                td { (who(&event.happened.member)) }
                                td {
                                    @match &event.happened.by {
                                        Actor::Member(id) => (person(&names, id.as_str())),
                                        Actor::Key(id) => { "key " (id) }
                                        Actor::Operator => "operator",
                                        Actor::Clock => "time",
                                        Actor::Forgotten => "somebody who was forgotten",
                                    }
                                }
                                td { (more(event)) }
                            }
                        }
                    }
                }
            }
            (turns(after, &shown, last, member.as_ref()))
        }
    };
    Ok(page("History", "/manage/events", &main).into())
}

/// What else an event says.
fn more(event: &Event) -> Markup {
    let reason = event.happened.reason.and_then(|reason| serde_json::to_value(reason).ok());
    let reason = reason.as_ref().and_then(|reason| reason.as_str()).map(|reason| reason.replace('_', " "));
    html! {
        @if let Some(id) = &event.happened.introduction {
            span.value { a href=(parts::path("/introductions/", id.as_str())) { (id) } }
        }
        @if let (Some(from), Some(to)) = (event.happened.from, event.happened.to) { span.value { (from.name()) " → " (to.name()) } }
        @if let Some(reason) = reason { span.value { (reason) } }
        @if let Some(step) = event.happened.step { span.value { "step " (step) } }
    }
}

/// The ways to what was before and what came after.
fn turns(after: u64, shown: &[Event], last: u64, member: Option<&MemberId>) -> Markup {
    let newest = shown.last().map_or(after, |event| event.number);
    html! {
        @match member {
            None => p.row {
                @if after > 0 { a.button href={ "/manage/events?after=" (after.saturating_sub(SHOWN)) } { "Older" } }
                span { (count(after + 1)) " to " (count(newest)) " of " (count(last)) }
                @if newest < last { a.button href={ "/manage/events?after=" (newest) } { "Newer" } }
            },
            Some(member) => @if shown.len() == OF_ONE as usize {
                @let query = form_urlencoded::Serializer::new(String::new()).append_pair("member", member.as_str()).append_pair("after", &newest.to_string()).finish();
                p.row { a.button href={ "/manage/events?" (query) } { "Newer" } }
            }
        }
    }
}

/// All of it as CSV.
pub async fn csv(State(app): State<Arc<App>>, visitor: Visitor) -> Result<Response, Wrong> {
    let written = |events: &[Event], first: bool| {
        let mut out = Vec::new();
        to_csv(events, first, &mut out).map(|()| out).map_err(std::io::Error::other)
    };
    file(app, &visitor, "events.csv", "text/csv; charset=utf-8", written)
}

/// All of it as JSON, one event a line.
pub async fn jsonl(State(app): State<Arc<App>>, visitor: Visitor) -> Result<Response, Wrong> {
    let written = |events: &[Event], _: bool| {
        let mut out = Vec::new();
        for event in events {
            serde_json::to_writer(&mut out, event)?;
            out.push(b'\n');
        }
        Ok(out)
    };
    file(app, &visitor, "events.jsonl", "application/x-ndjson", written)
}

/// A file of every event, sent as it is read. It breaks off where something fails, so that a part is not taken for the whole.
fn file(
    app: Arc<App>,
    visitor: &Visitor,
    name: &str,
    kind: &'static str,
    written: fn(&[Event], bool) -> std::io::Result<Vec<u8>>,
) -> Result<Response, Wrong> {
    visitor.caller.needs(Scope::Admin)?;
    let pieces = stream::unfold(Some(None), move |at: Option<Option<u64>>| {
        let app = Arc::clone(&app);
        async move {
            let after = at?;
            let piece = async {
                let events = app.community.events(after.unwrap_or(0), AT_ONCE).await?;
                Ok::<_, CommunityError>((events.last().map(|last| last.number), events))
            };
            match piece.await {
                Ok((None, _)) if after.is_some() => None,
                Ok((last, events)) => Some((written(&events, after.is_none()).map(Bytes::from), last.map(Some))),
                Err(error) => Some((Err(std::io::Error::other(error.to_string())), None)),
            }
        }
    });
    let attachment = format!("attachment; filename=\"{name}\"");
    let headers = [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, attachment)];
    Ok((headers, Body::from_stream(pieces)).into_response())
}
