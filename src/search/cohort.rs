//! Many members who seek among the same mentors at once, as the mentees of a cohort do: compared as in a search of each.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;
use std::sync::Arc;

use fixedbitset::FixedBitSet;
use rayon::ThreadPool;
use rayon::prelude::*;

use super::answer::{Hit, HitMember};
use super::confided::Confided;
use super::exchange::{self, Partners};
use super::explain::Explainer;
use super::filter::hours_between;
use super::query::{Query, SearchRequest};
use super::records::Record;
use super::rerank::Ranked;
use super::seeker::{Need, Seeker, Unembedded};
use super::why::Obstacle;
use super::{SearchError, Searcher, retrieve, stopped};
use crate::index::Slot;
use crate::index::columns::flag;
use crate::member::fold::Key;
use crate::member::{Member, Role};

/// Records read in one statement, and texts embedded in one run.
pub(super) const TOGETHER: usize = 1_000;

/// Members' records by their ids.
pub(crate) type RecordsById = HashMap<String, Arc<Record>>;

impl Searcher {
    /// Everyone who has a role, in the order of their slots.
    pub(crate) fn everyone(&self, role: Role) -> Vec<String> {
        let role = if role == Role::Mentor { flag::MENTOR } else { flag::MENTEE };
        let slots = (0..self.view.slots()).map(|slot| Slot(slot as u32));
        slots.filter(|slot| self.view.flags(*slot) & role != 0).map(|slot| self.view.id(slot).to_owned()).collect()
    }

    /// The records of those who are stored, and the last change that was seen.
    pub(crate) async fn read(&self, ids: &[&str]) -> Result<(RecordsById, u64), SearchError> {
        let (mut all, mut last_change) = (RecordsById::with_capacity(ids.len()), self.view.sequence());
        for ids in ids.chunks(TOGETHER) {
            let (found, change) = self.records(ids).await?;
            all.extend(found);
            last_change = last_change.max(change);
        }
        Ok((all, last_change))
    }

    /// How many mentees a mentor takes who does not say.
    pub(crate) fn usual_capacity(&self) -> u32 {
        self.config.programme.capacity
    }

    /// Places that introductions take, by mentor.
    pub(crate) async fn places_taken(&self) -> Result<HashMap<String, u32>, SearchError> {
        Ok(self.store.places_taken(None).await?)
    }

    /// Who consented to the organisers' looking at what they keep private.
    pub(crate) async fn consenting(&self) -> Result<HashSet<String>, SearchError> {
        Ok(self.store.consenting().await?)
    }

    /// What an answer depends on that was made from these records.
    pub(crate) fn state_of(&self, records: &RecordsById, last_change: u64) -> String {
        let overtaken = records.values().any(|stored| stored.change > self.view.sequence());
        self.state_at(if overtaken { last_change } else { self.view.sequence() })
    }

    /// Why somebody may not be matched in a role; nothing where they may. In an exchange no role is asked of anyone, and both are
    /// found, the one by the other.
    pub(crate) fn obstacle(&self, id: &str, record: Option<&Record>, role: Role, exchange: bool) -> Option<Obstacle> {
        let Some(member) = record.map(|record| &record.member) else { return Some(Obstacle::Unknown) };
        if !self.is_adult(member) {
            return Some(Obstacle::Minor);
        }
        if member.paused {
            return Some(Obstacle::Paused);
        }
        if !exchange && !member.is(role) {
            return Some(Obstacle::Role);
        }
        // Who came since the view was made cannot be found in it yet.
        ((exchange || role == Role::Mentor) && !self.holds(id)).then_some(Obstacle::Unknown)
    }

    /// What rules look at: all of the record, private or not.
    pub(crate) fn circumstances(&self, member: &Member) -> Circumstances {
        let Member { employers, languages, time_zone, .. } = member.clone();
        let encoded = self.encoder.encode(&Member { employers, languages, time_zone, ..Member::default() });
        Circumstances { employers: encoded.employers, languages: encoded.languages, utc_offset: encoded.utc_offset }
    }
}

/// A member as others see them in an answer.
pub(crate) fn shown(member: &Member) -> HitMember {
    HitMember::of(&member.public())
}

