//! What came of introductions, as judgements: who was declined, met and helped is what a programme knows already.
//!
//! JSONL, `{"mentee": id, "mentor": id, "outcome": "declined" | "met" | "helped"}` a line; fields beside these are not
//! looked at. Each mentee is a query, by member, whose id is the mentee's own.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::judgements::{JudgedQuery, Judgements, Qrels};
use super::problem::{JudgementError, Problem, ProblemKind, lines, malformed, usable};
use crate::member::MemberId;
use crate::search::SearchRequest;

/// What came of an introduction, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// One of them did not want it.
    Declined,
    /// They met.
    Met,
    /// It helped the mentee.
    Helped,
}

impl Outcome {
    /// The grade in qrels: 0, 1, 2.
    pub fn grade(self) -> i32 {
        self as i32
    }
}

/// Introductions by mentee and mentor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcomes(BTreeMap<String, BTreeMap<String, Outcome>>);

impl Outcomes {
    /// Reads a file. Lines that cannot be used are named in `problems`, and so is what two people are said to have come to
    /// twice: the better of the two counts, since who was declined may have met later.
    ///
    /// # Errors
    /// Where the file cannot be read, or nothing in it can be used.
    pub fn read(path: &Path, problems: &mut Vec<Problem>) -> Result<Outcomes, JudgementError> {
        let file = path.display().to_string();
        let mut outcomes = Outcomes::default();
        for (line, text) in lines(path, problems)? {
            match parse(&text) {
                Err(problem) => problems.push(malformed(&file, line, problem)),
                Ok(Line { mentee, mentor, outcome }) => {
                    if let Some(stands) = outcomes.insert(&mentee, &mentor, outcome) {
                        let counts = stands.max(outcome);
                        let (stands, said) = (name(stands), name(outcome));
                        let problem = format!(
                            "{mentee:?} and {mentor:?} are {said} here and {stands} before; {} counts",
                            name(counts)
                        );
                        problems.push(Problem {
                            kind: ProblemKind::Duplicate,
                            file: file.clone(),
                            line: Some(line),
                            problem,
                        });
                    }
                }
            }
        }
        usable(file, "outcome", outcomes, problems)
    }

    /// Adds what two people came to; what they are said to have come to before is given, and the better of the two counts.
    pub fn insert(&mut self, mentee: &str, mentor: &str, outcome: Outcome) -> Option<Outcome> {
        let of_mentee = self.0.entry(mentee.to_owned()).or_default();
        let stands = of_mentee.get(mentor).copied();
        of_mentee.insert(mentor.to_owned(), stands.map_or(outcome, |stands| stands.max(outcome)));
        stands
    }

    /// The mentees who met somebody, as queries, with everybody they were introduced to as judgements: whoever met nobody has
    /// nobody to be found.
    pub fn judgements(&self) -> Judgements {
        let (mut queries, mut qrels) = (Vec::new(), Qrels::default());
        let met = self.0.iter().filter(|(_, mentors)| mentors.values().any(|outcome| outcome.grade() > 0));
        for ((mentee, mentors), line) in met.zip(1..) {
            let Ok(member) = MemberId::new(mentee.as_str()) else { continue };
            let request = SearchRequest { member: Some(member), ..SearchRequest::default() };
            queries.push(JudgedQuery { id: mentee.clone(), group: None, request, line });
            for (mentor, outcome) in mentors {
                qrels.insert(mentee, mentor, outcome.grade());
            }
        }
        Judgements::of("introductions", queries, qrels)
    }

    /// How many mentees there are, each of them a query.
    pub fn mentees(&self) -> usize {
        self.0.len()
    }

    /// How many pairs of mentee and mentor there are, each of them a judgement.
    pub fn pairs(&self) -> usize {
        self.0.values().map(BTreeMap::len).sum()
    }

    /// Writes them as TREC qrels.
    ///
    /// # Errors
    /// The writer's.
    pub fn write_qrels(&self, out: &mut impl Write) -> io::Result<()> {
        for (mentee, mentors) in &self.0 {
            for (mentor, outcome) in mentors {
                writeln!(out, "{mentee} 0 {mentor} {}", outcome.grade())?;
            }
        }
        Ok(())
    }

    /// Writes the queries that the judgements belong to.
    ///
    /// # Errors
    /// The writer's.
    pub fn write_queries(&self, out: &mut impl Write) -> io::Result<()> {
        for mentee in self.0.keys() {
            serde_json::to_writer(&mut *out, &QueryLine { id: mentee, member: mentee })?;
            writeln!(out)?;
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct QueryLine<'a> {
    id: &'a str,
    member: &'a str,
}

#[derive(Deserialize)]
struct Line {
    mentee: String,
    mentor: String,
    outcome: Outcome,
}

fn name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Declined => "declined",
        Outcome::Met => "met",
        Outcome::Helped => "helped",
    }
}

fn parse(text: &str) -> Result<Line, String> {
    let line: Line = serde_json::from_str(text).map_err(|error| error.to_string())?;
    for (field, id) in [("mentee", &line.mentee), ("mentor", &line.mentor)] {
        MemberId::new(id.as_str()).map_err(|invalid| format!("{field}: {}", invalid.problem))?;
        if id.contains(char::is_whitespace) {
            return Err(format!("{field}: is {id:?}; white space parts the columns of qrels"));
        }
    }
    if line.mentee == line.mentor {
        return Err(format!("mentor: is {:?}, the mentee; expected another member", line.mentor));
    }
    Ok(line)
}
