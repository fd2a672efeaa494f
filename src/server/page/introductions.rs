//! A member's introductions: what waits for them, what goes on, what was; and one of them with all that can be done to it.

mod answer;
mod deed;
mod said;
mod way;

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use maud::{Markup, html};

use super::form::{Form, stated};
use super::visitor::Visitor;
use super::{Answer, Page, Shown, ask, parts};
use crate::community::{Card, IntroductionView};
use crate::member::{Member, MemberId, Role};
use crate::programme::{Introduction, IntroductionId, Side, Status};
use crate::search::HitMember;
use crate::server::App;
use crate::server::api::{introductions as api, members, programme};
use crate::server::json::{Json, Pairs};
use crate::server::problem::Problem;
pub use said::day;

/// Past introductions on a page.
const PAST: u32 = 100;

/// Open ones: more than anybody answers.
const OPEN: u32 = 1_000;

/// An introduction, and the other one of the two, where they are still available.
struct Entry {
    introduction: Introduction,
    own: Side,
    other: Option<HitMember>,
}

/// Everything of the member's.
pub async fn list(State(app): State<Arc<App>>, visitor: Visitor, RawQuery(query): RawQuery) -> Shown {
    let Some(own) = visitor.caller.member().cloned() else { return Ok(Answer::go_to("/manage")) };
    let after = stated(&mut Pairs::of(query.as_deref()), "after")?;
    let caller = visitor.caller.clone();
    let axum::Json(record) = members::get(State(Arc::clone(&app)), caller, Path(own.to_string())).await?;
    let (past, next) = some(&app, &visitor, &own, None, after.as_deref(), PAST).await?;
    let past = past.into_iter().filter(|entry| !entry.introduction.status.is_open()).collect::<Vec<_>>();
    let (mut waiting, mut going_on) = (Vec::new(), Vec::new());
    if after.is_none() {
        (waiting, _) = some(&app, &visitor, &own, Some(Status::Requested), None, OPEN).await?;
        waiting.sort_by_key(|entry| entry.introduction.expires);
        (going_on, _) = some(&app, &visitor, &own, Some(Status::Accepted), None, OPEN).await?;
        going_on.sort_by_key(|entry| way::next(&entry.introduction.path).map(|step| step.due));
    }
    let (to_answer, asked): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|entry| entry.own == Side::Mentor);
    let main = html! {
        h1 { "Introductions" }
        @if after.is_none() {
            @if record.is(Role::Mentor) || !to_answer.is_empty() {
                (section("To answer", &to_answer, html! {
                    "Nobody waits for your answer. Mentees find you by what you do, offer and overcame; how many you take is on "
                    a href="/participation" { "Taking part" } "."
                }))
            }
            @if record.is(Role::Mentee) || !asked.is_empty() {
                (section("Whom you asked", &asked, html! {
                    "No request of yours waits for an answer. " a href="/" { "Find a mentor" } " and say hello to them."
                }))
            }
            (section("Going on", &going_on, html! { "Nothing goes on at the moment. It begins when a mentor says yes." }))
        }
        @if !past.is_empty() || after.is_some() {
            (section("Past", &past, html! { "There are no more." }))
        }
        @if let Some(next) = next {
            p { a.button href={ "/introductions?after=" (next) } { "Show more of the past" } }
        }
    };
    Ok(Page::new("Introductions", "/introductions", main).into())
}

/// Some of a member's introductions.
async fn listed(
    app: &Arc<App>,
    visitor: &Visitor,
    own: &MemberId,
    status: Option<Status>,
    after: Option<&str>,
    limit: u32,
) -> Result<api::Introductions, Problem> {
    let limit = limit.to_string();
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("member", own.as_str()), ("limit", &limit)])
        .extend_pairs(status.map(|status| ("status", status.name())))
        .extend_pairs(after.map(|after| ("after", after)))
        .finish();
    let axum::Json(listed) = api::list(State(Arc::clone(app)), visitor.caller.clone(), RawQuery(Some(query))).await?;
    Ok(listed)
}

