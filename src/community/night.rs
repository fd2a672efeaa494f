//! What is known of rebuilds: of the one that runs and of the last one.

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use utoipa::ToSchema;

use super::{Community, CommunityError, now};
use crate::rebuild::{Progress, Rebuilt};

/// The rebuild that runs, and the last one since the folder was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Night {
    /// How far it is; absent where none runs.
    pub progress: Option<Progress>,
    /// How the last one ended.
    pub last: Option<LastRebuild>,
}

/// A rebuild that ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LastRebuild {
    /// When (RFC 3339, UTC).
    pub at: String,
    /// Whether a generation was published; if not and nothing failed, the current one held every change.
    pub published: bool,
    /// The generation that was current then.
    pub generation: Option<String>,
    /// Why nothing was published, where that was not meant.
    pub problem: Option<String>,
}

impl Night {
    /// None runs; the last one ended so.
    pub(super) fn after(rebuilt: &Result<Rebuilt, CommunityError>) -> Night {
        let last = match rebuilt {
            Ok(rebuilt) => LastRebuild {
                at: now(),
                published: rebuilt.published,
                generation: rebuilt.folder.file_name().map(|name| name.to_string_lossy().into_owned()),
                problem: None,
            },
            Err(error) => {
                LastRebuild { at: now(), published: false, generation: None, problem: Some(error.to_string()) }
            }
        };
        Night { progress: None, last: Some(last) }
    }
}

impl Community {
    /// What is known of rebuilds, and word of every change of it.
    pub fn night(&self) -> watch::Receiver<Night> {
        self.night.subscribe()
    }
}
