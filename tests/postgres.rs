//! A community whose members are on a PostgreSQL server: searched as one on SQLite, and what happens when the server is not
//! as it should be.

use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use rapport::community;
use rapport::config::{Config, StoreConfig};
use rapport::member::{Member, MemberId};
use rapport::rebuild::rebuild;
use rapport::sample::Community;
use rapport::search::Searcher;
use rapport::store::{Address, Store};
use tempfile::TempDir;

use crate::common::{
    self, embedder, id_of, ids_of, mentor,
    postgres::{PASSWORD, Server},
    publish, tiny, wait,
};

/// The real program, with its members on a server.
fn rapport(folder: &TempDir, url: &str, arguments: &[&str]) -> Command {
    let mut rapport = Command::new(env!("CARGO_BIN_EXE_rapport"));
    rapport.current_dir(folder.path()).env("RAPPORT_STORE", url).args(arguments);
    rapport
}

fn outcome(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (out, err) = (text(output.stdout), text(output.stderr));
    assert!(!out.contains(PASSWORD) && !err.contains(PASSWORD), "{err}");
    (output.status.code().unwrap(), out, err)
}

#[test]
fn import_rebuild_search_and_change_are_the_same_as_on_sqlite() {
    let server = Server::shared();
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let mut members = tiny::members(60);
    // Bytes order these otherwise than languages do.
    for (member, id) in members.iter_mut().zip(["Zoë", "zoe", "_a", "ä", "Ä", "a b", "a-b", "😀", "\u{ffff}"]) {
        member.id = MemberId::new(id).unwrap();
    }
    let mut changed = members[..20].to_vec();
    changed.iter_mut().for_each(|member| member.profession = Some("pilot".into()));
    let gone: Vec<MemberId> = members[20..30].iter().map(|member| member.id.clone()).collect();
    let told = folders.each_ref().map(|folder| {
        let mut config = tiny::config(folder.path());
        if folder.path() == folders[1].path() {
            config.store = StoreConfig { url: Some(server.database().parse().unwrap()), ..StoreConfig::default() };
        }
        let answers = |searcher: Searcher| {
            let asked = members.iter().map(|member| common::by_member(member.id.as_str())).chain(tiny::requests());
            let answered = asked.map(|request| match wait(searcher.search(request)) {
                Ok(answer) => serde_json::to_string(&answer).unwrap(),
                Err(refused) => refused.to_string(),
            });
            answered.collect::<Vec<String>>()
        };
        let open = |config: &Config| wait(Searcher::open_with(config, tiny::embedder())).unwrap();
        let generation = wait(tiny::publish(&config, &members));
        let files = tiny::FILES[..4].iter().map(|name| std::fs::read(generation.join(name)).unwrap());
        let files: Vec<Vec<u8>> = files.collect();
        let mut told = vec![answers(open(&config))];
        wait(async {
            let store = Store::open(&config.database()).await.unwrap();
            store.upsert(&changed).await.unwrap();
            store.remove(&gone).await.unwrap();
        });
        told.push(answers(open(&config)));
        wait(rebuild(&config, tiny::embedder(), false, |_| {})).unwrap();
        told.push(answers(open(&config)));
        assert_eq!(config.index.join("members.db").exists(), config.store.url.is_none());
        (files, told)
    });
    let [sqlite, postgres] = told;
    assert!(sqlite.0 == postgres.0, "the files of a generation are the same");
    assert_eq!(sqlite.1, postgres.1);
    assert!(sqlite.1[0] != sqlite.1[2] && sqlite.1[0].iter().any(|answer| answer.contains("points_in_common")));
}