/// The same with the others of each, newest first, and after which the next ones come.
async fn some(
    app: &Arc<App>,
    visitor: &Visitor,
    own: &MemberId,
    status: Option<Status>,
    after: Option<&str>,
    limit: u32,
) -> Result<(Vec<Entry>, Option<String>), Problem> {
    let api::Introductions { introductions, next } = listed(app, visitor, own, status, after, limit).await?;
    let pairs = app.community.pairs(&introductions).await?;
    let entry = |(introduction, pair): (Introduction, Option<(Member, Member)>)| {
        let own = introduction.side_of(own)?;
        let other = pair.map(|(mentee, mentor)| HitMember::of(if own == Side::Mentee { &mentor } else { &mentee }));
        Some(Entry { introduction, own, other })
    };
    let mut entries: Vec<Entry> = introductions.into_iter().zip(pairs).filter_map(entry).collect();
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.introduction.since));
    Ok((entries, next.map(|next| next.to_string())))
}

/// The open introduction by which a member asked a mentor, where there is one.
pub async fn open(
    app: &Arc<App>,
    visitor: &Visitor,
    own: &MemberId,
    mentor: &MemberId,
) -> Result<Option<IntroductionId>, Problem> {
    for status in [Status::Requested, Status::Accepted] {
        let listed = listed(app, visitor, own, Some(status), None, OPEN).await?;
        if let Some(asked) = listed.introductions.into_iter().find(|asked| asked.mentor == *mentor) {
            return Ok(Some(asked.id));
        }
    }
    Ok(None)
}

fn section(title: &str, entries: &[Entry], empty: Markup) -> Markup {
    html! {
        section {
            h2 { (title) @if !entries.is_empty() { " " span.count { (entries.len()) } } }
            @if entries.is_empty() { p.empty { (empty) } }
            @else { ul.cards.many { @for entry in entries { li { (summary(entry)) } } } }
        }
    }
}

fn summary(entry: &Entry) -> Markup {
    let Entry { introduction, own, other } = entry;
    let headline = other.as_ref().and_then(|other| other.headline.as_ref());
    html! {
        article.card aria-labelledby=(introduction.id) {
            h3 #(introduction.id) {
                a href={ "/introductions/" (introduction.id) } { (said::name(other.as_ref())) }
            }
            @if let Some(headline) = headline { p.headline dir="auto" { (headline) } }
            p.aside {
                span { @if *own == Side::Mentor { "You are the mentor" } @else { "You are the mentee" } }
                (said::standing(introduction, *own))
            }
            @if let (Status::Accepted, Some(step)) = (introduction.status, way::next(&introduction.path)) {
                p.aside { span { "Next check-in by " (day(step.due)) ": " bdi { (step.title) } } }
            }
        }
    }
}

