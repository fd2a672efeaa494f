//! The program as people run it: what it prints, what it says when something is wrong, and its exit codes.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use rapport::member::{Education, Member, Place};
use rapport::search::Answer;
use tempfile::TempDir;

use crate::common::{self, ids_of, mentee, mentor, models_dir, strings};

/// What the program said and did.
#[derive(Debug)]
struct Outcome {
    code: i32,
    out: String,
    err: String,
}

fn start(folder: &Path, arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_rapport"))
        .current_dir(folder)
        .env_remove("RAPPORT_LOG")
        .args(["--index", "index", "--models", models_dir()])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn run_on(folder: &Path, arguments: &[&str], input: &[u8]) -> Outcome {
    let mut child = start(folder, arguments);
    // A program that does not read its input closes it.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Outcome { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

fn run(folder: &Path, arguments: &[&str]) -> Outcome {
    run_on(folder, arguments, b"")
}

fn done(outcome: Outcome) -> String {
    assert_eq!(outcome.code, 0, "{outcome:?}");
    outcome.out
}

/// Eight people, written by hand.
fn neighbours() -> Vec<Member> {
    let text = |text: &str| Some(text.to_owned());
    let boston = |lat, lon| Place {
        city: text("Boston"),
        region: text("MA"),
        country: text("US"),
        lat: Some(lat),
        lon: Some(lon),
    };
    vec![
        Member {
            name: text("Sam"),
            profession: text("Nursing assistant"),
            aims_for: text("Registered nurse"),
            seeks: text("somebody who knows the licence exam"),
            facing: strings(&["afraid of exams"]),
            interests: strings(&["jazz", "running"]),
            years_experience: Some(2.0),
            location: Some(boston(42.36, -71.06)),
            education: vec![Education { school: text("UMass"), ..Education::default() }],
            languages: strings(&["en", "es"]),
            time_zone: text("America/New_York"),
            friends: ids_of(&["lin", "kim", "old-friend"]),
            ..mentee("sam")
        },
        Member {
            name: text("Ada N."),
            headline: text("Emergency nurse and tutor"),
            profession: text("Registered nurse"),
            industry: text("Healthcare"),
            offers: text("how to pass the nursing licence exam"),
            overcame: strings(&["failed my first exam"]),
            interests: strings(&["jazz", "marathons"]),
            years_experience: Some(12.0),
            location: Some(boston(42.34, -71.10)),
            education: vec![Education { school: text("umass"), ..Education::default() }],
            languages: strings(&["en", "es"]),
            time_zone: text("America/New_York"),
            friends: ids_of(&["lin", "kim"]),
            capacity: Some(2),
            ..mentor("ada")
        },
        // A name that would clear the screen, ring the bell and turn the line's direction.
        Member {
            name: text("Mal\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}lory"),
            headline: text("Carpenter\u{1b}[31m"),
            profession: text("Carpenter"),
            interests: strings(&["jazz"]),
            languages: strings(&["en"]),
            ..mentor("mallory")
        },
        Member {
            name: text("Bo"),
            headline: text("Plumber"),
            profession: text("Plumber"),
            location: Some(Place { country: text("DE"), ..Place::default() }),
            ..mentor("bo")
        },
        Member { name: text("Old Friend"), ..mentor("old-friend") },
        Member { name: text("Lin"), ..mentee("lin") },
        Member { name: text("Kim"), private: strings(&["name"]), ..mentee("kim") },
        Member { adult: Some(false), ..mentee("young") },
    ]
}

/// Their index, built by the program once.
fn index() -> &'static Path {
    static INDEX: OnceLock<std::path::PathBuf> = OnceLock::new();
    INDEX.get_or_init(|| {
        common::embedder();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let lines: Vec<u8> = neighbours()
            .iter()
            .flat_map(|member| serde_json::to_vec(member).unwrap().into_iter().chain(*b"\n"))
            .collect();
        assert_eq!(done(run_on(&folder, &["import", "-"], &lines)), "8 added, 0 changed, 0 unchanged, 0 set aside\n");
        let built = done(run(&folder, &["rebuild"]));
        assert!(built.starts_with("Published index/gen-000001: 8 members, 4 mentors to be found, "), "{built}");
        folder
    })
}

#[test]
fn an_answer_reads_like_this() {
    let out = done(run(index(), &["search", "--member", "sam", "-k", "2"]));
    insta::assert_snapshot!(out);
}

#[test]
fn a_text_is_answered_like_this() {
    let out =
        done(run(index(), &["search", "I want to become a registered nurse but I am afraid of exams", "-k", "1"]));
    insta::assert_snapshot!(out);
}

#[test]
fn sample_import_rebuild_status_search() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| run(folder.path(), arguments);
    let community = done(run(&["sample", "--members", "80", "--seed", "3", "--out", "-"]));
    assert_eq!(community.lines().count(), 80);
    done(run(&["sample", "--members", "80", "--seed", "3", "--out", "members.jsonl"]));
    assert_eq!(fs::read_to_string(folder.path().join("members.jsonl")).unwrap(), community);
    done(run_on(folder.path(), &["import", "-"], community.as_bytes()));
    let before = done(run(&["status"]));
    assert!(before.contains("80 in the database") && before.contains("run `rapport rebuild`"), "{before}");
    done(run(&["rebuild"]));
    let status = done(run(&["status", "--verify"]));
    for said in
        ["80 in the database, 0 changes", "gen-000001", "all-MiniLM-L6-v2, 384 dimensions", "checksums verified"]
    {
        assert!(status.contains(said), "{said:?} is not in {status}");
    }
    let json: serde_json::Value = serde_json::from_str(&done(run(&["status", "--json"]))).unwrap();
    assert_eq!(json["manifest"]["counts"]["members"], 80);
    let found: Answer = serde_json::from_str(&done(run(&["search", "a nurse", "--json", "-k", "7"]))).unwrap();
    assert_eq!(found.hits.len(), 7);
}

