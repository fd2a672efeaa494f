//! Why the members' database did not do what was asked.

use std::path::PathBuf;

use super::Address;

/// A failure of the database: what failed, on what, what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no database in the folder yet, or there are no tables on the server.
    #[error("no members yet: {0} does not exist; run `rapport import FILE` first")]
    Missing(String),
    /// Another process writes to the folder, imports into the server's database, or builds or forgets for the fleet.
    #[error("another rapport process is writing to {0}; wait for it to end, or stop it")]
    Locked(String),
    /// The database keeps a fleet's generations, and this process is not of the fleet.
    #[error("{0} keeps the generations of a fleet, and somebody may be in them: set store.fleet, and ask for it again")]
    NotOfFleet(String),
    /// A fleet serves what it has, and it has nothing.
    #[error("the fleet on {0} has no generation to go back to yet; run `rapport rebuild`")]
    NothingShared(String),
    /// A fleet shares a server's database, and this one is in the folder.
    #[error("store.fleet needs a members' database that servers share; set store.url to one of PostgreSQL")]
    NoFleet,
    /// The folder cannot be written.
    #[error("cannot write to {path}: {source}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A stored record does not read back.
    #[error("member {id:?} in the database does not read back: {problem}; import this member again")]
    Record {
        /// The member.
        id: String,
        /// What is wrong.
        problem: String,
    },
    /// Something of the programme's does not read back.
    #[error("{what} in the database does not read back: {problem}; was it written by a newer version?")]
    Programme {
        /// What.
        what: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// A file is not a whole copy of a members' database.
    #[error("{path} cannot be restored: {problem}; expected a file that `rapport backup` wrote")]
    NotABackup {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A server's database is copied by the server's own tools.
    #[error("{0} is on a PostgreSQL server: use pg_dump and pg_restore, then `rapport rebuild`")]
    OnServer(String),
    /// What was deleted is still in the log, because somebody reads from it.
    #[error(
        "the database's log could not be emptied, because another process is reading from it; stop it and run it again"
    )]
    LogInUse,
    /// The server's database cannot hold every text.
    #[error(
        "{database} keeps text as {encoding}; expected UTF8: make one with `createdb --encoding=UTF8 --template=template0`"
    )]
    Encoding {
        /// The database.
        database: String,
        /// What it keeps text as.
        encoding: String,
    },
    /// The database refused, or cannot be reached.
    #[error("the members' database {database} failed: {}; {advice}", said(error))]
    Database {
        /// The database: a file, or a URL without its password.
        database: String,
        /// Its reason. Not a source: what there is to be told of it is told here.
        error: sqlx::Error,
        /// What to look at.
        advice: &'static str,
    },
    /// The schema could not be brought up to date.
    #[error("the members' database {database} cannot be brought to this version's schema: {source}")]
    Migration {
        /// The database: a file, or a URL without its password.
        database: String,
        /// The reason.
        source: sqlx::migrate::MigrateError,
    },
}

impl StoreError {
    /// Whether the connection was lost, or its server is going down or coming up: what only reads may be asked again.
    pub(crate) fn is_lost_connection(&self) -> bool {
        let StoreError::Database { error, .. } = self else { return false };
        let code = error.as_database_error().and_then(|error| error.code()).unwrap_or_default();
        // Classes and codes: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
        matches!(error, sqlx::Error::Io(_)) || code.starts_with("08") || ["57P01", "57P02", "57P03"].contains(&&*code)
    }

    /// Whether no connection was to be had.
    pub(crate) fn is_out_of_reach(&self) -> bool {
        matches!(self, StoreError::Database { error: sqlx::Error::PoolTimedOut, .. })
    }

    pub(super) fn of_database(address: &Address, error: sqlx::Error) -> StoreError {
        let code = error.as_database_error().and_then(|error| error.code()).unwrap_or_default();
        let advice = match (address, &error, &*code) {
            (Address::Folder(_), ..) => "is there room on the disk, and is the file whole?",
            (_, _, "28000") => "does the server's pg_hba.conf let this user in from here?",
            (_, _, "28P01") => "check the user and the password (in the URL, PGPASSWORD or ~/.pgpass)",
            (_, _, "3D000") => "make it with `createdb`, or check the URL",
            (_, _, "42501") => "let the user make tables in the database, or let it own them",
            (_, sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::Tls(_), _) => {
                "is the server up, and can it be reached from here?"
            }
            _ => "the server's log may say more",
        };
        StoreError::Database { database: address.to_string(), error, advice }
    }
}

/// A database's own words, without the line of its program in which it says them.
pub(super) fn said(error: &sqlx::Error) -> String {
    error.as_database_error().map_or_else(|| error.to_string(), |error| error.message().to_owned())
}
