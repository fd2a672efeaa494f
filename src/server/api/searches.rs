//! Searches of the past.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::community::{CommunityError, LoggedSearch, Replay};
use crate::member::MemberId;
use crate::search::Obstacle;
use crate::server::App;
use crate::server::access::Caller;
use crate::server::json::Pairs;
use crate::server::problem::Problem;
use crate::store::Scope;

/// Searches that are kept.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Searches {
    /// Newest first.
    searches: Vec<LoggedSearch>,
}

/// The newest searches that are kept, with what was answered: a member's own, or with the scope `admin` anybody's.
#[utoipa::path(
    get,
    path = "/v1/searches",
    tag = "search",
    params(
        ("member" = Option<String>, Query, description = "Whose; a member who is signed in sees their own"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "How many; 100 unless stated"),
    ),
    responses((status = 200, description = "Searches, newest first", body = Searches), crate::server::openapi::Problems)
)]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<axum::Json<Searches>, Problem> {
    let mut pairs = Pairs::of(query.as_deref());
    let member = pairs.one("member")?.map(MemberId::new).transpose();
    let member = member.map_err(|invalid| Problem::invalid("member", invalid.problem))?;
    let limit = pairs.limit()?;
    pairs.nothing_else()?;
    let own = caller.member().filter(|_| !caller.has(Scope::Admin)).cloned();
    let of = member.or(own);
    match &of {
        Some(of) => caller.needs_to_be(of, Scope::Admin)?,
        None => caller.needs(Scope::Admin)?,
    }
    let mut searches = app.community.logged_searches(of.as_ref(), limit).await?;
    if let (Some(of), false) = (&of, caller.has(Scope::Admin)) {
        searches.retain(|search| search.is_own(of));
    }
    Ok(axum::Json(Searches { searches }))
}

/// What was answered in the past, and the same search in the same state again, where that is kept; where it is not, what is gone.
/// A member's own search, or with the scope `admin` anybody's.
///
/// An answer says in `rapport-search` what it is called by. With `why`, it is also told why that mentor was found then, or why
/// not, as `/v1/explain` does.
#[utoipa::path(
    get,
    path = "/v1/searches/{id}",
    tag = "search",
    params(
        ("id" = String, Path, description = "What the search is called by"),
        ("why" = Option<String>, Query, description = "A mentor who was found or not"),
    ),
    responses((status = 200, description = "Then, and again", body = Replay), crate::server::openapi::Problems)
)]
pub async fn replay(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<axum::Json<Replay>, Problem> {
    let mut pairs = Pairs::of(query.as_deref());
    let why = pairs.one("why")?.map(MemberId::new).transpose();
    let why = why.map_err(|invalid| Problem::invalid("why", invalid.problem))?;
    pairs.nothing_else()?;
    match caller.member() {
        Some(own) if !caller.has(Scope::Admin) => {
            if !app.community.logged_search(&id).await?.is_own(own) {
                return Err(CommunityError::NotLogged(id).into());
            }
        }
        _ => caller.needs(Scope::Admin)?,
    }
    let replay = app.community.replay(&id, why.as_ref()).await?;
    // Of whoever was not shown then, and is not as they were, it is not known whether they were available: one answer.
    let is_unknown = |mentor: &MemberId| {
        let mut shown = replay.search.hits.iter().filter_map(|shown| shown.member.as_ref());
        replay.why.is_none() && !shown.any(|shown| shown == mentor)
    };
    let confidential = replay.why.iter().flat_map(|why| &why.obstacles).any(Obstacle::is_confidential)
        || why.as_ref().is_some_and(is_unknown);
    if confidential && !caller.has(Scope::Admin) {
        return Err(Problem::not_available());
    }
    Ok(axum::Json(replay))
}
