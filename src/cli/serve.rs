//! `rapport serve`: one process that has the folder, answers requests and commands, and rebuilds by the clock.

use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use rapport::community::Community;
use rapport::config::Config;
use rapport::server::{ReadConfig, Service};

use super::Done;
use super::schedule::Schedule;

#[derive(Debug, Args)]
pub struct Arguments {
    /// Where to listen [default: as the configuration says, else 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT", env = "RAPPORT_LISTEN")]
    listen: Option<std::net::SocketAddr>,
}

impl Arguments {
    /// The configuration with these over it.
    pub fn over(&self, mut config: Config) -> anyhow::Result<Config> {
        config.server.listen = self.listen.unwrap_or(config.server.listen);
        Ok(config)
    }
}

#[cfg(unix)]
pub async fn run(config: &Config, read_config: ReadConfig) -> anyhow::Result<Done> {
    use rapport::control::Listener;
    use tokio::signal::unix::{SignalKind, signal};

    let schedule = config.rebuild.schedule.as_deref().map(Schedule::read).transpose()?;
    let (mut interrupted, mut terminated) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let mut hung_up = signal(SignalKind::hangup())?;
    let community = Arc::new(Community::open_shared(config).await?);
    let service = Service::bind(Arc::clone(&community), read_config).await?;
    let listener =
        Listener::bind(&config.index).with_context(|| format!("cannot listen in {}", config.index.display()))?;
    match community.searcher() {
        Ok(searcher) => {
            searcher.verify_in_background();
            let (name, changes) = (searcher.snapshot().name(), searcher.changes());
            eprintln!("Serving {name} with {changes} changes on {}", service.url());
        }
        Err(_) => eprintln!("Serving a folder without an index on {}; `rapport rebuild` makes one", service.url()),
    }
    if let Some(schedule) = schedule {
        let community = Arc::clone(&community);
        tokio::spawn(async move { schedule.keep(&community).await });
    }
    let reloading = async {
        while hung_up.recv().await.is_some() {
            match service.reload().await {
                Ok(()) => eprintln!("The configuration was read again"),
                Err(error) => eprintln!("The configuration was not taken over: {error}"),
            }
        }
    };
    let asked_to_end = async {
        tokio::select! {
            _ = interrupted.recv() => eprintln!("Interrupted; stopping"),
            _ = terminated.recv() => eprintln!("Asked to end; stopping"),
        }
        service.drain();
        Ok(())
    };
    let requests = async { tokio::try_join!(service.run(), asked_to_end) };
    tokio::select! {
        served = requests => drop(served?),
        () = listener.serve(Arc::clone(&community)) => {}
        () = community.keep_up() => {}
        () = community.keep_programme() => {}
        () = community.keep_searches() => {}
        () = reloading => {}
    }
    // What has begun is ended, a build by the clock too, and whoever waits for it gets an answer.
    listener.drain().await;
    if let Err(error) = community.write_searches().await {
        eprintln!("Searches of the last second are lost: {error}");
    }
    community.settle().await;
    Ok(Done::Fully)
}

#[cfg(not(unix))]
pub async fn run(_: &Config, _: ReadConfig) -> anyhow::Result<Done> {
    anyhow::bail!("`rapport serve` needs a Unix socket, which this system has not")
}
