//! The database as it is at one moment, read while others write.

use sqlx::{Postgres, Row, Sqlite, Transaction};
use tokio::sync::Mutex;

use super::connect::Pool;
use super::dialect::{Dialect, Failure};
use super::{Address, Store, StoreError, parse_record};
use crate::member::{Member, MemberId};

/// All members at one moment. While it is held, nothing that others delete is cleared away.
#[derive(Debug)]
pub struct Moment {
    transaction: Mutex<Reading>,
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
            Pool::Postgres(pool) => Reading::Postgres(pool.begin_with(Postgres::READ).await.map_err(failed)?),
        };
        // A transaction sees the state of its first statement.
        let last = within!(&mut reading, |transaction| {
            sqlx::query_scalar::<_, i64>("SELECT last FROM sequence").fetch_one(&mut **transaction).await?
        });
        let sequence = last.map_err(|failure| failure.told(&self.address))?.unsigned_abs();
        Ok(Moment { transaction: Mutex::new(reading), address: self.address.clone(), sequence })
    }
}

impl Moment {
    /// Up to `limit` members after the given id, in the order of their ids.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Record`].
    pub async fn page(&self, after: Option<&MemberId>, limit: u32) -> Result<Vec<Member>, StoreError> {
        let mut reading = self.transaction.lock().await;
        let page = within!(reading, |transaction| {
            let rows = sqlx::query("SELECT id, record FROM members WHERE id > $1 ORDER BY id LIMIT $2")
                .bind(after.map_or("", MemberId::as_str))
                .bind(i64::from(limit))
                .fetch_all(&mut **transaction)
                .await?;
            let mut members = Vec::with_capacity(rows.len());
            for row in &rows {
                members.push(parse_record(row.try_get(0)?, row.try_get(1)?)?);
            }
            members
        });
        page.map_err(|failure| failure.told(&self.address))
    }

    /// Every member's id, in order.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn ids(&self) -> Result<Vec<String>, StoreError> {
        let mut reading = self.transaction.lock().await;
        let ids = within!(reading, |transaction| {
            sqlx::query_scalar("SELECT id FROM members ORDER BY id").fetch_all(&mut **transaction).await?
        });
        ids.map_err(|failure| failure.told(&self.address))
    }
}
