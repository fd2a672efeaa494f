//! A cohort: who is matched and by which rules, and the best assignment for review. Nothing of it is stored.

mod result;

use std::collections::HashSet;
use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::State;
use maud::{Markup, html};

use super::{count, page};
use crate::community::{Pairing, RollOut};
use crate::member::MemberId;
use crate::programme::cohort::{Cohort, CohortRequest, LockedPair, Objective, Rules};
use crate::server::App;
use crate::server::api::cohorts;
use crate::server::json::Json;
use crate::server::page::Shown;
use crate::server::page::form::Form;
use crate::server::page::parts::choice;
use crate::server::page::visitor::Visitor;
use crate::server::problem::{Code, Problem};
use crate::store::Scope;

/// Mentees of a cohort that a page shows.
const MOST: usize = 500;

/// What the best assignment can be, by the names in requests.
const OBJECTIVES: [(&str, &str, Objective); 3] = [
    ("most_matched", "Most mentees matched", Objective::MostMatched),
    ("fairest", "Most matched, the worst match as good as can be", Objective::Fairest),
    ("best_total", "Best total, even if somebody gets nobody", Objective::BestTotal),
];

/// What is asked for, as the form has it.
#[derive(Debug, Clone, Default)]
struct Asked {
    /// Whether the mentees are listed; else it is all who have nobody.
    listed: bool,
    ids: Vec<MemberId>,
    objective: Objective,
    exchange: bool,
    minimum: f64,
    rules: Rules,
    locked: Vec<LockedPair>,
}

impl Asked {
    fn read(form: &mut Form) -> Result<Asked, Problem> {
        let objective = match form.one("objective")? {
            None => Objective::default(),
            Some(stated) => {
                let found = OBJECTIVES.iter().find(|(name, ..)| *name == stated).map(|(.., objective)| *objective);
                let expected = "most_matched, fairest or best_total";
                found.ok_or_else(|| Problem::invalid("objective", format!("{stated:?} is not {expected}")))?
            }
        };
        let lines = form.one("ids")?.unwrap_or_default();
        let (mut ids, mut seen) = (Vec::new(), HashSet::new());
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let id = MemberId::new(line).map_err(|invalid| Problem::invalid("ids", invalid.problem))?;
            if seen.insert(id.clone()) {
                ids.push(id);
            }
        }
        Ok(Asked {
            listed: form.one("who")?.as_deref() == Some("listed"),
            ids,
            objective,
            exchange: form.one("exchange")?.is_some(),
            minimum: form.parsed("minimum", "a match, 0 or more")?.unwrap_or(0.0),
            rules: Rules {
                not_same_employer: form.one("not_same_employer")?.is_some(),
                language_in_common: form.one("language_in_common")?.is_some(),
                time_zone_gap: form.parsed("time_zone_gap", "a number of hours, 0 to 12")?,
            },
            locked: form.all("lock").into_iter().map(|stated| pair("lock", stated)).collect::<Result<_, Problem>>()?,
        })
    }

    /// The request, and how many mentees are left for the command line.
    fn request(&self, waiting: Vec<MemberId>) -> Result<(CohortRequest, usize), Problem> {
        let mut mentees = if self.listed { self.ids.clone() } else { waiting };
        if self.listed && mentees.is_empty() {
            return Err(Problem::invalid("ids", "is empty; expected the mentees' ids, one a line"));
        }
        if self.listed && mentees.len() > MOST {
            let problem = format!("has {}; this page takes {MOST}, and `rapport match` 20,000", mentees.len());
            return Err(Problem::invalid("ids", problem));
        }
        let left = mentees.len().saturating_sub(MOST);
        mentees.truncate(MOST);
        let known: HashSet<MemberId> = mentees.iter().cloned().collect();
        mentees.extend(self.locked.iter().map(|pair| pair.mentee.clone()).filter(|mentee| !known.contains(mentee)));
        let request = CohortRequest {
            mentees: Some(mentees),
            objective: self.objective,
            exchange: self.exchange,
            minimum: self.minimum,
            rules: self.rules.clone(),
            locked: self.locked.clone(),
            ..CohortRequest::default()
        };
        Ok((request, left))
    }
}

