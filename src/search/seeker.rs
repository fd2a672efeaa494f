//! The one who seeks, in the terms of one snapshot: vectors, keys, friends.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::honest::silent_fields;
use super::lexical::{self, Term};
use super::stated::Stated;
use super::view::View;
use crate::embed::UnitVector;
use crate::index::Slot;
use crate::index::columns::{Attribute, Relation};
use crate::index::encode::{Encoded, Encoder, Passage, Phrase};
use crate::index::floor::Background;
use crate::index::vectors::dot;
use crate::index::words::says_something;
use crate::member::fold::{Key, fold};
use crate::member::{Member, MemberId, Place};

/// A phrase of the seeker's, with its vector where the model covers it.
#[derive(Debug, Clone)]
pub(super) struct Need {
    pub(super) key: Key,
    pub(super) said: String,
    pub(super) vector: Option<Arc<[f32]>>,
    /// The cosine up to which another phrase has nothing to do with it.
    pub(super) floor: f32,
    /// How telling it is that somebody has it too, in [0, 1].
    pub(super) rarity: f32,
}

/// What is sought in a facet.
#[derive(Debug)]
pub(super) struct Sought {
    pub(super) vector: Arc<[f32]>,
    /// The cosine up to which a member of the facet has nothing to do with it.
    pub(super) floor: f32,
}

/// The seeker of one search.
#[derive(Debug)]
pub(super) struct Seeker {
    /// Their id; empty for somebody who is not stored.
    pub(super) id: MemberId,
    /// Whom they block.
    pub(super) blocked: Vec<MemberId>,
    /// Their place in the snapshot, where they are in it.
    pub(super) slot: Option<Slot>,
    /// Whether they spoke in free text.
    pub(super) by_text: bool,
    /// What is sought of a mentor's profile.
    pub(super) wants: Option<Sought>,
    /// What is sought of a mentor's interests.
    pub(super) interest: Option<Sought>,
    /// What they aim for; their own profession where they do not say.
    pub(super) aims: Vec<Need>,
    /// Whether `aims` is their own profession.
    pub(super) aims_are_own: bool,
    pub(super) seeks: Vec<Need>,
    pub(super) facing: Vec<Need>,
    pub(super) interests: Vec<Need>,
    pub(super) industry: Option<Need>,
    pub(super) encoded: Arc<Encoded>,
    pub(super) home: Option<Place>,
    /// Fields of theirs that say nothing: see [`silent_fields`]. None of who speaks in free text.
    pub(super) silent: Vec<usize>,
    /// What they say of themselves, for when a profile is compared as a whole.
    pub(super) headline: Option<String>,
    /// The words asked for: of what they aim for, seek, face and are interested in, or of the text.
    pub(super) words: Vec<Term>,
    /// Slots of friends and colleagues, in order.
    pub(super) friends: Vec<u32>,
    pub(super) colleagues: Vec<u32>,
    /// Slots of everyone they know, kept private or not: whom one knows one need not find.
    pub(super) known: Vec<u32>,
    /// Slots blocked by either side.
    pub(super) blocks: Vec<u32>,
}

/// A seeker whose texts are not all embedded yet.
pub(super) struct Unembedded {
    encoded: Arc<Encoded>,
    by_text: bool,
    /// The clauses of a free text; each may name a need, or something faced.
    clauses: Vec<Phrase>,
    /// Professions recognised in a free text.
    recognised: Vec<Phrase>,
    words: Vec<Term>,
    member: Member,
    /// Who is to see the answer, by id, relations and blocks; the seeker, unless stated otherwise.
    viewer: Option<Member>,
}

impl Unembedded {
    /// A member, or the profile of one.
    pub(super) fn of_member(member: Member, encoder: &Encoder, view: &View) -> Unembedded {
        let stated = Stated::of(&member, encoder);
        Unembedded::of_stated(member, &stated, view)
    }

    /// A member of whom it is known already what they state.
    pub(super) fn of_stated(member: Member, stated: &Stated, view: &View) -> Unembedded {
        Unembedded {
            encoded: Arc::clone(&stated.encoded),
            by_text: false,
            clauses: Vec::new(),
            recognised: Vec::new(),
            words: lexical::terms(&stated.words, view),
            member,
            viewer: None,
        }
    }

