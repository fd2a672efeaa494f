//! The members' database: the one source of truth that generations are built from.
//!
//! SQLite through sqlx, in the index folder: write-ahead log, `synchronous=FULL` (an acknowledged import survives a
//! power cut), `secure_delete`. Only this module names sqlx.

pub mod import;

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{QueryBuilder, Row, Sqlite, SqlitePool, Transaction};

use crate::embed::UnitVector;
use crate::member::fold::Key;
use crate::member::{Member, MemberId};

/// A failure of the database: what failed, on what, what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no database in the folder yet.
    #[error("no members yet: {0} does not exist; run `rapport import FILE` first")]
    Missing(PathBuf),
    /// Another process writes to the folder.
    #[error("another rapport process is writing to {0}; wait for it to end, or stop it")]
    Locked(PathBuf),
    /// The folder cannot be written.
    #[error("cannot write to {path}: {source}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A stored record does not read back.
    #[error("member {id:?} in the database does not read back: {problem}; import this member again")]
    Record {
        /// The member.
        id: String,
        /// What is wrong.
        problem: String,
    },
    /// The database refused.
    #[error("the members' database failed: {0}; is there room on the disk, and is the file whole?")]
    Database(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("the members' database cannot be brought to this version's schema: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
}

/// What an import changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Upserted {
    /// Members seen for the first time.
    pub added: u64,
    /// Members whose record differs from the stored one.
    pub changed: u64,
    /// Members stored already exactly so.
    pub unchanged: u64,
}

impl std::ops::AddAssign for Upserted {
    fn add_assign(&mut self, other: Self) {
        self.added += other.added;
        self.changed += other.changed;
        self.unchanged += other.unchanged;
    }
}

/// A member as it is stored.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
pub struct Stored {
    /// The sequence number of the change that made it so.
    pub change: u64,
    /// The record.
    pub member: Member,
}

/// What changed since some change.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes {
    /// Members who came or changed, as they are now.
    pub upserted: Vec<Stored>,
    /// Ids of those who are gone.
    pub removed: Vec<String>,
    /// The last change.
    pub sequence: u64,
}

/// Rows per statement: four values each stay below SQLite's 32,766 parameters.
const ROWS: usize = 2_000;

/// The members' database of one index folder.
#[derive(Debug, Clone)]
pub struct Store {
    pool: SqlitePool,
}

/// Held by the one process that writes to an index folder; given back when dropped.
#[derive(Debug)]
pub struct WriteLock {
    _file: File,
}

impl WriteLock {
    /// Takes the folder's lock, making the folder where it is missing.
    ///
    /// # Errors
    /// [`StoreError::Locked`] while another process holds it; [`StoreError::Folder`] where the folder cannot be made.
    pub fn take(index: &Path) -> Result<WriteLock, StoreError> {
        let failed = |source| StoreError::Folder { path: index.to_owned(), source };
        std::fs::create_dir_all(index).map_err(failed)?;
        let file =
            File::options().create(true).truncate(false).write(true).open(index.join(".lock")).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(WriteLock { _file: file }),
            Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::Locked(index.to_owned())),
            Err(std::fs::TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}

impl Store {
    const FILE: &'static str = "members.db";

    /// Opens the database of an index folder, making it where it is missing.
    ///
    /// # Errors
    /// Where the file cannot be made, opened or brought to this version's schema.
    pub async fn create(index: &Path) -> Result<Store, StoreError> {
        std::fs::create_dir_all(index).map_err(|source| StoreError::Folder { path: index.to_owned(), source })?;
        Self::connect(&index.join(Self::FILE)).await
    }

    /// Opens the database of an index folder that must be there.
    ///
    /// # Errors
    /// [`StoreError::Missing`] where no member was ever imported; else as [`Store::create`].
    pub async fn open(index: &Path) -> Result<Store, StoreError> {
        let file = index.join(Self::FILE);
        if !file.exists() {
            return Err(StoreError::Missing(file));
        }
        Self::connect(&file).await
    }

    async fn connect(file: &Path) -> Result<Store, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("secure_delete", "ON")
            .busy_timeout(std::time::Duration::from_secs(30));
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            // A local file does not hang up; asking before each query would cost as much as the query.
            .test_before_acquire(false)
            .connect_with(options)
            .await?;
        sqlx::migrate!("src/store/migrations").run(&pool).await?;
        Ok(Store { pool })
    }

