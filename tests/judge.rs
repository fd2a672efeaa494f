//! Judgements by hand and from outcomes: nothing that was graded is lost or asked again, and what is wrong is named.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use rapport::evaluate::judge::{Asked, JudgeError, Pooled, QrelsFile, ask, configurations, pool};
use rapport::evaluate::outcomes::Outcomes;
use rapport::evaluate::{ProblemKind, read_queries};
use rapport::member::Member;
use rapport::search::weights::{Feature, Weights};

use crate::common::{by_text, find, ids, mentor, models_dir, sample, wait};

/// Two queries: one with two mentors, one with one.
fn pooled() -> Vec<Pooled> {
    let named = |id: &str| Member { headline: Some(format!("what {id} is\u{1b}[2J")), ..mentor(id) };
    vec![
        Pooled { query: "q1".into(), said: "first\u{202e}".into(), mentors: vec![named("a"), named("b")] },
        Pooled { query: "q2".into(), said: "second".into(), mentors: vec![named("c")] },
    ]
}

/// What a dialogue leads to, what was shown, and what the file holds then.
fn answer(file: &Path, answers: &[u8]) -> (Asked, String, String) {
    let mut problems = Vec::new();
    let mut qrels = QrelsFile::open(file, &mut problems).unwrap();
    let mut out = Vec::new();
    let asked = ask(&pooled(), &mut qrels, &mut &answers[..], &mut out).unwrap();
    (asked, String::from_utf8(out).unwrap(), fs::read_to_string(file).unwrap())
}

#[test]
fn answers_lead_to_these_grades() {
    for (answers, graded, file) in [
        ("3\n0\n1\n", 3, "q1 0 a 3\nq1 0 b 0\nq2 0 c 1\n"),
        ("3\r\n 2 \n", 2, "q1 0 a 3\nq1 0 b 2\n"),
        ("s\n1\nq\n2\n", 1, "q1 0 b 1\n"),
        // Back takes the last grade back, a skipped question too.
        ("3\nb\n2\nq\n", 1, "q1 0 a 2\n"),
        ("3\n1\nb\nb\n0\nq\n", 1, "q1 0 a 0\n"),
        ("3\ns\nb\n1\nq\n", 2, "q1 0 a 3\nq1 0 b 1\n"),
        ("b\n1\nq", 1, "q1 0 a 1\n"),
        // What is no answer changes nothing.
        ("4\n-1\nx\n\n1 2\n\u{fffd}\n2\nq\n", 1, "q1 0 a 2\n"),
        ("", 0, ""),
        ("2", 1, "q1 0 a 2\n"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (asked, _, written) = answer(&folder.path().join("qrels.txt"), answers.as_bytes());
        assert_eq!((asked.graded, asked.left, written.as_str()), (graded, 3 - graded, file), "{answers:?}");
    }
}

#[test]
fn bytes_that_are_no_text_are_no_grade() {
    let folder = tempfile::tempdir().unwrap();
    let (_, out, written) = answer(&folder.path().join("qrels.txt"), b"\xff\xfe\n3\nq\n");
    assert!(out.contains("is no grade: 0 is not relevant"), "{out}");
    assert_eq!(written, "q1 0 a 3\n");
}

#[test]
fn a_second_run_asks_only_what_is_not_judged() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("qrels.txt");
    answer(&file, b"s\n2\nq\n");
    let (asked, out, written) = answer(&file, b"1\n0\n");
    assert_eq!(asked, Asked { graded: 2, left: 0 });
    assert_eq!(written, "q1 0 b 2\nq1 0 a 1\nq2 0 c 0\n");
    assert!(out.contains("1 of 2, query q1") && !out.contains("mentor b"), "{out}");
    // A grade of an earlier run is nobody's to take back by mistake.
    let (asked, out, after) = answer(&file, b"b\nb\n3\n");
    assert_eq!((asked, out.as_str(), after), (Asked { graded: 0, left: 0 }, "", written));
}

