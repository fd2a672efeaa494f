//! Copies of a whole SQLite database, made while it is in use, and opened to be put back.

use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use tokio::sync::Mutex;

use super::connect::{Pool, sqlite_at};
use super::dialect::on;
use super::{Address, Store, StoreError};

impl Store {
    /// Writes a copy of the database, as of one moment, into a file that is not there yet. Others go on reading and
    /// writing meanwhile.
    ///
    /// # Errors
    /// [`StoreError::OnServer`]; [`StoreError::Database`].
    pub async fn copy_to(&self, file: &Path) -> Result<(), StoreError> {
        if let Pool::Postgres(_) = &self.pool {
            return Err(StoreError::OnServer(self.address.to_string()));
        }
        on!(self, |pool: D| {
            sqlx::query("VACUUM INTO $1").bind(file.to_string_lossy().as_ref()).execute(pool).await?;
        })
    }

    /// Opens a copy to look into it and to change it before it is put in a database's place.
    ///
    /// # Errors
    /// [`StoreError::NotABackup`] where it is no whole database of members; as [`Store::create`].
    pub async fn open_copy(file: &Path) -> Result<Store, StoreError> {
        let damaged = |problem: String| StoreError::NotABackup { path: file.to_owned(), problem };
        let options = SqliteConnectOptions::new().filename(file).read_only(true);
        let mut connection = options.connect().await.map_err(|error| damaged(error.to_string()))?;
        let whole: Result<String, _> = sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_one(&mut connection).await;
        match whole {
            Ok(said) if said == "ok" => {}
            Ok(said) => return Err(damaged(said)),
            Err(error) => return Err(damaged(error.to_string())),
        }
        let tables = "SELECT count(*) FROM sqlite_master WHERE name IN ('members', 'embeddings')";
        let found: Result<i64, _> = sqlx::query_scalar(tables).fetch_one(&mut connection).await;
        if !found.is_ok_and(|found| found == 2) {
            return Err(damaged("it holds no members' database".into()));
        }
        let _ = connection.close().await;
        let folder = file.parent().unwrap_or(Path::new(""));
        Ok(Store { pool: sqlite_at(file).await?, address: Address::Folder(folder.to_owned()) })
    }

    /// Goes on with change numbers above `least`, which another database may have used.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn number_changes_above(&self, least: u64) -> Result<(), StoreError> {
        let least = i64::try_from(least).unwrap_or(i64::MAX - 1);
        on!(self, |pool: D| {
            sqlx::query("UPDATE sequence SET last = $1 WHERE last < $1").bind(least).execute(pool).await?;
        })
    }

    /// Closes the database. Everything is in one file after this: no log is left beside it.
    ///
    /// # Errors
    /// As [`Store::purge`].
    pub async fn close_into_one_file(self) -> Result<(), StoreError> {
        self.purge(&Mutex::default()).await?;
        match self.pool {
            Pool::Sqlite(pool) => pool.close().await,
            Pool::Postgres(pool) => pool.close().await,
        }
        Ok(())
    }
}
