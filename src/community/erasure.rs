//! Forgetting a member: out of the database and its log, of the overlay, of every generation, of lines set aside.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ledger::{self, Ledger};
use super::programme::erase_participant;
use super::searches::named_in_searches;
use super::traces::{is_left_in_database, mentions};
use super::{Community, CommunityError};
use crate::config::Config;
use crate::durable;
use crate::fleet::{self, Extent};
use crate::index::{Snapshot, publish};
use crate::member::MemberId;
use crate::rebuild::{RebuildError, drop_collections};
use crate::store::fleet::Turn;

/// What was erased, where and when.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    /// Who.
    #[schema(value_type = String)]
    pub member: MemberId,
    /// When it was done (RFC 3339, UTC).
    pub at: String,
    /// Whether a record was stored.
    pub was_stored: bool,
    /// Members who listed them and no longer do.
    #[schema(value_type = Vec<String>)]
    pub unlisted_by: Vec<MemberId>,
    /// Introductions of theirs that are deleted; what happened stays, without their id.
    #[serde(default)]
    pub introductions: u64,
    /// Searches of theirs that are deleted; of answers to others their id is taken out.
    #[serde(default)]
    pub searches: u64,
    /// Vectors deleted because nobody else has their texts.
    pub vectors: u64,
    /// Lines that had been set aside at an import, by file.
    pub rejects: BTreeMap<String, u64>,
    /// Generations that held the member and are deleted.
    pub deleted_generations: Vec<String>,
    /// The generation that was built without them.
    pub successor: Option<String>,
}

impl Community {
    /// Forgets a member. When this returns, nothing of them is left in the folder but a line of the list of erasures that
    /// keeps a backup from bringing them back.
    ///
    /// Steps, each durable before the next: the erasure is noted; what the programme has of them; the record, its mentions and
    /// tombstone in one transaction; their searches, and their id in answers to others; lines set aside; a generation without them is built and published; those that held them are deleted;
    /// vectors nobody else uses; the tombstone and the log; the note is closed. One that is broken off is ended when the
    /// folder is next opened for writing.
    ///
    /// # Errors
    /// [`CommunityError`]; then the erasure is not complete, and is to be asked for again.
    pub async fn forget(&self, id: &MemberId) -> Result<Receipt, CommunityError> {
        if self.server.is_none() {
            self.refuse_beside_a_fleet().await?;
        }
        let forgotten = self.forget_in(self.turn_at_length().await?, id, None).await?;
        forgotten.ok_or_else(|| CommunityError::Unknown(id.clone()))
    }

