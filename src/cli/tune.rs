//! `rapport tune`

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use rapport::config::Config;
use rapport::evaluate::{HeldOut, Judgements, Tuning, tune};
use rapport::search::Searcher;
use rapport::search::weights::Feature;

use super::Done;
use super::evaluate::name;

#[derive(Debug, Args)]
pub struct Arguments {
    /// Queries as JSONL, as for evaluate
    #[arg(long, value_name = "FILE")]
    queries: PathBuf,
    /// Judgements as TREC qrels: query 0 member grade
    #[arg(long, value_name = "FILE")]
    qrels: PathBuf,
    /// Where the learned weights go: a [weights] table with its figures
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Parts the queries and members, and orders what is tried
    #[arg(long, value_name = "S", default_value_t = 42)]
    seed: u64,
    /// The figures and the weights as one JSON object
    #[arg(long)]
    json: bool,
}

pub async fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<Done> {
    let judgements = Judgements::read(&arguments.queries, &arguments.qrels)?;
    let searcher = Searcher::open(config).await?;
    let tuning = tune(&searcher, &judgements, rapport::evaluate::DEPTH, arguments.seed).await?;
    name(&judgements.problems.iter().collect::<Vec<_>>());
    let mut out = anstream::stdout().lock();
    if arguments.json {
        serde_json::to_writer(&mut out, &tuning)?;
        writeln!(out)?;
    } else {
        write!(out, "{}", figures(&tuning))?;
        for feature in Feature::ALL {
            let (before, after) = (searcher.weights().of(*feature), tuning.weights.of(*feature));
            writeln!(out, "  {:<22} {before:.4} → {after:.4}", feature.name())?;
        }
    }
    anyhow::ensure!(
        tuning.holds(),
        "the learned weights are worse than those before on queries or members that they never saw: nothing is written"
    );
    let file = weights_file(&tuning);
    std::fs::write(&arguments.out, file).with_context(|| format!("cannot write {}", arguments.out.display()))?;
    eprintln!("{}: put it into rapport.toml, or give it by --config", arguments.out.display());
    Ok(Done::Fully)
}

fn figures(tuning: &Tuning) -> String {
    let line = |what: &str, held: &HeldOut| {
        let HeldOut { queries, before, after, difference, p } = held;
        format!(
            "nDCG@10 by {what}: {:.4} before, {:.4} [{:.4}, {:.4}] after, {:+.4} [{:+.4}, {:+.4}], p {p:.4}, {queries} queries\n",
            before.mean, after.mean, after.low, after.high, difference.mean, difference.low, difference.high
        )
    };
    format!(
        "{}{}nDCG@10 on the queries learned from: {:.4}\n",
        line("held-out queries", &tuning.by_queries),
        line("held-out members", &tuning.by_members),
        tuning.on_lessons
    )
}

fn weights_file(tuning: &Tuning) -> String {
    let comments: String = figures(tuning).lines().map(|line| format!("# {line}\n")).collect();
    let weight = |feature: &Feature| format!("{} = {:.4}\n", feature.name(), tuning.weights.of(*feature));
    format!("# Learned by rapport tune.\n{comments}[weights]\n{}", Feature::ALL.iter().map(weight).collect::<String>())
}
