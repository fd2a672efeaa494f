//! Cohorts of consent: what members confided to the organisers, and the pairs as introductions; nothing private told to anybody.

use rapport::config::{Config, StoreConfig};
use rapport::member::Member;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{
    local::{DAY, Local},
    mentee, mentor, postgres, strings, tiny, wait,
};

const SECRET: &str = "xylomarimba";

/// Ana and Bob want to be nurses; Nora and Olga are, and take one mentee each. Bob faces in private what Nora overcame in private.
fn people() -> Vec<Member> {
    let seeks = |id: &str| Member { aims_for: Some("Nurse".into()), ..mentee(id) };
    let helps = |id: &str| Member { profession: Some("Nurse".into()), capacity: Some(1), ..mentor(id) };
    vec![
        seeks("ana"),
        Member { facing: strings(&[SECRET]), private: strings(&["facing"]), ..seeks("bob") },
        Member { overcame: strings(&[SECRET]), private: strings(&["overcame"]), ..helps("nora") },
        helps("olga"),
    ]
}

fn started(members: &[Member], change: impl FnOnce(&mut Config)) -> (TempDir, Local) {
    let folder = tempfile::tempdir().unwrap();
    let mut config = tiny::config(folder.path());
    change(&mut config);
    wait(tiny::publish(&config, members));
    (folder, Local::start(config, tiny::embedder()))
}

/// The pairs of everybody, as a manager has them assigned.
fn assigned(service: &Local) -> Value {
    service.post("", "/v1/cohorts", &json!({}))
}

fn confided(cohort: &Value) -> Vec<(String, String, f64)> {
    let text = |pair: &Value, side: &str| pair[side]["id"].as_str().unwrap().to_owned();
    let pairs = cohort["pairs"].as_array().unwrap().iter().filter(|pair| !pair["confided"].is_null());
    pairs.map(|pair| (text(pair, "mentee"), text(pair, "mentor"), pair["confided"].as_f64().unwrap())).collect()
}

fn what_is_confided_counts_by_consent(change: impl FnOnce(&mut Config)) {
    let (_folder, service) = started(&people(), change);
    let before = assigned(&service);
    assert_eq!(confided(&before), []);
    let consent = |who: &str, to: bool| service.join(who, &json!({"private_in_cohorts": to}));
    assert_eq!(consent("bob", true)["private_in_cohorts"], "2027-01-01T00:00:00Z");
    assert_eq!(assigned(&service), before, "one of the two is not enough, where both keep it private");
    service.pass(60);
    consent("nora", true);
    assert_eq!(
        consent("bob", true)["private_in_cohorts"],
        "2027-01-01T00:00:00Z",
        "since when is not changed by saying it again"
    );
    let cohort = assigned(&service);
    assert_eq!(confided(&cohort), [("bob".into(), "nora".into(), 0.08)]);
    let pair = cohort["pairs"].as_array().unwrap().iter().find(|pair| pair["mentee"]["id"] == "bob").unwrap();
    let found = service.get("bob", "/v1/members/bob/mentors");
    let hits = found["hits"].as_array().unwrap();
    let hit = hits.iter().find(|hit| hit["member"]["id"] == "nora").unwrap();
    for part in ["match", "contributions", "points_in_common"] {
        assert_eq!(pair[part], hit[part], "{part} is that of a search");
    }
    let totals = cohort["totals"]["total"].as_f64().unwrap() - before["totals"]["total"].as_f64().unwrap();
    assert!((totals - 0.08).abs() < 1e-6, "{totals}");

    // The pairs become introductions, and no card tells of it either.
    let pairs: Vec<Value> = cohort["pairs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| json!({"mentee": pair["mentee"]["id"], "mentor": pair["mentor"]["id"]}))
        .collect();
    let rolled_out = service.post("", "/v1/cohorts/introductions", &json!({"pairs": pairs}));
    assert_eq!(rolled_out["introduced"], 2, "{rolled_out}");
    for who in ["ana", "bob", "nora", "olga"] {
        let listed = service.get(who, "/v1/introductions");
        let id = listed["introductions"][0]["id"].as_str().unwrap().to_owned();
        let card = service.get(who, &format!("/v1/introductions/{id}"));
        let matched = cohort["pairs"].as_array().unwrap().iter().find(|pair| pair["mentee"]["id"] == card["mentee"]);
        assert_eq!((&card["cause"], &card["match"]), (&json!("cohort"), &matched.unwrap()["match"]));
    }

    // Whoever takes it back is as if they had never said it.
    consent("nora", false);
    assert!(service.get("nora", "/v1/members/nora/participation")["private_in_cohorts"].is_null());
    let after = assigned(&service);
    assert_eq!(confided(&after), []);
    let events = service.events();
    let kinds: Vec<&str> = events.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "consented").count(), 2);
    assert_eq!(kinds.last(), Some(&"withdrew_consent"));

    // Planted secrets: in no answer of anybody's but their own record's.
    let told = service.told.lock().unwrap();
    for (who, text) in told.iter() {
        assert!(!text.contains(SECRET), "{who} was told {text}");
    }
    for told in [&before, &cohort, &rolled_out, &after, &Value::from(events)] {
        assert!(!told.to_string().contains(SECRET) && !told.to_string().contains("overcame_what_i_face"), "{told}");
    }
}

#[test]
fn what_members_confide_counts_in_a_cohort_and_is_told_to_nobody() {
    what_is_confided_counts_by_consent(|_| {});
}

