//! Looking after the service: what it serves, rebuilding, going back, reading the configuration again.

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use maud::{Markup, html};

use super::form::Form;
use super::manage::count;
use super::visitor::Visitor;
use super::{Answer, Page, Shown, Wrong, parts};
use crate::community::{CommunityError, LastRebuild, Night, RebuildOptions};
use crate::config::Config;
use crate::index::IndexError;
use crate::index::publish::{Kept, Standing, list};
use crate::rebuild::Progress;
use crate::server::App;
use crate::server::api::{operate, to_the_end};
use crate::server::json::{OptionalJson, Pairs};
use crate::server::problem::{Code, Problem};
use crate::store::Scope;

/// What is answered within the deadline.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/operate", get(look))
        .route("/operate/progress", get(progress))
        .route("/operate/rebuild", post(rebuild))
        .route("/operate/reload", post(reload))
}

/// What takes as long as it takes.
pub fn slow() -> Router<Arc<App>> {
    Router::new().route("/operate/rollback", post(rollback))
}

/// How the service is.
async fn look(State(app): State<Arc<App>>, visitor: Visitor, RawQuery(query): RawQuery) -> Shown {
    let caller = &visitor.caller;
    let axum::Json(status) = operate::status(State(Arc::clone(&app)), caller.clone()).await?;
    let axum::Json(night) = operate::night(State(Arc::clone(&app)), caller.clone()).await?;
    let ready = operate::readyz(State(Arc::clone(&app))).await.err().map(|problem| problem.told().1);
    let (config, reading) = (app.community.config(), app.community.config());
    let kept = tokio::task::spawn_blocking(move || list(&reading.index)).await;
    let kept = kept.map_err(|error| Problem::internal(&error))?.map_err(|error| Problem::internal(&error))?;
    let done = Pairs::of(query.as_deref()).one("done")?;
    let main = html! {
        h1 { "Service" }
        @match done.as_deref() {
            Some("rollback") => p.notice role="status" { "The generation is served again, with every change since. The next rebuild publishes a new one over it: mend what was wrong before." },
            Some("reload") => p.notice role="status" { "The configuration was read again, and holds from now on." },
            _ => {}
        }
        section aria-labelledby="served" {
            h2 #served { "What is served" }
            @match &ready {
                None => p { span.status.open { "Ready" } " Searches are answered." },
                Some(why) => p.warning { span.status { "Not ready" } " " (why) "." },
            }
            (served(&status))
            p { "For programs: " a href="/docs" { "the API" } ", " a href="/metrics" { "counts and times" } "." }
        }
        (rebuilding(&night, &config))
        section aria-labelledby="generations" {
            h2 #generations { "Generations" }
            (generations(&kept, night.progress.is_some()))
        }
        section aria-labelledby="configuration" {
            h2 #configuration { "Configuration" }
            p { "rapport.toml, the guidelines and paths that it names, the tokens' key and the certificate are read again; searches go on meanwhile. Where something in them is wrong, all stays as it is." }
            (parts::act("/operate/reload", &[], "Read it again", ""))
        }
    };
    Ok(Page::new("Service", "/operate", main).into())
}

fn served(status: &operate::Status) -> Markup {
    let none = || "none".to_owned();
    let rows = [
        ("State", status.state.clone().unwrap_or_else(none)),
        ("Generation", status.generation.clone().unwrap_or_else(none)),
        ("Built", status.built.clone().unwrap_or_else(none)),
        ("Model", status.model.clone().unwrap_or_else(none)),
        ("Members stored", count(status.members)),
        ("Mentors findable in it", status.findable.map_or_else(none, count)),
        ("Changes since", status.changes.map_or_else(none, count)),
        ("Requests at work", count(status.requests)),
        ("Version", status.version.to_owned()),
    ];
    html! { dl { @for (name, value) in rows { dt { (name) } dd { (value) } } } }
}

/// The steps of a rebuild, by their names in what is told of them.
const STEPS: [(&str, &str); 6] = [
    ("waiting", "Waiting for the folder"),
    ("embedding", "Reading members, and embedding what is new"),
    ("building", "Writing files and graphs"),
    ("auditing", "Auditing: do searches find what is there?"),
    ("comparing", "Comparing matches on the judged queries"),
    ("publishing", "Publishing"),
];

/// The step, and how far it is where that is known.
fn step(progress: Progress) -> (&'static str, Option<(u64, u64)>) {
    match progress {
        Progress::Waiting => ("waiting", None),
        Progress::Embedding { done, members, .. } => ("embedding", Some((done, members))),
        Progress::Building => ("building", None),
        Progress::Auditing => ("auditing", None),
        Progress::Comparing => ("comparing", None),
        Progress::Loading => ("loading into the vector engine", None),
        Progress::Publishing => ("publishing", None),
    }
}

