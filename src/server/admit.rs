//! How much is taken on at once: bodies are read before a turn is taken, a bounded number wait, the rest are told so at
//! once, and nothing takes for ever.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::App;
use super::access::Caller;
use super::problem::{Code, Problem};
use crate::config::ServerConfig;
use crate::store::Scope;

/// The largest body of a request, in bytes.
pub const LARGEST_BODY: usize = 1 << 20;

/// The largest body of many members at once, in bytes.
pub const LARGEST_BULK: usize = 64 << 20;

/// What is let pass by of a body that is too large, before its sender is hung up on, in bytes.
const MOST_SPILT: usize = 16 << 20;

/// Places to wait in, and turns to be worked on.
pub struct Gate {
    places: Semaphore,
    turns: Semaphore,
    most: usize,
}

impl Gate {
    pub fn new(config: &ServerConfig) -> Gate {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        // Most of them wait for the model, and the more of them do, the fuller its batches are.
        let at_once = if config.at_once == 0 { 32 * cores } else { config.at_once };
        let most = at_once + config.queue;
        Gate { places: Semaphore::new(most), turns: Semaphore::new(at_once), most }
    }

    /// Requests that are worked on or wait.
    pub fn taken(&self) -> usize {
        self.most - self.places.available_permits()
    }
}

/// A request that is answered within the deadline, when it is its turn.
pub async fn in_turn(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let config = app.community.config();
    let deadline = Duration::from_secs(config.server.deadline);
    admitted(&app, request, LARGEST_BODY, |request| async {
        let work = async {
            let _turn = app.gate.turns.acquire().await;
            next.run(request).await
        };
        let late = || {
            let seconds = deadline.as_secs();
            Problem::new(
                Code::Deadline,
                format!("it was not done in {seconds} s; a write may have been done all the same"),
            )
        };
        timeout(deadline, work).await.unwrap_or_else(|_| late().into_response())
    })
    .await
}

/// A request that takes as long as it takes.
pub async fn unhurried(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    // Only from who may write so much, or list so many.
    let may = |caller: &Caller| caller.has(Scope::Write) || caller.has(Scope::Admin);
    let largest = if request.extensions().get().is_some_and(may) { LARGEST_BULK } else { LARGEST_BODY };
    admitted(&app, request, largest, |request| next.run(request)).await
}

async fn admitted<F: Future<Output = Response>>(
    app: &App,
    request: Request,
    largest: usize,
    work: impl FnOnce(Request) -> F,
) -> Response {
    let patience = Duration::from_secs(app.community.config().server.patience);
    let (parts, body) = request.into_parts();
    // A large body may take its time, as long as it keeps coming.
    let body = match read(body, largest, patience).await {
        Ok(body) => body,
        Err(problem) => return problem.into_response(),
    };
    let Ok(_place) = app.gate.places.try_acquire() else {
        let problem = Problem::new(Code::Busy, "as many requests wait as may; try again soon");
        return problem.retry_after(1).into_response();
    };
    work(Request::from_parts(parts, Body::from(body))).await
}

/// A body in one piece. The patience is for each megabyte.
async fn read(body: Body, largest: usize, patience: Duration) -> Result<Bytes, Problem> {
    let mut stream = body.into_data_stream();
    let (mut whole, mut spilt) = (Vec::new(), 0);
    loop {
        let piece = async {
            let begun = whole.len();
            while let Some(bytes) = stream.next().await {
                let bytes = bytes.map_err(|error| Problem::invalid("", format!("the body broke off: {error}")))?;
                if spilt > 0 || whole.len() + bytes.len() > largest {
                    // Whoever is hung up on while they send does not read why: a while it is let pass by.
                    spilt += bytes.len();
                    if spilt > MOST_SPILT {
                        break;
                    }
                    continue;
                }
                whole.extend_from_slice(&bytes);
                if whole.len() - begun >= 1 << 20 {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        let more = timeout(patience, piece).await;
        if spilt > 0 {
            let detail = format!("the body has more than {largest} bytes, which are the most that are taken");
            return Err(Problem::new(Code::TooLarge, detail));
        }
        let late = || Problem::new(Code::Slow, format!("the body did not come within {} s", patience.as_secs()));
        if !more.unwrap_or_else(|_| Err(late()))? {
            return Ok(whole.into());
        }
    }
}
