//! How a mentor suits a seeker: every feature, computed exactly, each with what it rests on.
//!
//! A feature knows what two people share and nothing about who they are: no ids, no counts of how often somebody was
//! shown or judged. An absent value never matches.

use std::collections::HashMap;

use super::filter::{hours_between, kilometres};
use super::lexical::{self, Term};
use super::seeker::{Need, Seeker, rarity};
use super::view::{FacetName, View};
use super::weights::{Feature, Values};
use crate::index::Slot;
use crate::index::columns::{Attribute, NONE, Relation};
use crate::index::encode::PlaceKeys;
use crate::index::floor::above;
use crate::index::vectors::dot;
use crate::member::fold::Key;

/// The closest phrases of two people.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Closest<'a> {
    /// The seeker's.
    pub(super) need: &'a Need,
    /// The mentor's, by its key.
    pub(super) key: Key,
    /// Between the two; 1 where they are the same phrase.
    pub(super) cosine: f32,
    /// In [0, 1], above the floor.
    pub(super) value: f32,
}

impl PartialEq for Need {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

/// Where two people live, one from the other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Nearness {
    /// Coordinates of both are known.
    Kilometres(f32),
    /// Only the city's name is known.
    SameCity,
    /// Only the region's name is the same.
    SameRegion,
}

/// One seeker against the members of one snapshot.
pub(super) struct Comparison<'a> {
    pub(super) seeker: &'a Seeker,
    pub(super) view: &'a View,
    pub(super) include_known: bool,
}

/// The value from which two different phrases are said to be related.
pub(super) const RELATED: f32 = 0.25;

/// The value from which a clause of a free text is taken to name what somebody overcame.
const NAMED: f32 = 0.15;

/// How many members ahead of the one that is compared what is compared is asked for.
const AHEAD: usize = 2;

/// Cosines of the seeker's interests to phrases met before: interests repeat from candidate to candidate.
#[derive(Default)]
struct Met {
    /// Where those to a phrase begin, by the row of its vector.
    begin: HashMap<u32, usize, foldhash::fast::RandomState>,
    cosines: Vec<f32>,
    /// The greatest cosines of one candidate.
    closest: Vec<f32>,
}

impl<'a> Comparison<'a> {
    /// Every feature's value for each of some members. Feature by feature: what one reads of a member is waited for together
    /// with what it reads of the next ones.
    pub(super) fn values(&self, slots: &[Slot]) -> Vec<Values> {
        let mut values = vec![[0.0; Feature::ALL.len()]; slots.len()];
        let mut met = Met::default();
        // What the seeker lacks nobody shares.
        for &feature in Feature::ALL.iter().filter(|feature| self.possible(**feature)) {
            for (at, (&slot, values)) in slots.iter().zip(&mut values).enumerate() {
                if let Some(&ahead) = slots.get(at + AHEAD) {
                    self.prefetch(feature, ahead);
                }
                values[feature as usize] = self.value(feature, slot, &mut met);
            }
        }
        values
    }

    /// Asks for what a feature compares of a member soon.
    fn prefetch(&self, feature: Feature, slot: Slot) {
        let view = self.view;
        let row = match feature {
            Feature::Profession => view.profession(slot).map(|(_, row)| row),
            Feature::ProfileSimilarity => view.facet_row(FacetName::Profile, slot),
            Feature::InterestSimilarity => view.facet_row(FacetName::Interests, slot),
            Feature::Industry => view.industry(slot).map(|(_, row)| row),
            Feature::SharedInterests => return view.interests(slot).for_each(|(_, row)| view.prefetch(row)),
            Feature::WordsInCommon => return view.prefetch_words(slot),
            Feature::OvercameWhatIFace => return view.overcame(slot).for_each(|(_, row)| view.prefetch(row)),
            _ => None,
        };
        row.into_iter().for_each(|row| view.prefetch(row));
    }

