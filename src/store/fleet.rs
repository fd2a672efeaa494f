//! A fleet: servers on one PostgreSQL database that share its generations, and of which one at a time builds or forgets.
//!
//! The database holds each generation's files in pieces, which of them is current, erasures that are under way, and what each
//! server has in its folder. A folder is a copy that may be lost.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, Postgres, Row};
use tokio::sync::Mutex;

use super::connect::{self, AN_ANSWER, MANNERS, Pool, answered, reading_at_length};
use super::dialect::{Dialect, Failure};
use super::{Address, Store, StoreError};
use crate::config::Config;
use crate::member::MemberId;

/// What servers of a fleet take turns in. Each is the number of an advisory lock, in ASCII.
#[derive(Debug, Clone, Copy)]
#[repr(i64)]
pub(crate) enum Matter {
    /// Building, going back and forgetting: "rapfleet".
    Index = 0x7261_7066_6c65_6574,
    /// Having the vector engine hold what is served: "rapengin".
    Engine = 0x7261_7065_6e67_696e,
    /// Telling the receiver of events: "rapevent".
    Telling = 0x7261_7065_7665_6e74,
}

/// How long a turn is waited for in any case: that of a process that ended just now may not be given back yet.
pub(crate) const GRACE: Duration = Duration::from_secs(2);

/// Between two looks at a lock that another server holds.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// Bytes in a row.
const PIECE: usize = 1 << 20;

/// How far the clock of a server may be ahead of the database's, in seconds.
const CLOCKS_DIFFER: i64 = 3_600;

/// A server of which nothing was heard for so many seconds is down. Whatever it has in its folder it compares with the database
/// before it serves again.
pub(crate) const DOWN_AFTER: i64 = 30;

/// What servers on one database share.
#[derive(Debug, Clone)]
pub(crate) struct Fleet {
    pool: PgPool,
    address: Address,
}

/// What a fleet has at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Shared {
    /// The generation that is served; none before the first was published.
    pub(crate) current: Option<u64>,
    /// The highest number that a generation ever had.
    pub(crate) last: u64,
    /// The last erasure.
    pub(crate) erasure: u64,
    /// The generations that are kept: the checksum of each one's manifest.
    pub(crate) generations: BTreeMap<u64, String>,
    /// Erasures under way, oldest first.
    pub(crate) erasures: Vec<Erasure>,
}

/// An erasure under way.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Erasure {
    pub(crate) member: MemberId,
    pub(crate) number: u64,
    /// The change up to which the member may have been stored.
    pub(crate) change: u64,
}

/// What a server tells the others of itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Report {
    /// The generations in its folder.
    pub(crate) generations: Vec<u64>,
    /// The last erasure that it took part in.
    pub(crate) erasure: u64,
}

/// One server's turn: nobody else of the fleet does the same while it is held. Given back when dropped, and when
/// its process or its connection dies: then nothing more can be done in it.
#[derive(Debug)]
pub(crate) struct Turn {
    connection: Mutex<PgConnection>,
    address: Address,
}

impl Fleet {
    /// The fleet that a configuration makes servers be of.
    ///
    /// # Errors
    /// [`StoreError::NoFleet`] where the database is in the folder.
    pub(crate) fn of(config: &Config, store: &Store) -> Result<Option<Fleet>, StoreError> {
        match &store.pool {
            _ if !config.store.fleet => Ok(None),
            Pool::Sqlite(_) => Err(StoreError::NoFleet),
            Pool::Postgres(_) => Ok(Fleet::on(store)),
        }
    }

    /// The fleet that a database may have, whatever is configured.
    pub(crate) fn on(store: &Store) -> Option<Fleet> {
        let Pool::Postgres(pool) = &store.pool else { return None };
        Some(Fleet { pool: pool.clone(), address: store.address.clone() })
    }

    fn failed(&self, error: sqlx::Error) -> StoreError {
        StoreError::of_database(&self.address, error)
    }

