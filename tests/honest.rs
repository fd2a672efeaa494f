//! Honest limits: what an answer says that has no good mentor, who waits for one and is told, on SQLite and on PostgreSQL; and who was
//! not here for long.

use rapport::community::{Community, traces};
use rapport::config::{Config, StoreConfig};
use rapport::member::Member;
use rapport::search::GoodMatch;
use rapport::store::Store;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{
    id_of,
    local::{DAY, Local},
    mentee, mentor, postgres, program, strings, tiny, wait,
};

/// The profession that is aimed for weighs 0.45: who has it is a good match, and nobody else.
const GOOD: f64 = 0.4;

fn nurse(id: &str) -> Member {
    Member { profession: Some("Nurse".into()), capacity: Some(1), ..mentor(id) }
}

fn seeker(id: &str) -> Member {
    Member { aims_for: Some("Nurse".into()), interests: strings(&["jazz"]), ..mentee(id) }
}

/// Two who want to be nurses, and a cook.
fn people() -> Vec<Member> {
    vec![seeker("e0"), seeker("e1"), Member { profession: Some("Cook".into()), ..mentor("cook") }]
}

fn started(members: &[Member], change: impl FnOnce(&mut Config)) -> (TempDir, Config, Local) {
    let folder = tempfile::tempdir().unwrap();
    let mut config = tiny::config(folder.path());
    config.programme.good_match = GoodMatch { member: Some(GOOD), text: Some(GOOD), profile: Some(GOOD) };
    change(&mut config);
    wait(tiny::publish(&config, members));
    let service = Local::start(config.clone(), tiny::embedder());
    (folder, config, service)
}

fn upsert(service: &Local, member: Member) {
    wait(service.community.upsert(&[member])).unwrap();
}

fn search(service: &Local, query: &str) -> Value {
    service.get("e0", &format!("/v1/members/e0/mentors{query}"))
}

fn because(answer: &Value) -> Vec<&str> {
    let missing = answer["no_good_mentor"]["missing_in_pool"].as_array().unwrap();
    missing.iter().map(|missing| missing["because"].as_str().unwrap()).collect()
}

fn accept(service: &Local, mentor: &str, introduction: &str) {
    let yes = json!({"do": "accept", "accepts_guidelines": service.guidelines()});
    assert_eq!(service.act(mentor, introduction, &yes), "accepted");
}

#[test]
fn an_answer_without_a_good_mentor_says_so_and_what_is_missing() {
    let (_folder, config, service) = started(&people(), |_| {});
    let answer = search(&service, "");
    let told = &answer["no_good_mentor"];
    assert_eq!((&told["threshold"], answer["hits"].as_array().unwrap().len()), (&json!(GOOD), 1), "{answer}");
    assert!(
        told["best_match"].as_f64().unwrap() < GOOD && told["text"].as_str().unwrap().contains("No good mentor yet")
    );
    let missing: Vec<&str> =
        told["missing_in_profile"].as_array().unwrap().iter().map(|field| field.as_str().unwrap()).collect();
    assert_eq!(missing[..2], ["friends", "seeks"], "the heaviest first");
    assert!(!missing.contains(&"aims_for") && !missing.contains(&"interests"), "{missing:?}");
    assert_eq!(because(&answer), ["profession", "interests"]);
    assert_eq!(search(&service, ""), answer, "the same for the same");
    let (_, text) = service.told.lock().unwrap().last().unwrap().clone();
    assert!(text.contains("Nobody who may be found is of the profession Nurse"), "{text}");

    // Of a text nothing is missing in a profile; it is a measure of its own.
    let by_text = service.post("e0", "/v1/search", &json!({"text": "I want to be a surgeon"}));
    assert_eq!(by_text["no_good_mentor"]["missing_in_profile"], json!([]), "{by_text}");
    // Nobody knows what a match is worth by other weights, or of two who exchange.
    for request in [json!({"member": "e0", "weights": {"profession": 0.1}}), json!({"member": "e0", "exchange": true})]
    {
        assert!(service.post("e0", "/v1/search", &request)["no_good_mentor"].is_null(), "{request}");
    }
    let elsewhere = search(&service, "?filter=country=FR");
    assert_eq!((because(&elsewhere), &elsewhere["no_good_mentor"]["best_match"]), (vec!["filter"], &Value::Null));

    // The command line says the same; a search by member needs no model.
    let set = format!("programme.good_match.member={GOOD}");
    let command = ["--set", &set, "--set", "model.name=hashes", "search", "--member", "e0"];
    let output = program(&config, &command).output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.starts_with("No good mentor yet: the best match is"), "{shown}");
    assert!(shown.contains("friends, seeks") && shown.contains("of the profession Nurse"), "{shown}");

    upsert(&service, nurse("nora"));
    let answer = search(&service, "");
    assert!(answer["no_good_mentor"].is_null() && answer["hits"][0]["member"]["id"] == "nora", "{answer}");
    let asked = service.ask("e1", "nora");
    accept(&service, "nora", &asked);
    wait(service.community.steer()).unwrap();
    assert_eq!(because(&search(&service, "")), ["interests", "places"], "she has no place");
}

