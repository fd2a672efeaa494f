//! Why a mentor was found: each contribution worth saying as a sentence to the seeker, with its evidence.
//!
//! The sentences quote the records as they are now; a phrase that a member has since taken away is not said.

use std::collections::HashMap;
use std::sync::Arc;

use super::answer::{ClosestPhrases, Contribution, Evidence, PointInCommon};
use super::features::{Closest, Comparison, Nearness, RELATED};
use super::lexical::Term;
use super::records::Record;
use super::seeker::Need;
use super::weights::Feature;
use crate::index::Slot;
use crate::index::columns::Attribute;
use crate::index::encode::Encoder;
use crate::member::fold::Key;
use crate::member::{Education, Member};

/// Contributions below this share of the match are not worth saying.
const WORTH_SAYING: f64 = 0.015;

/// Names or values listed in one sentence; the rest is counted.
const MOST_NAMED: usize = 5;

/// Explains hits of one search.
pub(super) struct Explainer<'a> {
    pub(super) comparison: &'a Comparison<'a>,
    pub(super) encoder: &'a Encoder,
    /// The records of hits and of their friends and colleagues in common.
    pub(super) records: &'a HashMap<String, Arc<Record>>,
}

impl Explainer<'_> {
    /// The points in common behind the contributions, in their order.
    pub(super) fn points(&self, slot: Slot, record: &Record, contributions: &[Contribution]) -> Vec<PointInCommon> {
        let member = &*record.member.public();
        let theirs = &Theirs { slot, member, said: record.phrases(member, self.encoder).collect() };
        let total: f64 = contributions.iter().map(|contribution| contribution.contribution).sum();
        let worth = contributions.iter().filter(|contribution| contribution.contribution >= WORTH_SAYING * total);
        let mut points: Vec<PointInCommon> = Vec::new();
        for Contribution { feature, .. } in worth {
            let Some((text, evidence)) = self.say(*feature, theirs) else { continue };
            // Two features may rest on one pair of phrases; it is said once, by the stronger.
            let pair = evidence.closest.first().filter(|_| evidence.closest.len() == 1);
            let said = |point: &PointInCommon| {
                point
                    .evidence
                    .closest
                    .first()
                    .is_some_and(|said| pair.is_some_and(|pair| pair.you == said.you && pair.they == said.they))
            };
            if !points.iter().any(said) {
                points.push(PointInCommon { feature: *feature, text, evidence });
            }
        }
        points
    }

    fn say(&self, feature: Feature, theirs: &Theirs<'_>) -> Option<(String, Evidence)> {
        let Theirs { slot, member, .. } = *theirs;
        let comparison = self.comparison;
        let seeker = comparison.seeker;
        let same = |same: Vec<String>| Evidence { same, ..Evidence::default() };
        let listed = |attribute, own: &[Key], values: Vec<&str>| self.shared_values(attribute, own, slot, &values);
        let schools =
            |part: fn(&Education) -> Option<&str>| member.education.iter().filter_map(part).collect::<Vec<_>>();
        match feature {
            Feature::Profession => {
                let closest = comparison.profession(slot)?;
                let closest = if closest.key == Key::NONE {
                    let they = theirs.introduces()?;
                    ClosestPhrases { you: shortened(&closest.need.said), they, cosine: round(closest.cosine, 4) }
                } else {
                    theirs.phrases(closest)?
                };
                let ClosestPhrases { you, they, cosine } = &closest;
                let text = match (seeker.aims_are_own, seeker.by_text, *cosine >= 1.0) {
                    (true, _, true) => format!("Has your profession: {they}"),
                    (true, _, false) => format!("Close to your profession, {you}: {they}"),
                    (false, true, true) => format!("Is what you name: {they}"),
                    (false, _, true) => format!("Is what you aim for: {they}"),
                    (false, true, false) => format!("Close to \"{you}\": {they}"),
                    (false, _, false) => format!("Close to what you aim for, {you}: {they}"),
                };
                Some((text, of_pair(closest)))
            }
            Feature::ProfileSimilarity => self.say_profile(theirs),
            Feature::InterestSimilarity => self.say_interest_similarity(theirs),
            Feature::SharedInterests => self.say_interests(theirs),
            Feature::OvercameWhatIFace => {
                let closest = theirs.phrases(comparison.overcame(slot)?)?;
                let ClosestPhrases { you, they, .. } = &closest;
                let text = if seeker.by_text {
                    format!("Overcame something near what you say, {you}: {they}")
                } else {
                    format!("Overcame what you face: you, {you}; they, {they}")
                };
                Some((text, of_pair(closest)))
            }
            Feature::Industry => {
                let closest = theirs.phrases(comparison.industry(slot)?)?;
                let text = match closest.cosine >= 1.0 {
                    true => format!("Same industry: {}", closest.they),
                    false => format!("Industries close to one another: you {}; they {}", closest.you, closest.they),
                };
                Some((text, of_pair(closest)))
            }
            Feature::School => {
                let values =
                    listed(Attribute::School, &seeker.encoded.schools, schools(|school| school.school.as_deref()))?;
                Some((format!("Both studied at {}", join(&values, MOST_NAMED)), same(values)))
            }
            Feature::FieldOfStudy => {
                let values =
                    listed(Attribute::FieldOfStudy, &seeker.encoded.fields, schools(|school| school.field.as_deref()))?;
                Some((format!("Both studied {}", join(&values, MOST_NAMED)), same(values)))
            }
            Feature::Employer => {
                let employers = member.employers.iter().map(String::as_str).collect();
                let values = listed(Attribute::Employer, &seeker.encoded.employers, employers)?;
                Some((format!("Both worked at {}", join(&values, MOST_NAMED)), same(values)))
            }
            Feature::Languages => {
                let languages = member.languages.iter().map(String::as_str).collect();
                let values = listed(Attribute::Language, &seeker.encoded.languages, languages)?;
                let noun = if values.len() == 1 { "Language" } else { "Languages" };
                Some((format!("{noun} in common: {}", join(&values, MOST_NAMED)), same(values)))
            }
            Feature::GroupsInCommon => {
                let groups = member.groups.iter().map(String::as_str).collect();
                let values = listed(Attribute::Group, &seeker.encoded.groups, groups)?;
                Some((
                    format!("{} in common: {}", count(values.len(), "group"), join(&values, MOST_NAMED)),
                    same(values),
                ))
            }
            Feature::WordsInCommon => {
                let mut terms: Vec<(&Term, f32)> = comparison.words_in_common(slot).collect();
                terms.sort_by(|left, right| right.1.total_cmp(&left.1).then_with(|| left.0.said.cmp(&right.0.said)));
                let mut words: Vec<String> = Vec::new();
                for word in terms.into_iter().filter_map(|(term, _)| self.spelling(term, member)) {
                    // The words of an alias's name are all said as the alias.
                    if !words.contains(&word) {
                        words.push(word);
                    }
                }
                let noun = if words.len() == 1 { "word" } else { "words" };
                (!words.is_empty())
                    .then(|| (format!("Their profile has your {noun} {}", join(&words, MOST_NAMED)), same(words)))
            }
            Feature::Distance => self.say_distance(slot, member),
            Feature::Hometown => {
                let town = member.hometown.as_ref()?.city.clone()?;
                comparison.same_hometown(slot).then(|| (format!("Both come from {town}"), same(vec![town.clone()])))
            }
            Feature::TimeZone => {
                member.time_zone.as_ref()?;
                let hours = f64::from(comparison.hours_apart(slot)?);
                let text = if hours == 0.0 {
                    "Same time".into()
                } else {
                    format!("{} between your clocks", plural(hours, "hour"))
                };
                Some((text, Evidence { hours: Some(hours), ..Evidence::default() }))
            }
            Feature::FriendsInCommon => {
                self.say_people(comparison.friends_in_common(slot).collect(), "friend", "friends")
            }
            Feature::ColleaguesInCommon => {
                self.say_people(comparison.colleagues_in_common(slot).collect(), "colleague", "colleagues")
            }
            Feature::ExperienceGap => {
                let (own, theirs) = comparison.years_ahead(slot)?;
                member.years_experience?;
                let years = f64::from(theirs - own);
                let text = format!("{} ahead of you in experience", plural(years, "year"));
                Some((text, Evidence { years: Some(round(theirs - own, 1)), ..Evidence::default() }))
            }
            Feature::AlreadyFriend => Some(("You are friends already".into(), Evidence::default())),
            Feature::AlreadyColleague => Some(("You are colleagues already".into(), Evidence::default())),
        }
    }

    fn say_profile(&self, theirs: &Theirs<'_>) -> Option<(String, Evidence)> {
        let Theirs { slot, .. } = *theirs;
        let seeker = self.comparison.seeker;
        let (cosine, _) = self.comparison.profile_similarity(slot)?;
        let closest = self.comparison.closest_phrase(slot).filter(|closest| closest.cosine >= cosine);
        if let Some(closest) = closest.and_then(|closest| theirs.phrases(closest)) {
            let text = format!("Close to what you look for: you, {}; they, {}", closest.you, closest.they);
            return Some((text, of_pair(closest)));
        }
        let they = theirs.introduces()?;
        let you = [&seeker.seeks, &seeker.aims].into_iter().flatten().max_by(|left, right| {
            let cosine = |need: &Need| self.comparison.to_profile(need, slot);
            cosine(left).total_cmp(&cosine(right))
        });
        let (text, you) = match you {
            Some(need) => {
                let you = shortened(&need.said);
                (format!("Close to what you look for: you, {you}; they, {they}"), you)
            }
            None if seeker.interests.is_empty() => {
                (format!("Their profile is close to yours: {they}"), shortened(seeker.headline.as_deref()?))
            }
            None => {
                let yours: Vec<String> = seeker.interests.iter().map(|need| need.said.clone()).collect();
                (format!("Their profile is close to your interests: {they}"), yours.join(", "))
            }
        };
        Some((text, of_pair(ClosestPhrases { you, they, cosine: round(cosine, 4) })))
    }

    /// Those of the member's interests that lie nearest to the seeker's and are not the same.
    fn say_interest_similarity(&self, theirs: &Theirs<'_>) -> Option<(String, Evidence)> {
        let seeker = self.comparison.seeker;
        let (cosine, _) = self.comparison.interest_similarity(theirs.slot)?;
        let nearest = self.comparison.nearest_interests(theirs.slot);
        let near = nearest.iter().filter(|(_, value)| *value >= RELATED);
        let others = near.filter(|(key, _)| !seeker.interests.iter().any(|need| need.key == *key));
        let they: Vec<String> = others.filter_map(|(key, _)| theirs.said(*key)).take(3).collect();
        if they.is_empty() {
            return None;
        }
        let text = if seeker.by_text {
            format!("Interests near what you say: {}", they.join(", "))
        } else {
            format!("Interests near yours: {}", they.join(", "))
        };
        let you: Vec<String> = seeker.interests.iter().map(|need| need.said.clone()).collect();
        let pair = ClosestPhrases { you: you.join(", "), they: they.join(", "), cosine: round(cosine, 4) };
        Some((text, of_pair(pair)))
    }

    fn say_interests(&self, theirs: &Theirs<'_>) -> Option<(String, Evidence)> {
        let mut pairs: Vec<ClosestPhrases> = self
            .comparison
            .shared_interests(theirs.slot)
            .filter(|closest| closest.value >= RELATED)
            .filter_map(|closest| theirs.phrases(closest))
            .collect();
        pairs.sort_by(|left, right| right.cosine.total_cmp(&left.cosine));
        let (same, related): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|pair| pair.cosine >= 1.0);
        let mut said = Vec::new();
        let same: Vec<String> = same.into_iter().map(|pair| pair.they).collect();
        if !same.is_empty() {
            said.push(format!("{} in common: {}", count(same.len(), "interest"), join(&same, MOST_NAMED)));
        }
        let pairs: Vec<String> =
            related.iter().take(3).map(|pair| format!("your {} and their {}", pair.you, pair.they)).collect();
        if !pairs.is_empty() {
            let start = if said.is_empty() { "Related interests" } else { "related" };
            said.push(format!("{start}: {}", join(&pairs, 3)));
        }
        let evidence = Evidence { same, closest: related, ..Evidence::default() };
        (!said.is_empty()).then(|| (said.join("; "), evidence))
    }

    fn say_distance(&self, slot: Slot, member: &Member) -> Option<(String, Evidence)> {
        let theirs = member.location.as_ref()?;
        let place = theirs.city.as_ref().or(theirs.region.as_ref()).or(theirs.country.as_ref());
        let nearness = self.comparison.nearness(slot)?;
        let own_city = self.comparison.seeker.home.as_ref().and_then(|home| home.city.as_deref());
        let text = match (nearness, place) {
            (Nearness::Kilometres(km), Some(place)) if km < 5.0 && own_city == Some(place) => {
                format!("Both live in {place}")
            }
            (Nearness::Kilometres(km), Some(place)) => format!("{km:.0} km from you, in {place}"),
            (Nearness::Kilometres(km), None) => format!("{km:.0} km from you"),
            (Nearness::SameCity, _) => format!("Both live in {}", theirs.city.as_ref()?),
            (Nearness::SameRegion, _) => format!("Both live in {}", theirs.region.as_ref()?),
        };
        let kilometres = match nearness {
            Nearness::Kilometres(km) => Some(round(km, 1)),
            _ => None,
        };
        Some((text, Evidence { kilometres, ..Evidence::default() }))
    }

    /// People in common: those who are available and show their name and their list are named, the others counted.
    fn say_people(&self, common: Vec<Slot>, one: &str, many: &str) -> Option<(String, Evidence)> {
        let mut named = Vec::new();
        let mut members = Vec::new();
        for slot in &common {
            let id = self.comparison.view.id(*slot);
            let Some(record) = self.records.get(id).map(|stored| &stored.member) else { continue };
            // What changed since the generation was built counts at once.
            let available =
                record.adult.unwrap_or(self.comparison.view.snapshot.manifest.adult_when_absent) && !record.paused;
            if available && !record.keeps_private(many) && !record.keeps_private("name") {
                named.push(record.name.clone().unwrap_or_else(|| id.to_owned()));
                members.push(id.to_owned());
            }
        }
        let total = common.len();
        let noun = if total == 1 { one } else { many };
        let names = if named.is_empty() { String::new() } else { format!(": {}", join_of(&named, MOST_NAMED, total)) };
        let evidence = Evidence { members, count: Some(total), ..Evidence::default() };
        (total > 0).then(|| (format!("{total} {noun} in common{names}"), evidence))
    }

    /// A word in common as the seeker said it, or where that was a slip, as the member spells it.
    fn spelling(&self, term: &Term, member: &Member) -> Option<String> {
        let theirs = || self.encoder.profile_words(member).into_iter().find(|word| word.key == term.key);
        term.said.clone().or_else(|| theirs().map(|word| word.said))
    }

    /// The member's own spelling of the values it shares with the seeker, rarest first.
    fn shared_values(&self, attribute: Attribute, own: &[Key], slot: Slot, values: &[&str]) -> Option<Vec<String>> {
        let mut shared: Vec<(Key, f32)> = self.comparison.shared(attribute, own, slot).collect();
        shared.sort_by(|left, right| right.1.total_cmp(&left.1));
        let spelling = |key: Key| values.iter().find(|value| self.encoder.aliases().key(value) == key);
        let said: Vec<String> =
            shared.iter().filter_map(|(key, _)| spelling(*key)).map(|value| (*value).to_owned()).collect();
        (!said.is_empty()).then_some(said)
    }
}

