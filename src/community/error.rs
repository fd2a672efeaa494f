//! Why a community did not do what was asked.

use std::path::PathBuf;

use crate::embed::{EmbedError, ManifestError};
use crate::index::IndexError;
use crate::member::{Invalid, MemberId};
use crate::programme::Refusal;
use crate::rebuild::RebuildError;
use crate::search::SearchError;
use crate::store::StoreError;

/// Why a community could not be opened or changed.
#[derive(Debug, thiserror::Error)]
pub enum CommunityError {
    /// The members' database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The generation, or a text of a member's that could not be embedded.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// The model.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// The models' folder.
    #[error(transparent)]
    Models(#[from] ManifestError),
    /// A generation.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The build.
    #[error(transparent)]
    Rebuild(#[from] RebuildError),
    /// Nobody of the id is stored.
    #[error("nobody is stored as {0}")]
    Unknown(MemberId),
    /// A record breaks the member format.
    #[error("{id}: {invalid}")]
    Invalid {
        /// Whose.
        id: MemberId,
        /// Which field, and what was expected.
        invalid: Invalid,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file is there already.
    #[error("{0} is there already; expected a name that is free")]
    Exists(PathBuf),
    /// Somebody is forgotten here, and other servers of the fleet still have to let go.
    #[error(
        "other servers of the fleet have not let go yet: {0}; it is ended as soon as they have, or 30 seconds after they stopped"
    )]
    Behind(String),
    /// The rules of the programme do not have it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// No search of the name is kept.
    #[error(
        "no search is kept as {0:?}: it was never noted, or is older than [search.log] keep_days, or its member was forgotten"
    )]
    NotLogged(String),
    /// A key of the service cannot be made or found.
    #[error("{0}")]
    Key(String),
    /// An option of the configuration cannot change while the folder is open.
    #[error("{0} cannot change while the server runs; start it again")]
    Fixed(&'static str),
    /// The list of erasures does not read.
    #[error("{path}:{line}: {problem}; without the list of erasures nothing can be restored or forgotten")]
    Ledger {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
}

impl CommunityError {
    /// Whether the database was lost for a while.
    pub(super) fn is_without_database(&self) -> bool {
        let error = match self {
            CommunityError::Store(error)
            | CommunityError::Search(SearchError::Store(error))
            | CommunityError::Rebuild(RebuildError::Store(error) | RebuildError::Search(SearchError::Store(error))) => {
                Some(error)
            }
            // A build asks for vectors while it writes files.
            CommunityError::Rebuild(RebuildError::Index(IndexError::Io { source, .. })) => {
                source.get_ref().and_then(|error| error.downcast_ref())
            }
            _ => None,
        };
        error.is_some_and(|error| error.is_lost_connection() || error.is_out_of_reach())
    }

    pub(super) fn io(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> CommunityError {
        let path = path.to_owned();
        move |source| CommunityError::Io { path, source }
    }
}
