//! A whole programme of 500 members through the API: joining, searching, asking, answering, checking in, completing, with a
//! clock that the test moves. No capacity is exceeded at any time, nothing private leaves, every event is accounted for.

use std::collections::{BTreeMap, BTreeSet};

use rapport::member::{Member, Role};
use rapport::sample::Community;
use serde_json::json;

use crate::common::{
    self, embedder,
    local::{DAY, Local},
    publish,
};

/// What a member keeps to themselves.
fn secret(id: &str, field: &str) -> String {
    format!("planted-{field}-of-{id}-end")
}

fn members() -> Vec<Member> {
    let mut members: Vec<Member> = Community::new(500, 42).iter().collect();
    for member in &mut members {
        let id = member.id.to_string();
        member.adult = Some(true);
        member.seeks = Some(secret(&id, "seeks"));
        member.overcame.push(secret(&id, "overcame"));
        member.facing.push(secret(&id, "facing"));
        member.groups.push(secret(&id, "group"));
        for field in ["seeks", "overcame", "groups"] {
            if !member.keeps_private(field) {
                member.private.push(field.into());
            }
        }
    }
    members
}

#[test]
fn a_programme_of_500_members_goes_from_joining_to_lineage() {
    let folder = tempfile::tempdir().unwrap();
    let config = common::config(folder.path());
    let members = members();
    publish(&config, &members);
    let service = Local::start(config, embedder());
    let version = service.guidelines();

    // Everyone joins: every third mentor reads the guidelines at once, and takes one mentee only.
    for (at, member) in members.iter().enumerate() {
        let id = member.id.as_str();
        let mut stated = json!({"roles": member.roles, "paused": false});
        if member.is(Role::Mentor) && at % 3 == 0 {
            stated["accepts_guidelines"] = version.as_str().into();
            stated["capacity"] = 1.into();
        }
        let takes_part = service.join(id, &stated);
        assert_eq!(takes_part["guidelines_accepted"], stated["accepts_guidelines"].is_string());
    }

    // Sixty mentees search, and ask the first three whom they find who have a place.
    let mentees: Vec<&str> =
        members.iter().filter(|member| member.is(Role::Mentee)).map(|member| member.id.as_str()).take(60).collect();
    assert_eq!(mentees.len(), 60);
    let mut asked: Vec<(String, String, String)> = Vec::new();
    let mut full = 0;
    for mentee in &mentees {
        let found = service.get(mentee, &format!("/v1/members/{mentee}/mentors?k=20"));
        let hits: Vec<&str> =
            found["hits"].as_array().unwrap().iter().map(|hit| hit["member"]["id"].as_str().unwrap()).collect();
        let mut open = 0;
        for mentor in hits {
            let body = json!({"mentor": mentor, "note": format!("from {mentee}"), "shares": ["overcame"]});
            let (status, answer) = service.send(mentee, "POST", "/v1/introductions", Some(&body));
            match (status, answer["code"].as_str()) {
                (201, _) if open < 3 => {
                    open += 1;
                    let id = answer["id"].as_str().unwrap().to_owned();
                    assert!(answer["mentor_card"]["member"]["overcame"].is_null(), "not before it is accepted");
                    asked.push((id.clone(), (*mentee).into(), mentor.into()));
                    // Half of the mentors answer at once.
                    if asked.len().is_multiple_of(2) {
                        full += answer_with(&service, &id, mentor, &version, asked.len());
                        open -= 1;
                    }
                }
                (409, Some("open_requests")) => {
                    assert_eq!(open, 3);
                    break;
                }
                (409, Some("full")) => full += 1,
                other => panic!("{other:?} {answer}"),
            }
        }
    }
    assert!(asked.len() > 100 && full > 0, "{} asked, {full} were full", asked.len());

    // The others are reminded after a week, and expire after two.
    let of = |status: &str| {
        let listed = service.get("", &format!("/v1/introductions?limit=1000&status={status}"));
        listed["introductions"].as_array().unwrap().clone()
    };
    let waiting = of("requested").len();
    assert!(waiting > 10, "{waiting}");
    service.pass(7 * DAY);
    assert_eq!(of("requested").iter().filter(|waiting| waiting["reminded"] == true).count(), waiting);
    service.pass(7 * DAY);
    let expired = of("expired");
    assert_eq!((expired.len(), of("requested").len()), (waiting, 0));

    // Who was not answered is told whom to ask next, and asks.
    let mut again = 0;
    for introduction in &expired {
        let (id, mentee) = (introduction["id"].as_str().unwrap(), introduction["mentee"].as_str().unwrap());
        let next = service.get(mentee, &format!("/v1/introductions/{id}"))["next_best"].clone();
        let Some(next) = next["member"]["id"].as_str() else { continue };
        assert_ne!(next, introduction["mentor"].as_str().unwrap());
        let (status, answer) =
            service.send(mentee, "POST", "/v1/introductions", Some(&json!({"mentor": next, "shares": ["overcame"]})));
        match status {
            201 => {
                let id = answer["id"].as_str().unwrap();
                asked.push((id.into(), mentee.into(), next.into()));
                again += 1;
                answer_with(&service, id, next, &version, 0);
            }
            _ => {
                assert!(matches!(answer["code"].as_str(), Some("full" | "open_requests" | "asked_before")), "{answer}")
            }
        }
    }
    assert!(again > 5, "{again}");

    // They go their way for half a year; most complete it, some end it, one is reported.
    let accepted = of("accepted");
    assert!(accepted.len() > 30, "{}", accepted.len());
    for introduction in &accepted {
        let (id, mentee) = (introduction["id"].as_str().unwrap(), introduction["mentee"].as_str().unwrap());
        assert_eq!(introduction["path"]["steps"].as_array().unwrap().len(), 7);
        let checked = service.post(mentee, &format!("/v1/introductions/{id}"), &json!({"do": "check_in", "step": 1}));
        assert!(checked["path"]["steps"][0]["done"].is_string());
    }
    service.pass(24 * 7 * DAY);
    let due: usize = of("accepted")
        .iter()
        .map(|introduction| {
            introduction["path"]["steps"].as_array().unwrap().iter().skip(1).filter(|step| step["told"] == true).count()
        })
        .sum();
    assert_eq!(due, 6 * accepted.len(), "every step but the first fell due");
    let mut invited = BTreeSet::new();
    for (at, introduction) in accepted.iter().enumerate() {
        let id = introduction["id"].as_str().unwrap();
        let (mentee, mentor) = (introduction["mentee"].as_str().unwrap(), introduction["mentor"].as_str().unwrap());
        let deed = match at {
            0 => json!({"do": "report", "words": "asked for money"}),
            at if at % 5 == 1 => json!({"do": "end", "reason": "no_answer"}),
            _ => json!({"do": "complete"}),
        };
        let after = service.post(if at % 2 == 0 { mentee } else { mentor }, &format!("/v1/introductions/{id}"), &deed);
        if after["invited_to_mentor"] == true {
            invited.insert(mentee.to_owned());
        }
        if at == 0 {
            let theirs = service.get(mentor, &format!("/v1/introductions/{id}"));
            assert!(theirs["reports"].is_null(), "who was reported is not told: {theirs}");
            let (status, code) = service.refused(mentee, "/v1/introductions", &json!({"mentor": mentor}));
            assert_eq!((status, code.as_str()), (409, "asked_before"), "they are not introduced again");
        }
    }

    // Who was invited becomes a mentor, mentors somebody, and both know where it came from.
    let graduate = invited.first().expect("somebody who was no mentor").clone();
    let stated = json!({"roles": ["mentor", "mentee"], "capacity": 2, "accepts_guidelines": version});
    service.join(&graduate, &stated);
    let pupil = mentees.iter().find(|mentee| **mentee != graduate && !invited.contains(**mentee)).unwrap();
    let id = service.ask(pupil, &graduate);
    assert_eq!(service.act(&graduate, &id, &json!({"do": "accept"})), "accepted");
    assert_eq!(service.act(pupil, &id, &json!({"do": "complete"})), "completed");
    let lineage = service.get(pupil, &format!("/v1/members/{pupil}/lineage"));
    let through =
        lineage["mentored_by"].as_array().unwrap().iter().find(|kin| kin["member"]["id"] == graduate.as_str());
    let mentors = through.expect("the graduate")["kin"].as_array().unwrap();
    assert!(!mentors.is_empty(), "the graduate's own mentor stands above them: {lineage}");
    let below = service.get(&graduate, &format!("/v1/members/{graduate}/lineage"));
    assert!(below["mentored"].as_array().unwrap().iter().any(|kin| kin["member"]["id"] == **pupil), "{below}");

    // A whole intake at once: who has a mentor by now leaves fewer places, and the pairs are introduced by the manager.
    let intake: Vec<&str> =
        members.iter().filter(|member| member.is(Role::Mentee)).map(|member| member.id.as_str()).skip(60).collect();
    let cohort = service.post("", "/v1/cohorts", &json!({"mentees": intake, "capacity": 3}));
    let pairs = cohort["pairs"].as_array().unwrap();
    assert!(pairs.len() > 40, "{} of {}", pairs.len(), intake.len());
    for pair in pairs {
        let (mentee, mentor) = (&pair["mentee"]["id"], &pair["mentor"]["id"]);
        let asked = service.post("", "/v1/introductions", &json!({"mentee": mentee, "mentor": mentor}));
        let id = asked["id"].as_str().unwrap();
        assert_eq!(service.act("", id, &json!({"do": "accept", "accepts_guidelines": version})), "accepted");
    }

    check_events(&service);
    check_secrets(&service, &members);
}

