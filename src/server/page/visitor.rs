//! Who looks at a page, by the cookie that they got when they signed in.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::{Wrong, lay_out};
use crate::member::MemberId;
use crate::server::App;
use crate::server::access::{Caller, CallerName, of_this_machine};
use crate::server::problem::{Code, Problem};

/// The key or token that somebody signed in with.
pub const BEARER: &str = "rapport_bearer";

/// Whom somebody chose to be, where whoever reaches the service may be anybody.
pub const MEMBER: &str = "rapport_member";

/// Who looks at a page.
#[derive(Clone)]
pub struct Visitor {
    /// What they may.
    pub caller: Caller,
    /// What they are called.
    pub name: String,
    /// Whether a cookie says who they are, so that they can sign out.
    pub signed_in: bool,
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Wrong;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Visitor, Wrong> {
        let unauthenticated = || Problem::new(Code::Unauthenticated, "nobody is signed in").into();
        parts.extensions.get::<Visitor>().cloned().ok_or_else(unauthenticated)
    }
}

/// Who looks, and whether they signed in; nobody where they have to sign in first.
fn of(app: &App, uri: &Uri, headers: &HeaderMap) -> Result<Option<(Caller, bool)>, Problem> {
    let access = app.access();
    if access.is_open(&app.community) {
        let caller = of_this_machine(uri, headers)?;
        match cookie(headers, MEMBER).and_then(|id| MemberId::new(id).ok()) {
            Some(member) => Ok(Some((Caller::of(member), true))),
            None => Ok(Some((caller, false))),
        }
    } else {
        // One that ended, or was revoked, is none.
        let bearer = cookie(headers, BEARER);
        Ok(bearer.and_then(|bearer| access.bearer(&app.community, &bearer).ok()).map(|caller| (caller, true)))
    }
}

/// The same, with what they are called.
async fn named(app: &App, caller: Caller, signed_in: bool) -> Result<Visitor, Problem> {
    let name = match caller.member() {
        None if signed_in => "Manager".into(),
        None => "Nobody in particular".into(),
        Some(member) => {
            let record = app.community.record(member).await?;
            record.and_then(|record| record.name).unwrap_or_else(|| member.to_string())
        }
    };
    Ok(Visitor { caller, name, signed_in })
}

/// Lets pass who is known, and lays the page out for them; others sign in first.
pub async fn known(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let (caller, signed_in) = match of(&app, request.uri(), request.headers()) {
        Ok(Some(visitor)) => visitor,
        Ok(None) if request.uri().path() == "/sign-in" => return lay_out(next.run(request).await, None),
        Ok(None) => return Redirect::to("/sign-in").into_response(),
        Err(problem) => return lay_out(Wrong(problem).into_response(), None),
    };
    let name = CallerName(caller.name());
    let visitor = match app.access().take_turn(&caller) {
        Ok(()) => named(&app, caller, signed_in).await,
        Err(problem) => Err(problem),
    };
    let (mut response, visitor) = match visitor {
        Ok(visitor) => {
            request.extensions_mut().insert(visitor.caller.clone());
            request.extensions_mut().insert(visitor.clone());
            (next.run(request).await, Some(visitor))
        }
        Err(problem) => (Wrong(problem).into_response(), None),
    };
    response.extensions_mut().insert(name);
    lay_out(response, visitor.as_ref())
}

/// Refuses what the page of another site sends: forms and scripts say where they come from.
pub async fn same_origin(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let sent = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let own = match (sent("sec-fetch-site"), sent("origin")) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => {
            // HTTP/2 names the host in the URI.
            let asked = sent("host").or_else(|| request.uri().authority().map(|authority| authority.as_str()));
            origin.split_once("://").is_some_and(|(_, host)| asked == Some(host))
        }
        (None, None) => false,
    };
    if own || matches!(*request.method(), Method::GET | Method::HEAD) {
        return next.run(request).await;
    }
    let problem = Problem::forbidden("this was not sent by a page of this service; open it here and try again");
    lay_out(Wrong(problem).into_response(), None)
}

/// The value of a cookie.
fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let sent = headers.get_all(header::COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    let mut pairs = sent.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(key, value)| *key == name && !value.is_empty())?;
    // As of a form: a member's id may have any character.
    form_urlencoded::parse(format!("v={value}").as_bytes()).next().map(|(_, value)| value.into_owned())
}
