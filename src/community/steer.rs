//! Steering searches by how mentors answer and how full they are: worked out once an hour, so that a state has one answer.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::{SignedDuration, Timestamp};

use super::{Community, CommunityError};
use crate::member::MemberId;
use crate::programme::INACTIVE_DAYS;
use crate::search::Epoch;

/// How long an epoch lasts, in seconds.
const EPOCH: i64 = 3_600;

impl Community {
    /// Has searches go by what is known of mentors in the present epoch, unless they do.
    ///
    /// # Errors
    /// [`CommunityError::Store`].
    pub async fn steer(&self) -> Result<(), CommunityError> {
        let number = self.time().as_second().div_euclid(EPOCH).unsigned_abs();
        if self.steered.load(Ordering::SeqCst) == number {
            return Ok(());
        }
        let introductions = self.all_introductions(None, None).await?;
        let mentors: Vec<&str> = introductions.iter().map(|introduction| introduction.mentor.as_str()).collect();
        let (records, _) = self.store.members(&mentors).await?;
        let stated: HashMap<&str, u32> =
            records.iter().filter_map(|(id, stored)| Some((id.as_str(), stored.member.capacity?))).collect();
        let now = self.time();
        let inactive = match introductions.is_empty() {
            true => Vec::new(),
            false => self.store.mentors_inactive_since(&day_before(now, INACTIVE_DAYS)).await?,
        };
        let config = self.config();
        let usual = config.programme.capacity;
        let capacity = |mentor: &MemberId| stated.get(mentor.as_str()).copied().unwrap_or(usual);
        let (steering, answer) = (config.programme.steering, config.programme.answer());
        let adjustments = steering.adjustments(&introductions, &inactive, capacity, answer, now);
        let epoch = Arc::new(Epoch::new(adjustments));
        let _changing = self.changing.lock().await;
        if let Ok(searcher) = self.searcher() {
            self.serve(Some(searcher.in_epoch(epoch)));
            self.steered.store(number, Ordering::SeqCst);
        }
        Ok(())
    }
}

/// The day so many days before a time, in UTC and as records write it.
fn day_before(time: Timestamp, days: i64) -> String {
    let before = time.saturating_sub(SignedDuration::from_hours(24 * days)).unwrap_or(Timestamp::MIN);
    before.strftime("%Y-%m-%d").to_string()
}
