//! What changes cost: how long an upsert takes to be durable, embedded and found; and what a search costs more over an
//! overlay than over the generation alone.
//!
//! `cargo bench --bench live -- --members FILE.jsonl [--changes N]` indexes the members in a temporary folder, changes N of
//! them (20,000): half say something new of themselves and half are new people. Searches over the generation alone and over
//! the generation with its overlay take turns.

#![allow(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rapport::community::Community;
use rapport::config::Config;
use rapport::embed::Models;
use rapport::index::publish;
use rapport::member::import::Strictness;
use rapport::member::{Member, MemberId};
use rapport::rebuild::rebuild;
use rapport::search::{SearchRequest, Searcher};
use rapport::store::Store;
use rapport::store::import::Feed;

/// Searches of each kind in a round, and rounds.
const QUERIES: usize = 400;
const ROUNDS: usize = 5;

/// Upserts that are timed, one at a time.
const UPSERTS: usize = 300;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let option = |name: &str| arguments.iter().skip_while(|argument| *argument != name).nth(1).cloned();
    let file = PathBuf::from(option("--members").ok_or("expected --members FILE.jsonl")?);
    let changes: usize = option("--changes").map_or(Ok(20_000), |changes| changes.parse())?;
    let temporary = tempfile::tempdir()?;
    let config = Config { index: temporary.path().into(), ..Config::default() };
    let models = Models::open(&config.models)?;
    let embedder = models.ensure(models.default_name(), NonZeroUsize::new(2).ok_or("zero")?, &mut |_| {})?;

    let store = Store::create(&config.database()).await?;
    let (runtime, importing) = (tokio::runtime::Handle::current(), store.clone());
    let import = move || importing.import(&runtime, &Feed::File(file), Strictness::default(), None, |_| Ok(()));
    let (done, read) = tokio::task::spawn_blocking(import).await?;
    read?;
    rebuild(&config, embedder.clone(), false, |_| {}).await?;
    println!("{} members", done.added);

    let members = store.page(None, u32::MAX).await?;
    let changed = |at: usize, member: &Member| {
        let about = format!("{} Lately I changed my mind, {at} times over.", member.about.as_deref().unwrap_or(""));
        let id = if at.is_multiple_of(2) {
            member.id.clone()
        } else {
            MemberId::new(format!("new-{at:06}")).unwrap_or_default()
        };
        Member { id, about: Some(about), ..member.clone() }
    };
    let community = Community::open_with(&config, embedder.clone()).await?;
    let mut took = Vec::new();
    for (at, member) in members.iter().enumerate().take(UPSERTS) {
        let begun = Instant::now();
        community.upsert(&[changed(at, member)]).await?;
        took.push(begun.elapsed());
    }
    tell("one upsert, until it is durable and found", &mut took);

    let built = publish::open_current(&config.index)?;
    let alone = Searcher::over(&config, store.clone(), built);
    for window in (UPSERTS..changes).collect::<Vec<_>>().chunks(2_000) {
        let some: Vec<Member> = window.iter().map(|at| changed(*at, &members[at % members.len()])).collect();
        community.upsert(&some).await?;
    }
    let begun = Instant::now();
    let over = Searcher::open_with(&config, embedder.clone()).await?;
    println!("{} changes laid over a generation in {:.2} s", over.changes(), begun.elapsed().as_secs_f64());
    let mut took = Vec::new();
    for (at, member) in members.iter().enumerate().take(UPSERTS) {
        let begun = Instant::now();
        community.upsert(&[changed(at + 1_000_000, member)]).await?;
        took.push(begun.elapsed());
    }
    tell("one upsert over so many changes", &mut took);

    let by_member: Vec<SearchRequest> = members
        .iter()
        .rev()
        .filter(|member| !member.interests.is_empty() || member.aims_for.is_some())
        .take(QUERIES)
        .map(|member| SearchRequest { member: Some(member.id.clone()), ..SearchRequest::default() })
        .collect();
    let by_text: Vec<SearchRequest> = members
        .iter()
        .rev()
        .filter_map(|member| member.headline.clone())
        .take(QUERIES / 2)
        .map(|text| SearchRequest { text: Some(format!("I look for a {text}")), ..SearchRequest::default() })
        .collect();
    for (what, requests) in [("by member", &by_member), ("by text, its model run included", &by_text)] {
        let (mut of_alone, mut of_over) = (Vec::new(), Vec::new());
        for round in 0..=ROUNDS {
            for (searcher, took) in [(&alone, &mut of_alone), (&over, &mut of_over)] {
                for request in requests {
                    let begun = Instant::now();
                    let Ok(answer) = searcher.search(request.clone()).await else { continue };
                    std::hint::black_box(answer);
                    // The first round warms.
                    if round > 0 {
                        took.push(begun.elapsed());
                    }
                }
            }
        }
        let alone = tell(&format!("{what}, the generation alone"), &mut of_alone);
        let over = tell(&format!("{what}, with the changes over it"), &mut of_over);
        println!("  the overlay costs {:.3} ms of the median", (over.as_secs_f64() - alone.as_secs_f64()) * 1e3);
    }
    Ok(())
}

/// Prints median and 99th percentile, and gives the median.
fn tell(what: &str, took: &mut [Duration]) -> Duration {
    took.sort_unstable();
    let at = |share: f64| took.get((took.len() as f64 * share) as usize).copied().unwrap_or_default();
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    println!("{what}: median {:.3} ms, p99 {:.3} ms of {}", milliseconds(at(0.5)), milliseconds(at(0.99)), took.len());
    at(0.5)
}
