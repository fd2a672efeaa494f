//! Members from rows whose columns are named as the member format's fields: places and schools by dotted names
//! (`location.city`, `education.school`), lists in one cell split by `|`. Rows of a CSV file hold text only; those of a query
//! may hold numbers, lists and JSON too.

use serde_json::{Map, Value};

use super::{Strictness, parse};
use crate::member::{Invalid, Member, MemberId};

/// Between the entries of a list in one cell.
const SPLIT: char = '|';

/// Columns of prose, in which a line may break.
const PROSE: [&str; 7] = ["headline", "about", "seeks", "offers", "aims_for", "facing", "overcame"];

/// Where rows come from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A CSV file.
    Table,
    /// A query of a database, whose cells have types.
    Query,
}

/// What a column holds.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Text,
    Number,
    Flag,
    List,
    /// A place or schools as JSON.
    Structure,
}

/// A column: where its cells go.
enum Column {
    Field(String, Kind),
    Place(String, String, Kind),
    /// The n-th entry belongs to the n-th school.
    School(String, Kind),
    /// The whole record.
    Record,
    Unknown(String),
}

impl Column {
    fn named(name: &str, origin: Origin) -> Column {
        let kind = match name {
            "years_experience" | "capacity" => Kind::Number,
            "paused" | "adult" => Kind::Flag,
            "roles" | "employers" | "interests" | "facing" | "overcame" | "languages" | "friends" | "colleagues"
            | "groups" | "blocks" | "private" => Kind::List,
            "education" | "location" | "hometown" if origin == Origin::Query => Kind::Structure,
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

/// The columns of a table or a query, one of which names the member.
pub(crate) struct Columns {
    columns: Vec<Column>,
    id: usize,
    origin: Origin,
}

impl Columns {
    /// The columns of these names; what is wrong with them, where they are not those of members.
    pub(crate) fn named(names: &[&str], origin: Origin, strictness: Strictness) -> Result<Columns, String> {
        let (whose, record) = match origin {
            Origin::Table => ("the header row", ""),
            Origin::Query => ("the query", ", or one column \"member\" with the whole record as JSON"),
        };
        if origin == Origin::Query && names == ["member"] {
            return Ok(Columns { columns: vec![Column::Record], id: 0, origin });
        }
        let mut seen = std::collections::HashSet::new();
        if let Some(twice) = names.iter().find(|name| !name.is_empty() && !seen.insert(**name)) {
            return Err(format!("{whose} names column {twice:?} twice; expected each once"));
        }
        let Some(id) = names.iter().position(|name| *name == "id") else {
            return Err(format!(
                "{whose} has no column \"id\"; expected the member format's names, id and roles among them{record}"
            ));
        };
        let columns: Vec<Column> = names.iter().map(|name| Column::named(name, origin)).collect();
        let unknown = columns.iter().find_map(|column| match column {
            Column::Unknown(name) => Some(name),
            _ => None,
        });
        if let Some(name) = unknown
            && !strictness.lenient
        {
            let hint = match name.as_str() {
                "location" | "hometown" => {
                    format!("expected {name}.city, {name}.region, {name}.country, {name}.lat, {name}.lon")
                }
                "education" => {
                    "expected education.school, education.degree, education.field, education.year".to_owned()
                }
                _ => format!("expected only known ones ({}), or use --lenient", Member::FIELDS.join(", ")),
            };
            return Err(format!("{whose} names {name:?}, which is not a column of members; {hint}"));
        }
        Ok(Columns { columns, id, origin })
    }

    pub(crate) fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whom a row is about, if that can be told though the row is bad.
    pub(crate) fn id(&self, cells: &[Value]) -> Option<MemberId> {
        let id = match (self.columns.first(), as_text(cells.get(self.id)?.clone())) {
            (Some(Column::Record), record) => as_json(record).get("id")?.clone(),
            (_, id) => id,
        };
        MemberId::new(id.as_str()?.trim()).ok()
    }

    /// The member of a row, and the names of unknown fields that were let pass.
    pub(crate) fn member(&self, cells: Vec<Value>, strictness: Strictness) -> Result<(Member, Vec<String>), Invalid> {
        let mut object = Map::new();
        let mut schools: Vec<Map<String, Value>> = Vec::new();
        for (column, cell) in self.columns.iter().zip(cells) {
            let cell = match cell {
                Value::String(text) => match text.trim() {
                    "" => continue,
                    text => Value::from(text),
                },
                Value::Null => continue,
                cell => cell,
            };
            match column {
                Column::Field(name, kind) => {
                    check(name, &cell, *kind)?;
                    object.insert(name.clone(), self.value(cell, *kind));
                }
                Column::Place(place, part, kind) => {
                    if let Value::Object(place) = object.entry(place).or_insert_with(|| Value::Object(Map::new())) {
                        place.insert(part.clone(), self.value(cell, *kind));
                    }
                }
                Column::School(part, kind) => {
                    for (at, entry) in entries(&format!("education.{part}"), cell)?.into_iter().enumerate() {
                        if schools.len() <= at {
                            schools.push(Map::new());
                        }
                        if !entry.is_null() && entry != "" {
                            schools[at].insert(part.clone(), self.value(entry, *kind));
                        }
                    }
                }
                Column::Record => match as_json(cell) {
                    Value::Object(record) => object = record,
                    _ => return Err(Invalid::new("member", "is not a JSON object; expected the whole record")),
                },
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

    /// A cell that does not read as its kind stays as it is, so that the one parser of members says what was expected.
    fn value(&self, cell: Value, kind: Kind) -> Value {
        match (kind, cell) {
            (Kind::List, Value::String(text)) => {
                let json = (self.origin == Origin::Query && text.starts_with('['))
                    .then(|| serde_json::from_str(&text).ok().filter(Value::is_array))
                    .flatten();
                json.unwrap_or_else(|| text.split(SPLIT).map(str::trim).filter(|entry| !entry.is_empty()).collect())
            }
            // Ids are numbers in many a database.
            (Kind::List, Value::Array(entries)) => entries.into_iter().map(as_text).collect(),
            (Kind::Text, cell) => as_text(cell),
            (Kind::Flag, Value::String(text)) => match text.to_ascii_lowercase().as_str() {
                "true" | "yes" | "1" => true.into(),
                "false" | "no" | "0" => false.into(),
                _ => text.into(),
            },
            (Kind::Number, Value::String(text)) => {
                serde_json::from_str(&text).ok().filter(Value::is_number).unwrap_or(text.into())
            }
            (Kind::Structure, cell) => as_json(cell),
            (_, cell) => cell,
        }
    }
}

fn check(name: &str, cell: &Value, kind: Kind) -> Result<(), Invalid> {
    let Value::String(text) = cell else { return Ok(()) };
    if kind == Kind::List {
        // Before anything is made of them: a cell of nothing but bars takes a hundred times its size.
        check_length(name, split_count(text))?;
    }
    if text.contains('\n') && !PROSE.contains(&name) && kind != Kind::Structure {
        return Err(Invalid::new(name, "has a line break; is a quote left open?"));
    }
    Ok(())
}

/// The entries of a cell that lines up with the schools.
fn entries(name: &str, cell: Value) -> Result<Vec<Value>, Invalid> {
    Ok(match cell {
        Value::String(text) => {
            check_length(name, split_count(&text))?;
            text.split(SPLIT).map(|entry| Value::from(entry.trim())).collect()
        }
        Value::Array(entries) => {
            check_length(name, entries.len())?;
            entries
        }
        cell => vec![cell],
    })
}

fn split_count(text: &str) -> usize {
    1 + text.bytes().filter(|byte| *byte == SPLIT as u8).count()
}

fn check_length(name: &str, entries: usize) -> Result<(), Invalid> {
    if entries > Member::MAX_LIST {
        let problem = format!("has {entries} entries; at most {} are allowed", Member::MAX_LIST);
        return Err(Invalid::new(name, problem));
    }
    Ok(())
}

fn as_text(value: Value) -> Value {
    match value {
        Value::Number(number) => number.to_string().into(),
        value => value,
    }
}

/// JSON that stands in a column of text.
fn as_json(value: Value) -> Value {
    match value {
        Value::String(text) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        value => value,
    }
}
