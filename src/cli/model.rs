//! `rapport model pull | list | verify`

use std::io::Write;

use clap::Subcommand;
use indicatif::HumanBytes;
use rapport::config::Config;
use rapport::embed::{FileState, Kind, Models, State};

use super::{Done, progress};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Fetch a model and ONNX Runtime, as far as they are missing
    Pull {
        /// The model's name [default: the configured one]
        name: Option<String>,
    },
    /// List the models, and what is there of each
    List,
    /// Compare every file with its sha256
    Verify,
}

pub fn run(config: &Config, command: Command) -> anyhow::Result<Done> {
    let models = Models::open(&config.models)?;
    let mut out = anstream::stdout().lock();
    match command {
        Command::Pull { name } => {
            let name = name.unwrap_or_else(|| config.model.name.clone());
            models.pull(&name, &mut progress::pulling())?;
            writeln!(out, "{name} is ready in {}", models.dir().display())?;
        }
        Command::List => {
            for listed in models.list() {
                let what = match &listed.kind {
                    Kind::Model { dimension, languages } => {
                        let languages = if languages.is_empty() { "any language".into() } else { languages.join(", ") };
                        format!("{dimension} dimensions, {languages}")
                    }
                    Kind::Runtime => "runs the models".to_owned(),
                };
                let state = match listed.state {
                    State::Ready => "ready",
                    State::Missing => "missing: rapport model pull",
                    State::Damaged => "damaged: rapport model verify",
                };
                let bytes = HumanBytes(listed.bytes);
                writeln!(out, "{:<24} {what:<24} {bytes:>10}  {:<12} {state}", listed.name, listed.license)?;
            }
        }
        Command::Verify => {
            let files = models.verify();
            for file in &files {
                let state = match &file.state {
                    FileState::Ready => "ready".to_owned(),
                    FileState::Missing => "missing".to_owned(),
                    FileState::Damaged { problem } => format!("damaged: {problem}"),
                };
                writeln!(out, "{}  {state}", file.path.display())?;
            }
            let bad = files.iter().filter(|file| file.state != FileState::Ready).count();
            anyhow::ensure!(
                bad == 0,
                "{bad} of {} files are missing or damaged; run `rapport model pull`",
                files.len()
            );
        }
    }
    Ok(Done::Fully)
}
