//! Makes the vectors that the other benches of the index read, from members' profiles.
//!
//! ```text
//! cargo bench --bench vectors -- OUT.npy MEMBERS.jsonl [MEMBERS.jsonl …] [--grow COUNT]
//! cargo bench --bench vectors -- OUT.npy MEMBERS.jsonl [MEMBERS.jsonl …] --each
//! ```
//!
//! A row is the default model's vector of a profile: headline, about, profession, industry, offers and interests as one
//! text. Equal vectors are one row. The rows are in a shuffled order, the same every time, so that the last 1,000, which
//! are the queries, are of all files alike. `--grow` makes COUNT vectors of those before the queries: each beyond the first
//! ones a real one with noise. With `--each` there is a row for each member who has a profile, in the order of the files.

mod common;

use std::collections::HashSet;
use std::io::BufRead;
use std::num::NonZeroUsize;
use std::path::Path;

use common::{Failure, grown, write_floats};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rapport::embed::Models;

const QUERIES: usize = 1000;
const FIELDS: [&str; 5] = ["headline", "about", "profession", "industry", "offers"];

fn main() -> Result<(), Failure> {
    let mut arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let grow = arguments.iter().position(|argument| argument == "--grow");
    let grow: Option<usize> =
        grow.and_then(|at| arguments.drain(at..).nth(1)).map(|count| count.parse()).transpose()?;
    let each = arguments.iter().position(|argument| argument == "--each");
    let each = each.map(|at| arguments.remove(at)).is_some();
    if each && grow.is_some() {
        return Err("--each and --grow do not go together".into());
    }
    let [out, members @ ..] = &arguments[..] else { return Err("give files: OUT.npy MEMBERS.jsonl …".into()) };
    let mut texts = Vec::new();
    let mut known = HashSet::new();
    for path in members {
        for line in std::io::BufReader::new(std::fs::File::open(path)?).lines() {
            let text = profile(&serde_json::from_str(&line?)?);
            if !text.is_empty() && (each || known.insert(text.clone())) {
                texts.push(text);
            }
        }
    }
    let models = Models::open(concat!(env!("CARGO_MANIFEST_DIR"), "/models"))?;
    let model = models.ensure(models.default_name(), NonZeroUsize::new(2).ok_or("zero")?, &mut |_| {})?;
    let dimension = model.model().dimension;
    let mut rows: Vec<Vec<f32>> = Vec::with_capacity(texts.len());
    for some in texts.chunks(8192) {
        let some: Vec<&str> = some.iter().map(String::as_str).collect();
        rows.extend(model.embed(&some)?.iter().map(|vector| vector.to_vec()));
        eprintln!("{} of {} texts embedded", rows.len(), texts.len());
    }
    if !each {
        let mut seen = HashSet::new();
        rows.retain(|row| seen.insert(bytemuck::cast_slice::<f32, u8>(row).to_vec()));
        rows.shuffle(&mut rand_chacha::ChaCha8Rng::seed_from_u64(7));
    }
    let mut values = rows.concat();
    if let Some(count) = grow {
        let queries = values.split_off(values.len().saturating_sub(QUERIES * dimension));
        values = [grown(&values, dimension, count), queries].concat();
    }
    write_floats(Path::new(out), dimension, &values)?;
    eprintln!("{} rows in {out}", values.len() / dimension);
    Ok(())
}

fn profile(member: &serde_json::Value) -> String {
    let texts = FIELDS.iter().filter_map(|field| member[field].as_str());
    let interests = member["interests"].as_array().into_iter().flatten().filter_map(|interest| interest.as_str());
    texts
        .map(str::to_owned)
        .chain(Some(interests.collect::<Vec<_>>().join(", ")))
        .filter(|text| !text.is_empty())
        .collect::<Vec<_>>()
        .join(". ")
}
