//! Whoever changes an index folder: the server that has it, or this process.

use rapport::community::Community;
use rapport::config::Config;
use rapport::control::{Request, perform};
use rapport::rebuild::Progress;
use serde::de::DeserializeOwned;

/// The one process that may write to the folder.
pub enum Writer {
    /// This one.
    Own(Box<Community>),
    /// A server.
    #[cfg(unix)]
    Server(rapport::control::Connection),
}

/// The server that has the folder; nothing where none listens.
pub async fn server_of(config: &Config) -> Option<Writer> {
    #[cfg(unix)]
    return rapport::control::connect(&config.index).await.map(Writer::Server);
    #[cfg(not(unix))]
    return None;
}

impl Writer {
    /// The server that has the folder, or this process, which then takes it.
    pub async fn open(config: &Config) -> anyhow::Result<Writer> {
        match server_of(config).await {
            Some(server) => Ok(server),
            None => Ok(Writer::Own(Box::new(Community::open(config).await?))),
        }
    }

    /// Has something done, and gives what came of it.
    pub async fn ask<T: DeserializeOwned>(
        &mut self,
        request: Request,
        progress: impl Fn(Progress) + Send + Sync + 'static,
    ) -> anyhow::Result<T> {
        match self {
            Writer::Own(community) => {
                let done = perform(community, request, progress).await;
                community.leave_fleet().await;
                Ok(serde_json::from_value(done?)?)
            }
            #[cfg(unix)]
            Writer::Server(connection) => Ok(connection.ask(&request, progress).await?),
        }
    }
}
