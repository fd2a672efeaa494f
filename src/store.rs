//! The members' database: the one source of truth that generations are built from.
//!
//! SQLite through sqlx, in the index folder: write-ahead log, `synchronous=FULL` (an acknowledged import survives a
//! power cut), `secure_delete`. Or PostgreSQL, by the same code. Only this module names sqlx.

mod address;
mod backup;
mod connect;
mod dialect;
mod erase;
mod error;
pub(crate) mod fleet;
pub mod full;
pub mod import;
mod keys;
mod lock;
mod moment;
mod names;
mod participations;
mod programme;
mod searches;
mod source;
mod tally;
mod vectors;

use std::collections::HashMap;

use sqlx::{Database, Encode, QueryBuilder, Row, Type};

pub(crate) use address::without_passwords;
pub use address::{Address, NotServerUrl, ServerUrl};
use connect::Pool;
use dialect::{Dialect, on};
pub use erase::Erased;
pub use error::StoreError;
use error::said;
pub use keys::{ApiKey, KeyHash, Scope};
pub use lock::{ImportLock, WriteLock};
pub use moment::Moment;
pub use participations::Waiting;
pub use programme::{Concerned, EventRow, Found, FoundPerson, IntroductionRow, ParticipationRow, ToWrite};
pub use searches::SearchRow;

use crate::member::{Member, MemberId, OwnWord};

/// What an import changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
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

/// Rows per statement: five values each stay below SQLite's 32,766 parameters.
const ROWS: usize = 2_000;

/// The members' database.
#[derive(Debug, Clone)]
pub struct Store {
    pool: Pool,
    address: Address,
}

impl Store {
    /// Opens a database, making it (or on a server its tables) where it is missing.
    ///
    /// # Errors
    /// Where it cannot be made, reached, opened or brought to this version's schema.
    pub async fn create(address: &Address) -> Result<Store, StoreError> {
        Ok(Store { pool: connect::connect(address, true).await?, address: address.clone() })
    }

    /// Opens a database that must be there.
    ///
    /// # Errors
    /// [`StoreError::Missing`] where no member was ever imported; else as [`Store::create`].
    pub async fn open(address: &Address) -> Result<Store, StoreError> {
        Ok(Store { pool: connect::connect(address, false).await?, address: address.clone() })
    }

    /// Writes members, all or none, each with their own word over the record; a member stored already exactly so is left as it
    /// is. Of several records of one id the last holds.
    ///
    /// # Errors
    /// [`StoreError::Database`]; then nothing of this call was written.
    pub async fn upsert(&self, members: &[Member]) -> Result<Upserted, StoreError> {
        on!(self, |pool: D| {
            let mut done = Upserted::default();
            let mut transaction = pool.begin_with(D::WRITE).await?;
            let before: i64 = sqlx::query_scalar(D::LAST_TO_WRITE).fetch_one(&mut *transaction).await?;
            let mut seq = before;
            for chunk in members.chunks(ROWS) {
                let ids: Vec<&str> = chunk.iter().map(|member| member.id.as_str()).collect();
                let mut known = rows_of::<D>("SELECT id, hash FROM members WHERE id IN ", &ids);
                let known = known.build().fetch_all(&mut *transaction).await?;
                let mut known: HashMap<String, Vec<u8>> = known
                    .iter()
                    .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
                    .collect::<Result<_, sqlx::Error>>()?;
                let mut own = rows_of::<D>("SELECT member, own_word FROM participations WHERE member IN ", &ids);
                let mut own_words: HashMap<String, OwnWord> = HashMap::new();
                for row in own.build().fetch_all(&mut *transaction).await? {
                    let id: String = row.try_get(0)?;
                    own_words.insert(id.clone(), parse_record(&id, row.try_get(1)?)?);
                }
                let mut rows: HashMap<&str, (i64, blake3::Hash, String, String)> = HashMap::new();
                for member in chunk {
                    let record = match own_words.get(member.id.as_str()) {
                        Some(own_word) => record_of(&own_word.over(member.clone()))?,
                        None => record_of(member)?,
                    };
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
                    rows.insert(member.id.as_str(), (seq, hash, record, names::name_of(member)));
                }
                if rows.is_empty() {
                    continue;
                }
                let ids: Vec<&str> = rows.keys().copied().collect();
                rows_of::<D>("DELETE FROM removals WHERE id IN ", &ids).build().execute(&mut *transaction).await?;
                let mut insert = QueryBuilder::<D>::new("INSERT INTO members (id, seq, hash, record, name) ");
                insert.push_values(rows, |mut row, (id, (seq, hash, record, name))| {
                    row.push_bind(id)
                        .push_bind(seq)
                        .push_bind(hash.as_bytes().to_vec())
                        .push_bind(record)
                        .push_bind(name);
                });
                insert.push(
                    " ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, record = excluded.record, \
                     name = excluded.name",
                );
                insert.build().execute(&mut *transaction).await?;
            }
            if seq > before {
                sqlx::query(SET_LAST).bind(seq).execute(&mut *transaction).await?;
            }
            transaction.commit().await?;
            done
        })
    }

