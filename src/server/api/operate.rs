//! Rebuilding, reloading, and how the service is.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, stream};
use serde::Serialize;
use utoipa::ToSchema;

use crate::community::{Night, RebuildOptions};
use crate::server::access::Caller;
use crate::server::json::OptionalJson;
use crate::server::problem::{Code, Problem, ProblemDetails};
use crate::server::{App, observe};
use crate::store::Scope;

/// Begins a rebuild, which goes on when this is answered. Searches go on meanwhile.
#[utoipa::path(
    post,
    path = "/v1/rebuild",
    tag = "operate",
    request_body(content = Option<RebuildOptions>, content_type = "application/json"),
    responses(
        (status = 202, description = "It has begun", body = Night),
        (status = 409, description = "One is under way", body = ProblemDetails, content_type = "application/problem+json"),
        crate::server::openapi::Problems
    )
)]
pub async fn rebuild(
    State(app): State<Arc<App>>,
    caller: Caller,
    OptionalJson(options): OptionalJson<RebuildOptions>,
) -> Result<(StatusCode, axum::Json<Night>), Problem> {
    caller.needs(Scope::Admin)?;
    let mut night = app.community.night();
    if app.community.is_building() {
        let detail = "a rebuild or an erasure is under way; GET /v1/rebuild says how far a rebuild is";
        return Err(Problem::new(Code::Conflict, detail));
    }
    let community = Arc::clone(&app.community);
    let work = tokio::spawn(async move {
        match community.rebuild(options.unwrap_or_default(), |_| {}).await {
            Ok(rebuilt) => tracing::info!(folder = %rebuilt.folder.display(), new = rebuilt.published, "rebuilt"),
            Err(error) => tracing::error!(%error, "the rebuild failed; what was served is served on"),
        }
    });
    // It has begun when it says so, or has ended already.
    tokio::select! {
        _ = night.wait_for(|night| night.progress.is_some()) => {}
        _ = work => {}
    }
    let now = app.community.night().borrow().clone();
    Ok((StatusCode::ACCEPTED, axum::Json(now)))
}

/// How far a rebuild is, and how the last one ended.
#[utoipa::path(
    get,
    path = "/v1/rebuild",
    tag = "operate",
    responses((status = 200, description = "The rebuild that runs and the last one", body = Night), crate::server::openapi::Problems)
)]
pub async fn night(State(app): State<Arc<App>>, caller: Caller) -> Result<axum::Json<Night>, Problem> {
    caller.needs(Scope::Admin)?;
    let now = app.community.night().borrow().clone();
    Ok(axum::Json(now))
}

/// A server-sent event.
#[derive(ToSchema)]
#[allow(dead_code, reason = "described, not made: axum writes events")]
pub struct NightEvent {
    /// `progress` or `ended`.
    event: String,
    /// The JSON of GET /v1/rebuild.
    data: String,
}

