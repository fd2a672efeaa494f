//! The rules of introductions, one by one; races for a mentor's last place; what an erasure, a feed and a receiver of events
//! make of them.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;

use rapport::community::{Ask, Community, CommunityError, traces};
use rapport::config::{Config, StoreConfig, WebhookConfig};
use rapport::member::{Member, MemberId, Role};
use rapport::programme::{Actor, Deed, Refusal, Stated, Webhook};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{
    self, id_of,
    local::{DAY, Local},
    mentee, mentor, postgres, tiny, wait,
};

/// So many mentees `e0`, `e1`…, and mentors `o0`, `o1`… with one profession, each with two places.
fn people(mentees: usize, mentors: usize) -> Vec<Member> {
    let nurse = |at| Member { profession: Some("Nurse".into()), capacity: Some(2), ..mentor(&format!("o{at}")) };
    let seeker = |at| Member { aims_for: Some("Nurse".into()), ..mentee(&format!("e{at}")) };
    (0..mentees).map(seeker).chain((0..mentors).map(nurse)).collect()
}

fn started(members: &[Member], change: impl FnOnce(&mut Config)) -> (TempDir, Config, Local) {
    let folder = tempfile::tempdir().unwrap();
    let mut config = tiny::config(folder.path());
    change(&mut config);
    wait(tiny::publish(&config, members));
    let service = Local::start(config.clone(), tiny::embedder());
    (folder, config, service)
}

fn accept(service: &Local) -> Value {
    json!({"do": "accept", "accepts_guidelines": service.guidelines()})
}

#[test]
fn each_rule_refuses_by_its_own_code() {
    let mut members = people(3, 6);
    members.extend([
        Member { paused: true, ..mentor("paused") },
        Member { adult: Some(false), ..mentor("minor") },
        Member { blocks: vec![id_of("e0")], ..mentor("blocking") },
    ]);
    let (_folder, _, service) = started(&members, |_| {});
    let ask = |who: &str, mentor: &str| service.refused(who, "/v1/introductions", &json!({"mentor": mentor}));
    let refused = |status: u16, code: &str| (status, code.to_owned());
    for mentor in ["paused", "minor", "blocking", "nobody"] {
        assert_eq!(ask("e0", mentor), refused(404, "not_available"), "{mentor}");
    }
    assert_eq!(ask("e0", "e0"), refused(400, "invalid"));
    assert_eq!(ask("e0", "e1"), refused(409, "role"));
    assert_eq!(ask("o0", "o1"), refused(409, "role"), "a mentor is no mentee");
    assert_eq!(ask("minor", "o1"), refused(404, "not_available"));
    let path = "/v1/introductions";
    for (body, code) in [
        (json!({"mentor": "o0", "mentee": "e1"}), "forbidden"),
        (json!({"mentor": "o0", "note": "x".repeat(2_001)}), "invalid"),
        (json!({"mentor": "o0", "shares": ["name"]}), "invalid"),
        (json!({"mentor": "o0", "path": "nowhere"}), "invalid"),
        (json!({"mentor": ""}), "invalid"),
        (json!({"note": "no mentor"}), "invalid"),
    ] {
        assert_eq!(service.refused("e0", path, &body).1, code, "{body}");
    }

    let first = service.ask("e0", "o0");
    assert_eq!(ask("e0", "o0"), refused(409, "asked_before"));
    assert!(service.get("e1", "/v1/introductions")["introductions"].as_array().unwrap().is_empty(), "not theirs");
    assert_eq!(service.send("e1", "GET", &format!("/v1/introductions/{first}"), None).0, 404);
    let (second, _) = (service.ask("e0", "o1"), service.ask("e0", "o2"));
    assert_eq!(ask("e0", "o3"), refused(409, "open_requests"));

    let act = |who: &str, id: &str, deed: Value| service.refused(who, &format!("/v1/introductions/{id}"), &deed);
    assert_eq!(act("o0", &first, json!({"do": "accept"})), refused(409, "guidelines"));
    assert_eq!(act("o0", &first, json!({"do": "accept", "accepts_guidelines": "other"})), refused(400, "invalid"));
    assert_eq!(act("e0", &first, accept(&service)), refused(403, "forbidden"), "the mentor's to do");
    assert_eq!(act("o0", &first, json!({"do": "withdraw"})), refused(403, "forbidden"), "the mentee's to do");
    assert_eq!(act("e1", &first, accept(&service)), refused(404, "not_found"), "nobody else's");
    assert_eq!(act("o0", &first, json!({"do": "dance"})), refused(400, "invalid"));
    assert_eq!(act("o0", &first, json!({"do": "decline", "reason": "no_time", "when": 1})), refused(400, "invalid"));
    assert_eq!(act("o0", "i-0000000000000000", accept(&service)), refused(404, "not_found"));
    assert_eq!(act("o0", "nonsense", accept(&service)), refused(404, "not_found"));
    assert_eq!(act("", &first, json!({"do": "report", "words": "by whom?"})), refused(400, "invalid"));
    assert_eq!(act("o0", &first, json!({"do": "complete"})), refused(409, "status"), "it was not accepted");
    assert_eq!(service.act("o0", &first, &accept(&service)), "accepted");
    assert_eq!(act("o0", &first, json!({"do": "decline", "reason": "full"})), refused(409, "status"));
    for step in [0, 8, usize::MAX] {
        assert_eq!(act("e0", &first, json!({"do": "check_in", "step": step})), refused(400, "invalid"));
    }
    assert_eq!(service.act("e0", &first, &json!({"do": "check_in", "step": 2, "words": "it goes well"})), "accepted");
    assert_eq!(act("e0", &first, json!({"do": "check_in", "step": 2})), refused(400, "invalid"), "once is enough");

    assert_eq!(service.act("o1", &second, &json!({"do": "decline", "reason": "not_a_fit"})), "declined");
    let seen = service.get("e0", &format!("/v1/introductions/{second}"));
    assert_eq!((&seen["reason"], seen["next_best"]["member"]["id"].is_string()), (&json!("not_a_fit"), true));
    assert_eq!(ask("e0", "o1"), refused(409, "asked_before"), "a no is a no");
    service.pass(91 * DAY);
    service.ask("e0", "o1");
}

