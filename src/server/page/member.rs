//! A member's page: what they show, what the visitor has in common with them, and how to say hello.

use std::sync::Arc;

use axum::extract::{Path, State};
use maud::html;

use super::find::why;
use super::visitor::Visitor;
use super::{Page, Shown, ask, introductions, parts};
use crate::member::Role;
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
    let asks = match own {
        Some(own) if record.is(Role::Mentor) => {
            let caller = visitor.caller.clone();
            let axum::Json(own) = members::get(State(Arc::clone(&app)), caller, Path(own.to_string())).await?;
            let asked = introductions::open(&app, &visitor, &own.id, &record.id).await?;
            Some((own, asked))
        }
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
                }
                @match &asks {
                    Some((_, Some(asked))) => p.notice { "You asked them: " a href={ "/introductions/" (asked) } { "see how it stands" } "." },
                    Some((own, None)) => section aria-labelledby="ask" {
                        h2 #ask { "Say hello" }
                        (ask::form(&app, record.id.as_str(), own))
                    },
                    None => {}
                }
            }
        }
    };
    Ok(Page::new(record.name.clone().unwrap_or(id), "/", main).into())
}
