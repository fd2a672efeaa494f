//! A copy of everything that cannot be made again, and putting it back.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::ledger::{self, Ledger};
use super::programme::erase_participant;
use super::searches::{erase_in_searches, named_in_searches};
use super::{Community, CommunityError};
use crate::config::Config;
use crate::durable;
use crate::index::publish;
use crate::store::{Address, Store, StoreError, WriteLock};

/// What a backup holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackedUp {
    /// Members in it.
    pub members: u64,
    /// The last change in it.
    pub change: u64,
    /// Its size.
    pub bytes: u64,
}

/// What a restored backup brought back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// Members in the database now.
    pub members: u64,
    /// Members of the backup who were forgotten after it was made, and are not brought back.
    pub kept_out: u64,
    /// Where the list of erasures goes on.
    pub ledger: PathBuf,
}

impl Community {
    /// Writes a copy of the database, as of one moment, into a new file. Searches and changes go on meanwhile. Generations
    /// are not in it: they are built from it.
    ///
    /// # Errors
    /// [`CommunityError::Exists`]; [`CommunityError::Store`].
    pub async fn backup(&self, file: &Path) -> Result<BackedUp, CommunityError> {
        if file.exists() {
            return Err(CommunityError::Exists(file.to_owned()));
        }
        // Under a name that nobody takes for a whole copy, until it is one.
        let mut unfinished = file.as_os_str().to_owned();
        unfinished.push(".unfinished");
        let unfinished = PathBuf::from(unfinished);
        durable::remove_if_there(&unfinished).map_err(CommunityError::io(&unfinished))?;
        self.store.copy_to(&unfinished).await?;
        let copy = Store::open_copy(&unfinished).await?;
        let (members, change) = copy.size().await?;
        copy.close_into_one_file().await?;
        let finish = || -> std::io::Result<u64> {
            let copy = File::open(&unfinished)?;
            copy.sync_all()?;
            durable::rename(&unfinished, file)?;
            Ok(copy.metadata()?.len())
        };
        Ok(BackedUp { members, change, bytes: finish().map_err(CommunityError::io(file))? })
    }
}

/// Puts a backup in the place of an index folder's database. Whoever was forgotten after it was made stays forgotten, by
/// the folder's own list of erasures and by `forgotten`, a copy of one from elsewhere. Generations are deleted: they are
/// of other members, and may hold somebody who is gone; the next rebuild makes one.
///
/// Until the last step the folder's own database is untouched.
///
/// # Errors
/// [`CommunityError`], with the database as it was.
pub async fn restore(config: &Config, backup: &Path, forgotten: Option<&Path>) -> Result<Restored, CommunityError> {
    let index = config.index.as_path();
    let Address::Folder(_) = config.database() else {
        return Err(StoreError::OnServer(config.database().to_string()).into());
    };
    let _lock = WriteLock::take(index)?;
    let database = index.join(Address::FILE);
    let staged = index.join("members.db.restoring");
    remove_database(&staged)?;
    fs::copy(backup, &staged).map_err(CommunityError::io(backup))?;
    let mut ledger = Ledger::open(index.join(ledger::FILE))?;
    if let Some(other) = forgotten {
        fs::metadata(other).map_err(CommunityError::io(other))?;
        ledger.merge(Ledger::open(other.to_owned())?)?;
    }
    let copy = Store::open_copy(&staged).await?;
    let (_, change) = copy.size().await?;
    let mut ids = copy.participants().await?;
    ids.extend(named_in_searches(&copy).await?);
    ids.extend(copy.member_ids().await?);
    let ids = Vec::from_iter(ids);
    // Nothing can be given again of generations that are not here.
    copy.drop_epochs(i64::MAX).await?;
    let kept_out = ledger.forgotten_after(change, &ids);
    for id in &kept_out {
        erase_participant(&copy, id).await?;
        erase_in_searches(&copy, id).await?;
        copy.erase(id).await?;
        copy.drop_tombstone(id).await?;
    }
    // What is still in the log goes into the file: a crash between here and the last step costs nothing of it. One that does
    // not open is what a backup is for.
    let before = match Store::open(&config.database()).await {
        Ok(store) => {
            let last = store.size().await.map_or(0, |(_, last)| last);
            if let Ok(numbers) = store.last_events().await {
                copy.number_events_above(numbers).await?;
            }
            // A key that was revoked since is not to be good again.
            if let Ok(keys) = store.keys().await {
                copy.replace_keys(&keys).await?;
            }
            store.close_into_one_file().await?;
            last
        }
        Err(_) => 0,
    };
    copy.number_changes_above(before.max(ledger.last_change()) + 1).await?;
    let (members, _) = copy.size().await?;
    copy.close_into_one_file().await?;
    let kept_out = kept_out.len() as u64;

    // From here on there is no index until the next rebuild; then the database changes in one step.
    publish::withdraw(index)?;
    let replace = || -> std::io::Result<()> {
        File::open(&staged)?.sync_all()?;
        for log in logs(&database) {
            durable::remove_if_there(&log)?;
        }
        durable::rename(&staged, &database)
    };
    replace().map_err(CommunityError::io(&database))?;
    Ok(Restored { members, kept_out, ledger: index.join(ledger::FILE) })
}

fn logs(database: &Path) -> [PathBuf; 2] {
    ["-wal", "-shm"].map(|end| {
        let mut log = database.as_os_str().to_owned();
        log.push(end);
        PathBuf::from(log)
    })
}

fn remove_database(database: &Path) -> Result<(), CommunityError> {
    let [wal, shm] = logs(database);
    [database, &wal, &shm]
        .into_iter()
        .try_for_each(|file| durable::remove_if_there(file).map_err(CommunityError::io(file)))
}
