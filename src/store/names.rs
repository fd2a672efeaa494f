//! Members by their names, as people type them.
//!
//! Beside a record stands its name, folded as [`fold`] says and in an index, so that nobody's record is read but of those
//! whose name begins so. Where there is no name, or it is private, it is empty and never found.

use sqlx::{QueryBuilder, Row};

use super::connect::Pool;
use super::dialect::{Dialect, Failure, on};
use super::{Address, ROWS, Store, StoreError, parse_record};
use crate::member::Member;
use crate::member::fold::fold;

/// Letters of a name that are compared: an index takes no row that is too long.
const COMPARED: usize = 100;

/// Records read at once, and at most, while those that may be seen are looked for.
const PAGE: usize = 100;
const MOST_READ: usize = 2_000;

impl Store {
    /// Up to `most` members whose name begins with a text, and who may be `seen`: in the order of their names, so that whoever
    /// has exactly this name comes first. Nobody is found by a private name, nor by an empty text.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Record`].
    pub async fn named(
        &self,
        beginning: &str,
        most: usize,
        seen: impl Fn(&Member) -> bool,
    ) -> Result<Vec<Member>, StoreError> {
        let beginning = folded(beginning);
        if beginning.is_empty() {
            return Ok(Vec::new());
        }
        let end = format!("{beginning}{}", char::MAX);
        let select = "SELECT name, seq, id, record FROM members WHERE (name, seq) > ($1, $2) AND name <= $3 \
            ORDER BY name, seq LIMIT $4";
        on!(self, |pool: D| {
            let mut found = Vec::new();
            let mut after = (beginning.clone(), -1i64);
            for _ in 0..MOST_READ / PAGE {
                let rows = sqlx::query(select).bind(&after.0).bind(after.1).bind(&end).bind(PAGE as i64);
                let rows = rows.fetch_all(pool).await?;
                for row in &rows {
                    let member: Member = parse_record(row.try_get(2)?, row.try_get(3)?)?;
                    // The record has the last word on what is private.
                    if name_of(&member).starts_with(&beginning) && seen(&member) {
                        found.push(member);
                    }
                }
                let Some(last) = rows.last().filter(|_| rows.len() == PAGE && found.len() < most) else { break };
                after = (last.try_get(0)?, last.try_get(1)?);
            }
            found.truncate(most);
            found
        })
    }
}

/// A member's name as it is looked up.
pub(super) fn name_of(member: &Member) -> String {
    let shown = member.name.as_deref().filter(|_| !member.keeps_private("name"));
    shown.map(folded).unwrap_or_default()
}

/// PostgreSQL's text holds no NUL.
fn folded(name: &str) -> String {
    fold(name).chars().filter(|letter| !letter.is_control()).take(COMPARED).collect()
}

/// Reads the names of records that were written before names were looked up.
pub(super) async fn fill(pool: Pool, address: &Address) -> Result<Pool, StoreError> {
    let store = Store { pool, address: address.clone() };
    while fill_some(&store).await? {}
    Ok(store.pool)
}

/// Whether there may be more.
async fn fill_some(store: &Store) -> Result<bool, StoreError> {
    on!(store, |pool: D| {
        let unread = "SELECT id, record FROM members WHERE name IS NULL LIMIT $1";
        if sqlx::query(unread).bind(1i64).fetch_optional(pool).await?.is_none() {
            return Ok::<_, Failure>(false);
        }
        let mut transaction = pool.begin_with(D::WRITE).await?;
        // Nobody writes members until it ends.
        let _: i64 = sqlx::query_scalar(D::LAST_TO_WRITE).fetch_one(&mut *transaction).await?;
        let rows = sqlx::query(unread).bind(ROWS as i64).fetch_all(&mut *transaction).await?;
        let mut names: Vec<(String, String)> = Vec::with_capacity(rows.len());
        for row in &rows {
            let id: String = row.try_get(0)?;
            // One that does not read back may still be imported again.
            let name = parse_record::<Member>(&id, row.try_get(1)?).map(|member| name_of(&member)).unwrap_or_default();
            names.push((id, name));
        }
        if !names.is_empty() {
            let mut update = QueryBuilder::<D>::new("WITH known (id, name) AS (");
            update.push_values(names, |mut row, (id, name)| {
                row.push_bind(id).push_bind(name);
            });
            update.push(") UPDATE members SET name = known.name FROM known WHERE members.id = known.id");
            update.build().execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        rows.len() == ROWS
    })
}