    /// What it has now.
    pub(crate) async fn shared(&self) -> Result<Shared, StoreError> {
        let read = async {
            let mut transaction = self.pool.begin_with(Postgres::READ).await?;
            let row = sqlx::query("SELECT current, last, erasure FROM fleet").fetch_one(&mut *transaction).await?;
            let mut shared = Shared {
                current: row.try_get::<Option<i64>, _>(0)?.map(i64::unsigned_abs),
                last: row.try_get::<i64, _>(1)?.unsigned_abs(),
                erasure: row.try_get::<i64, _>(2)?.unsigned_abs(),
                ..Shared::default()
            };
            let rows = sqlx::query("SELECT number, checksum FROM generations").fetch_all(&mut *transaction).await?;
            for row in rows {
                shared.generations.insert(row.try_get::<i64, _>(0)?.unsigned_abs(), row.try_get(1)?);
            }
            let rows = sqlx::query("SELECT member, number, change FROM erasures ORDER BY number");
            for row in rows.fetch_all(&mut *transaction).await? {
                let id: String = row.try_get(0)?;
                let member =
                    MemberId::new(id.clone()).map_err(|error| StoreError::Record { id, problem: error.problem })?;
                let [number, change] = [row.try_get::<i64, _>(1)?, row.try_get(2)?].map(i64::unsigned_abs);
                shared.erasures.push(Erasure { member, number, change });
            }
            Ok::<_, Failure>(shared)
        };
        let read =
            tokio::time::timeout(AN_ANSWER, read).await.unwrap_or_else(|_| Err(sqlx::Error::PoolTimedOut.into()));
        read.map_err(|failure| failure.told(&self.address))
    }

    /// Reads a file of a generation, piece by piece.
    ///
    /// # Errors
    /// [`StoreError::Database`]; an error of `write` is passed on.
    pub(crate) async fn read<E: From<StoreError>>(
        &self,
        generation: u64,
        file: &str,
        mut write: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut reading = answered(reading_at_length(&self.pool)).await.map_err(|error| self.failed(error))?;
        let select = format!("SELECT bytes FROM {} WHERE file = $1 ORDER BY piece", table_of(generation));
        let mut pieces = sqlx::query_scalar::<_, Vec<u8>>(AssertSqlSafe(select)).bind(file).fetch(&mut *reading);
        while let Some(piece) = answered(pieces.try_next()).await.map_err(|error| self.failed(error))? {
            write(&piece)?;
        }
        Ok(())
    }

    /// Tells the others that a server is there, and what it has.
    pub(crate) async fn report(&self, server: &str, report: &Report) -> Result<(), StoreError> {
        let insert = "INSERT INTO servers (name, seen, generations, erasure) VALUES ($1, now(), $2, $3) \
            ON CONFLICT (name) DO UPDATE SET seen = now(), generations = excluded.generations, erasure = excluded.erasure";
        let generations = serde_json::to_string(&report.generations).unwrap_or_default();
        let insert = sqlx::query(insert).bind(server).bind(generations).bind(report.erasure.cast_signed());
        answered(insert.execute(&self.pool)).await.map_err(|error| self.failed(error))?;
        Ok(())
    }

    /// Tells the others that a server ends. Those that are long gone are cleared away with it.
    pub(crate) async fn leave(&self, server: &str) -> Result<(), StoreError> {
        let delete = sqlx::query("DELETE FROM servers WHERE name = $1 OR seen < now() - interval '1 day'").bind(server);
        answered(delete.execute(&self.pool)).await.map_err(|error| self.failed(error))?;
        Ok(())
    }

