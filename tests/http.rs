//! The HTTP API: what it answers, and how it says what is wrong.

use std::sync::OnceLock;

use rapport::config::Config;
use rapport::member::{Member, Place};
use rapport::sample::Community;
use rapport::search::Why;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{self, http::Service, ids_of, mentee, mentor, publish, strings};

/// Ada seeks; Bea is the nurse she looks for, Cid is paused, Dan is not of age, Eve blocks Ada, Flo is a friend.
fn people() -> Vec<Member> {
    let boston = Place {
        city: Some("Boston".into()),
        country: Some("US".into()),
        lat: Some(42.36),
        lon: Some(-71.06),
        ..Place::default()
    };
    let nurse = |id: &str, name: &str| Member {
        name: Some(name.into()),
        profession: Some("Nurse".into()),
        interests: strings(&["jazz"]),
        location: Some(boston.clone()),
        ..mentor(id)
    };
    vec![
        Member {
            aims_for: Some("Nurse".into()),
            interests: strings(&["jazz"]),
            location: Some(boston.clone()),
            friends: ids_of(&["flo"]),
            ..mentee("ada")
        },
        Member { facing: strings(&["burnout"]), ..nurse("bea", "Bea") },
        Member { paused: true, ..nurse("cid", "Cid") },
        Member { adult: Some(false), ..nurse("dan", "Dan") },
        Member { blocks: ids_of(&["ada"]), ..nurse("eve", "Eve") },
        nurse("flo", "Flo"),
        Member { location: None, private: strings(&["interests"]), ..nurse("gus", "Gus") },
    ]
}

fn started(members: &[Member]) -> (TempDir, Config, Service) {
    let folder = tempfile::tempdir().unwrap();
    let config = common::config(folder.path());
    publish(&config, members);
    let service = Service::start(&config, &[]);
    (folder, config, service)
}

/// One service for the tests that only read.
fn reading() -> &'static Service {
    static SERVICE: OnceLock<(TempDir, Config, Service)> = OnceLock::new();
    &SERVICE.get_or_init(|| started(&people())).2
}

#[test]
fn mentors_are_found_by_text_member_profile_interests_and_profession() {
    let service = reading();
    let by_member = service.get("/v1/members/ada/mentors");
    assert_eq!(by_member.ids(), ["bea", "gus"]);
    for request in [
        json!({"member": "ada"}),
        json!({"text": "I want to become a nurse", "viewer": "ada"}),
        json!({"profile": {"aims_for": "Nurse", "adult": true}, "viewer": "ada"}),
        json!({"interests": ["jazz"], "viewer": "ada", "filter": {"city": ["boston"]}}),
        json!({"profession": "Nurse", "viewer": "ada", "k": 1, "filter": {"country": ["US"]}}),
    ] {
        let found = service.post("/v1/search", &request);
        // Gus, of whom the same is known, may come first where place and interests do not count.
        assert!(found.ids().contains(&"bea".to_owned()), "{request}");
        assert!(found.ids().iter().all(|id| ["bea", "gus"].contains(&id.as_str())), "{request}");
    }
    // Nobody in particular: nobody is known or blocked.
    let anyone = service.post("/v1/search", &json!({"text": "nurse", "k": 10})).ids();
    assert!(["bea", "eve", "flo"].iter().all(|id| anyone.contains(&(*id).to_owned())), "{anyone:?}");
}

#[test]
fn the_same_request_of_the_same_state_gets_the_same_bytes_and_says_which() {
    let service = reading();
    let (one, two) =
        (service.get("/v1/members/ada/mentors?k=2"), service.post("/v1/search", &json!({"member": "ada", "k": 2})));
    assert_eq!(one.body, two.body);
    assert_eq!(one.header("rapport-state"), one.json()["state"]);
    assert!(one.header("server-timing").contains("rank;dur="));
    assert_eq!(one.header("x-request-id").len(), 16);
    assert_ne!(one.header("x-request-id"), two.header("x-request-id"));
    let own = service.send("GET", "/v1/members/ada/mentors", &[("x-request-id", "my-own.1")], &[]);
    assert_eq!(own.header("x-request-id"), "my-own.1");
    let forged = service.send("GET", "/healthz", &[("x-request-id", "a b")], &[]);
    assert_ne!(forged.header("x-request-id"), "a b");
}

