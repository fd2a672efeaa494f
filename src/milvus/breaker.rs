//! A circuit breaker: what failed a few times in a row is left alone for a while, then tried by one.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So many failures in a row open it.
const MOST: u32 = 3;

/// How long it is left alone.
const PAUSE: Duration = Duration::from_secs(2);

#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    /// When the next one may try, once it is open.
    again: Option<Instant>,
}

impl Breaker {
    /// Whether a call may be made now. Of those who come after the pause the first may.
    pub(super) fn admits(&self, now: Instant) -> bool {
        let mut state = self.state();
        match state.again {
            Some(again) if now < again => false,
            Some(_) => {
                state.again = Some(now + PAUSE);
                true
            }
            None => true,
        }
    }

    /// A call came back.
    pub(super) fn note(&self, went_well: bool, now: Instant) {
        let mut state = self.state();
        if went_well {
            *state = State::default();
            return;
        }
        state.failures = state.failures.saturating_add(1);
        if state.failures >= MOST {
            state.again = Some(now + PAUSE);
        }
    }

    /// Whether calls are not made.
    pub(super) fn is_open(&self) -> bool {
        self.state().again.is_some()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // Nothing panics while the lock is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_again_and_again_is_left_alone_and_then_tried_by_one() {
        let (breaker, begun) = (Breaker::default(), Instant::now());
        for _ in 0..MOST {
            assert!(breaker.admits(begun) && !breaker.is_open());
            breaker.note(false, begun);
        }
        assert!(breaker.is_open() && !breaker.admits(begun + PAUSE / 2));
        assert!(breaker.admits(begun + PAUSE), "one tries");
        assert!(!breaker.admits(begun + PAUSE), "the others do not");
        breaker.note(false, begun + PAUSE);
        assert!(!breaker.admits(begun + PAUSE + PAUSE / 2));
        assert!(breaker.admits(begun + 2 * PAUSE));
        breaker.note(true, begun + 2 * PAUSE);
        assert!(!breaker.is_open() && breaker.admits(begun + 2 * PAUSE));
    }
}