    /// Free text: known professions and interests are recognised in it, and each clause may name a need of its own.
    pub(super) fn of_text(text: &str, encoder: &Encoder, view: &View) -> Unembedded {
        let mut encoded = encoder.encode(&Member { seeks: Some(text.to_owned()), ..Member::default() });
        encoded.wants = encoded.covered.then(|| Passage { key: Key::of(text), text: text.to_owned() });
        encoded.seeks = None;
        let covered = encoded.covered;
        let phrase = |said: &String| encoder.phrase(said, covered);
        let runs: Vec<(Key, String)> =
            runs_of_words(text).into_iter().map(|run| (encoder.aliases().key(&run), run)).collect();
        let known = |attribute| {
            let is_known = |key: Key| view.count_having(attribute, key) > 0;
            longest(runs.iter().filter(|(key, _)| is_known(*key)).filter_map(|(_, run)| phrase(run)).collect())
        };
        encoded.interests = known(Attribute::Interest);
        let recognised = known(Attribute::Profession);
        let clauses = clauses(text).iter().filter_map(phrase).collect();
        let (encoded, words) = (Arc::new(encoded), lexical::terms(&encoder.words(text), view));
        Unembedded { encoded, by_text: true, clauses, recognised, words, member: Member::default(), viewer: None }
    }

    /// Has a stored member see the answer: whom they know and block, and who they are, is theirs; what is sought stays.
    pub(super) fn seen_by(&mut self, viewer: Member) {
        self.viewer = Some(viewer);
    }

    /// The texts whose vectors the snapshot does not hold: they need a model run.
    pub(super) fn missing(&self, view: &View) -> Vec<(Key, String)> {
        // What the seeker offers, overcame and is, is compared with nothing.
        let Encoded { aims_for, profession, seeks, industry, interests, facing, wants, profile, .. } = &*self.encoded;
        let single = [aims_for.as_ref().or(profession.as_ref()), seeks.as_ref(), industry.as_ref()];
        let lists = [interests, facing, &self.clauses, &self.recognised];
        let phrases = single.into_iter().flatten().chain(lists.into_iter().flatten());
        let phrases = phrases.filter_map(|phrase| Some((phrase.key, phrase.embedded.as_deref()?)));
        let passage = wants.as_ref().or(profile.as_ref().filter(|_| interests.is_empty()));
        let mut seen = HashSet::new();
        phrases
            .chain(passage.map(|passage| (passage.key, passage.text.as_str())))
            .filter(|(key, _)| view.find(*key).is_none() && seen.insert(*key))
            .map(|(key, text)| (key, text.to_owned()))
            .collect()
    }

    /// What is wanted as a whole as the mean of what is aimed for and sought, each of which has a vector of its own; nothing
    /// where it is one of them alone.
    pub(super) fn wants_by_parts(&self, view: &View) -> Option<(Key, UnitVector)> {
        let Encoded { wants, aims_for, seeks, .. } = &*self.encoded;
        let part = |phrase: &Phrase| view.vector(view.find(phrase.key).filter(|_| phrase.embedded.is_some())?);
        let (aim, sought) = (part(aims_for.as_ref()?)?, part(seeks.as_ref()?)?);
        Some((wants.as_ref()?.key, UnitVector::mean([aim, sought].into_iter())?))
    }

