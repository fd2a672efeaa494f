//! Members from a community's own PostgreSQL database, and full feeds: whoever is no longer in them is removed.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use rapport::member::{Education, Member, MemberId, Place, Role};
use rapport::store::{Address, Store};
use tempfile::TempDir;

use crate::common::{
    postgres::{PASSWORD, Server},
    wait,
};

/// Runs `rapport import` in a folder; its exit code, output and errors.
fn import(folder: &TempDir, arguments: &[&str]) -> (i32, String, String) {
    let mut rapport = Command::new(env!("CARGO_BIN_EXE_rapport"));
    let Output { status, stdout, stderr } =
        rapport.current_dir(folder.path()).args(["--index", "index", "import"]).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (out, err) = (text(stdout), text(stderr));
    assert!(!out.contains(PASSWORD) && !err.contains(PASSWORD), "{err}");
    (status.code().unwrap(), out, err)
}

fn stored(folder: &TempDir) -> Vec<Member> {
    let address = Address::Folder(folder.path().join("index"));
    wait(async { Store::open(&address).await.unwrap().page(None, 10_000).await.unwrap() })
}

fn stored_ids(folder: &TempDir) -> Vec<String> {
    stored(folder).iter().map(|member| member.id.to_string()).collect()
}

fn rejects(folder: &TempDir) -> Vec<serde_json::Value> {
    let files = fs::read_dir(folder.path().join("index")).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.to_string_lossy().contains("rejects-"));
    let lines = files.map(|path| fs::read_to_string(path).unwrap()).collect::<String>();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn lines(ids: impl IntoIterator<Item = u32>) -> String {
    ids.into_iter().map(|id| format!("{{\"id\":\"m{id:03}\",\"roles\":[\"mentor\"]}}\n")).collect()
}

fn write(folder: &TempDir, name: &str, text: &str) {
    let path = folder.path().join(name);
    fs::create_dir_all(path.parent().unwrap_or(Path::new(""))).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn rows_are_members_whatever_types_their_columns_have() {
    let (server, folder) = (Server::shared(), tempfile::tempdir().unwrap());
    let url = server.database();
    server.sql(
        &url,
        r#"CREATE TABLE people (id bigint, roles text[], name varchar(40), interests text, friends bigint[], employers jsonb,
            "education.school" text[], "education.year" int[], location jsonb, "hometown.city" text, paused boolean,
            years_experience numeric(4, 1), last_active date, languages json, adult text, facing text);
        INSERT INTO people VALUES
            (7, '{mentor,mentee}', ' Ada "N." ', 'triage| jazz |', '{8,9}', '["Mercy"]', '{UMass,NULL}', '{NULL,2009}',
             '{"city": "Boston", "lat": 42.36, "lon": -71.06}', 'Lowell', false, 12.5, '2026-11-01', '["en"]', 'yes', '["exams"]'),
            (8, '{mentee}', NULL, '', '{}', NULL, NULL, NULL, NULL, NULL, true, NULL, NULL, NULL, NULL, NULL)"#,
    );
    let id = |id: &str| MemberId::new(id).unwrap();
    let text = |text: &str| Some(text.to_owned());
    let school = |school: Option<String>, year| Education { school, year, ..Education::default() };
    let ada = Member {
        id: id("7"),
        roles: vec![Role::Mentor, Role::Mentee],
        name: text("Ada \"N.\""),
        interests: vec!["triage".into(), "jazz".into()],
        friends: vec![id("8"), id("9")],
        employers: vec!["Mercy".into()],
        education: vec![school(text("UMass"), None), school(None, Some(2009))],
        location: Some(Place { city: text("Boston"), lat: Some(42.36), lon: Some(-71.06), ..Place::default() }),
        hometown: Some(Place { city: text("Lowell"), ..Place::default() }),
        years_experience: Some(12.5),
        last_active: text("2026-11-01"),
        languages: vec!["en".into()],
        adult: Some(true),
        facing: vec!["exams".into()],
        ..Member::default()
    };
    let two = Member { id: id("8"), roles: vec![Role::Mentee], paused: true, ..Member::default() };
    let imported = import(&folder, &[&url, "--table", "public.people"]);
    assert_eq!((imported.0, &*imported.1), (0, "2 added, 0 changed, 0 unchanged, 0 set aside\n"), "{}", imported.2);
    assert_eq!(stored(&folder), [ada.clone(), two]);

    // The same record as a whole, from a statement that ends in a comment.
    server.sql(&url, "CREATE TABLE records (member json)");
    server.sql(&url, &format!("INSERT INTO records VALUES ('{}')", serde_json::to_string(&ada).unwrap()));
    let imported = import(&folder, &[&url, "--query", "WITH r AS (TABLE records) SELECT member FROM r -- all;\n;"]);
    assert_eq!((imported.0, &*imported.1), (0, "0 added, 0 changed, 1 unchanged, 0 set aside\n"), "{}", imported.2);
}

