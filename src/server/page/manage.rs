//! Running the programme: the pool, an intake, a cohort, the history and the rules. Whoever opens any of it has the scope
//! `admin`.

mod attention;
mod cohort;
mod events;
mod intake;
mod introductions;
mod quality;
mod rules;

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::routing::{get, post};
use maud::{Markup, html};

use super::visitor::Visitor;
use super::{Page, Shown, parts};
use crate::community::{MentorLoad, Pool};
use crate::programme::Status;
use crate::server::App;
use crate::server::json::Pairs;
use crate::server::problem::{Code, Problem};
use crate::store::{Scope, Store};

/// Mentors on a page.
const SHOWN: usize = 50;

/// The pages of the programme, by their paths.
const PAGES: [(&str, &str); 8] = [
    ("/manage", "The pool"),
    ("/manage/intake", "An intake"),
    ("/manage/cohort", "A cohort"),
    ("/manage/introductions", "Introductions"),
    ("/manage/attention", "Attention"),
    ("/manage/quality", "Match quality"),
    ("/manage/events", "History"),
    ("/manage/rules", "Rules"),
];

/// What is answered within the deadline.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/manage", get(pool))
        .route("/manage/intake", get(intake::form))
        .route("/manage/cohort", get(cohort::form))
        .route("/manage/introductions", get(introductions::list))
        .route("/manage/attention", get(attention::attention))
        .route("/manage/quality", get(quality::quality))
        .route("/manage/events", get(events::events))
        .route("/manage/events.csv", get(events::csv))
        .route("/manage/events.jsonl", get(events::jsonl))
        .route("/manage/rules", get(rules::rules))
        .route("/manage/rules/weights", post(rules::weights::save))
        .route("/manage/rules/guidelines/{role}", get(rules::guidelines::edit).post(rules::guidelines::change))
}

/// What takes as long as it takes, and may be large.
pub fn slow() -> Router<Arc<App>> {
    Router::new()
        .route("/manage/intake", post(intake::check))
        .route("/manage/intake/write", post(intake::write))
        .route("/manage/cohort", post(cohort::assign))
        .route("/manage/cohort/introduce", post(cohort::introduce))
        .route("/manage/quality", post(quality::remeasure))
}

/// A page of the programme's, with the way to the others.
fn page(title: &str, at: &'static str, main: &Markup) -> Page {
    let main = html! {
        nav.sub aria-label="Programme" {
            ul.ways {
                @for (path, name) in PAGES {
                    li { a href=(path) aria-current=[(path == at).then_some("page")] { (name) } }
                }
            }
        }
        h1 { (title) }
        (main)
    };
    Page::new(title, "/manage", main)
}

/// A number as people read it.
pub fn count(number: impl TryInto<u64>) -> String {
    let digits = number.try_into().unwrap_or(u64::MAX).to_string();
    let (mut written, length) = (String::new(), digits.len());
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (length - at).is_multiple_of(3) {
            written.push(',');
        }
        written.push(digit);
    }
    written
}

/// The names of members, of those who are stored and have one.
async fn names(store: &Store, ids: &[&str]) -> Result<HashMap<String, String>, Problem> {
    let (found, _) = store.members(ids).await.map_err(|error| Problem::internal(&error))?;
    Ok(found.into_iter().filter_map(|(id, stored)| Some((id, stored.member.public().name.clone()?))).collect())
}

/// A member's name, or id, leading to their page.
fn person(names: &HashMap<String, String>, id: &str) -> Markup {
    let name = names.get(id).map_or(id, String::as_str);
    html! { a href=(parts::path("/members/", id)) dir="auto" { (name) } }
}

/// Why a mentor needs a look.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    Waiting,
    Silent,
    Full,
    Paused,
}

impl Look {
    const ALL: [Look; 4] = [Look::Waiting, Look::Silent, Look::Full, Look::Paused];

    fn name(self) -> &'static str {
        match self {
            Look::Waiting => "waiting",
            Look::Silent => "silent",
            Look::Full => "full",
            Look::Paused => "paused",
        }
    }

    fn said(self) -> &'static str {
        match self {
            Look::Waiting => "Requests waiting",
            Look::Silent => "Never answered",
            Look::Full => "Full",
            Look::Paused => "Paused",
        }
    }

    fn holds(self, load: &MentorLoad) -> bool {
        match self {
            Look::Waiting => load.waiting > 0,
            Look::Silent => load.is_silent(),
            Look::Full => load.is_full(),
            Look::Paused => load.paused,
        }
    }
}

