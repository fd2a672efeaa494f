//! What was asked and answered: noted as answers go out, written in the background, kept for a while.
//!
//! An answer waits for nothing of this. Notes wait in memory, a second at most, and are written together; where more come than
//! can be written, they are counted and lost, not answers. Of each answer it is counted how often mentors were shown; what was
//! asked is kept as `[search.log]` says.

mod notes;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answers::Written;
use super::programme::read;
use super::{Community, CommunityError};
use crate::index::publish;
use crate::member::{MemberId, Role};
use crate::programme::Actor;
use crate::rebuild::RebuildError;
use crate::search::{Hit, SearchError, SearchRequest};
use crate::store::{SearchRow, Store, StoreError};
pub(super) use notes::Searches;
use notes::{Logged, Note};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: i64 = 3_600;
pub(super) const DAY: i64 = 24 * HOUR;

/// A search that began before somebody was forgotten is over after so long.
const LONGEST_SEARCH: Duration = Duration::from_secs(4_000);

/// The first of an answer, which are looked at; as many as `evaluate` takes to be shown.
const LOOKED_AT: usize = 10;

/// A search that was asked and answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LoggedSearch {
    /// Its name, as the answer's header `rapport-search` had it.
    pub id: String,
    /// When it was asked (RFC 3339, UTC).
    #[schema(value_type = String)]
    pub at: Timestamp,
    /// Who asked.
    pub by: Actor,
    /// For whom, where that is a member.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<String>)]
    pub member: Option<MemberId>,
    /// Whether it looked at what is for managers only: who is paused, where exactly somebody lives.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub confidential: bool,
    /// What the answer depended on.
    pub state: String,
    /// The first digits of the checksum of the generation that was searched, whose name another machine's may have too.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub generation: Option<String>,
    /// What was asked, without what was left as it is unless stated; absent where it is not kept.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<SearchRequest>)]
    pub request: Option<serde_json::Value>,
    /// Who was shown, best first.
    pub hits: Vec<Shown>,
    /// BLAKE3 of the answer as it was sent.
    pub digest: String,
}

/// A member of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Shown {
    /// Who; absent once they were forgotten.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<String>)]
    pub member: Option<MemberId>,
    /// With what score.
    pub score: f64,
}

impl Shown {
    pub(super) fn of(hit: Hit) -> Option<Shown> {
        Some(Shown { member: Some(MemberId::new(hit.member.id).ok()?), score: hit.score })
    }
}

/// What the log says of an answer's bytes.
pub(super) fn digest(body: &[u8]) -> [u8; 32] {
    *blake3::hash(body).as_bytes()
}

impl LoggedSearch {
    /// What was asked, where it is kept.
    pub fn request(&self) -> Option<SearchRequest> {
        serde_json::from_value(self.request.clone()?).ok()
    }

    /// Whether it is the member's to see.
    pub fn is_own(&self, member: &MemberId) -> bool {
        self.member.as_ref() == Some(member) && !self.confidential
    }

    /// The same without a member, or nothing where it is theirs. A request that names them otherwise goes too.
    fn forget(mut self, id: &MemberId) -> Option<LoggedSearch> {
        if self.member.as_ref() == Some(id) || self.by == Actor::Member(id.clone()) {
            return None;
        }
        for shown in &mut self.hits {
            shown.member.take_if(|member| member == id);
        }
        let named = serde_json::to_string(id.as_str()).unwrap_or_default();
        self.request.take_if(|request| request.to_string().contains(&named));
        Some(self)
    }
}

