//! `rapport events`

use std::io::Write;

use clap::{Args, ValueEnum};
use rapport::config::Config;
use rapport::programme::{Event, to_csv};
use rapport::store::Store;

use super::Done;

/// Events read at once.
const AT_ONCE: u32 = 1_000;

#[derive(Debug, Args)]
pub struct Arguments {
    /// Only events after the one of this number
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    after: u64,
    /// How they are written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Format {
    /// One JSON object a line.
    #[default]
    Jsonl,
    /// For spreadsheets.
    Csv,
}

pub async fn run(config: &Config, arguments: Arguments) -> anyhow::Result<Done> {
    let store = Store::open(&config.database()).await?;
    let mut out = anstream::stdout().lock();
    let (mut after, mut first) = (arguments.after, true);
    loop {
        let rows = store.events(after, AT_ONCE).await?;
        let events: Vec<Event> =
            rows.iter().map(|(number, record)| Event::read(*number, record)).collect::<Result<_, _>>()?;
        match arguments.format {
            Format::Csv => to_csv(&events, first, &mut out)?,
            Format::Jsonl => {
                for event in &events {
                    serde_json::to_writer(&mut out, event)?;
                    writeln!(out)?;
                }
            }
        }
        first = false;
        match events.last() {
            Some(last) => after = last.number,
            None => return Ok(Done::Fully),
        }
    }
}