#[test]
fn what_the_file_held_stays_and_is_named_where_it_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("qrels.txt");
    fs::write(&file, "q1 0 a 2\nnonsense\nq9 0 z 1").unwrap();
    let mut problems = Vec::new();
    let mut qrels = QrelsFile::open(&file, &mut problems).unwrap();
    assert_eq!(
        problems.iter().map(|problem| (problem.kind, problem.line)).collect::<Vec<_>>(),
        [(ProblemKind::Malformed, Some(2))]
    );
    let asked = ask(&pooled(), &mut qrels, &mut &b"3\nb\n1\nq\n"[..], &mut Vec::new()).unwrap();
    assert_eq!(asked, Asked { graded: 1, left: 1 });
    assert_eq!(fs::read_to_string(&file).unwrap(), "q1 0 a 2\nnonsense\nq9 0 z 1\nq1 0 b 1\n");
    let second = QrelsFile::open(&file, &mut Vec::new()).unwrap_err();
    assert!(matches!(second, JudgeError::InUse { .. }) && second.is_callers(), "{second}");
}

#[test]
fn a_question_shows_words_and_no_control_characters() {
    let folder = tempfile::tempdir().unwrap();
    let (_, out, _) = answer(&folder.path().join("qrels.txt"), b"q\n");
    assert!(out.starts_with("\n1 of 3, query q1\n  first \nmentor a\n  what a is [2J\ngrade 0 to 3"), "{out:?}");
}

#[test]
fn the_pool_is_what_any_configuration_shows_in_an_order_of_its_own() {
    let sample = sample();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("queries.jsonl");
    let seeker = sample.members[0].id.as_str();
    let text = "I want to become a nurse";
    let lines = format!(
        "{{\"id\": \"q1\", \"text\": \"{text}\"}}\n{{\"id\": \"q2\", \"member\": \"{seeker}\"}}\n{{\"id\": \"q3\", \"member\": \"nobody\"}}\n"
    );
    fs::write(&file, lines).unwrap();
    let queries = read_queries(&file, &mut Vec::new()).unwrap();
    let other = Feature::ALL.iter().fold(Weights::default(), |weights, feature| weights.with(*feature, 0.0));
    let other = other.with(Feature::Languages, 1.0);
    let configurations = configurations(&sample.tight, std::slice::from_ref(&other));
    let (pooled, problems) = wait(pool(&configurations, &queries, "queries.jsonl", 5, 42)).unwrap();
    assert_eq!(
        problems.iter().map(|problem| (problem.kind, problem.line)).collect::<Vec<_>>(),
        [(ProblemKind::NotAvailable, Some(3))]
    );
    assert_eq!(pooled.iter().map(|pooled| pooled.query.as_str()).collect::<Vec<_>>(), ["q1", "q2"]);
    let shown: Vec<&str> = pooled[0].mentors.iter().map(|mentor| mentor.id.as_str()).collect();
    let ask = || rapport::search::SearchRequest { k: Some(5), ..by_text(text) };
    let (usual, otherwise) = (find(&sample.tight, ask()), find(&sample.tight.with_weights(other), ask()));
    assert!(ids(&usual).iter().chain(&ids(&otherwise)).all(|id| shown.contains(id)));
    assert_ne!(ids(&usual), shown[..5], "not the order of a ranking");
    let again = wait(pool(&configurations, &queries, "queries.jsonl", 5, 42)).unwrap().0;
    assert_eq!(again, pooled);
    let mut sorted = shown.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), shown.len(), "each once");
}

