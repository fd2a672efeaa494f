//! Making judgements: whom several configurations show is put before a person, who grades each of them.
//!
//! Grading only what one configuration shows would favour it over every other, so that the top of several is pooled
//! (Spärck Jones and van Rijsbergen, "Report on the need for and provision of an 'ideal' information retrieval test
//! collection", 1975). The order in which mentors are shown says nothing of their ranks, or people would grade the ranks.

mod file;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, Write};

pub use file::QrelsFile;

use super::judgements::{JudgedQuery, summary};
use super::measure::rank_all;
use super::problem::{JudgementError, Problem, ProblemKind};
use crate::member::Member;
use crate::search::weights::Weights;
use crate::search::{Candidate, SearchError, Searcher, Source};

/// The highest grade.
pub const BEST: i32 = 3;

/// Of a long text so many characters are shown.
const LONGEST: usize = 400;

/// Why judgements cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum JudgeError {
    /// Queries or judgements cannot be used. The caller's to mend.
    #[error(transparent)]
    Judgements(#[from] JudgementError),
    /// Somebody else is judging into the file. The caller's to mend.
    #[error("{file} is being judged into already; wait for the other to end, or name another file")]
    InUse {
        /// The file.
        file: String,
    },
    /// A grade cannot be kept.
    #[error("cannot write {file}: {source}")]
    Write {
        /// The file.
        file: String,
        /// The system's reason.
        source: io::Error,
    },
    /// Questions cannot be shown, or answers not be read.
    #[error("cannot ask: {0}")]
    Ask(#[from] io::Error),
    /// A search failed, and not by a query's fault.
    #[error(transparent)]
    Search(#[from] SearchError),
}

impl JudgeError {
    /// Whether what was asked for was at fault, not we.
    pub fn is_callers(&self) -> bool {
        match self {
            JudgeError::Judgements(_) | JudgeError::InUse { .. } => true,
            JudgeError::Search(error) => error.is_callers(),
            JudgeError::Write { .. } | JudgeError::Ask(_) => false,
        }
    }
}

/// A query, and whom any of the configurations shows for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Pooled {
    /// The query's id.
    pub query: String,
    /// What it asks, in words.
    pub said: String,
    /// The mentors as others may see them, in an order that says nothing of their ranks.
    pub mentors: Vec<Member>,
}

/// What a person did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Grades given and not taken back.
    pub graded: usize,
    /// Pairs of query and mentor that are still not judged.
    pub left: usize,
}

/// The searcher as it is, with each of the other weights, and with each source of candidates alone.
pub fn configurations(searcher: &Searcher, weights: &[Weights]) -> Vec<Searcher> {
    let others = weights.iter().map(|weights| searcher.with_weights(weights.clone()));
    let alone = Source::ALL.iter().map(|alone| {
        let off = Source::ALL.iter().filter(|source| *source != alone);
        off.fold(searcher.clone(), |searcher, source| searcher.without(*source))
    });
    [searcher.clone()].into_iter().chain(others).chain(alone).collect()
}

/// The first `depth` mentors of every configuration for each query. Queries that cannot be asked, and members whose ids
/// qrels cannot hold, are problems; `file` is where the queries stand.
///
/// # Errors
/// The first error that is not a query's fault.
pub async fn pool(
    configurations: &[Searcher],
    queries: &[JudgedQuery],
    file: &str,
    depth: usize,
    seed: u64,
) -> Result<(Vec<Pooled>, Vec<Problem>), SearchError> {
    let mut problems = Vec::new();
    let mut shown: Vec<BTreeSet<String>> = vec![BTreeSet::new(); queries.len()];
    for (at, searcher) in configurations.iter().enumerate() {
        let first = move |candidates: Vec<Candidate>| {
            candidates.into_iter().take(depth).map(|candidate| candidate.id).collect::<Vec<_>>()
        };
        let rankings = rank_all(searcher, queries, depth, first).await?;
        for ((query, shown), ranking) in queries.iter().zip(&mut shown).zip(rankings) {
            match ranking {
                Ok(ids) => shown.extend(ids),
                // What cannot be asked of one cannot be asked of the others.
                Err(error) if at == 0 => problems.push(Problem {
                    kind: ProblemKind::NotAvailable,
                    file: file.to_owned(),
                    line: Some(query.line),
                    problem: format!("query {:?} cannot be asked: {error}", query.id),
                }),
                Err(_) => {}
            }
        }
    }
    let Some(searcher) = configurations.first() else { return Ok((Vec::new(), problems)) };
    let mut pooled = Vec::new();
    for (query, shown) in queries.iter().zip(shown) {
        let (split, whole): (Vec<&str>, Vec<&str>) =
            shown.iter().map(String::as_str).partition(|id| id.contains(char::is_whitespace));
        problems.extend(split.into_iter().map(|id| Problem {
            kind: ProblemKind::WhiteSpace,
            file: file.to_owned(),
            line: Some(query.line),
            problem: format!("member {id:?}, shown for query {:?}, has an id that qrels cannot hold", query.id),
        }));
        let asker = query.request.member.as_ref().map(|id| id.as_str());
        let ids: Vec<&str> = whole.iter().copied().chain(asker).collect();
        let records = searcher.members(&ids).await?;
        let words = records.iter().find(|member| asker == Some(member.id.as_str())).map(summary);
        let mut mentors: Vec<Member> =
            records.into_iter().filter(|member| whole.contains(&member.id.as_str())).collect();
        mentors.sort_by_cached_key(|member| shuffled(seed, &query.id, member.id.as_str()));
        if !mentors.is_empty() {
            let said = words.map_or_else(|| query.said(), |words| format!("{}: {words}", query.said()));
            pooled.push(Pooled { query: query.id.clone(), said, mentors });
        }
    }
    Ok((pooled, problems))
}

