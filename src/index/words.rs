//! The words of a text as they are compared: folded, aliases resolved, common words left out, and stemmed, so that
//! "nurses" meets "nurse". Members and queries are read by the same code, so equal words have equal keys on both sides.

use frostem::{Algorithm, Stemmer};
use unicode_segmentation::UnicodeSegmentation;

use crate::member::fold::{Aliases, Key, fold};

/// The most words of a spelling that is found inside a text.
const LONGEST_ALIAS: usize = 4;

/// One word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The key of its stem.
    pub key: Key,
    /// As it was said, folded. The words of an alias's name are all said as the alias is spelled.
    pub said: String,
}

/// The words of a text that say something, in its order. A spelling of an alias, of up to four words with single spaces,
/// is read as the words of the name it stands for; the longest of overlapping ones counts.
pub fn words(text: &str, aliases: &Aliases) -> Vec<Word> {
    let folded = fold(text);
    let spoken: Vec<&str> = folded.unicode_words().collect();
    let mut words = Vec::with_capacity(spoken.len());
    let mut rest = &spoken[..];
    while let Some((word, after)) = rest.split_first() {
        if let Some((spelling, name, length)) = alias(rest, aliases) {
            let keys = name.unicode_words().filter_map(key_of);
            words.extend(keys.map(|key| Word { key, said: spelling.clone() }));
            rest = &rest[length..];
        } else {
            words.extend(key_of(word).map(|key| Word { key, said: (*word).to_owned() }));
            rest = after;
        }
    }
    words
}

/// The longest alias that the words begin with: its spelling, the name it stands for, and its number of words.
fn alias<'a>(words: &[&str], aliases: &'a Aliases) -> Option<(String, &'a str, usize)> {
    if aliases.is_empty() {
        return None;
    }
    (1..=words.len().min(LONGEST_ALIAS)).rev().find_map(|length| {
        let spelling = words[..length].join(" ");
        aliases.name_of(&spelling).map(|name| (spelling, name, length))
    })
}

/// The key of a folded word's stem; nothing for a word that says nothing.
///
/// Every word is stemmed as an English one, whatever language the text is in: of a word or two nobody can tell, and a
/// word that is stemmed here and not there would not meet itself. In other languages few words change at all.
pub fn key_of(word: &str) -> Option<Key> {
    says_something(word).then(|| Key::of(&Stemmer::new(Algorithm::English).stem(word))).filter(|key| *key != Key::NONE)
}

/// Whether a folded word is more than a letter and none of the most common ones.
pub fn says_something(word: &str) -> bool {
    (word.chars().count() > 1 || !word.is_ascii()) && !STOPWORDS.contains(&word)
}

/// Words too common to say anything.
const STOPWORDS: &[&str] = &[
    "a", "about", "after", "all", "also", "am", "an", "and", "any", "are", "as", "at", "be", "because", "been", "but",
    "by", "can", "could", "do", "does", "for", "from", "get", "had", "has", "have", "he", "help", "her", "his", "how",
    "i", "i'm", "i've", "if", "in", "into", "is", "it", "its", "just", "like", "looking", "me", "mentor", "more", "my",
    "need", "new", "not", "of", "on", "one", "or", "other", "our", "out", "people", "she", "so", "some", "someone",
    "that", "the", "their", "them", "they", "this", "to", "up", "us", "want", "was", "we", "were", "what", "when",
    "where", "which", "who", "will", "with", "work", "working", "would", "you", "your", "become", "becoming", "find",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str, aliases: &Aliases) -> Vec<Key> {
        words(text, aliases).into_iter().map(|word| word.key).collect()
    }

    #[test]
    fn forms_of_one_word_have_one_key_and_are_said_as_they_were() {
        let none = Aliases::default();
        for (left, right) in [
            ("nurses", "Nurse"),
            ("nursing", "nurse's"),
            ("exams", "the exam"),
            ("Enfermeras", "enfermera"),
            ("看護", "看護"),
            ("I want to become a welder", "WELDERS!"),
        ] {
            assert_eq!(keys(left, &none), keys(right, &none), "{left} and {right}");
        }
        assert_ne!(keys("nurse", &none), keys("purse", &none));
        assert_eq!(keys("who are you to me? a b c", &none), [], "common words and single letters");
        let said: Vec<String> = words("Nurses' EXAMS", &none).into_iter().map(|word| word.said).collect();
        assert_eq!(said, ["nurses", "exams"], "no stem is ever shown");
    }

    #[test]
    fn a_spelling_inside_a_text_is_the_name_it_stands_for() {
        let aliases = Aliases::new(
            [
                ("RN", "Registered Nurse"),
                ("UMass", "University of Massachusetts"),
                ("u mass", "umass"),
                ("IT", "computing"),
            ]
            .map(|(spelling, name)| (spelling.to_owned(), name.to_owned())),
        );
        for (said, meant) in [
            ("I am an RN in Boston", "a registered nurse, Boston"),
            ("RN", "registered nurses"),
            ("studied at UMass Lowell", "studied, University of Massachusetts, Lowell"),
            ("works in IT", "works: computing"),
        ] {
            assert_eq!(keys(said, &aliases), keys(meant, &aliases), "{said}");
        }
        let said: Vec<String> = words("an RN", &aliases).into_iter().map(|word| word.said).collect();
        assert_eq!(said, ["rn", "rn"], "said as it was");
        assert_eq!(
            keys("u mass", &aliases),
            keys("umass", &Aliases::default()),
            "the longest, and no alias of an alias"
        );
    }
}
