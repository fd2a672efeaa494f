//! `rapport judge`

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{ArgGroup, Args};
use indicatif::HumanCount;
use rapport::config::Config;
use rapport::evaluate::judge::{Asked, QrelsFile, ask, configurations, pool};
use rapport::evaluate::outcomes::Outcomes;
use rapport::evaluate::{Problem, read_queries};
use rapport::search::Searcher;

use super::evaluate::name;
use super::{Done, Usage};

/// Orders the mentors of a query; who goes on later meets the same order.
const SEED: u64 = 42;

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("from").required(true).args(["queries", "outcomes"])))]
pub struct Arguments {
    /// Queries as JSONL, as for evaluate: grade whom they find, in the terminal
    #[arg(long, value_name = "FILE")]
    queries: Option<PathBuf>,
    /// Outcomes of introductions as JSONL instead: mentee, mentor and outcome, which is declined, met or helped
    #[arg(long, value_name = "FILE", conflicts_with_all = ["weights", "depth"])]
    outcomes: Option<PathBuf>,
    /// Where the grades go, as TREC qrels; grades that it holds are kept, and not asked for again
    #[arg(long, value_name = "OUT")]
    qrels: PathBuf,
    /// Also show whom these weights show: files with a [weights] table
    #[arg(long, value_name = "FILE", num_args = 1..)]
    weights: Vec<PathBuf>,
    /// How many mentors each configuration brings to a query
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=100))]
    depth: u16,
}

pub async fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<Done> {
    match (&arguments.outcomes, &arguments.queries) {
        (Some(outcomes), _) => take(outcomes, &arguments.qrels),
        (None, Some(queries)) => grade(config, arguments, queries).await,
        (None, None) => Err(Usage("expected --queries or --outcomes".into()).into()),
    }
}

async fn grade(config: &Config, arguments: &Arguments, file: &Path) -> anyhow::Result<Done> {
    let mut problems = Vec::new();
    let queries = read_queries(file, &mut problems)?;
    let weights = arguments.weights.iter().map(|file| Ok(Config::read(file)?.weights));
    let weights = weights.collect::<Result<Vec<_>, anyhow::Error>>()?;
    let mut qrels = QrelsFile::open(&arguments.qrels, &mut problems)?;
    let searcher = Searcher::open(config).await?;
    let configurations = configurations(&searcher, &weights);
    let named = file.display().to_string();
    let (pooled, unavailable) = pool(&configurations, &queries, &named, usize::from(arguments.depth), SEED).await?;
    problems.extend(unavailable);
    name(&problems.iter().collect::<Vec<_>>());
    let mut out = anstream::stdout().lock();
    let Asked { graded, left } = ask(&pooled, &mut qrels, &mut io::stdin().lock(), &mut out)?;
    eprintln!(
        "{} graded, {} left; the same command goes on. Grades are in {}",
        HumanCount(graded as u64),
        HumanCount(left as u64),
        arguments.qrels.display()
    );
    Ok(done(&problems))
}

fn take(outcomes: &Path, qrels: &Path) -> anyhow::Result<Done> {
    let mut problems = Vec::new();
    let outcomes = Outcomes::read(outcomes, &mut problems)?;
    let mut queries = qrels.as_os_str().to_owned();
    queries.push(".queries.jsonl");
    let queries = PathBuf::from(queries);
    for path in [qrels, &queries] {
        // It may hold a week's grades.
        if path.exists() {
            return Err(Usage(format!("{} is there already; name another --qrels, or move it", path.display())).into());
        }
    }
    write(qrels, |out| outcomes.write_qrels(out))?;
    write(&queries, |out| outcomes.write_queries(out))?;
    name(&problems.iter().collect::<Vec<_>>());
    eprintln!(
        "{} judgements of {} mentees in {}, their queries in {}",
        HumanCount(outcomes.pairs() as u64),
        HumanCount(outcomes.mentees() as u64),
        qrels.display(),
        queries.display()
    );
    Ok(done(&problems))
}

fn write(path: &Path, content: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> anyhow::Result<()> {
    let written = File::create_new(path).and_then(|file| {
        let mut out = BufWriter::new(file);
        content(&mut out)?;
        out.flush()?;
        out.get_ref().sync_all()
    });
    written.with_context(|| format!("cannot write {}", path.display()))
}

fn done(problems: &[Problem]) -> Done {
    let set_aside = problems.iter().any(|problem| problem.kind.sets_aside());
    if set_aside { Done::WithRejects } else { Done::Fully }
}