/// The progress of a rebuild as server-sent events: `progress` for each step, then `ended`, each with the same JSON as
/// GET /v1/rebuild. Where none runs, `ended` comes at once.
#[utoipa::path(
    get,
    path = "/v1/rebuild/events",
    tag = "operate",
    responses(
        (status = 200, description = "Events until the rebuild ends", body = NightEvent, content_type = "text/event-stream"),
        crate::server::openapi::Problems
    )
)]
pub async fn events(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    caller.needs(Scope::Admin)?;
    let events = stream::unfold((app.community.night(), true, false), |(mut night, first, ended)| async move {
        if ended || (!first && night.changed().await.is_err()) {
            return None;
        }
        let now = night.borrow_and_update().clone();
        let name = if now.progress.is_some() { "progress" } else { "ended" };
        let event = Event::default().event(name).data(serde_json::to_string(&now).unwrap_or_default());
        Some((Ok(event), (night, false, now.progress.is_none())))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

/// How the service is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Status {
    /// The program's version.
    pub version: &'static str,
    /// What an answer given now depends on; absent where no generation is served.
    pub state: Option<String>,
    /// The generation that is served.
    pub generation: Option<String>,
    /// When it was built (RFC 3339, UTC).
    pub built: Option<String>,
    /// The model that its vectors came from.
    pub model: Option<String>,
    /// Members in the database.
    pub members: u64,
    /// Mentors of the generation who may be found.
    pub findable: Option<u64>,
    /// Members who are not as the generation has them.
    pub changes: Option<usize>,
    /// Requests that are worked on or wait.
    pub requests: usize,
    /// The rebuild that runs and the last one.
    pub rebuild: Night,
}

/// What is served, since when, and how far the index is behind.
#[utoipa::path(
    get,
    path = "/v1/status",
    tag = "operate",
    responses((status = 200, description = "How the service is", body = Status), crate::server::openapi::Problems)
)]
pub async fn status(State(app): State<Arc<App>>, caller: Caller) -> Result<axum::Json<Status>, Problem> {
    caller.needs(Scope::Admin)?;
    let (members, _) = app.community.store().size().await.map_err(|error| Problem::internal(&error))?;
    let searcher = app.community.searcher().ok();
    let manifest = searcher.as_ref().map(|searcher| &searcher.snapshot().manifest);
    let rebuild = app.community.night().borrow().clone();
    Ok(axum::Json(Status {
        version: env!("CARGO_PKG_VERSION"),
        state: searcher.as_ref().map(|searcher| searcher.state_seen()),
        generation: searcher.as_ref().map(|searcher| searcher.snapshot().name()),
        built: manifest.map(|manifest| manifest.created.clone()),
        model: manifest.map(|manifest| manifest.model.name.clone()),
        members,
        findable: manifest.map(|manifest| manifest.counts.findable),
        changes: searcher.as_ref().map(|searcher| searcher.changes()),
        requests: app.gate.taken(),
        rebuild,
    }))
}

/// The configuration was read again.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Reloaded {
    /// It holds from now on.
    reloaded: bool,
}

/// Reads the configuration, the tokens' key and the certificate again, as SIGHUP does.
#[utoipa::path(
    post,
    path = "/v1/reload",
    tag = "operate",
    responses((status = 200, description = "They hold from now on", body = Reloaded), crate::server::openapi::Problems)
)]
pub async fn reload(State(app): State<Arc<App>>, caller: Caller) -> Result<axum::Json<Reloaded>, Problem> {
    caller.needs(Scope::Admin)?;
    app.reload().await.map_err(|error| Problem::invalid("", error.to_string()))?;
    Ok(axum::Json(Reloaded { reloaded: true }))
}

/// Whether the process lives.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Health {
    status: &'static str,
}

/// Whether the process lives.
#[utoipa::path(get, path = "/healthz", tag = "health", security(()), responses((status = 200, description = "It lives", body = Health)))]
pub async fn healthz() -> axum::Json<Health> {
    axum::Json(Health { status: "ok" })
}

/// Whether searches are answered: a generation is served, is whole, and the service does not end.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "health",
    security(()),
    responses(
        (status = 200, description = "Searches are answered", body = Health),
        (status = 503, description = "They are not, and why", body = ProblemDetails, content_type = "application/problem+json")
    )
)]
pub async fn readyz(State(app): State<Arc<App>>) -> Result<axum::Json<Health>, Problem> {
    if app.is_ending() {
        return Err(Problem::new(Code::Busy, "the service is ending").retry_after(5));
    }
    if app.community.is_cut_off() {
        return Err(Problem::new(Code::Busy, "the members' database cannot be reached").retry_after(5));
    }
    match app.community.searcher().and_then(|searcher| searcher.check_whole()) {
        Ok(()) => Ok(axum::Json(Health { status: "ready" })),
        Err(error) => Err(Problem::new(Code::NoIndex, error.to_string()).retry_after(30)),
    }
}

/// Counts and times, for Prometheus.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "health",
    security(()),
    responses((status = 200, description = "Prometheus' text format", body = String, content_type = "text/plain"))
)]
pub async fn metrics(State(app): State<Arc<App>>) -> Response {
    observe::measure(&app);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], app.metrics.render()).into_response()
}
