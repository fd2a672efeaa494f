//! Finding a mentor: what somebody looks for, filters beside it, and the hits with their reasons.

mod sought;
pub mod suggestions;
pub mod why;

use std::sync::Arc;

use axum::Extension;
use axum::extract::{RawQuery, State};
use maud::{Markup, html};

use super::named::{self, Whom};
use super::visitor::Visitor;
use super::{Answer, Page, Wrong, parts};
use crate::search::{self, Hit, NoGoodMentor};
use crate::server::App;
use crate::server::api::search as api;
use crate::server::observe::Made;
use crate::server::problem::Problem;
use crate::store::Scope;
use sought::{By, Sought};

/// The longest text that is taken, in characters: it stands in the page's address, so that it can be gone back to.
const LONGEST: usize = 1_500;

/// The page to find a mentor on.
pub async fn find(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Result<(Option<Extension<Made>>, Answer), Wrong> {
    if visitor.caller.member().is_none() && !visitor.caller.has(Scope::Search) {
        return Ok((None, Answer::go_to("/manage")));
    }
    let mut sought = Sought::read(&visitor, query.as_deref())?;
    let asks = sought.by == By::Member && visitor.caller.member().is_none();
    let member = Some(sought.member.clone()).filter(|stated| asks && !stated.is_empty());
    let whom = named::asked(&app, &visitor.caller, member).await?;
    if let Some(Whom::One(person)) = &whom {
        sought.member.clone_from(&person.id);
    }
    let found = match sought.request(&visitor)? {
        None => None,
        Some(_) if matches!(whom, Some(Whom::Several(_))) => None,
        Some(request) => {
            let (made, written) = api::found(&app, &visitor.caller, request).await?;
            let answer: search::Answer =
                serde_json::from_slice(&written.body).map_err(|error| Problem::internal(&error))?;
            let asides = asides(&app, &answer.hits).await?;
            Some((answer, asides, made))
        }
    };
    let interests = match sought.by {
        By::Profile => app.suggestions.interests(&app.community).await?,
        By::Member | By::Words => Arc::default(),
    };
    let main = html! {
        h1 { "Find a mentor" }
        form #find.find method="get" action="/" data-live="#results" {
            (ways(&sought, whom.as_ref(), &visitor, &interests))
            div.sides {
                (filters(&sought))
                div #results aria-live="polite" {
                    @match (&found, &whom) {
                        (None, Some(Whom::Several(named))) => (named::which(named, |id| parts::path("/?by=member&member=", id))),
                        (None, _) => p.hint { "Say what you look for, and press Search." },
                        (Some((answer, asides, _)), _) => (hits(answer, asides, &sought, &visitor)),
                    }
                }
            }
        }
    };
    let made = found.map(|(_, _, made)| Extension(made));
    Ok((made, Page::new("Find a mentor", "/", main).into()))
}