#[test]
fn nothing_is_said_where_the_community_does_not_say_what_a_good_match_is() {
    let (_folder, _, service) = started(&people(), |config| config.programme.good_match = GoodMatch::default());
    assert!(search(&service, "")["no_good_mentor"].is_null());
    let (status, answer) = service.send("e0", "PUT", "/v1/members/e0/waitlist", None);
    assert_eq!((status, answer["code"].as_str()), (409, Some("no_threshold")), "{answer}");
}

#[test]
fn whoever_is_not_available_is_not_told_of_by_what_is_missing() {
    let (_folder, _, service) = started(&people(), |_| {});
    let before = search(&service, "")["no_good_mentor"].clone();
    for hidden in [
        Member { paused: true, ..nurse("paused") },
        Member { adult: Some(false), ..nurse("minor") },
        Member { blocks: vec![id_of("e0")], ..nurse("blocking") },
        Member { private: strings(&["profession"]), ..nurse("private") },
    ] {
        let id = hidden.id.to_string();
        upsert(&service, hidden);
        assert_eq!(search(&service, "")["no_good_mentor"], before, "{id}");
    }
}

fn waits_until_told(config: impl FnOnce(&mut Config)) {
    let (_folder, config, service) = started(&people(), config);
    let kinds = || -> Vec<String> {
        let events = service.events();
        events.iter().map(|event| event["kind"].as_str().unwrap().to_owned()).collect()
    };
    let put = |who: &str, id: &str| service.send(who, "PUT", &format!("/v1/members/{id}/waitlist"), None);
    assert_eq!(put("e0", "e0").1["waits_since"], "2027-01-01T00:00:00Z");
    assert_eq!(put("e0", "e0").0, 200, "who waits, waits");
    assert_eq!(put("e1", "e0").0, 403);
    assert_eq!(put("cook", "cook").1["code"], "role");
    assert_eq!(put("", "nobody").0, 404);
    service.pass(60);
    assert_eq!(put("", "e1").0, 200, "the community's own product speaks for them");
    let listed = service.get("", "/v1/waitlist?limit=1");
    let longest = json!([{"member": "e0", "since": "2027-01-01T00:00:00Z"}]);
    assert_eq!((&listed["waiting"], &listed["members"]), (&json!(2), &longest));
    assert_eq!(service.send("e0", "GET", "/v1/waitlist", None).0, 403);
    let export = wait(service.community.export(&id_of("e0"))).unwrap();
    assert!(export.participation.participation.waits_since.is_some());
    service.pass(60);
    assert_eq!(kinds(), ["joined_waitlist", "joined_waitlist"], "a cook is no good mentor for them");

    // One comes: both are told, once, and wait no more.
    upsert(&service, nurse("nora"));
    service.pass(60);
    service.pass(DAY);
    let events = service.events();
    let found: Vec<&Value> = events.iter().filter(|event| event["kind"] == "mentor_found").collect();
    assert_eq!(found.len(), 2, "{events:?}");
    let (told, by) = (&found[0], &found[0]["by"]);
    assert_eq!((&told["mentee"], &told["mentor"], by), (&json!("e0"), &json!("nora"), &json!("clock")));
    assert_eq!(service.get("", "/v1/waitlist")["waiting"], 0);
    assert!(service.get("e0", "/v1/members/e0/participation")["waits_since"].is_null());

    // Who is full is nobody's mentor until there is a place.
    let asked = service.ask("e1", "nora");
    accept(&service, "nora", &asked);
    wait(service.community.steer()).unwrap();
    assert_eq!(put("e0", "e0").0, 200);
    service.pass(60);
    let count = service.events().len();
    service.act("e1", &asked, &json!({"do": "complete"}));
    service.pass(2 * 3_600);
    wait(service.community.steer()).unwrap();
    service.pass(60);
    let events = service.events();
    assert_eq!(events[count..].iter().filter(|event| event["kind"] == "mentor_found").count(), 1, "{events:?}");

    // Who said no is not offered again so soon.
    let asked = service.ask("e0", "nora");
    service.act("nora", &asked, &json!({"do": "decline", "reason": "no_time"}));
    assert_eq!(put("e0", "e0").0, 200);
    service.pass(60);
    assert_eq!(service.get("", "/v1/waitlist")["waiting"], 1);
    let (status, left) = service.send("e0", "DELETE", "/v1/members/e0/waitlist", None);
    assert_eq!((status, left["waits_since"].is_null()), (200, true));
    assert_eq!(kinds().last().unwrap(), "left_waitlist");

    // Nothing of who is forgotten is left.
    assert_eq!(put("e0", "e0").0, 200);
    wait(service.community.forget(&id_of("e0"))).unwrap();
    let mut left = wait(traces(&config, &id_of("e0"))).unwrap();
    // Other machines may still have generations that hold them.
    left.retain(|trace| !trace.found.starts_with("a tombstone"));
    assert_eq!(left, Vec::new());
    assert_eq!(service.get("", "/v1/waitlist")["waiting"], 0);
}

