//! Looking members up by how they take part in the programme.

use std::collections::HashSet;

use sqlx::Row;

use super::dialect::{Dialect, on};
use super::programme::member_id;
use super::{Store, StoreError};
use crate::member::MemberId;

/// Since when somebody waits, in seconds since 1970, and who.
pub type Waiting = (i64, String);

impl Store {
    /// Who waits for a good mentor, up to `limit` after the given one: those who wait longest first, then in the order of ids.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn waiting(&self, after: &Waiting, limit: u32) -> Result<Vec<Waiting>, StoreError> {
        on!(self, |pool: D| {
            let select = "SELECT waits_since, member FROM participations WHERE waits_since IS NOT NULL \
                AND (waits_since, member) > ($1, $2) ORDER BY waits_since, member LIMIT $3";
            let select = sqlx::query(select).bind(after.0).bind(&after.1).bind(i64::from(limit));
            let mut waiting = Vec::new();
            for row in select.fetch_all(pool).await? {
                waiting.push((row.try_get(0)?, row.try_get(1)?));
            }
            waiting
        })
    }

    /// Mentors whose records say, and not in private, that they were last active before a day.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Record`].
    pub async fn mentors_inactive_since(&self, day: &str) -> Result<Vec<MemberId>, StoreError> {
        let ids: Vec<String> =
            on!(self, |pool: D| { sqlx::query_scalar(D::INACTIVE_MENTORS).bind(day).fetch_all(pool).await? })?;
        ids.iter().map(|id| member_id(id)).collect()
    }

    /// How many wait for a good mentor.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn count_waiting(&self) -> Result<u64, StoreError> {
        let count: i64 = on!(self, |pool: D| {
            let select = "SELECT count(*) FROM participations WHERE waits_since IS NOT NULL";
            sqlx::query_scalar(select).fetch_one(pool).await?
        })?;
        Ok(count.unsigned_abs())
    }

    /// The ids of those who consented to the organisers' looking at what they keep private.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn consenting(&self) -> Result<HashSet<String>, StoreError> {
        on!(self, |pool: D| {
            let select = "SELECT member FROM participations WHERE consented IS NOT NULL";
            sqlx::query_scalar(select).fetch_all(pool).await?.into_iter().collect()
        })
    }

    /// How many accepted one version of the mentors' guidelines, and not another one.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn count_accepted(&self, version: &str, but_not: &str) -> Result<u64, StoreError> {
        let count: i64 = on!(self, |pool: D| {
            sqlx::query_scalar(D::ACCEPTED_BUT_NOT).bind(version).bind(but_not).fetch_one(pool).await?
        })?;
        Ok(count.unsigned_abs())
    }
}
