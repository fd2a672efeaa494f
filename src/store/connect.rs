//! Opening a members' database of either kind, and bringing it to this version's schema.

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool, Row, SqlitePool};

use super::{Address, ServerUrl, StoreError};

static SQLITE: Migrator = sqlx::migrate!("src/store/migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("src/store/migrations/postgres");

/// How long a server may take to answer a connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// Connections to either database.
#[derive(Debug, Clone)]
pub(super) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// Opens a database, making file and tables where they are missing if `make`.
pub(super) async fn connect(address: &Address, make: bool) -> Result<Pool, StoreError> {
    let connected = match address {
        Address::Folder(folder) => {
            let file = folder.join(Address::FILE);
            if make {
                let failed = |source| StoreError::Folder { path: folder.clone(), source };
                std::fs::create_dir_all(folder).map_err(failed)?;
            } else if !file.exists() {
                return Err(StoreError::Missing(file.display().to_string()));
            }
            sqlite(&file).await.map(Pool::Sqlite)
        }
        Address::Server(url) => {
            let mut first = server(url).await?;
            let failed = |source| StoreError::of_database(address, source);
            let (encoding, there) = look(&mut first).await.map_err(failed)?;
            if encoding != "UTF8" {
                return Err(StoreError::Encoding { database: url.to_string(), encoding });
            }
            if !make && !there {
                return Err(StoreError::Missing(format!("the table `members` in {url}")));
            }
            let _ = first.close().await;
            postgres(url).await.map(Pool::Postgres)
        }
    };
    connected.map_err(|error| not_migrated(address, error))
}

/// A database in a file of whatever name, brought to this version's schema.
pub(super) async fn sqlite_at(file: &Path) -> Result<Pool, StoreError> {
    let address = || Address::Folder(file.to_owned());
    sqlite(file).await.map(Pool::Sqlite).map_err(|error| not_migrated(&address(), error))
}

fn not_migrated(address: &Address, error: MigrateError) -> StoreError {
    match error {
        MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _) => {
            StoreError::of_database(address, source)
        }
        source => StoreError::Migration { database: address.to_string(), source },
    }
}

async fn sqlite(file: &Path) -> Result<SqlitePool, MigrateError> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("secure_delete", "ON")
        .busy_timeout(Duration::from_secs(30));
    let pool = SqlitePoolOptions::new()
        .max_connections(4)
        // A local file does not hang up; asking before each query would cost as much as the query.
        .test_before_acquire(false)
        .connect_with(options)
        .await?;
    SQLITE.run(&pool).await?;
    Ok(pool)
}

async fn postgres(url: &ServerUrl) -> Result<PgPool, MigrateError> {
    let pool = PgPoolOptions::new().max_connections(8).acquire_timeout(PATIENCE).connect_lazy_with(url.options()?);
    POSTGRES.run(&pool).await?;
    Ok(pool)
}

/// A connection to a server. A pool would try a server that refuses again and again until its time is out; this says at
/// once why.
pub(super) async fn server(url: &ServerUrl) -> Result<PgConnection, StoreError> {
    let connected = match url.options() {
        Ok(options) => tokio::time::timeout(PATIENCE, options.connect()).await,
        Err(wrong) => Ok(Err(wrong)),
    };
    let connected = connected.unwrap_or(Err(sqlx::Error::PoolTimedOut));
    connected.map_err(|source| StoreError::of_database(&Address::Server(url.clone()), source))
}

/// How the database keeps text, and whether it has our tables.
async fn look(connection: &mut PgConnection) -> Result<(String, bool), sqlx::Error> {
    let select = "SELECT current_setting('server_encoding'), to_regclass('members') IS NOT NULL";
    let row = sqlx::query(select).fetch_one(connection).await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}
