//! The database as it is at one moment, read while others write.

use sqlx::{Row, Sqlite, Transaction};
use tokio::sync::Mutex;

use super::{Store, StoreError, last_change, parse_record};
use crate::member::{Member, MemberId};

/// All members at one moment. While it is held, the log grows with every change.
#[derive(Debug)]
pub struct Moment {
    transaction: Mutex<Transaction<'static, Sqlite>>,
    /// The last change by then.
    pub sequence: u64,
}

impl Store {
    /// Holds the database as it is now.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn moment(&self) -> Result<Moment, StoreError> {
        let mut transaction = self.pool.begin().await?;
        // A transaction sees the state of its first statement.
        let sequence = last_change(&mut transaction).await?.unsigned_abs();
        Ok(Moment { transaction: Mutex::new(transaction), sequence })
    }
}

impl Moment {
    /// Up to `limit` members after the given id, in the order of their ids.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Record`].
    pub async fn page(&self, after: Option<&MemberId>, limit: u32) -> Result<Vec<Member>, StoreError> {
        let mut transaction = self.transaction.lock().await;
        let rows = sqlx::query("SELECT id, record FROM members WHERE id > $1 ORDER BY id LIMIT $2")
            .bind(after.map_or("", MemberId::as_str))
            .bind(limit)
            .fetch_all(&mut **transaction)
            .await?;
        rows.iter().map(|row| parse_record(row.try_get(0)?, row.try_get(1)?)).collect()
    }

    /// Every member's id, in order.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn ids(&self) -> Result<Vec<String>, StoreError> {
        let mut transaction = self.transaction.lock().await;
        Ok(sqlx::query_scalar("SELECT id FROM members ORDER BY id").fetch_all(&mut **transaction).await?)
    }
}
