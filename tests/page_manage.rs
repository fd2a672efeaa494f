//! The pages of whoever runs the programme and the service: each opens for a manager and for nobody else, and does what it
//! says.

use std::time::Duration;

use rapport::config::{Config, StoreConfig};
use rapport::member::Member;
use serde_json::json;
use tempfile::TempDir;

use crate::common::{
    local::{DAY, Local},
    mentee, mentor, postgres, tiny, wait,
};

const HERE: [(&str, &str); 1] = [("sec-fetch-site", "same-origin")];

const PAGES: [&str; 10] = [
    "/manage",
    "/manage/intake",
    "/manage/cohort",
    "/manage/introductions",
    "/manage/events",
    "/manage/events.csv",
    "/manage/events.jsonl",
    "/manage/rules",
    "/operate",
    "/operate/progress",
];

const FORMS: [&str; 6] = [
    "/manage/intake",
    "/manage/intake/write",
    "/manage/cohort",
    "/operate/rebuild",
    "/operate/rollback",
    "/operate/reload",
];

/// Mentees `e0`, `e1`… and mentors `o0`, `o1`… with one profession, each with one place.
fn started(mentees: usize, mentors: usize) -> (TempDir, Local) {
    started_over(StoreConfig::default(), mentees, mentors)
}

fn started_over(store: StoreConfig, mentees: usize, mentors: usize) -> (TempDir, Local) {
    let nurse = |at| Member {
        profession: Some("Nurse".into()),
        name: Some(format!("Nurse <{at}>")),
        capacity: Some(1),
        ..mentor(&format!("o{at}"))
    };
    let seeker = |at| Member { aims_for: Some("Nurse".into()), ..mentee(&format!("e{at}")) };
    let members: Vec<Member> = (0..mentees).map(seeker).chain((0..mentors).map(nurse)).collect();
    let folder = tempfile::tempdir().unwrap();
    let config = Config { store, ..tiny::config(folder.path()) };
    wait(tiny::publish(&config, &members));
    let service = Local::start(config, tiny::embedder());
    (folder, service)
}

/// A page that a manager opens.
fn open(service: &Local, path: &str) -> String {
    let (status, page) = service.page("", path);
    assert_eq!(status, 200, "{path}: {page}");
    page
}

/// The page that comes of a form that a manager sends.
fn sent(service: &Local, path: &str, fields: &[(&str, &str)]) -> String {
    let (status, _, page) = service.form("", path, fields, &HERE);
    assert_eq!(status, 200, "{path}: {page}");
    page
}

fn assert_has(page: &str, texts: &[&str]) {
    for text in texts {
        assert!(page.contains(text), "no {text:?} in {page}");
    }
}

