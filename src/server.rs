//! The HTTP service: searching, explaining, writing, rebuilding, over one [`Community`].
//!
//! A request goes through these, in this order: it gets an id and is observed; who asks is told by key or token; its body is
//! read; it takes a place and waits for its turn; it is answered. The page is answered by the same handlers. Only this module
//! names axum.

mod access;
mod admit;
mod api;
mod json;
mod observe;
mod openapi;
mod page;
mod problem;
mod rules;

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, header};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::Response;
use axum::{Router, routing};
use axum_server::tls_rustls::RustlsConfig;
use axum_server::{Handle, Server};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::SwaggerUi;

pub use access::NotAKey;
use access::{Access, identified};
use admit::{Gate, in_turn, unhurried};
use api::{cohorts, explain, introductions, members, operate, programme, search, searches, waitlist};
use observe::observed;
use openapi::Api;
use problem::{Code, Problem};

use crate::community::{Community, CommunityError};
use crate::config::{Config, TlsConfig};
use crate::embed::Embedder;

/// How long connections may take to end once the service does.
const LAST_WORDS: Duration = Duration::from_secs(30);

/// Between two looks at callers who have not asked for a while.
const TIDY: Duration = Duration::from_secs(60);

/// Why the service could not start, or not go on with another configuration.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Whoever reaches the address could read and erase everybody.
    #[error(
        "{0} can be reached from other machines, and there is no key yet; make one with `rapport key create`, set up \
         [server.tokens], or listen on 127.0.0.1"
    )]
    Unguarded(SocketAddr),
    /// The certificate cannot be used.
    #[error("[server.tls] {certificate} and {key}: {source}; expected a certificate chain and its private key as PEM")]
    Certificate {
        /// The chain.
        certificate: PathBuf,
        /// The key.
        key: PathBuf,
        /// What is wrong.
        source: std::io::Error,
    },
    /// Tokens cannot be checked.
    #[error(transparent)]
    Tokens(#[from] NotAKey),
    /// The community does not take the configuration.
    #[error(transparent)]
    Community(#[from] CommunityError),
    /// The configuration cannot be read again.
    #[error("{0}")]
    Config(Box<dyn std::error::Error + Send + Sync>),
    /// Something that is settled when the service starts.
    #[error("server.{0} cannot change while the server runs; start it again")]
    Fixed(&'static str),
}

/// Reads the configuration again.
pub type ReadConfig = Box<dyn Fn() -> Result<Config, Box<dyn std::error::Error + Send + Sync>> + Send + Sync>;

/// What every request needs.
struct App {
    community: Arc<Community>,
    gate: Gate,
    access: RwLock<Arc<Access>>,
    tls: Option<RustlsConfig>,
    metrics: PrometheusHandle,
    /// One cohort is assigned at a time: it takes cores and memory.
    cohorts: Arc<Semaphore>,
    suggestions: page::Suggestions,
    read_config: ReadConfig,
    /// Held while the configuration is read again, or changed and read again.
    reading: tokio::sync::Mutex<()>,
    ending: AtomicBool,
}

impl App {
    fn access(&self) -> Arc<Access> {
        Arc::clone(&self.access.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Relaxed)
    }

    /// Goes on with the configuration as it is by now, all of it or nothing.
    async fn reload(&self) -> Result<(), ServerError> {
        let _reading = self.reading.lock().await;
        self.read_again().await
    }

    /// The same; the caller holds `reading`.
    async fn read_again(&self) -> Result<(), ServerError> {
        let config = (self.read_config)().map_err(ServerError::Config)?;
        let before = self.community.config();
        for (option, same) in [
            ("listen", before.server.listen == config.server.listen),
            ("at_once", before.server.at_once == config.server.at_once),
            ("queue", before.server.queue == config.server.queue),
            ("remembered_answers", before.server.remembered_answers == config.server.remembered_answers),
            ("remembered_records", before.server.remembered_records == config.server.remembered_records),
            ("remembered_texts", before.server.remembered_texts == config.server.remembered_texts),
            ("tls", before.server.tls.is_some() == config.server.tls.is_some()),
        ] {
            if !same {
                return Err(ServerError::Fixed(option));
            }
        }
        self.community.check_fixed(&config)?;
        let access = guarded(&config, &self.community)?;
        if let (Some(serving), Some(TlsConfig { certificate, key })) = (&self.tls, &config.server.tls) {
            let wrong =
                |source| ServerError::Certificate { certificate: certificate.clone(), key: key.clone(), source };
            serving.reload_from_pem_file(certificate, key).await.map_err(wrong)?;
        }
        self.community.reconfigure(config).await?;
        *self.access.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(access);
        Ok(())
    }
}

/// A service that listens.
pub struct Service {
    app: Arc<App>,
    /// Until it is served.
    listener: Mutex<Option<TcpListener>>,
    address: SocketAddr,
    handle: Handle<SocketAddr>,
}

impl Service {
    /// Listens as the community's configuration says. Connections wait until [`Service::run`].
    ///
    /// # Errors
    /// [`ServerError`].
    pub async fn bind(community: Arc<Community>, read_config: ReadConfig) -> Result<Service, ServerError> {
        let config = community.config();
        let address = config.server.listen;
        let access = guarded(&config, &community)?;
        let tls = match &config.server.tls {
            Some(tls) => Some(certified(tls).await?),
            None => None,
        };
        let listen = || {
            let listener = TcpListener::bind(address)?;
            Ok((listener.local_addr()?, listener))
        };
        let (address, listener) = listen().map_err(|source| ServerError::Listen { address, source })?;
        let app = App {
            gate: Gate::new(&config.server),
            access: RwLock::new(Arc::new(access)),
            tls,
            metrics: observe::recorder(),
            cohorts: Arc::new(Semaphore::new(1)),
            suggestions: page::Suggestions::default(),
            read_config,
            reading: tokio::sync::Mutex::default(),
            ending: AtomicBool::new(false),
            community,
        };
        Ok(Service { app: Arc::new(app), listener: Mutex::new(Some(listener)), address, handle: Handle::new() })
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        let scheme = if self.app.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Answers requests until [`Service::drain`].
    ///
    /// # Errors
    /// [`ServerError::Listen`].
    pub async fn run(&self) -> Result<(), ServerError> {
        let failed = |source| ServerError::Listen { address: self.address, source };
        let listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner).take();
        // It ended, and is not run again.
        let Some(listener) = listener else { return Ok(()) };
        let service = router(Arc::clone(&self.app)).into_make_service();
        // The first text need not wait for the model to load.
        let community = Arc::clone(&self.app.community);
        tokio::task::spawn_blocking(move || community.shared().map(|shared| shared.embed(&["mentor"]).is_ok()));
        let tidy = async {
            loop {
                tokio::time::sleep(TIDY).await;
                self.app.access().tidy();
                self.app.metrics.run_upkeep();
            }
        };
        let serve = async {
            match self.app.tls.clone() {
                Some(tls) => self.patient(axum_server::from_tcp_rustls(listener, tls)?).serve(service).await,
                None => self.patient(axum_server::from_tcp(listener)?).serve(service).await,
            }
        };
        tokio::select! {
            served = serve => served.map_err(failed),
            () = tidy => Ok(()),
        }
    }

    /// A server that waits for nobody for ever, and ends when this drains.
    fn patient<A>(&self, server: Server<SocketAddr, A>) -> Server<SocketAddr, A> {
        let patience = Duration::from_secs(self.app.community.config().server.patience);
        // The head of the first request is waited for from the connection on, that of others from their first byte on.
        let mut server = server.handle(self.handle.clone()).first_request_timeout(patience);
        server.http_builder().http1().header_read_timeout(patience);
        server
    }

    /// Takes no more connections, and lets those that are open end what they do.
    pub fn drain(&self) {
        self.app.ending.store(true, Ordering::Relaxed);
        self.handle.graceful_shutdown(Some(LAST_WORDS));
    }

    /// Reads the configuration, the tokens' key and the certificate again.
    ///
    /// # Errors
    /// [`ServerError`]; then everything goes on as before.
    pub async fn reload(&self) -> Result<(), ServerError> {
        self.app.reload().await
    }
}

/// How callers are told apart; on an address that others reach there has to be a way.
fn guarded(config: &Config, community: &Community) -> Result<Access, ServerError> {
    let (access, address) = (Access::new(&config.server)?, config.server.listen);
    if address.ip().is_loopback() || access.is_guarded(community) {
        Ok(access)
    } else {
        Err(ServerError::Unguarded(address))
    }
}

async fn certified(tls: &TlsConfig) -> Result<RustlsConfig, ServerError> {
    // Another part of the process may have chosen already; any choice will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let TlsConfig { certificate, key } = tls.clone();
    let loaded = RustlsConfig::from_pem_file(&certificate, &key).await;
    loaded.map_err(|source| ServerError::Certificate { certificate, key, source })
}

/// Every path, and what a request goes through on its way.
fn router(app: Arc<App>) -> Router {
    let of = || OpenApiRouter::<Arc<App>>::new();
    let turns = from_fn_with_state(Arc::clone(&app), in_turn);
    let long = from_fn_with_state(Arc::clone(&app), unhurried);
    let guarded = from_fn_with_state(Arc::clone(&app), identified);
    let quick = of()
        .routes(routes!(search::search))
        .routes(routes!(search::mentors))
        .routes(routes!(explain::explain))
        .routes(routes!(searches::list))
        .routes(routes!(searches::replay))
        .routes(routes!(members::named))
        .routes(routes!(members::get, members::put))
        .routes(routes!(introductions::ask, introductions::list))
        .routes(routes!(introductions::get, introductions::act))
        .routes(routes!(programme::participation, programme::join, programme::leave))
        .routes(routes!(waitlist::join, waitlist::leave))
        .routes(routes!(waitlist::list))
        .routes(routes!(programme::lineage))
        .routes(routes!(programme::guidelines))
        .routes(routes!(programme::events))
        .routes(routes!(operate::status))
        .routes(routes!(operate::rebuild, operate::night))
        .routes(routes!(operate::reload))
        .layer(turns);
    let slow = of()
        .routes(routes!(members::delete))
        .routes(routes!(members::bulk))
        .routes(routes!(cohorts::assign))
        .routes(routes!(cohorts::introduce))
        .layer(long);
    let streams = of().routes(routes!(operate::events));
    let (v1, paths) = quick.merge(slow).merge(streams).layer(guarded).split_for_parts();
    let (health, more) = of()
        .routes(routes!(operate::healthz))
        .routes(routes!(operate::readyz))
        .routes(routes!(operate::metrics))
        .split_for_parts();
    let mut document = Api::openapi();
    document.merge(paths);
    document.merge(more);
    let served = document.clone();
    let panicked = |_: Box<dyn std::any::Any + Send>| {
        use axum::response::IntoResponse;
        Problem::internal(&"a panic").into_response()
    };
    Router::new()
        .merge(v1)
        .merge(health)
        .route("/openapi.json", routing::get(move || async move { axum::Json(served) }))
        .merge(SwaggerUi::new("/docs").config(utoipa_swagger_ui::Config::from("/openapi.json")))
        .merge(page::router(&app))
        .fallback(page::nothing)
        .method_not_allowed_fallback(|| async { Problem::new(Code::Method, "the path takes other methods; see Allow") })
        // Bodies are bounded where they are read.
        .layer(DefaultBodyLimit::disable())
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(Arc::clone(&app), observed))
        .layer(map_response(sealed))
        .with_state(app)
}

/// Nothing of an answer is a page that may run or frame anything but its own, or is to be kept by anybody on the way.
async fn sealed(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
