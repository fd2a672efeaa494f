//! What a night costs beside a full rebuild: where nothing changed, and where 1 % and 10 % of the members did.
//!
//! ```text
//! cargo bench --bench night -- --members FILE.jsonl [--rounds 5] [--shares 0.01,0.1] [--index DIR] [--words]
//! ```
//!
//! The members are imported into DIR (a temporary folder unless named) and a first generation is built, embedding
//! everything. Then, in each round and for each share: of ten members that change, eight say something new of themselves and
//! have an interest of somebody else's, one is gone, and one is new. The new texts are embedded beforehand, so that what
//! is compared is the rebuild: the night, one with nothing left to do, and `--full` over the same database, in turn. What
//! embedding them took is said beside. With `--words` a text's vector is the mean of random directions of its words, in
//! place of the model's: a community of a million would take it hours.

#![allow(clippy::print_stdout, reason = "what it prints is what it is for")]

#[path = "common/words.rs"]
mod words;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rapport::config::Config;
use rapport::embed::{Embedder, Model, Models};
use rapport::index::publish::open_current;
use rapport::member::import::Strictness;
use rapport::member::{Member, MemberId};
use rapport::rebuild::{Rebuilt, rebuild};
use rapport::store::Store;
use rapport::store::import::Feed;
use words::Words;

type Failure = Box<dyn std::error::Error>;

struct Bench {
    config: Config,
    embedder: Arc<dyn Embedder>,
    store: Store,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().collect();
    let option = |name: &str| arguments.windows(2).find(|pair| pair[0] == name).map(|pair| pair[1].clone());
    let members = PathBuf::from(option("--members").ok_or("give a file: --members FILE.jsonl")?);
    let rounds = option("--rounds").map_or(Ok(5), |rounds| rounds.parse::<usize>())?.max(1);
    let temporary = tempfile::tempdir()?;
    let index = option("--index").map_or_else(|| temporary.path().join("index"), PathBuf::from);
    let mut config = Config { index, ..Config::default() };
    let model = Models::open(&config.models)?.deferred(&config.model.name, NonZeroUsize::new(2).ok_or("zero")?)?;
    let by_words = arguments.iter().any(|argument| argument == "--words");
    if by_words {
        // Directions at random are harder to search than a model's: what is measured is the time, not what is found.
        config.rebuild.lowest_recall = 0.0;
    }
    let embedder =
        if by_words { Arc::new(Words(Model { content: "words".into(), ..model.model().clone() })) } else { model };
    let shares = option("--shares").unwrap_or_else(|| "0.01,0.1".into());
    let shares = shares.split(',').map(str::parse).collect::<Result<Vec<f64>, _>>()?;
    let store = Store::create(&config.database()).await?;
    let bench = Bench { config, embedder, store };

    let (runtime, importing) = (tokio::runtime::Handle::current(), bench.store.clone());
    let importing = move || importing.import(&runtime, &Feed::File(members), Strictness::default(), None, |_| Ok(()));
    tokio::task::spawn_blocking(importing).await?.1?;
    let (took, first) = bench.night(false).await?;
    let manifest = &first.manifest;
    println!(
        "from nothing: {} members, {} texts embedded, {:.2} s",
        manifest.counts.members,
        first.embedded,
        took.as_secs_f64()
    );

    for share in shares {
        let (mut nights, mut idle, mut full, mut embedding) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for round in 0..rounds {
            embedding.push(bench.change(share, round).await?);
            let (took, night) = bench.night(false).await?;
            if night.embedded > 0 || !night.published {
                return Err("the night had texts to embed, or nothing to do".into());
            }
            nights.push(took);
            idle.push(bench.night(false).await?.0);
            full.push(bench.night(true).await?.0);
        }
        let (night, idle, full) = (median(nights), median(idle), median(full));
        println!(
            "{:.0} % changed: {night:.3} s, {:.1} % of a full rebuild ({full:.3} s), {:.2} % of one from nothing; nothing \
             changed: {idle:.3} s; embedding the new texts took {:.2} s beside",
            100.0 * share,
            100.0 * night / full,
            100.0 * night / took.as_secs_f64(),
            median(embedding)
        );
    }
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        status.lines().filter(|line| line.starts_with("VmHWM")).for_each(|line| println!("{line}"));
    }
    Ok(())
}

impl Bench {
    async fn night(&self, full: bool) -> Result<(Duration, Rebuilt), Failure> {
        let begun = Instant::now();
        let rebuilt = rebuild(&self.config, self.embedder.clone(), full, |_| {}).await?;
        Ok((begun.elapsed(), rebuilt))
    }

    /// Changes a share of the members and embeds what they say; tells how long the embedding took.
    async fn change(&self, share: f64, round: usize) -> Result<Duration, Failure> {
        let everyone = self.store.page(None, u32::MAX).await?;
        let picked = ((everyone.len() as f64 * share) as usize).max(1);
        let (mut written, mut gone): (Vec<Member>, Vec<MemberId>) = (Vec::new(), Vec::new());
        for nth in 0..picked {
            let at = (nth * everyone.len() / picked + 31 * round) % everyone.len();
            let (member, other) = (&everyone[at], &everyone[(at + 7 + round) % everyone.len()]);
            match nth % 10 {
                8 => gone.push(member.id.clone()),
                9 => {
                    let id = MemberId::new(format!("{}-{picked}-{round}", member.id))?;
                    written.push(changed(Member { id, ..member.clone() }, other));
                }
                _ => written.push(changed(member.clone(), other)),
            }
        }
        self.store.upsert(&written).await?;
        self.store.remove(&gone).await?;

        let encoder = open_current(&self.config.index)?.encoder();
        let model = self.embedder.model();
        let encoded: Vec<_> = written.iter().map(|member| encoder.encode(member)).collect();
        let mut texts: Vec<_> = encoded.iter().flat_map(|encoded| encoded.texts()).collect();
        texts.sort_unstable();
        texts.dedup();
        let keys: Vec<_> = texts.iter().map(|(key, _)| *key).collect();
        let known = self.store.embedded(&model.id(), model.dimension, &keys).await?;
        texts.retain(|(key, _)| !known.contains(key));
        let begun = Instant::now();
        let said: Vec<&str> = texts.iter().map(|(_, text)| *text).collect();
        let vectors = tokio::task::block_in_place(|| self.embedder.embed(&said))?;
        let kept: Vec<_> = texts.iter().map(|(key, _)| *key).zip(vectors).collect();
        self.store.keep_embeddings(&model.id(), &kept).await?;
        Ok(begun.elapsed())
    }
}

/// The member with more to say, and an interest of somebody else's.
fn changed(member: Member, other: &Member) -> Member {
    let said = |member: &Member| member.headline.clone().unwrap_or_else(|| "new here".into());
    let headline = Some(format!("{}, before that {}", said(&member), said(other)).chars().take(200).collect());
    let mut interests = member.interests.clone();
    if let (Some(last), Some(theirs)) = (interests.last_mut(), other.interests.first()) {
        last.clone_from(theirs);
    }
    Member { headline, interests, ..member }
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64()
}
