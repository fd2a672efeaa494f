//! The night as a timer runs it: exit codes, two at once, kills, going back. Real processes.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rapport::index::publish::open_current;
use rapport::member::Member;
use rapport::sample::Community;
use rapport::store::{Address, Store, WriteLock};
use tempfile::TempDir;

use crate::common::{self, models_dir, wait};

fn start(folder: &Path, arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_rapport"))
        .current_dir(folder)
        .env_remove("RAPPORT_LOG")
        .args(["--index", "index", "--models", models_dir()])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The exit code, and what was printed and said.
fn ended(child: Child) -> (i32, String) {
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout) + &text(&output.stderr))
}

fn run(folder: &Path, arguments: &[&str]) -> (i32, String) {
    ended(start(folder, arguments))
}

fn done(folder: &Path, arguments: &[&str]) -> String {
    let (code, said) = run(folder, arguments);
    assert_eq!(code, 0, "{said}");
    said
}

fn write(folder: &Path, members: &[Member]) {
    wait(async { Store::create(&Address::Folder(folder.join("index"))).await.unwrap().upsert(members).await.unwrap() });
}

/// A folder with a generation of so many invented members.
fn community(count: u32) -> (TempDir, Vec<Member>) {
    common::embedder();
    let folder = tempfile::tempdir().unwrap();
    let members: Vec<Member> = Community::new(count, 11).iter().collect();
    write(folder.path(), &members);
    assert!(done(folder.path(), &["rebuild"]).contains("Published"));
    (folder, members)
}

fn paused(member: &Member) -> Member {
    Member { paused: !member.paused, ..member.clone() }
}

fn current(folder: &Path) -> String {
    fs::read_to_string(folder.join("index/CURRENT")).unwrap().trim().to_owned()
}

#[test]
fn a_timer_can_act_on_the_exit_code() {
    let (folder, members) = community(40);
    let folder = folder.path();
    assert!(done(folder, &["rebuild"]).contains("Nothing to do: index/gen-000001 holds every change"));
    assert_eq!(current(folder), "gen-000001");

    // 5: somebody else holds the folder; with --wait, once they are done it goes on.
    let lock = WriteLock::take(&folder.join("index")).unwrap();
    let (code, said) = run(folder, &["rebuild"]);
    assert_eq!(code, 5, "{said}");
    assert!(said.contains("another rapport process is writing to index"), "{said}");
    assert_eq!(run(folder, &["rebuild", "--wait", "1"]).0, 5);
    assert_eq!(run(folder, &["rollback"]).0, 5);
    assert!(done(folder, &["rebuild", "--dry-run"]).contains("nothing to do; nothing was written"));
    let waiting = start(folder, &["rebuild", "--full", "--wait", "60"]);
    std::thread::sleep(Duration::from_millis(700));
    drop(lock);
    let (code, said) = ended(waiting);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("Waiting for another process") && said.contains("Published index/gen-000002"), "{said}");

    // 4: a gate did not hold.
    let gone: Vec<_> = members[..20].iter().map(|member| member.id.clone()).collect();
    wait(async { Store::open(&Address::Folder(folder.join("index"))).await.unwrap().remove(&gone).await.unwrap() });
    let (code, said) = run(folder, &["rebuild"]);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("nothing was published: only 20 members are left of the 40 in gen-000002"), "{said}");
    assert_eq!(current(folder), "gen-000002");
    done(folder, &["rebuild", "--accept-loss"]);

    // 2: the configuration was wrong.
    for (wrong, problem) in [
        ("keep = 0", "rebuild.keep is 0; expected 1 to 1000"),
        ("fewest_kept = 2.0", "rebuild.fewest_kept is 2; expected 0 to 1"),
        ("quality = { queries = \"none.jsonl\", qrels = \"none.txt\" }", "none.jsonl"),
    ] {
        fs::write(folder.join("wrong.toml"), format!("[rebuild]\n{wrong}\n")).unwrap();
        let (code, said) = run(folder, &["--config", "wrong.toml", "rebuild", "--full"]);
        assert_eq!(code, 2, "{said}");
        assert!(said.contains(problem), "{said}");
    }
    assert_eq!(run(folder, &["rebuild", "--json"]).0, 2, "only a dry run is told as JSON");
    // 1: it failed.
    fs::remove_file(folder.join("index/members.db")).unwrap();
    assert_eq!(run(folder, &["rebuild"]).0, 1);
}

#[test]
fn a_build_that_is_killed_leaves_what_was_current() {
    let (folder, members) = community(300);
    let folder = folder.path();
    let index = folder.join("index");
    for at in 0..8u64 {
        let one = at as usize;
        write(folder, &[paused(&members[one])]);
        let before = current(folder);
        let mut child = start(folder, &["rebuild", "--full"]);
        std::thread::sleep(Duration::from_millis(15 + 40 * at));
        child.kill().unwrap();
        child.wait().unwrap();
        let live = open_current(&index).unwrap();
        live.verify().unwrap();
        assert!(live.name() >= before, "{} after {before}", live.name());
    }
    done(folder, &["rebuild"]);
    let live = open_current(&index).unwrap();
    live.verify().unwrap();
    let left = fs::read_dir(&index)
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().ends_with(".staging"));
    assert_eq!(left.count(), 0, "what was interrupted is cleared away");
    assert_eq!(live.manifest.counts.members, 300);
    assert!(done(folder, &["rebuild"]).contains("Nothing to do"), "and it holds every change");
}

#[test]
fn generations_are_listed_and_gone_back_to() {
    let (folder, members) = community(40);
    let folder = folder.path();
    write(folder, &[paused(&members[0])]);
    done(folder, &["rebuild"]);
    let listed: serde_json::Value = serde_json::from_str(&done(folder, &["generations", "--json"])).unwrap();
    let field = |at: usize, name: &str| listed[at][name].clone();
    assert_eq!((field(0, "name"), field(0, "standing")), ("gen-000001".into(), "kept".into()));
    assert_eq!((field(1, "name"), field(1, "standing")), ("gen-000002".into(), "current".into()));
    assert_eq!((field(1, "members"), field(1, "previous")), (40.into(), 1.into()));
    let told = done(folder, &["generations"]);
    assert!(told.lines().count() == 2 && told.contains("40 members") && told.contains("current"), "{told}");

    let (code, said) = run(folder, &["rollback", "gen-000007"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("no generation \"gen-000007\" to go back to; kept are gen-000001, gen-000002"), "{said}");
    let said = done(folder, &["rollback"]);
    assert!(said.starts_with("gen-000001 of ") && said.contains("before it was gen-000002"), "{said}");
    assert_eq!(current(folder), "gen-000001");
    assert_eq!(run(folder, &["rollback"]).0, 1, "there is none before");
    assert!(done(folder, &["rebuild"]).contains("Published index/gen-000003"), "a number is given once");

    let path = folder.join("index/gen-000001/members.columns");
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    let (code, said) = run(folder, &["rollback", "gen-000001"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("gen-000001/members.columns") && said.contains("checksum"), "{said}");
    assert_eq!(current(folder), "gen-000003");
}
