//! An intake by numbers, and who is matched with whom: no I/O, and the same for the same numbers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::flow::most_gain;

/// What the best assignment is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Objective {
    /// The greatest sum of matches; of those with the same sum, the most pairs.
    BestTotal,
    /// The most pairs; of those, the greatest sum of matches.
    #[default]
    MostMatched,
    /// The most pairs; of those, the best worst match; of those, the greatest sum. Locked pairs are not looked at.
    Fairest,
}

/// A mentor whom a mentee may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// Whom, by number.
    pub mentor: u32,
    /// Their match in millionths, with what both confided; at least 0 and at most 2·10¹⁰: twenty features, each of the heaviest weight.
    pub match_: i64,
}

/// Who may be matched with whom. Mentees and mentors are numbers; where assignments are equal, the numbers decide, so
/// whoever numbers them had better draw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intake {
    /// How many mentees each mentor takes, locked ones among them.
    pub places: Vec<u32>,
    /// For each mentee the mentors they may have.
    pub candidates: Vec<Vec<Edge>>,
    /// For each mentee the mentor they have in any case.
    pub locked: Vec<Option<Edge>>,
}

/// Who has whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// For each mentee the mentor; nothing for those who have none.
    pub of: Vec<Option<Edge>>,
}

impl Assignment {
    /// How many mentees have a mentor.
    pub fn matched(&self) -> usize {
        self.of.iter().flatten().count()
    }

    /// The sum of the matches, in millionths.
    pub fn total(&self) -> i64 {
        self.of.iter().flatten().map(|edge| edge.match_).sum()
    }

    /// The lowest of the matches, in millionths.
    pub fn worst(&self) -> Option<i64> {
        self.of.iter().flatten().map(|edge| edge.match_).min()
    }

    /// How many mentees each mentor has.
    pub fn taken(&self, mentors: usize) -> Vec<u32> {
        let mut taken = vec![0; mentors];
        self.of.iter().flatten().for_each(|edge| taken[edge.mentor as usize] += 1);
        taken
    }
}

impl Intake {
    /// The best assignment.
    pub fn assign(&self, objective: Objective) -> Assignment {
        let mut places = self.places.clone();
        for edge in self.locked.iter().flatten() {
            let free = &mut places[edge.mentor as usize];
            *free = free.saturating_sub(1);
        }
        let lists = self.candidates.iter().zip(&self.locked);
        let candidates: Vec<&[Edge]> =
            lists.map(|(list, locked)| if locked.is_some() { &[] } else { list.as_slice() }).collect();
        let (candidates, places) = (&candidates[..], &places[..]);
        let flow = match objective {
            Objective::BestTotal => {
                // A pair more is worth less than a millionth more.
                let scale = candidates.len() as i64 + 1;
                most_gain(candidates, places, |edge| Some(edge.match_ * scale + 1))
            }
            Objective::MostMatched => most_matched(candidates, places, 0),
            Objective::Fairest => most_matched(candidates, places, best_worst(candidates, places)),
        };
        let of = self.locked.iter().zip(flow.of).zip(candidates);
        Assignment { of: of.map(|((locked, of), list)| locked.or(of.map(|at| list[at]))).collect() }
    }

    /// The pairs who would both rather have one another than what they have, the best match first: there are none in a
    /// stable assignment. A mentor with a free place would rather have any of the candidates than leave it free. Whoever is
    /// locked is content.
    pub fn blocking_pairs(&self, assignment: &Assignment) -> Vec<(u32, Edge)> {
        let taken = assignment.taken(self.places.len());
        let mut worst = vec![i64::MAX; self.places.len()];
        for (edge, locked) in assignment.of.iter().zip(&self.locked) {
            if let (Some(edge), None) = (edge, locked) {
                let worst = &mut worst[edge.mentor as usize];
                *worst = edge.match_.min(*worst);
            }
        }
        let would_take = |edge: &Edge| {
            let mentor = edge.mentor as usize;
            taken[mentor] < self.places[mentor] || worst[mentor] < edge.match_
        };
        let mut pairs = Vec::new();
        for (mentee, list) in self.candidates.iter().enumerate().filter(|(mentee, _)| self.locked[*mentee].is_none()) {
            let has = assignment.of[mentee].map_or(-1, |edge| edge.match_);
            let better = list.iter().filter(|edge| edge.match_ > has && would_take(edge));
            pairs.extend(better.map(|edge| (mentee as u32, *edge)));
        }
        pairs.sort_by_key(|(_, edge)| std::cmp::Reverse(edge.match_));
        pairs
    }
}

/// The most pairs of at least this match, and of those the greatest sum.
fn most_matched(candidates: &[&[Edge]], places: &[u32], least: i64) -> super::flow::Flow {
    // A pair more is worth more than all that matches can differ by.
    let best = candidates.iter().flat_map(|list| list.iter()).map(|edge| edge.match_).max().unwrap_or(0);
    let pair = best * candidates.len() as i64 + 1;
    most_gain(candidates, places, |edge| (edge.match_ >= least).then_some(edge.match_ + pair))
}

/// The highest match that as many pairs can have, each of them, as there can be pairs at all.
fn best_worst(candidates: &[&[Edge]], places: &[u32]) -> i64 {
    let pairs = |least: i64| most_gain(candidates, places, |edge| (edge.match_ >= least).then_some(1)).matched();
    let mut matches: Vec<i64> = candidates.iter().flat_map(|list| list.iter()).map(|edge| edge.match_).collect();
    matches.sort_unstable();
    matches.dedup();
    let Some(lowest) = matches.first() else { return 0 };
    let most = pairs(*lowest);
    let reached = matches.partition_point(|least| pairs(*least) == most);
    matches[reached.saturating_sub(1)]
}