    /// Removes members, all or none, and says which of them were stored. A tombstone stays for as long as a generation may
    /// hold them.
    ///
    /// # Errors
    /// [`StoreError::Database`]; then nobody was removed.
    pub async fn remove(&self, members: &[MemberId]) -> Result<Vec<MemberId>, StoreError> {
        on!(self, |pool: D| {
            let mut removed = Vec::new();
            let mut transaction = pool.begin_with(D::WRITE).await?;
            let before: i64 = sqlx::query_scalar(D::LAST_TO_WRITE).fetch_one(&mut *transaction).await?;
            let mut seq = before;
            for id in members {
                let gone = sqlx::query("DELETE FROM members WHERE id = $1").bind(id.as_str());
                if gone.execute(&mut *transaction).await?.rows_affected() == 0 {
                    continue;
                }
                seq += 1;
                let tombstone = sqlx::query("INSERT INTO removals (id, seq) VALUES ($1, $2)");
                tombstone.bind(id.as_str()).bind(seq).execute(&mut *transaction).await?;
                removed.push(id.clone());
            }
            if seq > before {
                sqlx::query(SET_LAST).bind(seq).execute(&mut *transaction).await?;
            }
            transaction.commit().await?;
            removed
        })
    }

    /// What changed after the given change: the members as they are now, in the order of their changes, and those who are
    /// gone.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Record`].
    pub async fn changes_since(&self, sequence: u64) -> Result<Changes, StoreError> {
        self.changes_between(sequence, u64::MAX).await
    }

    /// The same up to a change: of who changed since then again nothing is known. `sequence` is the database's last change all
    /// the same.
    ///
    /// # Errors
    /// As [`Store::changes_since`].
    pub async fn changes_between(&self, sequence: u64, up_to: u64) -> Result<Changes, StoreError> {
        let [since, up_to] = [sequence, up_to].map(|change| i64::try_from(change).unwrap_or(i64::MAX));
        on!(self, |pool: D| {
            // One transaction, so that all of it is of one state.
            let mut transaction = pool.begin_with(D::READ).await?;
            let last: i64 = sqlx::query_scalar("SELECT last FROM sequence").fetch_one(&mut *transaction).await?;
            let rows = sqlx::query("SELECT id, seq, record FROM members WHERE seq > $1 AND seq <= $2 ORDER BY seq");
            let rows = rows.bind(since).bind(up_to).fetch_all(&mut *transaction).await?;
            let mut upserted = Vec::with_capacity(rows.len());
            for row in &rows {
                let member = parse_record(row.try_get(0)?, row.try_get(2)?)?;
                upserted.push(Stored { change: row.try_get::<i64, _>(1)?.unsigned_abs(), member });
            }
            let removed = sqlx::query_scalar("SELECT id FROM removals WHERE seq > $1 AND seq <= $2 ORDER BY seq");
            let removed = removed.bind(since).bind(up_to).fetch_all(&mut *transaction).await?;
            Changes { upserted, removed, sequence: last.unsigned_abs() }
        })
    }

