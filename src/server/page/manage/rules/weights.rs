//! Weights: tried on ten searches, and saved once it was seen what they change.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use maud::{Markup, html};

use super::super::{names, person};
use super::{by_hand, name, refused, show, why, with_status};
use crate::config::Config;
use crate::member::MemberId;
use crate::search::weights::{Feature, Weights};
use crate::search::{HitMember, SearchRequest};
use crate::server::App;
use crate::server::api::to_the_end;
use crate::server::page::form::Form;
use crate::server::page::visitor::Visitor;
use crate::server::page::{Answer, Shown, parts};
use crate::server::problem::Problem;
use crate::server::rules::{NotSaved, weights_place};
use crate::store::Scope;

/// Members by whom other weights are tried.
const TRIED: usize = 10;

/// Hits that are compared.
const COMPARED: usize = 5;

/// The weights that fields state, laid over those in force; none where no field states any.
pub fn proposed(
    now: &Weights,
    mut field: impl FnMut(&str) -> Result<Option<String>, Problem>,
) -> Result<Option<Weights>, Problem> {
    let mut proposed = None;
    for feature in Feature::ALL {
        if let Some(stated) = field(feature.name())? {
            let weight = stated.trim().replace(',', ".").parse();
            let weight = weight.map_err(|_| Problem::invalid(feature.name(), format!("{stated:?} is not a number")))?;
            proposed = Some(proposed.unwrap_or_else(|| now.clone()).with(*feature, weight));
        }
    }
    if let Some(proposed) = &proposed {
        proposed.check().map_err(|problem| Problem::invalid("", problem))?;
    }
    Ok(proposed)
}

/// Saves weights that were tried.
pub async fn save(State(app): State<Arc<App>>, visitor: Visitor, mut form: Form) -> Shown {
    visitor.caller.needs(Scope::Admin)?;
    // Whoever saves them saw what they change.
    visitor.caller.needs(Scope::Search)?;
    let missing = |field: &str, expected: &str| Problem::invalid(field, format!("is missing; expected {expected}"));
    let made_from = form.one("made_from")?;
    let made_from = made_from.ok_or_else(|| missing("made_from", "the version that the weights were made from"))?;
    let weights = proposed(&app.community.config().weights, |name| form.one(name))?;
    let weights = weights.ok_or_else(|| missing("profession", "a weight"))?;
    let (saving, by, tried) = (Arc::clone(&app), visitor.caller.name(), weights.clone());
    let saved = to_the_end(async move { Ok(saving.save_weights(&weights, &made_from, &by).await) }).await?;
    match saved {
        Ok(()) => Ok(Answer::go_to("/manage/rules?saved=weights")),
        Err(error) => Ok(with_status(show(&app, &visitor, Some(tried), Some(refused(&error))).await?, &error).into()),
    }
}

/// The fields.
pub fn form(now: &Weights, proposed: Option<&Weights>) -> Markup {
    html! {
        form method="get" action="/manage/rules#preview" {
            div.weights { @for feature in Feature::ALL { (field(*feature, now, proposed.unwrap_or(now))) } }
            p.row {
                button.main { "Preview" }
                a.button.quiet href="/manage/rules#weights" { "As they are" }
            }
        }
    }
}

fn field(feature: Feature, now: &Weights, proposed: &Weights) -> Markup {
    let id = feature.name();
    let (before, after) = (now.of(feature), proposed.of(feature));
    html! {
        div.field {
            label for=(id) { (parts::said(feature)) }
            input #(id) name=(id) type="number" inputmode="decimal" min="0" max="1000" step="any" value=(after)
                aria-describedby=[(before != after).then(|| format!("{id}-hint"))];
            @if before != after { p.hint #{ (id) "-hint" } { "Is " (before) } }
        }
    }
}

/// What other weights would change, and the way to have them hold.
pub async fn change(app: &App, config: &Config, proposed: &Weights) -> Result<Markup, Problem> {
    let preview = if *proposed == config.weights { None } else { Some(preview(app, proposed).await?) };
    Ok(html! {
        section #preview aria-labelledby="changes" {
            h2 #changes { "What would change" }
            @match &preview {
                None => p.notice { "These are the weights as they are." },
                Some(preview) => { (preview) (to_hold(config, proposed)) }
            }
        }
    })
}

