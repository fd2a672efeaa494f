//! Weights are learned where judgements tell something, and what each part is worth is told.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use rapport::evaluate::{DEPTH, Judgements, ablate, tune};
use rapport::member::Role;
use rapport::search::weights::{Feature, Weights};
use rapport::search::{SearchRequest, Searcher};
use tempfile::TempDir;

use crate::common::{models_dir, sample, wait};

/// A community in which good mentors are those of one's own trade, and nothing else counts.
fn trade_alone() -> Weights {
    let none = Feature::ALL.iter().fold(Weights::default(), |weights, feature| weights.with(*feature, 0.0));
    none.with(Feature::Industry, 1.0).with(Feature::Distance, 0.5)
}

/// Queries by so many members; relevant are the first five by these weights.
fn judged(searcher: &Searcher, weights: Weights, count: usize) -> (TempDir, PathBuf, PathBuf) {
    let searcher = searcher.with_weights(weights);
    let (mut queries, mut qrels) = (String::new(), String::new());
    for member in sample().members.iter().filter(|member| member.is(Role::Mentee)).take(count) {
        let request = SearchRequest { member: Some(member.id.clone()), k: Some(10), ..SearchRequest::default() };
        let Ok(ranking) = wait(searcher.ranking(request)) else { continue };
        let id = &member.id;
        writeln!(queries, r#"{{"id": "{id}", "member": "{id}"}}"#).unwrap();
        for candidate in ranking.iter().take(5) {
            writeln!(qrels, "{id} 0 {} 1", candidate.id).unwrap();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let (of_queries, of_qrels) = (folder.path().join("queries.jsonl"), folder.path().join("qrels.txt"));
    std::fs::write(&of_queries, queries).unwrap();
    std::fs::write(&of_qrels, qrels).unwrap();
    (folder, of_queries, of_qrels)
}

/// `rapport tune` on the sample: its exit code and what it said.
fn run(queries: &Path, qrels: &Path, out: &Path) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rapport"));
    command.arg("--index").arg(&sample().config.index).args(["--models", models_dir(), "tune", "--queries"]);
    command.arg(queries).arg("--qrels").arg(qrels).arg("--out").arg(out);
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn what_the_judges_went_by_is_learned_and_holds_for_others() {
    let searcher = &sample().searcher;
    let (_folder, queries, qrels) = judged(searcher, trade_alone(), 60);
    let judgements = Judgements::read(&queries, &qrels).unwrap();
    let tuning = wait(tune(searcher, &judgements, DEPTH, 7)).unwrap();
    assert!(tuning.holds(), "{tuning:?}");
    let held = tuning.by_queries;
    assert!(held.after.mean > held.before.mean + 0.1 && held.difference.low > 0.0 && held.p < 0.01, "{held:?}");
    assert!(tuning.by_members.difference.mean > 0.0, "{:?}", tuning.by_members);
    let part = |weights: &Weights| weights.industry / weights.profession.max(1e-6);
    assert!(part(&tuning.weights) > 2.0 * part(searcher.weights()), "{:?}", tuning.weights);
    assert_eq!(wait(tune(searcher, &judgements, DEPTH, 7)).unwrap(), tuning, "the same seed, the same weights");
}

#[test]
fn a_part_that_is_off_is_missed_where_it_counted() {
    let searcher = sample().searcher.with_weights(trade_alone());
    let (_folder, queries, qrels) = judged(&searcher, trade_alone(), 30);
    let judgements = Judgements::read(&queries, &qrels).unwrap();
    let ablated = wait(ablate(&searcher, &judgements, DEPTH)).unwrap();
    let of = |off: &str| ablated.iter().find(|ablated| ablated.off == off);
    let industry = of("feature industry").unwrap();
    assert!(industry.ndcg.difference.mean < -0.2 && industry.ndcg.p_holm < 0.05, "{industry:?}");
    assert!(industry.recall.before > 0.8, "the judges' own ranking finds most of them: {industry:?}");
    assert!(of("feature profession").is_none(), "it weighs nothing, so nothing is lost without it");
}

#[test]
fn too_few_queries_and_a_file_that_cannot_be_written_are_said() {
    let searcher = &sample().searcher;
    let (folder, queries, qrels) = judged(searcher, trade_alone(), 4);
    let (code, said) = run(&queries, &qrels, &folder.path().join("weights.toml"));
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("ten queries or more to learn from; 3 queries have somebody relevant"), "{said}");
    assert!(!folder.path().join("weights.toml").exists());

    let (more, queries, qrels) = judged(searcher, trade_alone(), 40);
    let (code, said) = run(&queries, &qrels, &more.path().join("no/such/folder.toml"));
    assert!(code == Some(1) && said.contains("cannot write") && said.contains("folder.toml"), "{said}");
    let written = more.path().join("weights.toml");
    assert_eq!(run(&queries, &qrels, &written).0, Some(0));
    let config = rapport::config::Config::read(&written).unwrap();
    assert!(config.weights.industry > config.weights.school, "{:?}", config.weights);
}
