//! The rules that members are held to: the guidelines, and the weights, with a look at what others would change. Nothing is
//! stored here: the configuration file is the one source.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use maud::{Markup, html};

use super::{names, page, person};
use crate::member::MemberId;
use crate::search::weights::{Feature, Weights};
use crate::search::{HitMember, SearchRequest};
use crate::server::App;
use crate::server::json::Pairs;
use crate::server::page::form::stated;
use crate::server::page::visitor::Visitor;
use crate::server::page::{Shown, parts};
use crate::server::problem::Problem;
use crate::store::Scope;

/// Members by whom other weights are tried.
const TRIED: usize = 10;

/// Hits that are compared.
const COMPARED: usize = 5;

/// The rules, and what other weights would change.
pub async fn rules(State(app): State<Arc<App>>, visitor: Visitor, RawQuery(query): RawQuery) -> Shown {
    visitor.caller.needs(Scope::Admin)?;
    let config = app.community.config();
    let mut pairs = Pairs::of(query.as_deref());
    let (mut proposed, mut asked) = (config.weights.clone(), false);
    for feature in Feature::ALL {
        if let Some(stated) = stated(&mut pairs, feature.name())? {
            let weight = stated.trim().replace(',', ".").parse();
            let weight = weight.map_err(|_| Problem::invalid(feature.name(), format!("{stated:?} is not a number")))?;
            (proposed, asked) = (proposed.with(*feature, weight), true);
        }
    }
    proposed.check().map_err(|problem| Problem::invalid("", problem))?;
    let preview = match asked && proposed != config.weights {
        true => {
            visitor.caller.needs(Scope::Search)?;
            Some(preview(&app, &proposed).await?)
        }
        false => None,
    };
    let guidelines = &config.programme.guidelines;
    let main = html! {
        section aria-labelledby="guidelines" {
            h2 #guidelines { "Guidelines" }
            p { "A mentor accepts theirs before their first introduction; mentees read theirs beside each request. They are files that rapport.toml names." }
            details { summary { "For mentors" } (parts::markdown(&guidelines.mentor.markdown)) }
            details { summary { "For mentees" } (parts::markdown(&guidelines.mentee.markdown)) }
        }
        section aria-labelledby="weights" {
            h2 #weights { "Weights" }
            p { "How much each thing that two people have in common counts in a match. Try others: ten searches show what would change. Nothing is stored here." }
            form method="get" action="/manage/rules#preview" {
                div.weights { @for feature in Feature::ALL { (weight(*feature, &config.weights, &proposed)) } }
                p.row {
                    button.main { "Preview" }
                    a.button.quiet href="/manage/rules#weights" { "As they are" }
                }
            }
        }
        @if asked {
            section #preview aria-labelledby="changes" {
                h2 #changes { "What would change" }
                @match &preview {
                    None => p.notice { "These are the weights as they are." },
                    Some(preview) => { (preview) (toml(&proposed)) }
                }
            }
        }
    };
    Ok(page("Rules", "/manage/rules", &main).into())
}

fn weight(feature: Feature, now: &Weights, proposed: &Weights) -> Markup {
    let id = feature.name();
    let (before, after) = (now.of(feature), proposed.of(feature));
    html! {
        div.field {
            label for=(id) { (parts::said(feature)) }
            input #(id) name=(id) type="number" inputmode="decimal" min="0" max="1000" step="any" value=(after)
                aria-describedby=[(before.to_bits() != after.to_bits()).then(|| format!("{id}-hint"))];
            @if before.to_bits() != after.to_bits() { p.hint #{ (id) "-hint" } { "Is " (before) } }
        }
    }
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

/// The weights for the configuration.
fn toml(weights: &Weights) -> Markup {
    let lines: String = Feature::ALL.iter().map(|of| format!("{} = {:?}\n", of.name(), weights.of(*of))).collect();
    html! {
        h3 { "To make them hold" }
        p { "The configuration file stays the one source: put this in the place of [weights] in rapport.toml, then reload it under " a href="/operate#configuration" { "Service" } "." }
        pre tabindex="0" aria-label="Weights as TOML" { "[weights]\n" (lines) }
    }
}
