//! Reading members from JSONL and CSV, plain or compressed, one good or bad line at a time.
//!
//! A bad line never stops the others: it comes out as a [`BadLine`] that names file, line, field and what was expected.

pub(crate) mod columns;
mod table;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use serde::Serialize;

use super::{Invalid, Member, MemberId};

/// A line that broke the member format, as it is written to the rejects file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{file}:{line}: {field}{problem}", field = self.field.as_ref().map(|field| format!("{field}: ")).unwrap_or_default())]
pub struct BadLine {
    /// The file's name as it was given; `-` for standard input.
    pub file: String,
    /// Counted from 1.
    pub line: u64,
    /// The field's path, where one field is to blame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What is wrong and what was expected.
    pub problem: String,
    /// The line as it stood, where it is text and not too long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
    /// Whom the line is about, where that can be told.
    #[serde(skip)]
    pub id: Option<MemberId>,
}

/// A file that cannot be read as members at all.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file could not be opened, or reading broke off; lines before that are good.
    #[error("cannot read {file}{}: {source}", after(*.line))]
    Read {
        /// The file.
        file: String,
        /// Lines read before it broke off.
        line: u64,
        /// The system's reason.
        source: io::Error,
    },
    /// The first row of a CSV file does not name columns of the member format.
    #[error("{file}: {problem}")]
    Header {
        /// The file.
        file: String,
        /// What is wrong and what was expected.
        problem: String,
    },
}

fn after(line: u64) -> String {
    if line == 0 { String::new() } else { format!(" after line {line}") }
}

/// How strictly lines are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Strictness {
    /// Unknown fields are named in a warning instead of making the line bad.
    pub lenient: bool,
}

/// One line's outcome.
#[derive(Debug)]
pub enum Line {
    /// A valid member, the line it stood on, and the names of unknown fields that were let pass.
    Member {
        /// The member.
        member: Box<Member>,
        /// Counted from 1.
        line: u64,
        /// Unknown fields, let pass.
        unknown: Vec<String>,
    },
    /// A line set aside.
    Bad(BadLine),
}

/// Text, at most this many bytes a line.
pub(crate) const MAX_LINE: usize = 8 << 20;

/// The most bytes of a bad line kept in the rejects file.
pub(crate) const MAX_RAW: usize = 64 << 10;

/// Reads every line of a file (`-` is standard input) and hands each to `visit`.
///
/// gzip and Zstandard are told by their first bytes; JSONL and CSV by the file's name, else by the first letter.
///
/// # Errors
/// [`ImportError`] where the file cannot be opened or breaks off; the lines before were visited. An error of `visit`
/// ends the reading and is passed on.
pub fn read_members<E: From<ImportError>>(
    path: &Path,
    strictness: Strictness,
    visit: &mut dyn FnMut(Line) -> Result<(), E>,
) -> Result<(), E> {
    let file = path.display().to_string();
    let broken = |source| ImportError::Read { file: file.clone(), line: 0, source };
    let input: Box<dyn Read> = if file == "-" {
        Box::new(io::stdin().lock())
    } else {
        let opened = File::open(path).map_err(broken)?;
        if opened.metadata().map_err(broken)?.is_dir() {
            return Err(
                broken(io::Error::other("it is a folder; expected a JSONL or CSV file, or a folder of such")).into()
            );
        }
        Box::new(opened)
    };
    read_from(&file, path, input, strictness, visit)
}

/// The same of a text that somebody sent; lines name no file.
///
/// # Errors
/// As [`read_members`].
pub fn read_text<E: From<ImportError>>(
    text: String,
    strictness: Strictness,
    visit: &mut dyn FnMut(Line) -> Result<(), E>,
) -> Result<(), E> {
    read_from("", Path::new(""), Box::new(io::Cursor::new(text)), strictness, visit)
}

fn read_from<E: From<ImportError>>(
    file: &str,
    path: &Path,
    input: Box<dyn Read>,
    strictness: Strictness,
    visit: &mut dyn FnMut(Line) -> Result<(), E>,
) -> Result<(), E> {
    let broken = |source| ImportError::Read { file: file.to_owned(), line: 0, source };
    let mut reader = peeked(decompressed(input).map_err(broken)?).map_err(broken)?;
    skip_byte_order_mark(&mut reader).map_err(broken)?;
    let csv = looks_like_csv(path, &mut reader).map_err(broken)?;
    let mut seen = Seen::default();
    let mut visit = |line: Line| visit(seen.refuse_twice(file, line));
    if csv {
        table::read(file, reader, strictness, &mut visit)
    } else {
        read_jsonl(file, reader, strictness, &mut visit)
    }
}

