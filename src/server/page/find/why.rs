//! Why a mentor is found, and why not.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use maud::{Markup, html};

use crate::member::MemberId;
use crate::search::Why;
use crate::search::weights::Feature;
use crate::server::App;
use crate::server::api::explain;
use crate::server::json::Pairs;
use crate::server::page::form::stated;
use crate::server::page::named::{self, Whom};
use crate::server::page::visitor::Visitor;
use crate::server::page::{Page, Shown, parts};
use crate::server::problem::Problem;

/// Why a mentor is found, or why not.
pub async fn why(State(app): State<Arc<App>>, visitor: Visitor, RawQuery(query): RawQuery) -> Shown {
    let mut pairs = Pairs::of(query.as_deref());
    let own = visitor.caller.member();
    let mentee = stated(&mut pairs, "mentee")?.or_else(|| own.map(MemberId::to_string));
    let mentee = named::asked(&app, &visitor.caller, mentee).await?;
    let mentor = named::asked(&app, &visitor.caller, stated(&mut pairs, "mentor")?).await?;
    let why = match (&mentee, &mentor) {
        (Some(Whom::One(mentee)), Some(Whom::One(mentor))) => Some(pair(&app, &visitor, &mentee.id, &mentor.id).await?),
        _ => None,
    };
    // Where one of them is not known yet, the other stays.
    let to = |mentee: &str, mentor: &str| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if own.is_none() {
            query.append_pair("mentee", mentee);
        }
        format!("/why?{}", query.append_pair("mentor", mentor).finish())
    };
    let [sought_by, sought] = [&mentee, &mentor].map(|whom| whom.as_ref().map(Whom::said).unwrap_or_default());
    let main = html! {
        h1 { "Why, and why not" }
        form.narrow method="get" action="/why" {
            @if own.is_none() { (named::field("mentee", "Who looks for a mentor", sought_by)) }
            (named::field("mentor", "The mentor", sought))
            button { "Ask" }
        }
        @match (&mentee, &mentor) {
            (Some(Whom::Several(mentees)), _) => (named::which(mentees, |id| to(id, sought))),
            (_, Some(Whom::Several(mentors))) => (named::which(mentors, |id| to(sought_by, id))),
            _ => {}
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
    let knowing = |feature: &&Feature| !matches!(feature, Feature::AlreadyFriend | Feature::AlreadyColleague);
    let nothing: Vec<String> = why.nothing_in.iter().filter(knowing).map(|feature| parts::said(*feature)).collect();
    html! {
        @if !why.obstacles.is_empty() {
            p { strong { "Not found:" } }
            ul { @for one in &why.obstacles { li { (one.said()) } } }
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
