//! The most gain that pairs can bring: a minimum-cost flow from mentees to mentors' places, by shortest augmenting paths.
//!
//! Mentees come in one after the other. Each takes the cheapest of all chains "I take this place, whoever had it takes
//! that one, …" that ends at a free place or at somebody who stays out (Jonker and Volgenant, "A shortest augmenting path
//! algorithm for dense and sparse linear assignment problems", 1987; with several places to a mentor, and the right to
//! stay out). Prices of places and utilities of mentees are kept such that nobody gains more than their utility at those
//! prices: they bound every other assignment, so they prove this one to be the best (Σ gains = Σ utilities + Σ places ·
//! prices).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::intake::Edge;

const NONE: u32 = u32::MAX;
const UNREACHED: i64 = i64::MAX;

/// Who has which place, and the prices that prove it the best.
pub(super) struct Flow {
    /// For each mentee the place in its list of candidates; nothing for those who stay out.
    pub(super) of: Vec<Option<usize>>,
    /// What a place costs, for each mentor: at least 0, and 0 where a place is free.
    #[cfg_attr(not(test), expect(dead_code, reason = "the proof is for tests"))]
    pub(super) prices: Vec<i64>,
    /// What each mentee gains beyond the price: at least 0, and 0 for those who stay out.
    #[cfg_attr(not(test), expect(dead_code, reason = "the proof is for tests"))]
    pub(super) utilities: Vec<i64>,
}

impl Flow {
    /// How many mentees have a place.
    pub(super) fn matched(&self) -> usize {
        self.of.iter().flatten().count()
    }
}

/// The assignment with the greatest sum of gains. `gain` is what a candidate brings, at least 0; nothing where they must
/// not be paired. Sums of gains along a chain have to fit into an `i64`.
pub(super) fn most_gain(candidates: &[&[Edge]], places: &[u32], gain: impl Fn(&Edge) -> Option<i64>) -> Flow {
    let mut flow = Augmenting::over(candidates, places, gain);
    (0..candidates.len()).for_each(|mentee| flow.admit(mentee as u32));
    let of = (flow.of.iter().zip(&flow.starts))
        .map(|(arc, _)| (*arc != NONE).then(|| flow.arcs[*arc as usize].listed as usize));
    Flow { of: of.collect(), prices: flow.price, utilities: flow.utility }
}

/// A mentee's candidate.
struct Arc {
    mentor: u32,
    /// Its place in the mentee's list.
    listed: u32,
    gain: i64,
}

/// Where a chain ends.
enum End {
    /// At a free place.
    Free(u32),
    /// At a mentee who stays out.
    Out(u32),
}

struct Augmenting {
    /// The arcs of mentee i are those from `starts[i]` to `starts[i + 1]`.
    starts: Vec<u32>,
    arcs: Vec<Arc>,
    /// Free places of each mentor.
    free: Vec<u32>,
    /// Who has a place with each mentor.
    holders: Vec<Vec<u32>>,
    /// The arc of each mentee who has a place.
    of: Vec<u32>,
    price: Vec<i64>,
    utility: Vec<i64>,
    // Of one search. What a chain to a mentor costs, and the mentee and arc it comes by.
    distance: Vec<i64>,
    by: Vec<(u32, u32)>,
    reached: Vec<u32>,
    settled: Vec<u32>,
    queue: BinaryHeap<Reverse<(i64, u32)>>,
}

impl Augmenting {
    fn over(candidates: &[&[Edge]], places: &[u32], gain: impl Fn(&Edge) -> Option<i64>) -> Augmenting {
        let mut starts = vec![0];
        let mut arcs = Vec::with_capacity(candidates.iter().map(|list| list.len()).sum());
        for list in candidates {
            let of_list = list.iter().enumerate().filter_map(|(listed, edge)| {
                let gain = gain(edge).filter(|_| places[edge.mentor as usize] > 0)?;
                Some(Arc { mentor: edge.mentor, listed: listed as u32, gain })
            });
            arcs.extend(of_list);
            starts.push(arcs.len() as u32);
        }
        let mentors = places.len();
        Augmenting {
            starts,
            arcs,
            free: places.to_vec(),
            holders: vec![Vec::new(); mentors],
            of: vec![NONE; candidates.len()],
            price: vec![0; mentors],
            utility: vec![0; candidates.len()],
            distance: vec![UNREACHED; mentors],
            by: vec![(NONE, NONE); mentors],
            reached: Vec::new(),
            settled: Vec::new(),
            queue: BinaryHeap::new(),
        }
    }

