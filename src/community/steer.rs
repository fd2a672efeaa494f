//! Steering searches by how mentors answer, how full they are and how much they are shown: worked out once an hour, so that a state has one answer.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::{SignedDuration, Timestamp};

use super::{Community, CommunityError};
use crate::member::MemberId;
use crate::programme::{INACTIVE_DAYS, OfLate};
use crate::search::Epoch;

/// How long an epoch lasts, in seconds.
const EPOCH: i64 = 3_600;

/// Records read at once, so that a large community is never in memory as a whole.
const RECORDS: usize = 1_000;

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
        let forgotten = self.searches.forgotten();
        let (now, config) = (self.time(), self.config());
        let (steering, usual) = (config.programme.steering, config.programme.capacity);
        let mut of_late = OfLate { introductions: self.all_introductions(None, None).await?, ..OfLate::default() };
        if !of_late.introductions.is_empty() {
            of_late.shown = self.shown_of_late().await?;
            of_late.inactive = self.store.mentors_inactive_since(&day_before(now, INACTIVE_DAYS)).await?;
            let taken = self.store.places_taken(None).await?;
            let taken = |id: &str| taken.get(id).copied().unwrap_or_default();
            of_late.places_left = self.searcher().map_or(0, |searcher| searcher.places_left(usual, taken));
        }
        let asked = of_late.introductions.iter().map(|introduction| introduction.mentor.as_str());
        let mentors: HashSet<&str> = asked.chain(of_late.shown.keys().map(MemberId::as_str)).collect();
        let mut stated: HashMap<String, u32> = HashMap::new();
        for mentors in Vec::from_iter(mentors).chunks(RECORDS) {
            let (records, _) = self.store.members(mentors).await?;
            stated.extend(records.into_iter().filter_map(|(id, stored)| Some((id, stored.member.capacity?))));
        }
        let capacity = |mentor: &MemberId| stated.get(mentor.as_str()).copied().unwrap_or(usual);
        let adjustments = steering.adjustments(&of_late, capacity, config.programme.answer(), now);
        let epoch = Arc::new(Epoch::new(adjustments));
        // Nobody is forgotten between here and when it is kept; if somebody was meanwhile, the next look works it out anew.
        let _writing = self.searches.hold().await;
        if self.searches.forgotten() != forgotten {
            return Ok(());
        }
        // What was answered in it can be given again for as long as it is kept.
        if config.search.log.keep_days > 0 && epoch.number() > 0 {
            self.store.keep_epoch(epoch.number(), self.time().as_millisecond(), &epoch.record()).await?;
        }
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
