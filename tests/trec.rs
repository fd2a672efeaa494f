//! Metrics are trec_eval's, to the last digits: on random runs with ties and grades, and on a run of our own.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rapport::evaluate::{DEPTH, Judgements, Metric, ProblemKind, QueryResult, Run, Scored, evaluate, score};
use tempfile::TempDir;

use crate::common::{sample, wait};

const WHEEL: &str = "pytrec-eval-terrier==0.5.11";

/// Our metrics by trec_eval's names.
const NAMES: [(Metric, &str); 6] = [
    (Metric::Ndcg(10), "ndcg_cut_10"),
    (Metric::ReciprocalRank, "recip_rank"),
    (Metric::AveragePrecision, "map"),
    (Metric::Recall(10), "recall_10"),
    (Metric::Recall(100), "recall_100"),
    (Metric::Precision(10), "P_10"),
];

fn python(arguments: &[&str]) -> Command {
    let mut python = Command::new("python3");
    python.args(arguments);
    python
}

/// What a command prints; a command that fails ends the test with all that it said.
fn said(mut command: Command, needed: &str) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{needed}: {command:?}: {error}"));
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{needed}: {command:?} ended with {}:\n{err}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// Where pytrec_eval lies in the build folder; fetched by the first test that needs it. Tests side by side, in other
/// processes too, each fetch it into a folder of their own, and the first to be done gives it its name.
fn pytrec() -> &'static Path {
    static FETCHED: OnceLock<PathBuf> = OnceLock::new();
    FETCHED.get_or_init(|| {
        let needed = "this test needs Python with pip, to fetch pytrec_eval (on Debian: apt-get install python3-pip)";
        let tag = said(python(&["-c", "import sys; print(sys.implementation.cache_tag)"]), needed);
        let build = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let place = build.join(format!("{}-{}", WHEEL.replace("==", "-"), tag.trim()));
        if !place.exists() {
            let beside = tempfile::tempdir_in(build).unwrap();
            let mut pip = python(&["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]);
            pip.args(["--no-deps", "--only-binary=:all:", "--target"]).arg(beside.path()).arg(WHEEL);
            said(pip, needed);
            // Refused where somebody else was faster: then theirs is there.
            let renamed = fs::rename(beside.path(), &place);
            assert!(renamed.is_ok() || place.exists(), "{renamed:?}");
        }
        place
    })
}

/// trec_eval's values, by query and by measure.
fn trec_eval(qrels: &Path, run: &Path) -> BTreeMap<String, BTreeMap<String, f64>> {
    let mut command = python(&[concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/trec_eval.py")]);
    command.arg(qrels).arg(run).env("PYTHONPATH", pytrec());
    serde_json::from_str(&said(command, "pytrec_eval must run")).unwrap()
}

fn assert_same(ours: &[QueryResult], theirs: &BTreeMap<String, BTreeMap<String, f64>>) {
    assert_eq!(ours.len(), theirs.len());
    for result in ours {
        for (metric, name) in NAMES {
            let (ours, theirs) = (result.metrics[&metric], theirs[&result.id][name]);
            assert!((ours - theirs).abs() < 1e-9, "{name} of {}: {ours}, not {theirs}", result.id);
        }
    }
}

/// Queries, judgements with grades from -1 to 3, and a run of which many scores are the same, some only as 32-bit
/// numbers. Some queries have nobody relevant, some members are ranked and not judged or judged and not ranked.
fn random(seed: u64, folder: &Path) -> (Judgements, Run) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (mut queries, mut qrels, mut run) = (String::new(), String::new(), Run::default());
    for query in 0..60 {
        writeln!(queries, "{{\"id\": \"q{query}\", \"text\": \"a nurse\"}}").unwrap();
        let relevant = random.random_range(0..10) > 0;
        for member in 0..200 {
            if random.random_range(0..4) == 0 {
                let grade = if relevant { random.random_range(-1..=3) } else { random.random_range(-1..=0) };
                writeln!(qrels, "q{query} 0 m{member} {grade}").unwrap();
            }
        }
        let steps = [3, 40, 100_000][query % 3];
        let ranked = random.random_range(1..=200);
        let mut scored = |member| {
            let close = f64::from(random.random_range(0..2)) * 1e-9;
            Scored { member: format!("m{member}"), score: f64::from(random.random_range(0..steps)) / 7.0 + close }
        };
        run.insert(&format!("q{query}"), (0..ranked).map(|member| scored((member * 7 + query) % 200)).collect());
    }
    let (queries_file, qrels_file) = (folder.join("queries.jsonl"), folder.join("qrels.txt"));
    fs::write(&queries_file, queries).unwrap();
    fs::write(&qrels_file, qrels).unwrap();
    let mut out = Vec::new();
    run.write("random", &mut out).unwrap();
    fs::write(folder.join("run.txt"), out).unwrap();
    (Judgements::read(&queries_file, &qrels_file).unwrap(), run)
}

#[test]
fn random_runs_are_measured_as_trec_eval_measures_them() {
    for seed in 0..5 {
        let folder: TempDir = tempfile::tempdir().unwrap();
        let (judgements, run) = random(seed, folder.path());
        assert!(run.ties() > 1_000, "a test of ties has ties");
        assert!(judgements.problems.iter().any(|problem| problem.kind == ProblemKind::NothingRelevant));
        let theirs = trec_eval(&folder.path().join("qrels.txt"), &folder.path().join("run.txt"));
        assert_same(&score(&judgements, &run), &theirs);
        let mut problems = Vec::new();
        let read = Run::read(&folder.path().join("run.txt"), &mut problems).unwrap();
        assert_eq!(read, run, "what is written reads back");
        assert!(problems.iter().all(|problem| problem.kind == ProblemKind::Ties), "{:?}", problems.first());
    }
}

/// Members of the sample seek; relevant is who is what they aim for, the more interests are shared the more.
#[test]
fn a_run_of_our_own_is_measured_as_trec_eval_measures_it() {
    let sample = sample();
    let folder = tempfile::tempdir().unwrap();
    let (mut queries, mut qrels) = (String::new(), String::new());
    for (number, seeker) in sample.members.iter().filter(|member| member.aims_for.is_some()).take(40).enumerate() {
        let by = match number % 3 {
            0 => format!("\"member\": {:?}", seeker.id.as_str()),
            1 => format!("\"profession\": {:?}", seeker.aims_for.as_deref().unwrap()),
            _ => format!("\"text\": \"I want to be a {}\"", seeker.aims_for.as_deref().unwrap()),
        };
        writeln!(queries, "{{\"id\": \"q{number}\", {by}}}").unwrap();
        for mentor in sample.members.iter().filter(|mentor| mentor.profession == seeker.aims_for) {
            let shared = mentor.interests.iter().filter(|interest| seeker.interests.contains(interest)).count();
            writeln!(qrels, "q{number} 0 {} {}", mentor.id, 1 + shared).unwrap();
        }
    }
    let (queries_file, qrels_file) = (folder.path().join("queries.jsonl"), folder.path().join("qrels.txt"));
    fs::write(&queries_file, queries).unwrap();
    fs::write(&qrels_file, qrels).unwrap();
    let judgements = Judgements::read(&queries_file, &qrels_file).unwrap();
    let (evaluation, run) = wait(evaluate(&sample.searcher, &judgements, DEPTH)).unwrap();
    let mut out = Vec::new();
    run.write(&evaluation.state, &mut out).unwrap();
    let run_file = folder.path().join("run.txt");
    fs::write(&run_file, out).unwrap();
    let theirs = trec_eval(&qrels_file, &run_file);
    assert!(evaluation.per_query.len() > 20, "{}", evaluation.per_query.len());
    let judged = |query: &String| judgements.qrels.of(query).is_some();
    assert_same(&evaluation.per_query, &theirs.into_iter().filter(|(query, _)| judged(query)).collect());
    assert!(evaluation.metrics[0].estimate.mean > 0.3, "{:?}", evaluation.metrics);
}
