//! `rapport evaluate`

mod shown;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use clap::Args;
use indicatif::HumanCount;
use rapport::config::Config;
use rapport::evaluate::report::{Against, Report};
use rapport::evaluate::{
    Ablated, AtBudget, AtDial, Compared, Comparison, Difference, Estimate, Evaluation, GroupField, Judgements,
    Measured, Placed, Problem, Run, ablate, budget, compare, evaluate, exposure_of, outside_circle, rank_queries,
};
use rapport::index::{Snapshot, publish};
use rapport::search::Searcher;
use rapport::search::weights::Weights;
use rapport::store::Store;
use serde::Serialize;

use shown::{
    dial, group_field, write_calibration, write_exposure, write_good_match, write_outside_circle,
    write_steered_exposure,
};

use super::render::clean;
use super::{Done, Usage};

/// Problems of one kind that are named on the terminal; --json names all.
const NAMED: usize = 3;

/// Wins and losses shown on the terminal, of each.
const TOLD: usize = 3;

#[derive(Debug, Args)]
pub struct Arguments {
    /// Queries as JSONL: an id and one of text, interests, profession, member and profile; optionally known, filter and
    /// group, a label to report by
    #[arg(long, value_name = "FILE")]
    queries: PathBuf,
    /// Judgements as TREC qrels: query 0 member grade
    #[arg(long, value_name = "FILE")]
    qrels: PathBuf,
    /// Write the rankings as a TREC run
    #[arg(long, value_name = "OUT")]
    run: Option<PathBuf>,
    /// Compare with a TREC run, with other weights (a .toml file with a [weights] table), or with a generation of the index
    /// folder by its name
    #[arg(long, value_name = "RUN|WEIGHTS|GEN")]
    baseline: Option<PathBuf>,
    /// How deep rankings are written and measured
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    depth: u16,
    /// Also measure what is left with each feature, facet and source of candidates off
    #[arg(long)]
    ablate: bool,
    /// Also measure searches outside the circle at these settings of the dial, each from 0 to 1: how many of the first ten are
    /// outside it, and what that costs in match quality
    #[arg(long, value_name = "DIAL,…", value_delimiter = ',', value_parser = dial)]
    outside_circle: Vec<f64>,
    /// Also play a week in which every judged query is asked once a day, with these settings of programme.steering.exposure, each
    /// from 0 to 1: how evenly mentors are shown, and what that costs in match quality
    #[arg(long, value_name = "MOST,…", value_delimiter = ',', value_parser = dial)]
    exposure: Vec<f64>,
    /// Also say how often mentors are shown by these fields of their records
    #[arg(long, value_name = "FIELD,…", value_delimiter = ',', value_parser = group_field)]
    groups: Vec<GroupField>,
    /// Also say from which match on at least this share of those shown is judged good, from 0 to 1, by who seeks: what may be set as
    /// [programme.good_match]
    #[arg(long, value_name = "SHARE", value_parser = dial)]
    good_share: Option<f64>,
    /// Write report.html, to read and print, and report.json into this folder
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// The result as one JSON object
    #[arg(long)]
    json: bool,
}

/// The whole result.
#[derive(Serialize)]
struct Output {
    #[serde(flatten)]
    evaluation: Evaluation,
    #[serde(skip_serializing_if = "Option::is_none")]
    comparison: Option<Comparison>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ablation: Vec<Ablated>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    outside_circle: Vec<AtDial>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    steered_exposure: Vec<AtBudget>,
}

