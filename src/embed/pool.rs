//! A bounded pool that hands out its items in the order they were asked for.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// At most `limit` items, made when first needed.
///
/// Turns are taken in order: without that, a bulk job that puts an item back and takes it again at once could keep a
/// single query waiting for as long as the job runs.
pub(crate) struct Pool<T, E> {
    make: Box<dyn Fn() -> Result<T, E> + Send + Sync>,
    limit: usize,
    turns: Mutex<Turns<T>>,
    changed: Condvar,
}

struct Turns<T> {
    idle: Vec<T>,
    made: usize,
    /// The next ticket to hand out.
    next: u64,
    /// The ticket whose turn it is.
    serving: u64,
}

impl<T, E> Pool<T, E> {
    /// A pool of at most `limit` items, the first of which is here already.
    pub fn new(first: T, limit: usize, make: impl Fn() -> Result<T, E> + Send + Sync + 'static) -> Self {
        let turns = Turns { idle: vec![first], made: 1, next: 0, serving: 0 };
        Pool { make: Box::new(make), limit: limit.max(1), turns: Mutex::new(turns), changed: Condvar::new() }
    }

    /// The most items there can be.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Lends an item, waiting for one to come back if all are out.
    ///
    /// # Errors
    /// What making a new item failed with.
    pub fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> Result<R, E> {
        let mut loan = self.take();
        let item = match &mut loan.item {
            Some(item) => item,
            missing => missing.insert((self.make)()?),
        };
        Ok(work(item))
    }

    /// An item, or the place of one yet to be made.
    fn take(&self) -> Loan<'_, T, E> {
        let mut turns = self.turns();
        let ticket = turns.next;
        turns.next += 1;
        while turns.serving != ticket || (turns.idle.is_empty() && turns.made == self.limit) {
            turns = self.changed.wait(turns).unwrap_or_else(PoisonError::into_inner);
        }
        turns.serving += 1;
        let item = turns.idle.pop();
        if item.is_none() {
            turns.made += 1;
        }
        self.changed.notify_all();
        Loan { pool: self, item }
    }

    fn turns(&self) -> MutexGuard<'_, Turns<T>> {
        // Nothing panics while the lock is held, so what a poisoned one guards is whole.
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An item, or a place for one, that goes back to its pool when dropped, by a panic too.
struct Loan<'a, T, E> {
    pool: &'a Pool<T, E>,
    item: Option<T>,
}

impl<T, E> Drop for Loan<'_, T, E> {
    fn drop(&mut self) {
        let mut turns = self.pool.turns();
        match self.item.take() {
            Some(item) => turns.idle.push(item),
            None => turns.made -= 1,
        }
        self.pool.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn never_more_than_the_limit_are_out_and_all_come_back() {
        let out = AtomicUsize::new(0);
        let pool: Pool<u32, ()> = Pool::new(0, 3, || Ok(1));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let lent = pool.with(|_| {
                            assert!(out.fetch_add(1, Ordering::SeqCst) < 3);
                            std::thread::yield_now();
                            out.fetch_sub(1, Ordering::SeqCst);
                        });
                        assert_eq!(lent, Ok(()));
                    }
                });
            }
        });
        let turns = pool.turns();
        assert!(turns.idle.len() == turns.made && turns.made <= 3);
    }

    #[test]
    fn a_failure_to_make_one_leaves_the_place_free() {
        let pool: Pool<u32, &str> = Pool::new(7, 2, || Err("no memory"));
        let nested = pool.with(|first| {
            assert_eq!(pool.with(|_| ()), Err("no memory"));
            assert_eq!(pool.with(|_| ()), Err("no memory"));
            *first
        });
        assert_eq!(nested, Ok(7));
        assert_eq!(pool.with(|first| *first), Ok(7));
    }
}