/// The mentor of one hit, with their phrases as they spell them.
struct Theirs<'a> {
    slot: Slot,
    member: &'a Member,
    said: Vec<(Key, &'a str)>,
}

impl Theirs<'_> {
    fn said(&self, key: Key) -> Option<String> {
        self.said.iter().find(|(said, _)| *said == key).map(|(_, said)| (*said).to_owned())
    }

    /// What the mentor says of themselves, shortest first: whatever is in their profile can be quoted.
    fn introduces(&self) -> Option<String> {
        let Member { headline, profession, offers, industry, about, .. } = self.member;
        [headline, profession, offers, industry, about].into_iter().flatten().next().map(|text| shortened(text))
    }

    /// Both sides' words of a closest pair; nothing where the record no longer holds the mentor's.
    fn phrases(&self, closest: Closest<'_>) -> Option<ClosestPhrases> {
        let they = self.said(closest.key)?;
        Some(ClosestPhrases {
            you: shortened(&closest.need.said),
            they: shortened(&they),
            cosine: round(closest.cosine.min(1.0), 4),
        })
    }
}

impl Comparison<'_> {
    /// The members whose names an explanation of this hit may want.
    pub(super) fn named_in_reasons(&self, slot: Slot) -> impl Iterator<Item = &str> {
        let common = self.friends_in_common(slot).chain(self.colleagues_in_common(slot));
        common.map(|slot| self.view.id(slot))
    }
}

/// The beginning of a text that is too long to be quoted whole.
fn shortened(text: &str) -> String {
    const QUOTED: usize = 120;
    match text.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

fn of_pair(closest: ClosestPhrases) -> Evidence {
    Evidence { closest: vec![closest], ..Evidence::default() }
}

fn join(values: &[String], most: usize) -> String {
    join_of(values, most, values.len())
}

/// The first `most` values, and how many of `total` were not named.
fn join_of(values: &[String], most: usize, total: usize) -> String {
    let named = values.len().min(most);
    let list = values[..named].join(", ");
    if total > named { format!("{list} and {} more", total - named) } else { list }
}

pub(super) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

fn plural(number: f64, noun: &str) -> String {
    let number = (number * 10.0).round() / 10.0;
    if number == 1.0 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

pub(super) fn round(value: f32, digits: i32) -> f64 {
    let scale = 10f64.powi(digits);
    (f64::from(value) * scale).round() / scale
}