#[test]
fn what_members_confide_counts_on_postgresql_too() {
    let server = postgres::Server::shared();
    let url = server.database();
    what_is_confided_counts_by_consent(|config| {
        config.store = StoreConfig { url: Some(url.parse().unwrap()), ..StoreConfig::default() }
    });
}

#[test]
fn where_the_other_shows_it_one_consent_is_enough_and_leaving_takes_it_back() {
    let mut members = people();
    members[1].private.clear();
    let (_folder, service) = started(&members, |_| {});
    assert_eq!(confided(&assigned(&service)), []);
    service.join("nora", &json!({"private_in_cohorts": true}));
    assert_eq!(confided(&assigned(&service)), [("bob".into(), "nora".into(), 0.08)]);
    service.send("nora", "DELETE", "/v1/members/nora/participation", None);
    service.join("nora", &json!({}));
    assert_eq!(confided(&assigned(&service)), []);
}

#[test]
fn what_is_confided_counts_on_the_way_there_of_an_exchange() {
    let near = |member: Member| Member { time_zone: Some("Europe/Madrid".into()), ..member };
    let members: Vec<Member> = people().into_iter().map(near).collect();
    let (_folder, service) = started(&members, |_| {});
    let exchange = || service.post("", "/v1/cohorts", &json!({"exchange": true}));
    assert_eq!(confided(&exchange()), []);
    service.join("bob", &json!({"private_in_cohorts": true}));
    service.join("nora", &json!({"private_in_cohorts": true}));
    let cohort = exchange();
    let told = confided(&cohort);
    let [(mentee, mentor, more)] = &told[..] else { panic!("{cohort}") };
    assert_eq!((mentee.as_str(), mentor.as_str()), ("bob", "nora"));
    let pair = cohort["pairs"].as_array().unwrap().iter().find(|pair| pair["mentee"]["id"] == "bob").unwrap();
    let (there, back) = (pair["match"].as_f64().unwrap(), pair["back"]["match"].as_f64().unwrap());
    let mean = |there: f64| 2.0 * there * back / (there + back);
    let score = pair["score"].as_f64().unwrap();
    assert!(back > 0.0 && (score - mean(there)).abs() < 2e-6, "{pair}");
    assert!((more - (mean(there + 0.08) - score)).abs() < 2e-6, "{more} {pair}");
    assert!(!cohort.to_string().contains(SECRET), "{cohort}");
}

#[test]
fn each_pair_is_introduced_by_the_rules_or_told_why_not() {
    let (_folder, service) = started(&people(), |_| {});
    let path = "/v1/cohorts/introductions";
    let pair = |mentee: &str, mentor: &str| json!({"mentee": mentee, "mentor": mentor});
    let pairs = [
        pair("ana", "olga"),
        pair("bob", "olga"),
        pair("ana", "olga"),
        pair("ana", "ghost"),
        pair("olga", "nora"),
        pair("ana", "ana"),
        pair("bob", "nora"),
    ];
    let sent = json!({"pairs": pairs, "note": "the spring cohort"});
    assert_eq!(service.refused("ana", path, &sent), (403, "forbidden".into()));
    let rolled_out = service.post("", path, &sent);
    let codes: Vec<&str> = rolled_out["pairs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| pair["refused"]["code"].as_str().unwrap_or("introduced"))
        .collect();
    let expected = ["introduced", "introduced", "asked_before", "not_available", "role", "invalid", "introduced"];
    assert_eq!((codes, &rolled_out["introduced"]), (expected.to_vec(), &json!(3)));
    let again = service.post("", path, &sent);
    assert_eq!(again["introduced"], 0, "to send it again is safe");

    // The mentor has one place, and says yes or no.
    let id = |at: usize| rolled_out["pairs"][at]["introduction"].as_str().unwrap().to_owned();
    let yes = json!({"do": "accept", "accepts_guidelines": service.guidelines()});
    let read = service.get("olga", &format!("/v1/introductions/{}", id(0)));
    assert_eq!((&read["status"], &read["cause"]), (&json!("requested"), &json!("cohort")));
    assert_eq!(read["note"], "the spring cohort");
    assert_eq!(service.act("olga", &id(0), &yes), "accepted");
    assert_eq!(service.refused("olga", &format!("/v1/introductions/{}", id(1)), &yes), (409, "full".into()));
    assert_eq!(service.act("bob", &id(6), &json!({"do": "withdraw"})), "withdrawn", "the mentee may go back");
    let events = service.events();
    let caused: Vec<&str> =
        events.iter().filter(|event| event["cause"] == "cohort").map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(caused, ["requested"; 3], "{events:?}");
    assert!(events[0]["by"]["key"].is_string(), "a manager did it: {}", events[0]);
    service.pass(15 * DAY);
    assert_eq!(service.get("", &format!("/v1/introductions/{}", id(1)))["status"], "expired");

    for (body, field) in [
        (json!({}), "pairs"),
        (json!({"pairs": [{"mentee": "ana", "mentor": ""}]}), "pairs[0].mentor"),
        (json!({"pairs": [{"mentee": "ana"}]}), "mentor"),
        (json!({"pairs": [], "when": 1}), "when"),
    ] {
        let (status, answer) = service.send("", "POST", path, Some(&body));
        assert_eq!(status, 400, "{answer}");
        let told = answer["field"].as_str().unwrap_or_default();
        assert!(told == field || answer["detail"].as_str().unwrap().contains(field), "{answer}");
    }
}
