//! The rules that members are held to: the guidelines and the weights, which are tried, looked at, and saved. The configuration
//! file stays the one source.

pub mod guidelines;
pub mod weights;

use std::path::Path;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use maud::{Markup, html};

use super::page;
use crate::config::Config;
use crate::search::weights::Weights;
use crate::server::App;
use crate::server::json::Pairs;
use crate::server::page::form::stated;
use crate::server::page::visitor::Visitor;
use crate::server::page::{Page, Shown};
use crate::server::problem::{Code, Problem};
use crate::server::rules::NotSaved;
use crate::store::Scope;

/// The rules, and what other weights would change.
pub async fn rules(State(app): State<Arc<App>>, visitor: Visitor, RawQuery(query): RawQuery) -> Shown {
    visitor.caller.needs(Scope::Admin)?;
    let mut pairs = Pairs::of(query.as_deref());
    let saved = match stated(&mut pairs, "saved")?.as_deref() {
        Some("weights") => Some("The weights are saved, and hold from the next search on."),
        Some("mentor") => Some("The guidelines for mentors are saved, and hold from now on."),
        Some("mentee") => Some("The guidelines for mentees are saved, and hold from now on."),
        _ => None,
    };
    let proposed = weights::proposed(&app.community.config().weights, |name| stated(&mut pairs, name))?;
    let told = saved.map(|saved| html! { p.notice role="status" { (saved) } });
    Ok(show(&app, &visitor, proposed, told).await?.into())
}

/// The page, with what is to be told first.
async fn show(app: &App, visitor: &Visitor, proposed: Option<Weights>, told: Option<Markup>) -> Result<Page, Problem> {
    let config = app.community.config();
    let change = match &proposed {
        Some(proposed) => {
            visitor.caller.needs(Scope::Search)?;
            Some(weights::change(app, &config, proposed).await?)
        }
        None => None,
    };
    let main = html! {
        @if let Some(told) = told { (told) }
        section aria-labelledby="guidelines" {
            h2 #guidelines { "Guidelines" }
            p { "A mentor accepts theirs before their first introduction; mentees read theirs beside each request." }
            (guidelines::both(&config))
        }
        section aria-labelledby="weights" {
            h2 #weights { "Weights" }
            p { "How much each thing that two people have in common counts in a match. Try others: ten searches show what would change before anything is saved." }
            (weights::form(&config.weights, proposed.as_ref()))
        }
        @if let Some(change) = change { (change) }
    };
    Ok(page("Rules", "/manage/rules", &main))
}

/// Why nothing was saved, for a page that keeps what was to be.
fn refused(error: &NotSaved) -> Markup {
    html! { p role="alert" { strong { "Nothing was saved: " } (why(error)) } }
}

/// A reason, and what to do.
fn why(error: &NotSaved) -> Markup {
    html! {
        (error) ". "
        @match error {
            NotSaved::NoFile => "Where it is started with one (--config), that can be changed here.",
            NotSaved::Stated(_) => "Change it there, or take it away there and start the service again.",
            NotSaved::File { .. } => "Nothing can be saved from here before the service may write it.",
            NotSaved::Unread(_) => { "Have it " a href="/operate#configuration" { "read again" } " first, so that nothing is lost." },
            NotSaved::Overtaken => "What you wrote is kept below: look at it again beside what holds now.",
            NotSaved::Shared(_) => "Until then it is changed by hand.",
            NotSaved::Config(_) | NotSaved::Reload(_) => "Everything is as it was.",
            NotSaved::NotPutBack { .. } => "Look at the file before the service is started again.",
        }
    }
}

/// A page that tells why nothing was saved.
fn with_status(page: Page, error: &NotSaved) -> Page {
    tracing::warn!(%error, "rules were not saved");
    let code = if matches!(error, NotSaved::NotPutBack { .. }) { Code::Internal } else { Code::Conflict };
    Page { status: code.status(), ..page }
}

/// The name of a file, which is enough where its folder is known.
fn name(file: &Path) -> String {
    file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned()
}

/// What to do by hand with lines for the configuration file.
fn by_hand(config: &Config, lines: &str, label: &str) -> Markup {
    html! {
        @match config.origin.file.as_deref().map(name) {
            Some(file) => p { "By hand: put this into " code { (file) } ", and have it read again under " a href="/operate#configuration" { "Service" } "." },
            None => p { "By hand: put this into a configuration file, and start the service with it." },
        }
        pre tabindex="0" role="region" aria-label=(label) { (lines) }
    }
}
