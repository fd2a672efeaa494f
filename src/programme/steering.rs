//! What the programme adds to a mentor's matches, or takes off them, for an hour: whether they answer, how full they are, and
//! whether they get more of the attention than most.

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::exposure::{Attention, over_budget};
use super::introduction::{Introduction, Status};
use crate::member::MemberId;
use crate::search::{self, Adjustment};

/// Requests that everybody is credited with at the community's own rate: a new mentor begins there.
const PRIOR: f64 = 3.0;

/// Days without being active after which a mentor counts as having left one request unanswered.
pub const INACTIVE_DAYS: i64 = 90;

/// Less is not worth saying.
const LEAST: f64 = 0.001;

/// What asking in vain costs more than any match is worth.
const FULL: f64 = -1.0;

/// `[programme.steering]`
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Steering {
    /// What lies between a mentor who always answers at once and one who never does.
    pub responsiveness: f64,
    /// What is taken off a mentor whose places are all but taken.
    pub load: f64,
    /// Days after which a request counts half.
    pub half_life_days: u32,
    /// The most that is taken off a mentor who gets more than their budget of the attention.
    pub exposure: f64,
    /// Days over which attention is looked at.
    pub exposure_days: u32,
}

impl Default for Steering {
    fn default() -> Self {
        Steering { responsiveness: 0.1, load: 0.05, half_life_days: 90, exposure: 0.05, exposure_days: 7 }
    }
}

/// Requests to a mentor that were answered or not, each by its age.
#[derive(Debug, Clone, Copy, Default)]
struct Answers {
    credit: f64,
    requests: f64,
}