#[test]
fn who_waits_is_told_once_of_a_good_mentor_who_has_a_place() {
    waits_until_told(|_| {});
}

#[test]
fn who_waits_is_told_on_postgresql_too() {
    let server = postgres::Server::shared();
    let url = server.database();
    waits_until_told(|config| config.store = StoreConfig { url: Some(url.parse().unwrap()), ..StoreConfig::default() });
}

#[test]
fn a_backup_has_who_waits_and_the_command_line_lists_them() {
    let (folder, config, service) = started(&people(), |_| {});
    service.send("e0", "PUT", "/v1/members/e0/waitlist", None);
    let backup = folder.path().join("copy").join("members.db");
    std::fs::create_dir(folder.path().join("copy")).unwrap();
    wait(service.community.backup(&backup)).unwrap();
    let copy = wait(Store::open_copy(&backup)).unwrap();
    assert_eq!(wait(copy.waiting(&Default::default(), 10)).unwrap().len(), 1);
    let said = |arguments: &[&str]| String::from_utf8(program(&config, arguments).output().unwrap().stdout).unwrap();
    assert_eq!(said(&["waitlist"]), "2027-01-01T00:00:00Z  e0\n");
    assert_eq!(said(&["waitlist", "--json"]), "{\"member\":\"e0\",\"since\":\"2027-01-01T00:00:00Z\"}\n");
}

