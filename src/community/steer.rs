//! Steering searches by how mentors answer and how full they are: worked out once an hour, so that a state has one answer.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Community, CommunityError};
use crate::member::MemberId;
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
        let config = self.config();
        let usual = config.programme.capacity;
        let capacity = |mentor: &MemberId| stated.get(mentor.as_str()).copied().unwrap_or(usual);
        let adjustments =
            config.programme.steering.adjustments(&introductions, capacity, config.programme.answer(), self.time());
        let epoch = Arc::new(Epoch::new(adjustments));
        let _changing = self.changing.lock().await;
        if let Ok(searcher) = self.searcher() {
            self.serve(Some(searcher.in_epoch(epoch)));
            self.steered.store(number, Ordering::SeqCst);
        }
        Ok(())
    }
}
