//! A qrels file that grows by one grade at a time, and loses none.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::JudgeError;
use crate::evaluate::judgements::{Qrels, read_qrels};
use crate::evaluate::problem::{JudgementError, Problem};

/// A qrels file open for judging. Each grade is on the disk before the next question is asked.
#[derive(Debug)]
pub struct QrelsFile {
    name: String,
    file: File,
    qrels: Qrels,
    /// The grades given since it was opened, each with the file's length before it.
    given: Vec<(u64, String, String)>,
}

impl QrelsFile {
    /// Opens the file with the grades it holds, or makes it. Lines that cannot be used are named and stay as they are.
    ///
    /// # Errors
    /// Where the file cannot be read or written, holds something else, or is being judged into already.
    pub fn open(path: &Path, problems: &mut Vec<Problem>) -> Result<QrelsFile, JudgeError> {
        let name = path.display().to_string();
        let unreadable = |source| JudgementError::Read { file: name.clone(), source };
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(unreadable)?;
        match file.try_lock() {
            Ok(()) => {}
            // Two who judge into one file would take back each other's grades.
            Err(TryLockError::WouldBlock) => return Err(JudgeError::InUse { file: name }),
            Err(TryLockError::Error(source)) => return Err(unreadable(source).into()),
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(unreadable)?;
        let empty = bytes.iter().all(u8::is_ascii_whitespace);
        let qrels = if empty { Qrels::default() } else { read_qrels(path, problems)? };
        let mut opened = QrelsFile { name, file, qrels, given: Vec::new() };
        if bytes.last().is_some_and(|last| *last != b'\n') {
            // The next grade would become a part of this line.
            opened.write(|file| file.write_all(b"\n"))?;
        }
        Ok(opened)
    }

    /// The grades it holds.
    pub fn qrels(&self) -> &Qrels {
        &self.qrels
    }

    /// Keeps a grade. Nothing happens where there is one.
    ///
    /// # Errors
    /// [`JudgeError::Write`].
    pub fn append(&mut self, query: &str, member: &str, grade: i32) -> Result<(), JudgeError> {
        if self.qrels.of(query).is_some_and(|grades| grades.contains_key(member)) {
            return Ok(());
        }
        let mut length = 0;
        self.write(|file| {
            length = file.seek(SeekFrom::End(0))?;
            // One call, so that a kill leaves the whole line or none of it.
            file.write_all(format!("{query} 0 {member} {grade}\n").as_bytes())
        })?;
        self.qrels.insert(query, member, grade);
        self.given.push((length, query.to_owned(), member.to_owned()));
        Ok(())
    }

    /// Takes back the last grade given since the file was opened; nothing happens where there is none.
    ///
    /// # Errors
    /// [`JudgeError::Write`].
    pub fn take_back(&mut self) -> Result<(), JudgeError> {
        let Some((length, query, member)) = self.given.pop() else { return Ok(()) };
        self.write(|file| file.set_len(length))?;
        self.qrels.remove(&query, &member);
        Ok(())
    }

    fn write(&mut self, change: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), JudgeError> {
        let written = change(&mut self.file).and_then(|()| self.file.sync_data());
        written.map_err(|source| JudgeError::Write { file: self.name.clone(), source })
    }
}