    /// The servers that are up, but for one.
    pub(crate) async fn others(&self, server: &str) -> Result<Vec<(String, Report)>, StoreError> {
        let select = "SELECT name, generations, erasure FROM servers \
            WHERE name <> $1 AND seen >= now() - make_interval(secs => $2)";
        let rows = sqlx::query(select).bind(server).bind(DOWN_AFTER as f64).fetch_all(&self.pool);
        let told = |row: &sqlx::postgres::PgRow| {
            let generations =
                serde_json::from_str(row.try_get(1)?).map_err(|error| sqlx::Error::Decode(error.into()))?;
            let erasure = row.try_get::<i64, _>(2)?.unsigned_abs();
            Ok((row.try_get(0)?, Report { generations, erasure }))
        };
        let rows = answered(rows).await.map_err(|error| self.failed(error))?;
        rows.iter().map(told).collect::<Result<_, _>>().map_err(|error| self.failed(error))
    }

    /// Notes that a member is to be forgotten, for every server to see. One that was noted already is asked for anew: who took
    /// part in it does so again.
    pub(crate) async fn note_erasure(&self, member: &MemberId, change: u64) -> Result<u64, StoreError> {
        let insert = "WITH next AS (UPDATE fleet SET erasure = erasure + 1 RETURNING erasure) \
            INSERT INTO erasures (member, number, change) SELECT $1, erasure, $2 FROM next \
            ON CONFLICT (member) DO UPDATE SET number = excluded.number, change = excluded.change RETURNING number";
        let insert = sqlx::query_scalar::<_, i64>(insert).bind(member.as_str()).bind(change.cast_signed());
        Ok(answered(insert.fetch_one(&self.pool)).await.map_err(|error| self.failed(error))?.unsigned_abs())
    }

