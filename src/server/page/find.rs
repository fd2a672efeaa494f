//! Finding a mentor: what somebody looks for, filters beside it, and the hits with their reasons.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use maud::{Markup, html};

use super::form::stated;
use super::visitor::Visitor;
use super::{Answer, Page, Shown, parts};
use crate::member::{Member, MemberId};
use crate::search::{self, Filter, Hit, Obstacle, SearchRequest, Why};
use crate::server::App;
use crate::server::api::{explain, search as api};
use crate::server::json::Pairs;
use crate::server::problem::Problem;
use crate::store::Scope;

/// Hits on a page, unless more are asked for.
const HITS: usize = 10;

/// By what somebody looks for a mentor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// What their record says.
    Member,
    /// Their own words.
    Words,
    /// A profile that is not stored.
    Profile,
}

impl By {
    const ALL: [(By, &'static str); 3] = [(By::Member, "member"), (By::Words, "words"), (By::Profile, "profile")];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(by, _)| *by == self).map_or("", |(_, name)| name)
    }
}

/// What the form holds: nothing of it is stored.
#[derive(Debug, Clone)]
struct Sought {
    by: By,
    member: String,
    text: String,
    aims_for: String,
    seeks: String,
    interests: Vec<String>,
    facing: Vec<String>,
    country: String,
    city: String,
    language: String,
    industry: String,
    within: String,
    outside: f64,
    exchange: bool,
    k: usize,
}

impl Sought {
    fn read(visitor: &Visitor, query: Option<&str>) -> Result<Sought, Problem> {
        let mut pairs = Pairs::of(query);
        let by = match pairs.one("by")?.as_deref() {
            None if visitor.caller.member().is_some() => By::Member,
            None => By::Words,
            Some(name) => {
                let found = By::ALL.iter().find(|(_, known)| *known == name).map(|(by, _)| *by);
                found.ok_or_else(|| Problem::invalid("by", format!("{name:?} is not member, words or profile")))?
            }
        };
        let list = |pairs: &mut Pairs, name: &str| -> Vec<String> {
            let stated = pairs.all(name);
            let parts = stated.iter().flat_map(|value| value.split(',')).map(str::trim);
            parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
        };
        let (interests, facing) = (list(&mut pairs, "interests"), list(&mut pairs, "facing"));
        let outside = stated(&mut pairs, "outside_circle")?.unwrap_or_default();
        let outside =
            if outside.is_empty() { Some(0.0) } else { outside.parse().ok().filter(|dial: &f64| dial.is_finite()) };
        let outside = outside.ok_or_else(|| Problem::invalid("outside_circle", "expected a number from 0 to 1"))?;
        let k = pairs.parsed("k", "a number of hits, 1 to 1000")?.unwrap_or(HITS);
        let mut one = |name: &str| Ok::<_, Problem>(stated(&mut pairs, name)?.unwrap_or_default().trim().to_owned());
        Ok(Sought {
            by,
            member: one("member")?,
            text: one("text")?,
            aims_for: one("aims_for")?,
            seeks: one("seeks")?,
            country: one("country")?,
            city: one("city")?,
            language: one("language")?,
            industry: one("industry")?,
            within: one("within")?,
            exchange: !one("exchange")?.is_empty(),
            interests,
            facing,
            outside,
            k,
        })
    }

    /// The search; nothing where nothing is sought yet.
    fn request(&self, visitor: &Visitor) -> Result<Option<SearchRequest>, Problem> {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let mut request = SearchRequest {
            filter: self.filter()?,
            k: Some(self.k),
            outside_circle: Some(self.outside).filter(|dial| *dial != 0.0),
            ..SearchRequest::default()
        };
        match self.by {
            By::Member => {
                request.member = match visitor.caller.member() {
                    Some(own) => Some(own.clone()),
                    None => some(&self.member).map(MemberId::new).transpose()?,
                };
                request.exchange = self.exchange;
            }
            By::Words => request.text = some(&self.text),
            By::Profile => {
                let profile = Member {
                    aims_for: some(&self.aims_for),
                    seeks: some(&self.seeks),
                    interests: self.interests.clone(),
                    facing: self.facing.clone(),
                    ..Member::default()
                };
                request.profile = (profile != Member::default()).then_some(profile);
            }
        }
        let asked = request.member.is_some() || request.text.is_some() || request.profile.is_some();
        Ok(asked.then_some(request))
    }