/// A place by chance. It is of the pair alone: with another configuration in the pool, the others keep their order.
fn shuffled(seed: u64, query: &str, member: &str) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes()).update(query.as_bytes()).update(b"\0").update(member.as_bytes());
    hasher.finalize().into()
}

/// Asks a person for a grade of each mentor who has none yet, and keeps each grade at once. Ends where nothing is left, at
/// `q`, and where the input ends.
///
/// # Errors
/// [`JudgeError::Write`] and [`JudgeError::Ask`]; what was graded before is kept.
pub fn ask(
    pooled: &[Pooled],
    file: &mut QrelsFile,
    input: &mut impl BufRead,
    out: &mut impl Write,
) -> Result<Asked, JudgeError> {
    let mut questions = Vec::new();
    for pooled in pooled {
        let judged = file.qrels().of(&pooled.query);
        let open = |mentor: &&Member| !judged.is_some_and(|judged| judged.contains_key(mentor.id.as_str()));
        questions.extend(pooled.mentors.iter().filter(open).map(|mentor| (pooled, mentor)));
    }
    // For each question passed, whether it got a grade.
    let mut passed: Vec<bool> = Vec::new();
    let mut shown = None;
    while let Some((pooled, mentor)) = questions.get(passed.len()) {
        if shown != Some(passed.len()) {
            shown = Some(passed.len());
            write_question(out, pooled, mentor, passed.len() + 1, questions.len())?;
        }
        write!(out, "grade 0 to 3, s skip, b back, q quit > ")?;
        out.flush()?;
        let Some(answer) = line(input)? else {
            writeln!(out)?;
            break;
        };
        match answer.trim() {
            "q" => break,
            "s" => passed.push(false),
            "b" => match passed.pop() {
                Some(true) => {
                    file.take_back()?;
                    writeln!(out, "the last grade is taken back")?;
                }
                Some(false) => {}
                None => writeln!(out, "this is the first question")?,
            },
            grade => match grade.parse().ok().filter(|grade| (0..=BEST).contains(grade)) {
                Some(grade) => {
                    file.append(&pooled.query, mentor.id.as_str(), grade)?;
                    passed.push(true);
                }
                None => writeln!(
                    out,
                    "{:?} is no grade: 0 is not relevant, 1 a little, 2 good, 3 just the one sought",
                    plain(grade)
                )?,
            },
        }
    }
    let graded = passed.iter().filter(|graded| **graded).count();
    Ok(Asked { graded, left: questions.len() - graded })
}

/// A line without its end; none at the end of the input. What is no text is no grade either, and no reason to stop.
fn line(input: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    let read = input.read_until(b'\n', &mut bytes)?;
    Ok((read > 0).then(|| String::from_utf8_lossy(&bytes).into_owned()))
}

fn write_question(out: &mut impl Write, pooled: &Pooled, mentor: &Member, at: usize, of: usize) -> io::Result<()> {
    writeln!(out, "\n{at} of {of}, query {}", plain(&pooled.query))?;
    writeln!(out, "  {}", plain(&pooled.said))?;
    let headline = mentor.name.iter().chain(&mentor.headline).map(|text| plain(text)).collect::<Vec<_>>().join(", ");
    writeln!(out, "mentor {}", plain(mentor.id.as_str()))?;
    if !headline.is_empty() {
        writeln!(out, "  {headline}")?;
    }
    for (what, text) in record(mentor) {
        let cut = text.char_indices().nth(LONGEST).map(|(at, _)| format!("{}…", &text[..at]));
        writeln!(out, "  {what:<12}{}", plain(cut.as_deref().unwrap_or(&text)))?;
    }
    Ok(())
}

/// What a person can grade by.
fn record(mentor: &Member) -> BTreeMap<&'static str, String> {
    let place = mentor.location.as_ref().map(|place| {
        [&place.city, &place.region, &place.country].into_iter().flatten().cloned().collect::<Vec<_>>().join(", ")
    });
    let studied = mentor.education.iter().map(|education| {
        let parts = [&education.degree, &education.field, &education.school];
        parts.into_iter().flatten().cloned().collect::<Vec<_>>().join(", ")
    });
    let fields = [
        ("profession", mentor.profession.clone()),
        ("industry", mentor.industry.clone()),
        ("experience", mentor.years_experience.map(|years| format!("{years} years"))),
        ("offers", mentor.offers.clone()),
        ("about", mentor.about.clone()),
        ("interests", Some(mentor.interests.join(", "))),
        ("overcame", Some(mentor.overcame.join(", "))),
        ("employers", Some(mentor.employers.join(", "))),
        ("education", Some(studied.collect::<Vec<_>>().join("; "))),
        ("lives in", place),
        ("languages", Some(mentor.languages.join(", "))),
    ];
    fields.into_iter().filter_map(|(what, text)| Some((what, text.filter(|text| !text.is_empty())?))).collect()
}

/// Text that cannot move the cursor or turn the line's direction: members write what they like.
fn plain(text: &str) -> String {
    let turns = |letter: char| matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|letter| if letter.is_control() || turns(letter) { ' ' } else { letter }).collect()
}