pub async fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<Done> {
    let begun = Instant::now();
    let judgements = Judgements::read(&arguments.queries, &arguments.qrels)?;
    let baseline = arguments.baseline.as_deref().map(|named| Baseline::open(config, named)).transpose()?;
    let searcher = Searcher::open(config).await?;
    let depth = usize::from(arguments.depth);
    let (mut evaluation, run) = evaluate(&searcher, &judgements, depth).await?;
    if !arguments.groups.is_empty() {
        evaluation.exposure = exposure_of(&searcher, &run, &arguments.groups).await?;
    }
    if let Some(path) = &arguments.run {
        write_run(path, &evaluation.state, &run)?;
    }
    let comparison = match baseline {
        None => None,
        Some(baseline) => {
            let (before, mut problems) = baseline.ranked(config, &searcher, &judgements, depth).await?;
            let mut comparison = compare(&judgements, &before, &run);
            problems.append(&mut comparison.problems);
            comparison.problems = problems;
            comparison.tell(&searcher).await?;
            Some(comparison)
        }
    };
    let ablation = if arguments.ablate { ablate(&searcher, &judgements, depth).await? } else { Vec::new() };
    let outside_circle = match &arguments.outside_circle[..] {
        [] => Vec::new(),
        dials => outside_circle(&searcher, &judgements, dials).await?,
    };
    let steered_exposure = match &arguments.exposure[..] {
        [] => Vec::new(),
        settings => {
            let (columns, usual) = (&searcher.snapshot().columns, config.programme.capacity);
            let places = |slot| columns.capacity(slot).unwrap_or(usual);
            budget(&searcher, &judgements, settings, places).await?
        }
    };
    if let Some(folder) = &arguments.report {
        let baseline = arguments.baseline.as_ref().map(|named| named.display().to_string());
        let compared = comparison.clone().zip(baseline);
        let compared = compared.map(|(comparison, baseline)| Against { baseline, comparison });
        let report =
            Report::gather(&searcher, &judgements, &run, evaluation.clone(), compared, ablation.clone()).await?;
        write_report(folder, &report)?;
    }
    let output = Output { evaluation, comparison, ablation, outside_circle, steered_exposure };
    let mut out = anstream::stdout().lock();
    if arguments.json {
        serde_json::to_writer(&mut out, &output)?;
        writeln!(out)?;
    } else {
        write_evaluation(&mut out, &output.evaluation)?;
        if let Some(share) = arguments.good_share {
            write_good_match(&mut out, &output.evaluation.calibration_by_seeker, share)?;
        }
        if let (Some(comparison), Some(baseline)) = (&output.comparison, &arguments.baseline) {
            write_comparison(&mut out, comparison, &baseline.display().to_string())?;
        }
    }
    if !arguments.json {
        write_ablation(&mut out, &output.ablation)?;
        write_outside_circle(&mut out, &output.outside_circle)?;
        write_steered_exposure(&mut out, &output.steered_exposure)?;
    }
    let problems: Vec<&Problem> =
        output.evaluation.problems.iter().chain(output.comparison.iter().flat_map(|both| &both.problems)).collect();
    name(&problems);
    let latency = &output.evaluation.latency;
    eprintln!(
        "{:.1} s; a search for ten takes {:.1} ms (median), {:.1} ms (95th percentile): {} whole searches, one at a time",
        begun.elapsed().as_secs_f64(),
        latency.median_ms,
        latency.p95_ms,
        latency.queries
    );
    let set_aside = problems.iter().any(|problem| problem.kind.sets_aside());
    Ok(if set_aside { Done::WithRejects } else { Done::Fully })
}

/// What the index is compared with.
enum Baseline {
    Run(Run, PathBuf, Vec<Problem>),
    Weights(Weights),
    Generation(Box<Snapshot>),
}

impl Baseline {
    fn open(config: &Config, named: &Path) -> anyhow::Result<Baseline> {
        if let Some(folder) = named.to_str().and_then(|name| publish::find(&config.index, name)) {
            return Ok(Baseline::Generation(Box::new(Snapshot::open(&folder)?)));
        }
        if !named.exists() {
            let (named, index) = (named.display(), config.index.display());
            return Err(Usage(format!("--baseline: {named} is no file, and no generation in {index}")).into());
        }
        if named.extension().is_some_and(|end| end == "toml") {
            return Ok(Baseline::Weights(Config::read(named)?.weights));
        }
        let mut problems = Vec::new();
        let run = Run::read(named, &mut problems)?;
        Ok(Baseline::Run(run, named.to_owned(), problems))
    }

    /// Its rankings, and what was wrong with them.
    async fn ranked(
        self,
        config: &Config,
        searcher: &Searcher,
        judgements: &Judgements,
        depth: usize,
    ) -> anyhow::Result<(Run, Vec<Problem>)> {
        match self {
            Baseline::Run(run, file, mut problems) => {
                problems.extend(judgements.unknown_queries(&run, &file));
                Ok((run, problems))
            }
            Baseline::Weights(weights) => {
                Ok((rank_queries(&searcher.with_weights(weights), judgements, depth).await?.0, Vec::new()))
            }
            Baseline::Generation(snapshot) => {
                let searcher = Searcher::over(config, Store::open(&config.database()).await?, *snapshot);
                // Queries that cannot be asked are named for the index itself already.
                let (run, _) = rank_queries(&searcher, judgements, depth).await?;
                Ok((run, Vec::new()))
            }
        }
    }
}

fn write_run(path: &Path, tag: &str, run: &Run) -> anyhow::Result<()> {
    let cannot = || format!("cannot write {}", path.display());
    let mut out = BufWriter::new(File::create(path).with_context(cannot)?);
    run.write(tag, &mut out)?;
    out.flush().with_context(cannot)
}

fn write_report(folder: &Path, report: &Report) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for (name, text) in [("report.html", report.html()?), ("report.json", serde_json::to_string_pretty(report)?)] {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    eprintln!("{}: open report.html in a browser", folder.display());
    Ok(())
}

