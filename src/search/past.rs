//! A searcher as it was: over a generation that is kept, with what the database still has of the changes that were seen then.

use std::collections::HashMap;

use super::query::{Asked, Query};
use super::{SearchError, SearchRequest, Searched, Searcher, Why};
use crate::member::MemberId;

/// An answer's state, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct State<'a> {
    /// The generation's name.
    pub generation: &'a str,
    /// How many changes were seen since it was built.
    pub changes: u64,
    /// The number of the programme's epoch.
    pub epoch: u32,
    /// The hash of weights and options.
    pub weights: &'a str,
}

impl<'a> State<'a> {
    /// The parts of a state as it is written; nothing where it is none.
    pub fn read(state: &'a str) -> Option<State<'a>> {
        let (generation, rest) = state.split_once('+')?;
        let mut parts = rest.split('.');
        let (changes, epoch, weights) = (parts.next()?, parts.next()?, parts.next()?);
        Some(State { generation, changes: changes.parse().ok()?, epoch: epoch.parse().ok()?, weights })
            .filter(|_| parts.next().is_none())
    }
}

impl Searcher {
    /// The generation as it was seen once so many changes had come, and how many of those are written over: where there are
    /// any, it is not known what was seen, and it is as it was built.
    ///
    /// Each change has a number, and a row of the database has the number of its last one. So if every number up to then is
    /// still there, whoever changed later was then as the generation has them; and where nothing came later, what is there
    /// is what was seen.
    ///
    /// # Errors
    /// As [`Searcher::caught_up`].
    pub(crate) async fn as_of(&self, changes: u64) -> Result<(Searcher, u64), SearchError> {
        let built = self.view.snapshot.manifest.sequence;
        let then = built.saturating_add(changes);
        let mut seen = self.store.changes_between(built, then).await?;
        let last = std::mem::replace(&mut seen.sequence, then);
        let known = (seen.upserted.len() + seen.removed.len()) as u64;
        let lost = if last > then { changes.saturating_sub(known) } else { then.saturating_sub(last) };
        if lost > 0 {
            return Ok((self.clone(), lost));
        }
        Ok((self.with_changes(&seen).await?, 0))
    }

    /// The state of an answer to a request, where nobody changes members meanwhile.
    ///
    /// # Errors
    /// [`SearchError::Invalid`], [`SearchError::Filter`].
    pub(crate) fn state_asked(&self, request: &SearchRequest) -> Result<String, SearchError> {
        let query = Query::try_from(request.clone())?;
        Ok(self.with_weights(query.weights(self.weights())).state_seen())
    }

    /// The answer to a request, and which of the members that it is asked for or shows are not as they were: then it is of no
    /// one state.
    ///
    /// # Errors
    /// As [`Searcher::search`].
    pub(crate) async fn search_as_it_was(&self, request: &SearchRequest) -> Result<(Searched, bool), SearchError> {
        let searched = self.search_at_once(request.clone()).await?;
        let changed = searched.overtaken || self.has_changed(&seekers(request)?).await?;
        Ok((searched, changed))
    }

    /// Why a mentor was found, or why not; nothing where who seeks, the mentor or those whom the reasons name are not as they
    /// were.
    ///
    /// # Errors
    /// As [`Searcher::why`].
    pub(crate) async fn why_as_it_was(
        &self,
        request: &SearchRequest,
        mentor: &MemberId,
    ) -> Result<Option<Why>, SearchError> {
        let (why, overtaken) = self.why_at_once(request.clone(), mentor).await?;
        let changed = overtaken || self.has_changed(&seekers(request)?).await?;
        Ok((!changed).then_some(why))
    }

    /// Which of these members are not as they were seen.
    ///
    /// # Errors
    /// [`SearchError::Store`].
    pub(crate) async fn changed_since<'a>(&self, ids: &[&'a MemberId]) -> Result<Vec<&'a MemberId>, SearchError> {
        let names: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
        let (found, _): (HashMap<_, _>, _) = self.store.members(&names).await?;
        let is_same = |id: &MemberId| found.get(id.as_str()).is_some_and(|now| now.change <= self.view.sequence());
        Ok(ids.iter().copied().filter(|id| !is_same(id)).collect())
    }

    async fn has_changed(&self, ids: &[MemberId]) -> Result<bool, SearchError> {
        Ok(!self.changed_since(&ids.iter().collect::<Vec<_>>()).await?.is_empty())
    }
}

/// The stored members whose records a request is read with.
fn seekers(request: &SearchRequest) -> Result<Vec<MemberId>, SearchError> {
    let Query { asked, viewer, .. } = Query::try_from(request.clone())?;
    Ok(match asked {
        Asked::Member(id) => vec![id],
        Asked::Text(_) | Asked::Profile(_) => viewer.into_iter().collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_taken_apart_or_is_none() {
        let state = State::read("gen-000042+17.3.9f2c01ab").unwrap();
        assert_eq!(state, State { generation: "gen-000042", changes: 17, epoch: 3, weights: "9f2c01ab" });
        for wrong in ["", "gen-000042", "gen-000042+17", "gen-000042+17.3", "gen-000042+x.3.9f", "gen-000042+1.2.3.4"] {
            assert_eq!(State::read(wrong), None, "{wrong}");
        }
    }
}
