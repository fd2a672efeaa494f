//! How long a search takes inside the process, features and reasons included, and how much of the exact answer it finds.
//!
//! `cargo bench --bench search -- --members FILE.jsonl [--index DIR]` imports the members and builds an index in DIR (a
//! temporary folder unless named; one that holds an index already is used as it is). Without `--members`, 20,000
//! invented ones. By member: the first 2,000 members that have something to go by. By text: headlines of others, and
//! what is left of a search once its model run is taken off.

#![allow(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use rapport::config::Config;
use rapport::embed::{EmbedError, Embedder, Model, Models, UnitVector};
use rapport::member::import::Strictness;
use rapport::rebuild::rebuild;
use rapport::sample::Community;
use rapport::search::{SearchRequest, Searcher};
use rapport::store::Store;
use rapport::store::import::Feed;

/// Queries of each kind.
const QUERIES: usize = 2_000;

/// Knows how long the model ran.
struct Timed {
    inner: Arc<dyn Embedder>,
    nanoseconds: AtomicU64,
}

impl Embedder for Timed {
    fn model(&self) -> &Model {
        self.inner.model()
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<UnitVector>, EmbedError> {
        let begun = Instant::now();
        let vectors = self.inner.embed(texts);
        self.nanoseconds.fetch_add(begun.elapsed().as_nanos() as u64, Ordering::Relaxed);
        vectors
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_env_filter(tracing_subscriber::EnvFilter::from_default_env()).init();
    let arguments: Vec<String> = std::env::args().collect();
    let option = |name: &str| arguments.iter().skip_while(|argument| *argument != name).nth(1).map(PathBuf::from);
    let temporary = tempfile::tempdir()?;
    let config = Config { index: option("--index").unwrap_or(temporary.path().into()), ..Config::default() };

    let models = Models::open(&config.models)?;
    let inner = models.ensure(models.default_name(), NonZeroUsize::new(2).ok_or("zero")?, &mut |_| {})?;
    let embedder = Arc::new(Timed { inner, nanoseconds: AtomicU64::new(0) });

    let members = match option("--members") {
        Some(file) => file,
        None => {
            let file = temporary.path().join("sample.jsonl");
            Community::new(20_000, 7).write(&mut std::io::BufWriter::new(std::fs::File::create(&file)?))?;
            file
        }
    };
    if !config.index.join("CURRENT").exists() {
        let store = Store::create(&config.database()).await?;
        let runtime = tokio::runtime::Handle::current();
        let feed = Feed::File(members.clone());
        let begun = Instant::now();
        let (done, read) =
            tokio::task::spawn_blocking(move || store.import(&runtime, &feed, Strictness::default(), None, |_| Ok(())))
                .await?;
        read?;
        println!("import: {} members in {:.2} s", done.added, begun.elapsed().as_secs_f64());
        let rebuilt = rebuild(&config, embedder.clone(), false, |_| {}).await?;
        println!("rebuild: {} texts embedded, {:.1} s", rebuilt.embedded, rebuilt.manifest.seconds);
    }
    let searcher = Searcher::open_with(&config, embedder.clone()).await?;
    let manifest = &searcher.snapshot().manifest;
    println!(
        "retrieval recall@10 against the exact scan, ef {}: profile {:.4}, interests {:.4}",
        config.search.ef, manifest.profile.recall_at_10, manifest.interests.recall_at_10
    );

    let store = Store::open(&config.database()).await?;
    let members = store.page(None, 3 * QUERIES as u32).await?;
    let by_member = members.iter().filter(|member| !member.interests.is_empty() || member.aims_for.is_some());
    let by_member =
        by_member.map(|member| SearchRequest { member: Some(member.id.clone()), ..SearchRequest::default() });
    let by_text = members.iter().rev().filter_map(|member| member.headline.clone());
    // Not the stored text itself, which would need no model run.
    let by_text =
        by_text.map(|text| SearchRequest { text: Some(format!("I look for a {text}")), ..SearchRequest::default() });
    measure("by member", &searcher, &embedder, by_member.take(QUERIES).collect()).await?;
    measure("by text", &searcher, &embedder, by_text.take(QUERIES / 4).collect()).await?;
    Ok(())
}

async fn measure(
    name: &str,
    searcher: &Searcher,
    embedder: &Timed,
    requests: Vec<SearchRequest>,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut whole = Vec::new();
    let mut without_model = Vec::new();
    for request in requests {
        let before = embedder.nanoseconds.load(Ordering::Relaxed);
        let begun = Instant::now();
        // A search that finds nobody to be available is no measurement.
        let Ok(answer) = searcher.search(request).await else { continue };
        let took = begun.elapsed().as_nanos() as u64;
        std::hint::black_box(answer);
        whole.push(took);
        without_model.push(took.saturating_sub(embedder.nanoseconds.load(Ordering::Relaxed) - before));
    }
    for (what, mut times) in [("whole", whole), ("beyond the model run", without_model)] {
        times.sort_unstable();
        let at =
            |share: f64| times.get((times.len() as f64 * share) as usize).map_or(f64::NAN, |time| *time as f64 / 1e6);
        println!("{name}, {what}: median {:.3} ms, p99 {:.3} ms of {}", at(0.5), at(0.99), times.len());
    }
    std::io::stdout().flush()?;
    Ok(())
}
