//! An assignment in the words of records: pairs with their reasons, why others have nobody, and what else there was.

use std::sync::Arc;

use super::CohortRequest;
use super::answer::{
    Because, BlockingPair, BlockingPairs, Cohort, CohortAlternative, CohortMentor, CohortPair, CohortReason, LeftOut,
    Relaxed, Totals, Unmatched,
};
use super::intake::{Assignment, Edge};
use super::nominate::{Nominated, Nominations, Solved, TOGETHER, minimum};
use super::people::{Absent, People, Person};
use super::rules::Rule;
use crate::search::cohort::{Compared, shown};
use crate::search::{HitMember, Obstacle, SearchError};

/// Other mentors told of a mentee.
const ALTERNATIVES: usize = 3;

/// Mentors named in a reason.
const NAMED: usize = 5;

/// Blocking pairs listed.
const LISTED: usize = 100;

/// Puts an assignment into words.
pub(super) async fn tell(
    people: &Arc<People>,
    nominations: &Nominations,
    request: &CohortRequest,
    solved: Solved,
) -> Result<Cohort, SearchError> {
    let Solved { assignment, blocking, relaxed } = solved;
    let taken = assignment.taken(people.mentors.len());
    let least = minimum(request);
    let telling = Telling { people, nominations, taken: &taken, least };
    let totals = Totals {
        mentees: people.mentees.len() + people.absent_mentees.len(),
        mentors: people.mentors.len() + people.absent_mentors.len(),
        places: people.places.iter().map(|places| u64::from(*places)).sum(),
        matched: assignment.matched(),
        total: of_millionths(assignment.total()),
        worst: assignment.worst().map(of_millionths),
    };
    let matched = totals.matched as i64;
    let relaxed = relaxed.into_iter().map(|(rule, other)| Relaxed {
        rule,
        matched: other.matched(),
        more: other.matched() as i64 - matched,
        total: of_millionths(other.total()),
        worst: other.worst().map(of_millionths),
    });
    let listed = blocking.iter().take(LISTED).map(|(mentee, edge)| BlockingPair {
        mentee: people.mentees[*mentee as usize].id().to_owned(),
        mentor: people.mentors[edge.mentor as usize].id().to_owned(),
        match_: of_millionths(telling.match_of(*mentee as usize, edge)),
    });
    Ok(Cohort {
        state: people.state.clone(),
        objective: request.objective,
        exchange: request.exchange,
        totals,
        pairs: telling.pairs(request, &assignment).await?,
        unmatched: telling.unmatched(request, &assignment),
        mentors: telling.mentors(),
        left_out: in_order(people.absent_mentors.iter().map(|absent| {
            let left_out = LeftOut { mentor: named(absent), because: of_obstacle(&absent.obstacle) };
            (absent.at, left_out)
        })),
        relaxed: relaxed.collect(),
        blocking: BlockingPairs { count: blocking.len(), pairs: listed.collect() },
    })
}

struct Telling<'a> {
    people: &'a Arc<People>,
    nominations: &'a Nominations,
    /// How many mentees each mentor has.
    taken: &'a [u32],
    least: i64,
}

