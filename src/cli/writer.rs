//! Whoever changes an index folder: the server that has it, or this process.

use rapport::community::Community;
use rapport::config::Config;
use rapport::control::{Request, perform};
use rapport::rebuild::Progress;
use rapport::store::{StoreError, WriteLock};
use serde::de::DeserializeOwned;

/// The one process that may write to the folder.
pub enum Writer {
    /// This one.
    Own(Box<Community>),
    /// A server.
    #[cfg(unix)]
    Server(rapport::control::Connection),
}

/// The server that has the folder; nothing where none has it.
pub async fn server_of(config: &Config) -> Option<Writer> {
    #[cfg(unix)]
    if matches!(WriteLock::take(&config.index), Err(StoreError::Locked(_))) {
        return rapport::control::connect(&config.index).await.map(Writer::Server);
    }
    None
}

impl Writer {
    /// Takes the folder, or connects to the server that has it.
    pub async fn open(config: &Config) -> anyhow::Result<Writer> {
        match Community::open(config).await {
            Ok(community) => Ok(Writer::Own(Box::new(community))),
            #[cfg(unix)]
            Err(error @ rapport::community::CommunityError::Store(StoreError::Locked(_))) => {
                // Whoever has the folder without listening is a command like this one.
                let connection = rapport::control::connect(&config.index).await;
                Ok(Writer::Server(connection.ok_or(error)?))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Has something done, and gives what came of it.
    pub async fn ask<T: DeserializeOwned>(
        &mut self,
        request: Request,
        progress: impl Fn(Progress) + Send + Sync + 'static,
    ) -> anyhow::Result<T> {
        match self {
            Writer::Own(community) => Ok(serde_json::from_value(perform(community, request, progress).await?)?),
            #[cfg(unix)]
            Writer::Server(connection) => Ok(connection.ask(&request, progress).await?),
        }
    }
}
