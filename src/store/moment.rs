//! The database as it is at one moment, read while others write.

use sqlx::{Postgres, Row, Sqlite, Transaction};
use tokio::sync::Mutex;

use super::connect::{Pool, reading_at_length};
use super::dialect::{Dialect, Failure};
use super::{Address, Store, StoreError, Stored, parse_record};
use crate::member::Member;

/// All members at one moment. While it is held, nothing that others delete is cleared away.
#[derive(Debug)]
pub struct Moment {
    reading: Mutex<Reading>,
    address: Address,
    /// The last change by then.
    pub sequence: u64,
}

#[derive(Debug)]
enum Reading {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// Runs one body in a transaction of either database.
macro_rules! within {
    ($reading:expr, |$transaction:ident| $body:block) => {
        match &mut *$reading {
            Reading::Sqlite($transaction) => async { Ok::<_, Failure>($body) }.await,
            Reading::Postgres($transaction) => async { Ok::<_, Failure>($body) }.await,
        }
    };
}

impl Store {
    /// Holds the database as it is now.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn moment(&self) -> Result<Moment, StoreError> {
        let failed = |source| StoreError::of_database(&self.address, source);
        let mut reading = match &self.pool {
            Pool::Sqlite(pool) => Reading::Sqlite(pool.begin_with(Sqlite::READ).await.map_err(failed)?),
            Pool::Postgres(pool) => Reading::Postgres(reading_at_length(pool).await.map_err(failed)?),
        };
        // A transaction sees the state of its first statement.
        let last = within!(&mut reading, |transaction| {
            sqlx::query_scalar::<_, i64>("SELECT last FROM sequence").fetch_one(&mut **transaction).await?
        });
        let sequence = last.map_err(|failure| failure.told(&self.address))?.unsigned_abs();
        Ok(Moment { reading: Mutex::new(reading), address: self.address.clone(), sequence })
    }
}

impl Moment {
    /// Every member's id, in order, with the first 64 bits of the BLAKE3 of their record: another record has others.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn records(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let mut reading = self.reading.lock().await;
        let records = within!(reading, |transaction| {
            let rows = sqlx::query("SELECT id, hash FROM members ORDER BY id").fetch_all(&mut **transaction).await?;
            let mut records = Vec::with_capacity(rows.len());
            for row in &rows {
                let hash: &[u8] = row.try_get(1)?;
                let first = hash.first_chunk().copied().unwrap_or_default();
                records.push((row.try_get::<String, _>(0)?, u64::from_le_bytes(first)));
            }
            records
        });
        records.map_err(|failure| failure.told(&self.address))
    }

    /// Those of the given members that are stored, in no order.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Record`].
    pub async fn members(&self, ids: &[String]) -> Result<Vec<Member>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids = serde_json::to_string(ids).unwrap_or_default();
        let mut reading = self.reading.lock().await;
        let found = match &mut *reading {
            Reading::Sqlite(transaction) => {
                let row = sqlx::query(Sqlite::RECORDS).bind(&ids).fetch_one(&mut **transaction).await;
                row.and_then(|row| row.try_get::<String, _>(1))
            }
            Reading::Postgres(transaction) => {
                let row = sqlx::query(Postgres::RECORDS).bind(&ids).fetch_one(&mut **transaction).await;
                row.and_then(|row| row.try_get::<String, _>(1))
            }
        };
        let found = found.map_err(|source| StoreError::of_database(&self.address, source))?;
        let found: Vec<Stored> = parse_record(&ids, &found)?;
        Ok(found.into_iter().map(|stored| stored.member).collect())
    }
}