    fn value(&self, feature: Feature, slot: Slot, met: &mut Met) -> f32 {
        let (seeker, view) = (self.seeker, self.view);
        match feature {
            Feature::Profession => self.profession(slot).map_or(0.0, |closest| closest.value),
            Feature::ProfileSimilarity => self.profile_similarity(slot).map_or(0.0, |(_, value)| value),
            Feature::InterestSimilarity => self.interest_similarity(slot).map_or(0.0, |(_, value)| value),
            Feature::SharedInterests => saturated(self.interests_met(slot, met), 1.5),
            Feature::OvercameWhatIFace => self.overcame(slot).map_or(0.0, |closest| closest.value),
            Feature::Industry => self.industry(slot).map_or(0.0, |closest| closest.value),
            Feature::School => self.rarest(Attribute::School, &seeker.encoded.schools, slot),
            Feature::FieldOfStudy => self.rarest(Attribute::FieldOfStudy, &seeker.encoded.fields, slot),
            Feature::Employer => self.rarest(Attribute::Employer, &seeker.encoded.employers, slot),
            Feature::Distance => match self.nearness(slot) {
                // Halves about every 70 km: a day's outing, not a journey.
                Some(Nearness::Kilometres(km)) => (-km / 100.0).exp(),
                Some(Nearness::SameCity) => 1.0,
                Some(Nearness::SameRegion) => 0.2,
                None => 0.0,
            },
            Feature::Hometown => f32::from(self.same_hometown(slot)),
            Feature::Languages => saturated(
                self.shared(Attribute::Language, &seeker.encoded.languages, slot).map(|(_, rarity)| rarity).sum(),
                0.5,
            ),
            Feature::TimeZone => self.hours_apart(slot).map_or(0.0, |hours| (1.0 - hours / 6.0).max(0.0)),
            Feature::FriendsInCommon => {
                saturated(adamic_adar(self.friends_in_common(slot), |slot| view.related(Relation::Friends, slot)), 6.0)
            }
            Feature::ColleaguesInCommon => saturated(
                adamic_adar(self.colleagues_in_common(slot), |slot| view.related(Relation::Colleagues, slot)),
                3.0,
            ),
            Feature::GroupsInCommon => saturated(
                self.shared(Attribute::Group, &seeker.encoded.groups, slot).map(|(_, rarity)| rarity).sum(),
                1.0,
            ),
            Feature::WordsInCommon => {
                let bm25: f32 = self.words_in_common(slot).map(|(_, weight)| weight).sum();
                saturated(bm25 / lexical::of_one_rare_word(view), 2.0)
            }
            Feature::ExperienceGap => {
                self.years_ahead(slot).map_or(0.0, |(own, theirs)| ((theirs - own - 1.0) / 4.0).clamp(0.0, 1.0))
            }
            Feature::AlreadyFriend => f32::from(seeker.friends.binary_search(&slot.0).is_ok()),
            Feature::AlreadyColleague => f32::from(seeker.colleagues.binary_search(&slot.0).is_ok()),
        }
    }

    /// Whether the seeker has what the feature compares.
    fn possible(&self, feature: Feature) -> bool {
        let Seeker { encoded, .. } = self.seeker;
        match feature {
            Feature::Profession => !self.seeker.aims.is_empty(),
            Feature::ProfileSimilarity => self.seeker.wants.is_some(),
            Feature::InterestSimilarity => self.seeker.interest.is_some(),
            Feature::SharedInterests => !self.seeker.interests.is_empty(),
            Feature::OvercameWhatIFace => !self.seeker.facing.is_empty(),
            Feature::Industry => self.seeker.industry.is_some(),
            Feature::School => !encoded.schools.is_empty(),
            Feature::FieldOfStudy => !encoded.fields.is_empty(),
            Feature::Employer => !encoded.employers.is_empty(),
            Feature::Distance => encoded.coordinates.is_some() || encoded.location != PlaceKeys::default(),
            Feature::Hometown => encoded.hometown.city != Key::NONE,
            Feature::Languages => !encoded.languages.is_empty(),
            Feature::TimeZone => encoded.utc_offset.is_some(),
            Feature::FriendsInCommon => !self.seeker.friends.is_empty(),
            Feature::ColleaguesInCommon => !self.seeker.colleagues.is_empty(),
            Feature::GroupsInCommon => !encoded.groups.is_empty(),
            Feature::WordsInCommon => !self.seeker.words.is_empty(),
            Feature::ExperienceGap => encoded.years_experience.is_some(),
            Feature::AlreadyFriend | Feature::AlreadyColleague => self.include_known,
        }
    }

