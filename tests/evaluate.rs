//! Measuring matches: the ranking measured is the one people get, nothing is silently dropped, and a difference is told
//! from chance.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use rapport::evaluate::{
    Comparison, DEPTH, EvaluateError, JudgementError, Judgements, Metric, Problem, ProblemKind, Run, Scored, Worse,
    budget, check_not_worse, compare, evaluate, exposure_of, gate, rank_all, rank_queries,
};
use rapport::member::Member;
use rapport::sample::DEMO_TEXT;
use rapport::search::weights::{Feature, Weights};
use rapport::search::{SearchRequest, Searcher, Source};

use crate::common::{self, by_member, by_text, find, mentee, mentor, models_dir, sample, strings, wait};

/// Judgements from the text of both files.
fn judgements(queries: &str, qrels: &str) -> Result<Judgements, JudgementError> {
    let folder = tempfile::tempdir().unwrap();
    let (queries_file, qrels_file) = (folder.path().join("queries.jsonl"), folder.path().join("qrels.txt"));
    fs::write(&queries_file, queries).unwrap();
    fs::write(&qrels_file, qrels).unwrap();
    Judgements::read(&queries_file, &qrels_file)
}

/// The rankings of a run file's text, and what was wrong with it.
fn run_of(text: &str) -> (Result<Run, JudgementError>, Vec<Problem>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.run");
    fs::write(&file, text).unwrap();
    let mut problems = Vec::new();
    (Run::read(&file, &mut problems), problems)
}

#[test]
fn the_ranking_is_that_of_the_search() {
    let sample = sample();
    for searcher in [&sample.searcher, &sample.tight] {
        for request in [by_text(DEMO_TEXT), by_member(sample.members[0].id.as_str())] {
            let request = SearchRequest { k: Some(25), ..request };
            let answer = find(searcher, request.clone());
            let ranking = wait(searcher.ranking(request)).unwrap();
            assert!(ranking.len() > 25);
            for (hit, candidate) in answer.hits.iter().zip(&ranking) {
                assert_eq!((&hit.member.id, hit.score), (&candidate.id, candidate.score));
                assert_eq!(searcher.weights().match_of(&candidate.values), candidate.score);
                for part in &hit.contributions {
                    assert!((f64::from(candidate.value(part.feature)) - part.value).abs() < 1e-6);
                }
            }
        }
    }
}

#[test]
fn other_weights_and_fewer_sources_change_only_that() {
    let sample = sample();
    let request = by_member(sample.members[0].id.as_str());
    let all = wait(sample.tight.ranking(request.clone())).unwrap();
    let only = Feature::ALL.iter().fold(Weights::default(), |weights, feature| weights.with(*feature, 0.0));
    let only = sample.tight.with_weights(only.with(Feature::Profession, 2.0));
    let weighed = wait(only.ranking(request.clone())).unwrap();
    assert_eq!(weighed.len(), all.len(), "the candidates are the same");
    for candidate in &weighed {
        assert!((candidate.score - 2.0 * f64::from(candidate.value(Feature::Profession))).abs() < 1e-6);
    }
    let state = |searcher: &Searcher| wait(searcher.state()).unwrap();
    assert_eq!(state(&sample.tight), find(&sample.tight, request.clone()).state);
    let mut states = vec![state(&sample.tight), state(&only)];
    let mut brought = 0;
    for source in Source::ALL {
        let without = sample.tight.without(*source);
        let fewer = wait(without.ranking(request.clone())).unwrap();
        assert!(fewer.iter().all(|candidate| all.contains(candidate)), "{source:?} off brings nobody new");
        brought += usize::from(fewer.len() < all.len());
        states.push(state(&without));
    }
    assert!(brought >= 2, "some candidates come from one source alone");
    states.sort();
    states.dedup();
    assert_eq!(states.len(), 2 + Source::ALL.len(), "each has a state of its own: {states:?}");
}