/// What rules look at.
pub(crate) struct Circumstances {
    employers: Vec<Key>,
    languages: Vec<Key>,
    utc_offset: Option<i16>,
}

impl Circumstances {
    /// Whether they have worked for the same employer. Where none is stated, it is none.
    pub(crate) fn share_an_employer(&self, other: &Circumstances) -> bool {
        share(&self.employers, &other.employers)
    }

    /// Whether they have a language in common. Where none is stated, there is none.
    pub(crate) fn share_a_language(&self, other: &Circumstances) -> bool {
        share(&self.languages, &other.languages)
    }

    /// Hours between their clocks, where both state a time zone.
    pub(crate) fn hours_to(&self, other: &Circumstances) -> Option<f32> {
        Some(hours_between(self.utc_offset?, other.utc_offset?))
    }

    /// Whether a language is stated.
    pub(crate) fn has_language(&self) -> bool {
        !self.languages.is_empty()
    }

    /// Whether a time zone is stated.
    pub(crate) fn has_time_zone(&self) -> bool {
        self.utc_offset.is_some()
    }
}

fn millionths(score: f64) -> i64 {
    (score * 1e6).round() as i64
}

/// Whether two sorted lists have a key in common.
fn share(left: &[Key], right: &[Key]) -> bool {
    left.iter().any(|key| right.binary_search(key).is_ok())
}

/// A stored member who seeks.
pub(crate) struct Seeking {
    record: Arc<Record>,
    query: Query,
    seeker: Seeker,
    /// What they confided of what they face.
    facing: Vec<Need>,
}

/// A mentor compared with who seeks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Compared {
    /// By number.
    pub(crate) mentor: u32,
    /// In millionths; in an exchange the score of both ways.
    pub(crate) match_: i64,
    /// What both confided to the organisers adds to it, in millionths.
    pub(crate) confided: i64,
    /// Of which choices they are among the best, the first in the lowest bit.
    pub(crate) chosen: u8,
}

impl Compared {
    /// What a pair is chosen by.
    pub(crate) fn worth(&self) -> i64 {
        self.match_ + self.confided
    }
}

/// Who is not to be introduced to somebody, by number.
pub(crate) struct Apart {
    /// They themselves, where they are one of the mentors.
    pub(crate) own: Option<u32>,
    /// Those who are blocked by either side.
    pub(crate) blocked: Vec<u32>,
    /// Those whom they know, and do not block.
    pub(crate) known: Vec<u32>,
}

/// The mentors that are sought among, by number. Work is done on threads of its own, off the runtime.
pub(crate) struct Pool {
    searcher: Searcher,
    mentors: Vec<Slot>,
    numbers: HashMap<u32, u32>,
    /// Those whose records are newer than the view.
    newer: Vec<(u32, Arc<Record>)>,
    confided: Confided,
    threads: ThreadPool,
}

impl Pool {
    /// Of mentors who may be matched.
    pub(crate) async fn of(
        searcher: &Searcher,
        records: &[&Arc<Record>],
        consenting: HashSet<String>,
        threads: NonZeroUsize,
    ) -> Result<Arc<Pool>, SearchError> {
        let threads = rayon::ThreadPoolBuilder::new().num_threads(threads.get()).build();
        let threads = threads.map_err(|error| SearchError::Stopped(error.to_string()))?;
        let slot = |stored: &&Arc<Record>| searcher.view.slot(stored.member.id.as_str());
        let mentors: Vec<Slot> = records.iter().filter_map(slot).collect();
        let numbers = mentors.iter().zip(0..).map(|(slot, number)| (slot.0, number)).collect();
        let newer = records.iter().zip(0..).filter(|(stored, _)| stored.change > searcher.view.sequence());
        let newer = newer.map(|(stored, number)| (number, Arc::clone(stored))).collect();
        // What the programme says of mentors at the moment is no part of a cohort, which counts places itself.
        let searcher = searcher.in_epoch(Arc::default());
        let confided = Confided::of(&searcher, records, consenting).await?;
        Ok(Arc::new(Pool { searcher, mentors, numbers, newer, confided, threads }))
    }