/// The pool.
async fn pool(State(app): State<Arc<App>>, visitor: Visitor, RawQuery(query): RawQuery) -> Shown {
    visitor.caller.needs(Scope::Admin)?;
    let mut pairs = Pairs::of(query.as_deref());
    let number = pairs.parsed("page", "the number of a page")?.unwrap_or(1usize).max(1);
    let named = |name: String| {
        let found = Look::ALL.into_iter().find(|look| look.name() == name);
        found.ok_or_else(|| Problem::invalid("look", format!("{name:?} is not waiting, silent, full or paused")))
    };
    let look = pairs.one("look")?.filter(|name| !name.is_empty()).map(named).transpose()?;
    let (members, _) = app.community.store().size().await.map_err(|error| Problem::internal(&error))?;
    let pool = match app.community.pool().await.map_err(Problem::from) {
        Ok(pool) => Some(pool),
        Err(problem) if problem.code() == Code::NoIndex => None,
        Err(problem) => return Err(problem.into()),
    };
    let main = match &pool {
        None => html! {
            p { (count(members)) " members are stored." }
            p.notice { "Nobody can be found yet: bring in " a href="/manage/intake" { "an intake" } ", then rebuild under " a href="/operate" { "Service" } "." }
        },
        Some(pool) => {
            let chosen: Vec<&MentorLoad> =
                pool.to_look_at.iter().filter(|load| look.is_none_or(|look| look.holds(load))).collect();
            let shown: Vec<&MentorLoad> =
                chosen.iter().skip((number - 1).saturating_mul(SHOWN)).take(SHOWN).copied().collect();
            let ids: Vec<&str> = shown.iter().map(|load| load.id.as_str()).collect();
            let names = names(app.community.store(), &ids).await?;
            html! {
                (figures(members, pool))
                section aria-labelledby="look" {
                    h2 #look { "Mentors who need a look" }
                    (looks(pool, look))
                    @if shown.is_empty() { p.hint { "None." } } @else { (mentors(&shown, &names)) }
                    (turns(number, chosen.len(), look))
                }
            }
        }
    };
    Ok(page("The pool", "/manage", &main).into())
}

/// The pool in numbers.
fn figures(members: u64, pool: &Pool) -> Markup {
    let of = |look: Look| pool.to_look_at.iter().filter(|load| look.holds(load)).count();
    let people = [
        ("members", members),
        ("mentors", pool.mentors),
        ("of them findable", pool.findable),
        ("mentees", pool.mentees),
    ];
    let mentors = [
        ("mentors paused", of(Look::Paused)),
        ("mentors full", of(Look::Full)),
        ("mentors who never answered", of(Look::Silent)),
    ];
    let said = |status: Status| match status {
        Status::Requested => "requests waiting",
        other => other.name(),
    };
    html! {
        section aria-labelledby="people" {
            h2.unseen #people { "People" }
            ul.figures {
                @for (name, number) in people { li { strong { (count(number)) } (name) } }
                @for (name, number) in mentors { li { strong { (count(number)) } (name) } }
            }
        }
        section aria-labelledby="introductions" {
            h2 #introductions { "Introductions" }
            ul.figures {
                @for status in Status::ALL {
                    li {
                        strong { (count(pool.of(status))) }
                        a href={ "/manage/introductions?status=" (status.name()) } { (said(status)) }
                    }
                }
            }
        }
    }
}

/// What mentors can be looked at for.
fn looks(pool: &Pool, chosen: Option<Look>) -> Markup {
    let of = |look: Look| pool.to_look_at.iter().filter(|load| look.holds(load)).count();
    html! {
        ul.ways {
            li { a href="/manage" aria-current=[chosen.is_none().then_some("true")] { "All (" (count(pool.to_look_at.len())) ")" } }
            @for look in Look::ALL {
                li {
                    a href={ "/manage?look=" (look.name()) } aria-current=[(chosen == Some(look)).then_some("true")] {
                        (look.said()) " (" (count(of(look))) ")"
                    }
                }
            }
        }
    }
}

fn mentors(shown: &[&MentorLoad], names: &HashMap<String, String>) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Table of mentors" {
            table {
                thead {
                    tr {
                        th scope="col" { "Mentor" }
                        th scope="col" { "Why" }
                        th.number scope="col" { "Places taken" }
                        th.number scope="col" { "Waiting" }
                        th.number scope="col" { "Answered" }
                        th.number scope="col" { "Let pass" }
                    }
                }
                tbody {
                    @for load in shown {
                        tr {
                            th scope="row" { (person(names, &load.id)) }
                            td { @for look in Look::ALL { @if look.holds(load) { span.status { (look.said()) } " " } } }
                            td.number { (load.taken) " of " (load.places) }
                            td.number { (load.waiting) }
                            td.number { (load.answered) }
                            td.number { (load.expired) }
                        }
                    }
                }
            }
        }
    }
}

/// The ways to the pages before and after.
fn turns(number: usize, all: usize, look: Option<Look>) -> Markup {
    let pages = all.div_ceil(SHOWN);
    let to = |number: usize| match look {
        Some(look) => format!("/manage?look={}&page={number}", look.name()),
        None => format!("/manage?page={number}"),
    };
    html! {
        @if pages > 1 {
            p.row {
                @if number > 1 { a.button href=(to(number - 1)) { "Before" } }
                span { "Page " (number) " of " (pages) }
                @if number < pages { a.button href=(to(number + 1)) { "After" } }
            }
        }
    }
}
