//! Reading, writing and erasing members.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::to_the_end;
use crate::community::Receipt;
use crate::member::import::parse_member;
use crate::member::{Invalid, Member, MemberId, Place};
use crate::search::HitMember;
use crate::server::App;
use crate::server::access::Caller;
use crate::server::json::{Pairs, body, expect_type};
use crate::server::problem::Problem;
use crate::store::{Scope, Upserted};

/// Lines of a bulk that are written together: one transaction, one model run.
const TOGETHER: usize = 500;

/// What became of a member that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Nobody of the id was stored.
    Added,
    /// The record is another one now.
    Changed,
    /// The record was the same already.
    Unchanged,
}

/// A member was written, and is found by the next search.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Put {
    /// Who.
    id: String,
    /// What became of the record.
    written: Outcome,
}

/// A member's record: all of it to the member and to whoever has the scope `write`, else what the member shows to others.
#[utoipa::path(
    get,
    path = "/v1/members/{id}",
    tag = "members",
    params(("id" = String, Path, description = "Whose")),
    responses((status = 200, description = "The record", body = Member), crate::server::openapi::Problems)
)]
pub async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<Member>, Problem> {
    let id = MemberId::new(id)?;
    if caller.needs_to_be(&id, Scope::Write).is_ok() {
        return app.community.record(&id).await?.map(axum::Json).ok_or_else(Problem::not_available);
    }
    // Every member may look at another.
    if caller.member().is_none() {
        caller.needs(Scope::Search)?;
    }
    let shown = app.community.shown(&id, caller.member()).await?;
    shown.map(axum::Json).ok_or_else(Problem::not_available)
}

/// Members that a name finds.
const NAMED: usize = 10;

/// Somebody of a name.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Named {
    /// Who.
    #[serde(flatten)]
    pub member: HitMember,
    /// Where they live, which tells people of one name apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Place>,
}

impl Named {
    /// A member as they show themselves.
    pub fn of(shown: Member) -> Named {
        Named { member: HitMember::of(&shown), location: shown.location }
    }
}

/// Members by a name, in its order.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ByName {
    /// Ten at most.
    members: Vec<Named>,
}

/// Members whose name begins with a text: those whom the asker may see, ten at most, and whoever has exactly this name first.
///
/// A private name finds nobody. With the scope `admin` those too are found who are paused, blocked or not of age.
#[utoipa::path(
    get,
    path = "/v1/members",
    tag = "members",
    params(("name" = String, Query, description = "How the name begins, however it is spelt: case and white space do not count")),
    responses((status = 200, description = "Who has such a name", body = ByName), crate::server::openapi::Problems)
)]
pub async fn named(
    State(app): State<Arc<App>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<axum::Json<ByName>, Problem> {
    let mut pairs = Pairs::of(query.as_deref());
    let name = pairs.one("name")?.ok_or_else(|| Problem::invalid("name", "is missing; expected how a name begins"))?;
    pairs.nothing_else()?;
    // As with one member.
    if caller.member().is_none() {
        caller.needs(Scope::Search)?;
    }
    let found = app.community.named(&name, caller.member(), caller.has(Scope::Admin), NAMED).await?;
    Ok(axum::Json(ByName { members: found.into_iter().map(Named::of).collect() }))
}

/// Writes a member: durable, and found by the next search, when this is answered. The body's `id` may be left out.
#[utoipa::path(
    put,
    path = "/v1/members/{id}",
    tag = "members",
    params(("id" = String, Path, description = "Who")),
    request_body = Member,
    responses(
        (status = 200, description = "The record was there already, and is now this one", body = Put),
        (status = 201, description = "The member is new", body = Put),
        crate::server::openapi::Problems
    )
)]
pub async fn put(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    request: Request,
) -> Result<(StatusCode, axum::Json<Put>), Problem> {
    caller.needs(Scope::Write)?;
    let id = MemberId::new(id)?;
    expect_type(&request, "application/json")?;
    let member = member_of(&id, &body(request, &app).await?)?;
    let written = to_the_end(async move { Ok(app.community.upsert(&[member]).await?) }).await?;
    let (status, written) = match written {
        Upserted { added: 1.., .. } => (StatusCode::CREATED, Outcome::Added),
        Upserted { changed: 1.., .. } => (StatusCode::OK, Outcome::Changed),
        _ => (StatusCode::OK, Outcome::Unchanged),
    };
    Ok((status, axum::Json(Put { id: id.to_string(), written })))
}