/// A mentor answers in one of the ways that there are; gives whether they were full.
fn answer_with(service: &Local, id: &str, mentor: &str, version: &str, at: usize) -> usize {
    let path = format!("/v1/introductions/{id}");
    if at % 10 == 4 {
        service.act(mentor, id, &json!({"do": "decline", "reason": "no_time", "words": "not this year"}));
        return 0;
    }
    let accept = json!({"do": "accept", "shares": ["groups"]});
    let (status, answer) = service.send(mentor, "POST", &path, Some(&accept));
    let (status, answer) = match answer["code"].as_str() {
        Some("guidelines") => {
            let detail = answer["detail"].as_str().unwrap();
            assert!(status == 409 && detail.contains(version), "{detail}");
            let accept = json!({"do": "accept", "shares": ["groups"], "accepts_guidelines": version});
            service.send(mentor, "POST", &path, Some(&accept))
        }
        _ => (status, answer),
    };
    if answer["code"] == "full" {
        service.act(mentor, id, &json!({"do": "decline", "reason": "full"}));
        return 1;
    }
    assert_eq!((status, answer["status"].as_str()), (200, Some("accepted")), "{answer}");
    let card = &answer["mentee_card"];
    assert!(card["member"]["overcame"].to_string().contains("planted-overcame"), "they shared it: {card}");
    assert!(card["member"]["groups"].is_null() && card["member"]["seeks"].is_null(), "and nothing else: {card}");
    0
}

