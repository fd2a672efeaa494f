//! One writer at a time: the folder's lock, and a server's.

use std::fs::File;
use std::path::Path;

use sqlx::{Connection, PgConnection};

use super::connect::{self, Pool};
use super::{Address, Store, StoreError};

/// Held by the one process that writes to an index folder; given back when dropped.
#[derive(Debug)]
pub struct WriteLock {
    _file: File,
}

impl WriteLock {
    /// The lock's name in the index folder.
    pub(crate) const FILE: &'static str = ".lock";

    /// Takes the folder's lock, making the folder where it is missing.
    ///
    /// # Errors
    /// [`StoreError::Locked`] while another process holds it; [`StoreError::Folder`] where the folder cannot be made.
    pub fn take(index: &Path) -> Result<WriteLock, StoreError> {
        let failed = |source| StoreError::Folder { path: index.to_owned(), source };
        std::fs::create_dir_all(index).map_err(failed)?;
        let file =
            File::options().create(true).truncate(false).write(true).open(index.join(Self::FILE)).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(WriteLock { _file: file }),
            Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::Locked(index.display().to_string())),
            Err(std::fs::TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}

/// The lock of a PostgreSQL database, where folders and machines may share one: of all who import, one at a time. Held by a
/// connection of its own, so a process that dies gives it back. Nothing where the database is in the folder, whose
/// [`WriteLock`] guards it.
#[derive(Debug)]
pub struct ImportLock(Option<PgConnection>);

/// The advisory lock's number: "rapport" in ASCII.
const LOCK: i64 = 0x0072_6170_706f_7274;

impl Store {
    /// Takes the database's lock. A rebuild does not need it: it reads, and two machines may each build an index of one
    /// database.
    ///
    /// # Errors
    /// [`StoreError::Locked`] while another process holds it; [`StoreError::Database`].
    pub async fn lock(&self) -> Result<ImportLock, StoreError> {
        let (Pool::Postgres(_), Address::Server(url)) = (&self.pool, &self.address) else {
            return Ok(ImportLock(None));
        };
        let mut connection = connect::server(url).await?;
        // A process that was killed just now may still be holding it.
        let taken = match sqlx::query("SET lock_timeout = '2s'").execute(&mut connection).await {
            Ok(_) => sqlx::query("SELECT pg_advisory_lock($1)").bind(LOCK).execute(&mut connection).await,
            failed => failed,
        };
        match taken {
            Ok(_) => Ok(ImportLock(Some(connection))),
            Err(error) if error.as_database_error().and_then(|error| error.code()).as_deref() == Some("55P03") => {
                Err(StoreError::Locked(url.to_string()))
            }
            Err(source) => Err(StoreError::of_database(&self.address, source)),
        }
    }
}

impl ImportLock {
    /// Gives the lock back before it returns; one that is dropped is given back as soon as the server notices.
    pub async fn release(self) {
        if let Some(mut connection) = self.0 {
            // Where the connection is lost, so is the lock.
            let _ = sqlx::query("SELECT pg_advisory_unlock($1)").bind(LOCK).execute(&mut connection).await;
            let _ = connection.close().await;
        }
    }
}
