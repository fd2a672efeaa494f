//! How commands reach the process that has an index folder: a local socket that only the folder's owner may open.
//!
//! One JSON document a line. A command connects, asks, and reads: lines of progress, then what was done or why not. It
//! may ask again on the same connection. Where no server runs, a command does the same itself ([`perform`]).

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::community::{Community, CommunityError, RebuildOptions};
use crate::index::IndexError;
use crate::member::{Member, MemberId};
use crate::rebuild::{Progress, RebuildError};
use crate::store::{Scope, StoreError};

#[cfg(unix)]
mod socket;
#[cfg(unix)]
pub use socket::{Connection, Listener, connect};

/// What a command asks of the process that has the folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
pub enum Request {
    /// Write members.
    Upsert {
        /// Valid ones.
        members: Vec<Member>,
    },
    /// Remove members.
    Remove {
        /// Their ids.
        members: Vec<MemberId>,
    },
    /// Erase a member.
    Forget {
        /// The member's id.
        member: MemberId,
    },
    /// Give all that is held on a member.
    Export {
        /// The member's id.
        member: MemberId,
    },
    /// Give an answer of the past again.
    Replay {
        /// The search's name.
        search: String,
        /// Also say why this mentor was found, or why not.
        why: Option<MemberId>,
    },
    /// List the newest searches that are kept.
    Searches {
        /// Whose; anybody's unless stated.
        member: Option<MemberId>,
        /// How many at most.
        limit: u32,
    },
    /// Copy the database into a new file.
    Backup {
        /// An absolute path.
        file: PathBuf,
    },
    /// Build and publish a generation.
    Rebuild {
        /// How.
        options: RebuildOptions,
    },
    /// Make an API key.
    CreateKey {
        /// Whose, or what for.
        name: String,
        /// What its holder may do.
        scopes: Vec<Scope>,
    },
    /// List the API keys.
    Keys,
    /// Revoke an API key.
    RevokeKey {
        /// Its id.
        key: String,
    },
    /// Make an older generation current.
    Rollback {
        /// Its name; that before the current one, unless stated.
        generation: Option<String>,
    },
}

/// A line that comes back.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Response {
    /// How far a build is.
    Progress(Progress),
    /// What was done, as JSON.
    Done(Value),
    /// Why it was not.
    Failed(Refused),
}

/// The server says that something failed.
#[derive(Debug, Clone, Serialize, Deserialize, thiserror::Error)]
#[error("{problem}")]
pub struct Refused {
    /// What, on what, and what to do.
    pub problem: String,
    /// Whose it was.
    pub fault: Fault,
}

/// What kind of failure it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fault {
    /// What was asked cannot be done.
    Command,
    /// A gate before publishing did not hold.
    Gate,
    /// Another process holds the folder, or another server has the turn.
    Locked,
    /// Something else.
    Other,
}

impl From<&CommunityError> for Fault {
    fn from(error: &CommunityError) -> Fault {
        match error {
            CommunityError::Unknown(_)
            | CommunityError::Invalid { .. }
            | CommunityError::Key(_)
            | CommunityError::NotLogged(_)
            | CommunityError::Refused(_)
            | CommunityError::Index(IndexError::NotKept { .. }) => Fault::Command,
            CommunityError::Search(error) if error.is_callers() => Fault::Command,
            CommunityError::Store(StoreError::Locked(_)) => Fault::Locked,
            CommunityError::Rebuild(error) => Fault::from(error),
            _ => Fault::Other,
        }
    }
}

impl From<&RebuildError> for Fault {
    fn from(error: &RebuildError) -> Fault {
        match error {
            RebuildError::Judgements(_) => Fault::Command,
            RebuildError::Gate { .. } => Fault::Gate,
            RebuildError::Store(StoreError::Locked(_)) => Fault::Locked,
            _ => Fault::Other,
        }
    }
}

impl From<CommunityError> for Refused {
    fn from(error: CommunityError) -> Refused {
        Refused { problem: error.to_string(), fault: Fault::from(&error) }
    }
}

/// Why nothing came back from a server.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// It could not do what was asked.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The connection broke, or something else listens there.
    #[error("the server of this folder does not answer: {0}")]
    Broken(#[from] std::io::Error),
}

/// Does what a command asks.
///
/// # Errors
/// [`CommunityError`].
pub async fn perform(
    community: &Community,
    request: Request,
    progress: impl Fn(Progress) + Send + Sync + 'static,
) -> Result<Value, CommunityError> {
    let done = match request {
        Request::Upsert { members } => serde_json::to_value(community.upsert(&members).await?),
        Request::Remove { members } => serde_json::to_value(community.remove(&members).await?),
        Request::Forget { member } => serde_json::to_value(community.forget(&member).await?),
        Request::Export { member } => serde_json::to_value(community.export(&member).await?),
        Request::Replay { search, why } => serde_json::to_value(community.replay(&search, why.as_ref()).await?),
        Request::Searches { member, limit } => {
            serde_json::to_value(community.logged_searches(member.as_ref(), limit).await?)
        }
        Request::Backup { file } => serde_json::to_value(community.backup(&file).await?),
        Request::Rebuild { options } => serde_json::to_value(community.rebuild(options, progress).await?),
        Request::CreateKey { name, scopes } => serde_json::to_value(community.create_key(&name, &scopes).await?),
        Request::Keys => serde_json::to_value(community.keys().await?),
        Request::RevokeKey { key } => serde_json::to_value(community.revoke_key(&key).await?),
        Request::Rollback { generation } => serde_json::to_value(community.rollback(generation.as_deref()).await?),
    };
    Ok(done.unwrap_or_default())
}
