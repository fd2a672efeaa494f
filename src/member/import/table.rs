//! Members from CSV: a header row of the member format's names, lists split by `|`, places and schools by dotted names
//! (`location.city`, `education.school`).

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

use serde_json::{Map, Value};

use super::{BadLine, ImportError, Line, MAX_LINE, MAX_RAW, Strictness, parse};
use crate::member::{Invalid, Member};

/// Between the entries of a list in one cell.
const SPLIT: char = '|';

/// Far more than the member format has, for files with columns of their own.
const MOST_COLUMNS: usize = 1_000;

/// Columns of prose, in which a line may break.
const PROSE: [&str; 7] = ["headline", "about", "seeks", "offers", "aims_for", "facing", "overcame"];

/// What a column holds.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Text,
    Number,
    Flag,
    List,
}

/// A column of the header: where its cells go.
enum Column {
    Field(String, Kind),
    Place(String, String, Kind),
    /// The n-th entry belongs to the n-th school.
    School(String, Kind),
    Unknown(String),
}

impl Column {
    fn named(name: &str) -> Column {
        let kind = match name {
            "years_experience" | "capacity" => Kind::Number,
            "paused" | "adult" => Kind::Flag,
            "roles" | "employers" | "interests" | "facing" | "overcame" | "languages" | "friends" | "colleagues"
            | "groups" | "blocks" | "private" => Kind::List,
            "education" | "location" | "hometown" => return Column::Unknown(name.to_owned()),
            _ => Kind::Text,
        };
        match name.split_once('.') {
            Some((place @ ("location" | "hometown"), part @ ("city" | "region" | "country"))) => {
                Column::Place(place.to_owned(), part.to_owned(), Kind::Text)
            }
            Some((place @ ("location" | "hometown"), part @ ("lat" | "lon"))) => {
                Column::Place(place.to_owned(), part.to_owned(), Kind::Number)
            }
            Some(("education", part @ ("school" | "degree" | "field"))) => Column::School(part.to_owned(), Kind::Text),
            Some(("education", "year")) => Column::School("year".to_owned(), Kind::Number),
            None if Member::FIELDS.contains(&name) => Column::Field(name.to_owned(), kind),
            _ => Column::Unknown(name.to_owned()),
        }
    }
}

pub(super) fn read<E: From<ImportError>>(
    file: &str,
    reader: Box<dyn BufRead>,
    strictness: Strictness,
    visit: &mut dyn FnMut(Line) -> Result<(), E>,
) -> Result<(), E> {
    let budget = Rc::new(Cell::new(MAX_LINE));
    let bounded = Bounded { inner: reader, left: Rc::clone(&budget) };
    let mut table = csv::ReaderBuilder::new().flexible(true).has_headers(false).from_reader(bounded);
    let mut row = csv::ByteRecord::new();
    let broken = |line: u64, error: csv::Error| ImportError::Read {
        file: file.to_owned(),
        line,
        source: io::Error::other(error.to_string()),
    };
    if !table.read_byte_record(&mut row).map_err(|error| broken(0, error))? {
        return Ok(());
    }
    let columns = header(file, &row, strictness)?;
    loop {
        budget.set(MAX_LINE);
        let last = table.position().line();
        if !table.read_byte_record(&mut row).map_err(|error| broken(last, error))? {
            return Ok(());
        }
        let line = row.position().map_or(last, csv::Position::line);
        if row.iter().all(|cell| cell.trim_ascii().is_empty()) {
            continue;
        }
        visit(match member(&columns, &row, strictness) {
            Ok((member, unknown)) => Line::Member { member: Box::new(member), line, unknown },
            Err(invalid) => Line::Bad(BadLine {
                file: file.to_owned(),
                line,
                field: Some(invalid.field).filter(|field| !field.is_empty() && field != "."),
                problem: invalid.problem,
                raw: raw(&row),
            }),
        })?;
    }
}

fn header(file: &str, row: &csv::ByteRecord, strictness: Strictness) -> Result<Vec<Column>, ImportError> {
    let wrong = |problem: String| ImportError::Header { file: file.to_owned(), problem };
    if row.len() > MOST_COLUMNS {
        return Err(wrong(format!("the header row names {} columns; at most {MOST_COLUMNS} are possible", row.len())));
    }
    let mut seen = std::collections::HashSet::new();
    let mut names: Vec<String> = Vec::with_capacity(row.len());
    for cell in row {
        let name = std::str::from_utf8(cell).map_err(|_| wrong("the header row is not UTF-8 text".into()))?.trim();
        if !name.is_empty() && !seen.insert(name) {
            return Err(wrong(format!("the header row names column {name:?} twice; expected each once")));
        }
        names.push(name.to_owned());
    }
    if !names.iter().any(|name| name == "id") {
        let problem =
            "the header row has no column \"id\"; expected the member format's names, id and roles among them";
        return Err(wrong(problem.into()));
    }
    let columns: Vec<Column> = names.iter().map(|name| Column::named(name)).collect();
    let unknown = columns.iter().find_map(|column| match column {
        Column::Unknown(name) => Some(name),
        _ => None,
    });
    match unknown {
        Some(name) if !strictness.lenient => {
            let hint = match name.as_str() {
                "location" | "hometown" => {
                    format!("expected {name}.city, {name}.region, {name}.country, {name}.lat, {name}.lon")
                }
                "education" => {
                    "expected education.school, education.degree, education.field, education.year".to_owned()
                }
                _ => format!("expected only known ones ({}), or use --lenient", Member::FIELDS.join(", ")),
            };
            Err(wrong(format!("the header row names {name:?}, which is not a column of members; {hint}")))
        }
        _ => Ok(columns),
    }
}

