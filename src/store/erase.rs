//! Taking a member out of the database for good: the record, what others' records say of them, vectors nobody else uses,
//! and the pages and the log that held them.

use std::collections::HashSet;

use sqlx::Row;

use super::{Store, StoreError, commit, last_change, parse_record, record_of};
use crate::member::fold::Key;
use crate::member::{Member, MemberId};

/// What an erasure found in the database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Erased {
    /// Whether the member was stored.
    pub was_stored: bool,
    /// Members who listed them as a friend, as a colleague or as blocked, and no longer do.
    pub listed_by: Vec<MemberId>,
    /// The number of the change.
    pub change: u64,
}

impl Store {
    /// Removes a member and every mention of their id in other members' lists. A tombstone stays until
    /// [`Store::drop_tombstone`], since generations still hold them.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Record`]; then nothing was changed.
    pub async fn erase(&self, id: &MemberId) -> Result<Erased, StoreError> {
        let mut transaction = self.begin().await?;
        let before = last_change(&mut transaction).await?;
        let mut seq = before;
        let gone = sqlx::query("DELETE FROM members WHERE id = $1").bind(id.as_str()).execute(&mut *transaction);
        let was_stored = gone.await?.rows_affected() > 0;
        if was_stored {
            seq += 1;
            let tombstone = "INSERT INTO removals (id, seq) VALUES ($1, $2)";
            sqlx::query(tombstone).bind(id.as_str()).bind(seq).execute(&mut *transaction).await?;
        }
        let mut listed_by = Vec::new();
        for row in sqlx::query(MENTIONING).bind(quoted(id)).fetch_all(&mut *transaction).await? {
            let mut member: Member = parse_record(row.try_get(0)?, row.try_get(1)?)?;
            if !unlist(&mut member, id) {
                continue;
            }
            seq += 1;
            let record = record_of(&member)?;
            let hash = blake3::hash(record.as_bytes());
            sqlx::query("UPDATE members SET seq = $1, hash = $2, record = $3 WHERE id = $4")
                .bind(seq)
                .bind(hash.as_bytes().to_vec())
                .bind(record)
                .bind(member.id.as_str())
                .execute(&mut *transaction)
                .await?;
            listed_by.push(member.id);
        }
        commit(transaction, before, seq).await?;
        Ok(Erased { was_stored, listed_by, change: seq.unsigned_abs() })
    }

    /// The members who list another as a friend or as a colleague and do not keep that private.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Record`].
    pub async fn listing(&self, id: &MemberId) -> Result<Vec<MemberId>, StoreError> {
        let mut listing = Vec::new();
        for row in sqlx::query(MENTIONING).bind(quoted(id)).fetch_all(&self.pool).await? {
            let member = parse_record::<Member>(row.try_get(0)?, row.try_get(1)?)?.public();
            if member.friends.contains(id) || member.colleagues.contains(id) {
                listing.push(member.id);
            }
        }
        Ok(listing)
    }

    /// Whether the member is gone, but so lately that a generation may still hold them.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn has_tombstone(&self, id: &MemberId) -> Result<bool, StoreError> {
        let found = sqlx::query("SELECT 1 FROM removals WHERE id = $1").bind(id.as_str());
        Ok(found.fetch_optional(&self.pool).await?.is_some())
    }

    /// Forgets that a member was removed: no generation holds them any more.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn drop_tombstone(&self, id: &MemberId) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM removals WHERE id = $1").bind(id.as_str()).execute(&self.pool).await?;
        Ok(())
    }

    /// Deletes every vector, of whatever model, whose text is none of these; says how many.
    ///
    /// # Errors
    /// [`StoreError::Database`]; then none was deleted.
    pub async fn keep_only_embeddings(&self, used: &HashSet<Key>) -> Result<u64, StoreError> {
        let mut transaction = self.begin().await?;
        let stored: Vec<i64> = sqlx::query_scalar("SELECT DISTINCT text_key FROM embeddings ORDER BY text_key")
            .fetch_all(&mut *transaction)
            .await?;
        let mut deleted = 0;
        for key in stored.into_iter().filter(|key| !used.contains(&Key(key.cast_unsigned()))) {
            let query = sqlx::query("DELETE FROM embeddings WHERE text_key = $1").bind(key);
            deleted += query.execute(&mut *transaction).await?.rows_affected();
        }
        transaction.commit().await?;
        Ok(deleted)
    }

    /// Writes everything from the log into the database's file and cuts the log to nothing, so that what was deleted is in
    /// neither: pages that are given up are overwritten (`secure_delete`).
    ///
    /// # Errors
    /// [`StoreError::Database`]; [`StoreError::LogInUse`] while somebody reads from the log.
    pub async fn empty_log(&self) -> Result<(), StoreError> {
        for _ in 0..50 {
            let row = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&self.pool).await?;
            if row.try_get::<i64, _>(0)? == 0 {
                return Ok(());
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        Err(StoreError::LogInUse)
    }
}

/// Records in which an id stands as a JSON string, in whatever field.
const MENTIONING: &str = "SELECT id, record FROM members WHERE instr(record, $1) > 0 ORDER BY id";

fn quoted(id: &MemberId) -> String {
    serde_json::to_string(id.as_str()).unwrap_or_default()
}

/// Takes an id out of a member's lists; says whether it was in one.
fn unlist(member: &mut Member, id: &MemberId) -> bool {
    let lists = [&mut member.friends, &mut member.colleagues, &mut member.blocks];
    lists.into_iter().fold(false, |found, list| {
        let before = list.len();
        list.retain(|other| other != id);
        found || list.len() < before
    })
}
