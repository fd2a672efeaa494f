//! What the HTTP service does a second: the program in a process of its own, `wrk` in another one, 32 connections on loopback.
//!
//! `cargo bench --bench service -- --members FILE.jsonl [--index DIR] [--rounds 3] [--seconds 8]` imports the members and builds
//! an index in DIR (a temporary folder unless named; one that holds an index is used as it is). In each round, in turn:
//!
//! - by member, each asked once in a round after a change of state, so that no answer was given before;
//! - by member, a thousand members asked again and again, whose answers are remembered;
//! - by text, each a new one; beside it the model alone on the very texts that these searches embed, on the same threads: all
//!   at once, which is the most it can do; asked by as many callers as there are connections, batched as the service does; and
//!   search by search;
//! - by text, a hundred texts again and again by a service that remembers no answers, so that it is the vectors that it
//!   remembers.

#![allow(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::io::{BufRead, BufReader, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use rapport::config::Config;
use rapport::embed::{EmbedError, Embedder, Model, Models, Shared, UnitVector};
use rapport::member::Member;
use rapport::member::import::{ImportError, Line, Strictness, read_members};
use rapport::rebuild::rebuild;
use rapport::search::{SearchRequest, Searcher};
use rapport::store::Store;

type Failure = Box<dyn std::error::Error>;

const CALLERS: usize = 32;

/// Writes down what is embedded, search by search.
struct Recorded {
    inner: Arc<dyn Embedder>,
    texts: Mutex<Vec<Vec<String>>>,
}

impl Embedder for Recorded {
    fn model(&self) -> &Model {
        self.inner.model()
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<UnitVector>, EmbedError> {
        if let Ok(mut written) = self.texts.lock() {
            written.push(texts.iter().map(|&text| text.to_owned()).collect());
        }
        self.inner.embed(texts)
    }
}

/// The program, serving.
struct Served {
    process: Child,
    url: String,
}

impl Served {
    fn start(config: &Config, flags: &[&str]) -> Result<Served, Failure> {
        let mut process = Command::new(env!("CARGO_BIN_EXE_rapport"))
            .args([Path::new("--index"), &config.index, Path::new("--models"), &config.models])
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(flags)
            .stderr(Stdio::piped())
            .spawn()?;
        let mut said = BufReader::new(process.stderr.take().ok_or("no standard error")?);
        let mut line = String::new();
        while !line.starts_with("Serving") {
            line.clear();
            if said.read_line(&mut line)? == 0 {
                return Err("the service ended".into());
            }
        }
        std::thread::spawn(move || said.lines().count());
        let url = line.split_whitespace().find(|word| word.starts_with("http")).ok_or("no address")?.to_owned();
        Ok(Served { process, url })
    }