/// Every event has its number, and from the events alone it follows how every introduction stands; at no time a mentor had
/// more mentees than they took.
fn check_events(service: &Local) {
    let events = service.events();
    let mut standing: BTreeMap<String, String> = BTreeMap::new();
    let mut taken: BTreeMap<String, u64> = BTreeMap::new();
    let mut capacity: BTreeMap<String, u64> = BTreeMap::new();
    for (at, event) in events.iter().enumerate() {
        assert_eq!(event["number"], at as u64 + 1);
        assert!(event["at"].is_string() && !event["by"].is_null(), "{event}");
        let (Some(id), Some(to)) = (event["introduction"].as_str(), event["to"].as_str()) else { continue };
        let before = standing.insert(id.into(), to.into());
        assert_eq!(event["from"].as_str().map(str::to_owned), before, "{event}");
        let mentor = event["mentor"].as_str().unwrap().to_owned();
        if to == "accepted" {
            let most = *capacity.entry(mentor.clone()).or_insert_with(|| {
                let path = format!("/v1/members/{mentor}/participation");
                service.get("", &path)["standing"]["capacity"].as_u64().unwrap()
            });
            let taken = taken.entry(mentor).or_default();
            *taken += 1;
            assert!(*taken <= most, "{event}: more than {most}");
        } else if before.as_deref() == Some("accepted") {
            *taken.get_mut(&mentor).unwrap() -= 1;
        }
    }
    let listed = service.get("", "/v1/introductions?limit=1000");
    let listed: BTreeMap<String, String> = listed["introductions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|introduction| {
            let text = |field: &str| introduction[field].as_str().unwrap().to_owned();
            (text("id"), text("status"))
        })
        .collect();
    assert_eq!(standing, listed);
    let kinds: BTreeSet<&str> = events.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    let expected = [
        "accepted",
        "accepted_guidelines",
        "changed",
        "check_in_due",
        "checked_in",
        "completed",
        "declined",
        "ended",
        "expired",
        "graduated",
        "joined",
        "reminded",
        "reported",
        "requested",
    ];
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), expected);
    let words = serde_json::to_string(&events).unwrap();
    assert!(!words.contains("from ") && !words.contains("money") && !words.contains("planted"), "events hold no words");
}

/// No member was ever told what another keeps private, unless it was shared with them.
fn check_secrets(service: &Local, members: &[Member]) {
    let listed = service.get("", "/v1/introductions?limit=1000");
    let mut shared: BTreeSet<(String, String)> = BTreeSet::new();
    for introduction in listed["introductions"].as_array().unwrap() {
        let text = |field: &str| introduction[field].as_str().unwrap().to_owned();
        // Whatever became of it, it was accepted once.
        if introduction["path"]["steps"].is_array() {
            shared.insert((text("mentor"), secret(&text("mentee"), "overcame")));
            shared.insert((text("mentee"), secret(&text("mentor"), "group")));
        }
    }
    let told = service.told.lock().unwrap();
    assert!(told.len() > 1_000);
    let mut seen = 0;
    for (reader, answer) in told.iter() {
        for part in answer.split("planted-").skip(1) {
            let planted = format!("planted-{}-end", part.split("-end").next().unwrap());
            let own = members.iter().any(|member| {
                member.id.as_str() == reader
                    && ["seeks", "overcame", "facing", "group"].iter().any(|field| secret(reader, field) == planted)
            });
            let allowed = own || shared.contains(&(reader.clone(), planted.clone()));
            assert!(allowed, "{reader} read {planted}");
            seen += 1;
        }
    }
    assert!(seen > 0, "what is shared is seen");
}