#[test]
fn reasons_weights_and_filters_are_as_asked() {
    let service = reading();
    let plain = service.get("/v1/members/ada/mentors").json();
    assert!(plain["hits"][0]["points_in_common"][0]["text"].is_string());
    let silent = service.get("/v1/members/ada/mentors?explain=false").json();
    assert_eq!(silent["hits"][0]["points_in_common"], json!([]));
    assert_eq!(silent["hits"][0]["contributions"], plain["hits"][0]["contributions"]);

    let jazz = service.post("/v1/search", &json!({"member": "ada", "weights": {"profession": 0.0}})).json();
    let features = |answer: &Value| answer["hits"][0]["contributions"].to_string();
    assert!(features(&plain).contains("\"profession\"") && !features(&jazz).contains("\"profession\""));
    assert_ne!(plain["state"], jazz["state"]);

    let here = service.get("/v1/members/ada/mentors?filter=country%3DUS&filter=within%3D10km&k=5");
    assert_eq!(here.ids(), ["bea"]);
    assert_eq!(service.get("/v1/members/ada/mentors?known=include").ids().len(), 3);
}

#[test]
fn the_dial_is_the_same_in_a_body_a_query_string_and_an_explanation() {
    let service = reading();
    let body = service.post("/v1/search", &json!({"member": "ada", "outside_circle": 0.5}));
    let query = service.get("/v1/members/ada/mentors?outside_circle=0.5");
    assert_eq!(body.body, query.body);
    let hit = &query.json()["hits"][0];
    assert_eq!((&hit["member"]["id"], &hit["adjustments"][0]["reason"]), (&json!("bea"), &json!("outside_circle")));
    assert!(hit["adjustments"][0]["text"].as_str().unwrap().ends_with(": how near you live"), "{hit}");
    let why = service.get("/v1/explain?mentee=ada&mentor=bea&outside_circle=0.5").json();
    assert_eq!(&why["hit"], hit);
    let field = (400, "invalid".to_owned(), "outside_circle".to_owned());
    for wrong in ["1.01", "-1", "NaN", "half", ""] {
        assert_eq!(service.get(&format!("/v1/members/ada/mentors?outside_circle={wrong}")).problem(), field, "{wrong}");
    }
    for wrong in [json!(2), json!("0.5")] {
        let refused = service.post("/v1/search", &json!({"member": "ada", "outside_circle": wrong}));
        assert_eq!(refused.problem(), field, "{wrong}");
    }
}

#[test]
fn an_exchange_has_both_ways_in_a_body_a_query_string_and_an_explanation() {
    let service = reading();
    let body = service.post("/v1/search", &json!({"member": "ada", "exchange": true}));
    let query = service.get("/v1/members/ada/mentors?exchange=true");
    assert_eq!(body.body, query.body);
    let hit = &query.json()["hits"][0];
    assert!(hit["back"]["match"].is_f64() && hit["back"]["contributions"].is_array(), "{hit}");
    let why =
        service.get(&format!("/v1/explain?mentee=ada&mentor={}&exchange=true", hit["member"]["id"].as_str().unwrap()));
    assert_eq!(&why.json()["hit"], hit);
    // What Bea faces is not Ada's to know.
    assert!(!query.text().contains("burnout"), "{}", query.text());
    let by_text = service.post("/v1/search", &json!({"text": "a nurse", "exchange": true}));
    assert_eq!(by_text.problem(), (400, "invalid".into(), "exchange".into()));
    assert_eq!(service.get("/v1/members/ada/mentors?exchange=please").problem().2, "exchange");
    let unknown = service.get("/v1/members/ada/mentors?filter=other_language%3Dtrue").problem();
    assert_eq!(unknown, (400, "invalid".into(), "filter.other_language".into()));
    assert_eq!(service.get("/v1/members/ada/mentors?filter=other_country%3Dtrue").ids(), Vec::<String>::new());
}