#[test]
fn more_wait_than_are_looked_at_in_one_go() {
    let many: Vec<Member> = (0..450).map(|at| seeker(&format!("e{at:03}"))).collect();
    let (_folder, _, service) = started(&[many.clone(), vec![mentor("cook")]].concat(), |_| {});
    let told = || service.events().iter().filter(|event| event["kind"] == "mentor_found").count();
    wait(async {
        for member in &many {
            service.community.join_waitlist(&member.id, rapport::programme::Actor::Operator).await.unwrap();
        }
    });
    // A round that finds nobody, then one comes: each look is bounded, and everybody has a turn.
    (0..3).for_each(|_| service.pass(60));
    upsert(&service, nurse("nora"));
    let counts: Vec<usize> = (0..4)
        .map(|_| {
            service.pass(60);
            told()
        })
        .collect();
    assert_eq!(counts, [200, 400, 450, 450]);
}

fn who_was_not_here_for_long(change: impl FnOnce(&mut Config)) {
    let active = |id: &str, day: &str| Member { last_active: Some(day.into()), ..nurse(id) };
    let mut members = people();
    members.extend([
        active("here", "2026-12-01"),
        active("asleep", "2026-01-01"),
        Member { private: strings(&["last_active"]), ..active("discreet", "2026-01-01") },
        nurse("silent"),
        Member { last_active: Some("2026-01-01".into()), ..seeker("e2") },
    ]);
    let (_folder, _, service) = started(&members, change);
    let inactive = wait(service.community.store().mentors_inactive_since("2026-10-03")).unwrap();
    assert_eq!(inactive, [id_of("asleep")]);
    let asked = service.ask("e1", "cook");
    service.act("cook", &asked, &json!({"do": "decline", "reason": "no_time"}));
    service.pass(DAY);
    wait(service.community.steer()).unwrap();
    let answer = search(&service, "");
    let hits = answer["hits"].as_array().unwrap();
    let adjusted = |id: &str| hits.iter().find(|hit| hit["member"]["id"] == id).unwrap()["adjustments"].clone();
    for id in ["here", "silent", "discreet"] {
        assert_eq!(adjusted(id), json!([]), "{id}");
    }
    let told = adjusted("asleep");
    assert!(told[0]["reason"] == "responsiveness" && told[0]["amount"].as_f64().unwrap() < -0.02, "{told}");
    assert!(told[0]["text"].as_str().unwrap().ends_with("or was not here for long"), "{told}");
    assert!(!answer.to_string().contains("2026-01-01"));
}

#[test]
fn who_was_not_here_for_long_is_found_later() {
    who_was_not_here_for_long(|_| {});
}

#[test]
fn who_was_not_here_for_long_is_found_later_on_postgresql_too() {
    let server = postgres::Server::shared();
    let url = server.database();
    who_was_not_here_for_long(|config| {
        config.store = StoreConfig { url: Some(url.parse().unwrap()), ..StoreConfig::default() }
    });
}

#[test]
fn another_threshold_is_another_state() {
    let folder = tempfile::tempdir().unwrap();
    let config = tiny::config(folder.path());
    wait(tiny::publish(&config, &people()));
    let community = wait(Community::open_with(&config, tiny::embedder())).unwrap();
    let state = || {
        wait(community.search(rapport::search::SearchRequest { member: Some(id_of("e0")), ..Default::default() }))
            .unwrap()
            .state
    };
    let mut states = vec![state()];
    for good_match in [
        GoodMatch { member: Some(0.4), ..GoodMatch::default() },
        GoodMatch { text: Some(0.4), ..GoodMatch::default() },
        GoodMatch { member: Some(0.5), ..GoodMatch::default() },
    ] {
        let mut config = config.clone();
        config.programme.good_match = good_match;
        wait(community.reconfigure(config)).unwrap();
        states.push(state());
    }
    states.sort();
    states.dedup();
    assert_eq!(states.len(), 4, "{states:?}");
}
