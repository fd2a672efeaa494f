//! One process has the folder: commands reach it, it rebuilds by the clock, and it ends in order.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

use rapport::config::Config;
use rapport::index::publish::{current, open_current};
use rapport::member::Member;
use rapport::sample;
use rapport::search::Answer;
use tempfile::TempDir;

use crate::common::{self, mentor, program, publish};

fn run(config: &Config, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = program(config, arguments).spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn done(config: &Config, arguments: &[&str], input: &[u8]) -> String {
    let output = run(config, arguments, input);
    assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    said(&output)
}

/// A server that is stopped when the test is done with it.
struct Server(Child);

impl Server {
    fn start(config: &Config, arguments: &[&str]) -> Server {
        let mut child = program(config, &[arguments, &["serve", "--listen", "127.0.0.1:0"]].concat()).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut first).unwrap();
        assert!(first.starts_with("Serving "), "{first}");
        Server(child)
    }

    fn end(mut self) -> Option<i32> {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.0.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn community() -> (TempDir, Config) {
    let folder = tempfile::tempdir().unwrap();
    let config = common::config(folder.path());
    publish(&config, &sample::Community::new(150, 7).iter().collect::<Vec<_>>());
    (folder, config)
}

fn organ_builder(id: &str) -> Vec<u8> {
    let member = Member { about: Some("I repair church organs and tune reed pipes".into()), ..mentor(id) };
    let mut line = serde_json::to_vec(&member).unwrap();
    line.push(b'\n');
    line
}

fn best(config: &Config) -> String {
    let answer = run(config, &["search", "somebody who repairs church organs", "--json"], b"");
    let answer: Answer = serde_json::from_slice(&answer.stdout).unwrap();
    answer.hits[0].member.id.clone()
}

#[test]
fn commands_that_write_go_through_the_server() {
    let (folder, config) = community();
    let server = Server::start(&config, &[]);
    assert!(done(&config, &["upsert", "-"], &organ_builder("ada")).starts_with("1 added, 0 changed"));
    assert_eq!(best(&config), "ada");
    assert!(done(&config, &["import", "-"], &organ_builder("bea")).starts_with("1 added, 0 changed"));
    assert!(done(&config, &["rebuild"], b"").contains("gen-000002: 152 members"));
    assert!(done(&config, &["rebuild"], b"").starts_with("Nothing to do"));
    assert!(done(&config, &["remove", "ada", "bea"], b"").starts_with("2 removed"));
    assert!(!["ada", "bea"].contains(&best(&config).as_str()));
    assert!(done(&config, &["rollback"], b"").contains("gen-000001"));
    assert!(!["ada", "bea"].contains(&best(&config).as_str()), "an older generation does not bring them back");
    let exported: serde_json::Value =
        serde_json::from_slice(&run(&config, &["export", "s-0000003"], b"").stdout).unwrap();
    assert_eq!(exported["member"]["id"], "s-0000003");
    assert!(done(&config, &["forget", "s-0000003"], b"").contains("was built without them"));
    assert!(done(&config, &["forget", "s-0000003", "--verify"], b"").starts_with("no trace"));
    // Relative to the command's folder, not to the server's.
    let elsewhere = folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let backed_up = program(&config, &["backup", "copy.db"]).current_dir(&elsewhere).output().unwrap();
    assert!(backed_up.status.success() && elsewhere.join("copy.db").exists(), "{}", said(&backed_up));

    // What is wrong is said as it would be without a server.
    for (arguments, code, expected) in [
        (&["forget", "nobody"][..], 2, "nobody is stored as nobody"),
        (&["remove", "nobody"], 2, "nobody is stored as nobody"),
        (&["rollback", "gen-000099"], 2, "gen-000099"),
        (&["backup", elsewhere.join("copy.db").to_str().unwrap()], 1, "is there already"),
        (&["serve", "--listen", "127.0.0.1:0"], 5, "another rapport process"),
        (&["restore", elsewhere.join("copy.db").to_str().unwrap()], 5, "another rapport process"),
    ] {
        let output = run(&config, arguments, b"");
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", said(&output));
        assert!(said(&output).contains(expected), "{arguments:?}: {}", said(&output));
    }
    assert_eq!(server.end(), Some(0));
    assert!(!config.index.join(".socket").exists());
    assert!(done(&config, &["upsert", "-"], &organ_builder("ada")).starts_with("1 added"), "without a server too");
}

#[test]
fn a_gate_that_does_not_hold_says_so_through_the_server() {
    let (_folder, config) = community();
    let server = Server::start(&config, &[]);
    let ids: Vec<String> = (0..60).map(|at| format!("s-{at:07}")).collect();
    let arguments: Vec<&str> = std::iter::once("remove").chain(ids.iter().map(String::as_str)).collect();
    assert!(done(&config, &arguments, b"").starts_with("60 removed"));
    let refused = run(&config, &["rebuild"], b"");
    assert_eq!(refused.status.code(), Some(4), "{}", said(&refused));
    assert!(said(&refused).contains("only 90 members are left of the 150"), "{}", said(&refused));
    assert!(done(&config, &["rebuild", "--accept-loss"], b"").contains("90 members"));
    drop(server);
}

#[test]
fn it_rebuilds_by_the_clock() {
    let (folder, config) = community();
    let options = folder.path().join("options.toml");
    fs::write(&options, "[rebuild]\nschedule = \"* * * * * *\"\n").unwrap();
    let _server = Server::start(&config, &["--config", options.to_str().unwrap()]);
    done(&config, &["upsert", "-"], &organ_builder("ada"));
    let begun = Instant::now();
    while current(&config.index).unwrap().ends_with("gen-000001") {
        assert!(begun.elapsed() < Duration::from_secs(60), "no rebuild came");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(open_current(&config.index).unwrap().manifest.counts.members, 151);

    for (schedule, expected) in [("often", "is no cron expression"), ("0 0 30 2 *", "never comes")] {
        fs::write(&options, format!("[rebuild]\nschedule = {schedule:?}\n")).unwrap();
        let output = run(&config, &["--config", options.to_str().unwrap(), "serve"], b"");
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        let said = said(&output);
        assert!(said.contains("rebuild.schedule") && said.contains(expected), "{said}");
    }
}

#[test]
fn a_server_that_was_killed_leaves_nothing_in_the_way() {
    let (_folder, config) = community();
    let server = Server::start(&config, &[]);
    done(&config, &["upsert", "-"], &organ_builder("ada"));
    drop(server);
    assert!(config.index.join(".socket").exists(), "it was killed");
    assert_eq!(best(&config), "ada");
    let server = Server::start(&config, &[]);
    assert!(done(&config, &["upsert", "-"], &organ_builder("ada")).contains("1 unchanged"));
    assert_eq!(server.end(), Some(0));
}

#[test]
fn whatever_comes_in_by_the_socket_it_serves_on() {
    use std::io::Read;
    use std::os::unix::net::UnixStream;
    let (_folder, config) = community();
    let server = Server::start(&config, &[]);
    let socket = config.index.join(".socket");
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&socket).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600, "the owner's alone");
    for line in
        [&b"\n"[..], b"{}\n", b"nonsense\n", b"{\"do\":\"remove\"}\n", b"\xff\xfe\n", b"{\"do\":\"upsert\",\"memb"]
    {
        let mut stream = UnixStream::connect(&socket).unwrap();
        stream.write_all(line).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        assert!(answer.is_empty() || answer.contains("\"failed\""), "{answer}");
    }
    let invalid = br#"{"do":"upsert","members":[{"id":"x","roles":[]}]}"#;
    let mut stream = UnixStream::connect(&socket).unwrap();
    stream.write_all(&[&invalid[..], b"\n"].concat()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("\"failed\"") && answer.contains("roles"), "{answer}");
    done(&config, &["upsert", "-"], &organ_builder("ada"));
    assert_eq!(server.end(), Some(0));
}

#[test]
fn a_folder_with_a_long_name_is_served_too() {
    let folder = tempfile::tempdir().unwrap();
    let long = folder.path().join("a".repeat(120));
    fs::create_dir(&long).unwrap();
    let config = common::config(Path::new(&long));
    publish(&config, &sample::Community::new(60, 7).iter().collect::<Vec<_>>());
    let server = Server::start(&config, &[]);
    assert!(done(&config, &["upsert", "-"], &organ_builder("ada")).starts_with("1 added"));
    assert_eq!(server.end(), Some(0));
}

#[test]
fn who_asked_before_the_server_was_told_to_end_gets_an_answer() {
    let (_folder, config) = community();
    let server = Server::start(&config, &[]);
    let mut rebuild = program(&config, &["rebuild", "--full"]).spawn().unwrap();
    let mut begun = String::new();
    BufReader::new(rebuild.stderr.as_mut().unwrap()).read_line(&mut begun).unwrap();
    assert!(begun.contains("Embedding"), "{begun}");
    assert_eq!(server.end(), Some(0));
    let output = rebuild.wait_with_output().unwrap();
    assert!(output.status.success() && said(&output).contains("gen-000002"), "{}", said(&output));
    assert!(current(&config.index).unwrap().ends_with("gen-000002"));
}

#[test]
fn an_upsert_with_a_bad_line_writes_nothing_and_names_it() {
    let (_folder, config) = community();
    let bad = [organ_builder("ada"), b"{\"id\":\"bea\",\"roles\":[\"boss\"]}\n".to_vec()].concat();
    let many: Vec<u8> = (0..2_001).flat_map(|at| organ_builder(&format!("m-{at}"))).collect();
    for (input, expected) in [(bad, "2: roles"), (many, "more than 2000 members")] {
        let refused = run(&config, &["upsert", "-"], &input);
        assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
        assert!(said(&refused).contains(expected), "{}", said(&refused));
    }
    let known = run(&config, &["export", "ada"], b"");
    assert_eq!(known.status.code(), Some(2), "{}", said(&known));
}