/// What stands in the value of a field that is not shown.
fn hidden(page: &str, name: &str) -> String {
    let (_, after) = page.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
    let (value, _) = after.split_once('"').unwrap();
    value.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

#[test]
fn a_manager_opens_every_page_and_a_member_none() {
    let (_folder, service) = started(2, 2);
    for path in PAGES {
        let page = open(&service, path);
        if !path.contains('.') && path != "/operate/progress" {
            assert_eq!(page.matches("<h1>").count(), 1, "{path}");
            assert!(!page.contains(" style="), "{path}");
        }
        let (status, page) = service.page("e0", path);
        assert_eq!(status, 403, "{path}: {page}");
    }
    for path in FORMS {
        let fields = [("lines", "x"), ("good", "x"), ("generation", "gen-000001")];
        assert_eq!(service.form("e0", path, &fields, &HERE).0, 403, "{path}");
        let elsewhere = [("origin", "https://elsewhere.example")];
        let (status, _, page) = service.form("", path, &fields, &elsewhere);
        assert_eq!(status, 403, "{path}");
        assert_has(&page, &["not sent by a page of this service"]);
        assert_eq!(service.form("", path, &fields, &[]).0, 403, "{path}: from nowhere");
    }
}

#[test]
fn the_pool_names_mentors_who_are_full_who_wait_and_who_never_answer() {
    let server = postgres::Server::shared();
    let on_a_server = StoreConfig { url: Some(server.database().parse().unwrap()), ..StoreConfig::default() };
    for store in [StoreConfig::default(), on_a_server] {
        let (_folder, service) = started_over(store, 3, 3);
        look_at_the_pool(&service);
    }
}

fn look_at_the_pool(service: &Local) {
    let first = service.ask("e0", "o0");
    service.act("o0", &first, &json!({"do": "accept", "accepts_guidelines": service.guidelines()}));
    service.ask("e1", "o1");
    service.pass(30 * DAY);
    service.ask("e2", "o2");
    let page = open(service, "/manage");
    assert_has(
        &page,
        &["<strong>6</strong>members", "status=requested\">requests waiting", "status=expired\">expired"],
    );
    assert_has(&page, &["Nurse &lt;0&gt;", "Full (1)", "Requests waiting (1)", "Never answered (1)", "Paused (0)"]);
    let silent = open(service, "/manage?look=silent");
    assert!(silent.contains("/members/o1") && !silent.contains("/members/o0"), "{silent}");
    assert_eq!(service.page("", "/manage?look=lost").0, 400);

    let status = service.act("e0", &first, &json!({"do": "report", "words": "Never came."}));
    let reported = open(service, &format!("/manage/introductions?status={status}"));
    assert_has(&reported, &[&format!("/introductions/{first}"), "reported by the mentee", "/members/o0"]);
    assert!(!reported.contains("/members/e1"), "{reported}");
    assert_eq!(service.page("", "/manage/introductions?status=lost").0, 400);

    let history = open(service, "/manage/events");
    assert_has(&history, &["accepted guidelines", "requested → accepted", "/members/e0", "requested → expired"]);
    let of_one = open(service, "/manage/events?member=o2");
    assert!(of_one.contains("/members/e2") && !of_one.contains("/members/e0"), "{of_one}");
    let (all, lines) = (service.events(), open(service, "/manage/events.jsonl"));
    assert_eq!(lines.lines().count(), all.len());
    assert_eq!(serde_json::from_str::<serde_json::Value>(lines.lines().last().unwrap()).unwrap(), *all.last().unwrap());
    let rows = open(service, "/manage/events.csv");
    assert!(rows.starts_with("number,at,event,by"), "{rows}");
    assert_eq!(rows.lines().count(), all.len() + 1);
}

#[test]
fn an_intake_is_checked_by_line_and_written_once_it_is_confirmed() {
    let (_folder, service) = started(1, 1);
    let lines = "id,roles,name,years_experience\r\nnew-1,mentor,Zoë & Co,12\r\nbad,boss,,\r\nnew-1,mentor,Twice,1\r\n\
                 worse,mentor,,abc\r\no0,mentor,Changed,\r\n";
    let page = sent(&service, "/manage/intake", &[("lines", lines)]);
    assert_has(
        &page,
        &["Write the 2 good ones", "<strong>1</strong>new members", "<strong>1</strong>known, and changed"],
    );
    assert_has(&page, &["<td>roles[0]</td>", "expected `mentor` or `mentee`", "stands on line 2 already", ">5</th>"]);
    assert_eq!(service.send("", "GET", "/v1/members/new-1", None).0, 404, "nothing is written yet");
    let good = hidden(&page, "good");
    assert_eq!(good.lines().count(), 2);
    let page = sent(&service, "/manage/intake/write", &[("good", &good)]);
    assert_has(&page, &["2 members are written"]);
    assert_eq!(service.get("", "/v1/members/new-1")["name"], "Zoë & Co");
    assert_eq!(service.send("", "GET", "/v1/members/bad", None).0, 404);

    let unknown = "{\"id\":\"new-2\",\"roles\":[\"mentee\"],\"shoes\":42}";
    assert_has(&sent(&service, "/manage/intake", &[("lines", unknown)]), &["<td>shoes</td>", "is not a field"]);
    let page = sent(&service, "/manage/intake", &[("lines", unknown), ("lenient", "yes")]);
    assert_has(&page, &["Write the 1 good one", "Left out", "shoes"]);
    let page = sent(&service, "/manage/intake", &[("lines", "name,shoes\nx,1\n")]);
    assert_has(&page, &["The first row", "role=\"alert\""]);
    assert!(!page.contains("Write the"), "{page}");
}

#[test]
fn a_cohort_keeps_what_is_locked_and_says_who_has_nobody() {
    let (_folder, service) = started(3, 2);
    let page = sent(&service, "/manage/cohort", &[("who", "all"), ("objective", "most_matched")]);
    assert_has(
        &page,
        &["<strong>2 of 3</strong>mentees matched", "Without a mentor (1)", "data:text/csv", "match%2Clocked"],
    );
    let lock = r#"["e2","o1"]"#;
    let fields = [("who", "listed"), ("ids", "e0\r\ne2\r\n"), ("lock", lock), ("minimum", "0")];
    let page = sent(&service, "/manage/cohort", &fields);
    assert_has(&page, &["<strong>2 of 2</strong>mentees matched"]);
    assert_has(
        &page,
        &[r#"value="[&quot;e2&quot;,&quot;o1&quot;]" checked"#, r#"value="[&quot;e0&quot;,&quot;o0&quot;]" aria"#],
    );
    service.ask("e0", "o0");
    assert_has(&open(&service, "/manage/cohort"), &["All 2 mentees"]);
    for (fields, told) in [
        (vec![("who", "listed")], "expected the mentees&#39; ids"),
        (vec![("objective", "luck")], "fairest"),
        (vec![("lock", "e0=o0")], "pair of ids"),
        (vec![("time_zone_gap", "99")], "0 to 12"),
    ] {
        let (status, _, page) = service.form("", "/manage/cohort", &fields, &HERE);
        assert_eq!(status, 400, "{page}");
        assert_has(&page.replace('\'', "&#39;"), &[told]);
    }
    let many: Vec<String> = (0..501).map(|at| format!("x{at}")).collect();
    let (status, _, page) = service.form("", "/manage/cohort", &[("who", "listed"), ("ids", &many.join("\n"))], &HERE);
    assert_eq!(status, 400);
    assert_has(&page, &["501", "rapport match"]);
}

#[test]
fn a_cohort_of_an_exchange_shows_both_ways() {
    let (_folder, service) = started(2, 2);
    let fields = [("who", "all"), ("exchange", "yes")];
    let page = sent(&service, "/manage/cohort", &fields);
    assert_has(
        &page,
        &[
            "<strong>2 of 2</strong>mentees matched",
            " there, ",
            "would find in",
            "score%2Cmatch_back%2Cpoints_in_common_back",
        ],
    );
    assert_has(&page, &[r#"name="exchange" value="yes" checked"#, "total of the scores"]);
    let pair = hidden(&page, "pair");
    assert_has(&sent(&service, "/manage/cohort/introduce", &[("pair", &pair)]), &["<strong>1</strong> of 1 pairs"]);
    let page = sent(&service, "/manage/cohort", &fields[..1]);
    assert!(!page.contains("would find in") && !page.contains("match_back"), "{page}");

    // A mentor who is listed may ask in an exchange; to be introduced they have to be a mentee too.
    let listed = [("who", "listed"), ("ids", "o0"), ("exchange", "yes")];
    let page = sent(&service, "/manage/cohort", &listed);
    let pair = hidden(&page, "pair");
    assert_eq!(pair, r#"["o0","o1"]"#);
    let page = sent(&service, "/manage/cohort/introduce", &[("pair", &pair)]);
    assert_has(&page, &["<strong>0</strong> of 1 pairs", "o0 is no mentee"]);
    assert_has(&sent(&service, "/manage/cohort", &listed[..2]), &["not of the role that the list is for"]);
}

#[test]
fn other_weights_are_tried_and_given_as_toml() {
    let (_folder, service) = started(12, 8);
    let page = open(&service, "/manage/rules");
    assert_has(&page, &["For mentors", r#"name="profession" type="number""#]);
    assert!(!page.contains("What would change"));
    let page = open(&service, "/manage/rules?profession=0&words_in_common=2,5");
    assert_has(&page, &["of 10 searches", "[weights]\nprofession = 0.0\n", "words_in_common = 2.5\n", "Is 0.45"]);
    assert_has(&open(&service, "/manage/rules?profession=0.45"), &["These are the weights as they are"]);
    assert_eq!(service.page("", "/manage/rules?profession=-1").0, 400);
    assert_eq!(service.page("", "/manage/rules?profession=much").0, 400);
}

#[test]
fn a_generation_is_rebuilt_and_gone_back_from() {
    let (_folder, service) = started(2, 2);
    assert_has(&open(&service, "/operate"), &["gen-000001", "Ready"]);
    let (status, to, _) = service.form("", "/operate/rebuild", &[("full", "yes")], &HERE);
    assert_eq!((status, &*to), (303, "/operate#rebuild"));
    let ended = (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        open(&service, "/operate").contains("published gen-000002")
    });
    assert!(ended, "the rebuild does not end");
    assert_has(&open(&service, "/operate/progress"), &["event: ended", "\"progress\":null"]);
    let (status, to, _) = service.form("", "/operate/rollback", &[("generation", "gen-000001")], &HERE);
    assert_eq!((status, &*to), (303, "/operate?done=rollback#generations"));
    assert_eq!(service.get("", "/v1/status")["generation"], "gen-000001");
    assert_has(&open(&service, "/operate?done=rollback"), &["Go back to gen-000002", "served again"]);
    let (status, _, page) = service.form("", "/operate/rollback", &[("generation", "gen-000009")], &HERE);
    assert_eq!(status, 400, "{page}");
    assert_eq!(service.form("", "/operate/reload", &[], &HERE).1, "/operate?done=reload#configuration");
}