impl Community {
    /// As [`Community::search_written`], and noted: who was shown, and, where searches are kept, what was asked and by whom.
    /// Gives the name by which it is found then.
    ///
    /// # Errors
    /// As [`Community::search`].
    pub async fn search_noted(
        &self,
        request: SearchRequest,
        by: Actor,
    ) -> Result<(Arc<Written>, bool, Option<String>), SearchError> {
        let (began, at, log) = (Instant::now(), (self.clock)(), self.config().search.log);
        // Whoever is sought as a mentee takes no mentor's place.
        let counts = !request.exchange && request.filter.role.is_none_or(|role| role == Role::Mentor);
        let kept = (log.keep_days > 0).then(|| request.clone());
        let (written, before) = self.search_written(request).await?;
        let logged = kept.and_then(|request| {
            let searched = self.searcher().ok();
            let searched = searched.filter(|searcher| written.state.starts_with(&(searcher.snapshot().name() + "+")));
            Some(Box::new(Logged {
                // Names of one time stand side by side in the database's tree, which is then written in few places.
                id: format!("s-{:08x}{:08x}", at.as_millisecond() as u32, getrandom::u32().ok()?),
                by,
                state: written.state.clone(),
                generation: searched.map(|searcher| fingerprint(searcher.snapshot())),
                request,
                texts: log.texts,
                digest: written.digest,
            }))
        });
        let id = logged.as_ref().map(|logged| logged.id.clone());
        let noted = self.searches.note(Note { began, at, shown: Arc::clone(&written.shown), counts, logged });
        Ok((written, before, id.filter(|_| noted)))
    }

    /// Notes that were lost because more came than could be written.
    pub fn searches_lost(&self) -> u64 {
        self.searches.lost.load(Ordering::Relaxed)
    }

    /// Writes what was noted, and deletes what is not kept any longer, for as long as it is polled.
    pub async fn keep_searches(&self) {
        loop {
            if let Err(error) = self.write_searches().await {
                tracing::error!(%error, "searches that were noted are not written yet");
            }
            let hour = self.time().as_second().div_euclid(HOUR);
            if self.searches.tidied.swap(hour, Ordering::Relaxed) != hour
                && let Err(error) = self.tidy_searches().await
            {
                tracing::error!(%error, "searches are kept longer than they should be");
            }
            let _ = tokio::time::timeout(SECOND, self.searches.many.notified()).await;
        }
    }

    /// Writes what was noted so far; gives the number of searches that are kept of it. It goes to its end even where nobody waits
    /// for it any more, so that nothing is lost or counted twice.
    ///
    /// # Errors
    /// [`CommunityError::Store`]; then it is noted still.
    pub async fn write_searches(&self) -> Result<usize, CommunityError> {
        let (searches, store) = (Arc::clone(&self.searches), self.store.clone());
        let written = tokio::spawn(async move { searches.write(&store).await }).await;
        Ok(written.map_err(|error| RebuildError::Stopped(error.to_string()))??)
    }

    /// Deletes searches that are older than they are kept, counts that nothing looks at any more, and epochs of searches in
    /// generations that are gone.
    ///
    /// # Errors
    /// [`CommunityError::Store`]; [`CommunityError::Index`].
    pub async fn tidy_searches(&self) -> Result<(), CommunityError> {
        let (now, config) = (self.time().as_second(), self.config());
        let day = now.div_euclid(DAY) - i64::from(config.programme.steering.exposure_days);
        let before = now - i64::from(config.search.log.keep_days) * DAY;
        let gone = self.store.drop_searches(before * 1_000, day).await?;
        tracing::debug!(gone, "searches that were kept as long as they are");
        let oldest = publish::list(&config.index)?.iter().filter_map(|kept| kept.created()).min();
        let oldest = oldest.map_or(now, |oldest| oldest.as_second().min(now));
        // They are of use where both a search and its generation are kept.
        Ok(self.store.drop_epochs((oldest - DAY).max(before) * 1_000).await?)
    }

    /// A search that is kept.
    ///
    /// # Errors
    /// [`CommunityError::NotLogged`]; [`CommunityError::Store`].
    pub async fn logged_search(&self, id: &str) -> Result<LoggedSearch, CommunityError> {
        self.write_searches().await?;
        let record = self.store.search(id).await?.ok_or_else(|| CommunityError::NotLogged(id.to_owned()))?;
        Ok(read("a search", &record)?)
    }

    /// The newest searches that are kept, of one member or of all, newest first.
    ///
    /// # Errors
    /// [`CommunityError::Store`].
    pub async fn logged_searches(
        &self,
        of: Option<&MemberId>,
        limit: u32,
    ) -> Result<Vec<LoggedSearch>, CommunityError> {
        self.write_searches().await?;
        let records = self.store.searches(of, limit).await?;
        Ok(records.iter().map(|record| read("a search", record)).collect::<Result<_, _>>()?)
    }