    fn filter(&self) -> Result<Filter, Problem> {
        let mut filter = Filter::default();
        let stated = [
            ("country", &self.country),
            ("city", &self.city),
            ("language", &self.language),
            ("industry", &self.industry),
            ("within", &self.within),
        ];
        for (field, value) in stated {
            if !value.is_empty() {
                let unit = if field == "within" && !value.ends_with("km") { "km" } else { "" };
                let added = filter.add(&format!("{field}={value}{unit}"));
                added.map_err(|invalid| Problem::invalid(invalid.field, invalid.problem))?;
            }
        }
        Ok(filter)
    }
}

/// The page to find a mentor on.
pub async fn find(State(app): State<Arc<App>>, visitor: Visitor, RawQuery(query): RawQuery) -> Shown {
    if visitor.caller.member().is_none() && !visitor.caller.has(Scope::Search) {
        return Ok(Answer::go_to("/manage"));
    }
    let sought = Sought::read(&visitor, query.as_deref())?;
    let found = match sought.request(&visitor)? {
        None => None,
        Some(request) => {
            let (written, _) = api::found(&app, &visitor.caller, request).await?;
            let answer: search::Answer =
                serde_json::from_slice(&written.body).map_err(|error| Problem::internal(&error))?;
            let asides = asides(&app, &answer.hits).await?;
            Some((answer, asides))
        }
    };
    let main = html! {
        h1 { "Find a mentor" }
        form #find.find method="get" action="/" data-live="#results" {
            (ways(&sought, &visitor))
            div.sides {
                div.side { (filters(&sought)) }
                div #results aria-live="polite" {
                    @match &found {
                        None => p.hint { "Say what you look for, and press Search." },
                        Some((answer, asides)) => (hits(answer, asides, &sought, &visitor)),
                    }
                }
            }
        }
    };
    Ok(Page::new("Find a mentor", "/", main).into())
}

