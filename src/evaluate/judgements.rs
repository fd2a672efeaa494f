//! Queries, and who is relevant to each of them.
//!
//! Queries are JSONL in the project's own format; judgements are TREC qrels, `query 0 member grade` a line.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use serde::Deserialize;

use super::problem::{JudgementError, Problem, ProblemKind, lines, malformed, usable};
use super::run::Run;
use crate::member::{Member, MemberId};
use crate::search::{Filter, Known, Query, SearchRequest};

/// A query to be asked.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedQuery {
    /// Its id in qrels and runs: no white space.
    pub id: String,
    /// A label to report by.
    pub group: Option<String>,
    /// What is asked; valid but for the number of hits.
    pub request: SearchRequest,
    /// The line it stood on, counted from 1.
    pub line: u64,
}

impl JudgedQuery {
    /// What is asked, in words.
    pub fn said(&self) -> String {
        let SearchRequest { text, member, profile, interests, profession, .. } = &self.request;
        match (text, member, profile, profession) {
            (Some(text), ..) => text.clone(),
            (_, Some(member), ..) => format!("member {member}"),
            (.., Some(profession)) => format!("aims for {profession}"),
            (_, _, Some(profile), _) => summary(profile),
            _ => format!("interested in {}", interests.join(", ")),
        }
    }
}

/// A member in one line: what they are called and are, what they are after, what interests them.
pub(super) fn summary(member: &Member) -> String {
    let Member { name, headline, profession, aims_for, seeks, interests, .. } = member;
    let after = |what: &str, text: &Option<String>| text.as_ref().map(|text| format!("{what} {text}"));
    let interests = (!interests.is_empty()).then(|| format!("interested in {}", interests.join(", ")));
    let parts = [
        name.clone(),
        headline.clone(),
        profession.clone().filter(|profession| Some(profession) != headline.as_ref()),
        after("aims for", aims_for),
        after("seeks", seeks),
        interests,
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// The grades of members, by query: 1 or more is relevant, the more the better; zero and less is not.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Qrels {
    queries: BTreeMap<String, BTreeMap<String, i32>>,
    /// Where each query and each member is first named.
    first_lines: HashMap<String, u64>,
}

impl Qrels {
    /// The grades of one query's judged members.
    pub fn of(&self, query: &str) -> Option<&BTreeMap<String, i32>> {
        self.queries.get(query)
    }

    /// Takes a judgement away.
    pub(super) fn remove(&mut self, query: &str, member: &str) {
        if let Entry::Occupied(mut grades) = self.queries.entry(query.to_owned()) {
            grades.get_mut().remove(member);
            if grades.get().is_empty() {
                grades.remove();
            }
        }
    }

    /// Adds a judgement; nothing changes, and the grade that stands is given, where there is one already.
    pub fn insert(&mut self, query: &str, member: &str, grade: i32) -> Option<i32> {
        match self.queries.entry(query.to_owned()).or_default().entry(member.to_owned()) {
            Entry::Occupied(stands) => Some(*stands.get()),
            Entry::Vacant(free) => {
                free.insert(grade);
                None
            }
        }
    }
}

/// Queries with their judgements.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgements {
    /// In the order of the file.
    pub queries: Vec<JudgedQuery>,
    /// Who is relevant to each.
    pub qrels: Qrels,
    /// What was wrong with the files.
    pub problems: Vec<Problem>,
    /// The names of the files, as they were given: of the queries, and of the qrels.
    pub file: String,
    qrels_file: String,
}

impl Judgements {
    /// Reads both files. What cannot be used is left out and named in `problems`.
    ///
    /// # Errors
    /// Where a file cannot be read, or nothing in it can be used.
    pub fn read(queries: &Path, qrels: &Path) -> Result<Judgements, JudgementError> {
        let mut problems = Vec::new();
        let read = read_queries(queries, &mut problems)?;
        let judged = read_qrels(qrels, &mut problems)?;
        let names = (queries.display().to_string(), qrels.display().to_string());
        let mut judgements = Judgements { queries: read, qrels: judged, problems, file: names.0, qrels_file: names.1 };
        judgements.check_queries();
        Ok(judgements)
    }

    /// Queries and judgements that are of no file, by what they are of.
    pub(super) fn of(name: &str, queries: Vec<JudgedQuery>, qrels: Qrels) -> Judgements {
        Judgements { queries, qrels, problems: Vec::new(), file: name.to_owned(), qrels_file: name.to_owned() }
    }

    /// Names the queries that only one of the two files knows, and those with nobody relevant.
    fn check_queries(&mut self) {
        let known: HashMap<&str, u64> = self.queries.iter().map(|query| (query.id.as_str(), query.line)).collect();
        for (query, grades) in &self.qrels.queries {
            let (kind, problem) = if !known.contains_key(query.as_str()) {
                let left_out = format!("{} of its judgements are left out", grades.len());
                (ProblemKind::UnknownQuery, format!("query {query:?} is not in {}; {left_out}", self.file))
            } else if grades.values().all(|grade| *grade <= 0) {
                let counts = "it counts as zero, as with trec_eval";
                (ProblemKind::NothingRelevant, format!("query {query:?} has nobody relevant; {counts}"))
            } else {
                continue;
            };
            let line = self.qrels.first_lines.get(query).copied();
            self.problems.push(Problem { kind, file: self.qrels_file.clone(), line, problem });
        }
        for query in self.queries.iter().filter(|query| self.qrels.of(&query.id).is_none()) {
            let problem = format!("query {:?} has no judgements in {}; it is not measured", query.id, self.qrels_file);
            let (kind, line) = (ProblemKind::NotJudged, Some(query.line));
            self.problems.push(Problem { kind, file: self.file.clone(), line, problem });
        }
    }