#[test]
fn a_server_that_cannot_be_used_is_named_with_the_reason_and_without_its_password() {
    let (server, folder) = (Server::shared(), tempfile::tempdir().unwrap());
    let database = server.database().rsplit('/').next().unwrap().to_owned();
    server.sql("postgres", "CREATE ROLE reader LOGIN PASSWORD 's3cret-0wner'");
    server.sql("postgres", "CREATE DATABASE latin ENCODING LATIN1 LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0");
    std::fs::write(folder.path().join("one.jsonl"), "{\"id\":\"a\",\"roles\":[\"mentor\"]}\n").unwrap();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for (url, shown, expected) in [
        (
            format!("postgres://owner:{PASSWORD}@127.0.0.1:{closed}/hr"),
            format!("postgres://owner@127.0.0.1:{closed}/hr"),
            "Connection refused (os error 111); is the server up, and can it be reached from here?",
        ),
        (
            server.url("owner", "s3cret-wr0ng", &database),
            server.shown("owner", &database),
            "password authentication failed for user \"owner\"; check the user and the password (in the URL, PGPASSWORD or ~/.pgpass)",
        ),
        (
            server.url("owner", PASSWORD, "nowhere"),
            server.shown("owner", "nowhere"),
            "database \"nowhere\" does not exist; make it with `createdb`, or check the URL",
        ),
        (
            server.url("reader", PASSWORD, &database),
            server.shown("reader", &database),
            "permission denied for schema public; let the user make tables in the database, or let it own them",
        ),
        (server.url("owner", PASSWORD, "latin"), server.shown("owner", "latin"), "keeps text as LATIN1; expected UTF8"),
    ] {
        let begun = Instant::now();
        let (code, _, err) = outcome(rapport(&folder, &url, &["import", "one.jsonl"]).output().unwrap());
        assert!(code == 1 && err.contains(&shown) && err.contains(expected), "{shown}: {code} {err}");
        assert!(!err.contains("s3cret"), "{err}");
        assert!(begun.elapsed() < Duration::from_secs(9), "it says so at once");
        // The same words where it is the feed that cannot be read.
        if shown.ends_with("/hr") || expected.starts_with("password") {
            let mut feed = Command::new(env!("CARGO_BIN_EXE_rapport"));
            feed.current_dir(folder.path()).args(["import", &url, "--table", "people"]);
            let (code, _, err) = outcome(feed.output().unwrap());
            assert!(code == 1 && err.contains(&format!("cannot read {shown}: ")) && err.contains(expected), "{err}");
            assert!(!err.contains("s3cret"), "{err}");
        }
    }
    let (code, _, err) =
        outcome(rapport(&folder, &server.url("owner", PASSWORD, &database), &["status"]).output().unwrap());
    assert!(code == 1 && err.contains("no members yet: the table `members` in postgres://owner@"), "{err}");
    for (url, expected) in [
        (
            "mysql://ada:s3cret@h/d",
            "--store is not the URL of a PostgreSQL database; expected postgres://user@host/database",
        ),
        (
            "postgres://ada:s3cret@h:port/d",
            "--store is not the URL of a PostgreSQL database (error with configuration: invalid port number)",
        ),
    ] {
        let (code, _, err) = outcome(rapport(&folder, url, &["status"]).output().unwrap());
        assert!(code == 2 && err.contains(expected) && !err.contains("s3cret"), "{err}");
    }
    // The parser of the file quotes lines.
    for wrong in [
        "url = \"postgres://ada:s3cret@h:port/d\"",
        "url = \"postgres://ada:s3cret@h/d\" x",
        "adress = \"postgres://ada:s3cret@h/d\"",
    ] {
        std::fs::write(folder.path().join("rapport.toml"), format!("[store]\n{wrong}\n")).unwrap();
        let (code, _, err) = outcome(rapport(&folder, "", &["status"]).env_remove("RAPPORT_STORE").output().unwrap());
        assert!(code == 2 && err.contains("rapport.toml") && !err.contains("s3cret"), "{err}");
    }
}

#[test]
fn of_two_imports_into_one_database_one_waits_in_vain() {
    let (server, folder) = (Server::shared(), tempfile::tempdir().unwrap());
    let url = server.database();
    std::fs::write(folder.path().join("one.jsonl"), "{\"id\":\"a\",\"roles\":[\"mentor\"]}\n").unwrap();
    let import = || outcome(rapport(&folder, &url, &["import", "one.jsonl"]).output().unwrap());
    wait(async {
        let store = Store::create(&Address::Server(url.parse().unwrap())).await.unwrap();
        let lock = store.lock().await.unwrap();
        let (code, _, err) = import();
        assert!(code == 5 && err.contains("another rapport process is writing to postgres://owner@"), "{err}");
        lock.release().await;
        assert_eq!(import().0, 0);
        // One that died gives it back as well.
        drop(store.lock().await.unwrap());
        assert_eq!(import().0, 0);
    });
}

