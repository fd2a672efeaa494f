//! One model for many who ask at once: what waits while the model is busy is embedded together, and what was embedded
//! lately is remembered.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quick_cache::sync::Cache;

use super::{EmbedError, Embedder, Model, UnitVector};

/// The most texts embedded together. A call with more is bulk work, and goes to the model by itself.
const TOGETHER: usize = 64;

/// An embedder that batches across callers.
///
/// Nobody waits for a batch to fill: while one runs, on all of the model's threads, callers queue, and the next one takes all
/// of them at once. A lone caller is served as without it.
pub struct Shared {
    model: Arc<dyn Embedder>,
    remembered: Cache<[u8; 32], UnitVector>,
    queue: Mutex<Queue>,
    counts: Counts,
}

#[derive(Default)]
struct Queue {
    running: bool,
    waiting: VecDeque<Waiting>,
}

/// A caller's texts that are not remembered, and where to tell what came of them.
struct Waiting {
    texts: Vec<String>,
    told: SyncSender<Turn>,
    /// Whether they were told to lead.
    leads: bool,
}

enum Turn {
    /// The vectors of one's texts.
    Embedded(Vec<UnitVector>),
    /// The batch before is done: embed what waits, beginning with one's own.
    Lead,
    /// The batch failed, perhaps by another's text: embed one's own alone.
    Alone,
}

#[derive(Debug, Default)]
struct Counts {
    remembered: AtomicU64,
    embedded: AtomicU64,
    batches: AtomicU64,
}

/// What a shared model has done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SharedCounts {
    /// Texts that needed no model run.
    pub remembered: u64,
    /// Texts embedded for callers of few texts.
    pub embedded: u64,
    /// Model runs that they took.
    pub batches: u64,
    /// Callers that wait at the moment.
    pub waiting: usize,
}

impl Shared {
    /// Shares a model, and remembers the vectors of so many texts.
    pub fn new(model: Arc<dyn Embedder>, remembered: usize) -> Shared {
        Shared { model, remembered: Cache::new(remembered), queue: Mutex::default(), counts: Counts::default() }
    }

    /// Forgets every text.
    pub fn forget(&self) {
        self.remembered.clear();
    }

    /// What was done so far.
    pub fn counts(&self) -> SharedCounts {
        let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
        SharedCounts {
            remembered: count(&self.counts.remembered),
            embedded: count(&self.counts.embedded),
            batches: count(&self.counts.batches),
            waiting: self.queue().waiting.len(),
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Nothing panics while the lock is held, so what a poisoned one guards is whole.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Embeds texts together with those of others.
    fn together(&self, texts: Vec<String>) -> Result<Vec<UnitVector>, EmbedError> {
        // Room for the word to lead and for what came of it: nobody who tells has to wait.
        let (told, turn) = sync_channel(2);
        let alone = texts.clone();
        {
            let mut queue = self.queue();
            queue.waiting.push_back(Waiting { texts, told, leads: false });
            if !queue.running {
                queue.running = true;
                drop(queue);
                self.lead();
            }
        }
        loop {
            match turn.recv() {
                Ok(Turn::Embedded(vectors)) => return Ok(vectors),
                Ok(Turn::Lead) => self.lead(),
                Ok(Turn::Alone) | Err(_) => {
                    let texts: Vec<&str> = alone.iter().map(String::as_str).collect();
                    return self.model.embed(&texts);
                }
            }
        }
    }

    /// Embeds what waits, as far as it goes into one batch, and has the next one lead.
    fn lead(&self) {
        let running = Running(self);
        let mut batch = Vec::new();
        {
            let mut queue = self.queue();
            let mut texts = 0;
            while let Some(next) = queue.waiting.front() {
                texts += next.texts.len();
                if texts > TOGETHER && !batch.is_empty() {
                    break;
                }
                batch.extend(queue.waiting.pop_front());
            }
        }
        if batch.is_empty() {
            return;
        }
        let texts: Vec<&str> = batch.iter().flat_map(|waiting| &waiting.texts).map(String::as_str).collect();
        self.counts.batches.fetch_add(1, Ordering::Relaxed);
        self.counts.embedded.fetch_add(texts.len() as u64, Ordering::Relaxed);
        // One text that the model cannot take must not be everybody's.
        let embedded = catch_unwind(AssertUnwindSafe(|| self.model.embed(&texts)));
        drop(running);
        let mut vectors = embedded.ok().and_then(Result::ok).map(Vec::into_iter);
        for Waiting { texts, told, .. } in batch {
            let turn = match &mut vectors {
                Some(vectors) => Turn::Embedded(vectors.by_ref().take(texts.len()).collect()),
                None => Turn::Alone,
            };
            // Whoever asked may be gone.
            let _ = told.send(turn);
        }
    }
}

/// A batch that runs.
struct Running<'a>(&'a Shared);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut queue = self.0.queue();
        match queue.waiting.iter_mut().find(|waiting| !waiting.leads) {
            Some(next) => {
                next.leads = true;
                let _ = next.told.try_send(Turn::Lead);
            }
            None => queue.running = false,
        }
    }
}

