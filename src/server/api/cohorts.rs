//! Assigning a whole intake at once, and introducing its pairs.

use std::num::NonZeroUsize;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;
use utoipa::ToSchema;

use super::to_the_end;
use crate::community::{CommunityError, Pairing, RollOut};
use crate::member::{Invalid, MemberId};
use crate::programme::cohort::{self, Cohort, CohortRequest};
use crate::programme::{Introduction, IntroductionId};
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
    let turn = turn(&app)?;
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

/// What became of the pairs of a cohort.
#[derive(Debug, Serialize, ToSchema)]
pub struct RolledOut {
    /// How many were introduced.
    pub introduced: usize,
    /// Each pair, in the order in which they were sent.
    pub pairs: Vec<RolledOutPair>,
}

/// What became of one pair: an introduction, or why there is none.
#[derive(Debug, Serialize, ToSchema)]
pub struct RolledOutPair {
    /// Who asks.
    #[schema(value_type = String)]
    pub mentee: MemberId,
    /// Who is asked.
    #[schema(value_type = String)]
    pub mentor: MemberId,
    /// The introduction's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    introduction: Option<IntroductionId>,
    /// Why the two are not introduced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refused>,
}

/// Why two people are not introduced.
#[derive(Debug, Serialize, ToSchema)]
pub struct Refused {
    /// As the problem of a single introduction would have it.
    code: Code,
    /// In words.
    pub detail: String,
}

/// Introduces the pairs of a cohort: each mentee asks their mentor, caused by `cohort`, and the mentor still says yes or no.
///
/// The rules are those of any introduction, for each pair by itself: what they do not have is told by the pair, and the others go
/// on. To send it again is safe: whoever was introduced is `asked_before`. One call, or cohort, is worked on at a time, and to its
/// end even if the caller does not wait.
#[utoipa::path(
    post,
    path = "/v1/cohorts/introductions",
    tag = "programme",
    request_body = RollOut,
    responses(
        (status = 200, description = "What became of each pair", body = RolledOut),
        (status = 409, description = "Another cohort is worked on", body = ProblemDetails, content_type = "application/problem+json"),
        crate::server::openapi::Problems
    )
)]
pub async fn introduce(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(roll_out): Json<RollOut>,
) -> Result<axum::Json<RolledOut>, Problem> {
    caller.needs(Scope::Admin)?;
    for (at, Pairing { mentee, mentor }) in roll_out.pairs.iter().enumerate() {
        for (field, id) in [("mentee", mentee), ("mentor", mentor)] {
            let wrong = |invalid: Invalid| Problem::invalid(format!("pairs[{at}].{field}"), invalid.problem);
            MemberId::new(id.as_str()).map_err(wrong)?;
        }
    }
    let (turn, by) = (turn(&app)?, caller.actor());
    to_the_end(async move {
        let _turn = turn;
        let pairs = app.community.roll_out(roll_out, by).await?;
        let told = |(Pairing { mentee, mentor }, asked): (Pairing, Result<Introduction, CommunityError>)| {
            let (introduction, refused) = match asked {
                Ok(introduction) => (Some(introduction.id), None),
                Err(error) => {
                    let (code, detail) = Problem::from(error).in_short();
                    (None, Some(Refused { code, detail }))
                }
            };
            RolledOutPair { mentee, mentor, introduction, refused }
        };
        let pairs: Vec<RolledOutPair> = pairs.into_iter().map(told).collect();
        let introduced = pairs.iter().filter(|pair| pair.introduction.is_some()).count();
        Ok(axum::Json(RolledOut { introduced, pairs }))
    })
    .await
}

/// One at a time is worked on.
fn turn(app: &App) -> Result<OwnedSemaphorePermit, Problem> {
    let busy =
        || Problem::new(Code::Conflict, "another cohort is worked on; try again when it is done").retry_after(10);
    Arc::clone(&app.cohorts).try_acquire_owned().map_err(|_| busy())
}