#[test]
fn what_is_wrong_is_told_by_code_and_field() {
    let service = reading();
    let json_type = ("content-type", "application/json");
    let long = "x".repeat(10_001);
    let many: Vec<String> = (0..101).map(|at| format!("c{at}")).collect();
    for (response, expected) in [
        (service.post("/v1/search", &json!({})), (400, "invalid", "query")),
        (service.post("/v1/search", &json!({"text": "nurse", "member": "ada"})), (400, "invalid", "query")),
        (service.post("/v1/search", &json!({"text": long})), (400, "invalid", "text")),
        (service.post("/v1/search", &json!({"text": "nurse", "k": 0})), (400, "invalid", "k")),
        (service.post("/v1/search", &json!({"text": "nurse", "k": -1})), (400, "invalid", "k")),
        (service.post("/v1/search", &json!({"text": "nurse", "colour": 1})), (400, "invalid", "colour")),
        (service.post("/v1/search", &json!({"profile": {"hobby": "x"}})), (400, "invalid", "profile.hobby")),
        (
            service.post("/v1/search", &json!({"text": "x", "weights": {"profession": -1}})),
            (400, "invalid", "weights.profession"),
        ),
        (
            service.post("/v1/search", &json!({"text": "x", "filter": {"country": many}})),
            (400, "invalid", "filter.country"),
        ),
        (service.post("/v1/search", &json!({"member": "nobody"})), (404, "not_available", "")),
        (service.post("/v1/search", &json!({"member": "dan"})), (404, "not_available", "")),
        (service.get("/v1/members/ada/mentors?k=x"), (400, "invalid", "k")),
        (service.get("/v1/members/ada/mentors?k=1&k=2"), (400, "invalid", "k")),
        (service.get("/v1/members/ada/mentors?colour=1"), (400, "invalid", "colour")),
        (service.get("/v1/members/ada/mentors?filter=age%3D30"), (400, "invalid", "filter.age")),
        (service.get("/v1/explain?mentee=ada"), (400, "invalid", "mentor")),
        (service.get("/v1/nothing"), (404, "not_found", "")),
        (service.send("PATCH", "/v1/search", &[], b"x"), (405, "method", "")),
        (service.send("POST", "/v1/search", &[json_type], b"{\"text\": "), (400, "invalid", "text")),
        (service.send("POST", "/v1/search", &[json_type], b"{\"text\": \"\xff\"}"), (400, "invalid", "text")),
        (service.send("POST", "/v1/search", &[json_type], &b"[".repeat(100_000)), (400, "invalid", "")),
        (service.send("POST", "/v1/search", &[], b"text=nurse"), (415, "content_type", "")),
        (service.send("POST", "/v1/search", &[json_type], &b" ".repeat(8 << 20)), (413, "too_large", "")),
        (service.put("/v1/members/new", &json!({"roles": ["boss"]})), (400, "invalid", "roles[0]")),
        (service.put("/v1/members/new", &json!({"id": "other", "roles": ["mentor"]})), (400, "invalid", "id")),
        (service.put("/v1/members/new", &json!(["mentor"])), (400, "invalid", "")),
        (service.get("/v1/members/nobody"), (404, "not_available", "")),
        (service.delete("/v1/members/nobody"), (404, "not_available", "")),
        (service.post("/v1/rebuild", &json!({"fast": true})), (400, "invalid", "fast")),
    ] {
        let (status, code, field) = response.problem();
        assert_eq!((status, code.as_str(), field.as_str()), expected, "{}", response.text());
    }
}

#[test]
fn why_and_why_not() {
    let service = reading();
    let why = |mentor: &str, more: &str| -> Why {
        let response = service.get(&format!("/v1/explain?mentee=ada&mentor={mentor}{more}"));
        assert_eq!(response.status, 200, "{}", response.text());
        serde_json::from_slice(&response.body).unwrap()
    };
    let found = why("bea", "");
    assert!(found.found && found.obstacles.is_empty());
    let hit = found.hit.unwrap();
    assert_eq!((hit.rank, hit.member.id.as_str()), (1, "bea"));
    let answer = service.get("/v1/members/ada/mentors").json();
    assert_eq!(serde_json::to_value(&hit).unwrap(), answer["hits"][0]);
    assert!(found.nothing_in.iter().any(|feature| feature.name() == "school"));

    for (mentor, more, because) in [
        ("nobody", "", "unknown"),
        ("cid", "", "paused"),
        ("dan", "", "minor"),
        ("eve", "", "blocked"),
        ("flo", "", "known"),
        ("ada", "", "themselves"),
        ("gus", "&filter=country%3DUS", "filter"),
    ] {
        let why = why(mentor, more);
        let obstacles = serde_json::to_value(&why.obstacles).unwrap();
        assert_eq!(obstacles[0]["because"], because, "{mentor}: {obstacles}");
        assert!(!why.found);
    }
    assert_eq!(serde_json::to_value(why("gus", "&filter=country%3DUS").obstacles).unwrap()[0]["field"], "country");
    // They would be as good as Bea.
    assert!(why("flo", "").hit.unwrap().rank <= 2);
    let second = why("gus", "&k=1");
    assert!(!second.found && second.obstacles.is_empty() && second.hit.unwrap().rank == 2);
}

