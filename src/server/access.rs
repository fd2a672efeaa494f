//! Who asks, and what they may: API keys of the community's own programs, and the community's tokens of its members.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

use super::App;
use super::problem::{Code, Problem};
use crate::community::{Community, KEY_PREFIX};
use crate::config::{ServerConfig, TokenAlgorithm, TokensConfig};
use crate::member::MemberId;
use crate::programme::Actor;
use crate::store::Scope;

/// Who asks.
#[derive(Debug, Clone)]
pub struct Caller {
    who: Who,
    scopes: Vec<Scope>,
}

#[derive(Debug, Clone)]
enum Who {
    /// Whoever reaches a service that has neither keys nor tokens, and listens on this machine only.
    Anyone,
    /// A program, by its key's id.
    Key(String),
    /// A member.
    Member(MemberId),
}

impl Caller {
    /// A member, who may do what any member may.
    pub fn of(member: MemberId) -> Caller {
        Caller { who: Who::Member(member), scopes: Vec::new() }
    }

    /// Refuses whoever lacks a scope.
    pub fn needs(&self, scope: Scope) -> Result<(), Problem> {
        if self.has(scope) {
            return Ok(());
        }
        Err(Problem::forbidden(format!(
            "this takes the scope {:?}, which the key or token does not have",
            scope.name()
        )))
    }

    /// Whether they have a scope.
    pub fn has(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }

    /// Refuses whoever is neither the member nor has the scope.
    pub fn needs_to_be(&self, member: &MemberId, or: Scope) -> Result<(), Problem> {
        if self.member() == Some(member) { Ok(()) } else { self.needs(or) }
    }

    /// Who brings something about, as events name them.
    pub fn actor(&self) -> Actor {
        match &self.who {
            Who::Anyone => Actor::Operator,
            Who::Key(id) => Actor::Key(id.clone()),
            Who::Member(member) => Actor::Member(member.clone()),
        }
    }

    /// The member who asks, where it is one.
    pub fn member(&self) -> Option<&MemberId> {
        match &self.who {
            Who::Member(member) => Some(member),
            Who::Anyone | Who::Key(_) => None,
        }
    }

    /// The name in logs, and the one that requests are counted under.
    pub fn name(&self) -> String {
        match &self.who {
            Who::Anyone => "anyone".into(),
            Who::Key(id) => id.clone(),
            Who::Member(member) => format!("member {member}"),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Caller, Problem> {
        let unauthenticated = || Problem::new(Code::Unauthenticated, "nobody is signed in");
        parts.extensions.get::<Caller>().cloned().ok_or_else(unauthenticated)
    }
}

/// What the log calls whoever asked.
#[derive(Debug, Clone)]
pub struct CallerName(pub String);

/// Lets pass who may ask at all, as often as they may.
pub async fn identified(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let caller = match app.access().caller(&app.community, request.uri(), request.headers()) {
        Ok(caller) => caller,
        Err(problem) => return problem.into_response(),
    };
    let name = caller.name();
    if let Err(problem) = app.access().take_turn(&caller) {
        return (axum::Extension(CallerName(name)), problem).into_response();
    }
    request.extensions_mut().insert(caller);
    let mut response = next.run(request).await;
    response.extensions_mut().insert(CallerName(name));
    response
}

/// How callers are told apart, and how often they may ask.
pub struct Access {
    loopback: bool,
    tokens: Option<Tokens>,
    limiter: Option<DefaultKeyedRateLimiter<String>>,
}

impl Access {
    /// Reads the key that tokens are signed with.
    ///
    /// # Errors
    /// Where the key cannot be read, or is not one of its algorithm.
    pub fn new(config: &ServerConfig) -> Result<Access, NotAKey> {
        let rate = NonZeroU32::new(config.rate).zip(NonZeroU32::new(config.burst));
        let limiter = rate.map(|(rate, burst)| RateLimiter::keyed(Quota::per_second(rate).allow_burst(burst)));
        let tokens = config.tokens.as_ref().map(Tokens::read).transpose()?;
        Ok(Access { loopback: config.listen.ip().is_loopback(), tokens, limiter })
    }

    /// Whether somebody can be told from anybody.
    pub fn is_guarded(&self, community: &Community) -> bool {
        self.tokens.is_some() || community.has_keys()
    }

    /// Whether whoever reaches it may do anything, as nobody else can reach it.
    pub fn is_open(&self, community: &Community) -> bool {
        self.loopback && !self.is_guarded(community)
    }

    fn caller(&self, community: &Community, uri: &Uri, headers: &HeaderMap) -> Result<Caller, Problem> {
        let unauthenticated = |detail: &str| Problem::new(Code::Unauthenticated, detail);
        let Some(sent) = headers.get(header::AUTHORIZATION) else {
            if !self.is_open(community) {
                return Err(unauthenticated("expected Authorization: Bearer, with an API key or a member's token"));
            }
            return of_this_machine(uri, headers);
        };
        let bearer = sent.to_str().ok().and_then(|sent| sent.split_once(' '));
        let bearer = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let (_, bearer) = bearer.ok_or_else(|| unauthenticated("Authorization is not of the form: Bearer KEY"))?;
        self.bearer(community, bearer)
    }

    /// Who has an API key or a token.
    pub fn bearer(&self, community: &Community, bearer: &str) -> Result<Caller, Problem> {
        let unauthenticated = |detail: &str| Problem::new(Code::Unauthenticated, detail);
        if bearer.starts_with(KEY_PREFIX) {
            let key = community.key(bearer);
            let key = key.ok_or_else(|| unauthenticated("the API key is unknown, or was revoked"))?;
            return Ok(Caller { who: Who::Key(key.id.clone()), scopes: key.scopes.clone() });
        }
        match &self.tokens {
            Some(tokens) => tokens.caller(bearer),
            None => Err(unauthenticated("that is no API key, and members' tokens are not set up ([server.tokens])")),
        }
    }

    /// Refuses whoever asks more often than they may.
    pub fn take_turn(&self, caller: &Caller) -> Result<(), Problem> {
        let Some(limiter) = self.limiter.as_ref().filter(|_| !matches!(caller.who, Who::Anyone)) else { return Ok(()) };
        limiter.check_key(&caller.name()).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
            Problem::new(Code::Rate, "more requests than one key or member may make").retry_after(seconds)
        })
    }

