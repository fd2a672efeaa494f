//! Members from files, and from other databases, into this one.

use std::path::PathBuf;

use tokio::runtime::Handle;

use super::full::Present;
pub use super::source::RowsOf;
use super::{Store, StoreError, Upserted};
use crate::member::Member;
use crate::member::import::{BadLine, ImportError, Line, Strictness, read_members};

/// Where members are taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Feed {
    /// A file of JSONL or CSV; `-` is standard input.
    File(PathBuf),
    /// Rows of a PostgreSQL database.
    Rows(RowsOf),
}

impl std::fmt::Display for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Feed::File(path) => path.display().fmt(f),
            Feed::Rows(rows) => rows.fmt(f),
        }
    }
}

/// Members written in one transaction.
const BATCH: usize = 2_000;

/// What is told while a file is imported.
#[derive(Debug)]
pub enum ImportEvent {
    /// A line was set aside.
    Bad(BadLine),
    /// Unknown fields were let pass (lenient only).
    Unknown {
        /// Counted from 1.
        line: u64,
        /// Their names.
        fields: Vec<String>,
    },
    /// So many members are in the database by now.
    Written(u64),
}

/// An import that broke off; what was written before stays.
#[derive(Debug, thiserror::Error)]
pub enum ImportFailed {
    /// The feed cannot be read on.
    #[error(transparent)]
    Feed(#[from] ImportError),
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Whoever has the database did not write.
    #[error("{0}")]
    Writer(Box<dyn std::error::Error + Send + Sync>),
    /// What was told could not be taken down.
    #[error("cannot set bad lines aside: {0}")]
    Rejects(#[from] std::io::Error),
}

impl Store {
    /// Imports members, and takes down who is there where the feed is a full one. Blocking: it must not be called on the
    /// async runtime's own threads, and needs the runtime's handle for the database.
    ///
    /// # Errors
    /// [`ImportFailed`], with what was written before it; the good lines up to there are kept.
    pub fn import(
        &self,
        runtime: &Handle,
        feed: &Feed,
        strictness: Strictness,
        present: Option<&mut Present>,
        told: impl FnMut(ImportEvent) -> std::io::Result<()>,
    ) -> (Upserted, Result<(), ImportFailed>) {
        import(runtime, feed, strictness, present, told, |members| Ok(runtime.block_on(self.upsert(members))?))
    }
}

/// As [`Store::import`], written by whoever has the database: all of what it is given at once, or none.
///
/// # Errors
/// As [`Store::import`].
pub fn import(
    runtime: &Handle,
    feed: &Feed,
    strictness: Strictness,
    mut present: Option<&mut Present>,
    mut told: impl FnMut(ImportEvent) -> std::io::Result<()>,
    mut upsert: impl FnMut(&[Member]) -> Result<Upserted, ImportFailed>,
) -> (Upserted, Result<(), ImportFailed>) {
    let mut done = Upserted::default();
    let mut batch: Vec<Member> = Vec::with_capacity(BATCH);
    let mut write = |batch: &mut Vec<Member>| -> Result<u64, ImportFailed> {
        done += upsert(batch)?;
        batch.clear();
        Ok(done.added + done.changed + done.unchanged)
    };
    let mut visit = |line: Line| -> Result<(), ImportFailed> {
        if let Some(present) = &mut present {
            present.note(&line);
        }
        match line {
            Line::Bad(bad) => told(ImportEvent::Bad(bad))?,
            Line::Member { member, line, unknown } => {
                if !unknown.is_empty() {
                    told(ImportEvent::Unknown { line, fields: unknown })?;
                }
                batch.push(*member);
                if batch.len() == BATCH {
                    told(ImportEvent::Written(write(&mut batch)?))?;
                }
            }
        }
        Ok(())
    };
    let read = match feed {
        Feed::File(path) => read_members(path, strictness, &mut visit),
        Feed::Rows(rows) => rows.read(runtime, strictness, &mut visit),
    };
    // The good lines before a break are good.
    let last = write(&mut batch).and_then(|written| Ok(told(ImportEvent::Written(written))?));
    let whole = read.and(last);
    if let (Err(_), Some(present)) = (&whole, present) {
        present.unread();
    }
    (done, whole)
}