#[test]
fn a_member_is_written_found_shown_and_erased() {
    let (_folder, _config, service) = started(&people());
    let smith =
        json!({"roles": ["mentor"], "name": "Zoe", "profession": "Blacksmith", "private": ["name"], "adult": true});
    let put = service.put("/v1/members/zoe", &smith);
    assert_eq!((put.status, put.json()), (201, json!({"id": "zoe", "written": "added"})));
    let by_text = json!({"text": "a blacksmith", "k": 1});
    let found = service.post("/v1/search", &by_text);
    assert_eq!(found.ids(), ["zoe"]);
    assert!(!found.text().contains("Zoe"), "a private name is not shown");
    assert_eq!(service.put("/v1/members/zoe", &smith).json()["written"], "unchanged");
    let retired = json!({"id": "zoe", "roles": ["mentor"], "profession": "Baker", "adult": true});
    assert_eq!(service.put("/v1/members/zoe", &retired).json()["written"], "changed");
    assert_eq!(service.get("/v1/members/zoe").json()["profession"], "Baker");
    let aims = |aim: &str| {
        service.put("/v1/members/zoe", &json!({"roles": ["mentor", "mentee"], "aims_for": aim, "adult": true}));
        service.get("/v1/members/zoe/mentors").text()
    };
    assert!(aims("Nurse of the night shift").contains("you aim for, Nurse of the night shift"));
    assert!(!aims("Nurse at sea").contains("night shift"), "what they seek is what they say now");

    let receipt = service.delete("/v1/members/zoe");
    assert_eq!(receipt.status, 200, "{}", receipt.text());
    assert_eq!((&receipt.json()["member"], &receipt.json()["was_stored"]), (&json!("zoe"), &json!(true)));
    assert_eq!(service.get("/v1/members/zoe").status, 404);
    assert_eq!(service.get("/v1/members/zoe/mentors").status, 404);
    assert!(!service.post("/v1/search", &by_text).ids().contains(&"zoe".to_owned()));
    assert!(!aims("Nurse in the mountains").contains("at sea"), "nothing of them is remembered when they come again");
}

#[test]
fn many_are_written_with_a_result_for_each_line() {
    let (_folder, _config, service) = started(&people());
    let ndjson = ("content-type", "application/x-ndjson");
    let lines = b"{\"id\":\"uma\",\"roles\":[\"mentor\"],\"profession\":\"Luthier\"}\n\n{\"id\":\"vic\",\"roles\":[\"boss\"]}\nnot json\n\xff\n{\"id\":\"wim\",\"roles\":[\"mentor\"]}";
    let response = service.send("POST", "/v1/members", &[ndjson], lines);
    assert_eq!((response.status, response.header("content-type")), (200, "application/x-ndjson"));
    let text = response.text();
    let results: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told = |at: usize| (results[at]["line"].as_u64().unwrap(), results[at]["stored"].as_bool().unwrap());
    assert_eq!(
        (0..results.len()).map(told).collect::<Vec<_>>(),
        [(1, true), (3, false), (4, false), (5, false), (6, true)]
    );
    assert_eq!(results[0], json!({"line": 1, "id": "uma", "stored": true}));
    assert_eq!(results[1]["field"], "roles[0]");
    assert_eq!(service.post("/v1/search", &json!({"text": "luthier", "k": 1})).ids(), ["uma"]);
    let large = [b"{\"id\":\"xia\",\"roles\":[\"mentor\"]}\n".to_vec(), b" \n".repeat(3 << 19)].concat();
    let written = service.send("POST", "/v1/members", &[ndjson], &large);
    assert_eq!(written.text(), "{\"line\":1,\"id\":\"xia\",\"stored\":true}\n", "a bulk of three megabytes");
    let refused = service.send("POST", "/v1/members", &[("content-type", "application/json")], lines);
    assert_eq!(refused.problem().0, 415);
}

#[test]
fn a_rebuild_is_begun_followed_and_served() {
    let (_folder, _config, service) = started(&people());
    service.put("/v1/members/zoe", &json!({"roles": ["mentor"], "profession": "Blacksmith"}));
    let begun = service.post("/v1/rebuild", &json!({"full": true}));
    assert_eq!(begun.status, 202, "{}", begun.text());
    let events = service.get("/v1/rebuild/events");
    assert_eq!(events.header("content-type"), "text/event-stream");
    assert!(events.text().contains("event: ended"), "{}", events.text());
    let night = service.get("/v1/rebuild").json();
    assert_eq!((&night["last"]["generation"], &night["last"]["published"]), (&json!("gen-000002"), &json!(true)));
    let status = service.get("/v1/status").json();
    assert_eq!(
        (&status["generation"], &status["changes"], &status["members"]),
        (&json!("gen-000002"), &json!(0), &json!(8))
    );
    assert!(service.get("/v1/members/ada/mentors").header("rapport-state").starts_with("gen-000002+0."));
    let metrics = service.get("/metrics").text();
    for name in
        ["rapport_generation 2", "rapport_requests_total{", "rapport_stage_seconds_bucket{", "rapport_changes 0"]
    {
        assert!(metrics.contains(name), "{name}: {metrics}");
    }
}