#[test]
fn queries_are_ranked_in_their_order_and_facets_measured() {
    let sample = sample();
    let members: Vec<&str> = sample.members.iter().take(60).map(|member| member.id.as_str()).collect();
    let queries: String = members.iter().map(|id| format!("{{\"id\": \"q-{id}\", \"member\": {id:?}}}\n")).collect();
    let judgements = judgements(&queries, &format!("q-{} 0 x 1", members[0])).unwrap();
    let rankings = wait(rank_all(&sample.searcher, &judgements.queries, 20, |ranking| ranking)).unwrap();
    assert_eq!(rankings.len(), members.len());
    for (id, ranking) in members.iter().zip(rankings) {
        let request = SearchRequest { k: Some(20), ..by_member(id) };
        let alone = wait(sample.searcher.ranking(request));
        match (ranking, alone) {
            (Ok(ranking), Ok(alone)) => assert_eq!(ranking, alone),
            (ranking, alone) => assert!(ranking.is_err() && alone.is_err(), "{id}"),
        }
    }
    let wide = wait(sample.searcher.facet_recall(by_text(DEMO_TEXT))).unwrap();
    assert!(wide.profile.unwrap() > 0.9, "{wide:?}");
    let narrow = wait(sample.tight.with_ef(10).facet_recall(by_text(DEMO_TEXT))).unwrap();
    assert!((0.0..=1.0).contains(&narrow.profile.unwrap()));
}

const QUERY: &str = "{\"id\": \"q\", \"text\": \"a nurse\"}\n";
const QREL: &str = "q 0 a 1\n";

#[test]
fn what_is_wrong_with_judgements_is_named_with_its_line() {
    use ProblemKind::*;
    let long = format!("{{\"id\": \"w\", \"text\": {:?}}}", "word ".repeat(3_000));
    for (queries, qrels, kind, line, said) in [
        ("{\"id\": \"w\"", "", Malformed, 2, "EOF"),
        ("[1]", "", Malformed, 2, "expected"),
        ("{\"id\": \"w\", \"text\": \"x\"} {}", "", Malformed, 2, "text after the object"),
        ("{\"text\": \"a nurse\"}", "", Malformed, 2, "missing field `id`"),
        ("{\"id\": \"\", \"text\": \"a nurse\"}", "", Malformed, 2, "id: is \"\""),
        ("{\"id\": \"w w\", \"text\": \"a nurse\"}", "", Malformed, 2, "without white space"),
        ("{\"id\": \"w\"}", "", Malformed, 2, "expected exactly one of text, member"),
        ("{\"id\": \"w\", \"text\": \"x\", \"member\": \"m\"}", "", Malformed, 2, "expected exactly one of"),
        ("{\"id\": \"w\", \"text\": \"x\", \"shoe\": 44}", "", Malformed, 2, "shoe: is not a field of a query"),
        ("{\"id\": \"w\", \"profile\": {\"shoe\": 44}}", "", Malformed, 2, "profile.shoe: is not a field"),
        ("{\"id\": \"w\", \"profile\": {\"years_experience\": -1}}", "", Malformed, 2, "years_experience: "),
        ("{\"id\": \"w\", \"text\": \"x\", \"known\": \"all\"}", "", Malformed, 2, "known: unknown variant"),
        ("{\"id\": \"w\", \"text\": \"x\", \"filter\": {\"age\": 3}}", "", Malformed, 2, "filter"),
        ("{\"id\": \"w\", \"text\": \"?!\"}", "", Malformed, 2, "text: has no words"),
        (&long, "", Malformed, 2, "at most 10000"),
        ("\n{\"id\": \"q\", \"text\": \"a cook\"}", "", Duplicate, 3, "query \"q\" stands on line 1 already"),
        ("{\"id\": \"w\", \"text\": \"a cook\"}", "", NotJudged, 2, "query \"w\" has no judgements"),
        ("", "q 0 b", Malformed, 2, "has 3 columns; expected four"),
        ("", "q 0 b 1 x", Malformed, 2, "has 5 columns; expected four"),
        ("", "q 0 b good", Malformed, 2, "grade: is \"good\"; expected a whole number"),
        ("", "q 0 b 1.5", Malformed, 2, "grade: is \"1.5\""),
        ("", "q 0 b 99999999999", Malformed, 2, "grade: is \"99999999999\""),
        ("", "q 0 a 0", Duplicate, 2, "\"a\" is judged for \"q\" before; the first grade, 1, counts"),
        ("", "r 0 a 1\nr 0 b 1", UnknownQuery, 2, "query \"r\" is not in "),
        ("{\"id\": \"w\", \"text\": \"a cook\"}", "w 0 a 0", NothingRelevant, 2, "query \"w\" has nobody relevant"),
    ] {
        let judgements = judgements(&format!("{QUERY}{queries}"), &format!("{QREL}{qrels}")).unwrap();
        let [problem] = &judgements.problems[..] else { panic!("{queries} {qrels}: {:?}", judgements.problems) };
        assert_eq!((problem.kind, problem.line), (kind, Some(line)), "{queries} {qrels}: {problem}");
        assert!(problem.problem.contains(said), "{queries} {qrels}: {problem}");
        assert_eq!(judgements.qrels.of("q").unwrap()["a"], 1);
        assert_eq!(judgements.queries[0].id, "q");
    }
    let clean = judgements(&format!("\u{feff}{QUERY}\r\n\n"), "q\t0\ta\t-1\n\nq Q0 b 3").unwrap();
    assert_eq!((clean.problems.len(), clean.qrels.of("q").unwrap()["a"]), (0, -1));
}