#[test]
fn a_bad_row_is_named_and_set_aside_and_the_others_go_in() {
    let (server, folder) = (Server::shared(), tempfile::tempdir().unwrap());
    let url = server.database();
    let query = r#"SELECT * FROM (VALUES
        ('a', 'mentor', '1', NULL), ('b', 'boss', NULL, NULL), ('c', 'mentor', 'north', NULL), ('a', 'mentor', NULL, NULL),
        (NULL, 'mentor', NULL, NULL), ('d', 'mentor', NULL, '{"town": "B"}'::json), ('e', 'mentee', NULL, NULL)
    ) AS people (id, roles, years_experience, location)"#;
    let (code, out, err) = import(&folder, &[&url, "--query", query]);
    assert_eq!((code, &*out), (3, "2 added, 0 changed, 0 unchanged, 5 set aside\n"), "{err}");
    let place = server.shown("owner", url.rsplit('/').next().unwrap());
    let said: Vec<&str> = err.lines().filter_map(|line| line.strip_prefix(&place)).collect();
    assert_eq!(
        said,
        [
            ":2: roles[0]: unknown variant `boss`, expected `mentor` or `mentee`",
            ":3: years_experience: invalid type: string \"north\", expected a number",
            ":4: id: \"a\" stands on line 1 already; expected each member once",
            ":5: id: is empty; expected the member's own id",
            ":6: location.town: is not a field of a member; expected only known ones, or use --lenient",
        ]
    );
    assert_eq!(stored_ids(&folder), ["a", "e"]);
    assert_eq!(rejects(&folder)[0]["raw"], r#"{"id":"b","roles":"boss","years_experience":null,"location":null}"#);
}

#[test]
fn a_query_that_is_wrong_says_why() {
    let (server, folder) = (Server::shared(), tempfile::tempdir().unwrap());
    let url = server.database();
    server.sql(&url, "CREATE TABLE people (id text, roles text); CREATE SEQUENCE numbers");
    server.sql(&url, "INSERT INTO people SELECT at, 'mentor' FROM generate_series(1, 5) AS at");
    for (arguments, code, expected) in [
        (
            vec!["--query", "SELECT id, roles, 44 AS shoe FROM people"],
            1,
            "the query names \"shoe\", which is not a column of members",
        ),
        (
            vec!["--query", "SELECT roles FROM people"],
            1,
            "the query has no column \"id\"; expected the member format's names, id and roles among them, or one column \"member\"",
        ),
        (vec!["--query", "SELECT id, id FROM people"], 1, "the query names column \"id\" twice"),
        (vec!["--query", "SELECT id, rolls FROM people"], 1, "column \"rolls\" does not exist"),
        (vec!["--query", "DELETE FROM people RETURNING id, roles"], 1, "syntax error at or near \"FROM\""),
        (
            vec!["--query", "SELECT nextval('numbers')::text AS id, 'mentor' AS roles"],
            1,
            "cannot execute nextval() in a read-only transaction",
        ),
        (vec!["--query", "SELECT 1 AS id; DELETE FROM people"], 1, "cannot insert multiple commands"),
        (vec!["--table", "people\"; DROP TABLE people"], 1, "does not exist"),
        (
            vec!["--query", "SELECT id, roles, 1 / (3 - id::int) AS capacity FROM people"],
            1,
            "after line 2: division by zero",
        ),
        (vec![], 2, "which rows? expected --query or --table"),
    ] {
        let (got, out, err) = import(&folder, &[&[&*url], &arguments[..]].concat());
        assert!(got == code && err.contains(expected), "{arguments:?}: {got} {out} {err}");
        assert_eq!(server.sql(&url, "SELECT count(*) FROM people"), "5");
    }
    let (code, _, err) = import(&folder, &["x.jsonl", "--table", "people"]);
    assert!(code == 2 && err.contains("none is named"), "{err}");
}