#[test]
fn a_mentor_reads_the_card_to_themselves_and_new_guidelines_are_asked_for_again() {
    let (folder, mut config, service) = started(&people(2, 1), |_| {});
    let asked = service.ask("e0", "o0");
    let theirs = service.get("o0", &format!("/v1/introductions/{asked}"));
    let own = service.get("e0", &format!("/v1/introductions/{asked}"));
    let said = |view: &Value, card: &str| view[card]["points_in_common"][0]["text"].as_str().unwrap().to_owned();
    assert_eq!(said(&theirs, "mentee_card"), "They aim for Nurse; you: Nurse");
    assert_eq!(said(&own, "mentor_card"), "Is what you aim for: Nurse");
    assert!(theirs["mentor_card"].is_null() && own["mentee_card"].is_null(), "nobody needs their own card");
    let guidelines = |view: &Value| view["guidelines"]["markdown"].as_str().unwrap().lines().next().unwrap().to_owned();
    assert_eq!((guidelines(&theirs).as_str(), guidelines(&own).as_str()), ("# For mentors", "# For mentees"));
    assert_eq!(service.act("o0", &asked, &accept(&service)), "accepted");

    fs::write(folder.path().join("mentor.md"), "# Ours\n\nAnswer within a day.\n").unwrap();
    fs::write(folder.path().join("rapport.toml"), "[programme]\nguidelines_mentor = \"mentor.md\"\n").unwrap();
    let read = Config::layered(Some(&folder.path().join("rapport.toml")), &[]).unwrap();
    config.programme = read.programme;
    config.server = service.community.config().server.clone();
    wait(service.community.reconfigure(config)).unwrap();
    let next = service.ask("e1", "o0");
    let path = format!("/v1/introductions/{next}");
    assert_eq!(service.refused("o0", &path, &json!({"do": "accept"})), (409, "guidelines".into()));
    assert_eq!(service.act("o0", &next, &accept(&service)), "accepted");
    let accepted = service.get("o0", "/v1/members/o0/participation")["accepted_guidelines"].clone();
    assert_eq!(accepted.as_object().unwrap().len(), 2, "both versions, each with its time");
}