#[test]
fn a_file_that_yields_nothing_is_an_error() {
    for (queries, qrels, said) in [
        ("", QREL, "queries.jsonl: holds no usable query"),
        ("\n \n", QREL, "queries.jsonl: holds no usable query"),
        ("{\"id\": 3}", QREL, "invalid type: integer `3`"),
        (QUERY, "", "qrels.txt: holds no usable judgement"),
        (QUERY, "q 0 a", "has 3 columns"),
    ] {
        let error = judgements(queries, qrels).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
        assert!(EvaluateError::from(error).is_callers());
    }
    let error = Judgements::read(Path::new("no/such.jsonl"), Path::new("no/such.txt")).unwrap_err();
    assert!(error.to_string().starts_with("cannot read no/such.jsonl"), "{error}");
}

#[test]
fn what_is_wrong_with_a_run_is_named_with_its_line() {
    use ProblemKind::*;
    let whole = "q Q0 a 1 0.9 t\nq Q0 b 2 0.5 t\n";
    assert_eq!(run_of(whole).1, []);
    assert_eq!(run_of("q Q0 a 0 0.9 t\nq Q0 b 1 0.5 t\n").1, [], "ranks may count from 0");
    assert_eq!(run_of("q Q0 b 2 0.5 t\nq Q0 a 1 0.9 t\n").1, [], "lines may stand in any order");
    for (lines, kind, line, said) in [
        ("q Q0 c 3 0.1", Malformed, 3, "has 5 columns; expected six"),
        ("q Q0 c 3 high t", Malformed, 3, "score: is \"high\""),
        ("q Q0 c 3 NaN t", Malformed, 3, "score: is no number"),
        ("q Q0 a 3 0.1 t", Duplicate, 3, "\"a\" is ranked for \"q\" before"),
        ("q Q0 c 3 0.5 t\nq Q0 d 4 0.5 t", Ties, 3, "2 places of query \"q\" have the score of another"),
        ("q Q0 c 3 0.5000000001 t", Ties, 2, "1 places of query \"q\""),
        ("q Q0 c 3 0.7 t", WrongRank, 3, "the rank of \"c\" for query \"q\" is 3; by its score it is 2"),
        ("q Q0 c last 0.1 t", WrongRank, 3, "is no number; by its score it is 3"),
    ] {
        let (run, problems) = run_of(&format!("{whole}{lines}"));
        let [problem] = &problems[..] else { panic!("{lines}: {problems:?}") };
        assert_eq!((problem.kind, problem.line), (kind, Some(line)), "{lines}: {problem}");
        assert!(problem.problem.contains(said), "{lines}: {problem}");
        assert_eq!(run.unwrap().ranking("q").unwrap()[0].member, "a");
    }
    for text in ["", "\n", "q Q0 a"] {
        assert!(run_of(text).0.unwrap_err().to_string().contains("holds no usable ranking"));
    }
    let (run, _) = run_of("q Q0 a 1 0.5 t\nq Q0 c 2 0.5 t\nq Q0 b 3 0.5 t\n");
    let order: Vec<String> = run.unwrap().ranking("q").unwrap().iter().map(|scored| scored.member.clone()).collect();
    assert_eq!(order, ["c", "b", "a"], "equal scores stand by id, the later first");
    let mut spaced = Run::default();
    spaced.insert("q", vec![Scored { member: "a b".into(), score: 1.0 }]);
    let error = spaced.write("t", &mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("\"a b\" holds white space"), "{error}");
}