#[test]
fn a_full_feed_removes_who_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder, "feed/a.jsonl", &lines(0..60));
    write(&folder, "feed/b.csv", "id,roles\nm060,mentor\nm061,mentor\n");
    write(&folder, "feed/notes.txt", "not members");
    let full = |more: &[&str]| import(&folder, &[&["--full", "feed"], more].concat());
    assert_eq!(full(&[]).1, "62 added, 0 changed, 0 unchanged, 0 set aside, 0 removed\n");
    // Without --full nobody goes.
    write(&folder, "feed/a.jsonl", &lines(3..60));
    assert_eq!(import(&folder, &["feed"]).1, "0 added, 0 changed, 59 unchanged, 0 set aside\n");
    assert_eq!(full(&[]).1, "0 added, 0 changed, 59 unchanged, 0 set aside, 3 removed\n");
    assert_eq!(stored_ids(&folder).len(), 59);
    assert_eq!(full(&[]).1, "0 added, 0 changed, 59 unchanged, 0 set aside, 0 removed\n");

    // Who stands on a bad line is there.
    write(&folder, "feed/b.csv", "id,roles\nm060,boss\nm061,mentor\n");
    write(&folder, "feed/a.jsonl", &(lines(5..59) + "{\"id\":\"m059\",\"roles\":[]}\n"));
    let (code, out, err) = full(&[]);
    assert_eq!((code, &*out), (3, "0 added, 0 changed, 55 unchanged, 2 set aside, 2 removed\n"), "{err}");
    assert!(stored_ids(&folder).contains(&"m059".to_owned()) && stored_ids(&folder).contains(&"m060".to_owned()));
}

#[test]
fn a_full_feed_that_may_be_a_part_removes_nobody() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder, "feed/a.jsonl", &lines(0..100));
    assert_eq!(import(&folder, &["--full", "feed"]).0, 0);
    let few = lines(0..95);
    for (name, text, arguments, expected) in [
        (
            "b.jsonl",
            few.clone() + "not json\n",
            &["--yes"][..],
            "nobody was removed: of 1 bad lines it is not known whose they are",
        ),
        (
            "b.jsonl",
            few.clone() + "{\"id\":\" m1 \",\"roles\":[\"mentor\"]}\n",
            &["--yes"],
            "nobody was removed: of 1 bad lines",
        ),
        ("b.csv", few.clone(), &["--yes"], "nobody was removed: not all of the feed could be read"),
        (
            "c.jsonl.gz",
            "\u{1f}".into(),
            &["missing.jsonl", "--yes"],
            "nobody was removed: not all of the feed could be read",
        ),
        (
            "b.jsonl",
            lines(0..89),
            &[],
            "nobody was removed: 11 of 100 members stored before are not in the feed, more than 10 in a hundred; say --yes if that is so",
        ),
        // Those who come do not make up for those who go.
        ("b.jsonl", lines(100..900), &[], "nobody was removed: 100 of 100 members stored before are not in the feed"),
    ] {
        fs::remove_dir_all(folder.path().join("feed")).unwrap();
        write(&folder, &format!("feed/{name}"), &text);
        let (code, out, err) = import(&folder, &[&["--full", "feed"], arguments].concat());
        assert!(code == 1 && err.contains(expected) && !out.contains("removed"), "{name}: {code} {out} {err}");
        let ids = stored_ids(&folder);
        assert!((0..100).all(|id| ids.contains(&format!("m{id:03}"))), "{name}");
    }
    write(&folder, "feed/b.jsonl", &lines(0..50));
    let (_, out, err) = import(&folder, &["--full", "--yes", "feed"]);
    assert_eq!(out, "0 added, 0 changed, 50 unchanged, 0 set aside, 850 removed\n", "{err}");
}

#[test]
fn a_full_feed_may_be_a_query() {
    let (server, folder) = (Server::shared(), tempfile::tempdir().unwrap());
    let url = server.database();
    let rows = |from: u32, to: u32| {
        let query = format!("SELECT at AS id, 'mentor' AS roles FROM generate_series({from}, {to}) AS at");
        import(&folder, &["--full", &url, "--query", &query])
    };
    assert_eq!(rows(1, 6_000).1, "6000 added, 0 changed, 0 unchanged, 0 set aside, 0 removed\n");
    assert_eq!(rows(11, 6_010).1, "10 added, 0 changed, 5990 unchanged, 0 set aside, 10 removed\n");
    let (code, _, err) = rows(5_000, 4_000);
    assert!(code == 1 && err.contains("6000 of 6000 members stored before are not in the feed"), "{err}");
}