/// The three ways to say what is sought, and the one that is chosen.
fn ways(sought: &Sought, whom: Option<&Whom>, visitor: &Visitor, interests: &[String]) -> Markup {
    let is_member = visitor.caller.member().is_some();
    html! {
        ul.ways {
            @for (by, name) in By::ALL {
                @let said = match by {
                    By::Member if is_member => "By my profile",
                    By::Member => "For a member",
                    By::Words => "In my own words",
                    By::Profile => "By a short profile",
                };
                li { a href={ "/?by=" (name) } aria-current=[(by == sought.by).then_some("true")] { (said) } }
            }
        }
        input type="hidden" name="by" value=(sought.by.name());
        div.sought {
            @match sought.by {
                By::Member if is_member => p.hint { "What your profile says you aim for, seek, face and like is compared with what mentors are, offer, overcame and like." },
                By::Member => (named::field("member", "The member", whom.map(Whom::said).unwrap_or_default())),
                By::Words => {
                    label for="text" { "What do you look for?" }
                    textarea #text name="text" rows="3" maxlength=(LONGEST) dir="auto"
                        placeholder="I want to become a nurse and I am afraid of the exams" { (sought.text) }
                }
                By::Profile => {
                    (parts::field("aims_for", "What you want to become", &sought.aims_for, ""))
                    (parts::field("seeks", "What you seek from a mentor", &sought.seeks, ""))
                    div.field {
                        label for="interests" { "Interests" }
                        input #interests name="interests" value=(sought.interests.join(", ")) dir="auto" data-chips
                            autocomplete="off" list="known-interests" aria-describedby="interests-hint";
                        p.hint #interests-hint { "Several with commas between them" }
                        datalist #known-interests { @for interest in interests { option value=(interest) {} } }
                    }
                    div.field {
                        label for="facing" { "What you face" }
                        input #facing name="facing" value=(sought.facing.join(", ")) dir="auto" data-chips autocomplete="off"
                            aria-describedby="facing-hint";
                        p.hint #facing-hint { "Such as: the board exam, coming back after a break" }
                    }
                }
            }
            button.main { "Search" }
        }
    }
}

/// Who may be found, and how. Where there is room beside the hits, it is always open.
fn filters(sought: &Sought) -> Markup {
    html! {
        details.filters open[sought.is_filtered()] {
            summary { "Filters, and how far from my circle" }
            fieldset {
                legend { "Only mentors" }
                (parts::field("country", "In the country", &sought.country, "Its code, such as US"))
                (parts::field("city", "In the city", &sought.city, ""))
                @if sought.by == By::Member {
                    (parts::field("within", "Within kilometres of me", &sought.within, ""))
                }
                (parts::field("language", "Who speak", &sought.language, "A code, such as es"))
                (parts::field("industry", "In the industry", &sought.industry, ""))
            }
            fieldset {
                legend { "How far from my circle" }
                label for="outside_circle" { "Outside my circle" }
                input #outside_circle name="outside_circle" type="range" min="0" max="1" step="0.25" value=(sought.outside)
                    aria-describedby="outside-hint";
                p.hint #outside-hint {
                    "From people like me to people I should know: shared friends, schools, employers and places count less."
                }
                @if sought.by == By::Member {
                    label.check {
                        input type="checkbox" name="exchange" value="yes" checked[sought.exchange];
                        " An exchange: we each offer what the other seeks"
                    }
                }
            }
        }
    }
}

/// What is shown of a mentor beside the reasons.
struct Aside {
    place: String,
    languages: Vec<String>,
    /// Whether a place is free; nothing where that is nobody's business. How many are taken is the mentor's own.
    free: Option<bool>,
}

/// What the hits' records tell of them: as everybody may see it.
async fn asides(app: &App, hits: &[Hit]) -> Result<Vec<Aside>, Problem> {
    let ids: Vec<&str> = hits.iter().map(|hit| hit.member.id.as_str()).collect();
    let read = async {
        Ok::<_, crate::store::StoreError>((
            app.community.store().members(&ids).await?.0,
            app.community.store().places_taken(Some(&ids)).await?,
        ))
    };
    let (records, taken) = read.await.map_err(|error| Problem::internal(&error))?;
    let usual = app.community.config().programme.capacity;
    let of = |hit: &Hit| {
        let shown = records.get(&hit.member.id).map(|stored| stored.member.shown()).unwrap_or_default();
        let most = shown.capacity.unwrap_or(usual);
        let taken = taken.get(&hit.member.id).copied().unwrap_or(0);
        let hidden = records.get(&hit.member.id).is_none_or(|stored| stored.member.keeps_private("capacity"));
        Aside {
            place: shown.location.as_ref().map(parts::place).unwrap_or_default(),
            languages: shown.languages,
            free: (!hidden).then_some(taken < most),
        }
    };
    Ok(hits.iter().map(of).collect())
}

