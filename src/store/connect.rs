//! Opening a members' database of either kind, and bringing it to this version's schema.

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool, Postgres, Row, SqlitePool, Transaction};

use super::dialect::Dialect;
use super::{Address, ServerUrl, StoreError, names};

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
    names::fill(connected.map_err(|error| not_migrated(address, error))?, address).await
}

/// A database in a file of whatever name, brought to this version's schema.
pub(super) async fn sqlite_at(file: &Path) -> Result<Pool, StoreError> {
    let address = Address::Folder(file.to_owned());
    let pool = sqlite(file).await.map_err(|error| not_migrated(&address, error))?;
    names::fill(Pool::Sqlite(pool), &address).await
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
        // Longer than it takes to write the database of a million members anew.
        .busy_timeout(Duration::from_secs(60));
    let pool = SqlitePoolOptions::new()
        .max_connections(4)
        // A local file does not hang up; asking before each query would cost as much as the query.
        .test_before_acquire(false)
        .connect_with(options)
        .await?;
    SQLITE.run(&pool).await?;
    Ok(pool)
}

/// What a connection asks for: no statement goes on for ever, whoever stops in the middle of a transaction loses it, and a
/// machine that is cut off is noticed within half a minute, with whatever it has locked.
pub(super) const MANNERS: &str = "SET statement_timeout = '10min'; SET idle_in_transaction_session_timeout = '1min'; \
    SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3";

/// Longer than a server takes for anything that is small, and than it lets a piece of anything take.
pub(super) const AN_ANSWER: Duration = Duration::from_secs(60);

/// What a server answers. One that vanished says nothing, not even that it is gone, and would be waited for for ever.
pub(super) async fn answered<T>(answer: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    let gone = || sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "the server does not answer"));
    tokio::time::timeout(AN_ANSWER, answer).await.unwrap_or_else(|_| Err(gone()))
}

/// Begins a transaction that reads for as long as it takes, without these limits.
pub(super) async fn reading_at_length(pool: &PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let mut reading = pool.begin_with(Postgres::READ).await?;
    let without = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0";
    sqlx::raw_sql(without).execute(&mut *reading).await?;
    Ok(reading)
}

async fn postgres(url: &ServerUrl) -> Result<PgPool, MigrateError> {
    // Migrations and what is built for the first time take as long as they do.
    let mut first = url.options()?.connect().await?;
    POSTGRES.run(&mut first).await?;
    let _ = first.close().await;
    // A server that restarts, or another that takes its place, is tried again until the time is out.
    let pool = PgPoolOptions::new().max_connections(8).acquire_timeout(PATIENCE).after_connect(|connection, _| {
        Box::pin(async move { sqlx::raw_sql(MANNERS).execute(connection).await.map(drop) })
    });
    Ok(pool.connect_lazy_with(url.options()?))
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