/// The member in a body, whose id is that of the path.
fn member_of(id: &MemberId, body: &[u8]) -> Result<Member, Problem> {
    let mut value: serde_json::Value =
        serde_json::from_slice(body).map_err(|error| Problem::invalid("", format!("the body is not JSON: {error}")))?;
    let fields =
        value.as_object_mut().ok_or_else(|| Problem::invalid("", "is not a JSON object; expected a member"))?;
    let stated = fields.entry("id").or_insert_with(|| id.as_str().into());
    if stated != id.as_str() {
        return Err(Problem::invalid("id", format!("is {stated}, but the path says {id:?}", id = id.as_str())));
    }
    Ok(parse_member(&value.to_string())?)
}

/// Erases a member from every file, and gives a receipt. Takes as long as a rebuild.
#[utoipa::path(
    delete,
    path = "/v1/members/{id}",
    tag = "members",
    params(("id" = String, Path, description = "Who")),
    responses((status = 200, description = "What was erased, and where", body = Receipt), crate::server::openapi::Problems)
)]
pub async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<Receipt>, Problem> {
    let id = MemberId::new(id)?;
    caller.needs_to_be(&id, Scope::Write)?;
    to_the_end(async move { Ok(axum::Json(app.community.forget(&id).await?)) }).await
}

/// What became of one line.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LineResult {
    /// Counted from 1.
    line: usize,
    /// Whom it is about, where that can be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// Whether the member is stored and found.
    stored: bool,
    /// Which field was wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// Why it is not stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// Stores the good lines of a bulk so far.
async fn store(app: &App, good: &mut Vec<(usize, Member)>, results: &mut [LineResult]) -> Result<(), Problem> {
    let (at, members): (Vec<usize>, Vec<Member>) = std::mem::take(good).into_iter().unzip();
    if !members.is_empty() {
        app.community.upsert(&members).await?;
    }
    at.into_iter().for_each(|at| results[at].stored = true);
    Ok(())
}

/// Writes many members, one a line. The good lines are stored even where others are bad; for each line there is one in the
/// answer that says what became of it. Of several lines with one id the last one holds.
#[utoipa::path(
    post,
    path = "/v1/members",
    tag = "members",
    request_body(content = Member, content_type = "application/x-ndjson"),
    responses(
        (status = 200, description = "A result for each line", body = Vec<LineResult>, content_type = "application/x-ndjson"),
        crate::server::openapi::Problems
    )
)]
pub async fn bulk(State(app): State<Arc<App>>, caller: Caller, request: Request) -> Result<Response, Problem> {
    caller.needs(Scope::Write)?;
    expect_type(&request, "application/x-ndjson")?;
    let body = body(request, &app).await?;
    let results = to_the_end(async move {
        let mut results = Vec::new();
        let mut good: Vec<(usize, Member)> = Vec::new();
        for (at, line) in body.split(|byte| *byte == b'\n').enumerate() {
            let line = line.trim_ascii();
            if line.is_empty() {
                continue;
            }
            let text = std::str::from_utf8(line).map_err(|_| Invalid::new("", "is not UTF-8 text"));
            let result = LineResult { line: at + 1, id: None, stored: false, field: None, problem: None };
            match text.and_then(parse_member).map_err(Problem::from) {
                Ok(member) => {
                    results.push(LineResult { id: Some(member.id.to_string()), ..result });
                    good.push((results.len() - 1, member));
                }
                Err(problem) => {
                    let (field, problem) = problem.told();
                    results.push(LineResult { field, problem: Some(problem), ..result });
                }
            }
            if good.len() == TOGETHER {
                store(&app, &mut good, &mut results).await?;
            }
        }
        store(&app, &mut good, &mut results).await?;
        Ok(results)
    })
    .await?;
    let mut lines = Vec::new();
    for result in &results {
        lines.extend(serde_json::to_vec(result).unwrap_or_default());
        lines.push(b'\n');
    }
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], lines).into_response())
}