#[test]
fn json_has_the_shape_of_the_design() {
    for arguments in [&["--member", "sam", "--known", "include"][..], &["a nurse who likes jazz"]] {
        let arguments = [&["search", "--json"], arguments].concat();
        let out = done(run(index(), &arguments));
        assert_eq!(out.lines().count(), 1);
        let answer: serde_json::Value = serde_json::from_str(&out).unwrap();
        let state = answer["state"].as_str().unwrap();
        assert!(state.starts_with("gen-000001+0.0.") && state.len() == "gen-000001+0.0.".len() + 8, "{state}");
        for hit in answer["hits"].as_array().unwrap() {
            for field in ["rank", "score", "match", "member", "contributions", "adjustments", "points_in_common"] {
                assert!(hit.get(field).is_some(), "{field} is not in {hit}");
            }
            assert!(hit["member"]["id"].is_string());
            for part in hit["contributions"].as_array().unwrap() {
                for field in ["value", "weight", "contribution"] {
                    assert!(part[field].is_f64(), "{part}");
                }
            }
            for point in hit["points_in_common"].as_array().unwrap() {
                assert!(point["feature"].is_string() && point["text"].is_string() && point["evidence"].is_object());
            }
        }
        serde_json::from_str::<Answer>(&out).unwrap();
    }
}

/// The ids that a search finds.
fn found(arguments: &[&str]) -> Vec<String> {
    let out = done(run(index(), &[&["search", "--json"], arguments].concat()));
    serde_json::from_str::<Answer>(&out).unwrap().hits.into_iter().map(|hit| hit.member.id).collect()
}

#[test]
fn flags_choose_who_seeks_and_who_is_found() {
    fs::write(index().join("profile.json"), "{\"aims_for\": \"Carpenter\"}").unwrap();
    let sorted = |arguments: &[&str]| {
        let mut found = found(arguments);
        found.sort();
        found
    };
    assert_eq!(found(&["--member", "sam"])[0], "ada");
    assert_eq!(found(&["--profile", "profile.json"])[0], "mallory");
    assert_eq!(found(&["a carpenter"])[0], "mallory");
    assert_eq!(sorted(&["--profile", "profile.json"]), ["ada", "bo", "mallory", "old-friend"]);
    assert_eq!(sorted(&["--member", "sam"]), ["ada", "bo", "mallory"]);
    assert_eq!(sorted(&["--member", "sam", "--known", "include"]), ["ada", "bo", "mallory", "old-friend"]);
    assert_eq!(found(&["--member", "sam", "-k", "1"]).len(), 1);
    assert_eq!(found(&["--member", "sam", "--filter", "country=DE"]), ["bo"]);
    assert_eq!(sorted(&["--member", "sam", "--filter", "country=DE", "--filter", "country=us"]), ["ada", "bo"]);
    assert_eq!(found(&["--member", "sam", "--filter", "within=10km"]), ["ada"]);
    assert_eq!(sorted(&["a nurse", "--filter", "role=mentee"]), ["kim", "lin", "sam"]);
    let nobody = done(run(index(), &["search", "a nurse", "--filter", "city=Paris"]));
    assert!(nobody.starts_with("No mentor matches."), "{nobody}");
}

