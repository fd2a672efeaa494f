//! `rapport waitlist`

use std::io::Write;

use clap::Args;
use jiff::Timestamp;
use rapport::config::Config;
use rapport::store::{Store, Waiting};

use super::Done;
use super::render::clean;

/// Members read at once.
const AT_ONCE: u32 = 1_000;

#[derive(Debug, Args)]
pub struct Arguments {
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

pub async fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<Done> {
    let store = Store::open(&config.database()).await?;
    let mut out = anstream::stdout().lock();
    let mut after = Waiting::default();
    loop {
        let waiting = store.waiting(&after, AT_ONCE).await?;
        for (since, id) in &waiting {
            let since = Timestamp::from_second(*since)?;
            if arguments.json {
                serde_json::to_writer(&mut out, &serde_json::json!({"member": id, "since": since}))?;
                writeln!(out)?;
            } else {
                writeln!(out, "{since}  {}", clean(id))?;
            }
        }
        match waiting.into_iter().next_back() {
            Some(last) => after = last,
            None => return Ok(Done::Fully),
        }
    }
}