    /// Forgets who was removed up to a change that every generation kept is newer than.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn drop_tombstones(&self, up_to: u64) -> Result<(), StoreError> {
        let up_to = i64::try_from(up_to).unwrap_or(i64::MAX);
        on!(self, |pool: D| {
            sqlx::query("DELETE FROM removals WHERE seq <= $1").bind(up_to).execute(pool).await?;
        })
    }

    /// The number of members and the last change's sequence number.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn size(&self) -> Result<(u64, u64), StoreError> {
        let select = "SELECT (SELECT count(*) FROM members), (SELECT last FROM sequence)";
        on!(self, |pool: D| {
            let row = sqlx::query(select).fetch_one(pool).await?;
            (row.try_get::<i64, _>(0)?.unsigned_abs(), row.try_get::<i64, _>(1)?.unsigned_abs())
        })
    }

    /// Up to `limit` members after the given id, in the order of their ids.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Record`].
    pub async fn page(&self, after: Option<&MemberId>, limit: u32) -> Result<Vec<Member>, StoreError> {
        on!(self, |pool: D| {
            let rows = sqlx::query("SELECT id, record FROM members WHERE id > $1 ORDER BY id LIMIT $2")
                .bind(after.map_or("", MemberId::as_str))
                .bind(i64::from(limit))
                .fetch_all(pool)
                .await?;
            let mut members = Vec::with_capacity(rows.len());
            for row in &rows {
                members.push(parse_record(row.try_get(0)?, row.try_get(1)?)?);
            }
            members
        })
    }

    /// Every member's id, in order.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn ids(&self) -> Result<Vec<String>, StoreError> {
        on!(self, |pool: D| { sqlx::query_scalar("SELECT id FROM members ORDER BY id").fetch_all(pool).await? })
    }

    /// The stored members' ids.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn member_ids(&self) -> Result<Vec<MemberId>, StoreError> {
        let stored =
            |id: String| MemberId::new(id.clone()).map_err(|error| StoreError::Record { id, problem: error.problem });
        self.ids().await?.into_iter().map(stored).collect()
    }

    /// Those of the given members that are stored, and the last change's sequence number at that moment.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Record`].
    pub async fn members(&self, ids: &[&str]) -> Result<(HashMap<String, Stored>, u64), StoreError> {
        // Nobody's id holds NUL, and PostgreSQL refuses a text that does.
        let ids: Vec<&&str> = ids.iter().filter(|id| !id.contains('\0')).collect();
        let ids = serde_json::to_string(&ids).unwrap_or_default();
        on!(self, |pool: D| {
            // One statement, so that records and sequence are of one state, and one row, since each row crosses threads.
            let row = sqlx::query(D::RECORDS).bind(&ids).fetch_one(pool).await?;
            let found: Vec<Stored> = parse_record(&ids, row.try_get(1)?)?;
            let found = found.into_iter().map(|stored| (stored.member.id.to_string(), stored)).collect();
            (found, row.try_get::<i64, _>(0)?.unsigned_abs())
        })
    }
}

/// Says how changes are numbered by now.
const SET_LAST: &str = "UPDATE sequence SET last = $1";

fn rows_of<'a, D>(select: &str, ids: &[&'a str]) -> QueryBuilder<D>
where
    D: Database<Arguments: Default>,
    &'a str: Encode<'a, D> + Type<D>,
{
    let mut query = QueryBuilder::new(select);
    query.push_tuples(ids, |mut row, id| {
        row.push_bind(*id);
    });
    query
}

fn record_of(member: &Member) -> Result<String, StoreError> {
    serde_json::to_string(member)
        .map_err(|error| StoreError::Record { id: member.id.to_string(), problem: error.to_string() })
}

fn parse_record<T: serde::de::DeserializeOwned>(id: &str, record: &str) -> Result<T, StoreError> {
    serde_json::from_str(record).map_err(|error| StoreError::Record { id: id.to_owned(), problem: error.to_string() })
}