    /// Takes a member out of what is known of searches, and of those that are being made; gives the number of searches of theirs
    /// that went.
    pub(super) async fn forget_in_searches(&self, id: &MemberId) -> Result<u64, CommunityError> {
        let mut forgotten = self.searches.writing.lock().await;
        forgotten.push((id.clone(), Instant::now()));
        self.searches.forgets.fetch_add(1, Ordering::SeqCst);
        // Who steers is worked out anew, without them.
        self.steered.store(u64::MAX, Ordering::SeqCst);
        Ok(erase_in_searches(&self.store, id).await?)
    }
}

impl Searches {
    async fn write(&self, store: &Store) -> Result<usize, StoreError> {
        let mut forgotten = self.writing.lock().await;
        forgotten.retain(|(_, at)| at.elapsed() < LONGEST_SEARCH);
        let mut taken = self.take();
        if taken.notes.is_empty() {
            return Ok(0);
        }
        let here = still_here(store, &taken.notes).await?;
        let (mut rows, mut counts) = (Vec::new(), BTreeMap::new());
        for note in &taken.notes {
            let elsewhere = note.named().filter(|id| here.as_ref().is_some_and(|here| !here.contains(id.as_str())));
            let gone: HashSet<&MemberId> =
                forgotten.iter().filter(|(_, at)| *at >= note.began).map(|(id, _)| id).chain(elsewhere).collect();
            let day = note.at.as_second().div_euclid(DAY);
            let counted = note.shown.iter().take(LOOKED_AT).filter(|_| note.counts);
            for id in counted.filter_map(|shown| shown.member.as_ref()).filter(|id| !gone.contains(id)) {
                *counts.entry((id.clone(), day)).or_insert(0) += 1;
            }
            let logged = gone.into_iter().fold(note.logged(), |logged, id| logged?.forget(id));
            rows.extend(logged.map(|logged| row(&logged)));
        }
        store.add_searches(&rows, &counts).await?;
        taken.notes.clear();
        Ok(rows.len())
    }
}

/// Of those whom notes name, those who are stored; nothing where nobody else forgets members of this database.
async fn still_here(store: &Store, notes: &[Note]) -> Result<Option<HashSet<String>>, StoreError> {
    if !store.is_shared() {
        return Ok(None);
    }
    let named: HashSet<&str> = notes.iter().flat_map(Note::named).map(MemberId::as_str).collect();
    Ok(Some(store.stored_of(&Vec::from_iter(named)).await?))
}

/// Takes a member out of searches that are kept.
pub(super) async fn erase_in_searches(store: &Store, id: &MemberId) -> Result<u64, StoreError> {
    let forget = |record: &str| {
        // What does not read goes.
        let search: LoggedSearch = serde_json::from_str(record).ok()?;
        Some(row(&search.forget(id)?).record)
    };
    store.erase_searches(id, forget).await
}

/// Everyone whom searches that are kept name.
pub(super) async fn named_in_searches(store: &Store) -> Result<HashSet<MemberId>, StoreError> {
    let (mut named, records) = store.all_searches().await?;
    for record in &records {
        // What does not read is kept no longer than the others.
        let Ok(LoggedSearch { by, member, hits, .. }) = serde_json::from_str(record) else { continue };
        if let Actor::Member(id) = by {
            named.insert(id);
        }
        named.extend(member.into_iter().chain(hits.into_iter().filter_map(|shown| shown.member)));
    }
    Ok(named)
}

/// What tells a generation from others of its name.
pub(super) fn fingerprint(snapshot: &crate::index::Snapshot) -> String {
    snapshot.manifest.checksum.chars().take(16).collect()
}

fn row(search: &LoggedSearch) -> SearchRow {
    SearchRow {
        id: search.id.clone(),
        at: search.at.as_millisecond(),
        member: search.member.clone(),
        record: serde_json::to_string(search).unwrap_or_default(),
    }
}
