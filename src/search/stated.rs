//! What a member states as one who seeks. It depends on their record and on how the generation encodes, and not on who else is
//! there: so it is made once for as long as a record is kept.

use std::sync::Arc;

use crate::index::encode::{Encoded, Encoder};
use crate::index::words::Word;
use crate::member::Member;

/// A member's own side of a search.
#[derive(Debug)]
pub(super) struct Stated {
    pub(super) encoded: Arc<Encoded>,
    /// The words of what they aim for, seek, face and are interested in.
    pub(super) words: Vec<Word>,
}

impl Stated {
    pub(super) fn of(member: &Member, encoder: &Encoder) -> Stated {
        let public = member.public();
        let single = [&public.aims_for, &public.seeks].into_iter().flatten();
        let texts = single.chain(&public.facing).chain(&public.interests);
        let words = texts.flat_map(|text| encoder.words(text)).collect();
        Stated { encoded: Arc::new(encoder.encode_seeker(member)), words }
    }
}