/// Which line each id of a file stood on: a second line of the same id is bad, so that neither silently wins.
#[derive(Default)]
pub(crate) struct Seen(HashMap<MemberId, u64>);

impl Seen {
    pub(crate) fn refuse_twice(&mut self, file: &str, line: Line) -> Line {
        let Line::Member { member, line, unknown } = line else { return line };
        match self.0.entry(member.id.clone()) {
            Entry::Vacant(free) => {
                free.insert(line);
                Line::Member { member, line, unknown }
            }
            Entry::Occupied(first) => Line::Bad(BadLine {
                file: file.to_owned(),
                line,
                field: Some("id".into()),
                problem: format!(
                    "{:?} stands on line {} already; expected each member once",
                    member.id.as_str(),
                    first.get()
                ),
                raw: serde_json::to_string(&member).ok().filter(|raw| raw.len() <= MAX_RAW),
                id: Some(member.id.clone()),
            }),
        }
    }
}

/// A reader whose first bytes can be looked at together, however small the pieces in which they arrive.
fn peeked(mut input: Box<dyn Read>) -> io::Result<Box<dyn BufRead>> {
    let mut start = Vec::new();
    input.by_ref().take(4).read_to_end(&mut start)?;
    Ok(Box::new(BufReader::with_capacity(1 << 16, io::Cursor::new(start).chain(input))))
}

fn decompressed(input: Box<dyn Read>) -> io::Result<Box<dyn Read>> {
    let mut start = Vec::new();
    let mut input = input;
    input.by_ref().take(4).read_to_end(&mut start)?;
    let format = start.clone();
    let whole = BufReader::with_capacity(1 << 16, io::Cursor::new(start).chain(input));
    Ok(match format[..] {
        [0x1f, 0x8b, ..] => Box::new(flate2::bufread::MultiGzDecoder::new(whole)),
        [0x28, 0xb5, 0x2f, 0xfd] => Box::new(zstd::stream::read::Decoder::with_buffer(whole)?),
        _ => Box::new(whole),
    })
}

fn skip_byte_order_mark(reader: &mut dyn BufRead) -> io::Result<()> {
    if reader.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
        reader.consume(3);
    }
    Ok(())
}

fn looks_like_csv(path: &Path, reader: &mut dyn BufRead) -> io::Result<bool> {
    let name = path.to_string_lossy().to_lowercase();
    let name = name.trim_end_matches(".gz").trim_end_matches(".zst");
    if name.ends_with(".csv") {
        return Ok(true);
    }
    if [".jsonl", ".ndjson", ".json"].iter().any(|ending| name.ends_with(ending)) {
        return Ok(false);
    }
    let first = reader.fill_buf()?.iter().find(|byte| !byte.is_ascii_whitespace());
    Ok(!matches!(first, None | Some(b'{' | b'[')))
}

fn read_jsonl<E: From<ImportError>>(
    file: &str,
    mut reader: Box<dyn BufRead>,
    strictness: Strictness,
    visit: &mut dyn FnMut(Line) -> Result<(), E>,
) -> Result<(), E> {
    let mut bytes = Vec::new();
    let mut line = 0;
    loop {
        let whole = read_line(&mut reader, &mut bytes).map_err(|source| ImportError::Read {
            file: file.to_owned(),
            line,
            source,
        })?;
        line += 1;
        let bad = |invalid: Invalid, raw: Option<&str>| {
            Line::Bad(BadLine {
                file: file.to_owned(),
                line,
                field: Some(invalid.field).filter(|field| !field.is_empty() && field != "."),
                problem: invalid.problem,
                raw: raw.filter(|raw| raw.len() <= MAX_RAW).map(str::to_owned),
                id: raw.and_then(id_in),
            })
        };
        match whole {
            LineRead::End => return Ok(()),
            LineRead::TooLong => visit(bad(Invalid::new("", format!("is longer than {} MiB", MAX_LINE >> 20)), None))?,
            LineRead::Whole => {
                let Ok(text) = std::str::from_utf8(&bytes) else {
                    visit(bad(Invalid::new("", "is not UTF-8 text"), None))?;
                    continue;
                };
                let text = text.trim();
                if text.is_empty() {
                    continue;
                }
                match parse_line(text, strictness) {
                    Ok((member, unknown)) => visit(Line::Member { member: Box::new(member), line, unknown })?,
                    Err(invalid) => visit(bad(invalid, Some(text)))?,
                }
            }
        }
    }
}

