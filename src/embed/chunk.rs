//! Where a text that is longer than the model reads is split.

use std::ops::Range;

/// The version of the rule below, part of [`crate::embed::Model::id`]: a new rule gives other vectors.
pub(crate) const CHUNKING: u32 = 1;

/// One token of a text, specials left out: where it starts, in bytes, and which word it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub start: usize,
    pub word: u32,
}

/// Splits a text into ranges of bytes that cover it without gap or overlap, each of at most `room` tokens.
///
/// Ranges are filled from the left and end before the first word that does not fit; a word that is longer than a whole
/// range is split between tokens. The vectors of the pieces are pooled by [`crate::embed::UnitVector::weighted_mean`],
/// weighted by their numbers of tokens.
pub(crate) fn split(text: &str, tokens: &[Token], room: usize) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let (mut first, mut start) = (0, 0);
    while tokens.len() - first > room {
        let full = first + room;
        let word = tokens[full].word;
        let boundary = tokens[first..full].iter().rposition(|token| token.word != word).map(|at| first + at + 1);
        let next = boundary.unwrap_or(full);
        // A token may start inside a character (byte-level vocabularies do that); a piece may not.
        let end = text.floor_char_boundary(tokens[next].start);
        if end > start {
            pieces.push(start..end);
            start = end;
        }
        first = next;
    }
    pieces.push(start..text.len());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Tokens as bytes: words split by spaces, one token a byte.
    fn tokens(text: &str) -> Vec<Token> {
        let mut word = 0;
        let mut tokens = Vec::new();
        for (start, letter) in text.bytes().enumerate() {
            if letter == b' ' {
                word += 1;
            } else {
                tokens.push(Token { start, word });
            }
        }
        tokens
    }

    #[test]
    fn pieces_end_at_words_where_they_can() {
        for (text, room, pieces) in [
            ("", 3, vec![""]),
            ("ab cd", 4, vec!["ab cd"]),
            ("ab cd ef", 4, vec!["ab cd ", "ef"]),
            ("ab cde", 4, vec!["ab ", "cde"]),
            ("a bcdefgh", 4, vec!["a ", "bcde", "fgh"]),
            ("éé", 1, vec!["é", "é"]),
        ] {
            let found: Vec<&str> = split(text, &tokens(text), room).into_iter().map(|piece| &text[piece]).collect();
            assert_eq!(found, pieces, "{text:?} by {room}");
        }
    }

    proptest! {
        #[test]
        fn pieces_cover_the_text_and_fit(text in "[a-c ]{0,60}", room in 1usize..9) {
            let pieces = split(&text, &tokens(&text), room);
            prop_assert_eq!(pieces.iter().map(|piece| &text[piece.clone()]).collect::<String>(), text.clone());
            for piece in pieces {
                prop_assert!(tokens(&text[piece]).len() <= room);
            }
        }
    }
}