fn member(columns: &[Column], row: &csv::ByteRecord, strictness: Strictness) -> Result<(Member, Vec<String>), Invalid> {
    if row.len() != columns.len() {
        return Err(Invalid::new(
            "",
            format!("has {} cells; expected {}, as the header row", row.len(), columns.len()),
        ));
    }
    let mut object = Map::new();
    let mut schools: Vec<Map<String, Value>> = Vec::new();
    for (column, cell) in columns.iter().zip(row) {
        let cell = std::str::from_utf8(cell).map_err(|_| Invalid::new("", "is not UTF-8 text"))?.trim();
        if cell.is_empty() {
            continue;
        }
        let entries = 1 + cell.bytes().filter(|byte| *byte == SPLIT as u8).count();
        match column {
            // Before anything is made of them: a cell of nothing but bars takes a hundred times its size.
            Column::Field(name, Kind::List) if entries > Member::MAX_LIST => {
                return Err(Invalid::new(name.clone(), too_many(entries)));
            }
            Column::School(part, _) if entries > Member::MAX_LIST => {
                return Err(Invalid::new(format!("education.{part}"), too_many(entries)));
            }
            Column::Field(name, _) if cell.contains('\n') && !PROSE.contains(&name.as_str()) => {
                return Err(Invalid::new(name.clone(), "has a line break; is a quote left open?"));
            }
            Column::Field(name, kind) => {
                object.insert(name.clone(), value(cell, *kind));
            }
            Column::Place(place, part, kind) => {
                if let Value::Object(place) = object.entry(place).or_insert_with(|| Value::Object(Map::new())) {
                    place.insert(part.clone(), value(cell, *kind));
                }
            }
            Column::School(part, kind) => {
                for (at, entry) in cell.split(SPLIT).enumerate() {
                    if schools.len() <= at {
                        schools.push(Map::new());
                    }
                    if !entry.trim().is_empty() {
                        schools[at].insert(part.clone(), value(entry.trim(), *kind));
                    }
                }
            }
            Column::Unknown(name) => {
                object.insert(name.clone(), Value::Null);
            }
        }
    }
    if !schools.is_empty() {
        object.insert("education".into(), schools.into_iter().map(Value::Object).collect());
    }
    let (member, unknown) = parse(Value::Object(object), strictness)?;
    Ok((member.validate()?, unknown))
}

/// A cell that does not read as its kind stays text, so that the one parser of members says what was expected.
fn value(cell: &str, kind: Kind) -> Value {
    match kind {
        Kind::Text => cell.into(),
        Kind::List => cell.split(SPLIT).map(str::trim).filter(|entry| !entry.is_empty()).map(Value::from).collect(),
        Kind::Flag => match cell.to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => true.into(),
            "false" | "no" | "0" => false.into(),
            _ => cell.into(),
        },
        Kind::Number => serde_json::from_str(cell).ok().filter(Value::is_number).unwrap_or_else(|| cell.into()),
    }
}

fn too_many(entries: usize) -> String {
    format!("has {entries} entries; at most {} are allowed", Member::MAX_LIST)
}

fn raw(row: &csv::ByteRecord) -> Option<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_byte_record(row).ok()?;
    let text = String::from_utf8(writer.into_inner().ok()?).ok()?;
    Some(text.trim_end().to_owned()).filter(|text| text.len() <= MAX_RAW)
}

/// Stops a row that never ends (a quote left open) before it fills the memory, and makes every end of a line count.
struct Bounded {
    inner: Box<dyn BufRead>,
    left: Rc<Cell<usize>>,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left.get() == 0 {
            let problem = format!("a row is longer than {} MiB; is a quote left open?", MAX_LINE >> 20);
            return Err(io::Error::other(problem));
        }
        let read = self.inner.read(buffer)?;
        self.left.set(self.left.get().saturating_sub(read));
        let read_now = &mut buffer[..read];
        // The parser counts line feeds: a carriage return that stands alone ends a line as well.
        for at in 0..read {
            if read_now[at] == b'\r' {
                let next = match read_now.get(at + 1) {
                    Some(next) => Some(*next),
                    None => self.inner.fill_buf()?.first().copied(),
                };
                if next != Some(b'\n') {
                    read_now[at] = b'\n';
                }
            }
        }
        Ok(read)
    }
}
