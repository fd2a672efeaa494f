//! `rapport rollback`

use std::io::Write;

use clap::Args;
use rapport::community::{Community, CommunityError};
use rapport::config::Config;
use rapport::control::Request;
use rapport::index::manifest::Manifest;
use rapport::index::{IndexError, publish};
use rapport::store::WriteLock;

use super::writer::server_of;
use super::{Done, Usage};

#[derive(Debug, Args)]
pub struct Arguments {
    /// The generation to go back to, as `rapport generations` names it [default: the one that was current before]
    #[arg(value_name = "GEN")]
    generation: Option<String>,
}

pub async fn run(config: &Config, arguments: Arguments) -> anyhow::Result<Done> {
    let Arguments { generation } = arguments;
    let before = publish::current(&config.index).ok();
    let manifest: Manifest = match server_of(config).await {
        Some(mut server) => server.ask(Request::Rollback { generation }, |_| {}).await?,
        None if config.store.fleet => {
            let community = Community::open(config).await?;
            let rolled_back = community.rollback(generation.as_deref()).await;
            community.leave_fleet().await;
            rolled_back.map_err(|error| match error {
                CommunityError::Index(error) => not_gone_back(error),
                other => other.into(),
            })?
        }
        None => {
            let _lock = WriteLock::take(&config.index)?;
            let rolled_back = publish::rollback(&config.index, generation.as_deref());
            rolled_back.map_err(not_gone_back)?.manifest
        }
    };
    let before = before.as_deref().and_then(|folder| folder.file_name()?.to_str()).unwrap_or("none").to_owned();
    let mut out = anstream::stdout().lock();
    writeln!(
        out,
        "{} of {} is current, with {} members; before it was {before}. Its files match their checksums",
        publish::name_of(manifest.generation),
        manifest.created,
        manifest.counts.members
    )?;
    writeln!(
        out,
        "The next rebuild publishes a new generation over it: mend what was wrong before, or stop the timer"
    )?;
    Ok(Done::Fully)
}

fn not_gone_back(error: IndexError) -> anyhow::Error {
    match error {
        IndexError::NotKept { .. } => Usage(error.to_string()).into(),
        // "run `rapport rebuild`" is no advice to whoever just ran it.
        IndexError::Damaged(damaged) => damaged.into(),
        other => other.into(),
    }
}
