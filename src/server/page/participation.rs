//! How somebody takes part, and who mentored whom.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use maud::{Markup, html};

use super::form::{Form, stated};
use super::introductions::day;
use super::visitor::Visitor;
use super::{Answer, Page, Shown, parts};
use crate::community::{Kin, TakesPart};
use crate::member::{Member, MemberId, Role};
use crate::programme::Stated;
use crate::server::App;
use crate::server::api::{members, programme as api, waitlist};
use crate::server::json::{Json, Pairs};
use crate::server::problem::Problem;

/// How the member takes part.
pub async fn participation(State(app): State<Arc<App>>, visitor: Visitor, RawQuery(query): RawQuery) -> Shown {
    let Some(own) = visitor.caller.member().cloned() else { return Ok(Answer::go_to("/manage")) };
    let saved = stated(&mut Pairs::of(query.as_deref()), "saved")?.is_some();
    let (record, takes_part) = both(&app, &visitor, &own).await?;
    let lineage = api::lineage(State(Arc::clone(&app)), visitor.caller.clone(), Path(own.to_string())).await?;
    let axum::Json(api::Lineage { mentored_by, mentored }) = lineage;
    let main = html! {
        h1 { "Taking part" }
        @if saved { p.notice role="status" { "It is saved, and holds from now on." } }
        (standing(&record, &takes_part))
        @if let Some(since) = takes_part.participation.waits_since {
            div.notice {
                p { "Since " (day(since)) " you wait for a good mentor; you are told of the first one who has a place." }
                (parts::act("/waitlist", &[("do", "leave")], "Wait no more", "quiet"))
            }
        }
        div.sides.wide {
            div { (how(&app, &record, &takes_part)) }
            div {
                section aria-labelledby="lineage" {
                    h2 #lineage { "From one to the next" }
                    @if mentored_by.is_empty() && mentored.is_empty() {
                        p.empty { "Once you have completed an introduction, you see here who helped whom: your mentors and theirs, your mentees and theirs." }
                    }
                    @if !mentored_by.is_empty() { h3 { "You were mentored by" } (kin(&mentored_by, "who was mentored by")) }
                    @if !mentored.is_empty() { h3 { "You mentored" } (kin(&mentored, "who mentored")) }
                }
            }
        }
    };
    Ok(Page::new("Taking part", "/participation", main).into())
}

async fn both(app: &Arc<App>, visitor: &Visitor, own: &MemberId) -> Result<(Member, TakesPart), Problem> {
    let (caller, id) = (visitor.caller.clone(), own.to_string());
    let axum::Json(record) = members::get(State(Arc::clone(app)), caller.clone(), Path(id.clone())).await?;
    let axum::Json(takes_part) = api::participation(State(Arc::clone(app)), caller, Path(id)).await?;
    Ok((record, takes_part))
}

/// Since when, and how full they are.
fn standing(record: &Member, takes_part: &TakesPart) -> Markup {
    let (said, standing) = (&takes_part.participation, &takes_part.standing);
    html! {
        @match (said.left, said.joined) {
            (Some(left), _) => p.notice { "You left on " (day(left)) ". Nobody finds you until you join again." },
            (None, Some(joined)) => p.aside { span { "You joined on " (day(joined)) } },
            (None, None) => {}
        }
        @if record.is(Role::Mentor) {
            ul.figures {
                li { strong { (standing.taken) " of " (standing.capacity) } "mentees now" }
                li { strong { (standing.waiting) } @if standing.waiting == 1 { "waits for you" } @else { "wait for you" } }
            }
        }
    }
}

/// Whether they are shown as paused, apart from having left.
fn paused(record: &Member, takes_part: &TakesPart) -> bool {
    let said = &takes_part.participation;
    if said.left.is_some() { said.stated.paused.unwrap_or(false) } else { record.paused }
}

/// Whether there is something that organisers would have to be allowed to look at.
fn may_consent(record: &Member, takes_part: &TakesPart) -> bool {
    let keeps = ["facing", "overcame"].into_iter().any(|field| record.keeps_private(field));
    keeps || takes_part.participation.private_in_cohorts.is_some()
}

