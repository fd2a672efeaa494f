//! Why, and why not.

use std::sync::Arc;

use axum::extract::{RawQuery, State};

use crate::member::MemberId;
use crate::search::{Known, Obstacle, Why};
use crate::server::App;
use crate::server::access::Caller;
use crate::server::json::Pairs;
use crate::server::problem::Problem;
use crate::store::Scope;

/// Why a mentor is found for a mentee, or why not: every contribution, what stands in the way, and the rank they have or would
/// have.
///
/// Blocked, paused, not of age and unknown are one answer, that the member is not available; to whoever has the scope `admin`
/// it is told which.
#[utoipa::path(
    get,
    path = "/v1/explain",
    tag = "search",
    params(
        ("mentee" = String, Query, description = "Who seeks"),
        ("mentor" = String, Query, description = "Who may be found"),
        ("k" = Option<usize>, Query, minimum = 1, maximum = 1000, description = "How many hits the search shows; 10 unless stated"),
        ("filter" = Option<Vec<String>>, Query, description = "The search's filters: field=value; may be repeated"),
        ("known" = Option<Known>, Query, description = "As in the search"),
        ("explain" = Option<bool>, Query, description = "Whether points in common are put into words"),
        ("outside_circle" = Option<f64>, Query, minimum = 0, maximum = 1, description = "As in the search"),
        ("exchange" = Option<bool>, Query, description = "As in the search"),
    ),
    responses((status = 200, description = "Why, or why not", body = Why), crate::server::openapi::Problems)
)]
pub async fn explain(
    State(app): State<Arc<App>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<axum::Json<Why>, Problem> {
    let mut pairs = Pairs::of(query.as_deref());
    let mut id = |name: &str| -> Result<MemberId, Problem> {
        let id = pairs.one(name)?.ok_or_else(|| Problem::invalid(name, "is missing; expected a member's id"))?;
        MemberId::new(id).map_err(|error| Problem::invalid(name, error.problem))
    };
    let (mentee, mentor) = (id("mentee")?, id("mentor")?);
    caller.needs_to_be(&mentee, Scope::Search)?;
    let request = super::search::request(mentee, &mut pairs)?;
    pairs.nothing_else()?;
    super::search::may_filter(&caller, &request.filter)?;
    let why = app.community.searcher()?.why(request, &mentor).await?;
    if !caller.has(Scope::Admin) && why.obstacles.iter().any(Obstacle::is_confidential) {
        return Err(Problem::not_available());
    }
    Ok(axum::Json(why))
}
