//! What is wrong with queries, qrels and runs: counted and named, never silently dropped.

use std::path::Path;

use serde::Serialize;

/// A file of queries, judgements or rankings that cannot be used at all. Always the caller's to mend.
#[derive(Debug, thiserror::Error)]
pub enum JudgementError {
    /// The file is not there or cannot be read.
    #[error("cannot read {file}: {source}")]
    Read {
        /// The file.
        file: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Not one line of the file can be used.
    #[error("{file}: holds no usable {what}{}", .first.as_ref().map(|first| format!("; {first}")).unwrap_or_default())]
    NothingUsable {
        /// The file.
        file: String,
        /// What was looked for.
        what: &'static str,
        /// What was wrong first, where anything was.
        first: Option<String>,
    },
}

/// What kind of thing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemKind {
    /// A line that cannot be read; left out.
    Malformed,
    /// A query or a pair of query and member that stands there before; left out.
    Duplicate,
    /// Judgements or rankings of a query that is not among the queries; left out.
    UnknownQuery,
    /// A query that cannot be asked, such as one by a member who is not stored; left out.
    NotAvailable,
    /// A query without judgements: ranked, but not measured.
    NotJudged,
    /// A query for which one of two runs has nothing; not compared.
    NotInRun,
    /// A member whose id holds white space, which TREC's formats cannot hold; not asked about.
    WhiteSpace,
    /// A member who is judged or ranked and is not in the index. Relevant ones count as not found, as with trec_eval.
    UnknownMember,
    /// A query with judgements of which none is above zero: it counts as zero, as with trec_eval.
    NothingRelevant,
    /// A run with equal scores (equal as 32-bit numbers): ordered by id, as by trec_eval.
    Ties,
    /// A run whose ranks are not those of its scores: the ranks are not looked at, as by trec_eval.
    WrongRank,
}

impl ProblemKind {
    /// Whether lines of a file were set aside for it.
    pub fn sets_aside(self) -> bool {
        self < ProblemKind::NotJudged
    }

    /// Problems of the kind, in words.
    pub fn name(self) -> &'static str {
        match self {
            ProblemKind::Malformed => "lines that cannot be read; left out",
            ProblemKind::Duplicate => "repeated lines; left out",
            ProblemKind::UnknownQuery => "queries that are not among the queries asked; left out",
            ProblemKind::NotAvailable => "queries that cannot be asked; left out",
            ProblemKind::NotJudged => "queries without judgements; not measured",
            ProblemKind::NotInRun => "queries that one of the runs has nothing for; not compared",
            ProblemKind::WhiteSpace => "members whose ids hold white space, which qrels cannot hold; not asked about",
            ProblemKind::UnknownMember => "members who are not in the index; relevant ones count as not found",
            ProblemKind::NothingRelevant => "queries with nobody relevant; they count as zero",
            ProblemKind::Ties => "rankings with equal scores; ordered by id, the later first",
            ProblemKind::WrongRank => "rankings whose ranks are not those of their scores; ordered by score",
        }
    }
}

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{file}:{} {problem}", self.line.map(|line| format!("{line}:")).unwrap_or_default())]
pub struct Problem {
    /// Of which kind.
    pub kind: ProblemKind,
    /// The file's name as it was given.
    pub file: String,
    /// Counted from 1; where a problem concerns several lines, the first of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// What is wrong, and what was expected.
    pub problem: String,
}

/// The lines of a file that hold something, each with its number; lines that are no text are problems.
pub(super) fn lines(path: &Path, problems: &mut Vec<Problem>) -> Result<Vec<(u64, String)>, JudgementError> {
    let file = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|source| JudgementError::Read { file: file.clone(), source })?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let mut lines = Vec::new();
    for (line, bytes) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        match std::str::from_utf8(bytes).map(str::trim) {
            Ok("") => {}
            Ok(text) => lines.push((line, text.to_owned())),
            Err(_) => problems.push(malformed(&file, line, "is not UTF-8 text".into())),
        }
    }
    Ok(lines)
}

/// What was read, unless it is empty.
pub(super) fn usable<T: Default + PartialEq>(
    file: String,
    what: &'static str,
    read: T,
    problems: &[Problem],
) -> Result<T, JudgementError> {
    if read != T::default() {
        return Ok(read);
    }
    let first = problems.iter().find(|problem| problem.file == file);
    let first = first.map(|Problem { line, problem, .. }| format!("line {}: {problem}", line.unwrap_or(1)));
    Err(JudgementError::NothingUsable { file, what, first })
}

pub(super) fn malformed(file: &str, line: u64, problem: String) -> Problem {
    Problem { kind: ProblemKind::Malformed, file: file.to_owned(), line: Some(line), problem }
}
