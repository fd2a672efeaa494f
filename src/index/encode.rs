//! A member as the index and a query see it: keys for what is compared, texts for what is embedded. Members and queries
//! are encoded by the same code, so both sides always mean the same thing.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::words::{Word, words};
use crate::member::fold::{Aliases, Key};
use crate::member::language::Coverage;
use crate::member::{Member, Place};

/// A short text with a meaning of its own (a profession, an interest, something overcome), compared by its key and by
/// its vector. It is embedded folded, so that each spelling has the same vector.
#[derive(Debug, Clone, PartialEq)]
pub struct Phrase {
    /// What it is compared by.
    pub key: Key,
    /// As the member wrote it.
    pub said: String,
    /// What is embedded; nothing where the model does not cover it.
    pub embedded: Option<String>,
}

/// A longer text of several fields; embedded as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Passage {
    /// The key of exactly this text.
    pub key: Key,
    /// What is embedded.
    pub text: String,
}

/// Where a place is, by keys.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct PlaceKeys {
    /// City or town.
    pub city: Key,
    /// State, province or region.
    pub region: Key,
    /// Country.
    pub country: Key,
}

/// One member encoded.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs, reason = "each field stands for the member's field of the same name")]
pub struct Encoded {
    /// Whether the model covers the profile's language; if not, there are no texts to embed.
    pub covered: bool,
    /// The facet `profile`.
    pub profile: Option<Passage>,
    /// What the member looks for.
    pub wants: Option<Passage>,
    pub profession: Option<Phrase>,
    pub industry: Option<Phrase>,
    pub offers: Option<Phrase>,
    pub aims_for: Option<Phrase>,
    pub seeks: Option<Phrase>,
    pub interests: Vec<Phrase>,
    pub facing: Vec<Phrase>,
    pub overcame: Vec<Phrase>,
    pub employers: Vec<Key>,
    pub schools: Vec<Key>,
    pub fields: Vec<Key>,
    pub languages: Vec<Key>,
    pub groups: Vec<Key>,
    pub location: PlaceKeys,
    pub hometown: PlaceKeys,
    /// Latitude and longitude in degrees.
    pub coordinates: Option<(f32, f32)>,
    pub years_experience: Option<f32>,
    /// Minutes east of UTC, the mean of January's and July's.
    pub utc_offset: Option<i16>,
    /// Distinct words of the profile, each with how often it stands there (255 for more), in the order of their keys.
    pub words: Vec<(Key, u8)>,
}

impl Encoded {
    /// Every phrase.
    pub fn phrases(&self) -> impl Iterator<Item = &Phrase> {
        let single = [&self.profession, &self.industry, &self.offers, &self.aims_for, &self.seeks];
        let lists = [&self.interests, &self.facing, &self.overcame];
        single.into_iter().flatten().chain(lists.into_iter().flatten())
    }

    /// Every text to embed, with its key: the phrases that the model covers, then the passages.
    pub fn texts(&self) -> impl Iterator<Item = (Key, &str)> {
        let phrases = self.phrases().filter_map(|phrase| Some((phrase.key, phrase.embedded.as_deref()?)));
        let passages = [&self.profile, &self.wants].into_iter().flatten();
        phrases.chain(passages.map(|passage| (passage.key, passage.text.as_str())))
    }
}

/// Encodes members for one model and one set of aliases.
#[derive(Debug, Clone)]
pub struct Encoder {
    aliases: Aliases,
    coverage: Coverage,
    profile: Vec<String>,
    wants: Vec<String>,
}

impl Encoder {
    /// An encoder whose passages join the named fields, as the model's manifest lists them.
    pub fn new(aliases: Aliases, coverage: Coverage, profile: Vec<String>, wants: Vec<String>) -> Encoder {
        Encoder { aliases, coverage, profile, wants }
    }

    /// The spellings that are one thing.
    pub fn aliases(&self) -> &Aliases {
        &self.aliases
    }

    /// Encodes a member as other members may know it: its private fields enter nothing.
    pub fn encode(&self, member: &Member) -> Encoded {
        Encoded { words: self.counted_words(&member.public()), ..self.encode_seeker(member) }
    }

    /// The same without the words of the profile, which nobody seeks by.
    pub fn encode_seeker(&self, member: &Member) -> Encoded {
        let member = member.public();
        let prose: Vec<&str> = [&member.headline, &member.about, &member.offers, &member.seeks]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        let covered = self.coverage.covers(&prose.join(". "));
        let phrase = |text: &String| self.phrase(text, covered);
        let list = |texts: &[String]| distinct(texts.iter().filter_map(phrase));
        let keys = |texts: &[String]| self.keys(texts.iter().map(String::as_str));
        let school =
            |part: fn(&crate::member::Education) -> Option<&str>| self.keys(member.education.iter().filter_map(part));
        Encoded {
            covered,
            profile: self.passage(&member, &self.profile, covered),
            wants: self.passage(&member, &self.wants, covered),
            profession: member.profession.as_ref().and_then(phrase),
            industry: member.industry.as_ref().and_then(phrase),
            offers: member.offers.as_ref().and_then(phrase),
            aims_for: member.aims_for.as_ref().and_then(phrase),
            seeks: member.seeks.as_ref().and_then(phrase),
            interests: list(&member.interests),
            facing: list(&member.facing),
            overcame: list(&member.overcame),
            employers: keys(&member.employers),
            schools: school(|school| school.school.as_deref()),
            fields: school(|school| school.field.as_deref()),
            languages: keys(&member.languages),
            groups: keys(&member.groups),
            location: self.place(member.location.as_ref()),
            hometown: self.place(member.hometown.as_ref()),
            coordinates: member
                .location
                .as_ref()
                .and_then(Place::coordinates)
                .map(|(lat, lon)| (lat as f32, lon as f32)),
            years_experience: member.years_experience,
            utc_offset: member.time_zone.as_deref().and_then(utc_offset),
            words: Vec::new(),
        }
    }