impl Telling<'_> {
    async fn pairs(&self, request: &CohortRequest, assignment: &Assignment) -> Result<Vec<CohortPair>, SearchError> {
        let People { pool, mentees, mentors, .. } = &**self.people;
        let pairs: Vec<(usize, Edge)> =
            assignment.of.iter().enumerate().filter_map(|(mentee, edge)| Some((mentee, (*edge)?))).collect();
        let mut told = Vec::with_capacity(pairs.len());
        for pairs in pairs.chunks(TOGETHER) {
            let records = pairs.iter().map(|(mentee, _)| Arc::clone(&mentees[*mentee].record)).collect();
            let seeking = pool.seeking(records, request.most_candidates(), request.exchange).await?;
            let chosen =
                pairs.iter().map(|(_, Edge { mentor, .. })| (*mentor, Arc::clone(&mentors[*mentor as usize].record)));
            let hits = pool.hits(seeking, chosen.collect()).await?;
            for ((mentee, edge), hit) in pairs.iter().zip(hits) {
                let nominated = &self.nominations.of[*mentee];
                let locked = nominated.locked.as_ref();
                let mut breaks = locked.map_or(Vec::new(), |(_, breaks)| breaks.clone());
                let match_ = self.match_of(*mentee, edge);
                breaks.extend((match_ < self.least).then_some(Rule::Minimum));
                let pair = CohortPair {
                    mentee: shown(&mentees[*mentee].record.member),
                    mentor: hit.member,
                    match_: hit.match_,
                    score: request.exchange.then_some(hit.score),
                    confided: Some(of_millionths(edge.match_ - match_)).filter(|confided| *confided > 0.0),
                    locked: locked.is_some(),
                    breaks,
                    contributions: hit.contributions,
                    points_in_common: hit.points_in_common,
                    back: hit.back,
                    alternatives: self.alternatives(nominated, Some(edge.mentor)),
                };
                told.push((mentees[*mentee].at, pair));
            }
        }
        Ok(in_order(told.into_iter()))
    }

    fn unmatched(&self, request: &CohortRequest, assignment: &Assignment) -> Vec<Unmatched> {
        let People { mentees, absent_mentees, .. } = &**self.people;
        let absent = absent_mentees.iter().map(|absent| {
            let text = format!("They cannot be matched: {}", obstacle(&absent.obstacle));
            let reasons = vec![alone(of_obstacle(&absent.obstacle), text)];
            let mentee = named(absent);
            (absent.at, Unmatched { mentee, reasons, allowed: 0, compared: 0, alternatives: Vec::new() })
        });
        let without = mentees.iter().enumerate().filter(|(mentee, _)| assignment.of[*mentee].is_none());
        let without = without.map(|(mentee, Person { record, at })| {
            let nominated = &self.nominations.of[mentee];
            let unmatched = Unmatched {
                mentee: shown(&record.member),
                reasons: self.reasons(request, nominated),
                allowed: nominated.allowed,
                compared: candidates(nominated).count(),
                alternatives: self.alternatives(nominated, None),
            };
            (*at, unmatched)
        });
        in_order(absent.chain(without))
    }

    /// Why somebody who may be matched has nobody: what came nearest first.
    fn reasons(&self, request: &CohortRequest, nominated: &Nominated) -> Vec<CohortReason> {
        if self.people.mentors.is_empty() {
            return vec![alone(Because::NoMentors, "No mentor of the cohort may be matched".into())];
        }
        let mut reasons = Vec::new();
        let compared = candidates(nominated).count();
        let of_all = if compared < nominated.allowed {
            format!(" (the best {compared} of {} were compared)", nominated.allowed)
        } else {
            String::new()
        };
        let (enough, below): (Vec<&Compared>, Vec<&Compared>) =
            candidates(nominated).partition(|compared| compared.match_ >= self.least);
        if let Some(best) = enough.first() {
            let named: Vec<HitMember> =
                enough.iter().take(NAMED).map(|compared| self.mentor(compared.mentor)).collect();
            let names: Vec<&str> = named.iter().map(|mentor| mentor.name.as_deref().unwrap_or(&mentor.id)).collect();
            let (count, more) = (enough.len(), enough.len() - names.len());
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let text = format!("Full: {}{more}{of_all}", names.join(", "));
            let best = Some(of_millionths(best.match_));
            reasons.push(CohortReason { because: Because::Capacity, text, mentors: Some(count), best, named });
        }
        if let Some(best) = below.first() {
            let best = of_millionths(best.match_);
            let least = request.minimum;
            let text = format!("Below the minimum of {least}: {}, the best with {best}{of_all}", mentors(below.len()));
            let (mentors, best) = (Some(below.len()), Some(best));
            reasons.push(CohortReason { because: Because::Minimum, text, mentors, best, named: Vec::new() });
        }
        let Nominated { broken, silent, known, blocked, .. } = nominated;
        let [employers, languages, clocks] = *broken;
        let [_, no_language, no_clock] = *silent;
        let said = |silent: bool, own: &'static str, theirs: &'static str| if silent { own } else { theirs };
        for (because, count, what) in [
            (Because::NotSameEmployer, employers, "Have worked for an employer of theirs"),
            (
                Because::LanguageInCommon,
                languages,
                said(no_language, "They state no language to have in common", "State no language of theirs"),
            ),
            (
                Because::TimeZoneGap,
                clocks,
                said(no_clock, "They state no time zone", "Too far away by the clock, or stating no time zone"),
            ),
            (Because::Known, *known, "Friends or colleagues of theirs already"),
            (Because::Blocked, *blocked, "Blocked by either side"),
        ] {
            if count > 0 {
                let text = format!("{what}: {}", mentors(count));
                reasons.push(CohortReason { mentors: Some(count), ..alone(because, text) });
            }
        }
        if reasons.is_empty() {
            // There is but one, and it is they themselves.
            reasons.push(alone(Because::NoMentors, "The cohort has no other mentor than themselves".into()));
        }
        reasons
    }

    /// The best mentors besides the one they have, and what stands in the way.
    fn alternatives(&self, nominated: &Nominated, has: Option<u32>) -> Vec<CohortAlternative> {
        let others = candidates(nominated).filter(|compared| Some(compared.mentor) != has).take(ALTERNATIVES);
        let alternative = |compared: &Compared| {
            let full = self.taken[compared.mentor as usize] >= self.people.places[compared.mentor as usize];
            let because =
                if compared.match_ < self.least { Some(Because::Minimum) } else { full.then_some(Because::Capacity) };
            CohortAlternative { mentor: self.mentor(compared.mentor), match_: of_millionths(compared.match_), because }
        };
        others.map(alternative).collect()
    }

    fn mentors(&self) -> Vec<CohortMentor> {
        let People { mentors, places, .. } = &**self.people;
        in_order(mentors.iter().zip(places).zip(self.taken).map(|((Person { record, at }, places), taken)| {
            (*at, CohortMentor { mentor: shown(&record.member), places: *places, taken: *taken })
        }))
    }

    /// The match alone of a pair that was chosen by that and by what both confided.
    fn match_of(&self, mentee: usize, edge: &Edge) -> i64 {
        let mut compared = self.nominations.of[mentee].compared.iter();
        compared.find(|compared| compared.mentor == edge.mentor).map_or(edge.match_, |compared| compared.match_)
    }

    fn mentor(&self, number: u32) -> HitMember {
        shown(&self.people.mentors[number as usize].record.member)
    }
}

