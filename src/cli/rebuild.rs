//! `rapport rebuild`

use std::io::Write;

use clap::Args;
use rapport::config::Config;
use rapport::embed::Models;
use rapport::rebuild::{Rebuilt, rebuild};

use super::{Done, progress};

#[derive(Debug, Args)]
pub struct Arguments {
    /// Build the graphs anew instead of carrying over those of the current generation.
    #[arg(long)]
    full: bool,
}

pub async fn run(config: &Config, Arguments { full }: Arguments) -> anyhow::Result<Done> {
    let embedder = Models::open(&config.models)?.load(&config.model.name, config.embedding_threads())?;
    let rebuilt = rebuild(config, embedder, full, progress::rebuilding()).await?;
    describe(&rebuilt)?;
    Ok(Done::Fully)
}

/// Says what was published.
pub fn describe(rebuilt: &Rebuilt) -> anyhow::Result<()> {
    let Rebuilt { folder, manifest, embedded } = rebuilt;
    let mut out = anstream::stdout().lock();
    let (profile, interests) = (&manifest.profile, &manifest.interests);
    writeln!(
        out,
        "Published {}: {} members, {} mentors to be found, {embedded} new texts embedded; recall@10 {:.3} (profile), {:.3} \
         (interests); {:.1} s",
        folder.display(),
        manifest.counts.members,
        manifest.counts.findable,
        profile.recall_at_10,
        interests.recall_at_10,
        manifest.seconds,
    )?;
    Ok(())
}