impl Embedder for Shared {
    fn model(&self) -> &Model {
        self.model.model()
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<UnitVector>, EmbedError> {
        if texts.len() > TOGETHER {
            return self.model.embed(texts);
        }
        let keys: Vec<[u8; 32]> = texts.iter().map(|text| *blake3::hash(text.as_bytes()).as_bytes()).collect();
        let mut vectors: Vec<Option<UnitVector>> = keys.iter().map(|key| self.remembered.get(key)).collect();
        let new: Vec<usize> = (0..texts.len()).filter(|at| vectors[*at].is_none()).collect();
        self.counts.remembered.fetch_add((texts.len() - new.len()) as u64, Ordering::Relaxed);
        if !new.is_empty() {
            let embedded = self.together(new.iter().map(|at| texts[*at].to_owned()).collect())?;
            for (at, vector) in new.into_iter().zip(embedded) {
                self.remembered.insert(keys[at], vector.clone());
                vectors[at] = Some(vector);
            }
        }
        Ok(vectors.into_iter().flatten().collect())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop")]
mod tests {
    use super::*;
    use crate::embed::{Pooling, Templates};
    use std::time::Duration;

    /// A slow model whose vectors say which text they are of; it fails on texts named so.
    struct Slow(Model, AtomicU64);

    fn slow() -> Slow {
        let (name, content, templates) = ("slow".into(), String::new(), Templates::default());
        let (dimension, max_tokens, pooling, languages) = (2, 8, Pooling::Mean, Vec::new());
        Slow(Model { name, dimension, max_tokens, pooling, languages, templates, content }, AtomicU64::new(0))
    }

    fn vector_of(text: &str) -> UnitVector {
        UnitVector::new(vec![text.len() as f32, text.bytes().map(f32::from).sum()]).unwrap()
    }

    impl Embedder for Slow {
        fn model(&self) -> &Model {
            &self.0
        }

        fn embed(&self, texts: &[&str]) -> Result<Vec<UnitVector>, EmbedError> {
            self.1.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(2));
            assert!(!texts.contains(&"panic"), "asked to");
            if texts.contains(&"fail") {
                return Err(EmbedError::Unknown { name: "fail".into(), known: String::new() });
            }
            Ok(texts.iter().map(|text| vector_of(text)).collect())
        }
    }

    fn shared(remembered: usize) -> (Arc<Slow>, Shared) {
        let model = Arc::new(slow());
        (Arc::clone(&model), Shared::new(model, remembered))
    }

    impl Shared {
        fn is_idle(&self) -> bool {
            let queue = self.queue();
            !queue.running && queue.waiting.is_empty()
        }
    }

    #[test]
    fn many_callers_get_their_own_vectors_in_fewer_runs() {
        let (model, shared) = shared(0);
        std::thread::scope(|scope| {
            for caller in 0..16 {
                let shared = &shared;
                scope.spawn(move || {
                    for turn in 0..20 {
                        let texts: Vec<String> =
                            (0..1 + caller % 5).map(|at| format!("{caller}-{turn}-{at}")).collect();
                        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                        let expected: Vec<UnitVector> = texts.iter().map(|text| vector_of(text)).collect();
                        assert_eq!(shared.embed(&texts).unwrap(), expected);
                    }
                });
            }
        });
        assert!(model.1.load(Ordering::Relaxed) < 16 * 20 / 2);
        assert!(shared.is_idle());
    }

    #[test]
    fn a_text_is_embedded_once_while_it_is_remembered() {
        let (model, shared) = shared(100);
        for _ in 0..3 {
            assert_eq!(shared.embed(&["a", "b"]).unwrap(), [vector_of("a"), vector_of("b")]);
        }
        assert_eq!(model.1.load(Ordering::Relaxed), 1);
        shared.forget();
        shared.embed(&["a"]).unwrap();
        assert_eq!(model.1.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn one_callers_failure_is_nobody_elses() {
        let (_, shared) = shared(0);
        std::thread::scope(|scope| {
            for caller in 0..12 {
                let shared = &shared;
                scope.spawn(move || {
                    for _ in 0..10 {
                        match caller {
                            0 => assert!(shared.embed(&["fail"]).is_err()),
                            1 => assert!(
                                std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| shared.embed(&["panic"])))
                                    .is_err()
                            ),
                            _ => assert_eq!(shared.embed(&["fine"]).unwrap(), [vector_of("fine")]),
                        }
                    }
                });
            }
        });
        assert!(shared.is_idle());
    }
}