    /// A new state, in which nothing was answered yet.
    fn change(&self, turn: usize) -> Result<(), Failure> {
        let member = serde_json::json!({"roles": ["mentee"], "headline": format!("Changed for the {turn}th time")});
        let put = ureq::put(format!("{}/v1/members/bench-change", self.url)).content_type("application/json");
        put.send(member.to_string())?;
        Ok(())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What `wrk` measured.
#[derive(Debug, Clone, Copy)]
struct Load {
    a_second: f64,
    median_ms: f64,
    p99_ms: f64,
}

/// Has `wrk` send the requests of a script.
fn load(url: &str, script: &Path, seconds: u64) -> Result<Load, Failure> {
    let wrk = Command::new("wrk")
        .args([
            "--threads",
            "1",
            "--connections",
            &CALLERS.to_string(),
            "--duration",
            &format!("{seconds}s"),
            "--script",
        ])
        .arg(script)
        .arg(url)
        .output()
        .map_err(|error| format!("wrk: {error}; it is in the Debian package of that name"))?;
    let said = String::from_utf8_lossy(&wrk.stdout).into_owned();
    let line =
        said.lines().find_map(|line| line.strip_prefix("measured ")).ok_or_else(|| format!("wrk said: {said}"))?;
    let figures: Vec<f64> = line.split(' ').map(str::parse).collect::<Result<_, _>>()?;
    let [a_second, median_ms, p99_ms, bad] = figures[..] else { return Err("not what was asked for".into()) };
    if bad > 0.0 {
        return Err(format!("{bad} requests were not answered").into());
    }
    Ok(Load { a_second, median_ms, p99_ms })
}

/// A script of requests that are sent one after the other, beginning anew at the end.
fn script(folder: &Path, name: &str, requests: &[String], wrapped: &str) -> Result<PathBuf, Failure> {
    let (lines, file) = (folder.join(format!("{name}.txt")), folder.join(format!("{name}.lua")));
    std::fs::write(&lines, requests.join("\n"))?;
    let lua = format!(
        r#"
local lines = {{}}
for line in io.lines("{lines}") do lines[#lines + 1] = line end
local at = 0
request = function()
  at = at % #lines + 1
  {wrapped}
end
done = function(summary, latency)
  local bad = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  print(string.format("measured %f %f %f %d", summary.requests / summary.duration * 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, bad))
end
"#,
        lines = lines.display(),
    );
    std::fs::write(&file, lua)?;
    Ok(file)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn report(name: &str, loads: &[Load]) {
    let of = |figure: fn(&Load) -> f64| median(loads.iter().map(figure).collect());
    let (a_second, half, most) = (of(|load| load.a_second), of(|load| load.median_ms), of(|load| load.p99_ms));
    println!("{name:<44} {a_second:>8.0} searches/s   median {half:>6.2} ms   p99 {most:>6.2} ms");
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().collect();
    let option = |name: &str| arguments.iter().skip_while(|argument| *argument != name).nth(1);
    let number = |name: &str, usual: usize| option(name).map_or(Ok(usual), |number| number.parse());
    let (rounds, seconds) = (number("--rounds", 3)?, number("--seconds", 8)? as u64);
    let members_file = PathBuf::from(option("--members").ok_or("--members FILE.jsonl says whom to index")?);
    let scratch = tempfile::tempdir()?;
    let index = option("--index").map_or(scratch.path().join("index"), PathBuf::from);
    let config = Config { index, ..Config::default() };
    let models = Models::open(&config.models)?;
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let model = models.ensure(models.default_name(), threads, &mut |_| {})?;
    let recorded = Arc::new(Recorded { inner: Arc::clone(&model), texts: Mutex::default() });

    let mut members: Vec<Member> = Vec::new();
    read_members::<ImportError>(&members_file, Strictness::default(), &mut |line| {
        if let Line::Member { member, .. } = line {
            members.push(*member);
        }
        Ok(())
    })?;
    // In an order that has nothing to do with theirs.
    members.sort_by_cached_key(|member| *blake3::hash(member.id.as_str().as_bytes()).as_bytes());
    let runtime = tokio::runtime::Runtime::new()?;
    let texts: Vec<String> = members
        .iter()
        .filter_map(|member| member.headline.as_ref())
        .map(|said| format!("I look for: {said}"))
        .collect();
    let needed = runtime.block_on(async {
        if rapport::index::publish::open_current(&config.index).is_err() {
            Store::create(&config.database()).await?.upsert(&members).await?;
            rebuild(&config, Arc::clone(&model), false, |_| {}).await?;
        }
        // What the searches by text embed.
        let searcher = Searcher::open_with(&config, Arc::clone(&recorded) as Arc<dyn Embedder>).await?;
        for text in texts.iter().take(1_000) {
            searcher.search(SearchRequest { text: Some(text.clone()), ..SearchRequest::default() }).await?;
        }
        Ok::<_, Failure>(recorded.texts.lock().map_err(|_| "broken")?.clone())
    })?;

    let ids: Vec<String> = members.iter().map(|member| member.id.to_string()).collect();
    let get = r#"return wrk.format("GET", "/v1/members/" .. lines[at] .. "/mentors?k=10")"#;
    let post = r#"return wrk.format("POST", "/v1/search", { ["Content-Type"] = "application/json" }, lines[at])"#;
    let bodies = |texts: &[String]| -> Vec<String> {
        texts.iter().map(|text| serde_json::json!({"text": text, "k": 10}).to_string()).collect()
    };
    let mut figures: [Vec<Load>; 4] = Default::default();
    let mut alone: [Vec<f64>; 3] = Default::default();
    let again = script(scratch.path(), "again", &ids[..1_000.min(ids.len())], get)?;
    let hundred = script(scratch.path(), "hundred", &bodies(&texts[texts.len().saturating_sub(100)..]), post)?;
    for round in 0..rounds {
        let served = Served::start(&config, &[])?;
        // Records are read once.
        load(&served.url, &script(scratch.path(), "members", &ids, get)?, seconds)?;
        served.change(round)?;
        figures[0].push(load(&served.url, &script(scratch.path(), "members", &ids, get)?, seconds)?);
        load(&served.url, &again, 2)?;
        figures[1].push(load(&served.url, &again, seconds)?);
        // Others in each round.
        let new = &texts[round * texts.len() / rounds..(round + 1) * texts.len() / rounds];
        figures[2].push(load(&served.url, &script(scratch.path(), "texts", &bodies(new), post)?, seconds)?);
        drop(served);
        let all: Vec<&str> = needed.iter().flatten().map(String::as_str).collect();
        let begun = Instant::now();
        model.embed(&all)?;
        alone[0].push(needed.len() as f64 / begun.elapsed().as_secs_f64());
        let begun = Instant::now();
        std::thread::scope(|scope| {
            for half in needed.chunks(needed.len().div_ceil(threads.get())) {
                let model = &model;
                scope.spawn(move || {
                    for texts in half {
                        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                        let _ = model.embed(&texts);
                    }
                });
            }
        });
        alone[1].push(needed.len() as f64 / begun.elapsed().as_secs_f64());
        let (shared, next) = (Shared::new(Arc::clone(&model), 0), AtomicUsize::new(0));
        let begun = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..CALLERS {
                scope.spawn(|| {
                    while let Some(texts) = needed.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                        let _ = shared.embed(&texts);
                    }
                });
            }
        });
        alone[2].push(needed.len() as f64 / begun.elapsed().as_secs_f64());
        let served = Served::start(&config, &["--set", "server.remembered_answers=0"])?;
        load(&served.url, &hundred, 2)?;
        figures[3].push(load(&served.url, &hundred, seconds)?);
    }
    let per_search = needed.iter().map(Vec::len).sum::<usize>() as f64 / needed.len().max(1) as f64;
    println!("{} members, {CALLERS} connections, medians of {rounds} rounds", members.len());
    report("by member, each once at a state", &figures[0]);
    report("by member, a thousand again and again", &figures[1]);
    report("by text, each a new one", &figures[2]);
    report("by text, a hundred again and again", &figures[3]);
    let [bulk, single, together] = alone.map(median);
    let served = median(figures[2].iter().map(|load| load.a_second).collect());
    println!("the model alone on these texts, {per_search:.1} a search; by text against it:");
    for (how, alone) in [
        ("all at once", bulk),
        ("asked by as many callers as there are connections", together),
        ("search by search", single),
    ] {
        println!("{how:<52} {alone:>5.0} searches' texts/s   {:.2}", served / alone);
    }
    std::io::stdout().flush()?;
    Ok(())
}
