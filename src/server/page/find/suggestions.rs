//! Interests that members have, to be suggested to whoever writes theirs.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::community::Community;
use crate::server::problem::Problem;

/// Members who are looked at.
const MEMBERS: usize = 5_000;

/// Interests that are suggested.
const MOST: usize = 200;

/// What fewer have is theirs, and not suggested to others.
const FEWEST: usize = 3;

/// How long they are taken for what members have.
const KEPT: Duration = Duration::from_secs(3_600);

/// The interests that most members have.
#[derive(Default)]
pub struct Suggestions(Mutex<Option<(Instant, Arc<[String]>)>>);

impl Suggestions {
    /// The interests that most members have, most frequent first.
    pub async fn interests(&self, community: &Community) -> Result<Arc<[String]>, Problem> {
        let mut kept = self.0.lock().await;
        if let Some((_, interests)) = kept.as_ref().filter(|(since, _)| since.elapsed() < KEPT) {
            return Ok(Arc::clone(interests));
        }
        let (mut counts, mut last, mut seen) = (HashMap::<String, usize>::new(), None, 0);
        while seen < MEMBERS {
            let page = community.store().page(last.as_ref(), 1_000).await;
            let page = page.map_err(|error| Problem::internal(&error))?;
            let shows = page.iter().filter(|member| !member.keeps_private("interests"));
            for interest in shows.flat_map(|member| &member.interests) {
                *counts.entry(interest.clone()).or_default() += 1;
            }
            seen += page.len();
            let Some(member) = page.last() else { break };
            last = Some(member.id.clone());
        }
        let mut counts: Vec<(String, usize)> = counts.into_iter().filter(|(_, count)| *count >= FEWEST).collect();
        counts.sort_unstable_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        let interests: Arc<[String]> = counts.into_iter().take(MOST).map(|(interest, _)| interest).collect();
        *kept = Some((Instant::now(), Arc::clone(&interests)));
        Ok(interests)
    }
}
