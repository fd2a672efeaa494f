//! An embedder for communities that the model would take hours for.
#![allow(dead_code, reason = "not all benches embed")]

use rapport::embed::{EmbedError, Embedder, Model, NotAVector, UnitVector};

/// Adds up random directions of words.
pub struct Words(pub Model);

impl Embedder for Words {
    fn model(&self) -> &Model {
        &self.0
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<UnitVector>, EmbedError> {
        let direction = |word: &str| {
            let mut bytes = vec![0u8; self.0.dimension];
            blake3::Hasher::new().update(word.as_bytes()).finalize_xof().fill(&mut bytes);
            bytes
        };
        let vector = |text: &&str| {
            let mut sum = vec![0f32; self.0.dimension];
            for word in text.split_whitespace() {
                sum.iter_mut().zip(direction(word)).for_each(|(sum, byte)| *sum += f32::from(byte) - 127.5);
            }
            let failed =
                |problem: NotAVector| EmbedError::Answer { model: "words".into(), problem: problem.to_string() };
            UnitVector::new(sum).map_err(failed)
        };
        texts.iter().map(vector).collect()
    }
}