/// Whom to match, and how.
pub async fn form(State(app): State<Arc<App>>, visitor: Visitor) -> Shown {
    visitor.caller.needs(Scope::Admin)?;
    let waiting = waiting(&app).await?.len();
    let main = html! {
        p { "The best of all ways to give each mentee of an intake a mentor. Nothing is written and nobody is told: you look it over first." }
        form.wide method="post" action="/manage/cohort" {
            (controls(&Asked::default(), waiting))
            button.main { "Match" }
        }
    };
    Ok(page("A cohort", "/manage/cohort", &main).into())
}

/// Those who have nobody; nobody where there is no index.
async fn waiting(app: &App) -> Result<Vec<MemberId>, Problem> {
    match app.community.unmatched_mentees().await.map_err(Problem::from) {
        Err(problem) if problem.code() == Code::NoIndex => Ok(Vec::new()),
        waiting => waiting,
    }
}

fn controls(asked: &Asked, waiting: usize) -> Markup {
    let objectives: Vec<(&str, &str)> = OBJECTIVES.iter().map(|(name, said, _)| (*name, *said)).collect();
    let chosen = OBJECTIVES.iter().find(|(.., of)| *of == asked.objective).map_or("", |(name, ..)| name);
    let ids: Vec<&str> = asked.ids.iter().map(MemberId::as_str).collect();
    html! {
        div.columns {
            fieldset {
                legend { "Who" }
                label.check {
                    input type="radio" name="who" value="all" checked[!asked.listed];
                    " All " (count(waiting)) " mentees who neither have a mentor nor wait for one"
                }
                @if waiting > MOST {
                    p.hint { "This page takes the first " (MOST) " of them; for more there is " code { "rapport match" } "." }
                }
                label.check {
                    input type="radio" name="who" value="listed" checked[asked.listed];
                    " Those listed here"
                }
                label.unseen for="ids" { "The mentees' ids" }
                textarea #ids name="ids" rows="4" dir="auto" spellcheck="false" aria-describedby="ids-hint" { "\n" (ids.join("\n")) }
                p.hint #ids-hint { "Ids, one a line" }
            }
            fieldset {
                legend { "How" }
                (choice("objective", "What the best is", chosen, &objectives))
                label.check {
                    input type="checkbox" name="exchange" value="yes" checked[asked.exchange] aria-describedby="exchange-hint";
                    " An exchange: both offer what the other seeks"
                }
                p.hint #exchange-hint { "Each pair goes by both ways, and whoever is listed may have either role." }
                div.field {
                    label for="minimum" { "No match below" }
                    input #minimum name="minimum" type="number" inputmode="decimal" min="0" step="any" value=(asked.minimum);
                }
                label.check {
                    input type="checkbox" name="not_same_employer" value="yes" checked[asked.rules.not_same_employer];
                    " Nobody gets a mentor of the same employer"
                }
                label.check {
                    input type="checkbox" name="language_in_common" value="yes" checked[asked.rules.language_in_common];
                    " Everybody has a language in common with their mentor"
                }
                div.field {
                    label for="time_zone_gap" { "Hours between their clocks at most" }
                    input #time_zone_gap name="time_zone_gap" type="number" inputmode="decimal" min="0" max="12" step="any"
                        value=[asked.rules.time_zone_gap];
                }
            }
        }
    }
}