    /// Does work on the threads.
    pub(crate) async fn compute<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Pool) -> T + Send + 'static,
    ) -> Result<T, SearchError> {
        let pool = Arc::clone(self);
        let run = move || pool.threads.install(|| work(&pool));
        tokio::task::spawn_blocking(run).await.map_err(|error| stopped(&error))
    }

    /// The mentors as those who seek on the way back of an exchange, from the records that the pool was made of.
    pub(crate) async fn partners(self: &Arc<Self>, records: Vec<Arc<Record>>) -> Result<Partners, SearchError> {
        self.compute(move |pool| Partners::of(&pool.searcher, &records)).await
    }

    /// Some members who seek `k` mentors each, in an exchange or not. A model is run only where what they say is not embedded
    /// yet.
    pub(crate) async fn seeking(
        self: &Arc<Self>,
        members: Vec<Arc<Record>>,
        k: usize,
        exchange: bool,
    ) -> Result<Vec<Seeking>, SearchError> {
        let facing = self.confided.facing(&self.searcher, &members).await?;
        let unembedded = move |pool: &Pool| {
            let Searcher { encoder, view, .. } = &pool.searcher;
            let begin = |stored: &Arc<Record>| {
                let member = Some(stored.member.id.clone());
                let request = SearchRequest { member, k: Some(k), exchange, ..SearchRequest::default() };
                let unembedded = Unembedded::of_member(stored.member.clone(), encoder, view);
                Ok((Arc::clone(stored), Query::try_from(request)?, unembedded))
            };
            members.par_iter().map(begin).collect::<Result<Vec<_>, SearchError>>()
        };
        let unembedded = self.compute(unembedded).await??;
        let missing: HashMap<Key, String> =
            unembedded.iter().flat_map(|(.., unembedded)| unembedded.missing(&self.searcher.view)).collect();
        let missing: Vec<(Key, String)> = missing.into_iter().collect();
        let mut vectors = HashMap::with_capacity(missing.len());
        for texts in missing.chunks(TOGETHER) {
            vectors.extend(self.searcher.embed(texts.to_vec()).await?);
        }
        let embedded =
            move |pool: &Pool| {
                let view = &pool.searcher.view;
                let end = |((record, query, unembedded), facing): ((Arc<Record>, Query, Unembedded), Vec<Need>)| {
                    Seeking { record, query, seeker: unembedded.embedded(view, &vectors), facing }
                };
                unembedded.into_par_iter().zip(facing).map(end).collect()
            };
        self.compute(embedded).await
    }

    /// What rules look at: see [`Searcher::circumstances`].
    pub(crate) fn circumstances(&self, member: &Member) -> Circumstances {
        self.searcher.circumstances(member)
    }

    /// Whom no search of theirs would show.
    pub(crate) fn apart(&self, seeking: &Seeking) -> Apart {
        let seeker = &seeking.seeker;
        let numbers =
            |slots: &[u32]| -> Vec<u32> { slots.iter().filter_map(|slot| self.numbers.get(slot)).copied().collect() };
        let mut blocked = numbers(&seeker.blocks);
        let newly = self.newer.iter().filter(|(_, stored)| stored.member.blocks.contains(&seeker.id));
        blocked.extend(newly.map(|(number, _)| *number));
        let mut known = numbers(&seeker.known);
        known.retain(|number| !blocked.contains(number));
        for list in [&mut blocked, &mut known] {
            list.sort_unstable();
            list.dedup();
        }
        let own = seeker.slot.and_then(|slot| self.numbers.get(&slot.0)).copied();
        Apart { own, blocked, known }
    }

    /// The best of each choice of mentors, as many as are sought, and one more who is asked for; best first. The first
    /// choice is a part of all others. With partners it is by both ways, of those whom the way there brings.
    pub(crate) fn nearest(
        &self,
        seeking: &Seeking,
        choices: &[FixedBitSet],
        also: Option<u32>,
        partners: Option<&Partners>,
    ) -> Vec<Compared> {
        debug_assert!((1..=8).contains(&choices.len()));
        let Seeking { record, query, seeker, facing } = seeking;
        let view = &self.searcher.view;
        let bounds = self.searcher.bounds(query);
        let mut found = FixedBitSet::with_capacity(self.mentors.len());
        for (at, choice) in choices.iter().enumerate() {
            let mut allowed = FixedBitSet::with_capacity(view.slots());
            // What the first choice brings counts for the others: only what they have beyond it is looked for.
            let new = choice.ones().filter(|mentor| at == 0 || !choices[0].contains(*mentor));
            allowed.extend(new.map(|mentor| self.mentors[mentor].index()));
            let candidates = retrieve::candidates(view, seeker, &allowed, &bounds);
            found.extend(candidates.into_iter().map(|slot| self.numbers[&slot.0] as usize));
        }
        found.extend(also.map(|mentor| mentor as usize));
        let slots: Vec<Slot> = found.ones().map(|mentor| self.mentors[mentor]).collect();
        let ranked = self.searcher.reranked(query, seeker, &slots, bounds.seed);
        let comparison = self.searcher.comparison(query, seeker);
        let mut compared: Vec<Compared> = ranked
            .iter()
            .map(|ranked| {
                let mentor = self.numbers[&ranked.slot.0];
                let confided = self.confided.adds(&comparison, facing, mentor, ranked, self.searcher.weights());
                let back = partners.zip(seeker.slot);
                let back = back.map(|(partners, slot)| partners.back(&self.searcher, query, record, slot, mentor));
                let both =
                    |there: i64| back.map_or(there, |back| millionths(exchange::both_ways(there as f64 / 1e6, back)));
                let there = millionths(ranked.score);
                let match_ = both(there);
                Compared { mentor, match_, confided: both(there + confided) - match_, chosen: 0 }
            })
            .collect();
        // Equals stay in their order.
        compared.sort_by_key(|compared| std::cmp::Reverse(compared.worth()));
        let mut left = vec![bounds.k; choices.len()];
        for Compared { mentor, chosen, .. } in &mut compared {
            for (at, (choice, left)) in choices.iter().zip(&mut left).enumerate() {
                if *left > 0 && choice.contains(*mentor as usize) {
                    *left -= 1;
                    *chosen |= 1 << at;
                }
            }
        }
        compared.retain(|compared| compared.chosen > 0 || Some(compared.mentor) == also);
        compared
    }

    /// A mentor for each who seeks, with contributions and points in common.
    pub(crate) async fn hits(
        self: &Arc<Self>,
        seeking: Vec<Seeking>,
        mentors: Vec<(u32, Arc<Record>)>,
    ) -> Result<Vec<Hit>, SearchError> {
        let compare = move |pool: &Pool| {
            let pair = |(seeking, (mentor, stored)): (Seeking, (u32, Arc<Record>))| {
                let slot = pool.mentors[mentor as usize];
                let comparison = pool.searcher.comparison(&seeking.query, &seeking.seeker);
                let ranked = pool.searcher.reranked(&seeking.query, &seeking.seeker, &[slot], 0);
                let named: Vec<String> = comparison.named_in_reasons(slot).map(str::to_owned).collect();
                (seeking, ranked, stored, named)
            };
            seeking.into_par_iter().zip(mentors).map(pair).collect::<Vec<_>>()
        };
        let pairs = self.compute(compare).await?;
        let mut named: Vec<&str> = pairs.iter().flat_map(|(_, _, _, named)| named).map(String::as_str).collect();
        named.sort_unstable();
        named.dedup();
        let (mut records, _) = self.searcher.read(&named).await?;
        // The way back of an exchange finds those who ask.
        let asking = pairs.iter().map(|(seeking, ..)| &seeking.record);
        records.extend(asking.map(|stored| (stored.member.id.to_string(), Arc::clone(stored))));
        let explain = move |pool: &Pool| {
            let Searcher { encoder, .. } = &pool.searcher;
            let hit = |(seeking, ranked, stored, _): &(Seeking, Vec<Ranked>, Arc<Record>, Vec<String>)| {
                let comparison = pool.searcher.comparison(&seeking.query, &seeking.seeker);
                let explainer = Explainer { comparison: &comparison, encoder, records: &records };
                ranked
                    .iter()
                    .map(|ranked| pool.searcher.hit(&seeking.query, ranked, stored, &explainer))
                    .collect::<Vec<_>>()
            };
            pairs.par_iter().flat_map_iter(hit).collect()
        };
        self.compute(explain).await
    }
}