fn write_evaluation(out: &mut impl Write, evaluation: &Evaluation) -> io::Result<()> {
    let Evaluation { state, depth, queries, metrics, groups, exposure, calibration, retrieval, ties, .. } = evaluation;
    writeln!(out, "{} queries on {state}, {depth} deep", HumanCount(*queries as u64))?;
    writeln!(out, "{:<12} {:>7}  95 % interval", "", "mean")?;
    write_means(out, metrics)?;
    for group in groups {
        writeln!(out, "{} ({} queries)", clean(&group.group), HumanCount(group.queries as u64))?;
        write_means(out, &group.metrics)?;
    }
    write_exposure(out, exposure)?;
    write_calibration(out, calibration)?;
    let recall = |name: &str, recall: Option<f64>| recall.map(|recall| format!("{name} {recall:.4}"));
    let recalls = [recall("profile", retrieval.profile), recall("interests", retrieval.interests)];
    let recalls: Vec<String> = recalls.into_iter().flatten().collect();
    if recalls.is_empty() {
        writeln!(out, "retrieval    everyone who matches is ranked")?;
    } else {
        let queries = retrieval.queries;
        writeln!(out, "retrieval    recall of the exact scan: {} ({queries} queries)", recalls.join(", "))?;
    }
    if *ties > 0 {
        writeln!(out, "ties         {} places have the score of another", HumanCount(*ties as u64))?;
    }
    Ok(())
}

fn write_means(out: &mut impl Write, metrics: &[Measured]) -> io::Result<()> {
    for Measured { metric, estimate: Estimate { mean, low, high } } in metrics {
        writeln!(out, "{metric:<12} {mean:>7.4}  {low:.4} to {high:.4}")?;
    }
    Ok(())
}

fn write_comparison(out: &mut impl Write, comparison: &Comparison, baseline: &str) -> io::Result<()> {
    writeln!(out, "\nagainst {}, {} queries in both", clean(baseline), HumanCount(comparison.queries as u64))?;
    writeln!(
        out,
        "{:<12} {:>7} {:>7} {:>10}  {:<18} {:>6} {:>8} {:>5} {:>5}",
        "", "before", "after", "difference", "95 % interval", "p", "p (Holm)", "won", "lost"
    )?;
    for compared in &comparison.metrics {
        let Estimate { mean, low, high } = compared.difference;
        writeln!(
            out,
            "{:<12} {:>7.4} {:>7.4} {mean:>+10.4}  {:<18} {:>6.4} {:>8.4} {:>5} {:>5}",
            compared.metric,
            compared.before,
            compared.after,
            format!("{low:+.4} to {high:+.4}"),
            compared.p,
            compared.p_holm,
            compared.wins,
            compared.losses
        )?;
    }
    let [before, after] = comparison.unjudged;
    writeln!(out, "unjudged@10  {before:>7.4} {after:>7.4}")?;
    for (what, differences) in [("lost", &comparison.losses), ("won", &comparison.wins)] {
        for difference in differences.iter().take(TOLD) {
            write_difference(out, what, difference)?;
        }
    }
    Ok(())
}

fn write_difference(out: &mut impl Write, what: &str, difference: &Difference) -> io::Result<()> {
    let Difference { query, said, before, after, top_before, top_after, .. } = difference;
    writeln!(out, "\n{what}: {} ({}), nDCG@10 {before:.4} before, {after:.4} after", clean(said), clean(query))?;
    for (when, top) in [("before", top_before), ("after", top_after)] {
        for Placed { rank, member, grade, said } in top {
            let grade = grade.map_or("not judged".into(), |grade| format!("grade {grade}"));
            writeln!(out, "  {when:<6} {rank:>2}. {} ({}), {grade}", clean(said), clean(member))?;
        }
    }
    Ok(())
}

/// Says what was wrong: how much of each kind, and the first of it.
pub(super) fn name(problems: &[&Problem]) {
    let mut by_kind: BTreeMap<_, Vec<&Problem>> = BTreeMap::new();
    for problem in problems {
        by_kind.entry(problem.kind).or_default().push(problem);
    }
    for (kind, problems) in by_kind {
        eprintln!("{} {}", HumanCount(problems.len() as u64), kind.name());
        for problem in problems.iter().take(NAMED) {
            eprintln!("  {}", clean(&problem.to_string()));
        }
        if problems.len() > NAMED {
            eprintln!("  and {} more; --json names all", HumanCount((problems.len() - NAMED) as u64));
        }
    }
}

fn write_ablation(out: &mut impl Write, ablation: &[Ablated]) -> io::Result<()> {
    if ablation.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nwithout                          nDCG@10                               R@100")?;
    let cell = |Compared { after, difference, p_holm, .. }: &Compared| {
        format!("{after:.4} {:+.4} [{:+.4}, {:+.4}] p {p_holm:.3}", difference.mean, difference.low, difference.high)
    };
    for Ablated { off, ndcg, recall } in ablation {
        writeln!(out, "{off:<30} {}   {}", cell(ndcg), cell(recall))?;
    }
    Ok(())
}
