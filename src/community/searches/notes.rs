//! Notes of searches that wait to be written.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use jiff::Timestamp;
use tokio::sync::Notify;

use super::{LoggedSearch, Shown};
use crate::member::MemberId;
use crate::programme::Actor;
use crate::search::SearchRequest;

/// Notes that wait at most.
const MOST: usize = 16_384;

/// So many do not wait for their second.
const MANY: usize = 1_024;

/// Notes that wait to be written.
#[derive(Default)]
pub struct Searches {
    waiting: Mutex<Vec<Note>>,
    pub(super) many: Notify,
    pub(super) lost: AtomicU64,
    /// The hour in which old ones were last deleted.
    pub(super) tidied: AtomicI64,
    /// How often somebody was forgotten.
    pub(super) forgets: AtomicU64,
    /// Held while notes are written or somebody is taken out of them: who was forgotten lately, whom a search that had begun may
    /// still have found.
    pub(super) writing: tokio::sync::Mutex<Vec<(MemberId, Instant)>>,
}

/// What is noted of an answer.
pub(super) struct Note {
    pub(super) began: Instant,
    pub(super) at: Timestamp,
    pub(super) shown: Arc<[Shown]>,
    /// Whether those shown may be asked to be mentors.
    pub(super) counts: bool,
    pub(super) logged: Option<Box<Logged>>,
}

/// What is kept of a search besides.
pub(super) struct Logged {
    pub(super) id: String,
    pub(super) by: Actor,
    pub(super) state: String,
    pub(super) generation: Option<String>,
    pub(super) request: SearchRequest,
    pub(super) texts: bool,
    pub(super) digest: [u8; 32],
}

impl Note {
    /// The members whom it names: who sought, and who was shown.
    pub(super) fn named(&self) -> impl Iterator<Item = &MemberId> {
        let request = self.logged.as_ref().map(|logged| &logged.request);
        let sought = request.into_iter().flat_map(|request| request.member.iter().chain(&request.viewer));
        sought.chain(self.shown.iter().filter_map(|shown| shown.member.as_ref()))
    }

    /// What is kept of it.
    pub(super) fn logged(&self) -> Option<LoggedSearch> {
        let Logged { id, by, state, generation, request, texts, digest } = self.logged.as_deref()?;
        let (id, by, state, generation) = (id.clone(), by.clone(), state.clone(), generation.clone());
        let of_caller = match &by {
            Actor::Member(id) => Some(id),
            _ => None,
        };
        Some(LoggedSearch {
            member: request.member.as_ref().or(request.viewer.as_ref()).or(of_caller).cloned(),
            confidential: request.filter.paused || request.filter.within.is_some_and(|within| within.of.is_some()),
            // What somebody writes freely may say anything of anybody.
            request: (*texts || (request.text.is_none() && request.profile.is_none())).then(|| stated(request)),
            digest: blake3::Hash::from_bytes(*digest).to_hex().to_string(),
            hits: self.shown.to_vec(),
            at: self.at,
            id,
            by,
            state,
            generation,
        })
    }
}

/// What a request states: as JSON, without what is as it is unless stated.
fn stated(request: &SearchRequest) -> serde_json::Value {
    let value = |request| serde_json::to_value(request).unwrap_or_default();
    let (mut stated, unless) = (value(request), value(&SearchRequest::default()));
    if let Some(fields) = stated.as_object_mut() {
        fields.retain(|field, value| unless.get(field) != Some(value));
    }
    stated
}

impl Searches {
    /// Whether it will be written.
    pub(super) fn note(&self, note: Note) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= MOST {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        waiting.push(note);
        if waiting.len() == MANY {
            self.many.notify_one();
        }
        true
    }

    /// How often somebody was forgotten.
    pub fn forgotten(&self) -> u64 {
        self.forgets.load(Ordering::SeqCst)
    }

    /// Has whoever writes or forgets wait.
    pub async fn hold(&self) -> impl Drop {
        self.writing.lock().await
    }

    /// What waits, to be written.
    pub(super) fn take(&self) -> Taken<'_> {
        Taken {
            searches: self,
            notes: std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner)),
        }
    }
}

/// Notes that are being written. Those that were not, because it failed, are noted still.
pub(super) struct Taken<'a> {
    searches: &'a Searches,
    pub(super) notes: Vec<Note>,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut waiting = self.searches.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        self.notes.append(&mut waiting);
        let over = self.notes.len().saturating_sub(MOST);
        self.searches.lost.fetch_add(over as u64, Ordering::Relaxed);
        self.notes.truncate(MOST);
        *waiting = std::mem::take(&mut self.notes);
    }
}
