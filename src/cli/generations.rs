//! `rapport generations`

use std::io::Write;

use clap::Args;
use indicatif::{HumanBytes, HumanCount};
use rapport::config::Config;
use rapport::index::publish::{Kept, Standing, list};

use super::Done;

#[derive(Debug, Args)]
pub struct Arguments {
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<Done> {
    let kept = if config.index.is_dir() { list(&config.index)? } else { Vec::new() };
    let mut out = anstream::stdout().lock();
    if arguments.json {
        serde_json::to_writer_pretty(&mut out, &kept.iter().map(as_json).collect::<Vec<_>>())?;
        writeln!(out)?;
        return Ok(Done::Fully);
    }
    if kept.is_empty() {
        writeln!(out, "no generation yet; run `rapport rebuild`")?;
    }
    for kept in &kept {
        let standing = match kept.standing {
            Standing::Current => "current",
            Standing::Kept => "kept",
            Standing::Staged => "not published: being built, interrupted, or left because a gate did not hold",
        };
        write!(out, "{}  ", kept.name)?;
        match &kept.manifest {
            Ok(manifest) => {
                write!(out, "{}  {:>9} members", manifest.created, HumanCount(manifest.counts.members).to_string())?
            }
            Err(_) if kept.standing == Standing::Staged => write!(out, "{:<38}", "unfinished")?,
            Err(problem) => write!(out, "damaged: {problem}")?,
        }
        writeln!(out, "  {:>10}  {standing}", HumanBytes(kept.bytes).to_string())?;
    }
    Ok(Done::Fully)
}

fn as_json(kept: &Kept) -> serde_json::Value {
    let manifest = kept.manifest.as_ref().ok();
    serde_json::json!({
        "name": kept.name,
        "standing": kept.standing,
        "folder": kept.folder,
        "bytes": kept.bytes,
        "created": manifest.map(|manifest| &manifest.created),
        "members": manifest.map(|manifest| manifest.counts.members),
        "sequence": manifest.map(|manifest| manifest.sequence),
        "previous": manifest.and_then(|manifest| manifest.previous),
        "problem": kept.manifest.as_ref().err(),
    })
}