    /// The closest of the seeker's phrases to one of the member's; the same phrase needs no vector.
    fn closest(&self, needs: &'a [Need], key: Key, row: u32) -> Option<Closest<'a>> {
        let theirs = if row == NONE { None } else { self.view.vector(row) };
        let compare = |need: &'a Need| {
            let cosine = if need.key == key { 1.0 } else { dot(need.vector.as_deref()?, theirs?) };
            Some(Closest { need, key, cosine, value: above(cosine, need.floor) })
        };
        needs.iter().filter_map(compare).max_by(closer).filter(|best| best.value > 0.0)
    }

    /// What the seeker aims for against what the member is: the profession, or where none is stated the profile, since a
    /// headline says what somebody does. The key is [`Key::NONE`] then.
    pub(super) fn profession(&self, slot: Slot) -> Option<Closest<'a>> {
        match self.view.profession(slot) {
            Some((key, row)) => self.closest(&self.seeker.aims, key, row),
            None => self.closest(&self.seeker.aims, Key::NONE, self.view.facet_row(FacetName::Profile, slot)?),
        }
    }

    /// The seeker's industry against the member's.
    pub(super) fn industry(&self, slot: Slot) -> Option<Closest<'a>> {
        let (key, row) = self.view.industry(slot)?;
        self.closest(self.seeker.industry.as_slice(), key, row)
    }

    /// What the seeker faces against what the member overcame: the closest pair.
    pub(super) fn overcame(&self, slot: Slot) -> Option<Closest<'a>> {
        let overcame = self.view.overcame(slot);
        let closest = best(overcame.filter_map(|(key, row)| self.closest(&self.seeker.facing, key, row)));
        // A clause of a free text may name something else than a challenge: only a close one is taken for it.
        closest.filter(|closest| !self.seeker.by_text || closest.value >= NAMED)
    }

    /// What the seeker seeks or aims for against what the member offers or is: the closest pair.
    pub(super) fn closest_phrase(&self, slot: Slot) -> Option<Closest<'a>> {
        let phrases = [self.view.offers(slot), self.view.profession(slot)].into_iter().flatten();
        let needs = [&self.seeker.seeks, &self.seeker.aims];
        best(phrases.flat_map(|(key, row)| needs.into_iter().filter_map(move |needs| self.closest(needs, key, row))))
    }

    /// The member's interests that lie near what the seeker is interested in, with their values, closest first.
    pub(super) fn nearest_interests(&self, slot: Slot) -> Vec<(Key, f32)> {
        let Some(sought) = &self.seeker.interest else { return Vec::new() };
        let interests = self.view.interests(slot);
        let value = |(key, row)| Some((key, above(dot(&sought.vector, self.view.vector(row)?), sought.floor)));
        let mut nearest: Vec<(Key, f32)> = interests.filter_map(value).collect();
        nearest.sort_by(|left, right| right.1.total_cmp(&left.1));
        nearest
    }

    /// Cosine and value of what the seeker wants against the member's profile.
    pub(super) fn profile_similarity(&self, slot: Slot) -> Option<(f32, f32)> {
        let sought = self.seeker.wants.as_ref()?;
        let cosine = dot(&sought.vector, self.view.vector(self.view.facet_row(FacetName::Profile, slot)?)?);
        Some((cosine, above(cosine, sought.floor)))
    }

    /// The cosine of one of the seeker's phrases to the member's profile; −1 where there is none.
    pub(super) fn to_profile(&self, need: &Need, slot: Slot) -> f32 {
        let row = self.view.facet_row(FacetName::Profile, slot).and_then(|row| self.view.vector(row));
        need.vector.as_deref().zip(row).map_or(-1.0, |(vector, row)| dot(vector, row))
    }

    /// Cosine and value of the interests as a whole.
    pub(super) fn interest_similarity(&self, slot: Slot) -> Option<(f32, f32)> {
        let sought = self.seeker.interest.as_ref()?;
        let cosine = dot(&sought.vector, self.view.vector(self.view.facet_row(FacetName::Interests, slot)?)?);
        Some((cosine, above(cosine, sought.floor)))
    }

    /// For each of the seeker's interests the member's closest, where one is close at all.
    pub(super) fn shared_interests(&self, slot: Slot) -> impl Iterator<Item = Closest<'a>> {
        self.seeker.interests.iter().filter_map(move |need| {
            best(self.view.interests(slot).filter_map(|(key, row)| self.closest(std::slice::from_ref(need), key, row)))
        })
    }

    /// The sum over the seeker's interests of how close the member's closest is, each by its rarity.
    fn interests_met(&self, slot: Slot, met: &mut Met) -> f32 {
        let needs = &self.seeker.interests;
        let Met { begin, cosines, closest } = met;
        closest.clear();
        closest.resize(needs.len(), -1.0);
        for (key, row) in self.view.interests(slot) {
            let begin = *begin.entry(row).or_insert_with(|| {
                let (begin, theirs) = (cosines.len(), self.view.vector(row));
                let cosine = |need: &Need| need.vector.as_deref().zip(theirs).map_or(-1.0, |(own, row)| dot(own, row));
                cosines.extend(needs.iter().map(cosine));
                begin
            });
            for ((best, need), cosine) in closest.iter_mut().zip(needs).zip(&cosines[begin..]) {
                *best = best.max(if need.key == key { 1.0 } else { *cosine });
            }
        }
        let value = |(need, cosine): (&Need, f32)| above(cosine, need.floor) * (0.4 + 0.6 * need.rarity);
        needs.iter().zip(closest.iter().copied()).map(value).sum()
    }

    /// The member's values of an attribute that the seeker has too, each with its rarity.
    pub(super) fn shared(&self, attribute: Attribute, own: &[Key], slot: Slot) -> impl Iterator<Item = (Key, f32)> {
        let theirs = self.view.keys(attribute, slot);
        let shared = own.iter().filter(move |key| theirs.binary_search(key).is_ok());
        shared.map(move |key| (*key, rarity(self.view, attribute, *key)))
    }

    fn rarest(&self, attribute: Attribute, own: &[Key], slot: Slot) -> f32 {
        self.shared(attribute, own, slot).map(|(_, rarity)| rarity).fold(0.0, f32::max)
    }

    /// The words of the member's profile that the seeker asked for, each with what it adds to the profile's BM25.
    pub(super) fn words_in_common(&self, slot: Slot) -> impl Iterator<Item = (&'a Term, f32)> {
        let view = self.view;
        self.seeker.words.iter().filter_map(move |term| Some((term, term.in_profile(view, slot)?)))
    }

    /// How far apart they live, as exactly as is known. Places of one name in two countries are not one.
    pub(super) fn nearness(&self, slot: Slot) -> Option<Nearness> {
        if let Some(own) = self.seeker.encoded.coordinates
            && let Some(theirs) = self.view.coordinates(slot)
        {
            return Some(Nearness::Kilometres(kilometres(own, theirs)));
        }
        let (own, theirs) = (self.seeker.encoded.location, self.view.location(slot));
        let differ = |own: Key, theirs: Key| own != Key::NONE && theirs != Key::NONE && own != theirs;
        if differ(own.country, theirs.country) || differ(own.region, theirs.region) {
            return None;
        }
        if own.city != Key::NONE && own.city == theirs.city {
            return Some(Nearness::SameCity);
        }
        (own.region != Key::NONE && own.region == theirs.region).then_some(Nearness::SameRegion)
    }

    /// Whether they come from the same town.
    pub(super) fn same_hometown(&self, slot: Slot) -> bool {
        let (own, theirs) = (self.seeker.encoded.hometown, self.view.hometown(slot));
        let agree = |own: Key, theirs: Key| own == Key::NONE || theirs == Key::NONE || own == theirs;
        own.city != Key::NONE
            && own.city == theirs.city
            && agree(own.region, theirs.region)
            && agree(own.country, theirs.country)
    }

    /// Hours between the two clocks.
    pub(super) fn hours_apart(&self, slot: Slot) -> Option<f32> {
        Some(hours_between(self.seeker.encoded.utc_offset?, self.view.utc_offset(slot)?))
    }

    /// Years of experience, the seeker's and the member's.
    pub(super) fn years_ahead(&self, slot: Slot) -> Option<(f32, f32)> {
        Some((self.seeker.encoded.years_experience?, self.view.years_experience(slot)?))
    }

    /// The slots of friends of both.
    pub(super) fn friends_in_common(&self, slot: Slot) -> impl Iterator<Item = Slot> {
        in_both(&self.seeker.friends, self.view.related(Relation::Friends, slot))
            .filter(move |common| self.is_available(*common, slot))
    }

    /// The slots of colleagues of both.
    pub(super) fn colleagues_in_common(&self, slot: Slot) -> impl Iterator<Item = Slot> {
        let common = in_both(&self.seeker.colleagues, self.view.related(Relation::Colleagues, slot));
        common.filter(move |common| self.is_available(*common, slot))
    }

    /// Who may be had in common is of age, not paused, and not blocked by either side. The others are neither counted nor
    /// named.
    fn is_available(&self, common: Slot, slot: Slot) -> bool {
        let blocked = |blocks: &[u32]| blocks.binary_search(&common.0).is_ok();
        self.view.available().contains(common.index())
            && !blocked(&self.seeker.blocks)
            && !blocked(self.view.related(Relation::Blocks, slot))
    }
}

