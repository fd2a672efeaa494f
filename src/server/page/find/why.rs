//! Why a mentor is found, and why not.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use maud::{Markup, html};

use crate::member::MemberId;
use crate::search::weights::Feature;
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
        @if let Some(why) = &why {
            section.why {
                @if let Some(hit) = &why.hit { h2 { (parts::link(&hit.member)) } }
                (told(why))
            }
        }
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
        Obstacle::Unknown => "Nobody of that id is stored".to_owned(),
        Obstacle::Minor => "They are not of age, or do not say so".into(),
        Obstacle::Paused => "They have paused".into(),
        Obstacle::Blocked => "One of the two blocks the other".into(),
        Obstacle::Themselves => "They are the one who looks".into(),
        Obstacle::Role => "They are no mentor".into(),
        Obstacle::Known => "The two know one another already".into(),
        Obstacle::Filter { field } => format!("The filter {field} leaves them out"),
    };
    let knowing = |feature: &&Feature| !matches!(feature, Feature::AlreadyFriend | Feature::AlreadyColleague);
    let nothing: Vec<String> = why.nothing_in.iter().filter(knowing).map(|feature| parts::said(*feature)).collect();
    html! {
        @if !why.obstacles.is_empty() {
            p { strong { "Not found:" } }
            ul { @for one in &why.obstacles { li { (obstacle(one)) } } }
        }
        @if let Some(hit) = &why.hit {
            p {
                @if why.obstacles.is_empty() { "Rank " } @else { "Without what stands in the way, the rank would be " }
                (hit.rank) " of " (why.candidates) " who were compared."
            }
            (parts::points(&hit.points_in_common))
            (parts::adjustments(&hit.adjustments))
            (parts::score(hit, hit.match_))
            @if !nothing.is_empty() {
                p.hint { "Nothing counted for: " (nothing.join(", ")) ". It is absent on either side, or not shared." }
            }
        }
    }
}
