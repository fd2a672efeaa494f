//! Why a mentor is found, and why not.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use maud::{Markup, html};

use crate::member::MemberId;
use crate::search::{Obstacle, Why};
use crate::server::App;
use crate::server::api::explain;
use crate::server::json::Pairs;
use crate::server::page::form::stated;
use crate::server::page::visitor::Visitor;
use crate::server::page::{Page, Shown, parts};
use crate::server::problem::Problem;

/// Why a mentor is found, or why not.
pub async fn why(State(app): State<Arc<App>>, visitor: Visitor, RawQuery(query): RawQuery) -> Shown {
    let mut pairs = Pairs::of(query.as_deref());
    let own = visitor.caller.member();
    let mentee = stated(&mut pairs, "mentee")?.or_else(|| own.map(MemberId::to_string)).unwrap_or_default();
    let mentor = stated(&mut pairs, "mentor")?.unwrap_or_default();
    let why =
        if mentor.is_empty() || mentee.is_empty() { None } else { Some(pair(&app, &visitor, &mentee, &mentor).await?) };
    let main = html! {
        h1 { "Why, and why not" }
        form.narrow method="get" action="/why" {
            @if own.is_none() { (parts::field("mentee", "Who looks for a mentor (id)", &mentee, "")) }
            (parts::field("mentor", "The mentor's id", &mentor, "It stands in the address of their page"))
            button { "Ask" }
        }
        @if let Some(why) = &why { (told(why)) }
    };
    Ok(Page::new("Why, and why not", "/", main).into())
}

/// What the API says of two members.
pub async fn pair(app: &Arc<App>, visitor: &Visitor, mentee: &str, mentor: &str) -> Result<Why, Problem> {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("mentee", mentee), ("mentor", mentor), ("known", "include")])
        .finish();
    let axum::Json(why) =
        explain::explain(State(Arc::clone(app)), visitor.caller.clone(), RawQuery(Some(query))).await?;
    Ok(why)
}

/// Why, in words.
pub fn told(why: &Why) -> Markup {
    let obstacle = |obstacle: &Obstacle| match obstacle {
        Obstacle::Unknown => "nobody of that id is stored".to_owned(),
        Obstacle::Minor => "they are not of age, or do not say so".into(),
        Obstacle::Paused => "they have paused".into(),
        Obstacle::Blocked => "one of the two blocks the other".into(),
        Obstacle::Themselves => "they are the one who looks".into(),
        Obstacle::Role => "they are no mentor".into(),
        Obstacle::Known => "the two know one another already".into(),
        Obstacle::Filter { field } => format!("the filter {field} leaves them out"),
    };
    html! {
        section.why {
            @if let Some(hit) = &why.hit {
                h2 { @if why.obstacles.is_empty() { "Found" } @else { "Not found" } ": " (parts::link(&hit.member)) }
                @if why.obstacles.is_empty() {
                    p { "Rank " (hit.rank) " of " (why.candidates) " who were compared." }
                } @else {
                    p { "Without what stands in the way, the rank would be " (hit.rank) " of " (why.candidates) "." }
                }
                @if !why.obstacles.is_empty() { ul { @for one in &why.obstacles { li { (obstacle(one)) } } } }
                (parts::points(&hit.points_in_common))
                (parts::adjustments(&hit.adjustments))
                (parts::score(hit, hit.match_))
                @if !why.nothing_in.is_empty() {
                    p.hint {
                        "Nothing counted for: "
                        (why.nothing_in.iter().map(|feature| parts::said(*feature)).collect::<Vec<_>>().join(", "))
                        ". It is absent on either side, or not shared."
                    }
                }
            } @else {
                h2 { "Not found" }
                ul { @for one in &why.obstacles { li { (obstacle(one)) } } }
            }
        }
    }
}
