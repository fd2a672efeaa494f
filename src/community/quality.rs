//! What the community itself knows of the quality of its matches: from what came of introductions, and from judged queries.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::SystemTime;

use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::Mutex;

use super::{Community, CommunityError};
use crate::evaluate::outcomes::{Outcome, Outcomes};
use crate::evaluate::{Calibration, Glance, Judgements, Shown, calibrate, glance};
use crate::programme::{Introduction, Reason, Status};
use crate::search::{SearchError, Searcher};

/// What came of introductions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CameOf {
    /// How many there are of each status, in the order of [`Status::ALL`].
    pub introductions: [usize; Status::ALL.len()],
    /// Those that say whether the match was good.
    pub telling: usize,
    /// Those of them whose match was good.
    pub good: usize,
    /// How often a match, as it was when the mentor was asked, was a good one; absent where nothing is told.
    pub calibration: Option<Calibration>,
}

/// How good the rankings are, as far as was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct MatchQuality {
    /// What it was measured on, as an answer says it.
    pub state: String,
    /// When.
    pub at: Timestamp,
    /// By what came of introductions; nothing where no mentee has met anybody.
    pub met: Option<Glance>,
    /// By the queries of `[rebuild.quality]`, or why they cannot be used; nothing where none are named.
    pub judged: Option<Result<Glance, String>>,
}

/// What a measurement depends on: state, last event, the files of judgements.
type Basis = (String, u64, Vec<Option<(SystemTime, u64)>>);

/// The last measurement. One is made at a time.
#[derive(Default)]
pub(super) struct Measured {
    turn: Mutex<()>,
    last: std::sync::Mutex<Option<(Basis, Arc<MatchQuality>)>>,
}

impl Measured {
    fn last(&self) -> Option<(Basis, Arc<MatchQuality>)> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What an introduction says of the match: nothing while it waits, and nothing where the mentor had no time, no place, or never
/// answered. Where one of the two reported the other, it was not a good one whatever else came of it.
fn outcome(introduction: &Introduction) -> Option<Outcome> {
    match (introduction.status, introduction.reason) {
        _ if !introduction.reports.is_empty() => Some(Outcome::Declined),
        (Status::Completed, _) => Some(Outcome::Helped),
        (Status::Ended, Some(Reason::NotAFit)) => Some(Outcome::Declined),
        (Status::Accepted | Status::Ended, _) => Some(Outcome::Met),
        (Status::Declined, Some(Reason::NoTime | Reason::Full | Reason::Left)) => None,
        (Status::Declined, _) => Some(Outcome::Declined),
        (Status::Requested | Status::Expired | Status::Withdrawn, _) => None,
    }
}

impl Community {
    /// What came of introductions so far.
    ///
    /// # Errors
    /// [`CommunityError::Store`].
    pub async fn came_of_introductions(&self) -> Result<CameOf, CommunityError> {
        let introductions = self.all_introductions(None, None).await?;
        Ok(off_the_runtime(move || came_of(&introductions)).await?)
    }

    /// How good rankings were when that was last measured, and whether nothing that counts has changed since.
    ///
    /// # Errors
    /// [`CommunityError::Store`].
    pub async fn match_quality(&self) -> Result<(Option<Arc<MatchQuality>>, bool), CommunityError> {
        let Some((basis, last)) = self.measured.last() else { return Ok((None, false)) };
        let same = match self.searcher() {
            Ok(searcher) => self.basis(&searcher).await? == basis,
            Err(_) => false,
        };
        Ok((Some(last), same))
    }

    /// Measures how good rankings are, unless nothing that counts has changed since it was last measured: of each kind of
    /// judgement up to 200 queries, off the runtime's threads, resting as long as it works.
    ///
    /// # Errors
    /// [`CommunityError::Search`], [`CommunityError::Store`].
    pub async fn measure_quality(&self) -> Result<Arc<MatchQuality>, CommunityError> {
        let _turn = self.measured.turn.lock().await;
        self.look_at_the_clock().await?;
        let searcher = self.searcher()?;
        let basis = self.basis(&searcher).await?;
        if let Some((_, last)) = self.measured.last().filter(|(of, _)| *of == basis) {
            return Ok(last);
        }
        let mut outcomes = Outcomes::default();
        for introduction in self.all_introductions(None, None).await? {
            if let Some(outcome) = outcome(&introduction) {
                outcomes.insert(introduction.mentee.as_str(), introduction.mentor.as_str(), outcome);
            }
        }
        let (config, at, state) = (self.config(), self.time(), searcher.state_seen());
        let runtime = Handle::current();
        let measured = off_the_runtime(move || {
            let met = outcomes.judgements();
            let met = (!met.queries.is_empty()).then(|| runtime.block_on(glance(&searcher, met))).transpose()?;
            let read = |quality: &crate::config::QualityConfig| Judgements::read(&quality.queries, &quality.qrels);
            let judged = match config.rebuild.quality.as_ref().map(read) {
                None => None,
                Some(Err(error)) => Some(Err(error.to_string())),
                Some(Ok(judgements)) => Some(Ok(runtime.block_on(glance(&searcher, judgements))?)),
            };
            Ok::<_, SearchError>(MatchQuality { state, at, met, judged })
        });
        let measured = Arc::new(measured.await??);
        *self.measured.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((basis, Arc::clone(&measured)));
        Ok(measured)
    }

    /// What a measurement would depend on now.
    async fn basis(&self, searcher: &Searcher) -> Result<Basis, CommunityError> {
        let (last_event, _) = self.store.last_events().await?;
        let config = self.config();
        let files = config.rebuild.quality.iter().flat_map(|quality| [&quality.queries, &quality.qrels]);
        Ok((searcher.state_seen(), last_event, files.map(|file| written(file)).collect()))
    }
}

/// When a file was written, and how long it is.
fn written(file: &Path) -> Option<(SystemTime, u64)> {
    let told = std::fs::metadata(file).ok()?;
    Some((told.modified().ok()?, told.len()))
}

async fn off_the_runtime<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, SearchError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| SearchError::Stopped(error.to_string()))
}

fn came_of(introductions: &[Introduction]) -> CameOf {
    let mut came_of = CameOf::default();
    // A mentee's are held out together.
    let mut by_mentee: BTreeMap<&str, Vec<Shown>> = BTreeMap::new();
    for introduction in introductions {
        for (of, count) in Status::ALL.iter().zip(&mut came_of.introductions) {
            *count += usize::from(*of == introduction.status);
        }
        if let Some(outcome) = outcome(introduction) {
            let good = outcome.grade() > 0;
            came_of.telling += 1;
            came_of.good += usize::from(good);
            by_mentee
                .entry(introduction.mentee.as_str())
                .or_default()
                .push(Shown { match_: introduction.match_, good });
        }
    }
    if came_of.telling > 0 {
        came_of.calibration = Some(calibrate(&by_mentee.into_values().collect::<Vec<_>>()));
    }
    came_of
}