    /// The same in a turn; nothing is done, and nothing given, where they were written by a change from `unless` on.
    pub(super) async fn forget_in(
        &self,
        turn: Option<Arc<Turn>>,
        id: &MemberId,
        unless: Option<u64>,
    ) -> Result<Option<Receipt>, CommunityError> {
        // No other build, which would go on reading from the log that is to be emptied.
        let _building = self.building.lock().await;
        // What the fleet has is here before anybody looks who is in it.
        let shared = self.mirror(Extent::All).await?;
        let (stored, _) = self.store.members(&[id.as_str()]).await?;
        if unless.is_some_and(|change| stored.values().any(|stored| stored.change >= change)) {
            return Ok(None);
        }
        let mut ledger = Ledger::open(self.config().index.join(ledger::FILE))?;
        let (_, last) = self.store.size().await?;
        let holding = self.generations_holding(id)?;
        let known = !stored.is_empty();
        let unfinished = ledger.of(id).is_some_and(|entry| !entry.done)
            || shared.erasures.iter().any(|erasure| erasure.member == *id);
        let takes_part = self.store.is_participant(id).await?;
        let searched = self.store.is_in_searches(id).await?;
        if !known
            && !takes_part
            && !searched
            && holding.is_empty()
            && !unfinished
            && !self.store.has_tombstone(id).await?
            && !self.is_left_in_database(id).await?
        {
            return Err(CommunityError::Unknown(id.clone()));
        }
        // One more than the last change: whatever was stored up to it is not to come back.
        ledger.note(id, last + 1, false)?;
        if let Some(server) = &self.server {
            server.fleet.note_erasure(id, last + 1).await?;
        }
        let introductions = self.forget_participant(id).await?;
        let erased = {
            let _changing = self.changing.lock().await;
            let erased = self.store.erase(id).await?;
            // Whatever they did in the programme since.
            erase_participant(&self.store, id).await?;
            self.catch_up().await?;
            erased
        };
        self.forget_what_is_remembered();
        let mut searches = self.forget_in_searches(id).await?;
        let erasure = match &self.server {
            // Again, since what others remembered until now may name them.
            Some(server) => server.fleet.note_erasure(id, last + 1).await?,
            None => 0,
        };
        let rejects = self.clean_rejects(id)?;
        let successor = match publish::current(&self.config().index) {
            Ok(current) if holding.contains(&current) => Some(self.rebuild_without(id, turn.clone()).await?),
            _ => {
                // What is laid over the generation holds the vectors of everybody who was in it.
                self.reopen().await?;
                None
            }
        };
        let mut deleted_generations = Vec::new();
        for folder in &self.generations_holding(id)? {
            fs::remove_dir_all(folder).map_err(CommunityError::io(folder))?;
        }
        let index = &self.config().index.clone();
        durable::sync_folder(index).map_err(CommunityError::io(index))?;
        if let Some(turn) = &turn {
            fleet::prune(turn, index).await?;
        }
        self.wait_for_others(erasure).await?;
        if let Some(turn) = &turn {
            // Who has it now may have collections that are not to be dropped.
            turn.check().await?;
        }
        // Others search in them until they follow.
        drop_collections(&self.config()).await?;
        if turn.is_some() {
            // What they wrote meanwhile.
            searches += self.forget_in_searches(id).await?;
        }
        for folder in holding {
            deleted_generations.extend(folder.file_name().map(|name| name.to_string_lossy().into_owned()));
        }
        let vectors = self.prune_embeddings().await?;
        // Where other machines have generations of their own, it is what keeps the member out of their searches.
        if !self.store.is_shared() || shared.current.is_some() {
            self.store.drop_tombstone(id).await?;
        }
        self.store.purge(&self.changing).await?;
        ledger.note(id, erased.change.max(last + 1), true)?;
        if let Some(turn) = &turn {
            turn.close_erasure(id).await?;
        }
        Ok(Some(Receipt {
            member: id.clone(),
            at: super::now(),
            was_stored: erased.was_stored,
            unlisted_by: erased.listed_by,
            introductions,
            searches,
            vectors,
            rejects,
            deleted_generations,
            successor,
        }))
    }

    /// Empties what is remembered of answers and of texts sought.
    pub(super) fn forget_what_is_remembered(&self) {
        self.answers.forget();
        if let Some(shared) = &self.shared {
            shared.forget();
        }
    }

    /// Ends erasures that a crash broke off. A fleet's stand in its database, and whichever server is up ends them.
    pub(super) async fn finish_erasures(&self) -> Result<(), CommunityError> {
        let path = self.config().index.join(ledger::FILE);
        let ledger = Ledger::open(path.clone())?;
        let unfinished = ledger.unfinished();
        if unfinished.is_empty() {
            return Ok(());
        }
        tracing::warn!("an erasure was broken off; it is ended now");
        let mut ids = self.store.member_ids().await?;
        ids.extend(self.store.participants().await?);
        ids.extend(named_in_searches(&self.store).await?);
        ids.extend(self.store.changes_since(0).await?.removed.into_iter().filter_map(|id| MemberId::new(id).ok()));
        for entry in unfinished {
            let Some(id) = ids.iter().find(|id| ledger.hash(id) == entry.member) else {
                // Nothing names them any more: the last steps are left. A fleet's are whoever's who ended it.
                if self.server.is_none() {
                    self.prune_embeddings().await?;
                    self.store.purge(&self.changing).await?;
                }
                Ledger::open(path.clone())?.close(entry)?;
                continue;
            };
            let (stored, _) = self.store.members(&[id.as_str()]).await?;
            if stored.values().any(|stored| stored.change >= entry.change) {
                // They were written again after they were to be forgotten, which was never acknowledged; this was.
                Ledger::open(path.clone())?.close(entry)?;
            } else if let Some(server) = &self.server {
                server.fleet.note_erasure(id, entry.change).await?;
                Ledger::open(path.clone())?.close(entry)?;
            } else {
                self.forget(id).await?;
            }
        }
        Ok(())
    }

