//! An answer of the past, given again: in the state it was of, while that is kept; and where it is not, what is gone.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::searches::{LoggedSearch, Shown, digest, fingerprint};
use super::{Community, CommunityError};
use crate::index::{Snapshot, publish};
use crate::member::MemberId;
use crate::search::{Answer, Epoch, SearchError, SearchRequest, Searcher, State, Why};

/// What was answered then, and the answer in that state now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Replay {
    /// What was asked and answered then.
    pub search: LoggedSearch,
    /// Whether all that the answer rests on is as it was.
    pub kept: bool,
    /// What is not, or not any more.
    pub gone: Vec<Gone>,
    /// The answer, given again; absent where what it rests on is not kept.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub again: Option<Again>,
    /// Why a mentor was found then, or why not; absent where none was asked about, or what that rests on is not kept.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub why: Option<Why>,
}

/// An answer that was given again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Again {
    /// Whether it is the same.
    pub same: Sameness,
    /// The answer.
    pub answer: Answer,
}

/// How far two answers are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sameness {
    /// To the byte.
    Bytes,
    /// The same members in the same order with the same scores, told otherwise.
    List,
    /// Another list.
    Differs,
}

/// Something that an answer rests on and that is not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Gone {
    /// What.
    pub what: Rest,
    /// What became of it, in a sentence.
    pub text: String,
}

/// What an answer rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Rest {
    /// What was asked.
    Request,
    /// The generation that was searched.
    Generation,
    /// Who had changed since it was built.
    Changes,
    /// What the programme's steering adjusted.
    Epoch,
    /// Weights and options of the search.
    Weights,
    /// The records of who seeks and of those shown.
    Records,
}

impl Community {
    /// A search of the past: what was answered then, and the answer in the same state now, or what of it is gone. With `why`, also
    /// why a mentor was found then, or why not.
    ///
    /// # Errors
    /// [`CommunityError::NotLogged`]; [`CommunityError::Store`], [`CommunityError::Search`], [`CommunityError::Index`].
    pub async fn replay(&self, id: &str, why: Option<&MemberId>) -> Result<Replay, CommunityError> {
        // A generation of the past is opened for it: for one at a time.
        let _replaying = self.replaying.lock().await;
        let search = self.logged_search(id).await?;
        let mut replay = Replay { search, kept: false, gone: Vec::new(), again: None, why: None };
        let asked = replay.search.request();
        let gone = |what, text: &str| Gone { what, text: text.to_owned() };
        let Some(request) = asked else {
            let text = "What was asked is not kept: it was a free text or a profile ([search.log] texts), or named somebody who \
                        was forgotten";
            replay.gone.push(gone(Rest::Request, text));
            return Ok(replay);
        };
        let past = match self.past(&replay.search, &request).await? {
            Ok(past) => past,
            Err(gone) => {
                replay.gone = gone;
                return Ok(replay);
            }
        };
        match past.search_as_it_was(&request).await {
            Ok((searched, false)) => {
                let same = sameness(&replay.search, &searched.answer);
                (replay.kept, replay.again) = (true, Some(Again { same, answer: searched.answer }));
            }
            Ok((_, true)) => {
                let shown: Vec<&MemberId> =
                    replay.search.hits.iter().filter_map(|shown| shown.member.as_ref()).collect();
                let (of, changed) = (shown.len(), past.changed_since(&shown).await?.len());
                let text = format!(
                    "Records changed since, of who seeks, of those shown or of those whom their reasons name; of the {of} \
                     shown {changed}"
                );
                replay.gone.push(gone(Rest::Records, &text));
            }
            Err(SearchError::NotAvailable(_)) => {
                replay.gone.push(gone(Rest::Records, "Who seeks is not available any more"));
                return Ok(replay);
            }
            Err(error) => return Err(error.into()),
        }
        if let Some(mentor) = why {
            replay.why = past.why_as_it_was(&request, mentor).await?;
            if replay.why.is_none() {
                let text = "Why this mentor was found or not is not known any more: the record of who seeks, theirs, or that \
                            of somebody whom the reasons name changed since";
                replay.gone.push(gone(Rest::Records, text));
            }
        }
        Ok(replay)
    }

    /// The searcher as it was when a search was answered, or all that is gone of it.
    async fn past(
        &self,
        search: &LoggedSearch,
        request: &SearchRequest,
    ) -> Result<Result<Searcher, Vec<Gone>>, CommunityError> {
        let mut gone = Vec::new();
        let mut note = |what, text: String| gone.push(Gone { what, text });
        let State { generation, changes, epoch, weights } = State::read(&search.state).unwrap_or(State {
            generation: &search.state,
            changes: 0,
            epoch: 0,
            weights: "",
        });
        let config = self.config();
        let served = self.searcher().ok().map(|searcher| Arc::clone(searcher.snapshot()));
        let snapshot = match served.filter(|served| served.name() == generation) {
            Some(served) => Some(served),
            None => {
                let folder = publish::find(&config.index, generation);
                let open = move || folder.and_then(|folder| Snapshot::open(&folder).ok()).map(Arc::new);
                tokio::task::spawn_blocking(open).await.ok().flatten()
            }
        };
        let is_another =
            |snapshot: &Snapshot| search.generation.as_ref().is_some_and(|of| *of != fingerprint(snapshot));
        let snapshot = match snapshot {
            Some(snapshot) if is_another(&snapshot) => {
                note(Rest::Generation, format!("The {generation} of this machine is another than the one searched"));
                None
            }
            None => {
                let text = "is not kept any more; [rebuild] keep and keep_days say which are";
                note(Rest::Generation, format!("{generation} {text}"));
                None
            }
            found => found,
        };
        let steered = match epoch {
            0 => Some(Epoch::default()),
            number => self.epoch(number).await?,
        };
        if steered.is_none() {
            note(Rest::Epoch, "What the programme's steering adjusted in that hour is not kept any more".into());
        }
        let Some(snapshot) = snapshot else { return Ok(Err(gone)) };
        let built = self.with_loaded_model(Searcher::over(&config, self.store.clone(), snapshot));
        let (past, lost) = built.as_of(changes).await?;
        if lost > 0 {
            let text = format!(
                "Of the {changes} changes that were seen since {generation} was built, {lost} are written over by later ones"
            );
            note(Rest::Changes, text);
        }
        let state = past.state_asked(request)?;
        if State::read(&state).is_none_or(|now| now.weights != weights) {
            note(Rest::Weights, "The weights or the options of the search were changed since".into());
        }
        match steered {
            Some(steered) if gone.is_empty() => Ok(Ok(past.in_epoch(std::sync::Arc::new(steered)))),
            _ => Ok(Err(gone)),
        }
    }

    /// What was adjusted in an epoch: the one that searches go by, or one that is kept.
    async fn epoch(&self, number: u32) -> Result<Option<Epoch>, CommunityError> {
        if let Ok(searcher) = self.searcher()
            && searcher.epoch().number() == number
        {
            return Ok(Some(Epoch::clone(searcher.epoch())));
        }
        Ok(self.store.epoch(number).await?.and_then(|record| Epoch::read(number, &record)))
    }
}

fn sameness(then: &LoggedSearch, now: &Answer) -> Sameness {
    let body = serde_json::to_vec(now).unwrap_or_default();
    if blake3::Hash::from_bytes(digest(&body)).to_hex().as_str() == then.digest {
        return Sameness::Bytes;
    }
    let shown: Vec<Shown> = now.hits.iter().cloned().filter_map(Shown::of).collect();
    if now.state == then.state && shown == then.hits { Sameness::List } else { Sameness::Differs }
}
