//! Taking part in the programme, and what happened in it.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::to_the_end;
use crate::community::{Kin, TakesPart};
use crate::member::MemberId;
use crate::programme::{Event, Guidelines, Side, Stated};
use crate::server::App;
use crate::server::access::Caller;
use crate::server::json::{Json, Pairs};
use crate::server::problem::Problem;
use crate::store::Scope;

/// What mentors and mentees are told of how to go about it.
#[utoipa::path(
    get,
    path = "/v1/guidelines",
    tag = "programme",
    responses((status = 200, description = "Both texts, in Markdown", body = Guidelines), crate::server::openapi::Problems)
)]
pub async fn guidelines(State(app): State<Arc<App>>, _caller: Caller) -> axum::Json<Guidelines> {
    axum::Json(app.community.config().programme.guidelines.clone())
}

/// How a member takes part: their own word, and how full they are.
#[utoipa::path(
    get,
    path = "/v1/members/{id}/participation",
    tag = "programme",
    params(("id" = String, Path, description = "Whose")),
    responses((status = 200, description = "How they take part", body = TakesPart), crate::server::openapi::Problems)
)]
pub async fn participation(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<TakesPart>, Problem> {
    let id = MemberId::new(id)?;
    caller.needs_to_be(&id, Scope::Write)?;
    Ok(axum::Json(app.community.takes_part(&id).await?))
}

/// Joins the programme, or changes how a member takes part: as mentor, mentee or both, paused, with a capacity. What is stated
/// goes before what the community's feed says, until the member leaves and beyond.
#[utoipa::path(
    put,
    path = "/v1/members/{id}/participation",
    tag = "programme",
    params(("id" = String, Path, description = "Who")),
    request_body = Stated,
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
    Json(stated): Json<Stated>,
) -> Result<axum::Json<TakesPart>, Problem> {
    let id = MemberId::new(id)?;
    caller.needs_to_be(&id, Scope::Write)?;
    let by = caller.actor();
    to_the_end(async move { Ok(axum::Json(app.community.join(&id, stated, by).await?)) }).await
}

/// Leaves the programme: the member is not found any more, and what is open of theirs ends.
#[utoipa::path(
    delete,
    path = "/v1/members/{id}/participation",
    tag = "programme",
    params(("id" = String, Path, description = "Who")),
    responses((status = 200, description = "How they took part", body = TakesPart), crate::server::openapi::Problems)
)]
pub async fn leave(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<TakesPart>, Problem> {
    let id = MemberId::new(id)?;
    caller.needs_to_be(&id, Scope::Write)?;
    let by = caller.actor();
    to_the_end(async move { Ok(axum::Json(app.community.leave(&id, by).await?)) }).await
}

/// Who mentored whom, over five generations.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Lineage {
    /// Who mentored the member, and who mentored those.
    pub mentored_by: Vec<Kin>,
    /// Whom the member mentored, and whom those did.
    pub mentored: Vec<Kin>,
}

/// Who mentored a member and who mentored those, by completed introductions; and whom the member mentored. For the member, and
/// with the scope `write` for anybody.
#[utoipa::path(
    get,
    path = "/v1/members/{id}/lineage",
    tag = "programme",
    params(("id" = String, Path, description = "Whose")),
    responses((status = 200, description = "The lineage", body = Lineage), crate::server::openapi::Problems)
)]
pub async fn lineage(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<Lineage>, Problem> {
    let id = MemberId::new(id)?;
    caller.needs_to_be(&id, Scope::Write)?;
    let reader = caller.member();
    let mentored_by = app.community.lineage(&id, Side::Mentor, reader).await?;
    let mentored = app.community.lineage(&id, Side::Mentee, reader).await?;
    Ok(axum::Json(Lineage { mentored_by, mentored }))
}

/// What happened, in order.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Events {
    /// The events.
    pub events: Vec<Event>,
    /// What to send as `after` for those that follow, now or later.
    pub last: u64,
}

/// Everything that happened in the programme, in order. Events hold ids and no words.
#[utoipa::path(
    get,
    path = "/v1/events",
    tag = "programme",
    params(
        ("after" = Option<u64>, Query, description = "The `last` of the answer before; from the beginning unless stated"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "How many; 100 unless stated"),
    ),
    responses((status = 200, description = "Events", body = Events), crate::server::openapi::Problems)
)]
pub async fn events(
    State(app): State<Arc<App>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<axum::Json<Events>, Problem> {
    caller.needs(Scope::Admin)?;
    let mut pairs = Pairs::of(query.as_deref());
    let after = pairs.parsed("after", "the number of an event")?.unwrap_or(0);
    let limit = pairs.limit()?;
    pairs.nothing_else()?;
    let events = app.community.events(after, limit).await?;
    let last = events.last().map_or(after, |event| event.number);
    Ok(axum::Json(Events { events, last }))
}