#[test]
fn what_is_wrong_is_said_with_what_to_do_and_an_exit_code() {
    let write = |name: &str, content: &str| fs::write(index().join(name), content).unwrap();
    write("bad.json", "{\"shoe\": 44}");
    write("half.json", "{\"name\":");
    write("option.toml", "[search]\neff = 3\n");
    write("range.toml", "[search]\nef = 3\n");
    write("weight.toml", "[weights]\nprofession = -1\n");
    for (arguments, code, said) in [
        (&["search", "--member", "nobody"][..], 2, "member \"nobody\" is not available"),
        (&["search", "--member", "young"], 2, "member \"young\" is not available"),
        (&["search", "--member", "a\u{7}b"], 2, "--member: holds a control character"),
        (&["search", "x y", "--filter", "age=3"], 2, "filter age: is not a filter; expected one of role, country"),
        (&["search", "x y", "--filter", "country"], 2, "filter country: expected field=value, such as country=US"),
        (&["search", "x y", "--filter", "within=5km"], 2, "filter within: has no centre"),
        (&["search", "?!"], 2, "text: has no words"),
        (&["search", "x y", "-k", "0"], 2, "-k"),
        (&["search", "x y", "-k", "1001"], 2, "k: is 1001; expected 1 to 1000"),
        (&["search", "x y", "--known", "perhaps"], 2, "--known"),
        (&["search"], 2, "<TEXT>"),
        (&["search", "x y", "--member", "sam"], 2, "cannot be used with"),
        (&["search", "--profile", "bad.json"], 2, "bad.json: shoe: is not a field of a member"),
        (&["search", "--profile", "half.json"], 2, "half.json: "),
        (&["search", "--profile", "missing.json"], 2, "cannot read missing.json"),
        (&["--config", "missing.toml", "status"], 2, "cannot read missing.toml"),
        (&["--config", "option.toml", "status"], 2, "unknown field `eff`"),
        (&["--config", "range.toml", "status"], 2, "search.ef is 3; expected 10 to 100000"),
        (&["--config", "weight.toml", "status"], 2, "weights.profession is -1; expected 0 to 1000"),
        (&["frobnicate"], 2, "unrecognized subcommand"),
        (&["sample", "--out", "no/such/folder/x"], 1, "cannot write no/such/folder/x"),
    ] {
        let outcome = run(index(), arguments);
        assert_eq!((outcome.code, outcome.out.as_str()), (code, ""), "{arguments:?}: {outcome:?}");
        assert!(outcome.err.contains(said), "{arguments:?}: {}", outcome.err);
    }
}

#[test]
fn without_an_index_the_next_command_is_named() {
    let folder: TempDir = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| run(folder.path(), arguments);
    for arguments in [&["search", "a nurse"][..], &["status"]] {
        let outcome = run(arguments);
        assert_eq!(outcome.code, 1);
        assert!(outcome.err.contains("run `rapport import FILE` first"), "{}", outcome.err);
    }
    assert!(!folder.path().join("index").exists(), "looking makes nothing");
    done(run_on(folder.path(), &["import", "-"], b"{\"id\":\"a\",\"roles\":[\"mentor\"]}"));
    let outcome = run(&["search", "a nurse"]);
    assert_eq!(outcome.code, 1);
    assert!(outcome.err.contains("no index yet") && outcome.err.contains("run `rapport rebuild`"), "{}", outcome.err);
}

#[test]
fn what_is_piped_has_no_colour_and_no_bars() {
    for arguments in [&["search", "a nurse"][..], &["status"], &["model", "list"], &["--help"], &["search"]] {
        let outcome = run(index(), arguments);
        for text in [&outcome.out, &outcome.err] {
            assert!(!text.contains('\u{1b}') && !text.contains('━'), "{arguments:?}: {text:?}");
        }
    }
}

#[test]
fn what_members_write_cannot_reach_the_terminal() {
    let json = done(run(index(), &["search", "a carpenter", "--json"]));
    let text = done(run(index(), &["search", "a carpenter"]));
    assert!(text.contains("Carpenter"), "{text}");
    for out in [&text, &json] {
        assert!(!out.chars().any(|letter| letter.is_control() && letter != '\n'), "{out:?}");
    }
    assert!(!text.contains('\u{202e}'));
}

#[test]
fn what_packages_install_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let completions = done(run_on(folder.path(), &["completions", "bash"], b""));
    assert!(completions.contains("_rapport()") && completions.contains("rollback"));
    done(run_on(folder.path(), &["man", "pages"], b""));
    let page = fs::read_to_string(folder.path().join("pages/rapport-serve.1")).unwrap();
    assert!(page.contains("ADDRESS:PORT"), "{page}");
    assert!(folder.path().join("pages/rapport.1").exists());
}

#[test]
fn a_reader_who_has_seen_enough_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    // More than a pipe holds, so that the writer meets the closed end.
    let mut child = start(folder.path(), &["sample", "--members", "20000", "--out", "-"]);
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.starts_with("{\"id\":"));
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));

    let mut child = start(index(), &["search", "--member", "sam"]);
    drop(child.stdout.take());
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(0));
}
