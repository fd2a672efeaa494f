//! The web page: what the API says, as HTML for people.
//!
//! A page is made by calling the API's own handlers, so that nobody sees or does by it what they could not by the API.

mod ask;
mod assets;
mod find;
mod form;
mod introductions;
mod manage;
mod member;
mod named;
mod operate;
mod participation;
mod parts;
mod sign_in;
mod visitor;

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{DOCTYPE, Markup, html};

use super::App;
use super::admit::{in_turn, unhurried};
use super::api::members;
use super::problem::{Code, Problem};
use crate::store::Scope;
pub use find::suggestions::Suggestions;
use visitor::{Visitor, known, same_origin};

/// Nothing is loaded, sent or framed but from and to the service itself, and no script or style stands in a page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Every page, and what a request for one goes through.
pub fn router(app: &Arc<App>) -> Router<Arc<App>> {
    let turns = from_fn_with_state(Arc::clone(app), in_turn);
    let slow = manage::slow().merge(operate::slow()).layer(from_fn_with_state(Arc::clone(app), unhurried));
    Router::new()
        .route("/", get(find::find))
        .route("/members/{id}", get(member::member))
        .route("/why", get(find::why::why))
        .route("/names", get(members::named))
        .route("/introductions", get(introductions::list).post(introductions::ask))
        .route("/introductions/{id}", get(introductions::one).post(introductions::act))
        .route("/participation", get(participation::participation).post(participation::change))
        .route("/waitlist", post(participation::wait))
        .merge(manage::router())
        .merge(operate::router())
        .route("/sign-in", get(sign_in::form).post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/be", post(sign_in::be))
        .layer(turns)
        .merge(slow)
        .layer(from_fn_with_state(Arc::clone(app), known))
        .layer(from_fn(same_origin))
        .route("/assets/{name}", get(assets::get))
}

/// What stands on a page.
#[derive(Clone)]
struct Page {
    title: String,
    /// The path of the menu's entry that it belongs to.
    at: &'static str,
    main: Markup,
    status: StatusCode,
}

impl Page {
    /// A page of this title, under the menu's entry of this path.
    fn new(title: impl Into<String>, at: &'static str, main: Markup) -> Page {
        Page { title: title.into(), at, main, status: StatusCode::OK }
    }

    /// The whole document, as this visitor gets it.
    fn for_visitor(self, visitor: Option<&Visitor>) -> Response {
        let markup = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (self.title) " · rapport" }
                    link rel="icon" href=(assets::ICON);
                    link rel="stylesheet" href=(assets::style());
                    script type="module" src=(assets::script()) {}
                }
                body {
                    a.skip href="#main" { "Skip to the content" }
                    header.top {
                        a.brand href="/" { "rapport" }
                        @if let Some(visitor) = visitor { (menu(visitor, self.at)) }
                    }
                    main #main tabindex="-1" { (self.main) }
                    footer { p { "A score is a way to sort people, not a measurement of how well two people will get on." } }
                }
            }
        };
        let mut response = (self.status, Html(markup.into_string())).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        // A form says where it comes from only where its page may tell that to its own host.
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        headers.insert(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));
        response
    }
}

/// The menu: what this visitor may open, and who they are.
fn menu(visitor: &Visitor, at: &str) -> Markup {
    let is_member = visitor.caller.member().is_some();
    let may = |scope| visitor.caller.has(scope);
    let entries = [
        ("/", "Find a mentor", is_member || may(Scope::Search)),
        ("/introductions", "Introductions", is_member),
        ("/participation", "Taking part", is_member),
        ("/manage", "Programme", may(Scope::Admin)),
        ("/operate", "Service", may(Scope::Admin)),
    ];
    html! {
        nav aria-label="Pages" {
            ul {
                @for (path, name, shown) in entries {
                    @if shown { li { a href=(path) aria-current=[(path == at).then_some("page")] { (name) } } }
                }
            }
        }
        div.who {
            span.name dir="auto" { (visitor.name) }
            @if visitor.signed_in {
                form method="post" action="/sign-out" { button.quiet { "Sign out" } }
            } @else {
                a href="/sign-in" { "Be somebody" }
            }
        }
    }
}

/// What a page's handler gives: a page, or where to go on.
type Shown = Result<Answer, Wrong>;

/// What comes of a request: it is laid out once the handler is done, for whoever looks.
enum Answer {
    Page(Page),
    GoTo(String),
}

impl Answer {
    /// Goes on at another page of the service, as after a form was sent.
    fn go_to(path: impl Into<String>) -> Answer {
        Answer::GoTo(path.into())
    }
}

impl From<Page> for Answer {
    fn from(page: Page) -> Answer {
        Answer::Page(page)
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        match self {
            Answer::Page(page) => axum::Extension(page).into_response(),
            Answer::GoTo(path) => Redirect::to(&path).into_response(),
        }
    }
}

/// Why a page cannot be shown, or a form was not taken.
pub struct Wrong(Problem);

impl<E: Into<Problem>> From<E> for Wrong {
    fn from(error: E) -> Wrong {
        Wrong(error.into())
    }
}

impl IntoResponse for Wrong {
    fn into_response(self) -> Response {
        let mut response = Response::default();
        self.0.note(&mut response);
        response.extensions_mut().insert(wrong(self.0));
        response
    }
}

/// The page of a problem.
fn wrong(problem: Problem) -> Page {
    let code = problem.code();
    let (field, detail) = problem.told();
    let title = match code {
        Code::NotFound | Code::NotAvailable => "Not to be found",
        Code::Forbidden => "Not yours to open",
        Code::NoIndex => "Nobody can be found yet",
        Code::Internal => "Something went wrong",
        Code::Rate | Code::Busy | Code::Deadline => "Too busy at the moment",
        _ => "That did not work",
    };
    // What broke off may have been done in part.
    let done = match code {
        Code::Internal | Code::Deadline => "Look how things stand before you try again: go back, or ",
        _ => "Nothing was changed. Go back to correct it, or ",
    };
    let main = html! {
        h1 { (title) }
        p role="alert" { @if let Some(field) = field { strong { (field) } ": " } (detail) "." }
        p { (done) a href="/" { "start again" } "." }
    };
    Page { status: code.status(), ..Page::new(title, "", main) }
}

/// Has what a handler gave laid out for its visitor.
fn lay_out(mut response: Response, visitor: Option<&Visitor>) -> Response {
    let page = response.extensions_mut().remove::<Page>();
    // What refuses a request before its handler does so in the API's way.
    let told = |code: &Code| match code {
        Code::TooLarge => "That is more than is taken at once",
        _ => "Try again in a moment",
    };
    let refused = response.extensions().get::<Code>().map(|code| wrong(Problem::new(*code, told(code))));
    let Some(page) = page.or(refused) else { return response };
    let mut laid_out = page.for_visitor(visitor);
    if let Some(seconds) = response.headers_mut().remove(header::RETRY_AFTER) {
        laid_out.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    *laid_out.extensions_mut() = std::mem::take(response.extensions_mut());
    laid_out
}

/// Nothing is at this path.
pub async fn nothing(headers: HeaderMap) -> Response {
    let accepts = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    if !accepts.is_some_and(|accept| accept.contains("text/html")) {
        return Problem::new(Code::NotFound, "there is nothing at this path; /docs lists what there is")
            .into_response();
    }
    let nothing = Wrong(Problem::new(Code::NotFound, "There is nothing at this address"));
    lay_out(nothing.into_response(), None)
}
