//! The tables of searches: what was asked and answered, how often mentors were shown, what an epoch adjusted. What it means is
//! not known here: records are texts that the community writes and reads.

use std::collections::{BTreeMap, HashMap, HashSet};

use sqlx::{QueryBuilder, Row};

use super::dialect::{Dialect, on};
use super::erase::quoted;
use super::programme::member_id;
use super::{ROWS, Store, StoreError};
use crate::member::MemberId;

/// A search with what it is looked up by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchRow {
    /// Its name.
    pub id: String,
    /// When it was asked, in milliseconds since 1970.
    pub at: i64,
    /// Whose it is, where a member's.
    pub member: Option<MemberId>,
    /// All of it.
    pub record: String,
}

impl Store {
    /// Writes searches, and adds to how often mentors were shown by day, all or nothing. Of two of one name the first stays.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn add_searches(
        &self,
        searches: &[SearchRow],
        shown: &BTreeMap<(MemberId, i64), i64>,
    ) -> Result<(), StoreError> {
        // Counts are added in the order of the ids, so that two machines do not wait for one another.
        let shown: Vec<(&(MemberId, i64), &i64)> = shown.iter().collect();
        on!(self, |pool: D| {
            let mut transaction = pool.begin_with(D::WRITE).await?;
            for rows in searches.chunks(ROWS) {
                let mut insert = QueryBuilder::<D>::new("INSERT INTO searches (id, at, member, record) ");
                insert.push_values(rows, |mut row, SearchRow { id, at, member, record }| {
                    row.push_bind(id).push_bind(at).push_bind(member.as_ref().map(MemberId::as_str)).push_bind(record);
                });
                insert.push(" ON CONFLICT (id) DO NOTHING");
                insert.build().execute(&mut *transaction).await?;
            }
            for rows in shown.chunks(ROWS) {
                let mut insert = QueryBuilder::<D>::new("INSERT INTO impressions (mentor, day, shown) ");
                insert.push_values(rows, |mut row, ((mentor, day), shown)| {
                    row.push_bind(mentor.as_str()).push_bind(*day).push_bind(**shown);
                });
                insert.push(" ON CONFLICT (mentor, day) DO UPDATE SET shown = impressions.shown + excluded.shown");
                insert.build().execute(&mut *transaction).await?;
            }
            transaction.commit().await?;
        })
    }

    /// Which of these ids are stored members'.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn stored_of(&self, ids: &[&str]) -> Result<HashSet<String>, StoreError> {
        on!(self, |pool: D| {
            let mut stored = HashSet::with_capacity(ids.len());
            for ids in ids.chunks(ROWS) {
                let mut select = QueryBuilder::<D>::new("SELECT id FROM members WHERE id IN (");
                let mut list = select.separated(", ");
                for id in ids {
                    list.push_bind(*id);
                }
                select.push(")");
                stored.extend(select.build_query_scalar::<String>().fetch_all(pool).await?);
            }
            stored
        })
    }

    /// How often a mentor was shown, as far as it is counted still.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn shown_of(&self, mentor: &MemberId) -> Result<u64, StoreError> {
        on!(self, |pool: D| {
            let select = "SELECT CAST(coalesce(sum(shown), 0) AS BIGINT) FROM impressions WHERE mentor = $1";
            let shown: i64 = sqlx::query_scalar(select).bind(mentor.as_str()).fetch_one(pool).await?;
            shown.unsigned_abs()
        })
    }

    /// The search of a name.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn search(&self, id: &str) -> Result<Option<String>, StoreError> {
        if id.contains('\0') {
            return Ok(None);
        }
        on!(self, |pool: D| {
            let select = sqlx::query_scalar("SELECT record FROM searches WHERE id = $1").bind(id);
            select.fetch_optional(pool).await?
        })
    }

    /// The newest searches, of one member or of all, up to `limit`, newest first.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn searches(&self, of: Option<&MemberId>, limit: u32) -> Result<Vec<String>, StoreError> {
        on!(self, |pool: D| {
            let mut select = QueryBuilder::<D>::new("SELECT record FROM searches");
            if let Some(of) = of {
                select.push(" WHERE member = ").push_bind(of.to_string());
            }
            select.push(" ORDER BY at DESC, id LIMIT ").push_bind(i64::from(limit));
            select.build_query_scalar().fetch_all(pool).await?
        })
    }

    /// Deletes searches from before a time, in milliseconds since 1970, and counts from before a day; gives the number of
    /// searches.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn drop_searches(&self, before: i64, before_day: i64) -> Result<u64, StoreError> {
        on!(self, |pool: D| {
            sqlx::query("DELETE FROM impressions WHERE day < $1").bind(before_day).execute(pool).await?;
            let gone = sqlx::query("DELETE FROM searches WHERE at < $1").bind(before);
            gone.execute(pool).await?.rows_affected()
        })
    }

    /// How often each mentor was shown since a day.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Record`].
    pub async fn shown_since(&self, day: i64) -> Result<HashMap<MemberId, u64>, StoreError> {
        on!(self, |pool: D| {
            let select = "SELECT mentor, CAST(sum(shown) AS BIGINT) FROM impressions WHERE day >= $1 GROUP BY mentor";
            let mut shown = HashMap::new();
            for row in sqlx::query(select).bind(day).fetch_all(pool).await? {
                shown.insert(member_id(row.try_get(0)?)?, row.try_get::<i64, _>(1)?.unsigned_abs());
            }
            shown
        })
    }

    /// Keeps what an epoch adjusts, which began at a time in milliseconds since 1970.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn keep_epoch(&self, number: u32, at: i64, record: &str) -> Result<(), StoreError> {
        on!(self, |pool: D| {
            let insert = "INSERT INTO epochs (number, at, record) VALUES ($1, $2, $3) \
                ON CONFLICT (number) DO UPDATE SET at = excluded.at, record = excluded.record";
            sqlx::query(insert).bind(i64::from(number)).bind(at).bind(record).execute(pool).await?;
        })
    }

    /// What the epoch of a number adjusted, if that is kept.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn epoch(&self, number: u32) -> Result<Option<String>, StoreError> {
        on!(self, |pool: D| {
            let select = sqlx::query_scalar("SELECT record FROM epochs WHERE number = $1").bind(i64::from(number));
            select.fetch_optional(pool).await?
        })
    }

    /// Deletes epochs that last began before a time, in milliseconds since 1970.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn drop_epochs(&self, before: i64) -> Result<(), StoreError> {
        on!(self, |pool: D| {
            sqlx::query("DELETE FROM epochs WHERE at < $1").bind(before).execute(pool).await?;
        })
    }

    /// Takes a member out of what is known of searches: has `forget` take them out of each record that may name them, or say that
    /// it goes, and deletes how often they were shown and every epoch, which may name them too. Gives the number of searches that
    /// went.
    ///
    /// # Errors
    /// [`StoreError::Database`]; then nothing was changed.
    pub async fn erase_searches(
        &self,
        id: &MemberId,
        forget: impl Fn(&str) -> Option<String>,
    ) -> Result<u64, StoreError> {
        on!(self, |pool: D| {
            let mut transaction = pool.begin_with(D::WRITE).await?;
            let mut gone = 0;
            let naming = sqlx::query(D::SEARCHES_NAMING).bind(id.as_str()).bind(quoted(id));
            for row in naming.fetch_all(&mut *transaction).await? {
                let (search, record): (String, String) = (row.try_get(0)?, row.try_get(1)?);
                match forget(&record) {
                    Some(record) => {
                        let update = sqlx::query("UPDATE searches SET record = $1 WHERE id = $2").bind(record);
                        update.bind(search).execute(&mut *transaction).await?;
                    }
                    None => {
                        let delete = sqlx::query("DELETE FROM searches WHERE id = $1").bind(search);
                        gone += delete.execute(&mut *transaction).await?.rows_affected();
                    }
                }
            }
            let counts = sqlx::query("DELETE FROM impressions WHERE mentor = $1").bind(id.as_str());
            counts.execute(&mut *transaction).await?;
            sqlx::query("DELETE FROM epochs").execute(&mut *transaction).await?;
            transaction.commit().await?;
            gone
        })
    }

    /// Whether what is known of searches names a member, stored or not.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn is_in_searches(&self, id: &MemberId) -> Result<bool, StoreError> {
        let quoted = quoted(id);
        on!(self, |pool: D| {
            let naming = sqlx::query(D::SEARCHES_NAMING).bind(id.as_str()).bind(&quoted);
            let counted = sqlx::query("SELECT mentor FROM impressions WHERE mentor = $1 LIMIT 1").bind(id.as_str());
            let adjusted = sqlx::query(D::EPOCHS_NAMING).bind(&quoted);
            naming.fetch_optional(pool).await?.is_some()
                || counted.fetch_optional(pool).await?.is_some()
                || adjusted.fetch_optional(pool).await?.is_some()
        })
    }

    /// Everyone whom counts of what was shown name, stored or not, and the record of every search.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Record`].
    pub async fn all_searches(&self) -> Result<(HashSet<MemberId>, Vec<String>), StoreError> {
        on!(self, |pool: D| {
            let shown: Vec<String> =
                sqlx::query_scalar("SELECT DISTINCT mentor FROM impressions").fetch_all(pool).await?;
            let shown = shown.iter().map(|id| member_id(id)).collect::<Result<_, _>>()?;
            (shown, sqlx::query_scalar("SELECT record FROM searches").fetch_all(pool).await?)
        })
    }
}
