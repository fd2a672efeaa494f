//! Bulk embedding against fastembed's plain `embed(all, None)`, in one run, on the same texts.
//!
//! ```text
//! cargo bench --bench embed -- --members FILE.jsonl [--texts 4000] [--rounds 3]
//! ```
//!
//! The texts are "headline. industry" of the file's first members, in their order; without a file they are generated.
//! Not criterion: one round takes a minute, and the two must alternate to share the machine's moods.

#![allow(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::hint::black_box;
use std::io::BufRead;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use fastembed::{InitOptionsUserDefined, Pooling, TextEmbedding, TokenizerFiles, UserDefinedEmbeddingModel};
use rapport::embed::{Embedder, Models};
use tokenizers::utils::parallelism::set_parallelism;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().collect();
    let option = |name: &str| arguments.windows(2).find(|pair| pair[0] == name).map(|pair| pair[1].clone());
    let number = |name: &str, default: usize| option(name).map_or(Ok(default), |value| value.parse());
    let (count, rounds) = (number("--texts", 4000)?, number("--rounds", 3)?);
    let texts = match option("--members") {
        Some(path) => texts_of(&path, count)?,
        None => generated(count),
    };
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();

    let models = Models::open(concat!(env!("CARGO_MANIFEST_DIR"), "/models"))?;
    let threads = std::thread::available_parallelism()?;
    models.ensure(models.default_name(), NonZeroUsize::MIN, &mut |_| {})?;
    let begun = Instant::now();
    let ours = models.load(models.default_name(), threads)?;
    println!("load, files checked: {:.0} ms", ms(begun.elapsed()));
    let singles: Vec<Duration> = texts
        .iter()
        .take(300)
        .map(|text| timed(|| ours.embed(&[text]).map(|_| ())).map(|t| t.0))
        .collect::<Result<_, _>>()?;
    println!("one text (median of {}): {:.2} ms", singles.len(), ms(median(singles)));
    memory(ours.as_ref(), &texts)?;

    let mut plain = plain(&models)?;
    let (mut their_rates, mut our_rates) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        // rapport turns this off when it loads; fastembed is measured with what it has by itself.
        set_parallelism(true);
        let (theirs, _) = timed(|| plain.embed(&texts, None).map(black_box))?;
        set_parallelism(false);
        let (mine, _) = timed(|| ours.embed(&texts).map(black_box))?;
        let rate = |time: Duration| texts.len() as f64 / time.as_secs_f64();
        their_rates.push(rate(theirs));
        our_rates.push(rate(mine));
        println!("round {round}: fastembed {:.1} texts/s, rapport {:.1} texts/s", rate(theirs), rate(mine));
    }
    let (theirs, mine) = (middle(their_rates), middle(our_rates));
    println!(
        "{} texts, {threads} threads, medians: fastembed {theirs:.1} texts/s, rapport {mine:.1} texts/s, {:.2} times",
        texts.len(),
        mine / theirs
    );
    Ok(())
}

/// fastembed as its README uses it: default threads, default batches, arrival order.
fn plain(models: &Models) -> Result<TextEmbedding, Failure> {
    let folder = models.dir().join(models.default_name());
    let files = TokenizerFiles {
        tokenizer_file: std::fs::read(folder.join("tokenizer.json"))?,
        config_file: b"{}".to_vec(),
        special_tokens_map_file: b"{}".to_vec(),
        tokenizer_config_file: br#"{"model_max_length": 256, "pad_token": "[PAD]"}"#.to_vec(),
    };
    let graph = std::fs::read(folder.join("model.onnx"))?;
    let model = UserDefinedEmbeddingModel::new(graph, files).with_pooling(Pooling::Mean);
    Ok(TextEmbedding::try_new_from_user_defined(model, InitOptionsUserDefined::new())?)
}

/// Peak memory after the texts once, and after four times as many distinct ones at once.
fn memory(ours: &dyn Embedder, texts: &[&str]) -> Result<(), Failure> {
    ours.embed(texts)?;
    let Some(once) = peak() else { return Ok(()) };
    let fourfold: Vec<String> =
        (0..4).flat_map(|turn| texts.iter().map(move |text| format!("{text} {turn}"))).collect();
    let vectors = ours.embed(&fourfold.iter().map(String::as_str).collect::<Vec<_>>())?;
    let answer = vectors.iter().map(|vector| vector.len() * 4).sum::<usize>() as f64 / 1e6;
    let four = peak().unwrap_or(once);
    println!(
        "peak memory: {once:.0} MB for the texts, {four:.0} MB for four times as many (their vectors: {answer:.0} MB)"
    );
    Ok(())
}

/// The process's peak resident memory in MB, where the system says so.
fn peak() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kilobytes| kilobytes / 1e3)
}

fn texts_of(path: &str, count: usize) -> Result<Vec<String>, Failure> {
    let mut texts = Vec::new();
    for line in std::io::BufReader::new(std::fs::File::open(path)?).lines() {
        let member: serde_json::Value = serde_json::from_str(&line?)?;
        let fields = ["headline", "industry"].iter().filter_map(|field| member[field].as_str());
        let text = fields.collect::<Vec<_>>().join(". ");
        if !text.is_empty() {
            texts.push(text);
        }
        if texts.len() == count {
            break;
        }
    }
    Ok(texts)
}

/// Headlines of a made-up community: mostly short, one in two hundred long.
fn generated(count: usize) -> Vec<String> {
    let roles = ["nurse", "software engineer", "teacher", "civil engineer", "accountant", "chef", "graphic designer"];
    let places = ["a city hospital", "a start-up", "a public school", "the county office", "my own small company"];
    let sentence = |at: usize| format!("{} at {}, {} years", roles[at % 7], places[at / 7 % 5], at * 13 % 41);
    let words = |at: usize| if at.is_multiple_of(200) { 5 } else { 1 + at * 7 % 3 };
    (0..count).map(|at| (0..words(at)).map(|turn| sentence(at + turn)).collect::<Vec<_>>().join("; ")).collect()
}

fn timed<T, E>(work: impl FnOnce() -> Result<T, E>) -> Result<(Duration, T), E> {
    let begun = Instant::now();
    let done = work()?;
    Ok((begun.elapsed(), done))
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn middle(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied().unwrap_or_default()
}
