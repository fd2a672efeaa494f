//! Members from files: good lines go in, bad ones are named and set aside, the same file twice changes nothing.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use rapport::member::import::{ImportError, Line, Strictness, parse_profile, read_members};
use rapport::member::{Education, Member, MemberId, Place, Role};
use rapport::sample::Community;
use rapport::store::{Address, Store};
use tempfile::TempDir;

use crate::common::wait;

/// A folder with an index of its own, and the real program.
struct Import(TempDir);

/// What the program said and did.
struct Outcome {
    code: i32,
    out: String,
    err: String,
}

impl Import {
    fn new() -> Import {
        Import(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    fn run(&self, arguments: &[&str], input: &[u8]) -> Outcome {
        let mut child = Command::new(env!("CARGO_BIN_EXE_rapport"))
            .current_dir(self.0.path())
            .args(["--index", "index", "import"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that does not read its input closes it.
        let _ = child.stdin.take().unwrap().write_all(input);
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Outcome { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }

    fn stored(&self) -> Vec<Member> {
        wait(async {
            let store = Store::open(&Address::Folder(self.0.path().join("index"))).await.unwrap();
            store.page(None, 10_000).await.unwrap()
        })
    }

    fn reject_files(&self) -> Vec<std::path::PathBuf> {
        let files = fs::read_dir(self.0.path().join("index")).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|file| file.to_string_lossy().contains("/rejects-")).collect()
    }

    fn rejects(&self) -> Vec<serde_json::Value> {
        let files = self.reject_files();
        let [file] = &files[..] else { panic!("one rejects file, not {files:?}") };
        let lines = fs::read_to_string(file).unwrap();
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn jsonl(members: &[Member]) -> Vec<u8> {
    members.iter().flat_map(|member| serde_json::to_vec(member).unwrap().into_iter().chain(*b"\n")).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

/// The sample's members as CSV, where CSV can say them: no education, whose entries line up by place.
const CSV: &str = "\u{feff}id,roles,name,profession,interests,education.school,education.year,location.city,location.lat,\
location.lon,hometown.city,paused,years_experience,friends,about\r\n\
m-1,mentor|mentee,\"Ada, \"\"N.\"\"\",Nurse,triage| jazz |,UMass|Mercy College,2009|,Boston,42.36,-71.06,Lowell,no,12.5,m-2,\r\n\
\r\n\
m-2,mentee,,,,,,,,,,TRUE,,,\"two\nlines\"\r\n";

fn of_csv() -> Vec<Member> {
    let text = |text: &str| Some(text.to_owned());
    let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let school = |name: &str, year| Education { school: text(name), year, ..Education::default() };
    let place = |city: &str| Place { city: text(city), ..Place::default() };
    let ada = Member {
        id: MemberId::new("m-1").unwrap(),
        roles: vec![Role::Mentor, Role::Mentee],
        name: text("Ada, \"N.\""),
        profession: text("Nurse"),
        interests: list(&["triage", "jazz"]),
        education: vec![school("UMass", Some(2009)), school("Mercy College", None)],
        location: Some(Place { lat: Some(42.36), lon: Some(-71.06), ..place("Boston") }),
        hometown: Some(place("Lowell")),
        years_experience: Some(12.5),
        friends: vec![MemberId::new("m-2").unwrap()],
        ..Member::default()
    };
    let two = Member {
        id: MemberId::new("m-2").unwrap(),
        roles: vec![Role::Mentee],
        about: text("two\nlines"),
        paused: true,
        ..Member::default()
    };
    vec![ada, two]
}

#[test]
fn every_kind_of_file_gives_the_same_members_and_twice_changes_nothing() {
    let sample: Vec<Member> = Community::new(60, 5).iter().collect();
    let lines = jsonl(&sample);
    let zst = |bytes: &[u8]| zstd::encode_all(bytes, 1).unwrap();
    for (name, content, members) in [
        ("members.jsonl", lines.clone(), &sample),
        ("members.jsonl.gz", gzip(&lines), &sample),
        ("members.jsonl.zst", zst(&lines), &sample),
        // Told by content where the name says nothing; two gzip members are one file.
        ("members", [gzip(&lines[..500]), gzip(&lines[500..])].concat(), &sample),
        ("without-end-of-line.ndjson", lines[..lines.len() - 1].to_vec(), &sample),
        ("members.csv", CSV.into(), &of_csv()),
        ("members.csv.gz", gzip(CSV.as_bytes()), &of_csv()),
        ("table.zst", zst(CSV.as_bytes()), &of_csv()),
    ] {
        let import = Import::new();
        import.file(name, &content);
        let count = members.len();
        let first = import.run(&[name], b"");
        let expected = (0, format!("{count} added, 0 changed, 0 unchanged, 0 set aside\n"));
        assert_eq!((first.code, first.out), expected, "{name}: {}", first.err);
        assert_eq!(import.stored(), *members, "{name}");
        let again = import.run(&["-"], &content);
        let expected = (0, format!("0 added, 0 changed, {count} unchanged, 0 set aside\n"));
        assert_eq!((again.code, again.out), expected, "{name} through standard input: {}", again.err);
        assert!(import.reject_files().is_empty());
    }
}

#[test]
fn a_changed_member_is_changed_and_the_others_are_not() {
    let import = Import::new();
    import.file("a.jsonl", "{\"id\":\"a\",\"roles\":[\"mentor\"]}\n{\"id\":\"b\",\"roles\":[\"mentor\"]}\n");
    import.file("b.jsonl", "{\"roles\":[\"mentor\"],\"id\":\"a\"}\n{\"id\":\"b\",\"roles\":[\"mentee\"]}\n");
    assert_eq!(import.run(&["a.jsonl", "b.jsonl"], b"").out, "2 added, 1 changed, 1 unchanged, 0 set aside\n");
}

const KNOWN: &str = "id, roles, name, headline, about, profession, industry, employers, interests, aims_for, seeks, \
offers, facing, overcame, education, years_experience, location, hometown, languages, time_zone, friends, colleagues, \
groups, blocks, capacity, paused, last_active, adult, private";

#[test]
fn a_bad_line_is_named_by_file_line_field_and_what_was_expected() {
    let member = |rest: &str| format!("{{\"id\":\"x\",\"roles\":[\"mentor\"]{rest}}}").into_bytes();
    let unknown = format!("nickname: is not a field of a member; expected only known ones ({KNOWN}), or use --lenient");
    let deep = format!(",\"about\":{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    let deep_unknown = format!(",\"x\":{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    for (line, expected) in [
        (member(",\"nickname\":\"A\""), unknown.as_str()),
        (
            member(",\"location\":{\"town\":\"B\"}"),
            "location.town: is not a field of a member; expected only known ones, or use --lenient",
        ),
        (member(",\"interests\":\"chess\""), "interests: invalid type: string \"chess\", expected a list at column 48"),
        (member(",\"friends\":[\"a\",7]"), "friends[1]: invalid type: integer `7`, expected a string at column 45"),
        (
            member(",\"location\":{\"lat\":\"north\"}"),
            "location.lat: invalid type: string \"north\", expected a number at column 54",
        ),
        (member(",\"location\":{\"lat\":91,\"lon\":0}"), "location.lat: is 91; expected degrees from -90 to 90"),
        (member(",\"location\":{\"lat\":1}"), "location: has one of lat and lon; expected both or neither"),
        (
            member(",\"hometown\":{\"lat\":0,\"lon\":-180.5}"),
            "hometown.lon: is -180.5; expected degrees from -180 to 180",
        ),
        (
            member(",\"education\":[{\"year\":\"soon\"}]"),
            "education[0].year: invalid type: string \"soon\", expected a whole number at column 56",
        ),
        (
            member(",\"capacity\":-1"),
            "capacity: invalid value: integer `-1`, expected a whole number, zero or more at column 42",
        ),
        (member(",\"years_experience\":101"), "years_experience: is 101; expected 0 to 100 years"),
        (
            member(",\"time_zone\":\"Mars\""),
            "time_zone: \"Mars\" is not a known time zone; expected an IANA name such as \"America/New_York\"",
        ),
        (member(",\"last_active\":\"2026-02-30\""), "last_active: \"2026-02-30\" is not a date; expected YYYY-MM-DD"),
        (
            member(",\"private\":[\"id\"]"),
            "private[0]: \"id\" is not a field that can be private; expected a field's name, and none of id, roles, paused, adult, blocks, private",
        ),
        (member(",\"blocks\":[\"\"]"), "blocks[0]: is empty; expected the member's own id"),
        (
            member(&format!(",\"about\":\"{}\"", "é".repeat(20_001))),
            "about: has 20001 characters; at most 20000 are allowed",
        ),
        (member("").repeat(2), "has text after the object; expected one member as a JSON object on each line"),
        (b"[]".to_vec(), "is a JSON array; expected one member as a JSON object on each line"),
        (b"{\"id\":\"x\"}".to_vec(), "roles: is missing; expected a list of \"mentor\", \"mentee\" or both"),
        (
            b"{\"id\":\"x\",\"roles\":[\"boss\"]}".to_vec(),
            "roles[0]: unknown variant `boss`, expected `mentor` or `mentee` at column 25",
        ),
        (b"{\"roles\":[\"mentor\"]}".to_vec(), "id: is empty; expected the member's own id"),
        (b"{\"id\":\"a\\u0007\",\"roles\":[\"mentor\"]}".to_vec(), "id: holds a control character"),
        (
            b"{\"id\":\"good-1\",\"roles\":[\"mentor\"]}".to_vec(),
            "id: \"good-1\" stands on line 1 already; expected each member once",
        ),
        (b"{\"id\":\"x\",\"roles\":[\"mentor\"],\"about\":\"\xff\"}".to_vec(), "is not UTF-8 text"),
        (member(&format!(",\"about\":\"{}\"", "a".repeat(8 << 20))), "is longer than 8 MiB"),
        (member(&deep), "about: invalid type: sequence, expected a string at column 37"),
        (member(&deep_unknown), &unknown.replace("nickname", "x")),
        (b"not a member".to_vec(), "is not a JSON object; expected one member as a JSON object on each line"),
        (b"{\"id\":\"x\",".to_vec(), "EOF while parsing a value at column 10"),
    ] {
        let import = Import::new();
        let good = |id: &str| format!("{{\"id\":\"{id}\",\"roles\":[\"mentor\"]}}\n").into_bytes();
        import.file(
            "in.jsonl",
            [good("good-1"), b"\n".to_vec(), line.clone(), b"\r\n".to_vec(), good("good-2")].concat(),
        );
        let outcome = import.run(&["in.jsonl"], b"");
        assert_eq!(
            (outcome.code, outcome.out.as_str()),
            (3, "2 added, 0 changed, 0 unchanged, 1 set aside\n"),
            "{}",
            outcome.err
        );
        let said = outcome.err.lines().next().unwrap();
        assert_eq!(said, format!("in.jsonl:3: {expected}"));
        let stored: Vec<String> = import.stored().iter().map(|member| member.id.to_string()).collect();
        assert_eq!(stored, ["good-1", "good-2"]);
        let [reject] = &import.rejects()[..] else { panic!("one line is set aside") };
        assert_eq!((&reject["file"], &reject["line"]), (&"in.jsonl".into(), &3.into()));
        let field = reject["field"].as_str().map(|field| format!("{field}: ")).unwrap_or_default();
        assert_eq!(format!("{field}{}", reject["problem"].as_str().unwrap()), expected);
        match std::str::from_utf8(&line) {
            Ok(text) if text.len() <= 64 << 10 => assert_eq!(reject["raw"], text),
            _ => assert!(reject.get("raw").is_none(), "what is not text, or too long, is not kept"),
        }
    }
}

#[test]
fn rows_are_counted_alike_however_they_end() {
    for end in ["\n", "\r\n", "\r"] {
        let import = Import::new();
        let rows = [
            "id,roles,about",
            "m-1,mentor,",
            "m-2,mentor,\"two",
            "lines\"",
            "",
            "m-3,captain,",
            "m-4,mentor,",
            "",
            "m-5,cook,",
        ];
        import.file("in.csv", rows.join(end));
        let outcome = import.run(&["in.csv"], b"");
        let lines: Vec<&str> =
            outcome.err.lines().filter_map(|line| line.split_once(": roles")).map(|at| at.0).collect();
        assert_eq!(lines, ["in.csv:6", "in.csv:9"], "{end:?}: {}", outcome.err);
        assert_eq!(import.stored()[1].about.as_deref(), Some("two\nlines"), "{end:?}");
    }
}

#[test]
fn a_row_whose_quote_stays_open_is_named_by_where_it_begins() {
    for end in ["", "\n", "\n\n"] {
        let import = Import::new();
        import.file("in.csv", format!("id,roles\nm-1,captain\n\"m-2,captain{end}"));
        let err = import.run(&["in.csv"], b"").err;
        let lines: Vec<&str> = err.lines().take(2).map(|line| line.split(": ").next().unwrap()).collect();
        assert_eq!(lines, ["in.csv:2", "in.csv:3"], "{end:?}: {err}");
    }
}

#[test]
fn a_bad_row_of_a_table_is_named_too() {
    for (row, code, expected) in [
        ("x,mentor", 3, "t.csv:3: has 2 cells; expected 4, as the header row"),
        ("x,mentor,north,0", 3, "t.csv:3: location.lat: invalid type: string \"north\", expected a number"),
        ("x,boss,1,1", 3, "t.csv:3: roles[0]: unknown variant `boss`, expected `mentor` or `mentee`"),
        ("x,,1,1", 3, "t.csv:3: roles: is missing; expected a list of \"mentor\", \"mentee\" or both"),
        ("good-1,mentor,,", 3, "t.csv:3: id: \"good-1\" stands on line 2 already; expected each member once"),
    ] {
        let import = Import::new();
        import
            .file("t.csv", format!("id,roles,location.lat,location.lon\ngood-1,mentor,,\n{row}\ngood-2,mentor,1,1\n"));
        let outcome = import.run(&["t.csv"], b"");
        assert_eq!((outcome.code, outcome.err.lines().next().unwrap()), (code, expected));
        assert_eq!(import.stored().len(), 2);
    }
}

#[test]
fn a_table_that_cannot_be_read_says_why_and_fails() {
    let rows = "a,mentor\nb,\"mentor\n".to_owned() + &"x".repeat(9 << 20);
    for (content, expected) in [
        ("id,roles,shoe\n".to_owned(), format!("the header row names \"shoe\", which is not a column of members; expected only known ones ({KNOWN}), or use --lenient")),
        ("id,roles,location\n".to_owned(), "the header row names \"location\", which is not a column of members; expected location.city, location.region, location.country, location.lat, location.lon".to_owned()),
        ("id,roles,id\n".to_owned(), "the header row names column \"id\" twice; expected each once".to_owned()),
        ("name\n".to_owned(), "the header row has no column \"id\"; expected the member format's names, id and roles among them".to_owned()),
        (format!("id,roles\n{rows}"), "a row is longer than 8 MiB; is a quote left open?".to_owned()),
    ] {
        let import = Import::new();
        import.file("t.csv", content);
        let outcome = import.run(&["t.csv"], b"");
        assert_eq!(outcome.code, 1, "{}", outcome.err);
        assert!(outcome.err.contains("t.csv") && outcome.err.contains(&expected), "{}", outcome.err);
    }
}

#[test]
fn unknown_fields_pass_with_a_warning_where_that_was_asked_for() {
    let import = Import::new();
    import.file("in.jsonl", "{\"id\":\"a\",\"roles\":[\"mentor\"],\"shoe\":{\"size\":[44]},\"x\":null}\n");
    import.file("in.csv", "id,roles,shoe\nb,mentor,44\n");
    let outcome = import.run(&["--lenient", "in.jsonl", "in.csv"], b"");
    assert_eq!((outcome.code, outcome.out.as_str()), (0, "2 added, 0 changed, 0 unchanged, 0 set aside\n"));
    assert!(outcome.err.contains("warning: in.jsonl:1: unknown fields let pass: shoe, x"), "{}", outcome.err);
    assert!(outcome.err.contains("warning: in.csv:2: unknown fields let pass: shoe"), "{}", outcome.err);
}

#[test]
fn what_cannot_be_read_to_the_end_fails_and_the_good_lines_before_it_stay() {
    let lines = jsonl(&Community::new(3_000, 5).iter().collect::<Vec<_>>());
    let packed = gzip(&lines);
    let import = Import::new();
    import.file("cut.jsonl.gz", &packed[..packed.len() / 2]);
    import.file("good.jsonl", "{\"id\":\"good\",\"roles\":[\"mentor\"]}\n");
    fs::create_dir(import.0.path().join("none")).unwrap();
    let outcome = import.run(&["missing.jsonl", "cut.jsonl.gz", "none", "good.jsonl"], b"");
    assert_eq!(outcome.code, 1);
    for said in [
        "cannot read missing.jsonl: ",
        "cannot read cut.jsonl.gz after line ",
        "cannot read none: it is a folder; expected a JSONL or CSV file, or a folder of such",
        "not all could be read: missing.jsonl, cut.jsonl.gz, none; what was read is kept",
    ] {
        assert!(outcome.err.contains(said), "{}", outcome.err);
    }
    let stored = import.stored();
    assert!(stored.len() > 1_000 && stored.iter().any(|member| member.id.as_str() == "good"));
}

#[test]
fn many_bad_lines_are_counted_and_all_set_aside() {
    let import = Import::new();
    import.file("in.jsonl", "{}\n".repeat(50));
    let outcome = import.run(&["in.jsonl"], b"");
    assert_eq!((outcome.code, outcome.out.as_str()), (3, "0 added, 0 changed, 0 unchanged, 50 set aside\n"));
    assert_eq!(import.rejects().len(), 50);
    assert!(outcome.err.contains("… and 30 more\n50 bad lines are set aside in "), "{}", outcome.err);
}

#[test]
fn a_rejects_file_that_is_an_input_is_never_written_over() {
    let import = Import::new();
    // A program that reads what it writes would not end: nothing in this file is set aside if it goes wrong.
    let lines = jsonl(&Community::new(3, 5).iter().collect::<Vec<_>>());
    let path = import.file("in.jsonl", &lines);
    let outcome = import.run(&["in.jsonl", "--rejects", "./in.jsonl"], b"");
    assert_eq!(outcome.code, 2, "{} {}", outcome.out, outcome.err);
    assert_eq!(fs::read(path).unwrap(), lines);
}

#[test]
fn a_line_cannot_write_to_the_terminal() {
    let import = Import::new();
    import.file("in.jsonl", "{\"id\":\"a\",\"roles\":[\"\\u001b[2Jboss\"]}\n{\"id\":\"b\",\"roles\":[\"mentor\"],\"\\u001b]0;x\\u0007\":1}\n");
    for lenient in [&["in.jsonl"][..], &["--lenient", "in.jsonl"]] {
        let outcome = import.run(lenient, b"");
        assert!(!outcome.err.contains('\u{1b}') && !outcome.out.contains('\u{1b}'), "{:?}", outcome.err);
    }
}

/// Reads bytes as a file of this name; what comes of every line.
fn read(name: &str, bytes: &[u8]) -> (Vec<Line>, Result<(), ImportError>) {
    let folder = tempfile::tempdir().unwrap();
    let path: &Path = &folder.path().join(name);
    fs::write(path, bytes).unwrap();
    let mut lines = Vec::new();
    let end = read_members(path, Strictness::default(), &mut |line| {
        lines.push(line);
        Ok(())
    });
    (lines, end)
}

/// Any member as JSON might state it, valid or not.
fn any_member() -> impl Strategy<Value = Member> {
    let text = || prop::option::of(".{0,12}");
    let list = || prop::collection::vec(".{0,6}", 0..4);
    let id = || "[a-z0-9é]{1,8}".prop_map(|id| MemberId::new(id).unwrap());
    let ids = move || prop::collection::vec(id(), 0..4);
    let place = (text(), text(), prop::option::of((-90.0..=90.0, -180.0..=180.0))).prop_map(|(city, country, at)| {
        Place { city, country, lat: at.map(|at| at.0), lon: at.map(|at| at.1), ..Place::default() }
    });
    let school = (text(), text(), any::<Option<i32>>()).prop_map(|(school, field, year)| Education {
        school,
        field,
        year,
        ..Education::default()
    });
    let zone = prop::option::of(prop::sample::select(vec!["Europe/Berlin", "America/New_York", "UTC"]));
    let roles = prop::sample::subsequence(vec![Role::Mentor, Role::Mentee], 1..=2);
    let texts = (text(), text(), text(), text(), text(), text(), text(), text());
    let lists = (list(), list(), list(), list(), list(), list());
    let hideable: Vec<&str> = Member::FIELDS[2..]
        .iter()
        .copied()
        .filter(|field| !["paused", "adult", "blocks", "private"].contains(field))
        .collect();
    let private = prop::sample::subsequence(hideable, 0..4);
    let rest = (
        prop::option::of(0.0f32..=100.0),
        zone,
        any::<Option<u32>>(),
        any::<bool>(),
        any::<Option<bool>>(),
        prop::option::of(place),
        prop::collection::vec(school, 0..3),
        private,
    );
    (id(), roles, texts, lists, (ids(), ids(), ids()), rest).prop_map(|(id, roles, texts, lists, graph, rest)| {
        let (name, headline, about, profession, industry, aims_for, seeks, offers) = texts;
        let (employers, interests, facing, overcame, languages, groups) = lists;
        let (friends, colleagues, blocks) = graph;
        let (years_experience, zone, capacity, paused, adult, location, education, private) = rest;
        let private = private.into_iter().map(str::to_owned).collect();
        #[rustfmt::skip]
        let member = Member {
            id, roles, name, headline, about, profession, industry, employers, interests, aims_for, seeks, offers,
            facing, overcame, education, years_experience, location, languages, time_zone: zone.map(str::to_owned),
            friends, colleagues, groups, blocks, capacity, paused, adult, private, ..Member::default()
        };
        member
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400, rng_seed: RngSeed::Fixed(7), failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn any_bytes_are_read_without_a_panic(
        name in prop::sample::select(vec!["x.jsonl", "x.csv", "x"]),
        start in prop::sample::select(vec!["", "\u{1f}\u{8b}", "id,roles\n", "{\"id\":", "(\u{b5}/\u{fd}", "\u{feff}"]),
        bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        // Latin-1, so that the marks of compressed files are the bytes they stand for.
        let start: Vec<u8> = start.chars().map(|letter| letter as u32 as u8).collect();
        drop(read(name, &[start, bytes.clone()].concat()));
        drop(parse_profile(&String::from_utf8_lossy(&bytes)));
    }

    #[test]
    fn a_turned_byte_of_a_member_is_read_without_a_panic(member in any_member(), at in any::<prop::sample::Index>(), to: u8) {
        let mut bytes = serde_json::to_vec(&member).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = to;
        drop(read("x.jsonl", &bytes));
    }

    #[test]
    fn a_valid_member_reads_back_equal(member in any_member()) {
        let valid = member.validate().unwrap();
        prop_assert_eq!(valid.clone().validate().unwrap(), valid.clone(), "validating again changes nothing");
        let (lines, end) = read("x.jsonl", &serde_json::to_vec(&valid).unwrap());
        prop_assert!(end.is_ok());
        let [Line::Member { member, line: 1, unknown }] = &lines[..] else { panic!("{lines:?}") };
        prop_assert_eq!(&**member, &valid);
        prop_assert!(unknown.is_empty());
    }
}
