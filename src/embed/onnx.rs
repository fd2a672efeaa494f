//! The embedder on fastembed and ONNX Runtime.

use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use fastembed::TextEmbedding;
use tokenizers::Tokenizer;

use crate::embed::chunk::{self, Token};
use crate::embed::pool::Pool;
use crate::embed::{EmbedError, Embedder, Model, NotAVector, UnitVector};

/// The most tokens that are run at once. Measured from 128 to 8192: 256 to 1024 are fastest, memory grows with the
/// number, and a query that comes in during bulk work waits for a batch of this size (about 50 ms).
const BATCH_TOKENS: usize = 512;

/// What a run costs whatever is in it, in tokens: 1.5 ms where a token costs .24 ms, with sessions of one thread. A text is
/// padded where that costs less than a run of its own.
const RUN_TOKENS: usize = 6;

/// Below so many texts the calling thread finds their lengths by itself: starting a thread costs as much as
/// tokenising a few of them.
const TEXTS_A_THREAD: usize = 64;

/// Loads ONNX Runtime's library into the process; the first one loaded stays. The caller has checked the file: loading
/// a broken library can hang or abort.
pub(crate) fn start_runtime(library: &Path) -> Result<(), EmbedError> {
    // ort looks for a relative path beside the executable first.
    let absolute = std::path::absolute(library)
        .map_err(|source| EmbedError::Read { path: library.display().to_string(), source })?;
    // Not to be built: fastembed makes the environment, and there can be only one.
    let _unused = ort::init_from(&absolute).map_err(|error| EmbedError::Runtime {
        path: library.display().to_string(),
        source: error.to_string().into(),
    })?;
    // Tokenising in rayon's pool could wait for a worker that itself waits, in `embed`, for a session: we share the
    // texts out by ourselves.
    tokenizers::utils::parallelism::set_parallelism(false);
    Ok(())
}

/// A model in single-threaded sessions.
///
/// Texts are run in batches of nearly equal length: a padded batch costs as much as its longest text in every row. What is
/// padded is masked, so that a text's vector is the same. One session a core, each with one thread, beats one session with
/// many for texts this short.
pub(crate) struct OnnxEmbedder {
    model: Model,
    tokenizer: Tokenizer,
    sessions: Pool<TextEmbedding, EmbedError>,
}

/// A stretch of a text that the model reads at once.
struct Piece {
    text: usize,
    range: Range<usize>,
    /// Specials included.
    tokens: usize,
    /// Specials left out: what the piece weighs in its text.
    weight: usize,
}

impl OnnxEmbedder {
    /// An embedder of up to `threads` sessions. The first is here, the others are made when there is work for them.
    pub fn new(
        model: Model,
        mut first: TextEmbedding,
        threads: usize,
        make: impl Fn() -> Result<TextEmbedding, EmbedError> + Send + Sync + 'static,
    ) -> Result<Self, EmbedError> {
        let session_error = |source| EmbedError::Session { model: model.name.clone(), source };
        read_whole(&mut first).map_err(session_error)?;
        let mut tokenizer = first.tokenizer.clone();
        // Lengths are those of the texts.
        tokenizer.with_padding(None);
        let name = model.name.clone();
        let sessions = Pool::new(first, threads, move || {
            let mut session = make()?;
            read_whole(&mut session).map_err(|source| EmbedError::Session { model: name.clone(), source })?;
            Ok(session)
        });
        Ok(OnnxEmbedder { model, tokenizer, sessions })
    }

    /// The pieces of texts `first..`, in order.
    fn pieces(&self, first: usize, texts: &[&str]) -> Result<Vec<Piece>, EmbedError> {
        let mut pieces = Vec::with_capacity(texts.len());
        for (at, text) in texts.iter().enumerate() {
            self.split(first + at, text, 0..text.len(), &mut pieces)?;
        }
        Ok(pieces)
    }

    fn split(&self, text: usize, whole: &str, range: Range<usize>, pieces: &mut Vec<Piece>) -> Result<(), EmbedError> {
        let part = &whole[range.clone()];
        let encoding = self.tokenizer.encode(part, true).map_err(|source| self.failed(part.len(), source))?;
        let tokens: Vec<Token> = encoding
            .get_word_ids()
            .iter()
            .zip(encoding.get_offsets())
            .filter_map(|(word, &(start, _))| word.map(|word| Token { start, word }))
            .collect();
        let room = self.model.max_tokens.saturating_sub(encoding.len() - tokens.len()).max(1);
        let parts = chunk::split(part, &tokens, room);
        if parts.len() == 1 {
            pieces.push(Piece { text, range, tokens: encoding.len(), weight: tokens.len() });
            return Ok(());
        }
        // Each part is measured by itself, because a vocabulary may read a word differently at a text's start; one
        // that then is too long is split again.
        for inner in parts {
            self.split(text, whole, range.start + inner.start..range.start + inner.end, pieces)?;
        }
        Ok(())
    }

    /// The pieces of all texts, tokenised on as many threads as there are sessions.
    fn all_pieces(&self, texts: &[&str]) -> Result<Vec<Piece>, EmbedError> {
        let threads = self.sessions.limit().min(texts.len() / TEXTS_A_THREAD).max(1);
        let share = texts.len().div_ceil(threads).max(1);
        let shares: Vec<_> = texts.chunks(share).enumerate().collect();
        let found = on_threads(threads, shares.len(), |at| {
            let (at, texts) = shares[at];
            self.pieces(at * share, texts)
        })?;
        Ok(found.into_iter().flatten().collect())
    }