    /// Forgets those who have not asked for a while.
    pub fn tidy(&self) {
        if let Some(limiter) = &self.limiter {
            limiter.retain_recent();
        }
    }
}

/// Without keys, whoever asks this machine for itself may do anything; a page of elsewhere that a browser shows may not,
/// by whatever name it reaches this machine.
pub fn of_this_machine(uri: &Uri, headers: &HeaderMap) -> Result<Caller, Problem> {
    let sent = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let is_local = |authority: &str| {
        let name = match authority.strip_prefix('[') {
            Some(address) => address.split(']').next(),
            None => authority.split(':').next(),
        };
        matches!(name, Some("localhost" | "127.0.0.1" | "::1"))
    };
    // HTTP/2 names the host in the URI.
    let asked = sent("host").or_else(|| uri.authority().map(|authority| authority.as_str())).is_some_and(is_local);
    let from_here =
        sent("origin").is_none_or(|origin| origin.split_once("://").is_some_and(|(_, host)| is_local(host)));
    let by_its_own_page = sent("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"));
    if !(asked && from_here && by_its_own_page) {
        return Err(Problem::forbidden(
            "without keys this service answers this machine and its own page only; make a key with `rapport key create`",
        ));
    }
    Ok(Caller { who: Who::Anyone, scopes: Scope::ALL.to_vec() })
}

/// A key that tokens cannot be checked with.
#[derive(Debug, thiserror::Error)]
#[error("[server.tokens] key {path}: {problem}")]
pub struct NotAKey {
    path: PathBuf,
    problem: String,
}

/// What the community's tokens are checked with.
struct Tokens {
    key: DecodingKey,
    validation: Validation,
}

#[derive(Deserialize)]
struct Claims {
    /// The member.
    sub: String,
    /// Scopes beyond what any member may, as of RFC 8693: names with spaces between them.
    #[serde(default)]
    scope: String,
}

impl Tokens {
    fn read(config: &TokensConfig) -> Result<Tokens, NotAKey> {
        let told = |problem: String| NotAKey { path: config.key.clone(), problem };
        let bytes = std::fs::read(&config.key).map_err(|error| told(error.to_string()))?;
        let wrong = |_| told(format!("is not a PEM public key for {:?}", config.algorithm));
        let (algorithm, key) = match config.algorithm {
            TokenAlgorithm::HS256 => {
                let secret = bytes.trim_ascii();
                if secret.len() < 32 {
                    let problem = format!("has {} bytes; expected a secret of 32 at least", secret.len());
                    return Err(told(problem));
                }
                (Algorithm::HS256, DecodingKey::from_secret(secret))
            }
            TokenAlgorithm::RS256 => (Algorithm::RS256, DecodingKey::from_rsa_pem(&bytes).map_err(wrong)?),
            TokenAlgorithm::ES256 => (Algorithm::ES256, DecodingKey::from_ec_pem(&bytes).map_err(wrong)?),
            TokenAlgorithm::EdDSA => (Algorithm::EdDSA, DecodingKey::from_ed_pem(&bytes).map_err(wrong)?),
        };
        let mut validation = Validation::new(algorithm);
        validation.validate_nbf = true;
        let mut required = vec!["exp", "sub"];
        if let Some(issuer) = &config.issuer {
            validation.set_issuer(&[issuer]);
            required.push("iss");
        }
        match &config.audience {
            Some(audience) => {
                validation.set_audience(&[audience]);
                required.push("aud");
            }
            None => validation.validate_aud = false,
        }
        validation.set_required_spec_claims(&required);
        Ok(Tokens { key, validation })
    }

    fn caller(&self, token: &str) -> Result<Caller, Problem> {
        let refused = |problem: String| Problem::new(Code::Unauthenticated, problem);
        let token = jsonwebtoken::decode::<Claims>(token, &self.key, &self.validation)
            .map_err(|error| refused(format!("the token is not good: {error}")))?;
        let Claims { sub, scope } = token.claims;
        let member = MemberId::new(sub).map_err(|error| refused(format!("the token's sub {}", error.problem)))?;
        let scopes = scope.split_ascii_whitespace().filter_map(Scope::named).collect();
        Ok(Caller { who: Who::Member(member), scopes })
    }
}