/// What they can say of it.
fn how(app: &App, record: &Member, takes_part: &TakesPart) -> Markup {
    let config = app.community.config();
    let guidelines = config.programme.guidelines.of(Role::Mentor);
    let left = takes_part.participation.left.is_some();
    let role = |role: Role, name: &str, said: &str| {
        html! {
            label.check { input type="checkbox" name="roles" value=(name) checked[record.is(role)]; " " (said) }
        }
    };
    html! {
        section aria-labelledby="how" {
            h2 #how { "How you take part" }
            form.narrow method="post" action="/participation" {
                input type="hidden" name="do" value="join";
                fieldset {
                    legend { "As what" }
                    (role(Role::Mentee, "mentee", "A mentee: I look for mentors"))
                    (role(Role::Mentor, "mentor", "A mentor: mentees may ask me"))
                }
                div.field {
                    label for="capacity" { "Mentees at once, as a mentor" }
                    input #capacity name="capacity" type="number" min="0" max="1000" inputmode="numeric"
                        required[record.capacity.is_some()]
                        value=[record.capacity] placeholder=(config.programme.capacity) aria-describedby="capacity-hint";
                    p.hint #capacity-hint { "As many as you have time for; " (config.programme.capacity) " unless you say." }
                }
                label.check {
                    input type="checkbox" name="paused" value="yes" checked[paused(record, takes_part)];
                    " A pause: nobody finds me for the time being; what I have begun goes on"
                }
                @if may_consent(record, takes_part) {
                    label.check {
                        input type="checkbox" name="private_in_cohorts" value="yes"
                            checked[takes_part.participation.private_in_cohorts.is_some()];
                        " The organisers may go by what I keep private of what I face and overcame when they match many at once; nobody is told of it"
                    }
                }
                details open[record.is(Role::Mentor) && !takes_part.guidelines_accepted] {
                    summary { "Guidelines for mentors" }
                    (parts::markdown(&guidelines.markdown))
                }
                @if takes_part.guidelines_accepted {
                    p.hint { "You accepted these guidelines." }
                } @else {
                    label.check {
                        input type="checkbox" name="accepts_guidelines" value=(guidelines.version);
                        " I have read the guidelines for mentors, and keep to them"
                    }
                }
                button.main { @if left { "Join again" } @else { "Save" } }
            }
            @if !left {
                details {
                    summary { "Leave the programme" }
                    p { "Nobody finds you any more. Your requests are taken back, those that wait for you are declined, and what goes on ends. You may come back." }
                    (parts::act("/participation", &[("do", "leave")], "Leave the programme", "grave"))
                }
            }
        }
    }
}

/// Who mentored whom, from one to the next.
fn kin(people: &[Kin], then: &str) -> Markup {
    html! {
        ul.kin {
            @for one in people {
                li {
                    @match &one.member {
                        Some(member) => (parts::link(member)),
                        None => "somebody who is not available any more",
                    }
                    ", " span.hint { "completed " (day(one.completed)) }
                    @if !one.kin.is_empty() { ", " (then) (kin(&one.kin, then)) }
                }
            }
        }
    }
}

/// Joins, changes or leaves, as the form says. What is as it was is not stated: the community's feed goes on saying it.
pub async fn change(State(app): State<Arc<App>>, visitor: Visitor, mut form: Form) -> Shown {
    let Some(own) = visitor.caller.member().cloned() else {
        return Err(Problem::forbidden("only a member takes part").into());
    };
    let deed = form.one("do")?.unwrap_or_default();
    if deed == "leave" {
        let _ = api::leave(State(app), visitor.caller, Path(own.to_string())).await?;
        return Ok(Answer::go_to("/participation?saved=yes"));
    }
    if deed != "join" {
        return Err(Problem::invalid("do", format!("{deed:?} is neither join nor leave")).into());
    }
    let (record, takes_part) = both(&app, &visitor, &own).await?;
    let ticked = form.all("roles");
    let unknown = ticked.iter().find(|name| !matches!(name.as_str(), "mentor" | "mentee"));
    if let Some(name) = unknown {
        return Err(Problem::invalid("roles", format!("{name:?} is not mentor or mentee")).into());
    }
    let all = [("mentor", Role::Mentor), ("mentee", Role::Mentee)];
    let roles: Vec<Role> =
        all.into_iter().filter(|(name, _)| ticked.iter().any(|ticked| ticked == name)).map(|(_, role)| role).collect();
    let as_before = all.into_iter().all(|(_, role)| roles.contains(&role) == record.is(role));
    let pause = form.one("paused")?.is_some();
    let consents = form.one("private_in_cohorts")?.is_some();
    let capacity = form.parsed("capacity", "a number of mentees, 0 to 1000")?;
    let said = Stated {
        roles: (!as_before || roles.is_empty()).then_some(roles),
        paused: Some(pause).filter(|pause| *pause != paused(&record, &takes_part)),
        capacity: capacity.filter(|capacity| Some(*capacity) != record.capacity),
        accepts_guidelines: form.one("accepts_guidelines")?,
        private_in_cohorts: Some(consents)
            .filter(|consents| *consents != takes_part.participation.private_in_cohorts.is_some()),
    };
    let _ = api::join(State(app), visitor.caller, Path(own.to_string()), Json(said)).await?;
    Ok(Answer::go_to("/participation?saved=yes"))
}

/// Waits for a good mentor, or no more.
pub async fn wait(State(app): State<Arc<App>>, visitor: Visitor, mut form: Form) -> Shown {
    let Some(own) = visitor.caller.member().map(ToString::to_string) else {
        return Err(Problem::forbidden("only a member waits for a mentor").into());
    };
    let leaves = form.one("do")?.as_deref() == Some("leave");
    let _ = match leaves {
        true => waitlist::leave(State(app), visitor.caller, Path(own)).await?,
        false => waitlist::join(State(app), visitor.caller, Path(own)).await?,
    };
    Ok(Answer::go_to("/participation"))
}