#[test]
fn the_members_own_word_goes_before_the_feed_and_leaving_ends_what_is_open() {
    let members = people(3, 1);
    let (_folder, _, service) = started(&members, |_| {});
    let found = |who: &str| {
        let answer = service.get(who, &format!("/v1/members/{who}/mentors"));
        answer["hits"].as_array().unwrap().len()
    };
    assert_eq!(found("e0"), 1);
    service.join("o0", &json!({"paused": true}));
    assert_eq!(found("e0"), 0, "by the very next search");
    wait(service.community.upsert(&members)).unwrap();
    assert_eq!(found("e0"), 0, "whatever the feed says");
    service.join("o0", &json!({"paused": false, "roles": ["mentor", "mentee"], "capacity": 1}));
    assert_eq!(found("e0"), 1);
    let record = service.get("o0", "/v1/members/o0");
    assert_eq!((&record["capacity"], &record["roles"]), (&json!(1), &json!(["mentor", "mentee"])));
    for (stated, field) in [
        (json!({"roles": []}), "roles"),
        (json!({"capacity": 1_001}), "capacity"),
        (json!({"accepts_guidelines": "x"}), "accepts_guidelines"),
        (json!({"mood": "good"}), "mood"),
    ] {
        let (status, answer) = service.send("o0", "PUT", "/v1/members/o0/participation", Some(&stated));
        assert_eq!((status, answer["field"].as_str()), (400, Some(field)), "{answer}");
    }

    let taken = service.ask("e0", "o0");
    assert_eq!(service.act("o0", &taken, &accept(&service)), "accepted");
    assert_eq!(service.refused("e1", "/v1/introductions", &json!({"mentor": "o0"})), (409, "full".into()));
    let (status, answer) = service.send("o0", "DELETE", "/v1/members/o0/participation", None);
    assert_eq!((status, answer["standing"]["taken"].as_u64()), (200, Some(0)), "{answer}");
    let seen = service.get("e0", &format!("/v1/introductions/{taken}"));
    assert_eq!((&seen["status"], &seen["reason"]), (&json!("ended"), &json!("left")));
    assert_eq!(found("e0"), 0);
    assert_eq!(service.refused("e1", "/v1/introductions", &json!({"mentor": "o0"})).1, "not_available");
    assert_eq!(service.join("o0", &json!({}))["capacity"], 1);
    assert_eq!(found("e0"), 1, "who comes back is found again");
}

#[test]
fn what_a_mentee_faces_is_the_mentors_business_only_once_it_is_shared() {
    let mut members = people(1, 1);
    members[0].facing = vec!["planted burnout".into()];
    members[0].private = vec!["seeks".into()];
    members[0].seeks = Some("planted seeking".into());
    members[1].overcame = vec!["planted burnout".into()];
    members[1].about = Some("planted burnout is what I know".into());
    let (_folder, _, service) = started(&members, |_| {});
    let ask = json!({"mentor": "o0", "shares": ["facing", "seeks"]});
    let asked = service.post("e0", "/v1/introductions", &ask);
    let path = format!("/v1/introductions/{}", asked["id"].as_str().unwrap());
    let before = service.get("o0", &path);
    let card = before["mentee_card"].to_string();
    assert!(!card.contains("planted burnout") && !card.contains("overcame_what_i_face"), "{card}");
    assert!(before["mentee_shares"].is_null(), "nor what they would share: {before}");
    let after = service.post("o0", &path, &accept(&service));
    let card = after["mentee_card"].to_string();
    assert!(card.contains("You overcame what they face") && card.contains("planted seeking"), "{card}");
    let ended = service.post("e0", &path, &json!({"do": "complete"}));
    assert_eq!(ended["status"], "completed");
    let card = service.get("o0", &path)["mentee_card"].to_string();
    assert!(!card.contains("overcame_what_i_face") && !card.contains("planted seeking"), "and no longer: {card}");
}

