//! `rapport serve`: one process that has the folder, answers commands, and rebuilds by the clock.

use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use rapport::community::Community;
use rapport::config::Config;

use super::Done;
use super::schedule::Schedule;

#[derive(Debug, Args)]
pub struct Arguments {}

#[cfg(unix)]
pub async fn run(config: &Config, Arguments {}: Arguments) -> anyhow::Result<Done> {
    use rapport::control::Listener;
    use tokio::signal::unix::{SignalKind, signal};

    let schedule = config.rebuild.schedule.as_deref().map(Schedule::read).transpose()?;
    let (mut interrupted, mut terminated) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let community = Arc::new(Community::open(config).await?);
    let listener =
        Listener::bind(&config.index).with_context(|| format!("cannot listen in {}", config.index.display()))?;
    match community.searcher() {
        Ok(searcher) => {
            searcher.verify_in_background();
            eprintln!("Serving {} with {} changes", searcher.snapshot().name(), searcher.changes());
        }
        Err(_) => eprintln!("Serving a folder without an index; `rapport rebuild` makes one"),
    }
    let by_the_clock = async {
        match &schedule {
            Some(schedule) => schedule.keep(&community).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = listener.serve(Arc::clone(&community)) => {}
        () = by_the_clock => {}
        () = community.keep_up() => {}
        _ = interrupted.recv() => eprintln!("Interrupted; stopping"),
        _ = terminated.recv() => eprintln!("Asked to end; stopping"),
    }
    // What has begun is ended, a build by the clock too, and whoever waits for it gets an answer.
    listener.drain().await;
    Ok(Done::Fully)
}

#[cfg(not(unix))]
pub async fn run(_: &Config, _: Arguments) -> anyhow::Result<Done> {
    anyhow::bail!("`rapport serve` needs a Unix socket, which this system has not")
}
