//! Introducing people to one another.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::to_the_end;
use crate::community::{Ask, IntroductionView};
use crate::member::MemberId;
use crate::programme::{Deed, Introduction, IntroductionId, Refusal, Side, Status};
use crate::server::App;
use crate::server::access::Caller;
use crate::server::json::{Json, Pairs};
use crate::server::problem::Problem;
use crate::store::Scope;

/// Introductions, in the order of their ids.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Introductions {
    /// As they stand.
    pub introductions: Vec<Introduction>,
    /// What to send as `after` for those that follow; absent where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub next: Option<IntroductionId>,
}

/// Asks a mentor on behalf of a mentee: the mentee themselves, or a key with the scope `write`.
///
/// A mentee has so many requests without an answer at once ([programme] open_requests); a mentor without a free place is not
/// asked, nor one with whom an introduction ended uncompleted not long ago ([programme] again_days).
#[utoipa::path(
    post,
    path = "/v1/introductions",
    tag = "programme",
    request_body = Ask,
    responses(
        (status = 201, description = "The mentor is asked", body = IntroductionView),
        crate::server::openapi::Problems,
        crate::server::openapi::Refusals
    )
)]
pub async fn ask(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(ask): Json<Ask>,
) -> Result<(StatusCode, axum::Json<IntroductionView>), Problem> {
    let mentee = ask.mentee.clone().or_else(|| caller.member().cloned());
    let mentee = mentee.ok_or_else(|| Problem::invalid("mentee", "is missing; expected a member's id"))?;
    caller.needs_to_be(&mentee, Scope::Write)?;
    for (field, id) in [("mentee", &mentee), ("mentor", &ask.mentor)] {
        MemberId::new(id.as_str()).map_err(|invalid| Problem::invalid(field, invalid.problem))?;
    }
    let side = (caller.member() == Some(&mentee)).then_some(Side::Mentee);
    let by = caller.actor();
    let view = to_the_end(async move {
        let introduction = app.community.introduce(&mentee, ask, by).await?;
        Ok(app.community.view(introduction, side).await?)
    });
    Ok((StatusCode::CREATED, axum::Json(view.await?)))
}

/// Introductions: a member's own, or with the scope `write` anybody's.
#[utoipa::path(
    get,
    path = "/v1/introductions",
    tag = "programme",
    params(
        ("member" = Option<String>, Query, description = "Whose; a member who is signed in sees their own"),
        ("status" = Option<Status>, Query, description = "How far they are; any unless stated"),
        ("after" = Option<String>, Query, description = "The `next` of the answer before"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "How many; 100 unless stated"),
    ),
    responses((status = 200, description = "Introductions", body = Introductions), crate::server::openapi::Problems)
)]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<axum::Json<Introductions>, Problem> {
    let mut pairs = Pairs::of(query.as_deref());
    let member = pairs.one("member")?.map(MemberId::new).transpose();
    let member = member.map_err(|invalid| Problem::invalid("member", invalid.problem))?;
    let named = |name: String| {
        Status::named(&name)
            .ok_or_else(|| Problem::invalid("status", format!("{name:?} is no status of an introduction")))
    };
    let status = pairs.one("status")?.map(named).transpose()?;
    let after = pairs.one("after")?.map(IntroductionId::try_from).transpose();
    let after = after.map_err(|invalid| Problem::invalid("after", invalid.problem))?;
    let limit = pairs.limit()?;
    pairs.nothing_else()?;
    let member = member.or_else(|| caller.member().filter(|_| !caller.has(Scope::Write)).cloned());
    match &member {
        Some(member) => caller.needs_to_be(member, Scope::Write)?,
        None => caller.needs(Scope::Write)?,
    }
    let mut introductions = app.community.introductions(member.as_ref(), status, after.as_ref(), limit + 1).await?;
    let more = introductions.len() > limit as usize;
    introductions.truncate(limit as usize);
    let own = |introduction: Introduction| match caller.member().and_then(|member| introduction.side_of(member)) {
        Some(side) => introduction.seen_by(side),
        None => introduction,
    };
    let introductions: Vec<Introduction> = introductions.into_iter().map(own).collect();
    let next = introductions.last().filter(|_| more).map(|last| last.id.clone());
    Ok(axum::Json(Introductions { introductions, next }))
}

/// An introduction with its cards: what the two have in common, told to the one who reads it.
#[utoipa::path(
    get,
    path = "/v1/introductions/{id}",
    tag = "programme",
    params(("id" = String, Path, description = "Which")),
    responses((status = 200, description = "As it stands", body = IntroductionView), crate::server::openapi::Problems)
)]
pub async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<IntroductionView>, Problem> {
    let (introduction, side) = found(&app, &caller, id).await?;
    Ok(axum::Json(app.community.view(introduction, side).await?))
}

/// Accepts, declines, withdraws, checks in, completes, ends or reports. Each is done by whose it is to do, or on their behalf
/// by a key with the scope `write`.
#[utoipa::path(
    post,
    path = "/v1/introductions/{id}",
    tag = "programme",
    params(("id" = String, Path, description = "Which")),
    request_body = Deed,
    responses(
        (status = 200, description = "As it stands now", body = IntroductionView),
        crate::server::openapi::Problems,
        crate::server::openapi::Refusals
    )
)]
pub async fn act(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Json(mut deed): Json<Deed>,
) -> Result<axum::Json<IntroductionView>, Problem> {
    let (introduction, side) = found(&app, &caller, id).await?;
    if let (Some(whose), Some(side)) = (deed.whose(), side)
        && whose != side
    {
        let whose = if whose == Side::Mentor { "mentor" } else { "mentee" };
        return Err(Problem::forbidden(format!("that is the {whose}'s to do")));
    }
    if let Deed::Report { by, .. } = &mut deed {
        *by = side.or(*by);
    }
    let by = caller.actor();
    let view = to_the_end(async move {
        let introduction = app.community.act(&introduction.id, deed, by).await?;
        Ok(app.community.view(introduction, side).await?)
    });
    Ok(axum::Json(view.await?))
}

/// An introduction that the caller may see, and which of the two they are.
async fn found(app: &App, caller: &Caller, id: String) -> Result<(Introduction, Option<Side>), Problem> {
    let id = IntroductionId::try_from(id).map_err(|_| Problem::from(Refusal::Unknown))?;
    let introduction = app.community.introduction(&id).await;
    let side = |introduction: &Introduction| caller.member().and_then(|member| introduction.side_of(member));
    match introduction {
        Ok(introduction) if side(&introduction).is_some() || caller.has(Scope::Write) => {
            let side = side(&introduction);
            Ok((introduction, side))
        }
        // To others there is none.
        Ok(_) if caller.member().is_some() => Err(Refusal::Unknown.into()),
        Ok(_) => Err(caller.needs(Scope::Write).err().unwrap_or_else(|| Refusal::Unknown.into())),
        Err(error) => Err(error.into()),
    }
}
