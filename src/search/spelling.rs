//! Slips in a query's words. Only keys are known of the members' words, so every word that is one slip away is made up
//! and looked for.

use super::view::View;
use crate::index::words::{Word, key_of};
use crate::member::fold::Key;

/// Shorter words have too many neighbours, longer ones too many variants.
const LETTERS: std::ops::RangeInclusive<usize> = 4..=24;

/// So many words of a query are corrected: each costs a look-up for some fifty variants a letter.
const MOST_CORRECTED: usize = 8;

/// What words that no member has were meant to be, where that can be told: of the words one slip away, the one that most
/// members have. Spellings of aliases are left alone.
pub(super) fn corrected<'a>(unknown: &'a [Word], view: &'a View) -> impl Iterator<Item = Key> + 'a {
    let letters =
        |word: &&Word| LETTERS.contains(&word.said.chars().count()) && word.said.chars().all(char::is_alphabetic);
    let spelled = unknown.iter().filter(letters).filter(|word| key_of(&word.said) == Some(word.key));
    spelled.take(MOST_CORRECTED).filter_map(|word| {
        let having = |key: Key| view.count_with_word(key);
        let keys = variants(&word.said).into_iter().filter_map(|variant| key_of(&variant));
        keys.map(|key| (having(key), key)).filter(|(having, _)| *having > 0).max().map(|(_, key)| key)
    })
}

/// Every word at a distance of one: a letter left out, added or replaced, or two neighbours swapped (Damerau, "A technique
/// for computer detection and correction of spelling errors", 1964). Letters that come in are those of English.
fn variants(word: &str) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    let spelled = |start: &[char], middle: &[char], end: &[char]| [start, middle, end].concat().into_iter().collect();
    let mut variants: Vec<String> = Vec::with_capacity(54 * letters.len() + 26);
    for at in 0..=letters.len() {
        let (start, end) = letters.split_at(at);
        variants.extend(('a'..='z').map(|letter| spelled(start, &[letter], end)));
        let [first, end @ ..] = end else { continue };
        variants.push(spelled(start, &[], end));
        variants.extend(('a'..='z').map(|letter| spelled(start, &[letter], end)));
        if let [second, end @ ..] = end {
            variants.push(spelled(start, &[*second, *first], end));
        }
    }
    variants
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_are_one_slip_away() {
        let variants = variants("nurse");
        for (word, expected) in [
            ("nurs", true),
            ("urse", true),
            ("nurrse", true),
            ("nurses", true),
            ("purse", true),
            ("nruse", true),
            ("nures", true),
            ("nur", false),
            ("surne", false),
            ("nurseys", false),
        ] {
            assert_eq!(variants.iter().any(|variant| variant == word), expected, "{word}");
        }
    }
}
