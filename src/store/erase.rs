//! Taking a member out of the database for good: the record, what others' records say of them, vectors nobody else uses,
//! and the pages and the log that held them.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use sqlx::Row;
use tokio::sync::Mutex;

use super::connect::{self, Pool};
use super::dialect::{Dialect, on};
use super::{Address, SET_LAST, Store, StoreError, parse_record, record_of};
use crate::member::fold::Key;
use crate::member::{Member, MemberId};

/// How long the log may be read by others while it is to be emptied.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long somebody may read a table that is to be written anew, and how long is waited between two tries.
const LONG_READING: (Duration, Duration) = (Duration::from_secs(3_600), Duration::from_secs(1));

/// What an erasure found in the database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Erased {
    /// Whether the member was stored.
    pub was_stored: bool,
    /// Members who listed them as a friend, as a colleague or as blocked, and no longer do.
    pub listed_by: Vec<MemberId>,
    /// The number of the last change.
    pub change: u64,
}

impl Store {
    /// Removes a member and every mention of their id in other members' lists. A tombstone stays until
    /// [`Store::drop_tombstone`], since generations still hold them.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Record`]; then nothing was changed.
    pub async fn erase(&self, id: &MemberId) -> Result<Erased, StoreError> {
        on!(self, |pool: D| {
            let mut transaction = pool.begin_with(D::WRITE).await?;
            let before: i64 = sqlx::query_scalar(D::LAST_TO_WRITE).fetch_one(&mut *transaction).await?;
            let mut seq = before;
            let gone = sqlx::query("DELETE FROM members WHERE id = $1").bind(id.as_str());
            let was_stored = gone.execute(&mut *transaction).await?.rows_affected() > 0;
            if was_stored {
                seq += 1;
                let tombstone = sqlx::query("INSERT INTO removals (id, seq) VALUES ($1, $2)");
                tombstone.bind(id.as_str()).bind(seq).execute(&mut *transaction).await?;
            }
            let mut listed_by = Vec::new();
            for row in sqlx::query(D::MENTIONING).bind(quoted(id)).fetch_all(&mut *transaction).await? {
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
            if seq > before {
                sqlx::query(SET_LAST).bind(seq).execute(&mut *transaction).await?;
            }
            transaction.commit().await?;
            Erased { was_stored, listed_by, change: seq.unsigned_abs() }
        })
    }

    /// The members who list another as a friend or as a colleague and do not keep that private.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Record`].
    pub async fn listing(&self, id: &MemberId) -> Result<Vec<MemberId>, StoreError> {
        on!(self, |pool: D| {
            let mut listing = Vec::new();
            for row in sqlx::query(D::MENTIONING).bind(quoted(id)).fetch_all(pool).await? {
                let member = parse_record::<Member>(row.try_get(0)?, row.try_get(1)?)?;
                let member = member.public();
                if member.friends.contains(id) || member.colleagues.contains(id) {
                    listing.push(member.id.clone());
                }
            }
            listing
        })
    }

    /// Whether the member is gone, but so lately that a generation may still hold them.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn has_tombstone(&self, id: &MemberId) -> Result<bool, StoreError> {
        on!(self, |pool: D| {
            let found = sqlx::query("SELECT seq FROM removals WHERE id = $1").bind(id.as_str());
            found.fetch_optional(pool).await?.is_some()
        })
    }

    /// Whether other machines may have generations of this database, of which nobody here knows whom they hold.
    pub fn is_shared(&self) -> bool {
        matches!(self.pool, Pool::Postgres(_))
    }

    /// Forgets that a member was removed: no generation holds them any more.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn drop_tombstone(&self, id: &MemberId) -> Result<(), StoreError> {
        on!(self, |pool: D| {
            sqlx::query("DELETE FROM removals WHERE id = $1").bind(id.as_str()).execute(pool).await?;
        })
    }

    /// Deletes every vector, of whatever model, whose text is none of these; says how many.
    ///
    /// # Errors
    /// [`StoreError::Database`]; then none was deleted.
    pub async fn keep_only_embeddings(&self, used: &HashSet<Key>) -> Result<u64, StoreError> {
        on!(self, |pool: D| {
            let mut transaction = pool.begin_with(D::WRITE).await?;
            let stored = sqlx::query_scalar("SELECT DISTINCT text_key FROM embeddings ORDER BY text_key");
            let stored: Vec<i64> = stored.fetch_all(&mut *transaction).await?;
            let mut deleted = 0;
            for key in stored {
                if used.contains(&Key(key.cast_unsigned())) {
                    continue;
                }
                let delete = sqlx::query("DELETE FROM embeddings WHERE text_key = $1").bind(key);
                deleted += delete.execute(&mut *transaction).await?.rows_affected();
            }
            transaction.commit().await?;
            deleted
        })
    }

    /// Leaves nothing of what was deleted in the database's own files: all of it is written anew. `secure_delete` alone
    /// leaves copies of rows that had moved between pages, of one in some three hundred. SQLite: then everything goes from the
    /// log into the file, and the log is cut to nothing. PostgreSQL: its log and its archives are the server's.
    ///
    /// `changing` is held meanwhile: changes of this process wait there, not for the database, whose connections searches need.
    ///
    /// # Errors
    /// [`StoreError::Database`]; [`StoreError::LogInUse`] while somebody reads from the log.
    pub async fn purge(&self, changing: &Mutex<()>) -> Result<(), StoreError> {
        if let Address::Server(url) = &self.address {
            // However long it takes, but for the lock: behind who waits for that, everybody waits who only reads.
            let mut connection = connect::server(url).await?;
            let failed = |error| StoreError::of_database(&self.address, error);
            sqlx::query("SET lock_timeout = '2s'").execute(&mut connection).await.map_err(failed)?;
            let begun = Instant::now();
            for statement in [
                "VACUUM FULL members",
                "VACUUM FULL removals",
                "VACUUM FULL embeddings",
                "VACUUM FULL participations",
                "VACUUM FULL introductions",
                "VACUUM FULL events",
                "VACUUM FULL searches",
                "VACUUM FULL impressions",
                "VACUUM FULL epochs",
            ] {
                loop {
                    let vacuumed = {
                        let _changing = changing.lock().await;
                        sqlx::query(statement).execute(&mut connection).await
                    };
                    match vacuumed {
                        // Somebody reads for long: a build, or a dump.
                        Err(error) if is_lock_not_available(&error) && begun.elapsed() < LONG_READING.0 => {
                            tokio::time::sleep(LONG_READING.1).await;
                        }
                        done => break done.map(drop).map_err(failed)?,
                    }
                }
            }
            return Ok(());
        }
        let _changing = changing.lock().await;
        on!(self, |pool: D| {
            sqlx::query("VACUUM").execute(pool).await?;
        })?;
        let begun = Instant::now();
        loop {
            let busy: i64 = on!(self, |pool: D| {
                sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(pool).await?.try_get(0)?
            })?;
            if busy == 0 {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                return Err(StoreError::LogInUse);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Whether a statement ended because somebody else holds a lock.
fn is_lock_not_available(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.code().as_deref() == Some("55P03"))
}

/// An id as it stands in a record.
pub(super) fn quoted(id: &MemberId) -> String {
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