fn hits(answer: &search::Answer, asides: &[Aside], sought: &Sought, visitor: &Visitor) -> Markup {
    let whole = answer.hits.iter().map(|hit| hit.match_).fold(0.0, f64::max);
    let is_member = visitor.caller.member().is_some();
    html! {
        @if !answer.degraded.is_empty() {
            p.notice role="status" { "A part of the search is out of order. There may be better mentors than these; try again in a while." }
        }
        @if let Some(none) = &answer.no_good_mentor {
            (no_good_mentor(none, is_member && sought.by == By::Member))
        } @else if whole == 0.0 {
            (nobody(answer.hits.is_empty(), sought))
        }
        @if !answer.hits.is_empty() {
            h2.found { (answer.hits.len()) @if answer.hits.len() == 1 { " mentor" } @else { " mentors" } ", best first" }
        }
        ol.hits {
            @for (hit, aside) in answer.hits.iter().zip(asides) {
                li {
                    article.card aria-labelledby={ "hit-" (hit.rank) } {
                        header {
                            h3 id={ "hit-" (hit.rank) } { (parts::link(&hit.member)) }
                            @if let Some(headline) = &hit.member.headline { p.headline dir="auto" { (headline) } }
                            p.aside {
                                @if !aside.place.is_empty() { span dir="auto" { (aside.place) } }
                                @if !aside.languages.is_empty() { span { "Speaks " (aside.languages.join(", ")) } }
                                @match aside.free {
                                    Some(true) => span { "Has a free place" },
                                    Some(false) => span.full { "No free place at the moment" },
                                    None => {}
                                }
                            }
                        }
                        (parts::points(&hit.points_in_common))
                        (parts::adjustments(&hit.adjustments))
                        @if let Some(back) = &hit.back {
                            h4 { "What they would find in you" }
                            (parts::points(&back.points_in_common))
                        }
                        (parts::score(hit, whole))
                    }
                }
            }
        }
        @if answer.hits.len() == sought.k && sought.k < search::MOST_HITS {
            button.quiet name="k" value=((sought.k * 2).min(search::MOST_HITS)) { "Show more" }
        }
        @if sought.by == By::Member && (is_member || !sought.member.is_empty()) && !answer.hits.is_empty() {
            p.missed {
                "Somebody you expected is not here? "
                a href=(if is_member { "/why".to_owned() } else { parts::path("/why?mentee=", &sought.member) }) { "Ask why not" }
            }
        }
    }
}

/// That nobody found is a good mentor, by what the community calls one; and how to hear of the first who is.
fn no_good_mentor(none: &NoGoodMentor, may_wait: bool) -> Markup {
    html! {
        section.empty role="status" {
            h2 { "No good mentor yet" }
            p { (none.text) }
            @if !none.missing_in_profile.is_empty() {
                p {
                    "These say nothing in your profile, and would count most: "
                    strong { (none.missing_in_profile.join(", ").replace('_', " ")) } "."
                }
            }
            @if !none.missing_in_pool.is_empty() {
                ul { @for lack in &none.missing_in_pool { li dir="auto" { (lack.text) } } }
            }
            @if may_wait {
                button.main formmethod="post" formaction="/waitlist" { "Tell me when there is one" }
            }
        }
    }
}

/// Nobody has anything in common with what is sought: what would help.
fn nobody(none: bool, sought: &Sought) -> Markup {
    html! {
        section.empty role="status" {
            h2 { @if none { "Nobody was found" } @else { "Nobody here is known to suit you" } }
            p { "The mentors of this community have nothing in common with what you look for, as far as it is known." }
            ul {
                @if sought.is_filtered() { li { "Try it with fewer filters." } }
                @match sought.by {
                    By::Member => li { "Say in your profile what you aim for, what you face, and a few interests: these count most." },
                    By::Words => li { "Name the profession you aim for, or what you are afraid of, in a sentence." },
                    By::Profile => li { "Add what you want to become, or two or three interests." },
                }
            }
        }
    }
}
