//! One line in the log and a few counts for each request, and what each answer says of itself in its headers.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use metrics::{counter, gauge, histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing::{error, info};

use super::App;
use super::access::CallerName;
use super::problem::{Cause, Code};
use crate::search::Stages;

/// The request's id: the client's own, where it sends a plain one.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// What the answer depends on.
const STATE: HeaderName = HeaderName::from_static("rapport-state");
/// What the search is called by, where it is kept.
const SEARCH: HeaderName = HeaderName::from_static("rapport-search");
/// How long the stages took.
const TIMING: HeaderName = HeaderName::from_static("server-timing");

/// The longest id that is taken over from a client.
const LONGEST_ID: usize = 64;

/// Bounds of the histograms of times, in seconds.
const SECONDS: [f64; 14] = [0.0005, 0.001, 0.002, 0.004, 0.008, 0.015, 0.03, 0.06, 0.12, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Collects the counts of this process. A second service in one process shares the first one's.
pub fn recorder() -> PrometheusHandle {
    static SHARED: std::sync::OnceLock<PrometheusHandle> = std::sync::OnceLock::new();
    let make = || {
        let builder = PrometheusBuilder::new();
        // The bounds are not empty, which is all that can be wrong with them.
        let builder = builder.set_buckets(&SECONDS).unwrap_or_else(|_| PrometheusBuilder::new());
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("another part of this process collects metrics; /metrics stays empty");
        }
        describe();
        handle
    };
    SHARED.get_or_init(make).clone()
}

fn describe() {
    use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
    describe_counter!("rapport_requests_total", "Requests, by route, method and status");
    describe_counter!("rapport_problems_total", "Requests that were not answered, by code");
    describe_histogram!("rapport_request_seconds", Unit::Seconds, "From the first byte read to the answer, by route");
    describe_histogram!("rapport_stage_seconds", Unit::Seconds, "Stages of a search: seek, rank, respond");
    describe_gauge!("rapport_requests_taken", "Requests that are worked on or wait for their turn");
    describe_gauge!("rapport_generation", "The number of the generation that is served");
    describe_gauge!("rapport_changes", "Members who are not as the generation has them");
    describe_gauge!("rapport_rebuild_running", "1 while a generation is built");
    describe_histogram!("rapport_milvus_seconds", Unit::Seconds, "Calls of Milvus by searches");
    describe_counter!("rapport_milvus_failures_total", "Calls of Milvus that failed or were too slow");
    describe_gauge!("rapport_milvus_left_alone", "1 while Milvus is not asked because it failed lately");
    describe_counter!("rapport_degraded_total", "Searches that went on without Milvus");
    describe_gauge!("rapport_texts_waiting", "Callers whose texts wait for the model");
    describe_counter!("rapport_answers_remembered_total", "Searches answered as before, without being made again");
    describe_counter!(
        "rapport_searches_unnoted_total",
        "Searches answered that the log and the counts of impressions lack"
    );
    describe_counter!("rapport_texts_remembered_total", "Texts sought that needed no model run");
    describe_counter!("rapport_texts_embedded_total", "Texts sought that were embedded");
    describe_counter!("rapport_text_batches_total", "Model runs that they took");
}

/// What is counted elsewhere, as it is at the moment.
pub fn measure(app: &App) {
    gauge!("rapport_requests_taken").set(app.gate.taken() as f64);
    if let Ok(searcher) = app.community.searcher() {
        gauge!("rapport_generation").set(searcher.snapshot().manifest.generation as f64);
        gauge!("rapport_changes").set(searcher.changes() as f64);
        if let Some(milvus) = searcher.milvus() {
            gauge!("rapport_milvus_left_alone").set(f64::from(u8::from(milvus.is_left_alone())));
        }
    }
    let running = app.community.night().borrow().progress.is_some();
    gauge!("rapport_rebuild_running").set(f64::from(u8::from(running)));
    counter!("rapport_searches_unnoted_total").absolute(app.community.searches_lost());
    if let Some(shared) = app.community.shared() {
        let counts = shared.counts();
        gauge!("rapport_texts_waiting").set(counts.waiting as f64);
        counter!("rapport_texts_remembered_total").absolute(counts.remembered);
        counter!("rapport_texts_embedded_total").absolute(counts.embedded);
        counter!("rapport_text_batches_total").absolute(counts.batches);
    }
}

