//! What the programme's tables add up to, for whoever runs it.

use sqlx::Row;

use super::dialect::on;
use super::{Store, StoreError};

impl Store {
    /// How many introductions each mentor has of each status, in the order of the mentors' ids.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn introductions_by_mentor(&self) -> Result<Vec<(String, String, u64)>, StoreError> {
        on!(self, |pool: D| {
            let select = "SELECT mentor, status, count(*) FROM introductions GROUP BY mentor, status ORDER BY mentor";
            let mut tally = Vec::new();
            for row in sqlx::query(select).fetch_all(pool).await? {
                tally.push((row.try_get(0)?, row.try_get(1)?, row.try_get::<i64, _>(2)?.unsigned_abs()));
            }
            tally
        })
    }

    /// The mentees who wait for an answer, or have a mentor.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn mentees_with_somebody(&self) -> Result<Vec<String>, StoreError> {
        on!(self, |pool: D| {
            let select = "SELECT DISTINCT mentee FROM introductions WHERE status IN ('requested', 'accepted')";
            sqlx::query_scalar(select).fetch_all(pool).await?
        })
    }

    /// Up to `limit` events after a number that name a member, each with its own.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn events_naming(&self, id: &str, after: u64, limit: u32) -> Result<Vec<(u64, String)>, StoreError> {
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        on!(self, |pool: D| {
            let select = "SELECT number, record FROM events WHERE number > $1 AND \
                (mentee = $2 OR mentor = $2 OR member = $2 OR actor = $2) ORDER BY number LIMIT $3";
            let mut events = Vec::new();
            for row in sqlx::query(select).bind(after).bind(id).bind(i64::from(limit)).fetch_all(pool).await? {
                events.push((row.try_get::<i64, _>(0)?.unsigned_abs(), row.try_get(1)?));
            }
            events
        })
    }
}