    /// Whether something of somebody is left in the bytes of a database in the folder.
    async fn is_left_in_database(&self, id: &MemberId) -> Result<bool, CommunityError> {
        let (index, id) = (self.config().index.clone(), id.clone());
        let look = move || is_left_in_database(&index, &id).map_err(CommunityError::io(&index));
        tokio::task::spawn_blocking(look).await.map_err(|error| RebuildError::Stopped(error.to_string()))?
    }

    /// The folders of generations, staged and left ones too, that hold a member.
    fn generations_holding(&self, id: &MemberId) -> Result<Vec<PathBuf>, CommunityError> {
        let holds = |folder: &PathBuf| match Snapshot::open(folder) {
            Ok(snapshot) => snapshot.columns.slot(id.as_str()).is_some(),
            // What cannot be read may hold anybody, unless it is the current one, which is not for us to delete.
            Err(_) => publish::current(&self.config().index).is_ok_and(|current| current != *folder),
        };
        Ok(publish::folders(&self.config().index)?.into_iter().filter(holds).collect())
    }

    async fn rebuild_without(&self, id: &MemberId, turn: Option<Arc<Turn>>) -> Result<String, CommunityError> {
        let mut config = Config::clone(&self.config());
        // It is not for a gate on how many are left, or on how well they match, to keep somebody who wants to go.
        (config.rebuild.fewest_kept, config.rebuild.quality) = (0.0, None);
        let rebuilt = self.build(&config, false, turn, |_| {}).await?;
        let name = rebuilt.folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let holds = self.searcher()?.snapshot().columns.slot(id.as_str()).is_some();
        if holds {
            let path = rebuilt.folder;
            return Err(CommunityError::Io { path, source: std::io::Error::other("still holds the member") });
        }
        Ok(name)
    }

    /// Deletes vectors of texts that the current generation does not hold.
    async fn prune_embeddings(&self) -> Result<u64, CommunityError> {
        let Ok(searcher) = self.searcher() else {
            // Without a generation nobody knows which texts are in use; none is lost that cannot be made again.
            return Ok(self.store.keep_only_embeddings(&HashSet::new()).await?);
        };
        Ok(self.store.keep_only_embeddings(&searcher.texts()).await?)
    }

    /// Takes the member's lines out of what imports set aside.
    pub(super) fn clean_rejects(&self, id: &MemberId) -> Result<BTreeMap<String, u64>, CommunityError> {
        let mut cleaned = BTreeMap::new();
        for (path, name) in self.rejects()? {
            let text = fs::read_to_string(&path).map_err(CommunityError::io(&path))?;
            let kept: Vec<&str> = text.lines().filter(|line| mentions(line.as_bytes(), id.as_str()) == 0).collect();
            let taken = text.lines().count() - kept.len();
            if taken > 0 {
                let all = kept.iter().flat_map(|line| [line, "\n"]).collect::<String>();
                durable::replace(&path, all.as_bytes()).map_err(CommunityError::io(&path))?;
                cleaned.insert(name, taken as u64);
            }
        }
        Ok(cleaned)
    }

    /// Deletes all that imports set aside.
    pub(super) fn drop_rejects(&self) -> Result<(), CommunityError> {
        for (path, name) in self.rejects()? {
            tracing::warn!("{name} is deleted: somebody was forgotten without this server, who may be in it");
            fs::remove_file(&path).map_err(CommunityError::io(&path))?;
        }
        Ok(())
    }

    /// The files of what imports set aside, each with its name.
    fn rejects(&self) -> Result<Vec<(PathBuf, String)>, CommunityError> {
        let index = &self.config().index.clone();
        let mut rejects = Vec::new();
        for entry in fs::read_dir(index).map_err(CommunityError::io(index))? {
            let path = entry.map_err(CommunityError::io(index))?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if name.starts_with("rejects-") && name.ends_with(".jsonl") {
                rejects.push((path, name));
            }
        }
        Ok(rejects)
    }
}