    /// The seeker, once the missing texts have their vectors.
    pub(super) fn embedded(self, view: &View, vectors: &HashMap<Key, UnitVector>) -> Seeker {
        let snapshot = &view.snapshot;
        // With the row that it has in the view.
        let vector = |key: Key| -> Option<(Arc<[f32]>, Option<u32>)> {
            let row = || view.find(key).and_then(|row| Some((Arc::from(view.vector(row)?), Some(row))));
            vectors.get(&key).map(|vector| (Arc::from(&vector[..]), None)).or_else(row)
        };
        let floor = |background: &Background, vector: &[f32], row: Option<u32>| {
            let measured = row.and_then(|row| background.floor_of_row(&snapshot.vectors, row));
            measured.unwrap_or_else(|| background.floor(&snapshot.vectors, vector))
        };
        let phrases = &snapshot.backgrounds.phrases;
        let need = |phrase: &Phrase, attribute: Option<Attribute>| {
            let vector = phrase.embedded.as_ref().and_then(|_| vector(phrase.key));
            Need {
                key: phrase.key,
                said: phrase.said.clone(),
                floor: vector.as_ref().map_or(1.0, |(vector, row)| floor(phrases, vector, *row)),
                rarity: attribute.map_or(1.0, |attribute| rarity(view, attribute, phrase.key)),
                vector: vector.map(|(vector, _)| vector),
            }
        };
        let list =
            |phrases: &[Phrase], attribute| phrases.iter().map(|phrase| need(phrase, attribute)).collect::<Vec<_>>();
        let encoded = &self.encoded;
        let said = encoded.wants.as_ref().and_then(|passage| vector(passage.key));
        let mut interests = list(&encoded.interests, Some(Attribute::Interest));
        if let (true, Some((text, _))) = (self.by_text, &said) {
            // A word that happens to be somebody's interest counts as far as the text is about it.
            for need in &mut interests {
                need.rarity *= need.vector.as_deref().map_or(0.0, |vector| dot(vector, text)).clamp(0.0, 1.0);
            }
        }
        let clauses = list(&self.clauses, None);
        let aims_are_own = !self.by_text && encoded.aims_for.is_none();
        let aims = if !self.recognised.is_empty() {
            list(&self.recognised, None)
        } else if self.by_text {
            clauses.clone()
        } else {
            encoded
                .aims_for
                .iter()
                .chain(encoded.profession.iter().filter(|_| aims_are_own))
                .map(|phrase| need(phrase, None))
                .collect()
        };
        let seeks = encoded.seeks.iter().map(|phrase| need(phrase, None)).chain(clauses.iter().cloned()).collect();
        let facing = encoded.facing.iter().map(|phrase| need(phrase, None)).chain(clauses).collect();
        let spoken = said.as_ref().map(|(vector, _)| &**vector).filter(|_| self.by_text);
        let of_interests = interests.iter().filter_map(|need| need.vector.as_deref()).chain(spoken);
        let of_interests: Option<Arc<[f32]>> = UnitVector::mean(of_interests).map(|mean| Arc::from(&mean[..]));
        let shown = encoded.profile.as_ref().and_then(|passage| vector(passage.key));
        // What is wanted; else what interests; else more of the same.
        let interest = of_interests.map(|vector| (vector, None));
        let wants = said.or_else(|| interest.clone()).or(shown);
        let sought = |(vector, row): (Arc<[f32]>, Option<u32>), background: &Background| Sought {
            floor: floor(background, &vector, row),
            vector,
        };
        let slot_of =
            |member: &Member| Some(member.id.as_str()).filter(|id| !id.is_empty()).and_then(|id| view.slot(id));
        let listed = |member: &Member, ids: &[MemberId], relation: Relation| {
            let mut slots: Vec<u32> = ids.iter().filter_map(|id| view.slot(id.as_str())).map(|slot| slot.0).collect();
            slots.extend(slot_of(member).map_or(&[][..], |slot| view.related(relation, slot)));
            slots.sort_unstable();
            slots.dedup();
            // A damaged list may name slots that do not exist.
            slots.truncate(slots.partition_point(|slot| (*slot as usize) < view.slots()));
            slots
        };
        let viewer = self.viewer.as_ref().unwrap_or(&self.member);
        let blocks = listed(viewer, &viewer.blocks, Relation::Blocks);
        let public = self.member.public();
        Seeker {
            id: viewer.id.clone(),
            blocked: viewer.blocks.clone(),
            slot: slot_of(viewer),
            by_text: self.by_text,
            interest: interest.map(|found| sought(found, &snapshot.backgrounds.interests)),
            wants: wants.map(|found| sought(found, &snapshot.backgrounds.profile)),
            aims,
            aims_are_own,
            seeks,
            facing,
            interests,
            industry: encoded.industry.as_ref().map(|phrase| need(phrase, None)),
            words: self.words,
            friends: listed(&public, &public.friends, Relation::Friends),
            colleagues: listed(&public, &public.colleagues, Relation::Colleagues),
            known: [
                listed(viewer, &viewer.friends, Relation::Friends),
                listed(viewer, &viewer.colleagues, Relation::Colleagues),
            ]
            .concat(),
            blocks,
            silent: if self.by_text { Vec::new() } else { silent_fields(&public) },
            home: public.location.clone(),
            headline: public.headline.clone().or_else(|| public.about.clone()),
            encoded: self.encoded,
        }
    }
}