fn rebuilding(night: &Night, config: &Config) -> Markup {
    let compares = config.rebuild.quality.is_some();
    let steps = STEPS.iter().filter(|(name, _)| compares || *name != "comparing");
    html! {
        section #rebuild aria-labelledby="rebuilding" {
            h2 #rebuilding { "Rebuild" }
            @match night.progress.map(step) {
                Some((now, far)) => div data-rebuild="/operate/progress" {
                    p role="status" { "A rebuild is under way; searches and changes go on meanwhile." }
                    ol.steps {
                        @for (name, said) in steps { li data-step=(name) aria-current=[(*name == now).then_some("step")] { (said) } }
                    }
                    @match far {
                        Some((done, members)) => progress aria-label="Members read" value=(done) max=(members.max(1)) {},
                        None => progress aria-label="Members read" {},
                    }
                    p { a href="/operate#rebuild" { "Look again" } }
                },
                None => {
                    p { "A new generation is built of every member, audited, and served in the place of this one. Searches go on meanwhile." }
                    @if let Some(last) = &night.last { (ended(last)) }
                    form method="post" action="/operate/rebuild" {
                        label.check { input type="checkbox" name="full" value="yes"; " Everything anew, even if nothing changed" }
                        label.check { input type="checkbox" name="accept_loss" value="yes"; " However many members are gone" }
                        button.main { "Rebuild" }
                    }
                }
            }
        }
    }
}

fn ended(last: &LastRebuild) -> Markup {
    html! {
        @match (&last.problem, last.published) {
            (Some(problem), _) => p role="alert" { "The last one (" (last.at) ") published nothing: " (problem) "." },
            (None, true) => p.notice role="status" { "The last one ended at " (last.at) " and published " (last.generation.as_deref().unwrap_or("a generation")) "." },
            (None, false) => p.notice role="status" { "The last one ended at " (last.at) ": the generation held every change already." },
        }
    }
}

fn generations(kept: &[Kept], building: bool) -> Markup {
    let standing = |kept: &Kept| match kept.standing {
        Standing::Current => "served",
        Standing::Kept => "kept",
        Standing::Staged => "not published",
    };
    html! {
        @if kept.is_empty() {
            p.hint { "None yet: it comes with the first rebuild." }
        } @else {
            div.scroll tabindex="0" role="region" aria-label="Table of generations" {
                table {
                    thead { tr { th scope="col" { "Name" } th scope="col" { "Built" } th.number scope="col" { "Members" } th.number scope="col" { "Size" } th scope="col" { "Is" } th scope="col" { "Go back" } } }
                    tbody {
                        @for one in kept.iter().rev() {
                            tr {
                                th scope="row" { (one.name) }
                                @match &one.manifest {
                                    Ok(manifest) => { td.when { (manifest.created) } td.number { (count(manifest.counts.members)) } }
                                    Err(problem) if one.standing != Standing::Staged => { td { "damaged: " (problem) } td {} }
                                    Err(_) => { td { "unfinished" } td {} }
                                }
                                td.number { (size(one.bytes)) }
                                td { span.status.open[one.standing == Standing::Current] { (standing(one)) } }
                                td { @if one.standing == Standing::Kept && one.manifest.is_ok() && !building { (go_back(&one.name)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Going back, which takes a second thought.
fn go_back(name: &str) -> Markup {
    html! {
        details {
            summary { "Go back to " (name) }
            form.act method="post" action="/operate/rollback" {
                p { "Searches are then answered from " (name) ", with every change since." }
                input type="hidden" name="generation" value=(name);
                button.grave { "Yes, serve " (name) }
            }
        }
    }
}

/// Bytes as people read them.
fn size(bytes: u64) -> String {
    let mut scaled = bytes as f64;
    for unit in ["B", "KiB", "MiB"] {
        if scaled < 1024.0 {
            return format!("{scaled:.0} {unit}");
        }
        scaled /= 1024.0;
    }
    format!("{scaled:.1} GiB")
}

/// What the API tells of a rebuild, for the page's own script.
async fn progress(State(app): State<Arc<App>>, visitor: Visitor) -> Result<Response, Wrong> {
    Ok(operate::events(State(app), visitor.caller).await?.into_response())
}

/// Begins a rebuild.
async fn rebuild(State(app): State<Arc<App>>, visitor: Visitor, mut form: Form) -> Shown {
    let options = RebuildOptions { full: form.one("full")?.is_some(), accept_loss: form.one("accept_loss")?.is_some() };
    let _ = operate::rebuild(State(app), visitor.caller, OptionalJson(Some(options))).await?;
    Ok(Answer::go_to("/operate#rebuild"))
}

/// Serves an older generation.
async fn rollback(State(app): State<Arc<App>>, visitor: Visitor, mut form: Form) -> Shown {
    visitor.caller.needs(Scope::Admin)?;
    let missing = || Problem::invalid("generation", "is missing; expected one that is kept");
    let generation = form.one("generation")?.ok_or_else(missing)?;
    if app.community.is_building() {
        return Err(
            Problem::new(Code::Conflict, "A rebuild or an erasure is under way; go back when it is done").into()
        );
    }
    let rolled_back = async move {
        app.community.rollback(Some(&generation)).await.map_err(|error| match error {
            CommunityError::Index(error @ IndexError::NotKept { .. }) => {
                Problem::invalid("generation", error.to_string())
            }
            other => other.into(),
        })
    };
    to_the_end(rolled_back).await?;
    Ok(Answer::go_to("/operate?done=rollback#generations"))
}

/// Reads the configuration again.
async fn reload(State(app): State<Arc<App>>, visitor: Visitor) -> Shown {
    let _ = operate::reload(State(app), visitor.caller).await?;
    Ok(Answer::go_to("/operate?done=reload#configuration"))
}
