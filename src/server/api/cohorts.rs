//! Assigning a whole intake at once.

use std::num::NonZeroUsize;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::to_the_end;
use crate::programme::cohort::{self, Cohort, CohortRequest};
use crate::server::App;
use crate::server::access::Caller;
use crate::server::json::Json;
use crate::server::problem::{Code, Problem, ProblemDetails};
use crate::store::Scope;

/// Assigns a mentor to every mentee of an intake, as well as can be: the best of all assignments by the objective.
///
/// Nothing is written and nobody is told. One cohort is worked on at a time, on half of the cores, and to its end even if the
/// caller does not wait for it: ten thousand mentees take a while. Because it says whom rules kept apart, it is for whoever
/// runs the programme.
#[utoipa::path(
    post,
    path = "/v1/cohorts",
    tag = "programme",
    request_body = CohortRequest,
    responses(
        (status = 200, description = "Who gets whom, who nobody and why, and what would change that", body = Cohort),
        (status = 409, description = "Another cohort is worked on", body = ProblemDetails, content_type = "application/problem+json"),
        crate::server::openapi::Problems
    )
)]
pub async fn assign(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(request): Json<CohortRequest>,
) -> Result<Response, Problem> {
    caller.needs(Scope::Admin)?;
    let busy =
        || Problem::new(Code::Conflict, "another cohort is worked on; try again when it is done").retry_after(10);
    let turn = Arc::clone(&app.cohorts).try_acquire_owned().map_err(|_| busy())?;
    let searcher = app.community.searcher()?;
    let written = to_the_end(async move {
        let _turn = turn;
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let half = NonZeroUsize::new(cores / 2).unwrap_or(NonZeroUsize::MIN);
        let cohort = cohort::assign(&searcher, request, half).await?;
        let written = tokio::task::spawn_blocking(move || serde_json::to_vec(&cohort)).await;
        written.map_err(|error| Problem::internal(&error))?.map_err(|error| Problem::internal(&error))
    });
    Ok(([(header::CONTENT_TYPE, "application/json")], written.await?).into_response())
}