#[test]
fn a_service_without_an_index_says_so_and_is_ready_after_the_first_rebuild() {
    let folder = tempfile::tempdir().unwrap();
    let config = common::config(folder.path());
    let service = Service::start(&config, &[]);
    assert_eq!(service.get("/healthz").status, 200);
    assert_eq!(service.get("/readyz").problem(), (503, "no_index".into(), String::new()));
    assert_eq!(service.post("/v1/search", &json!({"text": "nurse"})).problem().1, "no_index");
    let mut lines = Vec::new();
    for member in Community::new(50, 7).iter() {
        serde_json::to_writer(&mut lines, &member).unwrap();
        lines.push(b'\n');
    }
    let stored = service.send("POST", "/v1/members", &[("content-type", "application/x-ndjson")], &lines).text();
    assert_eq!(stored.lines().filter(|line| line.contains("\"stored\":true")).count(), 50);
    service.send("POST", "/v1/rebuild", &[], &[]);
    service.get("/v1/rebuild/events");
    assert_eq!(service.get("/readyz").status, 200, "{}", service.log());
    assert_eq!(service.post("/v1/search", &json!({"text": "nurse"})).ids().len(), 10);
}

/// The log, once it says so: what it says comes by another way than answers, and may come later.
fn logged(service: &Service, said: impl Fn(&String) -> bool) -> String {
    let mut logs = std::iter::repeat_with(|| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        service.log()
    });
    logs.by_ref().take(1_000).find(said).unwrap_or_else(|| panic!("{}", service.log()))
}

#[test]
fn what_fails_on_our_side_is_in_the_log_by_the_requests_id() {
    let folder = tempfile::tempdir().unwrap();
    let config = common::config(folder.path());
    let generation = publish(&config, &people()).folder;
    let file = generation.join("members.columns");
    let mut bytes = std::fs::read(&file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let service = Service::start(&config, &[]);
    let whole = |service: &Service| service.get("/readyz").status == 200;
    (0..500).take_while(|_| whole(&service)).for_each(|_| std::thread::sleep(std::time::Duration::from_millis(10)));
    assert_eq!(service.get("/readyz").problem().0, 503);
    let failed = service.post("/v1/search", &json!({"member": "ada"}));
    assert_eq!(failed.problem(), (500, "internal".into(), String::new()));
    let id = failed.header("x-request-id");
    let told = |log: &String| log.lines().any(|line| line.contains("a request failed") && line.contains(id));
    let log = logged(&service, told);
    let line = log.lines().find(|line| line.contains("a request failed")).unwrap();
    assert!(line.contains("members.columns"), "{line}");
    assert!(!failed.text().contains("members.columns"), "files are nobody's business");
}

#[test]
fn the_api_describes_itself_with_a_page_that_needs_no_network() {
    let service = reading();
    let document = service.get("/openapi.json").json();
    for (path, method) in
        [("/v1/search", "post"), ("/v1/members/{id}", "delete"), ("/v1/explain", "get"), ("/metrics", "get")]
    {
        assert!(document["paths"][path][method]["responses"]["200"].is_object(), "{method} {path}");
    }
    assert_eq!(document["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    let page = service.get("/docs/");
    assert!(page.status == 200 && page.text().contains("swagger-ui"), "{}", page.text());
    for asset in page.text().split('"').filter(|part| part.ends_with(".js") || part.ends_with(".css")) {
        assert!(!asset.contains("//"), "{asset} is elsewhere");
        assert_eq!(service.get(&format!("/docs/{}", asset.trim_start_matches("./"))).status, 200, "{asset}");
    }
}

#[test]
fn the_log_has_a_line_a_request_and_nothing_of_what_was_sought() {
    let (_folder, _config, service) = started(&people());
    service.post("/v1/search", &json!({"text": "zebrafish husbandry"}));
    service.get("/v1/members/ada/mentors?filter=profession%3Dzebrafish");
    service.put("/v1/members/zed", &json!({"roles": ["mentor"], "about": "zebrafish"}));
    service.put("/v1/members/zed", &json!({"roles": ["zebrafish"]}));
    let lines = |log: &String| log.lines().filter(|line| line.contains("request")).count();
    let log = logged(&service, |log| lines(log) == 4);
    assert!(log.contains("/v1/search") && log.contains("status=200") && log.contains("rank_us"), "{log}");
    assert!(!log.contains("zebrafish"), "{log}");
}