/// The three ways to say what is sought, and the one that is chosen.
fn ways(sought: &Sought, visitor: &Visitor) -> Markup {
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
                By::Member => (parts::field("member", "The member's id", &sought.member, "")),
                By::Words => {
                    label for="text" { "What do you look for?" }
                    textarea #text name="text" rows="3" maxlength="10000" dir="auto"
                        placeholder="I want to become a nurse and I am afraid of the exams" { (sought.text) }
                }
                By::Profile => {
                    (parts::field("aims_for", "What you want to become", &sought.aims_for, ""))
                    (parts::field("seeks", "What you seek from a mentor", &sought.seeks, ""))
                    div.field {
                        label for="interests" { "Interests" }
                        input #interests name="interests" value=(sought.interests.join(", ")) dir="auto" data-chips
                            autocomplete="off" aria-describedby="interests-hint";
                        p.hint #interests-hint { "Several with commas between them" }
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

/// Who may be found, and how.
fn filters(sought: &Sought) -> Markup {
    html! {
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
            p.hint #outside-hint { "From people like me to people I should know: shared friends, schools, employers and places count less." }
            @if sought.by == By::Member {
                label.check {
                    input type="checkbox" name="exchange" value="yes" checked[sought.exchange];
                    " An exchange: we each offer what the other seeks"
                }
            }
        }
    }
}

/// What is shown of a mentor beside the reasons.
struct Aside {
    place: String,
    languages: Vec<String>,
    /// Places that are free, of how many.
    free: Option<(u32, u32)>,
}

/// What the hits' records tell of them: as everybody may see it.
async fn asides(app: &App, hits: &[Hit]) -> Result<Vec<Aside>, Problem> {
    let ids: Vec<&str> = hits.iter().map(|hit| hit.member.id.as_str()).collect();
    let read = async {
        Ok::<_, crate::store::StoreError>((
            app.community.store().members(&ids).await?.0,
            app.community.store().places_taken().await?,
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
            free: (!hidden).then_some((most.saturating_sub(taken), most)),
        }
    };
    Ok(hits.iter().map(of).collect())
}

fn hits(answer: &search::Answer, asides: &[Aside], sought: &Sought, visitor: &Visitor) -> Markup {
    let whole = answer.hits.iter().map(|hit| hit.match_).fold(0.0, f64::max);
    let is_member = visitor.caller.member().is_some();
    html! {
        @if whole == 0.0 {
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
                                    Some((0, _)) => span.full { "No free place at the moment" },
                                    Some((free, most)) => span { (free) " of " (most) " places free" },
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
                a href={ "/why" @if !is_member { "?mentee=" (sought.member) } } { "Ask why not" }
            }
        }
    }
}

/// Nobody has anything in common with what is sought: what would help.
fn nobody(none: bool, sought: &Sought) -> Markup {
    let filtered = [&sought.country, &sought.city, &sought.language, &sought.industry, &sought.within];
    html! {
        section.empty role="status" {
            h2 { @if none { "Nobody was found" } @else { "Nobody here is known to suit you" } }
            p { "The mentors of this community have nothing in common with what you look for, as far as it is known." }
            ul {
                @if filtered.iter().any(|filter| !filter.is_empty()) { li { "Try it with fewer filters." } }
                @match sought.by {
                    By::Member => li { "Say in your profile what you aim for, what you face, and a few interests: these count most." },
                    By::Words => li { "Name the profession you aim for, or what you are afraid of, in a sentence." },
                    By::Profile => li { "Add what you want to become, or two or three interests." },
                }
            }
        }
    }
}

/// Why a mentor is found, or why not.
pub async fn why(State(app): State<Arc<App>>, visitor: Visitor, RawQuery(query): RawQuery) -> Shown {
    let mut pairs = Pairs::of(query.as_deref());
    let own = visitor.caller.member();
    let mentee = stated(&mut pairs, "mentee")?.or_else(|| own.map(MemberId::to_string)).unwrap_or_default();
    let mentor = stated(&mut pairs, "mentor")?.unwrap_or_default();
    let why =
        if mentor.is_empty() || mentee.is_empty() { None } else { Some(pair(&app, &visitor, &mentee, &mentor).await?) };
    let main = html! {
        h1 { "Why, and why not" }
        form.narrow method="get" action="/why" {
            @if own.is_none() { (parts::field("mentee", "Who looks for a mentor (id)", &mentee, "")) }
            (parts::field("mentor", "The mentor's id", &mentor, "It stands in the address of their page"))
            button { "Ask" }
        }
        @if let Some(why) = &why { (told(why)) }
    };
    Ok(Page::new("Why, and why not", "/", main).into())
}

/// What the API says of two members.
pub async fn pair(app: &Arc<App>, visitor: &Visitor, mentee: &str, mentor: &str) -> Result<Why, Problem> {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("mentee", mentee), ("mentor", mentor), ("known", "include")])
        .finish();
    let axum::Json(why) =
        explain::explain(State(Arc::clone(app)), visitor.caller.clone(), RawQuery(Some(query))).await?;
    Ok(why)
}

/// Why, in words.
pub fn told(why: &Why) -> Markup {
    let obstacle = |obstacle: &Obstacle| match obstacle {
        Obstacle::Unknown => "nobody of that id is stored".to_owned(),
        Obstacle::Minor => "they are not of age, or do not say so".into(),
        Obstacle::Paused => "they have paused".into(),
        Obstacle::Blocked => "one of the two blocks the other".into(),
        Obstacle::Themselves => "they are the one who looks".into(),
        Obstacle::Role => "they are no mentor".into(),
        Obstacle::Known => "the two know one another already".into(),
        Obstacle::Filter { field } => format!("the filter {field} leaves them out"),
    };
    html! {
        section.why {
            @if let Some(hit) = &why.hit {
                h2 { @if why.obstacles.is_empty() { "Found" } @else { "Not found" } ": " (parts::link(&hit.member)) }
                @if why.obstacles.is_empty() {
                    p { "Rank " (hit.rank) " of " (why.candidates) " who were compared." }
                } @else {
                    p { "Without what stands in the way, the rank would be " (hit.rank) " of " (why.candidates) "." }
                }
                @if !why.obstacles.is_empty() { ul { @for one in &why.obstacles { li { (obstacle(one)) } } } }
                (parts::points(&hit.points_in_common))
                (parts::adjustments(&hit.adjustments))
                (parts::score(hit, hit.match_))
                @if !why.nothing_in.is_empty() {
                    p.hint {
                        "Nothing counted for: "
                        (why.nothing_in.iter().map(|feature| parts::said(*feature)).collect::<Vec<_>>().join(", "))
                        ". It is absent on either side, or not shared."
                    }
                }
            } @else {
                h2 { "Not found" }
                ul { @for one in &why.obstacles { li { (obstacle(one)) } } }
            }
        }
    }
}