/// One introduction, as this visitor sees it.
pub async fn one(State(app): State<Arc<App>>, visitor: Visitor, Path(id): Path<String>) -> Shown {
    let caller = visitor.caller.clone();
    let axum::Json(view) = api::get(State(Arc::clone(&app)), caller.clone(), Path(id)).await?;
    let own = caller.member().and_then(|own| Some((own.to_string(), view.introduction.side_of(own)?)));
    let Some((own, side)) = own else {
        return Ok(Page::new("An introduction", "/manage", overseen(&app, &view)).into());
    };
    let axum::Json(record) = members::get(State(Arc::clone(&app)), caller.clone(), Path(own.clone())).await?;
    let axum::Json(takes_part) = programme::participation(State(Arc::clone(&app)), caller, Path(own)).await?;
    let card = if side == Side::Mentor { &view.mentee_card } else { &view.mentor_card };
    let other = card.as_ref().map(|card| HitMember::of(&card.member));
    let introduction = &view.introduction;
    let answers = introduction.status == Status::Requested && side == Side::Mentor;
    // Where they are to be accepted they stand beside the answer.
    let accepts = answers && !takes_part.guidelines_accepted;
    let title = match (introduction.status, side) {
        (Status::Requested, Side::Mentor) => html! { (said::linked(other.as_ref())) " asks you" },
        (Status::Requested, Side::Mentee) => html! { "You asked " (said::linked(other.as_ref())) },
        _ => html! { "You and " (said::linked(other.as_ref())) },
    };
    let main = html! {
        p { a href="/introductions" { "All introductions" } }
        h1 { (title) }
        @if let Some(headline) = other.as_ref().and_then(|other| other.headline.as_ref()) {
            p.headline dir="auto" { (headline) }
        }
        p.aside { (said::standing(introduction, side)) }
        (said::why(introduction))
        @if view.invited_to_mentor && side == Side::Mentee {
            section.notice {
                h2 { "Pass it on" }
                p { "You were helped, and know how it goes. Somebody else is where you were." }
                p { a.button href="/participation" { "Become a mentor" } }
            }
        }
        div.sides.wide {
            div {
                @if introduction.status == Status::Accepted { (way::shown(&app, introduction, card.is_some())) }
                (said::note(introduction, side))
                @if let Some(card) = card { (common(card, "What you have in common")) }
                @if answers { (answer::forms(&app, introduction, &record, &takes_part)) }
                @if introduction.status != Status::Accepted { (way::shown(&app, introduction, false)) }
                @if let Some(next) = &view.next_best {
                    section aria-labelledby="next" {
                        h2 #next { "Whom to ask next" }
                        p { "The best for you whom you have not asked yet and who has a free place:" }
                        article.card {
                            h3 { (parts::link(&next.member)) }
                            @if let Some(headline) = &next.member.headline { p.headline dir="auto" { (headline) } }
                            (parts::points(&next.points_in_common))
                            (ask::form(&app, &next.member.id, &record))
                        }
                    }
                }
            }
            div {
                @if let Some(card) = card {
                    section aria-labelledby="who" { h2 #who { "Who they are" } (parts::record(&card.member)) }
                }
                (said::shares(introduction, side))
                @if let (Some(text), false) = (&view.guidelines, accepts) {
                    details { summary { "How to go about it" } (parts::markdown(&text.markdown)) }
                }
                (answer::others(introduction, side))
            }
        }
    };
    Ok(Page::new(format!("You and {}", said::plain(other.as_ref())), "/introductions", main).into())
}

fn common(card: &Card, title: &str) -> Markup {
    html! { section { h2 { (title) } (parts::points(&card.points_in_common)) } }
}

/// An introduction for a manager, who looks and does nothing.
fn overseen(app: &App, view: &IntroductionView) -> Markup {
    let introduction = &view.introduction;
    let side = |title: &str, id: &MemberId, card: &Option<Card>, reads: &str| {
        html! {
            section.card {
                h2 { (title) ": " a href=(parts::path("/members/", id.as_str())) { bdi {
                    (card.as_ref().and_then(|card| card.member.name.as_deref()).unwrap_or(id.as_str()))
                } } }
                @match card {
                    None => p.hint { "The two are not available to one another any more." },
                    Some(card) => {
                        (parts::record(&card.member))
                        h3 { (reads) }
                        (parts::points(&card.points_in_common))
                    }
                }
            }
        }
    };
    html! {
        h1 { "An introduction" }
        p.aside { (said::overseen(introduction)) }
        (said::why(introduction))
        @for report in &introduction.reports {
            div.warning {
                p { @match report.by { Side::Mentee => "The mentee reports:", Side::Mentor => "The mentor reports:" } }
                (said::words(&report.words))
            }
        }
        @if let Some(note) = &introduction.note { h2 { "The mentee's note" } (said::words(note)) }
        div.sides.wide {
            (side("The mentee", &introduction.mentee, &view.mentee_card, "What the mentor is told"))
            (side("The mentor", &introduction.mentor, &view.mentor_card, "What the mentee is told"))
        }
        (way::shown(app, introduction, false))
    }
}

/// Asks a mentor.
pub async fn ask(State(app): State<Arc<App>>, visitor: Visitor, mut form: Form) -> Shown {
    let asked = api::ask(State(app), visitor.caller, Json(deed::ask(&mut form)?)).await;
    let (_, axum::Json(view)) = asked?;
    Ok(Answer::go_to(format!("/introductions/{}", view.introduction.id)))
}

/// Does what the form says.
pub async fn act(State(app): State<Arc<App>>, visitor: Visitor, Path(id): Path<String>, mut form: Form) -> Shown {
    let acted = api::act(State(app), visitor.caller, Path(id), Json(deed::read(&mut form)?)).await;
    let axum::Json(view) = acted?;
    Ok(Answer::go_to(format!("/introductions/{}", view.introduction.id)))
}
