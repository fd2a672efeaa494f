//! The program killed (SIGKILL) at random moments of what it does, and its disk full: what was acknowledged is there, what
//! was removed stays gone, and the current generation always opens.
//!
//! The moments come from a seed. `KILLS=200 cargo test --release kill::` tries more of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use rand::seq::IteratorRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rapport::community::{Community, RebuildOptions, traces};
use rapport::config::Config;
use rapport::index::publish::open_current;
use rapport::member::Member;
use rapport::sample;
use rapport::search::Searcher;
use rapport::store::Store;

use crate::common::{self, by_text, embedder, id_of, mentor, models_dir, program, publish, wait};

const SEED: u64 = 20_261_124;

/// How many moments a run of the tests tries.
const KILLS: usize = 24;

/// Runs a command, and kills it after so long; gives whether it ended by itself, and well.
fn run_killed(config: &Config, arguments: &[&str], input: &[u8], after: Duration) -> bool {
    let mut child = program(config, arguments).spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(input);
    std::thread::sleep(after);
    let _ = child.kill();
    let output = child.wait_with_output().unwrap();
    // A command that was done before it was killed has said so by its exit code.
    if let Some(code) = output.status.code() {
        assert!([0, 2].contains(&code), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    output.status.success()
}

fn lines(members: &[Member]) -> Vec<u8> {
    members.iter().flat_map(|member| [serde_json::to_vec(member).unwrap(), b"\n".to_vec()].concat()).collect()
}

fn fresh(id: usize, round: usize) -> Member {
    let about = format!("A mentor of number {id}, as of round {round}");
    Member { about: Some(about), headline: Some(format!("Mentor {id}")), ..mentor(&format!("k-{id}")) }
}

/// What is known of the members that are changed: each as it was acknowledged last (nothing for gone), or, after a change
/// that was killed, either of two.
type Known = BTreeMap<String, Vec<Option<Member>>>;

/// A member, and what becomes of them.
type Change = (String, Option<Member>);

fn check(config: &Config, known: &mut Known, round: usize) {
    wait(async {
        open_current(&config.index).unwrap_or_else(|error| panic!("round {round}: {error}"));
        let store = Store::open(&config.database()).await.unwrap();
        let ids: Vec<&str> = known.keys().map(String::as_str).collect();
        let (stored, _) = store.members(&ids).await.unwrap();
        let searcher = Searcher::open_with(config, embedder()).await.unwrap();
        for (id, possible) in known.iter_mut() {
            let now = stored.get(id).map(|stored| stored.member.clone());
            assert!(possible.contains(&now), "round {round}: {id} is {now:?}, not one of {possible:?}");
            assert_eq!(searcher.holds(id), now.is_some(), "round {round}: {id}");
            *possible = vec![now];
        }
        // Nobody else was touched.
        let (members, _) = store.size().await.unwrap();
        let there = known.values().filter(|possible| possible[0].is_some()).count() as u64;
        assert_eq!(members, u64::from(OTHERS) + there, "round {round}");
        searcher.search(by_text("a mentor of number three")).await.unwrap();
    });
}

/// Members who are not changed.
const OTHERS: u32 = 120;

#[test]
fn nothing_acknowledged_is_lost_and_nothing_removed_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let config = common::config(folder.path());
    publish(&config, &sample::Community::new(OTHERS, 7).iter().collect::<Vec<_>>());
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let mut known = Known::new();
    let mut forgotten: BTreeSet<String> = BTreeSet::new();
    let kills = std::env::var("KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let mut ended = 0;
    for round in 0..kills {
        let after = Duration::from_millis(random.random_range(0..1_200));
        let some: Vec<Member> = (0..12).sample(&mut random, 3).into_iter().map(|id| fresh(id, round)).collect();
        let there = known.iter().filter(|(_, possible)| possible[0].is_some()).map(|(id, _)| id.clone());
        let chosen = there.choose(&mut random);
        let (arguments, input, changed): (Vec<String>, Vec<u8>, Vec<Change>) = match (random.random_range(0..5), chosen)
        {
            (0, _) => (vec!["rebuild".into()], Vec::new(), Vec::new()),
            (1, Some(id)) => (vec!["remove".into(), id.clone()], Vec::new(), vec![(id, None)]),
            (2, Some(id)) => (vec!["forget".into(), id.clone()], Vec::new(), vec![(id, None)]),
            (other, _) => {
                let verb = if other == 3 { "import" } else { "upsert" };
                let changed = some.iter().map(|member| (member.id.to_string(), Some(member.clone())));
                (vec![verb.into(), "-".into()], lines(&some), changed.collect())
            }
        };
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let done = run_killed(&config, &arguments, &input, after);
        ended += usize::from(done);
        for (id, then) in changed {
            let possible = known.entry(id.clone()).or_insert_with(|| vec![None]);
            if done {
                *possible = vec![then];
                if arguments[0] == "forget" {
                    forgotten.insert(id);
                } else {
                    forgotten.remove(&id);
                }
            } else {
                possible.push(then);
                if arguments[0] != "forget" {
                    forgotten.remove(&id);
                }
            }
        }
        check(&config, &mut known, round);
        for id in &forgotten {
            assert_eq!(wait(traces(&config, &id_of(id))).unwrap(), [], "round {round}: {id}");
        }
    }
    assert!(ended > 0 && ended < kills, "{ended} of {kills} commands ended before they were killed");

    // Whoever opens the folder ends what was broken off.
    let community = wait(Community::open_with(&config, embedder())).unwrap();
    for (id, possible) in &known {
        let forgettable = possible[0].is_none() && !wait(traces(&config, &id_of(id))).unwrap().is_empty();
        if forgettable {
            wait(community.forget(&id_of(id))).unwrap();
            assert_eq!(wait(traces(&config, &id_of(id))).unwrap(), [], "{id}");
        }
    }
    wait(community.rebuild(RebuildOptions::default(), |_| {})).unwrap();
    drop(community);
    check(&config, &mut known, kills);
}

/// Runs a command that may write files of at most so many blocks of 512 bytes: a disk that is full, for anybody who is not
/// allowed to mount one.
fn run_with_room_for(config: &Config, blocks: u32, arguments: &[&str], input: &[u8]) -> Output {
    let program = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    let mut child = Command::new("bash")
        .args(["-c", &program, env!("CARGO_BIN_EXE_rapport")])
        .args(["--models", models_dir(), "--index", config.index.to_str().unwrap()])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

#[test]
fn a_full_disk_is_said_and_costs_nothing_that_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let config = common::config(folder.path());
    let members: Vec<Member> = sample::Community::new(OTHERS, 7).iter().collect();
    publish(&config, &members);
    let more: Vec<Member> = sample::Community::new(3_000, 8).iter().skip(OTHERS as usize).collect();
    let before = fs::metadata(config.index.join("members.db")).unwrap().len();
    // bash counts in blocks of 1,024 bytes.
    let blocks = (before / 1_024 + 64) as u32;
    for arguments in [&["import", "-"][..], &["rebuild", "--full"], &["backup", "copy.db"]] {
        let room = if arguments[0] == "import" { blocks } else { 16 };
        let output = run_with_room_for(&config, room, arguments, &lines(&more));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && output.status.code().is_some(), "{arguments:?}: {said}");
        assert!(!said.contains("panicked"), "{said}");
        let about = ["full", "room", "File too large", "I/O"].iter().any(|word| said.contains(word));
        assert!(about, "{arguments:?} says what is wrong: {said}");
        let searcher = wait(Searcher::open_with(&config, embedder())).unwrap();
        assert!(members.iter().all(|member| searcher.holds(member.id.as_str())), "{arguments:?}");
        wait(searcher.search(by_text("nurse"))).unwrap();
    }
    assert!(!Path::new("copy.db").exists());
    // With room again, everything goes on.
    assert!(run_with_room_for(&config, 1 << 30, &["import", "-"], &lines(&more)).status.success());
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let config = common::config(Path::new("/proc/self"));
    let output = program(&config, &["import", "-"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot write to /proc/self/index"), "{said}");
}