fn best<'a>(pairs: impl Iterator<Item = Closest<'a>>) -> Option<Closest<'a>> {
    pairs.max_by(closer)
}

/// By value, since each phrase has a floor of its own; by cosine where both are equal phrases.
fn closer(left: &Closest<'_>, right: &Closest<'_>) -> std::cmp::Ordering {
    left.value.total_cmp(&right.value).then(left.cosine.total_cmp(&right.cosine))
}

fn in_both<'a>(left: &'a [u32], right: &'a [u32]) -> impl Iterator<Item = Slot> {
    let (few, many) = if left.len() < right.len() { (left, right) } else { (right, left) };
    few.iter().filter(|slot| many.binary_search(slot).is_ok()).map(|slot| Slot(*slot))
}

/// x / (c + x): strictly increasing, below 1 and never cut off.
fn saturated(x: f32, c: f32) -> f32 {
    x / (c + x)
}

/// The sum over common neighbours of 1 / ln(degree): a friend of few says more than a friend of all (Adamic and Adar,
/// "Friends and neighbors on the Web", 2003). A neighbour of one counts as one of two.
pub(super) fn adamic_adar<'a>(common: impl Iterator<Item = Slot>, neighbours: impl Fn(Slot) -> &'a [u32]) -> f32 {
    common.map(|slot| 1.0 / (neighbours(slot).len().max(2) as f32).ln()).sum()
}