    /// Writes members, all or none; a member stored already exactly so is left as it is. Of several records of one id the
    /// last holds.
    ///
    /// # Errors
    /// [`StoreError::Database`]; then nothing of this call was written.
    pub async fn upsert(&self, members: &[Member]) -> Result<Upserted, StoreError> {
        let mut done = Upserted::default();
        let mut transaction = self.begin().await?;
        let before = last_change(&mut transaction).await?;
        let mut seq = before;
        for chunk in members.chunks(ROWS) {
            let ids: Vec<&str> = chunk.iter().map(|member| member.id.as_str()).collect();
            let known =
                rows_of("SELECT id, hash FROM members WHERE id IN ", &ids).build().fetch_all(&mut *transaction).await?;
            let mut known: HashMap<String, Vec<u8>> =
                known.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<_, sqlx::Error>>()?;
            let mut rows: HashMap<&str, (i64, blake3::Hash, String)> = HashMap::new();
            for member in chunk {
                let record = record_of(member)?;
                let hash = blake3::hash(record.as_bytes());
                match known.insert(member.id.to_string(), hash.as_bytes().to_vec()) {
                    Some(stored) if stored == hash.as_bytes() => {
                        done.unchanged += 1;
                        continue;
                    }
                    Some(_) => done.changed += 1,
                    None => done.added += 1,
                }
                seq += 1;
                rows.insert(member.id.as_str(), (seq, hash, record));
            }
            if rows.is_empty() {
                continue;
            }
            let ids: Vec<&str> = rows.keys().copied().collect();
            rows_of("DELETE FROM removals WHERE id IN ", &ids).build().execute(&mut *transaction).await?;
            let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO members (id, seq, hash, record) ");
            insert.push_values(rows, |mut row, (id, (seq, hash, record))| {
                row.push_bind(id).push_bind(seq).push_bind(hash.as_bytes().to_vec()).push_bind(record);
            });
            insert.push(
                " ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, record = excluded.record",
            );
            insert.build().execute(&mut *transaction).await?;
        }
        commit(transaction, before, seq).await?;
        Ok(done)
    }

    /// Removes members, all or none, and says which of them were stored. A tombstone stays for as long as a generation may
    /// hold them.
    ///
    /// # Errors
    /// [`StoreError::Database`]; then nobody was removed.
    pub async fn remove(&self, members: &[MemberId]) -> Result<Vec<MemberId>, StoreError> {
        let mut removed = Vec::new();
        let mut transaction = self.begin().await?;
        let before = last_change(&mut transaction).await?;
        let mut seq = before;
        for id in members {
            let gone = sqlx::query("DELETE FROM members WHERE id = $1").bind(id.as_str()).execute(&mut *transaction);
            if gone.await?.rows_affected() == 0 {
                continue;
            }
            seq += 1;
            let tombstone = "INSERT INTO removals (id, seq) VALUES ($1, $2)";
            sqlx::query(tombstone).bind(id.as_str()).bind(seq).execute(&mut *transaction).await?;
            removed.push(id.clone());
        }
        commit(transaction, before, seq).await?;
        Ok(removed)
    }

    /// What changed after the given change: the members as they are now, in the order of their changes, and those who are
    /// gone.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Record`].
    pub async fn changes_since(&self, sequence: u64) -> Result<Changes, StoreError> {
        let since = i64::try_from(sequence).unwrap_or(i64::MAX);
        // One transaction, so that all of it is of one state.
        let mut transaction = self.pool.begin().await?;
        let last = last_change(&mut transaction).await?;
        let rows = sqlx::query("SELECT id, seq, record FROM members WHERE seq > $1 ORDER BY seq").bind(since);
        let rows = rows.fetch_all(&mut *transaction).await?;
        let upserted = rows.iter().map(|row| {
            let member = parse_record(row.try_get(0)?, row.try_get(2)?)?;
            Ok(Stored { change: row.try_get::<i64, _>(1)?.unsigned_abs(), member })
        });
        let upserted = upserted.collect::<Result<_, StoreError>>()?;
        let removed = sqlx::query_scalar("SELECT id FROM removals WHERE seq > $1 ORDER BY seq").bind(since);
        let removed = removed.fetch_all(&mut *transaction).await?;
        Ok(Changes { upserted, removed, sequence: last.unsigned_abs() })
    }

