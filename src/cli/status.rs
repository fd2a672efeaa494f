//! `rapport status`

use std::io::Write;

use clap::Args;
use indicatif::{HumanBytes, HumanCount};
use rapport::config::Config;
use rapport::index::facet::FacetReport;
use rapport::index::{IndexError, publish};
use rapport::store::Store;

use super::Done;

#[derive(Debug, Args)]
pub struct Arguments {
    /// Read every file whole and compare it with its checksum
    #[arg(long)]
    verify: bool,
    /// As JSON: the generation's manifest and what changed since
    #[arg(long)]
    json: bool,
}

pub async fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<Done> {
    let mut out = anstream::stdout().lock();
    let store = Store::open(&config.database()).await?;
    let (members, last_change) = store.size().await?;
    let snapshot = match publish::open_current(&config.index) {
        Err(IndexError::NoGeneration(_)) if arguments.json => {
            serde_json::to_writer_pretty(&mut out, &serde_json::json!({ "members": members, "manifest": null }))?;
            writeln!(out)?;
            return Ok(Done::Fully);
        }
        Err(IndexError::NoGeneration(_)) => {
            writeln!(out, "members    {} in the database", HumanCount(members))?;
            writeln!(out, "index      none yet; run `rapport rebuild`")?;
            return Ok(Done::Fully);
        }
        opened => opened?,
    };
    if arguments.verify {
        snapshot.verify()?;
    }
    let manifest = &snapshot.manifest;
    let changes = last_change.saturating_sub(manifest.sequence);
    if arguments.json {
        let status = serde_json::json!({
            "members": members, "changes_since": changes, "bytes": snapshot.bytes(), "verified": arguments.verify,
            "manifest": manifest,
        });
        serde_json::to_writer_pretty(&mut out, &status)?;
        writeln!(out)?;
        return Ok(Done::Fully);
    }
    let counts = &manifest.counts;
    writeln!(
        out,
        "members    {} in the database, {} changes since the index was built",
        HumanCount(members),
        HumanCount(changes)
    )?;
    writeln!(
        out,
        "index      {} of {}, {}, built in {:.1} s",
        snapshot.name(),
        manifest.created,
        HumanBytes(snapshot.bytes()),
        manifest.seconds
    )?;
    writeln!(
        out,
        "           {} members, {} mentors, {} to be found (of age, not paused)",
        HumanCount(counts.members),
        HumanCount(counts.mentors),
        HumanCount(counts.findable)
    )?;
    let model = &manifest.model;
    writeln!(out, "model      {}, {} dimensions, {} texts", model.name, model.dimension, HumanCount(counts.texts))?;
    if counts.uncovered > 0 {
        let languages = model.languages.join(", ");
        writeln!(
            out,
            "           {} profiles are in languages it does not cover ({languages} only): no similarity term, found by the rest",
            HumanCount(counts.uncovered)
        )?;
    }
    facet(&mut out, "profile", &manifest.profile)?;
    facet(&mut out, "interests", &manifest.interests)?;
    let checksums = if arguments.verify { "checksums verified" } else { "headers checked; --verify reads every byte" };
    writeln!(out, "health     {checksums}")?;
    Ok(Done::Fully)
}

fn facet(out: &mut impl Write, name: &str, report: &FacetReport) -> std::io::Result<()> {
    writeln!(
        out,
        "{name:<10} {} members, {} distinct vectors, recall@10 {:.3}, {} not found by their own vector, {} repaired",
        HumanCount(report.members),
        HumanCount(report.nodes),
        report.recall_at_10,
        report.lost,
        report.changes.repaired
    )
}