/// Those whom no rule but minimum and capacity keeps from a mentee, the best first.
fn candidates(nominated: &Nominated) -> impl Iterator<Item = &Compared> {
    nominated.compared.iter().filter(|compared| compared.chosen & 1 != 0)
}

fn of_millionths(match_: i64) -> f64 {
    match_ as f64 / 1e6
}

/// A reason that is about nobody else.
fn alone(because: Because, text: String) -> CohortReason {
    CohortReason { because, text, mentors: None, best: None, named: Vec::new() }
}

fn mentors(count: usize) -> String {
    if count == 1 { "1 mentor".to_owned() } else { format!("{count} mentors") }
}

/// What is told in the order of the request.
fn in_order<T>(told: impl Iterator<Item = (usize, T)>) -> Vec<T> {
    let mut told: Vec<(usize, T)> = told.collect();
    told.sort_by_key(|(at, _)| *at);
    told.into_iter().map(|(_, told)| told).collect()
}

/// Somebody who may not be matched, as far as they may be shown.
fn named(absent: &Absent) -> HitMember {
    let unknown = || HitMember { id: absent.id.clone(), name: None, headline: None };
    absent.record.as_ref().map_or_else(unknown, |stored| shown(&stored.member))
}

/// What keeps somebody from being matched at all, in words.
pub(super) fn obstacle(obstacle: &Obstacle) -> &'static str {
    match of_obstacle(obstacle) {
        Because::Minor => "not of age, or not saying so",
        Because::Paused => "paused",
        Because::Role => "not of the role that the list is for",
        _ => "nobody of this id is stored",
    }
}

fn of_obstacle(obstacle: &Obstacle) -> Because {
    match obstacle {
        Obstacle::Minor => Because::Minor,
        Obstacle::Paused => Because::Paused,
        Obstacle::Role => Because::Role,
        _ => Because::Unknown,
    }
}