    /// Forgets who was removed up to a change that every generation kept is newer than.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn drop_tombstones(&self, up_to: u64) -> Result<(), StoreError> {
        let up_to = i64::try_from(up_to).unwrap_or(i64::MAX);
        sqlx::query("DELETE FROM removals WHERE seq <= $1").bind(up_to).execute(&self.pool).await?;
        Ok(())
    }

    /// A transaction that writes.
    async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.pool.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// The number of members and the last change's sequence number.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn size(&self) -> Result<(u64, u64), StoreError> {
        let select = "SELECT (SELECT count(*) FROM members), (SELECT last FROM sequence)";
        let row = sqlx::query(select).fetch_one(&self.pool).await?;
        Ok((row.try_get::<i64, _>(0)?.unsigned_abs(), row.try_get::<i64, _>(1)?.unsigned_abs()))
    }

    /// Up to `limit` members after the given id, in the order of their ids.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Record`].
    pub async fn page(&self, after: Option<&MemberId>, limit: u32) -> Result<Vec<Member>, StoreError> {
        let rows = sqlx::query("SELECT id, record FROM members WHERE id > $1 ORDER BY id LIMIT $2")
            .bind(after.map_or("", MemberId::as_str))
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(|row| parse_record(row.try_get(0)?, row.try_get(1)?)).collect()
    }

    /// Every member's id, in order.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn ids(&self) -> Result<Vec<String>, StoreError> {
        Ok(sqlx::query_scalar("SELECT id FROM members ORDER BY id").fetch_all(&self.pool).await?)
    }

    /// Every member's id, in order, with the first 64 bits of the BLAKE3 of their record: another record has others.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn records(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let rows = sqlx::query("SELECT id, hash FROM members ORDER BY id").fetch_all(&self.pool).await?;
        let record = |row: &sqlx::sqlite::SqliteRow| {
            let hash: &[u8] = row.try_get(1)?;
            let first = hash.first_chunk().copied().unwrap_or_default();
            Ok((row.try_get(0)?, u64::from_le_bytes(first)))
        };
        rows.iter().map(record).collect()
    }

    /// Those of the given members that are stored, and the last change's sequence number at that moment.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Record`].
    pub async fn members(&self, ids: &[&str]) -> Result<(HashMap<String, Stored>, u64), StoreError> {
        // One statement, so that records and sequence are of one state, and one row, since each row crosses threads.
        let select = r#"SELECT (SELECT last FROM sequence), (
                SELECT '[' || coalesce(group_concat('{"change":' || seq || ',"member":' || record || '}', ','), '') || ']'
                FROM members
                WHERE id IN (SELECT value FROM json_each($1))
            )"#;
        let ids = serde_json::to_string(ids).unwrap_or_default();
        let row = sqlx::query(select).bind(&ids).fetch_one(&self.pool).await?;
        let found: Vec<Stored> = parse_record(&ids, row.try_get(1)?)?;
        let found = found.into_iter().map(|stored| (stored.member.id.to_string(), stored)).collect();
        Ok((found, row.try_get::<i64, _>(0)?.unsigned_abs()))
    }

    /// Which of the texts have a stored vector of the model.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn embedded(&self, model: &str, dimension: usize, texts: &[Key]) -> Result<HashSet<Key>, StoreError> {
        let mut found = HashSet::new();
        for chunk in texts.chunks(ROWS) {
            let mut query = vectors_of("SELECT text_key FROM embeddings WHERE model = ", model, chunk);
            // A vector that was cut short is as good as none.
            query.push(" AND length(vector) = ").push_bind(4 * dimension as i64);
            for row in query.build().fetch_all(&self.pool).await? {
                found.insert(Key(row.try_get::<i64, _>(0)?.cast_unsigned()));
            }
        }
        Ok(found)
    }

    /// The stored vectors of the texts: f32, little-endian in the database.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn embeddings(&self, model: &str, texts: &[Key]) -> Result<HashMap<Key, Vec<f32>>, StoreError> {
        let mut found = HashMap::with_capacity(texts.len());
        for chunk in texts.chunks(ROWS) {
            let mut query = vectors_of("SELECT text_key, vector FROM embeddings WHERE model = ", model, chunk);
            for row in query.build().fetch_all(&self.pool).await? {
                let bytes: &[u8] = row.try_get(1)?;
                let vector = bytes.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]));
                found.insert(Key(row.try_get::<i64, _>(0)?.cast_unsigned()), vector.collect());
            }
        }
        Ok(found)
    }

    /// Keeps vectors for their texts, in place of any that are there.
    ///
    /// # Errors
    /// [`StoreError::Database`]; then nothing of this call was written.
    pub async fn keep_embeddings(&self, model: &str, vectors: &[(Key, UnitVector)]) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin().await?;
        for chunk in vectors.chunks(ROWS) {
            let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO embeddings (model, text_key, vector) ");
            insert.push_values(chunk, |mut row, (key, vector)| {
                let bytes: Vec<u8> = vector.iter().flat_map(|value| value.to_le_bytes()).collect();
                row.push_bind(model).push_bind(key.0.cast_signed()).push_bind(bytes);
            });
            insert.push(" ON CONFLICT (model, text_key) DO UPDATE SET vector = excluded.vector");
            insert.build().execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

async fn last_change(transaction: &mut Transaction<'_, Sqlite>) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar("SELECT last FROM sequence").fetch_one(&mut **transaction).await?)
}

/// Commits changes that were numbered from `before` up to `last`.
async fn commit(mut transaction: Transaction<'_, Sqlite>, before: i64, last: i64) -> Result<(), StoreError> {
    if last > before {
        sqlx::query("UPDATE sequence SET last = $1").bind(last).execute(&mut *transaction).await?;
    }
    Ok(transaction.commit().await?)
}

fn rows_of<'a>(select: &str, ids: &'a [&'a str]) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(select);
    query.push_tuples(ids, |mut row, id| {
        row.push_bind(*id);
    });
    query
}

fn vectors_of(select: &str, model: &str, texts: &[Key]) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(select);
    query.push_bind(model.to_owned()).push(" AND text_key IN (");
    let mut list = query.separated(", ");
    for key in texts {
        list.push_bind(key.0.cast_signed());
    }
    query.push(")");
    query
}

fn record_of(member: &Member) -> Result<String, StoreError> {
    serde_json::to_string(member)
        .map_err(|error| StoreError::Record { id: member.id.to_string(), problem: error.to_string() })
}

fn parse_record<T: serde::de::DeserializeOwned>(id: &str, record: &str) -> Result<T, StoreError> {
    serde_json::from_str(record).map_err(|error| StoreError::Record { id: id.to_owned(), problem: error.to_string() })
}