    fn run(&self, texts: &[&str], batch: &[Piece]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let parts: Vec<&str> = batch.iter().map(|piece| &texts[piece.text][piece.range.clone()]).collect();
        let longest = parts.iter().map(|part| part.len()).max().unwrap_or_default();
        let vectors = self
            .sessions
            .with(|session| session.embed(&parts, Some(parts.len())))?
            .map_err(|source| self.failed(longest, source.into()))?;
        let right = |vector: &Vec<f32>| vector.len() == self.model.dimension;
        if vectors.len() != parts.len() || !vectors.iter().all(right) {
            let problem = format!("expected {} vectors of {} values", parts.len(), self.model.dimension);
            return Err(EmbedError::Answer { model: self.model.name.clone(), problem });
        }
        Ok(vectors)
    }

    fn failed(&self, bytes: usize, source: Box<dyn std::error::Error + Send + Sync>) -> EmbedError {
        EmbedError::Inference { model: self.model.name.clone(), bytes, source }
    }

    fn unusable(&self, problem: NotAVector) -> EmbedError {
        EmbedError::Answer { model: self.model.name.clone(), problem: problem.to_string() }
    }
}

impl Embedder for OnnxEmbedder {
    fn model(&self) -> &Model {
        &self.model
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<UnitVector>, EmbedError> {
        let mut pieces = self.all_pieces(texts)?;
        // Longest first: the last batches to finish are then small, and memory peaks at the start. The sort is stable,
        // so that the batches depend on the texts only.
        pieces.sort_by_key(|piece| std::cmp::Reverse(piece.tokens));
        let batches = batches(&pieces);
        let ran = on_threads(self.sessions.limit(), batches.len(), |at| self.run(texts, batches[at]))?;

        let mut of_text: Vec<Vec<(usize, usize, Vec<f32>)>> = vec![Vec::new(); texts.len()];
        for (batch, vectors) in batches.iter().zip(ran) {
            for (piece, vector) in batch.iter().zip(vectors) {
                of_text[piece.text].push((piece.range.start, piece.weight, vector));
            }
        }
        of_text.into_iter().map(|parts| self.pool(parts)).collect()
    }
}

impl OnnxEmbedder {
    fn pool(&self, mut parts: Vec<(usize, usize, Vec<f32>)>) -> Result<UnitVector, EmbedError> {
        if parts.len() == 1 {
            let vector = parts.pop().map(|(_, _, vector)| vector).unwrap_or_default();
            return UnitVector::new(vector).map_err(|problem| self.unusable(problem));
        }
        // In the text's order, so that the sum is rounded the same way every time.
        parts.sort_by_key(|&(start, _, _)| start);
        let weighted = parts.iter().map(|(_, weight, vector)| (&vector[..], *weight as f32));
        UnitVector::weighted_mean(weighted).ok_or_else(|| self.unusable(NotAVector::Zero))
    }
}

/// Pieces, longest first, in batches that are run at once. The next shorter ones join those before them where padding them
/// costs less than another run.
fn batches(pieces: &[Piece]) -> Vec<&[Piece]> {
    let mut batches = Vec::new();
    let mut rest = pieces;
    while let Some(longest) = rest.first() {
        let mut together = 0;
        for equal in rest.chunk_by(|a, b| a.tokens == b.tokens) {
            if (longest.tokens - equal[0].tokens) * equal.len() >= RUN_TOKENS {
                break;
            }
            together += equal.len();
        }
        let (batch, shorter) = rest.split_at(together);
        batches.extend(batch.chunks((BATCH_TOKENS / longest.tokens.max(1)).max(1)));
        rest = shorter;
    }
    batches
}

/// Turns off what fastembed sets up to cut: every piece fits.
fn read_whole(session: &mut TextEmbedding) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    session.tokenizer.with_truncation(None)?;
    Ok(())
}

/// Does jobs `0..jobs` on up to `threads` threads, the caller's among them, and gives what they return in order of the
/// jobs. After a failure no further job is begun; the error of the first failed job is returned.
///
/// Not rayon: a worker that waits for a session would take up another job in the meantime, which waits for the same one.
fn on_threads<R: Send, E: Send>(
    threads: usize,
    jobs: usize,
    job: impl Fn(usize) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    if jobs <= 1 || threads <= 1 {
        return (0..jobs).map(job).collect();
    }
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= jobs {
                return done;
            }
            let result = job(at);
            if result.is_err() {
                next.store(jobs, Ordering::Relaxed);
            }
            done.push((at, result));
        }
    };
    let mut done = std::thread::scope(|scope| {
        // Threads that the system refuses are done without.
        let helpers: Vec<_> = (1..threads.min(jobs))
            .map_while(|_| std::thread::Builder::new().name("embed".into()).spawn_scoped(scope, work).ok())
            .collect();
        let mut done = work();
        for helper in helpers {
            done.extend(helper.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        done
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(tokens: &[usize]) -> Vec<Vec<usize>> {
        let piece = |&tokens: &usize| Piece { text: 0, range: 0..1, tokens, weight: tokens };
        let pieces: Vec<Piece> = tokens.iter().map(piece).collect();
        batches(&pieces).iter().map(|batch| batch.iter().map(|piece| piece.tokens).collect()).collect()
    }

    #[test]
    fn a_text_is_padded_where_that_costs_less_than_another_run() {
        assert_eq!(lengths(&[]), [[0; 0]; 0]);
        assert_eq!(lengths(&[9, 8, 7, 3]), [vec![9, 8, 7], vec![3]]);
        assert_eq!(lengths(&[12, 10, 10, 10, 9]), [vec![12], vec![10, 10, 10, 9]], "two tokens each are six");
        // As wide as the longest, no batch is larger than one may be.
        let many = lengths(&[vec![201; 5], vec![200; 5]].concat());
        assert_eq!(many, [vec![201; 2], vec![201; 2], vec![201, 200], vec![200; 2], vec![200; 2]]);
    }
}