#[test]
fn a_server_that_is_killed_keeps_what_was_acknowledged_and_no_half_of_anything() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let url = server.database();
    let mut lines = Vec::new();
    Community::new(20_000, 5).write(&mut lines).unwrap();
    let middle = lines.len() / 2 + lines[lines.len() / 2..].iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let mut import = rapport(&folder, &url, &["import", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = import.stdin.take().unwrap();
    input.write_all(&lines[..middle]).unwrap();
    let begun = Instant::now();
    while server.sql(&url, "SELECT CASE WHEN to_regclass('members') IS NULL THEN 0 ELSE 1 END") == "0"
        || server.sql(&url, "SELECT count(*) FROM members").parse::<u64>().unwrap() < 4_000
    {
        assert!(begun.elapsed() < Duration::from_secs(60), "half of the lines go in");
    }
    server.crash();
    // The program may have given up already.
    let _ = input.write_all(&lines[middle..]);
    drop(input);
    let (code, out, err) = outcome(import.wait_with_output().unwrap());
    assert_eq!(code, 1, "{out} {err}");
    assert!(err.contains("the members' database postgres://owner@127.0.0.1:") && err.contains("failed: "), "{err}");
    let acknowledged: u64 = out.split(" added").next().unwrap().parse().unwrap();

    server.recover();
    let counted: u64 = server.sql(&url, "SELECT count(*) FROM members").parse().unwrap();
    assert!(
        counted == acknowledged || counted == acknowledged + 2_000,
        "{counted} stored, {acknowledged} acknowledged"
    );
    assert!(acknowledged >= 4_000 && counted.is_multiple_of(2_000), "batches are whole: {counted}");
    assert_eq!(server.sql(&url, "SELECT last = (SELECT max(seq) FROM members) FROM sequence"), "t");
    std::fs::write(folder.path().join("all.jsonl"), &lines).unwrap();
    let (code, out, err) = outcome(rapport(&folder, &url, &["import", "all.jsonl"]).output().unwrap());
    let rest = 20_000 - counted;
    assert_eq!((code, out), (0, format!("{rest} added, 0 changed, {counted} unchanged, 0 set aside\n")), "{err}");
}

#[test]
fn what_another_machine_changes_is_seen_and_who_is_forgotten_stays_out_of_its_searches() {
    let (server, folder) = (Server::shared(), tempfile::tempdir().unwrap());
    let url = server.database();
    let store = StoreConfig { url: Some(url.parse().unwrap()), ..StoreConfig::default() };
    let config = Config { store, ..common::config(folder.path()) };
    let listed = Member { friends: ids_of(&["m-7"]), ..mentor("m-8") };
    publish(&config, &[mentor("m-7"), listed, mentor("m-9")]);
    let community = wait(community::Community::open_with(&config, embedder())).unwrap();
    wait(async {
        let elsewhere = Store::open(&config.database()).await.unwrap();
        elsewhere.upsert(&[mentor("m-10")]).await.unwrap();
        let seen = async {
            while !community.searcher().unwrap().holds("m-10") {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::select! {
            () = seen => {}
            () = community.keep_up() => {}
            () = tokio::time::sleep(Duration::from_secs(30)) => panic!("not seen"),
        }
    });
    let receipt = wait(community.forget(&id_of("m-7"))).unwrap();
    assert!(receipt.was_stored && receipt.unlisted_by == ids_of(&["m-8"]), "{receipt:?}");
    assert!(!community.searcher().unwrap().holds("m-7"));
    let left = wait(community::traces(&config, &id_of("m-7"))).unwrap();
    assert!(left.len() == 1 && left[0].found.starts_with("a tombstone"), "{left:?}");
    for refused in [
        wait(community.backup(&folder.path().join("copy.db"))).unwrap_err().to_string(),
        wait(community::restore(&config, folder.path(), None)).unwrap_err().to_string(),
    ] {
        assert!(refused.contains("pg_dump") && !refused.contains(PASSWORD), "{refused}");
    }
}