    /// Takes the turn, waiting so long for another server that has it.
    ///
    /// # Errors
    /// [`StoreError::Locked`]; [`StoreError::Database`].
    pub(crate) async fn turn(&self, matter: Matter, wait: Duration) -> Result<Turn, StoreError> {
        let Address::Server(url) = &self.address else { return Err(StoreError::NoFleet) };
        let begun = Instant::now();
        let mut connection = connect::server(url).await?;
        // But for the time that a statement may take: a generation is written in one transaction.
        let manners = [MANNERS, "; SET statement_timeout = 0"].concat();
        sqlx::raw_sql(AssertSqlSafe(manners)).execute(&mut connection).await.map_err(|error| self.failed(error))?;
        loop {
            let taken = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(matter as i64);
            let taken = answered(taken.fetch_one(&mut connection)).await;
            if taken.map_err(|error| self.failed(error))? {
                return Ok(Turn { connection: Mutex::new(connection), address: self.address.clone() });
            }
            if begun.elapsed() >= wait.max(GRACE) {
                return Err(StoreError::Locked(url.to_string()));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

impl Turn {
    fn failed(&self, error: sqlx::Error) -> StoreError {
        StoreError::of_database(&self.address, error)
    }

    /// Keeps the files of a generation, and makes it the current one: all of it or nothing.
    ///
    /// # Errors
    /// [`StoreError::Database`]; [`StoreError::Folder`] where a file cannot be read.
    pub(crate) async fn publish(&self, number: u64, checksum: &str, files: &[&Path]) -> Result<(), StoreError> {
        let mut connection = self.connection.lock().await;
        let publish = async {
            let table = table_of(number);
            let mut transaction = connection.begin().await?;
            for statement in [
                // Left where a fleet was given up, and its tables were not dropped.
                format!("DROP TABLE IF EXISTS {table}"),
                format!(
                    "CREATE TABLE {table} (file TEXT, piece BIGINT, bytes BYTEA NOT NULL, PRIMARY KEY (file, piece))"
                ),
                // Codes and vectors do not compress.
                format!("ALTER TABLE {table} ALTER bytes SET STORAGE EXTERNAL"),
            ] {
                sqlx::query(AssertSqlSafe(statement)).execute(&mut *transaction).await?;
            }
            let insert = format!("INSERT INTO {table} (file, piece, bytes) VALUES ($1, $2, $3)");
            for path in files {
                let failed = |source| StoreError::Folder { path: path.to_path_buf(), source };
                let mut file = File::open(path).map_err(failed)?;
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                for piece in 0.. {
                    let bytes = next_piece(&mut file).map_err(failed)?;
                    if bytes.is_empty() {
                        break;
                    }
                    let insert =
                        sqlx::query(AssertSqlSafe(insert.as_str())).bind(&*name).bind(piece as i64).bind(bytes);
                    answered(insert.execute(&mut *transaction)).await?;
                }
            }
            let row = sqlx::query("INSERT INTO generations (number, checksum) VALUES ($1, $2)");
            row.bind(number.cast_signed()).bind(checksum).execute(&mut *transaction).await?;
            let current = sqlx::query("UPDATE fleet SET current = $1, last = $1");
            current.bind(number.cast_signed()).execute(&mut *transaction).await?;
            transaction.commit().await?;
            Ok::<_, Failure>(())
        };
        publish.await.map_err(|failure| failure.told(&self.address))
    }

    /// Makes a generation that is kept the current one.
    pub(crate) async fn make_current(&self, number: u64) -> Result<(), StoreError> {
        self.execute(sqlx::query("UPDATE fleet SET current = $1").bind(number.cast_signed())).await
    }

    /// Drops every generation but some; says which.
    pub(crate) async fn keep_only(&self, kept: &[u64]) -> Result<Vec<u64>, StoreError> {
        let mut connection = self.connection.lock().await;
        let drop = async {
            let mut transaction = connection.begin().await?;
            // Whoever fetches one that goes is not waited for long.
            sqlx::query("SET LOCAL lock_timeout = '1min'").execute(&mut *transaction).await?;
            let all = sqlx::query_scalar("SELECT number FROM generations").fetch_all(&mut *transaction).await?;
            let all = all.into_iter().map(i64::unsigned_abs);
            let gone: Vec<u64> = all.filter(|number| !kept.contains(number)).collect();
            for number in &gone {
                let delete = sqlx::query("DELETE FROM generations WHERE number = $1").bind(number.cast_signed());
                delete.execute(&mut *transaction).await?;
                let drop = format!("DROP TABLE {}", table_of(*number));
                sqlx::query(AssertSqlSafe(drop)).execute(&mut *transaction).await?;
            }
            transaction.commit().await?;
            Ok(gone)
        };
        drop.await.map_err(|error| self.failed(error))
    }

    /// Notes that an erasure came to its end, and leaves nothing of it.
    pub(crate) async fn close_erasure(&self, member: &MemberId) -> Result<(), StoreError> {
        self.execute(sqlx::query("DELETE FROM erasures WHERE member = $1").bind(member.as_str())).await?;
        self.execute(sqlx::query("VACUUM FULL erasures")).await
    }

    /// Up to which time of the schedule a server saw to it, in seconds since 1970.
    pub(crate) async fn seen_to(&self) -> Result<i64, StoreError> {
        // What lies ahead was noted by a server whose clock was wrong, and would hold up every night until then.
        let select =
            "SELECT CASE WHEN seen_to > extract(epoch FROM now())::bigint + $1 THEN 0 ELSE seen_to END FROM fleet";
        let select = sqlx::query_scalar(select).bind(CLOCKS_DIFFER);
        answered(select.fetch_one(&mut *self.connection.lock().await)).await.map_err(|error| self.failed(error))
    }

    /// Fails where the turn was lost: another server may have it then.
    pub(crate) async fn check(&self) -> Result<(), StoreError> {
        self.execute(sqlx::query("SELECT 1")).await
    }

    /// Notes that a time of the schedule was seen to.
    pub(crate) async fn see_to(&self, time: i64) -> Result<(), StoreError> {
        self.execute(sqlx::query("UPDATE fleet SET seen_to = $1").bind(time)).await
    }

    async fn execute<'q>(
        &self,
        query: sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>,
    ) -> Result<(), StoreError> {
        let done = answered(query.execute(&mut *self.connection.lock().await)).await;
        done.map(drop).map_err(|error| self.failed(error))
    }
}

/// The table that holds a generation's files.
fn table_of(generation: u64) -> String {
    format!("generation_{generation:06}")
}

fn next_piece(file: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(PIECE);
    file.take(PIECE as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}
