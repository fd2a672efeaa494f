//! `rapport rebuild`

use std::io::Write;

use clap::Args;
use indicatif::HumanCount;
use rapport::community::RebuildOptions;
use rapport::config::Config;
use rapport::control::Request;
use rapport::embed::Models;
use rapport::rebuild::{Graph, Plan, Rebuilt, plan, rebuild};

use super::writer::server_of;
use super::{Done, progress};

/// Build and publish an index of all members
///
/// Publishes nothing where the current generation holds every change already, and where a gate does not hold: too many
/// members gone, a member not found by their own vector, too low a recall, files that do not read back, matches that may
/// be worse on the judged queries of [rebuild.quality].
///
/// Exit codes: 0 published, or nothing to do; 1 it failed; 2 the command or the configuration was wrong; 4 a gate did not
/// hold; 5 another process holds the index folder. Whatever happens, what was current stays current until a new
/// generation is whole.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Build everything anew instead of carrying over the current generation's graphs, and publish it even if nothing
    /// changed
    #[arg(long)]
    full: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// With --dry-run: as JSON
    #[arg(long, requires = "dry_run")]
    json: bool,
    /// Publish however many members are gone, instead of what rebuild.fewest_kept asks for
    #[arg(long)]
    accept_loss: bool,
    /// Wait so long for another process that holds the folder [default: rebuild.wait]
    #[arg(long, value_name = "SECONDS")]
    wait: Option<u64>,
}

pub async fn run(mut config: Config, arguments: Arguments) -> anyhow::Result<Done> {
    let embedder = Models::open(&config.models)?.deferred(&config.model.name, config.embedding_threads())?;
    if arguments.dry_run {
        return tell(&plan(&config, embedder.model(), arguments.full).await?, arguments.json);
    }
    config.rebuild.wait = arguments.wait.unwrap_or(config.rebuild.wait);
    if arguments.accept_loss {
        config.rebuild.fewest_kept = 0.0;
    }
    let options = RebuildOptions { full: arguments.full, accept_loss: arguments.accept_loss };
    describe(&match server_of(&config).await {
        Some(mut server) => server.ask(Request::Rebuild { options }, progress::rebuilding()).await?,
        None => rebuild(&config, embedder, arguments.full, progress::rebuilding()).await?,
    })?;
    Ok(Done::Fully)
}

/// Says what was published.
pub fn describe(rebuilt: &Rebuilt) -> anyhow::Result<()> {
    let Rebuilt { published, folder, manifest, embedded } = rebuilt;
    let mut out = anstream::stdout().lock();
    if !published {
        writeln!(out, "Nothing to do: {} holds every change, and its files match their checksums", folder.display())?;
        return Ok(());
    }
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

/// Says what would be done.
fn tell(plan: &Plan, json: bool) -> anyhow::Result<Done> {
    let mut out = anstream::stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut out, plan)?;
        writeln!(out)?;
        return Ok(Done::Fully);
    }
    match (&plan.from, &plan.from_nothing) {
        (Some(name), _) => writeln!(out, "from       {name}")?,
        (None, why) => writeln!(out, "from       nothing: {}", why.as_deref().unwrap_or("there is no index yet"))?,
    }
    let count = HumanCount;
    let Plan { members, added, changed, removed, .. } = *plan;
    writeln!(
        out,
        "members    {}: {} new, {} changed, {} removed",
        count(members),
        count(added),
        count(changed),
        count(removed)
    )?;
    writeln!(out, "texts      {}, {} of them to be embedded", count(plan.texts), count(plan.to_embed))?;
    for (facet, graph) in [("profile", &plan.profile), ("interests", &plan.interests)] {
        let Graph { inserted, unlinked, anew } = graph;
        match anew {
            Some(why) => writeln!(out, "{facet:<10} graph of {} vectors built anew: {why}", count(*inserted))?,
            None => writeln!(
                out,
                "{facet:<10} graph carried over: {} vectors inserted, {} unlinked",
                count(*inserted),
                count(*unlinked)
            )?,
        }
    }
    let outcome = if plan.nothing_to_do { "nothing to do" } else { "a generation would be built" };
    writeln!(out, "outcome    {outcome}; nothing was written")?;
    Ok(Done::Fully)
}
