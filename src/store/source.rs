//! Members from a PostgreSQL database of the community's own, by a statement that the operator gives.

use futures_util::TryStreamExt;
use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, Column, Connection, Executor, PgConnection, Row, SqlSafeStr, Statement};
use tokio::runtime::Handle;

use super::{Address, ServerUrl, StoreError, connect, said};
use crate::member::Invalid;
use crate::member::import::columns::{Columns, Origin};
use crate::member::import::{BadLine, ImportError, Line, MAX_LINE, MAX_RAW, Seen, Strictness};

/// A query of a PostgreSQL database whose rows are members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowsOf {
    url: ServerUrl,
    query: String,
}

impl RowsOf {
    /// The rows of a statement: a `SELECT`, or what else may stand in a `FROM` in brackets.
    pub fn query(url: ServerUrl, query: &str) -> RowsOf {
        RowsOf { url, query: query.trim_end_matches(|c: char| c.is_whitespace() || c == ';').to_owned() }
    }

    /// All rows of a table or a view, named with or without its schema.
    pub fn table(url: ServerUrl, table: &str) -> RowsOf {
        let quoted: Vec<String> = table.split('.').map(|part| format!("\"{}\"", part.replace('"', "\"\""))).collect();
        RowsOf { url, query: format!("SELECT * FROM {}", quoted.join(".")) }
    }

    /// Reads every row and hands it to `visit` as a line; rows are counted from 1. They are read as they come, in a
    /// transaction that sees one state and cannot write. Blocking, as [`super::Store::import`].
    ///
    /// # Errors
    /// [`ImportError`] where the server cannot be reached or refuses, or breaks off; the rows before were visited. An error
    /// of `visit` ends the reading and is passed on.
    pub(super) fn read<E: From<ImportError>>(
        &self,
        runtime: &Handle,
        strictness: Strictness,
        visit: &mut dyn FnMut(Line) -> Result<(), E>,
    ) -> Result<(), E> {
        let file = self.to_string();
        let broken = |line, source: StoreError| {
            let source = std::io::Error::other(match source {
                // What it failed on is said already.
                StoreError::Database { error, advice, .. } => format!("{}; {advice}", said(&error)),
                other => other.to_string(),
            });
            ImportError::Read { file: file.clone(), line, source }
        };
        let refused = |line, source| broken(line, StoreError::of_database(&Address::Server(self.url.clone()), source));
        let mut connection = runtime.block_on(connect::server(&self.url)).map_err(|error| broken(0, error))?;
        let names = runtime.block_on(self.begin(&mut connection)).map_err(|error| refused(0, error))?;
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let columns = Columns::named(&names, Origin::Query, strictness)
            .map_err(|problem| ImportError::Header { file: file.clone(), problem })?;

        // As JSON, whatever the columns' types; on a line of its own, lest a comment at the end swallow the bracket.
        let rows = format!("SELECT row_to_json(members)::text FROM (\n{}\n) AS members", self.query);
        let mut rows = sqlx::query(AssertSqlSafe(rows)).fetch(&mut connection);
        let mut seen = Seen::default();
        let mut line = 0;
        while let Some(row) = runtime.block_on(rows.try_next()).map_err(|error| refused(line, error))? {
            line += 1;
            let json: &str = row.try_get(0).map_err(|error| refused(line - 1, error))?;
            visit(seen.refuse_twice(&file, read_row(&file, line, json, &names, &columns, strictness)))?;
        }
        drop(rows);
        // Nothing was written; a server that hangs up now has told everything.
        let _ = runtime.block_on(connection.close());
        Ok(())
    }

    /// Begins the transaction and gives the names of the query's columns.
    async fn begin(&self, connection: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
        sqlx::query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").execute(&mut *connection).await?;
        // The statement itself, so that an error speaks of what the operator wrote.
        let statement = connection.prepare(AssertSqlSafe(self.query.clone()).into_sql_str()).await?;
        Ok(statement.columns().iter().map(|column| column.name().to_owned()).collect())
    }
}

impl std::fmt::Display for RowsOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.url.fmt(f)
    }
}

fn read_row(file: &str, line: u64, json: &str, names: &[&str], columns: &Columns, strictness: Strictness) -> Line {
    let bad = |invalid: Invalid, id| {
        Line::Bad(BadLine {
            file: file.to_owned(),
            line,
            field: Some(invalid.field).filter(|field| !field.is_empty() && field != "."),
            problem: invalid.problem,
            raw: Some(json).filter(|raw| raw.len() <= MAX_RAW).map(str::to_owned),
            id,
        })
    };
    if json.len() > MAX_LINE {
        return bad(Invalid::new("", format!("is longer than {} MiB", MAX_LINE >> 20)), None);
    }
    let mut row: Map<String, Value> = match serde_json::from_str(json) {
        Ok(row) => row,
        Err(error) => return bad(Invalid::new("", format!("is not JSON that can be read: {error}")), None),
    };
    let cells: Vec<Value> = names.iter().map(|name| row.remove(*name).unwrap_or_default()).collect();
    let id = columns.id(&cells);
    match columns.member(cells, strictness) {
        Ok((member, unknown)) => Line::Member { member: Box::new(member), line, unknown },
        Err(invalid) => bad(invalid, id),
    }
}