enum LineRead {
    Whole,
    TooLong,
    End,
}

/// One line without its end into `bytes`; of a line over [`MAX_LINE`] nothing is kept, so memory stays flat.
fn read_line(reader: &mut dyn BufRead, bytes: &mut Vec<u8>) -> io::Result<LineRead> {
    bytes.clear();
    let read = reader.take(MAX_LINE as u64 + 1).read_until(b'\n', bytes)?;
    if read == 0 {
        return Ok(LineRead::End);
    }
    if bytes.last() == Some(&b'\n') || read <= MAX_LINE {
        return Ok(LineRead::Whole);
    }
    bytes.clear();
    reader.skip_until(b'\n')?;
    Ok(LineRead::TooLong)
}

/// Whom a line is about that is JSON, but not a member's.
fn id_in(text: &str) -> Option<MemberId> {
    #[derive(serde::Deserialize)]
    struct Named {
        id: MemberId,
    }
    let Named { id } = serde_json::from_str(text).ok()?;
    id.check("id").is_ok().then_some(id)
}

fn parse_line(text: &str, strictness: Strictness) -> Result<(Member, Vec<String>), Invalid> {
    let expected = "expected one member as a JSON object on each line";
    if !text.starts_with('{') {
        let what = if text.starts_with('[') { "is a JSON array" } else { "is not a JSON object" };
        return Err(Invalid::new("", format!("{what}; {expected}")));
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let parsed = parse(&mut deserializer, strictness)?;
    deserializer.end().map_err(|_| Invalid::new("", format!("has text after the object; {expected}")))?;
    Ok((parsed.0.validate()?, parsed.1))
}

/// One member from its JSON.
///
/// # Errors
/// The first field that breaks the member format, unknown ones among them.
pub fn parse_member(json: &str) -> Result<Member, Invalid> {
    Ok(parse_line(json.trim_start_matches('\u{feff}').trim(), Strictness::default())?.0)
}

/// An unsaved profile from its JSON: the fields of a member, none of them required.
///
/// # Errors
/// The first field that breaks the member format, unknown ones among them.
pub fn parse_profile(json: &str) -> Result<Member, Invalid> {
    let json = json.trim_start_matches('\u{feff}').trim();
    if !json.starts_with('{') {
        return Err(Invalid::new(
            "profile",
            "is not a JSON object; expected one member's fields, such as {\"interests\": [\"jazz\"]}",
        ));
    }
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let (member, _) = parse(&mut deserializer, Strictness::default())?;
    deserializer.end().map_err(|error| Invalid::new("profile", error.to_string()))?;
    member.validate_profile()
}

/// The parser's words without those of the programming language.
pub(crate) fn plain(problem: &str) -> String {
    let words = [
        (" at line 1", " at"),
        ("expected f32", "expected a number"),
        ("expected f64", "expected a number"),
        ("expected u32", "expected a whole number, zero or more"),
        ("expected i32", "expected a whole number"),
        ("expected a sequence", "expected a list"),
        ("a boolean", "true or false"),
        ("struct Member", "a member as a JSON object"),
        ("struct Place", "an object with city, region, country, lat, lon"),
        ("struct Education", "an object with school, degree, field, year"),
    ];
    words.iter().fold(problem.to_owned(), |text, (theirs, ours)| text.replace(theirs, ours))
}

/// A member from any serde source, not yet validated, and the unknown fields that were let pass.
fn parse<'de, D>(source: D, strictness: Strictness) -> Result<(Member, Vec<String>), Invalid>
where
    D: serde::Deserializer<'de>,
    D::Error: std::fmt::Display,
{
    let mut unknown = Vec::new();
    let mut note = |path: serde_ignored::Path<'_>| unknown.push(path.to_string().replace(".?", ""));
    let member: Member = serde_path_to_error::deserialize(serde_ignored::Deserializer::new(source, &mut note))
        .map_err(|error| {
            // Where the text breaks off there is no path yet.
            let path = Some(error.path().to_string()).filter(|path| path != "?").unwrap_or_default();
            Invalid::new(path, plain(&error.inner().to_string()))
        })?;
    if !strictness.lenient
        && let Some(first) = unknown.first()
    {
        let known = if first.contains('.') { String::new() } else { format!(" ({})", Member::FIELDS.join(", ")) };
        return Err(Invalid::new(
            first.clone(),
            format!("is not a field of a member; expected only known ones{known}, or use --lenient"),
        ));
    }
    Ok((member, unknown))
}