/// How telling it is to share a value: 1 for one that a single member has, 0 for one that all have
/// (ln(N/df) / ln N, the inverse document frequency scaled to [0, 1]).
pub(super) fn rarity(view: &View, attribute: Attribute, key: Key) -> f32 {
    let members = view.slots().max(2) as f32;
    let having = view.count_having(attribute, key).max(1) as f32;
    ((members / having).ln() / members.ln()).clamp(0.0, 1.0)
}

/// The parts of a text that may each be a need: split at punctuation and at "and", "but" and
/// "because"; the whole where there are more than six.
fn clauses(text: &str) -> Vec<String> {
    let mut clauses: Vec<String> = vec![String::new()];
    for word in text.split_whitespace() {
        if matches!(word.to_lowercase().as_str(), "and" | "but" | "because") {
            clauses.push(String::new());
            continue;
        }
        let ends = word.ends_with(['.', ',', ';', ':', '!', '?']);
        if let Some(clause) = clauses.last_mut() {
            if !clause.is_empty() {
                clause.push(' ');
            }
            clause.push_str(word.trim_end_matches(['.', ',', ';', ':', '!', '?']));
        }
        if ends {
            clauses.push(String::new());
        }
    }
    clauses.retain(|clause| clause.chars().any(char::is_alphanumeric));
    if clauses.len() > 6 {
        return vec![text.to_owned()];
    }
    clauses
}

/// Every run of one to four words of a text, longest first, that does not consist of common words alone.
fn runs_of_words(text: &str) -> Vec<String> {
    use unicode_segmentation::UnicodeSegmentation;
    const LONGEST: usize = 4;
    const MOST_WORDS: usize = 200;
    let said: Vec<&str> = text.unicode_words().take(MOST_WORDS).collect();
    let telling: Vec<bool> = said.iter().map(|word| says_something(&fold(word))).collect();
    let mut runs = Vec::new();
    for length in (1..=LONGEST).rev() {
        for (run, telling) in said.windows(length).zip(telling.windows(length)) {
            if telling.contains(&true) {
                runs.push(run.join(" "));
            }
        }
    }
    runs
}

/// Of recognised phrases, those not inside a longer one: "registered nurse" makes "nurse" redundant.
fn longest(phrases: Vec<Phrase>) -> Vec<Phrase> {
    let mut kept: Vec<Phrase> = Vec::new();
    for phrase in phrases {
        let inside = |longer: &Phrase| {
            format!(" {} ", longer.said.to_lowercase()).contains(&format!(" {} ", phrase.said.to_lowercase()))
        };
        if !kept.iter().any(inside) {
            kept.push(phrase);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_falls_into_its_needs() {
        let text = "I want to become a nurse and I am afraid of the exams.";
        assert_eq!(clauses(text), ["I want to become a nurse", "I am afraid of the exams"]);
        assert_eq!(clauses("nursing"), ["nursing"]);
        assert_eq!(clauses("?! ..."), Vec::<String>::new());
    }

    #[test]
    fn runs_hold_every_phrase_and_no_bare_common_words() {
        let runs = runs_of_words("I want to become a nurse");
        assert!(runs.contains(&"nurse".to_owned()) && runs.contains(&"become a nurse".to_owned()));
        assert!(!runs.contains(&"want to".to_owned()));
    }
}
