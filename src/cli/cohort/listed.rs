//! Ids from a file: one a line, or those of members as JSONL or CSV.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use rapport::member::MemberId;
use serde::Deserialize;

use crate::cli::Usage;

/// The largest file that is read.
const LARGEST: u64 = 256 << 20;

/// The ids in a file, in its order.
pub fn ids(path: &Path) -> anyhow::Result<Vec<MemberId>> {
    let file = path.display();
    let mut text = String::new();
    let read = File::open(path).and_then(|opened| opened.take(LARGEST + 1).read_to_string(&mut text));
    read.map_err(|error| Usage(format!("cannot read {file}: {error}; expected ids, or members as JSONL or CSV")))?;
    if text.len() as u64 > LARGEST {
        return Err(Usage(format!("{file} is larger than {} MiB; expected a list of ids", LARGEST >> 20)).into());
    }
    let text = text.trim_start_matches('\u{feff}');
    let is_csv = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    let listed = if is_csv { of_csv(text) } else { of_lines(text) };
    let mut lines: HashMap<MemberId, u64> = HashMap::new();
    let mut ids = Vec::new();
    for (line, id) in listed {
        let wrong = |problem: String| Usage(format!("{file}:{line}: {problem}"));
        let id = id.and_then(|id| MemberId::new(id).map_err(|error| error.to_string())).map_err(wrong)?;
        if let Some(first) = lines.insert(id.clone(), line) {
            return Err(wrong(format!("{id} is listed twice; it stood on line {first} already")).into());
        }
        ids.push(id);
    }
    Ok(ids)
}

/// What stands on each line that holds something: an id, or why there is none.
type Listed = Vec<(u64, Result<String, String>)>;

fn of_lines(text: &str) -> Listed {
    #[derive(Deserialize)]
    struct Identified {
        id: String,
    }
    let lines = text.lines().map(str::trim).zip(1..).filter(|(line, _)| !line.is_empty());
    let id = |line: &str| {
        if !line.starts_with('{') {
            return Ok(line.to_owned());
        }
        let member = serde_json::from_str(line).map(|Identified { id }| id);
        member.map_err(|error| format!("is no member with an id: {error}"))
    };
    lines.map(|(line, number)| (number, id(line))).collect()
}

fn of_csv(text: &str) -> Listed {
    let mut table = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let column = table.headers().ok().and_then(|names| names.iter().position(|name| name.trim() == "id"));
    let Some(column) = column else {
        return vec![(1, Err("has no column id; expected a header row with one".into()))];
    };
    let id = |row: Result<csv::StringRecord, csv::Error>| match row {
        Ok(row) => {
            let line = row.position().map_or(0, csv::Position::line);
            (line, row.get(column).map(|id| id.trim().to_owned()).ok_or_else(|| "has no id".to_owned()))
        }
        Err(error) => (error.position().map_or(0, csv::Position::line), Err(error.to_string())),
    };
    table.records().map(id).collect()
}