/// Says of each answer what it is, and of each request how it went. Neither paths nor queries are told, since they may hold
/// what somebody seeks; who asked is told by their id.
pub async fn observed(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let id = request_id(&request);
    let route = request.extensions().get::<MatchedPath>().map_or("none".to_owned(), |path| path.as_str().to_owned());
    let method = request.method().clone();
    let mut response = next.run(request).await;
    let took = begun.elapsed();
    let status = response.status().as_u16();
    let made = response.extensions_mut().remove::<Made>();
    let stages = made.as_ref().and_then(|made| made.stages);
    let code = response.extensions().get::<Code>().copied();
    let caller = response.extensions_mut().remove::<CallerName>();
    if let Some(Cause(error)) = response.extensions_mut().remove() {
        error!(id, error, "a request failed");
    }

    counter!("rapport_requests_total", "route" => route.clone(), "method" => method_name(&method), "status" => status.to_string())
        .increment(1);
    histogram!("rapport_request_seconds", "route" => route.clone()).record(took);
    if let Some(code) = code {
        counter!("rapport_problems_total", "code" => code.name()).increment(1);
    }
    let mut timing = String::new();
    if let Some(stages) = stages {
        for (name, took) in [("seek", stages.seek), ("rank", stages.rank), ("respond", stages.respond)] {
            histogram!("rapport_stage_seconds", "stage" => name).record(took);
            let _ = write!(timing, "{name};dur={:.3}, ", took.as_secs_f64() * 1e3);
        }
    }
    if made.as_ref().is_some_and(|made| made.stages.is_none()) {
        counter!("rapport_answers_remembered_total").increment(1);
        timing.push_str("remembered, ");
    }
    let _ = write!(timing, "total;dur={:.3}", took.as_secs_f64() * 1e3);
    info!(
        id,
        method = method_name(&method),
        route,
        status,
        code = code.map(Code::name),
        caller = caller.map(|CallerName(name)| name),
        seek_us = stages.map(|stages| stages.seek.as_micros() as u64),
        rank_us = stages.map(|stages| stages.rank.as_micros() as u64),
        respond_us = stages.map(|stages| stages.respond.as_micros() as u64),
        total_us = took.as_micros() as u64,
        search = made.as_ref().and_then(|made| made.search.as_deref()),
        "request"
    );

    let search = made.as_ref().and_then(|made| made.search.clone());
    let state = made.map(|made| made.state).or_else(|| Some(app.community.searcher().ok()?.state_seen()));
    let headers = response.headers_mut();
    for (name, value) in [(REQUEST_ID, Some(id)), (STATE, state), (SEARCH, search), (TIMING, Some(timing))] {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            headers.insert(name, value);
        }
    }
    response
}

/// How an answer was made.
#[derive(Debug, Clone)]
pub struct Made {
    /// What it depends on.
    pub state: String,
    /// How long the stages took; nothing where the answer was remembered.
    pub stages: Option<Stages>,
    /// What the search is called by, where it is kept.
    pub search: Option<String>,
}

/// Methods are not counted by names that a client makes up.
fn method_name(method: &axum::http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        _ => "other",
    }
}

fn request_id(request: &Request) -> String {
    let sent = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok());
    let plain = |id: &&str| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        !id.is_empty() && id.len() <= LONGEST_ID && id.bytes().all(is_plain)
    };
    sent.filter(plain).map_or_else(|| format!("{:016x}", fresh()), str::to_owned)
}

/// A number that was not given out before by this process, nor likely by another.
fn fresh() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: std::sync::OnceLock<AtomicU64> = std::sync::OnceLock::new();
    let start = || AtomicU64::new(getrandom::u64().unwrap_or_default());
    NEXT.get_or_init(start).fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed)
}
