//! When two spellings are the same thing: Unicode and case folding, white space, and the operator's aliases.
//!
//! A [`Key`] stands for a folded text wherever texts are compared for equality (schools, employers, places, languages,
//! interests…). It is a 64-bit hash, so a published generation holds keys and no text.

use std::collections::BTreeMap;

use bytemuck::{Pod, Zeroable};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

/// The first 64 bits of BLAKE3 over a folded text; zero is no text. Two of ten million distinct texts collide with a
/// chance of about three in a million (the birthday bound).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Pod, Zeroable)]
#[repr(transparent)]
pub struct Key(pub u64);

impl Key {
    /// No text.
    pub const NONE: Key = Key(0);

    /// The key of exactly this text, neither folded nor through aliases.
    pub fn of(text: &str) -> Key {
        if text.is_empty() {
            return Key::NONE;
        }
        let hash = blake3::hash(text.as_bytes());
        let first = hash.as_bytes().first_chunk().copied().unwrap_or_default();
        Key(u64::from_le_bytes(first).max(1))
    }
}

/// Compatibility-composed (NFKC), lower-cased text with single spaces and no dots or quotes at its ends.
///
/// ```
/// use rapport::member::fold::fold;
/// assert_eq!(fold("  ＵMass   Amherst. "), fold("umass amherst"));
/// assert_eq!(fold("Straße"), fold("STRASSE"));
/// ```
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        for letter in word.nfkc().flat_map(char::to_lowercase) {
            match letter {
                'ß' => folded.push_str("ss"),
                'ς' => folded.push('σ'),
                '’' => folded.push('\''),
                letter => folded.push(letter),
            }
        }
    }
    folded.trim_matches(|c: char| matches!(c, '.' | ',' | ';' | '"') || c.is_whitespace()).to_owned()
}

/// Other spellings of the same school, employer, place or interest: folded spelling to folded name.
///
/// Written by the operator as a TOML table, `"umass" = "University of Massachusetts"`. A generation keeps a copy in its
/// manifest, so that a query is folded as its members were.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Aliases(BTreeMap<String, String>);

impl Aliases {
    /// Aliases from pairs of a spelling and the name it stands for, both as people write them.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Aliases(pairs.into_iter().map(|(spelling, name)| (fold(&spelling), fold(&name))).collect())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The folded name that a folded spelling stands for; nothing where it is no alias.
    pub fn name_of(&self, spelling: &str) -> Option<&str> {
        self.0.get(spelling).map(String::as_str)
    }

    /// The text folded, or the folded name it is an alias of.
    pub fn folded(&self, text: &str) -> String {
        let folded = fold(text);
        self.0.get(&folded).cloned().unwrap_or(folded)
    }

    /// The key of a text, after folding and aliases.
    pub fn key(&self, text: &str) -> Key {
        Key::of(&self.folded(text))
    }

    /// The key of a text that may be absent; [`Key::NONE`] where it is.
    pub fn key_of(&self, text: Option<&str>) -> Key {
        text.map_or(Key::NONE, |text| self.key(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_that_people_use_for_one_thing_have_one_key() {
        let aliases = Aliases::new([("UMass".into(), "University of Massachusetts".into())]);
        for (left, right) in [
            ("Boston", " boston "),
            ("São Paulo", "SA\u{303}O  PAULO"),
            ("umass", "University of  MASSACHUSETTS"),
            ("Acme Inc.", "acme inc"),
            ("ΟΔΟΣ", "οδος"),
        ] {
            assert_eq!(aliases.key(left), aliases.key(right), "{left} and {right}");
        }
        assert_ne!(aliases.key("Boston"), aliases.key("Austin"));
        assert_eq!(aliases.key(" . "), Key::NONE, "nothing is not a spelling of anything");
    }
}