fn judge(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_rapport"))
        .current_dir(folder)
        .env_remove("RAPPORT_LOG")
        .args(["--index", sample().config.index.to_str().unwrap(), "--models", models_dir(), "judge"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

#[test]
fn the_program_takes_piped_answers_and_goes_on_later() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("queries.jsonl", "{\"id\": \"q1\", \"text\": \"I want to become a nurse\"}\n");
    write("weights.toml", "[weights]\nlanguages = 1.0\n");
    write("bad.toml", "[weights]\nlanguages = -1.0\n");
    let usual = ["--queries", "queries.jsonl", "--qrels", "out.txt", "--weights", "weights.toml"];
    let first = judge(folder.path(), &usual, "2\nnonsense\n0\nq\n");
    assert_eq!(first.status.code(), Some(0), "{first:?}");
    let written = || fs::read_to_string(folder.path().join("out.txt")).unwrap();
    let before = written();
    let grades: Vec<&str> = before.lines().map(|line| line.rsplit(' ').next().unwrap()).collect();
    assert_eq!(grades, ["2", "0"]);
    let second = judge(folder.path(), &usual, "1\n");
    assert_eq!(second.status.code(), Some(0), "{second:?}");
    let out = String::from_utf8(second.stdout).unwrap();
    let asked_first = out.lines().find_map(|line| line.strip_prefix("mentor ")).unwrap().to_owned();
    assert!(!before.contains(&format!(" {asked_first} ")), "asked again");
    assert_eq!(written(), format!("{before}q1 0 {asked_first} 1\n"));
    let bad = ["--queries", "queries.jsonl", "--qrels", "out.txt", "--weights", "bad.toml"];
    for (arguments, said) in [
        (&bad[..], "weights.languages is -1"),
        (&["--queries", "none.jsonl", "--qrels", "out.txt"], "none.jsonl"),
        (&["--qrels", "out.txt"], "--queries"),
        (&["--queries", "queries.jsonl", "--outcomes", "x", "--qrels", "out.txt"], "cannot be used with"),
    ] {
        let refused = judge(folder.path(), arguments, "3\n");
        assert_eq!(refused.status.code(), Some(2), "{refused:?}");
        assert!(String::from_utf8(refused.stderr).unwrap().contains(said), "{said}");
    }
    assert_eq!(written().lines().count(), 3, "what is refused writes nothing");
}

const OUTCOMES: &str = r#"{"mentee": "m1", "mentor": "a", "outcome": "declined"}
{"mentee": "m1", "mentor": "b", "outcome": "helped", "when": "2026-01-01"}
{"mentee": "m2", "mentor": "a", "outcome": "met"}
{"mentee": "m2", "mentor": "a", "outcome": "helped"}

{"mentee": "m2", "mentor": "b", "outcome": "loved"}
{"mentee": "m2", "mentor": "m2", "outcome": "met"}
{"mentee": "m 3", "mentor": "a", "outcome": "met"}
{"mentee": "", "mentor": "a", "outcome": "met"}
{"mentee": "m4", "outcome": "met"}
not JSON
"#;

#[test]
fn outcomes_become_judgements_and_queries_by_member() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("outcomes.jsonl");
    fs::write(&file, OUTCOMES).unwrap();
    let mut problems = Vec::new();
    let outcomes = Outcomes::read(&file, &mut problems).unwrap();
    assert_eq!((outcomes.mentees(), outcomes.pairs()), (2, 3));
    let named: Vec<(ProblemKind, u64)> = problems.iter().map(|problem| (problem.kind, problem.line.unwrap())).collect();
    let malformed = [6, 7, 8, 9, 10, 11].map(|line| (ProblemKind::Malformed, line));
    assert_eq!(named, [&[(ProblemKind::Duplicate, 4)], &malformed[..]].concat());
    for (problem, said) in problems.iter().zip([
        "helped here and met before",
        "loved",
        "the mentee",
        "white space",
        "mentee: is empty",
        "mentor",
    ]) {
        assert!(problem.problem.contains(said), "{problem}");
    }

    let taken = judge(folder.path(), &["--outcomes", "outcomes.jsonl", "--qrels", "q.txt"], "");
    assert_eq!(taken.status.code(), Some(3), "{taken:?}");
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(read("q.txt"), "m1 0 a 0\nm1 0 b 2\nm2 0 a 2\n");
    assert_eq!(read("q.txt.queries.jsonl"), "{\"id\":\"m1\",\"member\":\"m1\"}\n{\"id\":\"m2\",\"member\":\"m2\"}\n");
    let queries = read_queries(&folder.path().join("q.txt.queries.jsonl"), &mut Vec::new()).unwrap();
    assert_eq!(queries.len(), 2);
    let again = judge(folder.path(), &["--outcomes", "outcomes.jsonl", "--qrels", "q.txt"], "");
    assert_eq!(again.status.code(), Some(2), "grades are never overwritten: {again:?}");
    fs::write(&file, "\n").unwrap();
    let empty = judge(folder.path(), &["--outcomes", "outcomes.jsonl", "--qrels", "r.txt"], "");
    assert!(empty.status.code() == Some(2) && !folder.path().join("r.txt").exists(), "{empty:?}");
}