    /// Names the queries that only a run knows.
    pub fn unknown_queries(&self, run: &Run, file: &Path) -> Vec<Problem> {
        let known: HashSet<&str> = self.queries.iter().map(|query| query.id.as_str()).collect();
        let unknown = run.rankings().map(|(query, _)| query).filter(|query| !known.contains(query));
        let problem = |query: &str| Problem {
            kind: ProblemKind::UnknownQuery,
            file: file.display().to_string(),
            line: None,
            problem: format!("query {query:?} is not in {}; its ranking is left out", self.file),
        };
        unknown.map(problem).collect()
    }

    /// Names the judged members whom the index does not know.
    pub(super) fn unknown_members(&self, known: impl Fn(&str) -> bool) -> Vec<Problem> {
        let mut unknown: BTreeMap<&str, usize> = BTreeMap::new();
        let asked = self.queries.iter().filter_map(|query| self.qrels.of(&query.id));
        for member in asked.flat_map(BTreeMap::keys).filter(|member| !known(member)) {
            *unknown.entry(member).or_default() += 1;
        }
        let problem = |(member, times): (&str, usize)| Problem {
            kind: ProblemKind::UnknownMember,
            file: self.qrels_file.clone(),
            line: self.qrels.first_lines.get(&member_key(member)).copied(),
            problem: format!("member {member:?}, judged for {times} queries, is not in the index"),
        };
        unknown.into_iter().map(problem).collect()
    }
}

/// One line of a queries file.
#[derive(Deserialize)]
struct QueryLine {
    id: String,
    group: Option<String>,
    text: Option<String>,
    member: Option<MemberId>,
    profile: Option<Member>,
    #[serde(default)]
    interests: Vec<String>,
    profession: Option<String>,
    #[serde(default)]
    filter: Filter,
    #[serde(default)]
    known: Known,
}

/// Reads a queries file alone. What cannot be used is left out and named in `problems`.
///
/// # Errors
/// Where the file cannot be read, or nothing in it can be used.
pub fn read_queries(path: &Path, problems: &mut Vec<Problem>) -> Result<Vec<JudgedQuery>, JudgementError> {
    let file = path.display().to_string();
    let mut first_lines: HashMap<String, u64> = HashMap::new();
    let mut queries = Vec::new();
    for (line, text) in lines(path, problems)? {
        match parse_query(&text, line) {
            Err(problem) => problems.push(malformed(&file, line, problem)),
            Ok(query) => match first_lines.get(&query.id) {
                Some(first) => problems.push(Problem {
                    kind: ProblemKind::Duplicate,
                    file: file.clone(),
                    line: Some(line),
                    problem: format!("query {:?} stands on line {first} already; the first one counts", query.id),
                }),
                None => {
                    first_lines.insert(query.id.clone(), line);
                    queries.push(query);
                }
            },
        }
    }
    usable(file, "query", queries, problems)
}

fn parse_query(text: &str, line: u64) -> Result<JudgedQuery, String> {
    let mut unknown = Vec::new();
    let mut note = |path: serde_ignored::Path<'_>| unknown.push(path.to_string().replace(".?", ""));
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let parsed: QueryLine =
        serde_path_to_error::deserialize(serde_ignored::Deserializer::new(&mut deserializer, &mut note)).map_err(
            |error| match error.path().to_string().as_str() {
                "." | "?" => error.inner().to_string(),
                field => format!("{field}: {}", error.inner()),
            },
        )?;
    deserializer.end().map_err(|_| "has text after the object; expected one query a line".to_owned())?;
    if let Some(field) = unknown.first() {
        let fields = "id, group, one of text, interests, profession, member and profile, filter, known";
        return Err(format!("{field}: is not a field of a query; expected {fields}"));
    }
    let QueryLine { id, group, text, member, profile, interests, profession, filter, known } = parsed;
    if id.is_empty() || id.chars().any(|letter| letter.is_whitespace() || letter.is_control()) {
        return Err(format!("id: is {id:?}; expected an id without white space, which parts the columns of qrels"));
    }
    let request =
        SearchRequest { text, member, profile, interests, profession, filter, known, ..SearchRequest::default() };
    Query::try_from(request.clone()).map_err(|error| error.to_string())?;
    Ok(JudgedQuery { id, group, request, line })
}

pub(super) fn read_qrels(path: &Path, problems: &mut Vec<Problem>) -> Result<Qrels, JudgementError> {
    let file = path.display().to_string();
    let mut qrels = Qrels::default();
    for (line, text) in lines(path, problems)? {
        let columns: Vec<&str> = text.split_whitespace().collect();
        let [query, _, member, grade] = columns[..] else {
            let problem = format!("has {} columns; expected four: query 0 member grade", columns.len());
            problems.push(malformed(&file, line, problem));
            continue;
        };
        let Ok(grade) = grade.parse() else {
            problems.push(malformed(&file, line, format!("grade: is {grade:?}; expected a whole number")));
            continue;
        };
        if let Some(stands) = qrels.insert(query, member, grade) {
            problems.push(Problem {
                kind: ProblemKind::Duplicate,
                file: file.clone(),
                line: Some(line),
                problem: format!("{member:?} is judged for {query:?} before; the first grade, {stands}, counts"),
            });
        }
        qrels.first_lines.entry(query.to_owned()).or_insert(line);
        qrels.first_lines.entry(member_key(member)).or_insert(line);
    }
    usable(file, "judgement", qrels, problems)
}

/// Members are kept apart from queries of the same name.
fn member_key(member: &str) -> String {
    format!(" {member}")
}