impl Answers {
    fn add(&mut self, other: Answers) {
        self.credit += other.credit;
        self.requests += other.requests;
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Load {
    taken: u32,
    waiting: u32,
    /// Requests of late, whatever became of them.
    asked: u64,
}

/// What steers: how mentors were asked, seen and here of late.
#[derive(Debug, Default)]
pub struct OfLate {
    /// Every introduction.
    pub introductions: Vec<Introduction>,
    /// Mentors who were not active for [`INACTIVE_DAYS`].
    pub inactive: Vec<MemberId>,
    /// How often each mentor was shown in the last `exposure_days`.
    pub shown: HashMap<MemberId, u64>,
    /// The places that all mentors who may be found have left together.
    pub places_left: u64,
}

impl Steering {
    /// The adjustments of every mentor who has any.
    ///
    /// A request counts by its age, half for each half-life. One that was answered at once earns 1, one at the last moment ½, one
    /// that expired 0. The rate of a mentor is that over their requests and three at the community's own rate; the
    /// adjustment is `responsiveness` times what lies between the two. Whoever is inactive has one request more, of today, that
    /// expired. Places taken, and requests that wait for half, are `load` times their share of the capacity. What is over the
    /// budget of attention is as [`over_budget`] says. Where nobody is ever asked, there are no places to share out.
    pub fn adjustments(
        &self,
        OfLate { introductions, inactive, shown, places_left }: &OfLate,
        capacity: impl Fn(&MemberId) -> u32,
        answer: SignedDuration,
        now: Timestamp,
    ) -> BTreeMap<MemberId, Vec<Adjustment>> {
        let mut of_all = Answers::default();
        let mut mentors: BTreeMap<&MemberId, (Answers, Option<Load>)> = BTreeMap::new();
        for introduction in introductions {
            let (answers, load) = mentors.entry(&introduction.mentor).or_default();
            if let Some(answered) = self.answered(introduction, answer, now) {
                answers.add(answered);
                of_all.add(answered);
            }
            let load = load.get_or_insert_default();
            load.taken += u32::from(introduction.status == Status::Accepted);
            load.waiting += u32::from(introduction.status == Status::Requested);
            let age = now.duration_since(introduction.requested);
            load.asked += u64::from(age < SignedDuration::from_hours(24 * i64::from(self.exposure_days)));
        }
        if introductions.is_empty() {
            return BTreeMap::new();
        }
        for mentor in shown.keys() {
            mentors.entry(mentor).or_default();
        }
        for mentor in inactive {
            mentors.entry(mentor).or_default().0.add(Answers { credit: 0.0, requests: 1.0 });
        }
        let usual = if of_all.requests > 0.0 { of_all.credit / of_all.requests } else { 0.0 };
        let attention = |(mentor, (_, load)): (&&MemberId, &(Answers, Option<Load>))| Attention {
            shown: shown.get(*mentor).copied().unwrap_or_default(),
            requests: load.map_or(0, |load| load.asked),
            places: capacity(mentor).saturating_sub(load.map_or(0, |load| load.taken)),
        };
        let attention: Vec<Attention> = mentors.iter().map(attention).collect();
        let over_budget = over_budget(self.exposure, &attention, *places_left);
        let mut all = BTreeMap::new();
        for ((mentor, (answers, load)), over) in mentors.into_iter().zip(over_budget) {
            let load = load.and_then(|load| self.load(load, capacity(mentor)));
            let adjustments = [self.responsiveness(answers, usual), load, over];
            let adjustments: Vec<Adjustment> = adjustments.into_iter().flatten().collect();
            if !adjustments.is_empty() {
                all.insert(mentor.clone(), adjustments);
            }
        }
        all
    }

    fn answered(&self, introduction: &Introduction, answer: SignedDuration, now: Timestamp) -> Option<Answers> {
        let days = |span: SignedDuration| span.as_secs_f64() / 86_400.0;
        let age = days(now.duration_since(introduction.requested)).max(0.0);
        let weight = 0.5f64.powf(age / f64::from(self.half_life_days));
        let credit = match (introduction.answered, introduction.status) {
            (Some(answered), _) => {
                let took = days(answered.duration_since(introduction.requested)) / days(answer);
                1.0 - took.clamp(0.0, 1.0) / 2.0
            }
            (None, Status::Expired) => 0.0,
            _ => return None,
        };
        Some(Answers { credit: weight * credit, requests: weight })
    }

    fn responsiveness(&self, of: Answers, usual: f64) -> Option<Adjustment> {
        let rate = (of.credit + PRIOR * usual) / (of.requests + PRIOR);
        // Since when somebody is not here is their own business.
        let text = if rate > usual {
            "Answers requests sooner than most"
        } else {
            "Answers requests later than most, or not, or was not here for long"
        };
        adjustment("responsiveness", self.responsiveness * (rate - usual), text.into())
    }

    fn load(&self, Load { taken, waiting, .. }: Load, capacity: u32) -> Option<Adjustment> {
        if taken >= capacity {
            return adjustment(search::FULL, FULL, "Has no free place at the moment".into());
        }
        let share = ((f64::from(taken) + f64::from(waiting) / 2.0) / f64::from(capacity)).min(1.0);
        // How many they are is the mentor's own business.
        let text = if share < 0.5 {
            "Some of their places are taken or asked for"
        } else {
            "Most of their places are taken or asked for"
        };
        adjustment("load", -self.load * share, text.into())
    }
}

pub(super) fn adjustment(reason: &str, amount: f64, text: String) -> Option<Adjustment> {
    let amount = (amount * 1e6).round() / 1e6;
    (amount.abs() >= LEAST).then(|| Adjustment { reason: reason.into(), amount, text })
}

#[cfg(test)]
mod tests {
    use super::super::path::Path;
    use super::*;
    use crate::programme::IntroductionId;

    const DAY: SignedDuration = SignedDuration::from_hours(24);
    const ANSWER: SignedDuration = SignedDuration::from_hours(14 * 24);

    fn asked(mentor: &str, status: Status, answered_after: Option<i32>) -> Introduction {
        let requested = Timestamp::UNIX_EPOCH;
        Introduction {
            id: IntroductionId::random().expect("randomness"),
            mentee: MemberId::new("e").expect("an id"),
            mentor: MemberId::new(mentor).expect("an id"),
            status,
            requested,
            answered: answered_after.map(|days| requested + DAY * days),
            since: requested,
            expires: None,
            reminded: false,
            note: None,
            mentee_shares: Vec::new(),
            mentor_shares: Vec::new(),
            reason: None,
            words: None,
            reports: Vec::new(),
            match_: 0.5,
            state: String::new(),
            cause: None,
            path: Path::later("career"),
        }
    }

    fn of(introductions: &[Introduction], mentor: &str, days: i32) -> BTreeMap<String, f64> {
        let now = Timestamp::UNIX_EPOCH + DAY * days;
        let inactive = vec![MemberId::new("asleep").expect("an id")];
        let introductions = introductions.to_vec();
        let of_late = OfLate { introductions, inactive, shown: HashMap::new(), places_left: 10 };
        let all = Steering::default().adjustments(&of_late, |_| 2, ANSWER, now);
        let theirs = all.into_iter().find(|(id, _)| id.as_str() == mentor).map(|(_, adjustments)| adjustments);
        theirs.unwrap_or_default().into_iter().map(|adjustment| (adjustment.reason, adjustment.amount)).collect()
    }

    #[test]
    fn who_never_answers_sinks_and_rises_again() {
        let declined = |mentor| asked(mentor, Status::Declined, Some(1));
        let mut all = vec![declined("quick"), declined("quick"), declined("other")];
        all.extend((0..4).map(|_| asked("silent", Status::Expired, None)));
        let after_a_month = of(&all, "silent", 30)["responsiveness"];
        assert!(after_a_month < -0.01, "{after_a_month}");
        assert!(of(&all, "quick", 30)["responsiveness"] > 0.01);
        assert!(of(&all, "new", 30).is_empty(), "whom nobody asked is as the community is");
        let mut better = all.clone();
        better.extend((0..4).map(|_| declined("silent")));
        assert!(of(&better, "silent", 30)["responsiveness"] > after_a_month, "answers bring them back");
        let after_years = of(&all, "silent", 1_500).get("responsiveness").copied().unwrap_or_default();
        assert!(after_years > after_a_month / 10.0, "and so does time: {after_years}");
    }

    #[test]
    fn who_was_not_here_for_long_counts_as_answering_less_and_answers_make_up_for_it() {
        let answered = |mentor| asked(mentor, Status::Declined, Some(1));
        let mut all = vec![answered("quick"), answered("other")];
        let asleep = of(&all, "asleep", 30)["responsiveness"];
        // Three at the community's rate and one that was not answered: a quarter of the rate, and a tenth of that.
        assert!((asleep + 0.1 * (27.0 / 28.0) / 4.0).abs() < 1e-6, "{asleep}");
        assert_eq!(of(&all, "asleep", 30).len(), 1, "nobody asked them: they are not full");
        all.extend((0..8).map(|_| answered("asleep")));
        assert!(of(&all, "asleep", 30)["responsiveness"] > asleep / 2.0, "who answers is here");
        assert!(of(&[], "asleep", 30).is_empty(), "where nobody asks, nobody is steered by it");
    }

    #[test]
    fn the_fuller_the_further_down_and_who_is_full_is_last() {
        let accepted = || asked("busy", Status::Accepted, Some(7));
        let load = |introductions: &[Introduction]| of(introductions, "busy", 30).get("load").copied();
        assert_eq!(load(&[asked("busy", Status::Requested, None)]), Some(-0.0125));
        assert_eq!(load(&[accepted()]), Some(-0.025));
        assert_eq!(load(&[accepted(), asked("busy", Status::Requested, None)]), Some(-0.0375));
        assert_eq!(of(&[accepted(), accepted()], "busy", 30).get("full"), Some(&-1.0));
        assert_eq!(load(&[asked("busy", Status::Completed, Some(7))]), None, "what is over takes no place");
    }
}
