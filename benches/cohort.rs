//! How long it takes to assign an intake, and how much memory.
//!
//! ```text
//! cargo bench --bench cohort -- [--mentees 10000] [--mentors 3000] [--candidates 50] [--whole] [--exchange] [--threads N] [--index DIR]
//! ```
//!
//! Without `--whole` an intake is drawn and solved, for each objective: people have places in a space of eight dimensions, a match
//! falls with the distance, some mentors are nearer to all, and each takes up to five mentees, so that places are short.
//! With `--whole` an invented community is indexed in DIR (a temporary folder unless named) and assigned from beginning to end: members
//! read, compared and ranked as searches do, solved once and again for each rule relaxed, put into words. A text's vector is the mean of
//! random directions of its words, in place of the model's. With `--exchange` too, by both ways.

#![allow(clippy::print_stdout, reason = "what it prints is what it is for")]

#[path = "common/words.rs"]
mod words;

use std::cmp::Reverse;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rapport::config::Config;
use rapport::embed::{Embedder, Model, Models};
use rapport::member::{Member, Role};
use rapport::programme::cohort::{CohortRequest, Edge, Intake, Objective, Rules, assign};
use rapport::rebuild::rebuild;
use rapport::sample::Community;
use rapport::search::Searcher;
use rapport::store::Store;
use words::Words;

type Failure = Box<dyn std::error::Error>;

const OBJECTIVES: [(&str, Objective); 3] =
    [("best total", Objective::BestTotal), ("most matched", Objective::MostMatched), ("fairest", Objective::Fairest)];

#[derive(Clone, Copy)]
struct Size {
    mentees: usize,
    mentors: usize,
    candidates: usize,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().collect();
    let option = |name: &str| arguments.windows(2).find(|pair| pair[0] == name).map(|pair| pair[1].clone());
    let number = |name: &str, usual: usize| option(name).map_or(Ok(usual), |number| number.parse::<usize>());
    let size = Size {
        mentees: number("--mentees", 10_000)?,
        mentors: number("--mentors", 3_000)?,
        candidates: number("--candidates", 50)?,
    };
    if arguments.iter().any(|argument| argument == "--whole") {
        let temporary = tempfile::tempdir()?;
        let index = option("--index").map_or_else(|| temporary.path().join("index"), PathBuf::from);
        let cores = std::thread::available_parallelism()?.get();
        let threads = NonZeroUsize::new(number("--threads", cores)?).ok_or("--threads 0")?;
        let exchange = arguments.iter().any(|argument| argument == "--exchange");
        whole(size, exchange, Config { index, ..Config::default() }, threads).await?;
    } else {
        solve(&drawn(size));
    }
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        status.lines().filter(|line| line.starts_with("VmHWM")).for_each(|line| println!("{line}"));
    }
    Ok(())
}

fn solve(intake: &Intake) {
    let edges: usize = intake.candidates.iter().map(Vec::len).sum();
    let places: u32 = intake.places.iter().sum();
    println!(
        "{} mentees, {} mentors with {places} places, {edges} candidates",
        intake.locked.len(),
        intake.places.len()
    );
    for (name, objective) in OBJECTIVES {
        let begun = Instant::now();
        let assignment = intake.assign(objective);
        let took = begun.elapsed().as_secs_f64();
        let blocking = intake.blocking_pairs(&assignment).len();
        let worst = assignment.worst().unwrap_or(0) as f64 / 1e6;
        println!(
            "{name:<14} {took:>7.3} s   {} matched, total {:.4}, worst {worst:.4}, {blocking} blocking pairs",
            assignment.matched(),
            assignment.total() as f64 / 1e6
        );
    }
}

fn drawn(Size { mentees, mentors, candidates }: Size) -> Intake {
    let mut random = ChaCha8Rng::seed_from_u64(42);
    let mut place = || -> [f32; 8] { std::array::from_fn(|_| random.random_range(-1.0..1.0)) };
    let seekers: Vec<[f32; 8]> = (0..mentees).map(|_| place()).collect();
    // The nearer to the middle, the nearer to all.
    let helpers: Vec<[f32; 8]> = (0..mentors).map(|_| place()).collect();
    let list = |seeker: &[f32; 8]| {
        let edge = |(mentor, helper): (usize, &[f32; 8])| {
            let squares = seeker.iter().zip(helper).map(|(own, theirs)| (own - theirs).powi(2));
            Edge { mentor: mentor as u32, match_: (f64::from((-squares.sum::<f32>() / 4.0).exp()) * 1e6) as i64 }
        };
        let mut list: Vec<Edge> = helpers.iter().enumerate().map(edge).collect();
        list.sort_unstable_by_key(|edge| (Reverse(edge.match_), edge.mentor));
        list.truncate(candidates);
        list.shrink_to_fit();
        list
    };
    let lists = seekers.iter().map(list).collect();
    let places = (0..mentors).map(|_| random.random_range(1..=5)).collect();
    Intake { places, candidates: lists, locked: vec![None; mentees] }
}

async fn whole(size: Size, exchange: bool, config: Config, threads: NonZeroUsize) -> Result<(), Failure> {
    let model = Models::open(&config.models)?.deferred(&config.model.name, NonZeroUsize::MIN)?;
    let model = Model { content: "words".into(), ..model.model().clone() };
    let embedder: Arc<dyn Embedder> = Arc::new(Words(model));
    if rapport::index::publish::open_current(&config.index).is_err() {
        let Size { mentees, mentors, .. } = size;
        let community = Community::new((mentees + mentors) as u32, 42);
        let member = |(at, member): (usize, Member)| {
            // So many of each, of age and not paused; the sample has its own shares.
            let role = if at < mentees { Role::Mentee } else { Role::Mentor };
            let capacity = (role == Role::Mentor).then_some(1 + at as u32 % 5);
            Member { roles: vec![role], capacity, adult: Some(true), paused: false, ..member }
        };
        let members: Vec<Member> = community.iter().enumerate().map(member).collect();
        Store::create(&config.database()).await?.upsert(&members).await?;
        rebuild(&config, Arc::clone(&embedder), false, |_| {}).await?;
    }
    let searcher = Searcher::open_with(&config, embedder).await?;
    for (name, objective) in OBJECTIVES {
        let request = CohortRequest {
            objective,
            exchange,
            minimum: 0.1,
            rules: Rules { not_same_employer: true, language_in_common: true, time_zone_gap: Some(6.0) },
            candidates: Some(size.candidates),
            ..CohortRequest::default()
        };
        let begun = Instant::now();
        let cohort = assign(&searcher, request, threads).await?;
        let assigned = begun.elapsed().as_secs_f64();
        let bytes = serde_json::to_vec(&cohort)?.len();
        let totals = &cohort.totals;
        println!(
            "{name:<14} {assigned:>7.2} s on {threads} threads   {} of {} matched to {} mentors, total {:.4}, {} blocking pairs, {:.1} MB of JSON",
            totals.matched,
            totals.mentees,
            totals.mentors,
            totals.total,
            cohort.blocking.count,
            bytes as f64 / 1e6
        );
    }
    Ok(())
}
