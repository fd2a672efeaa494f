//! Waiting for a good mentor.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};

use super::to_the_end;
use crate::community::{TakesPart, Waitlist};
use crate::member::MemberId;
use crate::server::App;
use crate::server::access::Caller;
use crate::server::json::Pairs;
use crate::server::problem::Problem;
use crate::store::Scope;

/// Has a mentee wait for a good mentor: one whose match is `[programme.good_match] member` or more, whom they may ask, and who has a
/// free place. Who waits is told of the first one, by the event `mentor_found`, and waits no more.
#[utoipa::path(
    put,
    path = "/v1/members/{id}/waitlist",
    tag = "programme",
    params(("id" = String, Path, description = "Who")),
    responses(
        (status = 200, description = "How they take part now", body = TakesPart),
        crate::server::openapi::Problems,
        crate::server::openapi::Refusals
    )
)]
pub async fn join(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<TakesPart>, Problem> {
    let id = MemberId::new(id)?;
    caller.needs_to_be(&id, Scope::Write)?;
    let by = caller.actor();
    to_the_end(async move { Ok(axum::Json(app.community.join_waitlist(&id, by).await?)) }).await
}

/// Has a mentee wait no more.
#[utoipa::path(
    delete,
    path = "/v1/members/{id}/waitlist",
    tag = "programme",
    params(("id" = String, Path, description = "Who")),
    responses((status = 200, description = "How they take part now", body = TakesPart), crate::server::openapi::Problems)
)]
pub async fn leave(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<TakesPart>, Problem> {
    let id = MemberId::new(id)?;
    caller.needs_to_be(&id, Scope::Write)?;
    let by = caller.actor();
    to_the_end(async move { Ok(axum::Json(app.community.leave_waitlist(&id, by).await?)) }).await
}

/// Who waits for a good mentor.
#[utoipa::path(
    get,
    path = "/v1/waitlist",
    tag = "programme",
    params(("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "How many; 100 unless stated")),
    responses((status = 200, description = "How many wait, and who waits longest", body = Waitlist), crate::server::openapi::Problems)
)]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<axum::Json<Waitlist>, Problem> {
    caller.needs(Scope::Admin)?;
    let mut pairs = Pairs::of(query.as_deref());
    let limit = pairs.limit()?;
    pairs.nothing_else()?;
    Ok(axum::Json(app.community.waitlist(limit).await?))
}
