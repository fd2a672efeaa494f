//! What members keep private and let the organisers of a cohort use: what a mentee faces against what a mentor overcame.
//!
//! It stands beside the match, which rests on what everybody may see, and no reason tells of it: organisers learn how much it adds
//! to a pair, and never what it is.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::features::Comparison;
use super::records::Record;
use super::rerank::Ranked;
use super::seeker::Need;
use super::view::View;
use super::weights::{Feature, Weights, contribution};
use super::{SearchError, Searcher};
use crate::embed::UnitVector;
use crate::index::encode::Phrase;
use crate::index::floor::above;
use crate::index::vectors::dot;
use crate::member::Member;
use crate::member::fold::Key;

/// A phrase with its vector, where the model covers it.
type Said = (Key, Option<Arc<[f32]>>);

/// What a cohort's mentors confided, by their numbers, and who of all members consented.
#[derive(Default)]
pub(super) struct Confided {
    consenting: HashSet<String>,
    overcame: HashMap<u32, Vec<Said>>,
}

impl Confided {
    /// Of the mentors whose records these are, in the order of their numbers.
    pub(super) async fn of(
        searcher: &Searcher,
        mentors: &[&Arc<Record>],
        consenting: HashSet<String>,
    ) -> Result<Confided, SearchError> {
        let mut phrases: Vec<(u32, Vec<Phrase>)> = Vec::new();
        for (number, stored) in (0..).zip(mentors) {
            if let Some(open) = opened(&stored.member, "overcame", &consenting) {
                phrases.push((number, searcher.encoder.encode_seeker(&open).overcame));
            }
        }
        let said: Vec<&Phrase> = phrases.iter().flat_map(|(_, phrases)| phrases).collect();
        let vectors = searcher.embed_missing(&said).await?;
        let of_mentor = |(number, phrases): (u32, Vec<Phrase>)| {
            let said = phrases.iter().map(|phrase| (phrase.key, vector(&searcher.view, phrase, &vectors)));
            (number, said.collect())
        };
        Ok(Confided { consenting, overcame: phrases.into_iter().map(of_mentor).collect() })
    }

    /// What each of these who seek confided of what they face.
    pub(super) async fn facing(
        &self,
        searcher: &Searcher,
        seeking: &[Arc<Record>],
    ) -> Result<Vec<Vec<Need>>, SearchError> {
        let phrases = |stored: &Arc<Record>| {
            let open = opened(&stored.member, "facing", &self.consenting);
            open.map_or(Vec::new(), |open| searcher.encoder.encode_seeker(&open).facing)
        };
        let phrases: Vec<Vec<Phrase>> = seeking.iter().map(phrases).collect();
        let said: Vec<&Phrase> = phrases.iter().flatten().collect();
        let vectors = searcher.embed_missing(&said).await?;
        let snapshot = &searcher.view.snapshot;
        let need = |phrase: &Phrase| {
            let vector = vector(&searcher.view, phrase, &vectors);
            let floor = |vector: &[f32]| snapshot.backgrounds.phrases.floor(&snapshot.vectors, vector);
            let (key, said, floor) = (phrase.key, phrase.said.clone(), vector.as_deref().map_or(1.0, floor));
            Need { key, said, vector, floor, rarity: 1.0 }
        };
        Ok(phrases.iter().map(|phrases| phrases.iter().map(need).collect()).collect())
    }

    /// What it adds to a match, in millionths: so much as the pair would have more of the feature if nothing of it were private.
    pub(super) fn adds(
        &self,
        comparison: &Comparison<'_>,
        facing: &[Need],
        mentor: u32,
        ranked: &Ranked,
        weights: &Weights,
    ) -> i64 {
        let own = self.overcame.get(&mentor).map_or(&[][..], Vec::as_slice);
        if facing.is_empty() && own.is_empty() {
            return 0;
        }
        let view = comparison.view;
        let shown = view.overcame(ranked.slot).map(|(key, row)| (key, view.vector(row)));
        let overcame: Vec<(Key, Option<&[f32]>)> =
            shown.chain(own.iter().map(|(key, vector)| (*key, vector.as_deref()))).collect();
        let value = |need: &Need| {
            let cosine = |(key, theirs): &(Key, Option<&[f32]>)| match (need.key == *key, &need.vector, theirs) {
                (true, ..) => 1.0,
                (false, Some(vector), Some(theirs)) => dot(vector, theirs),
                _ => -1.0,
            };
            above(overcame.iter().map(cosine).fold(-1.0, f32::max), need.floor)
        };
        let closest = comparison.seeker.facing.iter().chain(facing).map(value).fold(0.0, f32::max);
        let weight = weights.of(Feature::OvercameWhatIFace);
        let shown = ranked.values[Feature::OvercameWhatIFace as usize];
        let more = contribution(closest, weight) - contribution(shown, weight);
        (more * 1e6).round().max(0.0) as i64
    }
}

/// A member's record with a private field opened, where they keep it private and consented to that.
fn opened(member: &Member, field: &str, consenting: &HashSet<String>) -> Option<Member> {
    if !member.keeps_private(field) || !consenting.contains(member.id.as_str()) {
        return None;
    }
    let mut opened = member.clone();
    opened.private.retain(|private| private != field);
    Some(opened)
}

fn vector(view: &View, phrase: &Phrase, vectors: &HashMap<Key, UnitVector>) -> Option<Arc<[f32]>> {
    phrase.embedded.as_ref()?;
    let stored = || view.find(phrase.key).and_then(|row| view.vector(row)).map(Arc::from);
    vectors.get(&phrase.key).map(|vector| Arc::from(&vector[..])).or_else(stored)
}

impl Searcher {
    /// The vectors of those phrases that the view has none of. A model is run for them; nothing of it is stored, though a
    /// service's memory of texts sought lately has them until others take their place.
    async fn embed_missing(&self, phrases: &[&Phrase]) -> Result<HashMap<Key, UnitVector>, SearchError> {
        let missing = phrases.iter().filter(|phrase| self.view.find(phrase.key).is_none());
        let missing: HashMap<Key, String> =
            missing.filter_map(|phrase| Some((phrase.key, phrase.embedded.clone()?))).collect();
        let mut vectors = HashMap::with_capacity(missing.len());
        let missing: Vec<(Key, String)> = missing.into_iter().collect();
        for texts in missing.chunks(super::cohort::TOGETHER) {
            vectors.extend(self.embed(texts.to_vec()).await?);
        }
        Ok(vectors)
    }
}
