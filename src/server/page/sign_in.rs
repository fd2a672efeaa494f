//! Signing in with the community's token or an API key; on a service without either, choosing whom to be.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use maud::html;

use super::form::Form;
use super::visitor::{BEARER, MEMBER};
use super::{Answer, Page, Shown, Wrong};
use crate::member::{Member, MemberId, Role};
use crate::server::App;
use crate::server::problem::{Code, Problem};

/// Members to choose from.
const SHOWN: u32 = 60;

/// How to sign in.
pub async fn form(State(app): State<Arc<App>>) -> Shown {
    if app.access().is_open(&app.community) {
        return choose(&app).await;
    }
    let main = html! {
        h1 { "Sign in" }
        p { "Your community gives you a link or a token. A programme manager signs in with an API key." }
        form.narrow method="post" action="/sign-in" {
            label for="bearer" { "Token or API key" }
            input #bearer name="bearer" type="password" autocomplete="off" required data-from-fragment="token";
            button { "Sign in" }
        }
    };
    Ok(Page::new("Sign in", "", main).into())
}

/// Whom to be, where whoever reaches the service may be anybody.
async fn choose(app: &App) -> Shown {
    let members = app.community.store().page(None, SHOWN).await.map_err(|error| Problem::internal(&error))?;
    let absent = app.community.config().members.adult_when_absent;
    let (mentees, mentors): (Vec<&Member>, Vec<&Member>) =
        members.iter().filter(|member| member.adult.unwrap_or(absent)).partition(|member| member.is(Role::Mentee));
    let list = |title: &str, members: &[&Member]| {
        html! {
            section {
                h2 { (title) }
                ul.choices {
                    @for member in members {
                        li {
                            form method="post" action="/be" {
                                input type="hidden" name="member" value=(member.id);
                                button.choice {
                                    strong dir="auto" { (member.name.as_deref().unwrap_or(member.id.as_str())) }
                                    @if let Some(headline) = &member.headline { span dir="auto" { (headline) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    };
    let main = html! {
        h1 { "Be somebody" }
        p {
            "This service has no keys and answers this machine only, so you may be any member, or "
            a href="/manage" { "run the programme" } " as nobody in particular."
        }
        form.narrow method="post" action="/be" {
            label for="member" { "A member's id" }
            input #member name="member" required autocomplete="off";
            button { "Be them" }
        }
        div.columns {
            (list("Who look for a mentor", &mentees))
            (list("Who only mentor", &mentors))
        }
    };
    Ok(Page::new("Be somebody", "", main).into())
}

/// Takes a token or a key.
pub async fn sign_in(State(app): State<Arc<App>>, mut form: Form) -> Result<Response, Wrong> {
    let bearer = form.one("bearer")?.unwrap_or_default().trim().to_owned();
    app.access().bearer(&app.community, &bearer)?;
    Ok(remember(&app, BEARER, &bearer))
}

/// Takes on a member's part, where whoever reaches the service may.
pub async fn be(State(app): State<Arc<App>>, mut form: Form) -> Result<Response, Wrong> {
    if !app.access().is_open(&app.community) {
        return Err(Problem::forbidden("a member signs in with a token of the community's").into());
    }
    let id = MemberId::new(form.one("member")?.unwrap_or_default().trim())?;
    if app.community.record(&id).await?.is_none() {
        return Err(Problem::new(Code::NotFound, format!("There is no member {id}")).into());
    }
    Ok(remember(&app, MEMBER, id.as_str()))
}

/// Forgets who it was.
pub async fn sign_out() -> Response {
    let mut response = Answer::go_to("/").into_response();
    for name in [BEARER, MEMBER] {
        let gone = format!("{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
        if let Ok(gone) = HeaderValue::from_str(&gone) {
            response.headers_mut().append(header::SET_COOKIE, gone);
        }
    }
    response
}

/// Goes on with a cookie, until the browser is closed. No script reads it, and no other site's form sends it.
fn remember(app: &App, name: &str, value: &str) -> Response {
    let value: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
    let secure = if app.tls.is_some() { "; Secure" } else { "" };
    let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}");
    let mut response = Answer::go_to("/").into_response();
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}