#[test]
fn each_side_may_report_and_neither_learns_of_it() {
    let members: Vec<Member> = people(2, 2)
        .into_iter()
        .map(|member| Member { roles: vec![Role::Mentor, Role::Mentee], aims_for: Some("Nurse".into()), ..member })
        .collect();
    let (_folder, _, service) = started(&members, |_| {});
    let (there, back) = (service.ask("e0", "o0"), service.ask("o0", "e0"));
    service.act("o0", &there, &accept(&service));
    let report = |who: &str, words: &str| {
        let deed = json!({"do": "report", "words": words});
        service.send(who, "POST", &format!("/v1/introductions/{there}"), Some(&deed))
    };
    let (status, told) = report("e0", "was rude");
    assert_eq!((status, &told["status"], &told["reports"][0]["words"]), (200, &json!("ended"), &json!("was rude")));
    let other = service.get("e0", &format!("/v1/introductions/{back}"));
    assert_eq!(other["status"], "withdrawn", "whatever else was between them ends too");
    let (status, told) = report("o0", "no, they were");
    assert_eq!((status, told["reports"].as_array().unwrap().len()), (200, 1), "{told}");
    assert_eq!(report("o0", "once more").0, 409);
    let both = service.get("", &format!("/v1/introductions/{there}"));
    assert_eq!(both["reports"].as_array().unwrap().len(), 2, "a manager reads both");
    for (who, mentor) in [("e0", "o0"), ("o0", "e0")] {
        service.pass(365 * DAY);
        assert_eq!(service.refused(who, "/v1/introductions", &json!({"mentor": mentor})).1, "asked_before");
    }
}

#[test]
fn an_erasure_writes_nothing_of_the_member_that_could_look_like_a_later_record() {
    let (_folder, config, service) = started(&people(1, 1), |_| {});
    let id = service.ask("e0", "o0");
    service.act("o0", &id, &accept(&service));
    // The change that leaving would make must not look like a record that came after the erasure.
    let (_, last) = wait(service.community.store().size()).unwrap();
    let receipt = wait(service.community.forget(&id_of("o0"))).unwrap();
    assert_eq!((receipt.was_stored, receipt.introductions), (true, 1));
    let changes = wait(service.community.store().changes_since(last)).unwrap();
    assert!(changes.upserted.is_empty(), "nothing of them was written: {changes:?}");
    assert_eq!(wait(traces(&config, &id_of("o0"))).unwrap(), Vec::new());
}

/// Every mentee asks one mentor of two places, who then says yes to all at once.
fn race(communities: &[Community], mentees: usize) {
    wait(async {
        let first = &communities[0];
        let version = first.config().programme.guidelines.mentor.version.clone();
        let stated = Stated { accepts_guidelines: Some(version), ..Stated::default() };
        first.join(&id_of("o0"), stated, Actor::Operator).await.unwrap();
        let mut asked = Vec::new();
        for at in 0..mentees {
            let ask = Ask { mentor: id_of("o0"), ..Ask::default() };
            asked.push(first.introduce(&id_of(&format!("e{at}")), ask, Actor::Operator).await.unwrap().id);
        }
        let yes = Deed::Accept { accepts_guidelines: None, shares: Vec::new() };
        let accepting = asked.iter().enumerate().map(|(at, id)| {
            let community = &communities[at % communities.len()];
            community.act(id, yes.clone(), Actor::Operator)
        });
        let answers = futures_util::future::join_all(accepting).await;
        let accepted = answers.iter().filter(|answer| answer.is_ok()).count();
        let full = |answer: &&Result<_, CommunityError>| {
            matches!(answer, Err(CommunityError::Refused(Refusal::Full { taken: 2, capacity: 2 })))
        };
        assert_eq!((accepted, answers.iter().filter(full).count()), (2, mentees - 2), "{answers:?}");
        let standing = communities[communities.len() - 1].takes_part(&id_of("o0")).await.unwrap().standing;
        assert_eq!((standing.taken, standing.waiting), (2, mentees - 2));
        let events = first.events(0, 1_000).await.unwrap();
        let numbers: Vec<u64> = events.iter().map(|event| event.number).collect();
        assert_eq!(numbers, (1..=events.len() as u64).collect::<Vec<_>>(), "each number once");
    });
}