    /// A phrase of its own, such as one recognised in a query's text; nothing where there is no letter in it.
    pub fn phrase(&self, text: &str, covered: bool) -> Option<Phrase> {
        let folded = self.aliases.folded(text);
        let key = Key::of(&folded);
        let embedded = (covered && self.coverage.covers(&folded)).then_some(folded);
        (key != Key::NONE).then(|| Phrase { key, said: text.to_owned(), embedded })
    }

    fn keys<'a>(&self, texts: impl Iterator<Item = &'a str>) -> Vec<Key> {
        let mut keys: Vec<Key> = texts.map(|text| self.aliases.key(text)).filter(|key| *key != Key::NONE).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    fn place(&self, place: Option<&Place>) -> PlaceKeys {
        let Some(place) = place else { return PlaceKeys::default() };
        let key = |part: &Option<String>| self.aliases.key_of(part.as_deref());
        PlaceKeys { city: key(&place.city), region: key(&place.region), country: key(&place.country) }
    }

    fn passage(&self, member: &Member, fields: &[String], covered: bool) -> Option<Passage> {
        if !covered {
            return None;
        }
        let texts: Vec<&str> = texts_of(member, fields).collect();
        let text = match texts[..] {
            [] => return None,
            // A single text is a phrase, which is embedded anyway.
            [text] => self.aliases.folded(text),
            _ => texts.join(". "),
        };
        Some(Passage { key: Key::of(&text), text }).filter(|passage| passage.key != Key::NONE)
    }

    /// The words of a text, through this encoder's aliases.
    pub fn words(&self, text: &str) -> Vec<Word> {
        words(text, &self.aliases)
    }

    /// The words of what a member says of themselves, field by field: headline, about, profession, industry, offers,
    /// interests, employers, schools and fields of study. The member is as others may know them.
    pub fn profile_words(&self, member: &Member) -> Vec<Word> {
        let fields = ["headline", "about", "profession", "industry", "offers", "interests", "employers"];
        let studies = member.education.iter().flat_map(|study| [&study.school, &study.field]).flatten();
        let texts = texts_of(member, &fields).chain(studies.map(String::as_str));
        texts.flat_map(|text| self.words(text)).collect()
    }

    fn counted_words(&self, member: &Member) -> Vec<(Key, u8)> {
        let mut keys: Vec<Key> = self.profile_words(member).into_iter().map(|word| word.key).collect();
        keys.sort_unstable();
        keys.chunk_by(|left, right| left == right).map(|same| (same[0], same.len().min(255) as u8)).collect()
    }
}

fn texts_of<'a>(member: &'a Member, fields: &'a [impl AsRef<str>]) -> impl Iterator<Item = &'a str> {
    fields.iter().flat_map(|field| {
        let (single, list): (Option<&String>, &[String]) = match field.as_ref() {
            "headline" => (member.headline.as_ref(), &[]),
            "about" => (member.about.as_ref(), &[]),
            "profession" => (member.profession.as_ref(), &[]),
            "industry" => (member.industry.as_ref(), &[]),
            "aims_for" => (member.aims_for.as_ref(), &[]),
            "seeks" => (member.seeks.as_ref(), &[]),
            "offers" => (member.offers.as_ref(), &[]),
            "interests" => (None, &member.interests),
            "facing" => (None, &member.facing),
            "overcame" => (None, &member.overcame),
            "employers" => (None, &member.employers),
            _ => (None, &[]),
        };
        single.into_iter().chain(list).map(String::as_str)
    })
}

fn distinct(phrases: impl Iterator<Item = Phrase>) -> Vec<Phrase> {
    let mut seen = std::collections::HashSet::new();
    phrases.filter(|phrase| seen.insert(phrase.key)).collect()
}

/// Minutes east of UTC, the mean of January's and July's, so that a gap does not change with the season.
fn utc_offset(name: &str) -> Option<i16> {
    let zone = TimeZone::get(name).ok()?;
    // Midnight UTC of 1 January and 1 July 2026: a fixed year, because a build depends on the members alone.
    let minutes = |second: i64| Some(zone.to_offset(Timestamp::from_second(second).ok()?).seconds() / 60);
    Some(((minutes(1_767_225_600)? + minutes(1_782_864_000)?) / 2) as i16)
}