/// Four mentors of different trades, one who is away, and two who seek.
fn trades() -> Vec<Member> {
    let trade = |id: &str, profession: &str, interest: &str| Member {
        name: Some(format!("Name of {id}")),
        profession: Some(profession.into()),
        interests: strings(&[interest]),
        ..mentor(id)
    };
    vec![
        trade("nurse", "Registered nurse", "triage"),
        trade("cook", "Pastry cook", "bread"),
        trade("carpenter", "Carpenter", "oak"),
        trade("pilot", "Airline pilot", "gliding"),
        Member { paused: true, ..trade("away", "Carpenter", "oak") },
        Member { aims_for: Some("Carpenter".into()), name: Some("Kim".into()), ..mentee("kim") },
        Member { adult: Some(false), ..mentee("young") },
    ]
}

const QUERIES: &str = r#"{"id": "q1", "profession": "Registered nurse", "group": "care"}
{"id": "q2", "member": "kim", "group": "craft"}
{"id": "q3", "text": "I want to bake bread and cakes"}
{"id": "q4", "profession": "Airline pilot", "filter": {"city": ["Paris"]}}
{"id": "q5", "member": "young"}
{"id": "q6", "member": "nobody"}
{"id": "q7", "profession": "Carpenter"}
"#;

const QRELS: &str =
    "q1 0 nurse 2\nq1 0 gone 1\nq2 0 carpenter 1\nq2 0 nurse 0\nq3 0 cook 1\nq4 0 pilot 1\nq5 0 cook 1\nq6 0 cook 1\n";

/// Their index in the build folder, with the judgements beside it, built by the program once.
fn indexed() -> &'static Path {
    static INDEXED: OnceLock<PathBuf> = OnceLock::new();
    INDEXED.get_or_init(|| {
        common::embedder();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("evaluate");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let lines: String = trades().iter().map(|member| serde_json::to_string(member).unwrap() + "\n").collect();
        fs::write(folder.join("members.jsonl"), lines).unwrap();
        fs::write(folder.join("queries.jsonl"), QUERIES).unwrap();
        fs::write(folder.join("qrels.txt"), QRELS).unwrap();
        assert_eq!(run(&folder, &["import", "members.jsonl"]).0, 0);
        assert_eq!(run(&folder, &["rebuild"]).0, 0);
        folder
    })
}

/// Runs the program and gives its exit code, what it printed and what it said.
fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_rapport"))
        .current_dir(folder)
        .env_remove("RAPPORT_LOG")
        .args(["--index", "index", "--models", models_dir()])
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

const ASK: [&str; 5] = ["evaluate", "--queries", "queries.jsonl", "--qrels", "qrels.txt"];

