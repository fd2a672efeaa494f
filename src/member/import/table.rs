//! Members from CSV: a header row of the member format's names.

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

use serde_json::Value;

use super::columns::{Columns, Origin};
use super::{BadLine, ImportError, Line, MAX_LINE, MAX_RAW, Strictness};
use crate::member::{Invalid, Member};

/// Far more than the member format has, for files with columns of their own.
const MOST_COLUMNS: usize = 1_000;

pub(super) fn read<E: From<ImportError>>(
    file: &str,
    reader: Box<dyn BufRead>,
    strictness: Strictness,
    visit: &mut dyn FnMut(Line) -> Result<(), E>,
) -> Result<(), E> {
    let budget = Rc::new(Cell::new(MAX_LINE));
    let over = Rc::new(Cell::new(false));
    let bounded = Bounded { inner: reader, left: Rc::clone(&budget), over: Rc::clone(&over) };
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
        // Counted from its end, as what comes before may be rows of nothing: these are passed over.
        let breaks = row.as_slice().iter().filter(|byte| **byte == b'\n').count() as u64;
        // The last row need not end; only then has the parser asked for more than there is.
        let ends = u64::from(!over.get());
        let line = table.position().line().saturating_sub(breaks + ends);
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
                id: cells(&columns, &row).ok().and_then(|cells| columns.id(&cells)),
            }),
        })?;
    }
}

fn header(file: &str, row: &csv::ByteRecord, strictness: Strictness) -> Result<Columns, ImportError> {
    let wrong = |problem: String| ImportError::Header { file: file.to_owned(), problem };
    if row.len() > MOST_COLUMNS {
        return Err(wrong(format!("the header row names {} columns; at most {MOST_COLUMNS} are possible", row.len())));
    }
    let names: Result<Vec<&str>, _> = row.iter().map(|name| std::str::from_utf8(name).map(str::trim)).collect();
    let names = names.map_err(|_| wrong("the header row is not UTF-8 text".into()))?;
    Columns::named(&names, Origin::Table, strictness).map_err(wrong)
}

fn member(columns: &Columns, row: &csv::ByteRecord, strictness: Strictness) -> Result<(Member, Vec<String>), Invalid> {
    columns.member(cells(columns, row)?, strictness)
}

fn cells(columns: &Columns, row: &csv::ByteRecord) -> Result<Vec<Value>, Invalid> {
    if row.len() != columns.len() {
        return Err(Invalid::new(
            "",
            format!("has {} cells; expected {}, as the header row", row.len(), columns.len()),
        ));
    }
    let cell = |cell| std::str::from_utf8(cell).map(Value::from).map_err(|_| Invalid::new("", "is not UTF-8 text"));
    row.iter().map(cell).collect()
}

fn raw(row: &csv::ByteRecord) -> Option<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_byte_record(row).ok()?;
    let text = String::from_utf8(writer.into_inner().ok()?).ok()?;
    Some(text.trim_end().to_owned()).filter(|text| text.len() <= MAX_RAW)
}

/// Stops a row that never ends (a quote left open) before it fills the memory, and makes every end of a line a line feed.
struct Bounded {
    inner: Box<dyn BufRead>,
    left: Rc<Cell<usize>>,
    /// Whether more was asked for than there is.
    over: Rc<Cell<bool>>,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left.get() == 0 {
            let problem = format!("a row is longer than {} MiB; is a quote left open?", MAX_LINE >> 20);
            return Err(io::Error::other(problem));
        }
        loop {
            let read = self.inner.read(buffer)?;
            self.left.set(self.left.get().saturating_sub(read));
            // The parser counts line feeds, and a row of another end before it has read the second half of that.
            let mut kept = 0;
            for at in 0..read {
                let next = match buffer[..read].get(at + 1) {
                    Some(next) => Some(*next),
                    None if buffer[at] == b'\r' => self.inner.fill_buf()?.first().copied(),
                    None => None,
                };
                let byte = match (buffer[at], next) {
                    (b'\r', Some(b'\n')) => continue,
                    (b'\r', _) => b'\n',
                    (other, _) => other,
                };
                buffer[kept] = byte;
                kept += 1;
            }
            // Nothing is the end.
            if kept > 0 || read == 0 {
                self.over.set(read == 0);
                return Ok(kept);
            }
        }
    }
}