/// What makes introductions of the pairs.
fn commit(cohort: &Cohort) -> Markup {
    html! {
        details {
            summary { "Introduce these pairs" }
            p {
                "Each mentee asks their mentor, by the rules of any introduction: the mentor is told why, and says yes or no. "
                "Who was introduced already is left as they are."
            }
            @for pair in &cohort.pairs {
                input type="hidden" name="pair" value=(result::value(pair));
            }
            div.field {
                label for="note" { "A note to the mentors" }
                textarea #note name="note" rows="3" maxlength="2000" dir="auto" {}
            }
            button formaction="/manage/cohort/introduce" { "Introduce " (count(cohort.pairs.len())) " pairs" }
        }
    }
}

/// Introduces the pairs that were looked over.
pub async fn introduce(State(app): State<Arc<App>>, visitor: Visitor, mut form: Form) -> Shown {
    let pairs: Vec<LockedPair> =
        form.all("pair").into_iter().map(|stated| pair("pair", stated)).collect::<Result<_, _>>()?;
    let pairs = pairs.into_iter().map(|LockedPair { mentee, mentor }| Pairing { mentee, mentor }).collect();
    let roll_out = RollOut { pairs, note: form.one("note")?.map(|note| note.replace("\r\n", "\n")), path: None };
    let axum::Json(rolled_out) = cohorts::introduce(State(Arc::clone(&app)), visitor.caller, Json(roll_out)).await?;
    let refused: Vec<_> = rolled_out.pairs.iter().filter_map(|pair| Some((pair, pair.refused.as_ref()?))).collect();
    let main = html! {
        p.notice role="status" { strong { (count(rolled_out.introduced)) } " of " (count(rolled_out.pairs.len())) " pairs were introduced." }
        @if !refused.is_empty() {
            h2 { "Not introduced" }
            ul { @for (pair, refused) in refused { li { bdi { (pair.mentee) } " with " bdi { (pair.mentor) } ": " (refused.detail) "." } } }
        }
        p { a.button href="/manage/introductions" { "The introductions" } }
    };
    Ok(page("A cohort", "/manage/cohort", &main).into())
}

/// Two ids, as a form has them.
fn pair(field: &str, stated: String) -> Result<LockedPair, Problem> {
    let read = serde_json::from_str::<(MemberId, MemberId)>(&stated);
    let (mentee, mentor) =
        read.map_err(|_| Problem::invalid(field, format!("{stated:?} is not a pair of ids as JSON")))?;
    Ok(LockedPair { mentee, mentor })
}

/// Matches, and shows the assignment for review.
pub async fn assign(State(app): State<Arc<App>>, visitor: Visitor, mut form: Form) -> Shown {
    visitor.caller.needs(Scope::Admin)?;
    let asked = Asked::read(&mut form)?;
    let waiting = waiting(&app).await?;
    let all = waiting.len();
    let (request, left) = asked.request(waiting)?;
    let answer = cohorts::assign(State(Arc::clone(&app)), visitor.caller, Json(request)).await?;
    let answer = to_bytes(answer.into_body(), usize::MAX).await.map_err(|error| Problem::internal(&error))?;
    let cohort: Cohort = serde_json::from_slice(&answer).map_err(|error| Problem::internal(&error))?;
    let main = html! {
        (result::totals(&cohort))
        @if left > 0 {
            p.warning { (count(left)) " more mentees wait: the page takes " (MOST) ", " code { "rapport match" } " takes them all." }
        }
        (result::downloads(&cohort)?)
        form.wide method="post" action="/manage/cohort" {
            (result::pairs(&cohort))
            details { summary { "Whom to match, and how" } (controls(&asked, all)) }
            p.row.stuck {
                button.main { "Match again, keeping what is ticked" }
                a.button.quiet href="/manage/cohort" { "Begin anew" }
            }
            @if !cohort.pairs.is_empty() { (commit(&cohort)) }
        }
        (result::rest(&cohort))
        p.hint { "State " code { (cohort.state) } ": the same state and the same choices give the same pairs." }
    };
    Ok(page("A cohort", "/manage/cohort", &main).into())
}