    /// Lets a mentee in, by the cheapest chain.
    fn admit(&mut self, mentee: u32) {
        let arcs = &self.arcs[self.starts[mentee as usize] as usize..self.starts[mentee as usize + 1] as usize];
        let utility = arcs.iter().map(|arc| arc.gain - self.price[arc.mentor as usize]).max().unwrap_or(0).max(0);
        self.utility[mentee as usize] = utility;
        let mut best = (utility, End::Out(mentee));
        self.reach(mentee, 0, &mut best);
        while let Some(Reverse((distance, mentor))) = self.queue.pop() {
            if distance >= best.0 {
                break;
            }
            if distance > self.distance[mentor as usize] {
                continue;
            }
            self.settled.push(mentor);
            for at in 0..self.holders[mentor as usize].len() {
                let holder = self.holders[mentor as usize][at];
                let out = distance + self.utility[holder as usize];
                if out < best.0 {
                    best = (out, End::Out(holder));
                }
                self.reach(holder, distance, &mut best);
            }
        }
        let (cost, end) = best;
        self.utility[mentee as usize] -= cost;
        for at in 0..self.settled.len() {
            let mentor = self.settled[at] as usize;
            let more = cost - self.distance[mentor];
            if more > 0 {
                self.price[mentor] += more;
                self.holders[mentor].iter().for_each(|holder| self.utility[*holder as usize] -= more);
            }
        }
        self.take(mentee, &end);
        self.reached.drain(..).for_each(|mentor| self.distance[mentor as usize] = UNREACHED);
        self.settled.clear();
        self.queue.clear();
    }

    /// Looks from a mentee, whom a chain of this cost leads to, at every mentor they could have.
    fn reach(&mut self, mentee: u32, distance: i64, best: &mut (i64, End)) {
        let utility = distance + self.utility[mentee as usize];
        for at in self.starts[mentee as usize]..self.starts[mentee as usize + 1] {
            let Arc { mentor, gain, .. } = self.arcs[at as usize];
            let to = utility - gain + self.price[mentor as usize];
            let known = &mut self.distance[mentor as usize];
            if to >= best.0 || to >= *known {
                continue;
            }
            if *known == UNREACHED {
                self.reached.push(mentor);
            }
            *known = to;
            self.by[mentor as usize] = (mentee, at);
            if self.free[mentor as usize] > 0 {
                *best = (to, End::Free(mentor));
            } else {
                self.queue.push(Reverse((to, mentor)));
            }
        }
    }

    /// Moves everybody along the chain that begins with a mentee.
    fn take(&mut self, mentee: u32, end: &End) {
        let mut mentor = match *end {
            End::Free(mentor) => {
                self.free[mentor as usize] -= 1;
                mentor
            }
            End::Out(out) if out == mentee => return,
            End::Out(out) => self.leave(out),
        };
        loop {
            let (taker, arc) = self.by[mentor as usize];
            let left = (taker != mentee).then(|| self.leave(taker));
            self.of[taker as usize] = arc;
            self.holders[mentor as usize].push(taker);
            match left {
                Some(left) => mentor = left,
                None => return,
            }
        }
    }

    /// Takes a mentee out of their place, and says with whom it was.
    fn leave(&mut self, mentee: u32) -> u32 {
        let arc = std::mem::replace(&mut self.of[mentee as usize], NONE);
        let mentor = self.arcs[arc as usize].mentor;
        self.holders[mentor as usize].retain(|holder| *holder != mentee);
        mentor
    }
}