#[test]
fn a_mentors_capacity_holds_however_many_accept_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let config = tiny::config(folder.path());
    wait(tiny::publish(&config, &people(24, 1)));
    race(&[wait(Community::open_with(&config, tiny::embedder())).unwrap()], 24);
}

#[test]
fn two_machines_on_one_postgresql_do_not_exceed_it_either() {
    let server = postgres::Server::shared();
    let url = server.database();
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let communities = folders.each_ref().map(|folder| {
        let mut config = tiny::config(folder.path());
        config.store = StoreConfig { url: Some(url.parse().unwrap()), ..StoreConfig::default() };
        wait(tiny::publish(&config, &people(24, 1)));
        wait(Community::open_with(&config, tiny::embedder())).unwrap()
    });
    race(&communities, 24);
}

#[test]
fn who_is_forgotten_leaves_no_trace_and_the_count_of_events_stays() {
    let (_folder, config, service) = started(&people(2, 2), |_| {});
    let id = service.ask("e0", "o0");
    assert_eq!(service.act("o0", &id, &accept(&service)), "accepted");
    let kept = service.ask("e1", "o1");
    let export = wait(service.community.export(&id_of("o0"))).unwrap();
    assert_eq!((export.introductions.len(), export.participation.guidelines_accepted), (1, true));

    let before = service.events().len();
    let (status, receipt) = service.send("o0", "DELETE", "/v1/members/o0", None);
    assert_eq!((status, receipt["introductions"].as_u64()), (200, Some(1)), "{receipt}");
    assert_eq!(wait(traces(&config, &id_of("o0"))).unwrap(), Vec::new());
    let events = service.events();
    assert_eq!(events.len(), before + 2, "it ended, and they left");
    assert!(!serde_json::to_string(&events).unwrap().contains("\"o0\""));
    let ended = events.iter().find(|event| event["kind"] == "ended").unwrap();
    assert_eq!((&ended["mentee"], &ended["by"]), (&json!("e0"), &json!("forgotten")));
    let listed = service.get("e0", "/v1/introductions");
    assert_eq!(listed["introductions"], json!([]), "it is gone for the other too");
    assert_eq!(service.get("e1", &format!("/v1/introductions/{kept}"))["status"], "requested");

    // Of the other one events are left, and nothing else: those are found too.
    assert_eq!(service.send("e0", "DELETE", "/v1/members/e0", None).0, 200);
    assert_eq!(wait(traces(&config, &id_of("e0"))).unwrap(), Vec::new());
    assert!(!serde_json::to_string(&service.events()).unwrap().contains("\"e0\""));
}

