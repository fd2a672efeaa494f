//! How the community's attention is shared out among its mentors, as whoever runs the programme looks at it.

use std::collections::HashMap;

use super::searches::DAY;
use super::{Community, CommunityError};
use crate::evaluate::{Evenness, evenness};
use crate::member::MemberId;
use crate::store::StoreError;

/// How often mentors were among the first hits of late.
#[derive(Debug, Clone, PartialEq)]
pub struct SharedOut {
    /// The days that are looked at.
    pub days: u32,
    /// Mentors who may be found.
    pub findable: usize,
    /// Those of them who were shown, most often first, and how often.
    pub shown: Vec<(MemberId, u64)>,
    /// How evenly; nothing where nobody was shown.
    pub evenness: Option<Evenness>,
}

impl Community {
    /// How often mentors who may be found were shown in the last days, as many as steering looks at.
    ///
    /// # Errors
    /// [`CommunityError::Search`] where there is no index, [`CommunityError::Store`].
    pub async fn attention(&self) -> Result<SharedOut, CommunityError> {
        self.write_searches().await?;
        let counts = self.shown_of_late().await?;
        let searcher = self.searcher()?;
        let findable: Vec<&str> = searcher
            .outlines()
            .filter(|mentor| mentor.mentor && mentor.adult && !mentor.paused)
            .map(|mentor| mentor.id)
            .collect();
        let by_id: HashMap<&str, u64> = counts.iter().map(|(id, count)| (id.as_str(), *count)).collect();
        let mut each: Vec<u64> = findable.iter().map(|id| by_id.get(id).copied().unwrap_or(0)).collect();
        each.sort_unstable();
        let all: u64 = each.iter().sum();
        let shares: Vec<f64> = each.iter().map(|count| *count as f64 / all as f64).collect();
        let mut shown: Vec<(MemberId, u64)> = Vec::new();
        for id in &findable {
            if let (Some(count), Ok(id)) = (by_id.get(id), MemberId::new(*id)) {
                shown.push((id, *count));
            }
        }
        shown.sort_unstable_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        let days = self.config().programme.steering.exposure_days;
        Ok(SharedOut { days, findable: findable.len(), shown, evenness: (all > 0).then(|| evenness(&shares)) })
    }

    /// How often each mentor was shown in the days that steering looks at, today's among them.
    pub(super) async fn shown_of_late(&self) -> Result<HashMap<MemberId, u64>, StoreError> {
        let days = self.config().programme.steering.exposure_days;
        self.store.shown_since(self.time().as_second().div_euclid(DAY) + 1 - i64::from(days)).await
    }
}