#[test]
fn figures_are_those_of_the_rankings() {
    let folder = indexed();
    let (code, out, err) = run(folder, &[&ASK[..], &["--json", "--run", "out.run"]].concat());
    assert_eq!(code, 3, "queries were left out: {err}");
    let found: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(found["queries"], 4, "q1 to q4; q5 and q6 cannot be asked, q7 is not judged");
    assert_eq!(found["depth"], 100);
    let of = |name: &str, from: &serde_json::Value| {
        let metrics = from["metrics"].as_array().unwrap();
        metrics.iter().find(|metric| metric["metric"] == name).unwrap()["mean"].as_f64().unwrap()
    };
    // q1: grade 2 first, with an ideal of 2 + 1 / log2(3); q2 and q3: found first; q4: nobody lives in Paris.
    let q1 = 2.0 / (2.0 + 1.0 / 3f64.log2());
    for (name, expected) in [
        ("nDCG@10", (q1 + 1.0 + 1.0) / 4.0),
        ("RR", 3.0 / 4.0),
        ("MAP", (0.5 + 1.0 + 1.0) / 4.0),
        ("R@100", (0.5 + 1.0 + 1.0) / 4.0),
        ("P@10", 0.3 / 4.0),
        // Of four shown, three, two and three are not judged.
        ("unjudged@10", (0.75 + 0.5 + 0.75) / 4.0),
    ] {
        assert!((of(name, &found) - expected).abs() < 1e-9, "{name}: {} is not {expected}", of(name, &found));
    }
    let groups = found["groups"].as_array().unwrap();
    assert_eq!(groups.iter().map(|group| group["group"].as_str().unwrap()).collect::<Vec<_>>(), ["care", "craft"]);
    assert!((of("nDCG@10", &groups[0]) - q1).abs() < 1e-9 && groups[0]["queries"] == 1);
    let exposure = &found["exposure"];
    assert_eq!((&exposure["shown"], &exposure["findable"], &exposure["coverage"]), (&4.into(), &4.into(), &1.0.into()));
    assert!(found["latency"]["median_ms"].as_f64().unwrap() > 0.0);
    assert_eq!(found["retrieval"]["profile"], serde_json::Value::Null, "everyone is ranked");
    let kinds: Vec<(&str, u64)> = found["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| (problem["kind"].as_str().unwrap(), problem["line"].as_u64().unwrap()))
        .collect();
    assert_eq!(kinds, [("not_judged", 7), ("unknown_member", 2), ("not_available", 5), ("not_available", 6)]);

    let written = fs::read_to_string(folder.join("out.run")).unwrap();
    let first: Vec<&str> = written.lines().next().unwrap().split(' ').collect();
    assert_eq!(first[..4], ["q1", "Q0", "nurse", "1"]);
    assert_eq!(first[5], found["state"].as_str().unwrap());
    assert_eq!(written.lines().count(), 16, "four each for q1, q2, q3 and q7");

    let (code, text, said) = run(folder, &ASK);
    assert_eq!(code, 3);
    for line in ["4 queries on gen-000001+0.0.", "nDCG@10", "95 % interval", "care (1 queries)", "4 of 4 mentors"] {
        assert!(text.contains(line), "{line:?} is not in {text}");
    }
    for line in [
        "1 queries without judgements; not measured\n  queries.jsonl:7: query \"q7\"",
        "2 queries that cannot be asked; left out\n  queries.jsonl:5: ",
        "1 members who are not in the index",
        "whole searches, one at a time",
    ] {
        assert!(said.contains(line), "{line:?} is not in {said}");
    }
    let (_, again, _) = run(folder, &ASK);
    assert_eq!(again, text, "the same judgements and index give the same figures");
}

#[test]
fn exit_codes_tell_whose_fault_it_was() {
    let folder = indexed();
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    write("empty", "");
    write("good.jsonl", QUERIES.lines().next().unwrap());
    write("good.txt", "q1 0 nurse 1");
    write("nobody.jsonl", "{\"id\": \"q1\", \"member\": \"nobody\"}");
    write("other.txt", "x 0 nurse 1");
    write("text.run", "this is no run\n");
    let good = &["--queries", "good.jsonl", "--qrels", "good.txt"];
    for (arguments, code, said) in [
        (&["--queries", "good.jsonl", "--qrels", "good.txt"][..], 0, "whole searches"),
        (&["--queries", "good.jsonl"], 2, "--qrels"),
        (&["--queries", "missing", "--qrels", "good.txt"], 2, "cannot read missing"),
        (&["--queries", "empty", "--qrels", "good.txt"], 2, "empty: holds no usable query"),
        (&["--queries", "good.jsonl", "--qrels", "empty"], 2, "empty: holds no usable judgement"),
        (&["--queries", "nobody.jsonl", "--qrels", "good.txt"], 2, "holds no usable query to measure"),
        (&["--queries", "good.jsonl", "--qrels", "other.txt"], 2, "query \"x\" is not in good.jsonl"),
        (&[good, &["--depth", "0"][..]].concat(), 2, "--depth"),
        (&[good, &["--depth", "1001"][..]].concat(), 2, "--depth"),
        (&[good, &["--baseline", "missing"][..]].concat(), 2, "missing is no file, and no generation in index"),
        (&[good, &["--baseline", "gen-000009"][..]].concat(), 2, "gen-000009 is no file"),
        (&[good, &["--baseline", "text.run"][..]].concat(), 2, "text.run: holds no usable ranking"),
        (&[good, &["--run", "no/such/folder"][..]].concat(), 1, "cannot write no/such/folder"),
    ] {
        let (found, out, err) = run(folder, &[&["evaluate"], arguments].concat());
        assert_eq!(found, code, "{arguments:?}: {err}");
        assert!(err.contains(said), "{arguments:?}: {err}");
        assert!(code == 0 || out.is_empty(), "{arguments:?}: {out}");
    }
}

#[test]
fn a_run_a_generation_and_other_weights_serve_as_baseline() {
    let folder = indexed();
    // The baseline finds the nurse last, knows a query that we do not ask, and nothing of q2.
    let baseline =
        "q1 Q0 cook 1 0.9 t\nq1 Q0 pilot 2 0.8 t\nq1 Q0 nurse 3 0.7 t\nq3 Q0 cook 1 0.9 t\nx Q0 cook 1 1 t\n";
    fs::write(folder.join("before.run"), baseline).unwrap();
    let (code, out, err) = run(folder, &[&ASK[..], &["--baseline", "before.run", "--json"]].concat());
    assert_eq!(code, 3, "{err}");
    let found: serde_json::Value = serde_json::from_str(&out).unwrap();
    let comparison = &found["comparison"];
    assert_eq!(comparison["queries"], 2, "q1 and q3");
    let ndcg = &comparison["metrics"][0];
    assert_eq!((&ndcg["metric"], &ndcg["wins"], &ndcg["losses"]), (&"nDCG@10".into(), &1.into(), &0.into()));
    // The nurse rises from the third place to the first in one of the two queries.
    let gain = (2.0 - 2.0 / 4f64.log2()) / (2.0 + 1.0 / 3f64.log2()) / 2.0;
    assert!((ndcg["difference"]["mean"].as_f64().unwrap() - gain).abs() < 1e-9, "{ndcg}");
    let win = &comparison["wins"][0];
    assert_eq!((&win["query"], &win["said"]), (&"q1".into(), &"aims for Registered nurse".into()));
    let top = &win["top_after"][0];
    assert_eq!(top["said"], "Name of nurse; Registered nurse; interested in triage");
    assert_eq!((&win["top_before"][0]["member"], &top["grade"]), (&"cook".into(), &2.into()));
    let kinds: Vec<&str> =
        comparison["problems"].as_array().unwrap().iter().map(|p| p["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["unknown_query", "not_in_run", "not_in_run", "not_in_run", "not_in_run"]);

    let (_, text, _) = run(folder, &[&ASK[..], &["--baseline", "before.run"]].concat());
    for line in ["against before.run, 2 queries in both", "p (Holm)", "won: aims for Registered nurse (q1), nDCG@10 "] {
        assert!(text.contains(line), "{line:?} is not in {text}");
    }
    let (_, out, err) = run(folder, &[&ASK[..], &["--baseline", "gen-000001", "--json"]].concat());
    let found: serde_json::Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {err}"));
    assert_eq!(found["comparison"]["queries"], 4);
    for metric in found["comparison"]["metrics"].as_array().unwrap() {
        assert_eq!((&metric["difference"]["mean"], &metric["p"]), (&0.0.into(), &1.0.into()));
    }
    fs::write(folder.join("words-only.toml"), "[weights]\nprofession = 0.0\nwords_in_common = 5.0\n").unwrap();
    let (_, out, err) = run(folder, &[&ASK[..], &["--baseline", "words-only.toml", "--json"]].concat());
    let found: serde_json::Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {err}"));
    assert_eq!(found["comparison"]["queries"], 4);
    let (code, _, err) = run(folder, &[&ASK[..], &["--baseline", "no-such.toml"]].concat());
    assert!(code == 2 && err.contains("no-such.toml is no file"), "{err}");
}

/// Two runs for so many queries, of which the first so many have the relevant member first in the one and second in the
/// other.
fn two_runs(queries: usize, better: usize) -> (Judgements, Comparison) {
    let lines: String = (0..queries).map(|at| format!("{{\"id\": \"q{at}\", \"text\": \"a nurse\"}}\n")).collect();
    let qrels: String = (0..queries).map(|at| format!("q{at} 0 good 1\n")).collect();
    let judgements = judgements(&lines, &qrels).unwrap();
    let (mut before, mut after) = (Run::default(), Run::default());
    for at in 0..queries {
        let ranking = |good| vec![scored("good", good), scored("other", 0.5)];
        before.insert(&format!("q{at}"), ranking(0.1));
        after.insert(&format!("q{at}"), ranking(if at < better { 0.9 } else { 0.1 }));
    }
    let comparison = compare(&judgements, &before, &after);
    (judgements, comparison)
}

fn scored(member: &str, score: f64) -> Scored {
    Scored { member: member.into(), score }
}

#[test]
fn a_difference_is_told_from_chance() {
    let (_, same) = two_runs(30, 0);
    let (_, few) = two_runs(30, 2);
    let (_, many) = two_runs(30, 25);
    for compared in &same.metrics {
        assert_eq!((compared.difference.mean, compared.p, compared.p_holm), (0.0, 1.0, 1.0));
    }
    let rr = |comparison: &Comparison| *comparison.of(Metric::ReciprocalRank).unwrap();
    assert!(rr(&few).p > 0.2 && rr(&few).difference.low == 0.0, "{:?}", rr(&few));
    assert!(rr(&many).p_holm < 0.01 && rr(&many).difference.low > 0.3, "{:?}", rr(&many));
    assert!((rr(&many).difference.mean - 0.5 * 25.0 / 30.0).abs() < 1e-12);
    assert_eq!((rr(&many).wins, rr(&many).losses, many.wins.len(), many.losses.len()), (25, 0, 20, 0));
    assert!(many.metrics.iter().all(|compared| compared.p <= compared.p_holm));
}

#[test]
fn a_gate_holds_where_matches_are_no_worse_than_the_margin_allows() {
    let (_, same) = two_runs(40, 0);
    let (_, better) = two_runs(40, 10);
    let metric = Metric::ReciprocalRank;
    let turned = |mut comparison: Comparison| {
        for compared in &mut comparison.metrics {
            let (low, high) = (compared.difference.low, compared.difference.high);
            compared.difference.mean = -compared.difference.mean;
            (compared.difference.low, compared.difference.high) = (-high, -low);
        }
        comparison
    };
    // A quarter of the queries fall by a half: by 0.125, in the interval from 0.06 to 0.2.
    let worse = turned(better.clone());
    for (comparison, margin, holds) in
        [(&same, 0.0, true), (&better, 0.0, true), (&worse, 0.3, true), (&worse, 0.15, false), (&worse, 0.0, false)]
    {
        let checked = check_not_worse(comparison, metric, margin);
        assert_eq!(checked.is_ok(), holds, "{margin}: {checked:?}");
    }
    let told = check_not_worse(&worse, metric, 0.01).unwrap_err().to_string();
    assert!(told.contains("RR may have fallen by more than 0.01") && told.contains("on 40 queries"), "{told}");
    let none = Comparison { queries: 0, ..same };
    assert_eq!(check_not_worse(&none, metric, 1.0), Err(Worse::NothingCompared));
}

#[test]
fn two_searchers_can_be_gated() {
    let sample = sample();
    let may_ask = |member: &&Member| member.aims_for.is_some() && member.adult == Some(true);
    let seekers = sample.members.iter().filter(may_ask).take(30);
    let (mut queries, mut qrels) = (String::new(), String::new());
    for seeker in seekers {
        queries += &format!("{{\"id\": \"q-{0}\", \"member\": \"{0}\"}}\n", seeker.id);
        for mentor in sample.members.iter().filter(|mentor| mentor.profession == seeker.aims_for) {
            qrels += &format!("q-{} 0 {} 1\n", seeker.id, mentor.id);
        }
    }
    let judgements = judgements(&queries, &qrels).unwrap();
    let live = &sample.searcher;
    wait(gate(live, live, &judgements, 0.0)).unwrap();
    let blind = live.with_weights(Weights::default().with(Feature::Profession, 0.0));
    let error = wait(gate(live, &blind, &judgements, 0.01)).unwrap_err();
    assert!(error.to_string().starts_with("nDCG@10 may have fallen by more than 0.01"), "{error}");
    let (run, problems) = wait(rank_queries(live, &judgements, 5)).unwrap();
    assert!(problems.is_empty() && run.rankings().all(|(_, ranking)| ranking.len() <= 5));
    let (evaluation, _) = wait(evaluate(live, &judgements, DEPTH)).unwrap();
    let ndcg = evaluation.metrics[0].estimate;
    assert!(ndcg.low < ndcg.mean && ndcg.mean < ndcg.high, "{ndcg:?}");
}

#[test]
fn a_budget_of_attention_shows_mentors_more_evenly_at_a_price_that_is_told() {
    let (mut queries, mut qrels) = (String::new(), String::new());
    for member in sample().members.iter().filter(|member| member.adult != Some(false)) {
        let of_profession = |mentor: &&Member| mentor.profession.is_some() && mentor.profession == member.aims_for;
        let relevant: Vec<&Member> = sample().members.iter().filter(of_profession).collect();
        if !relevant.is_empty() {
            queries += &format!("{{\"id\": \"q-{0}\", \"member\": {0:?}}}\n", member.id.as_str());
            qrels.extend(relevant.iter().map(|mentor| format!("q-{} 0 {} 1\n", member.id, mentor.id)));
        }
    }
    let judgements = judgements(&queries, &qrels).unwrap();
    let settings = wait(budget(&sample().searcher, &judgements, &[0.3, 0.05], |_| 3)).unwrap();
    let [none, little, much] = &settings[..] else { panic!("{settings:?}") };
    assert_eq!((none.exposure, little.exposure, much.exposure), (0.0, 0.05, 0.3));
    assert!(none.gini > little.gini && little.gini > much.gini, "{settings:?}");
    assert!(none.top_tenth > much.top_tenth && none.coverage < much.coverage, "{settings:?}");
    assert_eq!((none.ndcg.difference.mean, none.ndcg.p), (0.0, 1.0));
    assert!((much.ndcg.after - much.ndcg.before - much.ndcg.difference.mean).abs() < 1e-9);
    // Without the budget it is what everybody is shown.
    let (evaluation, run) = wait(evaluate(&sample().searcher, &judgements, 10)).unwrap();
    let shown = wait(exposure_of(&sample().searcher, &run, &[])).unwrap();
    assert!(
        (shown.gini - none.gini).abs() < 1e-6 && (evaluation.metrics[0].estimate.mean - none.ndcg.after).abs() < 1e-6
    );

    let wrong = wait(budget(&sample().searcher, &judgements, &[1.5], |_| 1)).unwrap_err();
    assert_eq!(wrong.to_string(), "exposure: is 1.5; expected 0 to 1");
}
