//! A member's page: what they show, what the visitor has in common with them, and how to say hello.

use std::sync::Arc;

use axum::extract::{Path, State};
use maud::{Markup, html};

use super::find::why;
use super::visitor::Visitor;
use super::{Page, Shown, parts};
use crate::member::{Member, Role};
use crate::server::App;
use crate::server::api::members;

/// A member, as this visitor may see them.
pub async fn member(State(app): State<Arc<App>>, visitor: Visitor, Path(id): Path<String>) -> Shown {
    let caller = visitor.caller.clone();
    let axum::Json(record) = members::get(State(Arc::clone(&app)), caller, Path(id.clone())).await?;
    let own = visitor.caller.member().filter(|own| **own != record.id);
    let common = match own {
        // There are members without an index too, and mentees who are looked at.
        Some(own) if record.is(Role::Mentor) => why::pair(&app, &visitor, own.as_str(), &id).await.ok(),
        _ => None,
    };
    let main = html! {
        h1 dir="auto" { (record.name.as_deref().unwrap_or(record.id.as_str())) }
        @if let Some(headline) = &record.headline { p.headline dir="auto" { (headline) } }
        div.sides.wide {
            div { (parts::record(&record)) }
            div {
                @if let Some(common) = &common {
                    section aria-labelledby="common" {
                        h2 #common { "What you have in common" }
                        (why::told(common))
                    }
                    (ask(&app, &record))
                }
            }
        }
    };
    Ok(Page::new(record.name.clone().unwrap_or(id), "/", main).into())
}

/// The form by which a mentor is asked.
fn ask(app: &App, mentor: &Member) -> Markup {
    let guidelines = &app.community.config().programme.guidelines;
    let text = guidelines.of(Role::Mentee);
    html! {
        section aria-labelledby="ask" {
            h2 #ask { "Say hello" }
            details { summary { "How to go about it" } (parts::markdown(&text.markdown)) }
            form.narrow method="post" action="/introductions" {
                input type="hidden" name="mentor" value=(mentor.id);
                label for="note" { "A note to them" }
                textarea #note name="note" rows="4" maxlength="2000" dir="auto" {}
                button.main { "Ask for an introduction" }
            }
        }
    }
}
