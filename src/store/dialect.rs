//! All that SQLite and PostgreSQL want said differently, and the way one body of code runs on either.

use sqlx::{Postgres, Sqlite};

use super::{Address, StoreError};

/// The statements that differ. All others are the same text for both.
pub(super) trait Dialect {
    /// Begins a transaction that reads one state.
    const READ: &str;
    /// Begins a transaction that writes.
    const WRITE: &str;
    /// The last change, in a transaction that writes: nobody else writes members until it ends, so that changes are
    /// numbered in the order in which they are committed.
    const LAST_TO_WRITE: &str;
    /// The last change and the records, in one JSON list, of those whose ids are in a JSON list.
    const RECORDS: &str;
    /// Members in whose records a text stands.
    const MENTIONING: &str;
    /// Mentors who were last active before a day, and do not keep that private.
    const INACTIVE_MENTORS: &str;
    /// How many accepted one version of the mentors' guidelines, and not another.
    const ACCEPTED_BUT_NOT: &str;
    /// Searches that are a member's, or in which a text stands.
    const SEARCHES_NAMING: &str;
    /// Epochs in which a text stands.
    const EPOCHS_NAMING: &str;
    /// The last event, in a transaction that writes: nobody else decides anything in the programme until it ends.
    const LAST_EVENT_TO_WRITE: &str;
}

impl Dialect for Sqlite {
    const READ: &str = "BEGIN";
    const WRITE: &str = "BEGIN IMMEDIATE";
    const LAST_TO_WRITE: &str = "SELECT last FROM sequence";
    const RECORDS: &str = r#"SELECT (SELECT last FROM sequence), (
            SELECT '[' || coalesce(group_concat('{"change":' || seq || ',"member":' || record || '}', ','), '') || ']'
            FROM members
            WHERE id IN (SELECT value FROM json_each($1))
        )"#;
    const MENTIONING: &str = "SELECT id, record FROM members WHERE instr(record, $1) > 0 ORDER BY id";
    const INACTIVE_MENTORS: &str = "SELECT id FROM members WHERE json_extract(record, '$.last_active') < $1 \
        AND EXISTS (SELECT 1 FROM json_each(record, '$.roles') WHERE value = 'mentor') \
        AND NOT EXISTS (SELECT 1 FROM json_each(record, '$.private') WHERE value = 'last_active') ORDER BY id";
    const ACCEPTED_BUT_NOT: &str = "SELECT count(*) FROM participations \
        WHERE json_extract(record, '$.accepted_guidelines.\"' || $1 || '\"') IS NOT NULL \
        AND json_extract(record, '$.accepted_guidelines.\"' || $2 || '\"') IS NULL";
    const SEARCHES_NAMING: &str = "SELECT id, record FROM searches WHERE member = $1 OR instr(record, $2) > 0";
    const EPOCHS_NAMING: &str = "SELECT number FROM epochs WHERE instr(record, $1) > 0 LIMIT 1";
    const LAST_EVENT_TO_WRITE: &str = "SELECT last_event FROM programme";
}

impl Dialect for Postgres {
    const READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    const WRITE: &str = "BEGIN";
    const LAST_TO_WRITE: &str = "SELECT last FROM sequence FOR UPDATE";
    const RECORDS: &str = r#"SELECT (SELECT last FROM sequence), (
            SELECT '[' || coalesce(string_agg('{"change":' || seq || ',"member":' || record || '}', ','), '') || ']'
            FROM members
            WHERE id IN (SELECT json_array_elements_text($1::json))
        )"#;
    const MENTIONING: &str = "SELECT id, record FROM members WHERE strpos(record, $1) > 0 ORDER BY id";
    const INACTIVE_MENTORS: &str = "SELECT id FROM members WHERE (record::json ->> 'last_active') COLLATE \"C\" < $1 \
        AND EXISTS (SELECT 1 FROM json_array_elements_text(record::json -> 'roles') AS role WHERE role = 'mentor') \
        AND NOT EXISTS (SELECT 1 FROM json_array_elements_text(record::json -> 'private') AS field \
            WHERE field = 'last_active') ORDER BY id";
    const ACCEPTED_BUT_NOT: &str = "SELECT count(*) FROM participations \
        WHERE record::json #> ARRAY['accepted_guidelines', $1] IS NOT NULL \
        AND record::json #> ARRAY['accepted_guidelines', $2] IS NULL";
    const SEARCHES_NAMING: &str = "SELECT id, record FROM searches WHERE member = $1 OR strpos(record, $2) > 0";
    const EPOCHS_NAMING: &str = "SELECT number FROM epochs WHERE strpos(record, $1) > 0 LIMIT 1";
    const LAST_EVENT_TO_WRITE: &str = "SELECT last_event FROM programme FOR UPDATE";
}

/// Why a body failed, before the database is named.
pub(super) enum Failure {
    Sql(sqlx::Error),
    Told(StoreError),
}

impl Failure {
    /// The failure with its database's name.
    pub(super) fn told(self, address: &Address) -> StoreError {
        match self {
            Failure::Sql(source) => StoreError::of_database(address, source),
            Failure::Told(error) => error,
        }
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Failure {
        Failure::Sql(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        Failure::Told(error)
    }
}

/// Runs one body on whichever database a store has. `pool` is the pool, `D` the database; the body's value is the result's,
/// and `?` in it ends the body with an error that names the database.
///
/// A macro, since a function over any database would state a bound for every type that is bound or read.
macro_rules! on {
    ($store:expr, |$pool:ident: $D:ident| $body:block) => {{
        let store: &$crate::store::Store = $store;
        let done = match &store.pool {
            $crate::store::connect::Pool::Sqlite($pool) => {
                #[allow(dead_code, reason = "not every body names it")]
                type $D = sqlx::Sqlite;
                async { Ok::<_, $crate::store::dialect::Failure>($body) }.await
            }
            $crate::store::connect::Pool::Postgres($pool) => {
                #[allow(dead_code, reason = "not every body names it")]
                type $D = sqlx::Postgres;
                async { Ok::<_, $crate::store::dialect::Failure>($body) }.await
            }
        };
        done.map_err(|failure| failure.told(&store.address))
    }};
}

pub(super) use on;