/// The form that saves them, or why they cannot be saved.
fn to_hold(config: &Config, proposed: &Weights) -> Markup {
    let now = &config.weights;
    let changed = Feature::ALL.iter().filter(|of| now.of(**of) != proposed.of(**of));
    let depends = config.programme.good_match.all().into_iter().any(|(_, threshold)| threshold.is_some());
    html! {
        section.card aria-labelledby="to-hold" {
            h3 #to-hold { "To make them hold" }
            ul.changed {
                @for feature in changed {
                    li { span.feature { (parts::said(*feature)) } ": " span.figure { (now.of(*feature)) } " → " span.figure { (proposed.of(*feature)) } }
                }
            }
            @match weights_place(config) {
                Ok(file) => {
                    p { "They are written into [weights] of " code { (name(&file)) } ", where everything else stays as it is, and hold from the next search on. No rebuild is needed; answers that were given stay given." }
                    @if depends {
                        p.warning { "From which match on a mentor is a good one ([programme.good_match]) was chosen for the weights as they are: look whether it still fits." }
                    }
                    form method="post" action="/manage/rules/weights" {
                        input type="hidden" name="made_from" value=(config.origin.version);
                        @for feature in Feature::ALL { input type="hidden" name=(feature.name()) value=(proposed.of(*feature)); }
                        button.main { "Save these weights" }
                    }
                }
                Err(error) => {
                    p.warning { strong { "They cannot be saved from here: " } (why(&error)) }
                    @if !matches!(error, NotSaved::Unread(_)) { (by_hand(config, &toml(proposed), "Weights as TOML")) }
                }
            }
        }
    }
}

/// The weights for the configuration.
fn toml(weights: &Weights) -> String {
    let lines: String = Feature::ALL.iter().map(|of| format!("{} = {:?}\n", of.name(), weights.of(*of))).collect();
    format!("[weights]\n{lines}")
}

/// Who is found for a member, as things are and as proposed.
struct Tried {
    mentee: String,
    before: Vec<HitMember>,
    after: Vec<HitMember>,
}

/// The searches of ten members, taken evenly from the mentees.
async fn tried(app: &App, proposed: &Weights) -> Result<Vec<Tried>, Problem> {
    let searcher = app.community.searcher()?;
    let mut mentees: Vec<&str> =
        searcher.outlines().filter(|of| of.mentee && of.adult && !of.paused).map(|of| of.id).collect();
    mentees.sort_unstable();
    let taken = TRIED.min(mentees.len());
    let weights: BTreeMap<Feature, f32> =
        Feature::ALL.iter().map(|feature| (*feature, proposed.of(*feature))).collect();
    let mut tried = Vec::with_capacity(taken);
    for at in 0..taken {
        let mentee = mentees[at * mentees.len() / taken];
        let mut found = Vec::with_capacity(2);
        for weights in [BTreeMap::new(), weights.clone()] {
            let request = SearchRequest {
                member: Some(MemberId::new(mentee)?),
                k: Some(COMPARED),
                explain: Some(false),
                weights,
                ..SearchRequest::default()
            };
            // Tried, not asked: nobody counts as shown by it.
            let answer = app.community.search(request).await?;
            found.push(answer.hits.into_iter().map(|hit| hit.member).collect());
        }
        let (after, before) = (found.pop().unwrap_or_default(), found.pop().unwrap_or_default());
        tried.push(Tried { mentee: mentee.to_owned(), before, after });
    }
    Ok(tried)
}

/// Before and after, side by side.
async fn preview(app: &App, proposed: &Weights) -> Result<Markup, Problem> {
    let tried = tried(app, proposed).await?;
    let ids: Vec<&str> = tried.iter().map(|tried| tried.mentee.as_str()).collect();
    let names = names(app.community.store(), &ids).await?;
    let is_in = |hits: &[HitMember], id: &str| hits.iter().position(|hit| hit.id == id);
    let new = |tried: &Tried| tried.after.iter().filter(|hit| is_in(&tried.before, &hit.id).is_none()).count();
    let (places, changed): (usize, usize) =
        (tried.iter().map(|tried| tried.after.len()).sum(), tried.iter().map(new).sum());
    let alike = tried.iter().filter(|tried| tried.before == tried.after).count();
    Ok(html! {
        p.notice role="status" {
            (changed) " of the " (places) " first places of " (tried.len()) " searches would go to somebody else; "
            (alike) @if alike == 1 { " search stays" } @else { " searches stay" } " just as before."
        }
        div.scroll tabindex="0" role="region" aria-label="Table of changes" {
            table.compared {
                thead { tr { th scope="col" { "For" } th scope="col" { "As the weights are" } th scope="col" { "As proposed" } } }
                tbody {
                    @for one in &tried {
                        tr {
                            th scope="row" { (person(&names, &one.mentee)) }
                            td { ol { @for hit in &one.before { li { (parts::link(hit)) @if is_in(&one.after, &hit.id).is_none() { " " span.status { "gone" } } } } } }
                            td { ol { @for (at, hit) in one.after.iter().enumerate() { li { (parts::link(hit)) " " (moved(is_in(&one.before, &hit.id), at)) } } } }
                        }
                    }
                }
            }
        }
    })
}

/// By how much somebody moved.
fn moved(before: Option<usize>, now: usize) -> Markup {
    html! {
        @match before {
            None => span.status.open { "new" },
            Some(before) if before > now => span.hint { "up " (before - now) },
            Some(before) if before < now => span.hint { "down " (now - before) },
            Some(_) => {}
        }
    }
}
