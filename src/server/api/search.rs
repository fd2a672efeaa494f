//! Finding mentors.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::community::Written;
use crate::member::MemberId;
use crate::search::{Answer, Filter, Known, SearchRequest};
use crate::server::App;
use crate::server::access::Caller;
use crate::server::json::{Json, Pairs};
use crate::server::observe::Made;
use crate::server::problem::Problem;
use crate::store::Scope;

/// Finds mentors by a text, by a stored member, by a profile, by interests or by a profession.
///
/// Exactly one of `text`, `member`, `profile`, `interests` and `profession` says who seeks. A member who is signed in
/// searches for themselves: whoever they know or block, or who blocks them, is not in the answer.
#[utoipa::path(
    post,
    path = "/v1/search",
    tag = "search",
    request_body = SearchRequest,
    responses((status = 200, description = "Hits, best first", body = Answer), crate::server::openapi::Problems)
)]
pub async fn search(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(request): Json<SearchRequest>,
) -> Result<Response, Problem> {
    Ok(answer(found(&app, &caller, request).await?))
}

/// What a caller finds, and how it was made.
pub async fn found(app: &App, caller: &Caller, mut request: SearchRequest) -> Result<(Made, Arc<Written>), Problem> {
    match caller.member() {
        Some(own) if !caller.has(Scope::Search) => {
            for (field, other) in [("member", &request.member), ("viewer", &request.viewer)] {
                if other.as_ref().is_some_and(|other| other != own) {
                    return Err(Problem::forbidden(format!("{field}: a member searches for themselves only")));
                }
            }
            // Whom mentors know and where exactly they live could else be found out by asking for it.
            if let Some(profile) = &mut request.profile {
                profile.friends.clear();
                profile.colleagues.clear();
                if let Some(place) = &mut profile.location {
                    (place.lat, place.lon) = (None, None);
                }
            }
        }
        _ => caller.needs(Scope::Search)?,
    }
    if request.member.is_none() && request.viewer.is_none() {
        request.viewer = caller.member().cloned();
    }
    may_filter(caller, &request.filter)?;
    noted(app, caller, request).await
}

/// Finds mentors for a stored member. No model is run for somebody who did not change since they were written.
#[utoipa::path(
    get,
    path = "/v1/members/{id}/mentors",
    tag = "search",
    params(
        ("id" = String, Path, description = "Who seeks"),
        ("k" = Option<usize>, Query, minimum = 1, maximum = 1000, description = "How many hits; 10 unless stated"),
        ("filter" = Option<Vec<String>>, Query, description = "Who may be found: field=value, such as country=US; may be repeated"),
        ("known" = Option<Known>, Query, description = "Whether people they know already may be found; excluded unless stated"),
        ("explain" = Option<bool>, Query, description = "Whether hits come with their points in common; they do unless stated"),
        ("outside_circle" = Option<f64>, Query, minimum = 0, maximum = 1, description = "So much less counts what is shared because both move in one circle; 0 unless stated"),
        ("exchange" = Option<bool>, Query, description = "Whether those are sought who seek what the member offers and offer what the member seeks, whatever their role"),
    ),
    responses((status = 200, description = "Hits, best first", body = Answer), crate::server::openapi::Problems)
)]
pub async fn mentors(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let id = MemberId::new(id)?;
    caller.needs_to_be(&id, Scope::Search)?;
    let mut pairs = Pairs::of(query.as_deref());
    let request = request(id, &mut pairs)?;
    pairs.nothing_else()?;
    may_filter(&caller, &request.filter)?;
    Ok(answer(noted(&app, &caller, request).await?))
}

/// Refuses filters that would tell what is not for the caller: who is paused, and where exactly somebody lives.
pub fn may_filter(caller: &Caller, filter: &Filter) -> Result<(), Problem> {
    if filter.paused {
        caller.needs(Scope::Admin)?;
    }
    if caller.member().is_some() && filter.within.is_some_and(|within| within.of.is_some()) {
        caller.needs(Scope::Search)?;
    }
    Ok(())
}

/// The search for a stored member that a query string asks for.
pub fn request(member: MemberId, pairs: &mut Pairs) -> Result<SearchRequest, Problem> {
    let mut filter = Filter::default();
    for stated in pairs.all("filter") {
        filter
            .add(&stated)
            .map_err(|invalid| Problem::invalid(format!("filter.{}", invalid.field), invalid.problem))?;
    }
    let known = match pairs.one("known")?.as_deref() {
        None | Some("exclude") => Known::Exclude,
        Some("include") => Known::Include,
        Some(other) => return Err(Problem::invalid("known", format!("{other:?} is not exclude or include"))),
    };
    let outside_circle: Option<f64> = pairs.parsed("outside_circle", "a number from 0 to 1")?;
    // JSON has no such number, so as a request to be remembered it would be one without a dial.
    if let Some(dial) = outside_circle.filter(|dial| !dial.is_finite()) {
        return Err(Problem::invalid("outside_circle", format!("is {dial}; expected a number from 0 to 1")));
    }
    Ok(SearchRequest {
        member: Some(member),
        filter,
        known,
        k: pairs.parsed("k", "a number of hits, 1 to 1000")?,
        explain: pairs.parsed("explain", "true or false")?,
        outside_circle,
        exchange: pairs.parsed("exchange", "true or false")?.unwrap_or_default(),
        ..SearchRequest::default()
    })
}

async fn noted(app: &App, caller: &Caller, request: SearchRequest) -> Result<(Made, Arc<Written>), Problem> {
    let (written, before, search) = app.community.search_noted(request, caller.actor()).await?;
    let made = Made { state: written.state.clone(), stages: (!before).then_some(written.stages), search };
    Ok((made, written))
}

fn answer((made, written): (Made, Arc<Written>)) -> Response {
    let body = ([(header::CONTENT_TYPE, "application/json")], written.body.clone());
    (axum::Extension(made), body).into_response()
}