#[test]
fn a_backup_from_before_does_not_bring_the_forgotten_back_into_the_programme() {
    let (folder, config, service) = started(&people(1, 1), |_| {});
    service.ask("e0", "o0");
    let backup = folder.path().join("backup.db");
    wait(service.community.backup(&backup)).unwrap();
    // Gone from the members by the feed first: what is left of them is in the programme alone.
    wait(service.community.remove(&[id_of("o0")])).unwrap();
    wait(service.community.rebuild(rapport::community::RebuildOptions { accept_loss: true, full: false }, |_| {}))
        .unwrap();
    wait(service.community.forget(&id_of("o0"))).unwrap();
    let events = service.events().len() as u64;
    drop(service);
    // The folder is free once the connections that were served have ended.
    let restored = (0..100).find_map(|_| match wait(rapport::community::restore(&config, &backup, None)) {
        Ok(restored) => Some(restored),
        Err(_) => {
            std::thread::sleep(std::time::Duration::from_millis(100));
            None
        }
    });
    assert_eq!(restored.unwrap().kept_out, 1);
    let store = wait(rapport::store::Store::open(&config.database())).unwrap();
    let (last, _) = wait(store.last_events()).unwrap();
    assert!(last >= events, "numbers that readers know are not used again");
    assert_eq!(wait(traces(&config, &id_of("o0"))).unwrap(), Vec::new());
}

