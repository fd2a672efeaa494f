//! Rankings of many queries, as TREC run files hold them: `query Q0 member rank score tag` a line.
//!
//! trec_eval looks at scores alone: the rank column is ignored, scores are read as 32-bit numbers, and equal ones are
//! ordered by id, the later first (in the order of bytes). A [`Run`] is always in that order, so that whoever measures
//! the file with trec_eval gets the figures that we print.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};
use std::io::Write;
use std::path::Path;

use super::problem::{JudgementError, Problem, ProblemKind, lines, malformed, usable};

/// A run that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// An id that would be two columns. The caller's to mend: TREC's formats have no such ids.
    #[error("{id:?} holds white space, which parts the columns of a TREC run; it cannot be written into one")]
    WhiteSpace {
        /// The query's or the member's.
        id: String,
    },
    /// Writing failed.
    #[error("the run cannot be written: {0}")]
    Write(#[from] std::io::Error),
}

/// A member and what a ranking gives them.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// The community's own id.
    pub member: String,
    /// Never NaN.
    pub score: f64,
}

/// The rankings of many queries, each best first by trec_eval's rule.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Run {
    queries: BTreeMap<String, Vec<Scored>>,
}

impl Run {
    /// Sets a query's ranking, in any order; no member may stand in it twice.
    pub fn insert(&mut self, query: &str, mut ranking: Vec<Scored>) {
        ranking.sort_unstable_by(trec_order);
        self.queries.insert(query.to_owned(), ranking);
    }

    /// Leaves of each ranking the first `depth`.
    pub fn cut(&mut self, depth: usize) {
        self.queries.values_mut().for_each(|ranking| ranking.truncate(depth));
    }

    /// A query's ranking, best first.
    pub fn ranking(&self, query: &str) -> Option<&[Scored]> {
        self.queries.get(query).map(Vec::as_slice)
    }

    /// Every query with its ranking, in the order of the queries' ids.
    pub fn rankings(&self) -> impl Iterator<Item = (&str, &[Scored])> {
        self.queries.iter().map(|(query, ranking)| (query.as_str(), ranking.as_slice()))
    }

    /// How many places have the score of the place before.
    pub fn ties(&self) -> usize {
        self.queries.values().map(|ranking| ties(ranking)).sum()
    }

    /// Reads a run file. Lines that cannot be used are left out and named; so are ties and wrong ranks, once a query.
    ///
    /// # Errors
    /// Where the file cannot be read, or nothing in it can be used.
    pub fn read(path: &Path, problems: &mut Vec<Problem>) -> Result<Run, JudgementError> {
        let file = path.display().to_string();
        let mut named: BTreeMap<String, Vec<Line>> = BTreeMap::new();
        let mut seen = HashSet::new();
        for (line, text) in lines(path, problems)? {
            match parse(&text) {
                Err(problem) => problems.push(malformed(&file, line, problem)),
                Ok((query, rank, scored)) if seen.insert((query.to_owned(), scored.member.clone())) => {
                    named.entry(query.to_owned()).or_default().push(Line { line, rank, scored });
                }
                Ok((query, _, scored)) => problems.push(Problem {
                    kind: ProblemKind::Duplicate,
                    file: file.clone(),
                    line: Some(line),
                    problem: format!("{:?} is ranked for {query:?} before; the first line counts", scored.member),
                }),
            }
        }
        let mut run = Run::default();
        for (query, mut ranked) in named {
            ranked.sort_by(|left, right| trec_order(&left.scored, &right.scored));
            problems.extend(named_once(&file, &query, &ranked));
            run.queries.insert(query, ranked.into_iter().map(|line| line.scored).collect());
        }
        usable(file, "ranking", run, problems)
    }

    /// Writes a run file with this tag.
    ///
    /// # Errors
    /// Where an id does not fit into a column, or the writer fails.
    pub fn write(&self, tag: &str, out: &mut impl Write) -> Result<(), RunError> {
        for (query, ranking) in self.rankings() {
            for (Scored { member, score }, rank) in ranking.iter().zip(1..) {
                if let Some(id) = [query, member].into_iter().find(|id| id.contains(char::is_whitespace)) {
                    return Err(RunError::WhiteSpace { id: id.to_owned() });
                }
                writeln!(out, "{query} Q0 {member} {rank} {score} {tag}")?;
            }
        }
        Ok(())
    }
}

/// trec_eval's order of two ranked members.
fn trec_order(left: &Scored, right: &Scored) -> Ordering {
    let score = |scored: &Scored| scored.score as f32;
    let by_score = score(right).partial_cmp(&score(left)).unwrap_or(Ordering::Equal);
    by_score.then_with(|| right.member.cmp(&left.member))
}

fn ties(ranking: &[Scored]) -> usize {
    ranking.windows(2).filter(|pair| pair[0].score as f32 == pair[1].score as f32).count()
}

struct Line {
    line: u64,
    rank: Option<u64>,
    scored: Scored,
}

fn parse(text: &str) -> Result<(&str, Option<u64>, Scored), String> {
    let columns: Vec<&str> = text.split_whitespace().collect();
    let [query, _, member, rank, score, _] = columns[..] else {
        return Err(format!("has {} columns; expected six: query Q0 member rank score tag", columns.len()));
    };
    let score: f64 = score.parse().map_err(|_| format!("score: is {score:?}; expected a number"))?;
    if score.is_nan() {
        return Err("score: is no number; expected one".into());
    }
    Ok((query, rank.parse().ok(), Scored { member: member.to_owned(), score }))
}

/// A query's ties and wrong ranks, each with the first line that shows it.
fn named_once(file: &str, query: &str, ranked: &[Line]) -> Vec<Problem> {
    let equal = |left: &Line, right: &Line| left.scored.score as f32 == right.scored.score as f32;
    let problem =
        |kind, line: &Line, problem: String| Problem { kind, file: file.to_owned(), line: Some(line.line), problem };
    let mut tied = ranked.windows(2).filter(|pair| equal(&pair[0], &pair[1]));
    let tie = tied.next().map(|pair| {
        let places = 1 + tied.count();
        let said = format!("{places} places of query {query:?} have the score of another; they are ordered by id");
        problem(ProblemKind::Ties, &pair[1], said)
    });
    // Files count from 0 or from 1, and equal scores may stand in any order.
    let by_rank = ranked.chunk_by(equal).flat_map(|equal| {
        let mut equal: Vec<&Line> = equal.iter().collect();
        equal.sort_by_key(|line| line.rank);
        equal
    });
    let first = ranked.iter().filter_map(|line| line.rank).min().filter(|rank| *rank == 0).unwrap_or(1);
    let wrong = by_rank.zip(first..).find(|(line, rank)| line.rank != Some(*rank)).map(|(line, rank)| {
        let said = line.rank.map_or("no number".to_owned(), |said| said.to_string());
        let member = &line.scored.member;
        problem(
            ProblemKind::WrongRank,
            line,
            format!("the rank of {member:?} for query {query:?} is {said}; by its score it is {rank}"),
        )
    });
    tie.into_iter().chain(wrong).collect()
}