/// What a receiver was sent: id, signature's base, body.
fn receive(listener: &TcpListener, answer: &str) -> (String, String, String, String) {
    let (mut stream, _) = listener.accept().unwrap();
    let mut read = Vec::new();
    let mut part = [0; 4_096];
    loop {
        let count = stream.read(&mut part).unwrap();
        read.extend_from_slice(&part[..count]);
        let text = String::from_utf8_lossy(&read).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let header = |name: &str| {
            let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}: ")));
            line.map(|line| line.split_once(": ").unwrap().1.to_owned()).unwrap_or_default()
        };
        if body.len() < header("content-length").parse().unwrap() {
            continue;
        }
        write!(stream, "HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
        return (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"), body.to_owned());
    }
}

#[test]
fn a_receiver_is_told_every_event_once_it_takes_them_in_order_and_signed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let (_folder, _, service) = started(&people(1, 1), |config| {
        config.programme.webhook = Some(WebhookConfig { url: url.clone(), secret: "unread".into() });
        config.programme.receiver = Some(Webhook::new(&url, secret).unwrap());
    });
    let id = service.ask("e0", "o0");
    service.act("o0", &id, &accept(&service));
    let community = Arc::clone(&service.community);
    let (enough, ended) = tokio::sync::oneshot::channel::<()>();
    let telling = std::thread::spawn(move || {
        wait(async {
            tokio::select! {
                () = community.keep_programme() => {}
                _ = ended => {}
            }
        });
    });
    // It is down at first, then sends elsewhere, then takes them.
    let mut taken = Vec::new();
    for answer in ["503 Service Unavailable", "307 Temporary Redirect", "204 No Content", "200 OK", "200 OK"] {
        let (event, at, signature, body) = receive(&listener, answer);
        let expected = Webhook::new(&url, secret).unwrap().sign(&event, &at, &body);
        assert_eq!(signature, expected);
        if answer.starts_with('2') {
            taken.push((event, serde_json::from_str::<Value>(&body).unwrap()));
        } else {
            assert_eq!(event, "event-1");
        }
    }
    let kinds: Vec<&str> = taken.iter().map(|(_, body)| body["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["requested", "accepted_guidelines", "accepted"]);
    assert_eq!(taken.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["event-1", "event-2", "event-3"]);
    drop(enough);
    telling.join().unwrap();
}

#[test]
fn events_are_exported_as_lines_and_as_csv() {
    let (_folder, config, service) = started(&people(1, 1), |_| {});
    service.ask("e0", "o0");
    let run = |arguments: &[&str]| {
        let output = common::program(&config, arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let lines = run(&["events"]);
    let event: Value = serde_json::from_str(lines.trim()).unwrap();
    assert_eq!((&event["number"], &event["kind"], &event["to"]), (&json!(1), &json!("requested"), &json!("requested")));
    let csv = run(&["events", "--format", "csv"]);
    assert!(csv.starts_with("number,at,event,by,introduction,mentee,mentor,"), "{csv}");
    assert!(csv.contains("1,2027-01-01T00:00:00Z,requested,member:e0,i-"), "{csv}");
    assert_eq!(run(&["events", "--after", "1"]), "");
}

#[test]
fn who_is_not_of_age_does_not_join() {
    let members = [Member { adult: Some(false), ..mentee("young") }, Member { adult: None, ..mentor("unsaid") }];
    let (_folder, _, service) = started(&members, |config| config.members.adult_when_absent = false);
    for id in ["young", "unsaid"] {
        let (status, answer) = service.send(id, "PUT", &format!("/v1/members/{id}/participation"), Some(&json!({})));
        assert_eq!((status, answer["code"].as_str()), (403, Some("forbidden")), "{answer}");
    }
    let id = MemberId::new("nobody").unwrap();
    let stated = Stated { roles: Some(vec![Role::Mentor]), ..Stated::default() };
    let refused = wait(service.community.join(&id, stated, Actor::Operator));
    assert!(matches!(refused, Err(CommunityError::Refused(Refusal::NotAvailable))));
}

#[test]
fn who_answers_comes_first_for_an_hour_at_a_time_and_who_is_full_comes_last() {
    let (_folder, _, service) = started(&people(7, 4), |_| {});
    let steer = || wait(service.community.steer()).unwrap();
    let found = || service.get("e6", "/v1/members/e6/mentors");
    let order = |answer: &Value| -> Vec<String> {
        let hits = answer["hits"].as_array().unwrap();
        hits.iter().map(|hit| hit["member"]["id"].as_str().unwrap().to_owned()).collect()
    };
    let reasons = |answer: &Value, id: &str| -> Vec<String> {
        let hit = answer["hits"].as_array().unwrap().iter().find(|hit| hit["member"]["id"] == id).unwrap().clone();
        let adjustments = hit["adjustments"].as_array().unwrap();
        let sum: f64 = adjustments.iter().map(|adjustment| adjustment["amount"].as_f64().unwrap()).sum();
        let (score, match_) = (hit["score"].as_f64().unwrap(), hit["match"].as_f64().unwrap());
        assert!((score - match_ - sum).abs() < 1e-6, "score is match plus adjustments: {hit}");
        adjustments.iter().map(|adjustment| adjustment["reason"].as_str().unwrap().to_owned()).collect()
    };
    steer();
    let at_first = found();
    assert_eq!(order(&at_first).len(), 4);
    assert!(at_first["state"].as_str().unwrap().starts_with("gen-000001+0.0."), "nothing is adjusted");

    // o0 is full, o1 says no at once, o2 never answers, and nobody asks o3.
    for mentee in ["e0", "e1"] {
        let id = service.ask(mentee, "o0");
        service.act("o0", &id, &accept(&service));
    }
    for mentee in ["e2", "e3"] {
        let id = service.ask(mentee, "o1");
        service.act("o1", &id, &json!({"do": "decline", "reason": "no_time"}));
        service.ask(mentee, "o2");
    }
    steer();
    assert_eq!(found(), at_first, "the same hour, the same answer");
    service.pass(15 * DAY);
    steer();
    let steered = found();
    assert_eq!(order(&steered), ["o1", "o3", "o2", "o0"], "{steered}");
    assert_eq!(reasons(&steered, "o0"), ["responsiveness", "full"]);
    assert_eq!(reasons(&steered, "o2"), ["responsiveness"]);
    assert!(reasons(&steered, "o3").is_empty(), "whom nobody asked begins at the community's own rate");
    let (before, after) = (at_first["state"].as_str().unwrap(), steered["state"].as_str().unwrap());
    assert_ne!(before.split('.').nth(1), after.split('.').nth(1), "the epoch is a part of the state");

    // A change and a rebuild later they are steered still.
    wait(service.community.upsert(&[mentee("e9")])).unwrap();
    assert_eq!(order(&found()), ["o1", "o3", "o2", "o0"]);
    wait(service.community.rebuild(rapport::community::RebuildOptions::default(), |_| {})).unwrap();
    assert_eq!(order(&found()), ["o1", "o3", "o2", "o0"]);
}
