//! Cohorts: rules kept, places not exceeded, reasons right, the same for the same, and nothing private told.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::num::NonZeroUsize;

use rapport::config::Config;
use rapport::member::fold::fold;
use rapport::member::{Member, MemberId, Role};
use rapport::programme::cohort::{
    Because, Cohort, CohortRequest, LockedPair, Objective, Rule, Rules, Unmatched, assign,
};
use rapport::search::{SearchError, SearchRequest, Searcher};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{
    self, by_member, find, http::Service, ids_of, mentee, mentor, open, program, publish, sample, strings, wait,
};

const SECRET: &str = "xylomarimba";

/// Ana, Bob and Cleo want to be nurses. Nora is one, and worked where Ana did; Olga is another, who takes one mentee; Kit mends
/// roofs. Min and Paul are not to be matched, nor are Quin and Rhea.
fn people() -> Vec<Member> {
    let seeks = |id: &str, name: &str, language: &str| Member {
        name: Some(name.into()),
        aims_for: Some("Nurse".into()),
        languages: strings(&[language]),
        time_zone: Some("America/New_York".into()),
        ..mentee(id)
    };
    let helps = |id: &str, name: &str, profession: &str| Member {
        name: Some(name.into()),
        profession: Some(profession.into()),
        languages: strings(&["en"]),
        time_zone: Some("America/New_York".into()),
        ..mentor(id)
    };
    vec![
        Member { employers: strings(&["Mercy Hospital"]), interests: strings(&["jazz"]), ..seeks("ana", "Ana", "en") },
        Member { facing: strings(&[SECRET]), private: strings(&["facing"]), ..seeks("bob", "Bob", "EN") },
        seeks("cleo", "Cleo", "fr"),
        Member { adult: Some(false), ..seeks("min", "Min", "en") },
        Member { paused: true, ..seeks("paul", "Paul", "en") },
        Member {
            employers: strings(&["mercy hospital", SECRET]),
            overcame: strings(&[SECRET]),
            interests: strings(&["jazz"]),
            capacity: Some(2),
            private: strings(&["employers", "overcame"]),
            ..helps("nora", "Nora", "Nurse")
        },
        Member { about: Some(SECRET.into()), private: strings(&["about"]), ..helps("olga", "Olga", "Nurse") },
        Member { time_zone: Some("Asia/Tokyo".into()), ..helps("kit", "Kit", "Roofer") },
        Member { adult: Some(false), ..helps("quin", "Quin", "Nurse") },
        Member { paused: true, ..helps("rhea", "Rhea", "Nurse") },
    ]
}

/// A community in which a mentor takes one mentee unless they say otherwise.
fn community(members: &[Member]) -> (TempDir, Config, Searcher) {
    let folder = tempfile::tempdir().unwrap();
    let mut config = common::config(folder.path());
    config.programme.capacity = 1;
    publish(&config, members);
    let searcher = common::open(&config);
    (folder, config, searcher)
}

fn cohort_of(searcher: &Searcher, request: CohortRequest) -> Cohort {
    wait(assign(searcher, request, NonZeroUsize::new(2).unwrap())).unwrap()
}

fn refused(searcher: &Searcher, request: CohortRequest) -> (String, String) {
    match wait(assign(searcher, request, NonZeroUsize::MIN)) {
        Err(SearchError::Invalid { field, problem }) => (field, problem),
        other => panic!("{other:?}"),
    }
}

fn pairs(cohort: &Cohort) -> BTreeMap<&str, &str> {
    cohort.pairs.iter().map(|pair| (pair.mentee.id.as_str(), pair.mentor.id.as_str())).collect()
}

fn without<'a>(cohort: &'a Cohort, id: &str) -> &'a Unmatched {
    cohort.unmatched.iter().find(|unmatched| unmatched.mentee.id == id).unwrap()
}

fn reasons(cohort: &Cohort, id: &str) -> Vec<(Because, Option<usize>)> {
    without(cohort, id).reasons.iter().map(|reason| (reason.because, reason.mentors)).collect()
}

fn lock(mentee: &str, mentor: &str) -> LockedPair {
    let id = |id: &str| MemberId::new(id).unwrap();
    LockedPair { mentee: id(mentee), mentor: id(mentor) }
}

#[test]
fn rules_are_kept_on_private_fields_too_and_who_is_left_over_is_told_why() {
    let (_folder, _config, searcher) = community(&people());
    let rules = Rules { not_same_employer: true, language_in_common: true, time_zone_gap: Some(3.0) };
    let cohort = cohort_of(&searcher, CohortRequest { rules: rules.clone(), ..CohortRequest::default() });
    // Nora keeps to herself where she worked; Ana does not get her all the same.
    assert_eq!(pairs(&cohort), BTreeMap::from([("ana", "olga"), ("bob", "nora")]));
    assert_eq!(reasons(&cohort, "cleo"), [(Because::LanguageInCommon, Some(3)), (Because::TimeZoneGap, Some(1))]);
    assert_eq!(reasons(&cohort, "min"), [(Because::Minor, None)]);
    assert_eq!(reasons(&cohort, "paul"), [(Because::Paused, None)]);
    let left_out: BTreeSet<(&str, String)> =
        cohort.left_out.iter().map(|left| (left.mentor.id.as_str(), format!("{:?}", left.because))).collect();
    assert_eq!(left_out, BTreeSet::from([("quin", "Minor".into()), ("rhea", "Paused".into())]));
    let relaxed: Vec<(Rule, usize, i64)> =
        cohort.relaxed.iter().map(|relaxed| (relaxed.rule, relaxed.matched, relaxed.more)).collect();
    // Without a language in common Cleo gets the second place of Nora; the others bring nobody.
    let expected = [
        (Rule::NotSameEmployer, 2, 0),
        (Rule::LanguageInCommon, 3, 1),
        (Rule::TimeZoneGap, 2, 0),
        (Rule::Capacity, 2, 0),
    ];
    assert_eq!(relaxed, expected);
    assert_eq!(cohort.blocking.count, 0);

    let apart = Rules { not_same_employer: true, ..Rules::default() };
    let request = CohortRequest { rules: apart, mentors: Some(ids_of(&["nora"])), ..CohortRequest::default() };
    let cohort = cohort_of(&searcher, request);
    assert_eq!(reasons(&cohort, "ana"), [(Because::NotSameEmployer, Some(1))]);
    let said = serde_json::to_string(&cohort).unwrap();
    assert!(!said.contains(SECRET) && !said.to_lowercase().contains("mercy"), "{said}");
}

#[test]
fn full_mentors_low_matches_and_unknown_ids_are_told_apart() {
    let (_folder, _config, searcher) = community(&people());
    let request = |mentors: &[&str]| CohortRequest {
        mentees: Some(ids_of(&["ana", "bob", "cleo", "nobody", "kit"])),
        mentors: Some(ids_of(mentors)),
        ..CohortRequest::default()
    };
    let cohort = cohort_of(&searcher, CohortRequest { minimum: 0.3, ..request(&["olga", "kit", "ghost", "ana"]) });
    assert_eq!(cohort.pairs.len(), 1);
    let left_out: Vec<(&str, Because)> =
        cohort.left_out.iter().map(|left| (left.mentor.id.as_str(), left.because)).collect();
    assert_eq!(left_out, [("ghost", Because::Unknown), ("ana", Because::Role)]);
    assert_eq!(reasons(&cohort, "nobody"), [(Because::Unknown, None)]);
    assert_eq!(reasons(&cohort, "kit"), [(Because::Role, None)]);
    let matched = cohort.pairs[0].mentee.id.clone();
    let unlucky = ["ana", "bob", "cleo"].into_iter().find(|id| *id != matched).unwrap();
    assert_eq!(reasons(&cohort, unlucky), [(Because::Capacity, Some(1)), (Because::Minimum, Some(1))]);
    let reason = &without(&cohort, unlucky).reasons[0];
    assert_eq!((reason.named[0].id.as_str(), reason.text.as_str()), ("olga", "Full: Olga"));
    let alternatives: Vec<(&str, Option<Because>)> = (without(&cohort, unlucky).alternatives.iter())
        .map(|other| (other.mentor.id.as_str(), other.because))
        .collect();
    assert_eq!(alternatives, [("olga", Some(Because::Capacity)), ("kit", Some(Because::Minimum))]);
    let relaxed: Vec<(Rule, usize)> = cohort.relaxed.iter().map(|relaxed| (relaxed.rule, relaxed.matched)).collect();
    assert_eq!(relaxed, [(Rule::Minimum, 2), (Rule::Capacity, 2)]);

    // Whoever does not say how many they take is given so many; whoever says is not.
    let wide = cohort_of(&searcher, CohortRequest { capacity: Some(3), minimum: 0.3, ..request(&["olga"]) });
    assert_eq!((wide.pairs.len(), wide.totals.places), (3, 3));
    assert_eq!(cohort_of(&searcher, CohortRequest { capacity: Some(3), ..request(&["nora"]) }).totals.places, 2);
    let nobody = cohort_of(&searcher, request(&["quin"]));
    assert_eq!(reasons(&nobody, "ana"), [(Because::NoMentors, None)]);
}

#[test]
fn locked_pairs_hold_whatever_the_rules_say_and_what_cannot_be_is_refused() {
    let (_folder, _config, searcher) = community(&people());
    let locked = |locked: &[(&str, &str)]| CohortRequest {
        locked: locked.iter().map(|(mentee, mentor)| lock(mentee, mentor)).collect(),
        rules: Rules { not_same_employer: true, language_in_common: true, time_zone_gap: None },
        ..CohortRequest::default()
    };
    let cohort = cohort_of(&searcher, locked(&[("ana", "nora"), ("cleo", "kit")]));
    assert_eq!(pairs(&cohort)["ana"], "nora");
    assert_eq!(pairs(&cohort)["cleo"], "kit");
    let pair = |id: &str| cohort.pairs.iter().find(|pair| pair.mentee.id == id).unwrap();
    assert!(pair("ana").locked && !pair("bob").locked);
    assert_eq!(pair("ana").breaks, [Rule::NotSameEmployer]);
    assert_eq!(pair("cleo").breaks, [Rule::LanguageInCommon]);
    for (pairs, field, problem) in [
        (vec![("ana", "nobody")], "locked[0].mentor", "\"nobody\" is not one of the cohort's mentors"),
        (vec![("ana", "quin")], "locked[0].mentor", "\"quin\" may not be matched: not of age, or not saying so"),
        (vec![("paul", "nora")], "locked[0].mentee", "\"paul\" may not be matched: paused"),
        (vec![("ana", "nora"), ("ana", "olga")], "locked[1]", "\"ana\" is locked twice; a mentee has one mentor"),
        (vec![("ana", "olga"), ("bob", "olga")], "locked[1]", "\"olga\" takes 1, but more are locked to them"),
    ] {
        assert_eq!(refused(&searcher, locked(&pairs)), (field.to_owned(), problem.to_owned()));
    }
}

/// What must hold for everybody, checked on the records.
fn keeps_to(cohort: &Cohort, members: &[Member], request: &CohortRequest) {
    let of: HashMap<&str, &Member> = members.iter().map(|member| (member.id.as_str(), member)).collect();
    let mut taken: BTreeMap<&str, u32> = BTreeMap::new();
    let folded = |texts: &[String]| texts.iter().map(|text| fold(text)).collect::<BTreeSet<_>>();
    for pair in &cohort.pairs {
        let (mentee, mentor) = (of[pair.mentee.id.as_str()], of[pair.mentor.id.as_str()]);
        *taken.entry(&pair.mentor.id).or_default() += 1;
        assert!(mentee.is(Role::Mentee) && mentor.is(Role::Mentor) && mentee.id != mentor.id);
        assert!(!mentor.paused && mentor.adult != Some(false) && mentee.adult != Some(false));
        assert!(!mentee.blocks.contains(&mentor.id) && !mentor.blocks.contains(&mentee.id));
        assert!(!mentee.friends.contains(&mentor.id) && !mentee.colleagues.contains(&mentor.id));
        if request.rules.not_same_employer {
            assert!(folded(&mentee.employers).is_disjoint(&folded(&mentor.employers)));
        }
        if request.rules.language_in_common {
            assert!(!folded(&mentee.languages).is_disjoint(&folded(&mentor.languages)));
        }
        assert!(pair.match_ >= request.minimum);
        let sum: f64 = pair.contributions.iter().map(|contribution| contribution.contribution).sum();
        assert!((sum - pair.match_).abs() < 1e-6);
    }
    for (mentor, taken) in &taken {
        assert!(*taken <= of[mentor].capacity.unwrap_or(1), "{mentor} has {taken}");
    }
    for load in &cohort.mentors {
        assert_eq!(taken.get(load.mentor.id.as_str()).copied().unwrap_or(0), load.taken);
    }
    let told: BTreeSet<&str> = (cohort.pairs.iter().map(|pair| pair.mentee.id.as_str()))
        .chain(cohort.unmatched.iter().map(|unmatched| unmatched.mentee.id.as_str()))
        .collect();
    assert_eq!(told.len(), cohort.pairs.len() + cohort.unmatched.len(), "each mentee is told of once");
    assert_eq!(told.len(), cohort.totals.mentees);
    assert!(cohort.unmatched.iter().all(|unmatched| !unmatched.reasons.is_empty()));
}

#[test]
fn a_whole_community_is_assigned_within_all_bounds() {
    let sample = sample();
    let totals: Vec<(usize, f64, f64)> = [Objective::BestTotal, Objective::MostMatched, Objective::Fairest]
        .into_iter()
        .map(|objective| {
            let rules = Rules { not_same_employer: true, language_in_common: true, time_zone_gap: Some(6.0) };
            let request = CohortRequest { objective, rules, minimum: 0.05, ..CohortRequest::default() };
            let cohort = cohort_of(&sample.searcher, request.clone());
            keeps_to(&cohort, &sample.members, &request);
            assert!(cohort.totals.matched > 100);
            assert!(cohort.relaxed.iter().all(|relaxed| objective == Objective::BestTotal || relaxed.more >= 0));
            (cohort.totals.matched, cohort.totals.total, cohort.totals.worst.unwrap())
        })
        .collect();
    let [best, most, fairest] = totals[..] else { panic!() };
    assert!(best.1 >= most.1 && most.1 >= fairest.1, "{totals:?}");
    assert!(most.0 >= best.0 && most.0 == fairest.0, "{totals:?}");
    assert!(fairest.2 >= most.2, "{totals:?}");
}

#[test]
fn a_match_is_that_of_a_search() {
    let sample = sample();
    let cohort = cohort_of(&sample.searcher, CohortRequest::default());
    for pair in cohort.pairs.iter().step_by(cohort.pairs.len() / 12) {
        let request = SearchRequest { k: Some(1_000), ..by_member(&pair.mentee.id) };
        let found = find(&sample.searcher, request);
        let hit = found.hits.iter().find(|hit| hit.member.id == pair.mentor.id).unwrap();
        assert_eq!((hit.match_, &hit.contributions), (pair.match_, &pair.contributions));
        assert_eq!(hit.points_in_common, pair.points_in_common);
    }
}

#[test]
fn the_same_is_given_for_the_same_in_whatever_order_people_are_listed() {
    let sample = sample();
    let listed = |role: Role| {
        let ids = sample.members.iter().filter(|member| member.is(role)).map(|member| member.id.clone());
        ids.take(150).collect::<Vec<_>>()
    };
    let request = CohortRequest {
        mentees: Some(listed(Role::Mentee)),
        mentors: Some(listed(Role::Mentor)),
        ..CohortRequest::default()
    };
    let once = cohort_of(&sample.searcher, request.clone());
    let single = wait(assign(&sample.searcher, request.clone(), NonZeroUsize::MIN)).unwrap();
    assert_eq!(serde_json::to_vec(&once).unwrap(), serde_json::to_vec(&single).unwrap(), "on any number of threads");
    let mut turned = request;
    [&mut turned.mentees, &mut turned.mentors].into_iter().flatten().for_each(|ids| ids.reverse());
    let turned = cohort_of(&sample.searcher, turned);
    assert_eq!(pairs(&once), pairs(&turned));
    assert_eq!(once.pairs[0].mentee.id, turned.pairs.last().unwrap().mentee.id, "told in the order of the list");
}

#[test]
fn equals_are_not_chosen_by_their_ids() {
    // Thirty of whom nothing differs, and three places: over ten intakes it is not always the same who get them.
    let same = |id: String| Member { aims_for: Some("Nurse".into()), ..mentee(&id) };
    let mut members: Vec<Member> = (0..30).map(|at| same(format!("m-{at:02}"))).collect();
    members.push(Member { profession: Some("Nurse".into()), capacity: Some(3), ..mentor("nora") });
    let (_folder, _config, searcher) = community(&members);
    let mut chosen = BTreeSet::new();
    for left_out in 0..10 {
        let mentees = members[..30].iter().enumerate().filter(|(at, _)| *at != 29 - left_out);
        let mentees = Some(mentees.map(|(_, member)| member.id.clone()).collect());
        let cohort = cohort_of(&searcher, CohortRequest { mentees, ..CohortRequest::default() });
        assert_eq!(cohort.pairs.len(), 3);
        chosen.extend(cohort.pairs.iter().map(|pair| pair.mentee.id.clone()));
    }
    assert!(chosen.len() > 8, "{chosen:?}");
}

/// What the program says and does.
fn run(config: &Config, arguments: &[&str]) -> (i32, String, String) {
    let output = program(config, arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_command_and_the_service_give_the_same_and_nothing_private() {
    let folder = tempfile::tempdir().unwrap();
    let config = common::config(folder.path());
    publish(&config, &people());
    let file = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    file("mentees.txt", "ana\n\nbob\r\ncleo\n");
    file("mentors.jsonl", "{\"id\": \"nora\", \"roles\": [\"mentor\"]}\n{\"id\": \"olga\"}\n");
    file("mentors.csv", "name,id\nNora,nora\n\"Olga\nO.\",olga\n");
    let command = ["match", "--mentees", "mentees.txt", "--mentors", "mentors.jsonl", "--objective", "best-total"];
    let options = ["--not-same-employer", "--language-in-common", "--lock", "cleo=nora", "--minimum", "0.1"];
    let arguments = [&command[..], &options].concat();
    let (code, table, log) = run(&config, &arguments);
    assert_eq!(code, 0, "{log}");
    assert!(
        table.contains("Cleo (cleo) → Nora (nora)") && table.contains("locked (breaks language_in_common)"),
        "{table}"
    );
    assert!(table.contains("3 of 3 mentees matched (best total)"), "{table}");
    assert!(log.contains("3 of 3 matched in "), "{log}");
    let (code, json, _) = run(&config, &[&arguments[..], &["--json"]].concat());
    let again = run(&config, &[&arguments[..], &["--json"]].concat()).1;
    assert_eq!((code, &json), (0, &again));
    let by_csv: Vec<&str> =
        arguments.iter().map(|text| if *text == "mentors.jsonl" { "mentors.csv" } else { text }).collect();
    assert_eq!(run(&config, &[&by_csv[..], &["--json"]].concat()).1, json);

    let service = Service::start(&config, &[]);
    let request = json!({
        "mentees": ["ana", "bob", "cleo"], "mentors": ["nora", "olga"], "objective": "best_total", "minimum": 0.1,
        "rules": {"not_same_employer": true, "language_in_common": true},
        "locked": [{"mentee": "cleo", "mentor": "nora"}]
    });
    let response = service.post("/v1/cohorts", &request);
    assert_eq!((response.status, response.header("content-type")), (200, "application/json"), "{}", response.text());
    assert_eq!(response.json(), serde_json::from_str::<Value>(&json).unwrap());
    assert_eq!(response.body, service.post("/v1/cohorts", &request).body);
    for said in [table, json, response.text(), service.log()] {
        assert!(!said.contains(SECRET) && !said.to_lowercase().contains("mercy"), "{said}");
    }
    assert!(service.get("/openapi.json").json()["paths"]["/v1/cohorts"]["post"].is_object());
}

#[test]
fn what_is_wrong_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let config = common::config(folder.path());
    publish(&config, &people());
    let file = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    file("twice.txt", "ana\nbob\nana\n");
    file("broken.jsonl", "{\"id\": \"ana\"}\n{\"id\": 7}\n");
    file("columns.csv", "name,roles\nAna,mentee\n");
    for (arguments, expected) in [
        (&["--mentees", "twice.txt"][..], "twice.txt:3: ana is listed twice; it stood on line 1 already"),
        (&["--mentees", "broken.jsonl"], "broken.jsonl:2: is no member with an id: invalid type: integer `7`"),
        (&["--mentors", "columns.csv"], "columns.csv:1: has no column id; expected a header row with one"),
        (&["--mentors", "none.txt"], "cannot read none.txt: "),
        (&["--lock", "ana"], "expected MENTEE=MENTOR, two ids"),
        (&["--minimum=-1"], "minimum: is -1; expected a match, 0 or more"),
        (&["--time-zone-gap", "13"], "rules.time_zone_gap: is 13; expected 0 to 12 hours"),
        (&["--candidates", "0"], "candidates: is 0; expected 1 to 200"),
    ] {
        let (code, out, log) = run(&config, &[&["match"], arguments].concat());
        assert!(code == 2 && out.is_empty() && log.contains(expected), "{arguments:?}: {code} {log}");
    }
    let key = |scope: &str| run(&config, &["key", "create", "--name", "a test", "--scope", scope]).1.trim().to_owned();
    let (search, admin) = (key("search,write"), key("admin"));
    let service = Service::start(&config, &[]);
    let ask = |key: &str, body: &Value| {
        let authorization = format!("Bearer {key}");
        let headers = [("content-type", "application/json"), ("authorization", authorization.as_str())];
        service.send("POST", "/v1/cohorts", &headers, body.to_string().as_bytes())
    };
    let many: Vec<String> = (0..20_001).map(|at| format!("{at:0>40}")).collect();
    for (body, field) in [
        (json!({"mentors": ["nora"], "speed": 1}), "speed"),
        (json!({"rules": {"same_shoes": true}}), "rules.same_shoes"),
        (json!({"objective": "best"}), "objective"),
        (json!({"mentees": ["ana", "bob", "ana"]}), "mentees[2]"),
        (json!({"mentees": many}), "mentees"),
        (json!({"candidates": 1000}), "candidates"),
        (json!({"capacity": 100000}), "capacity"),
        (json!({"locked": [{"mentee": "ana", "mentor": "ana"}]}), "locked[0].mentor"),
    ] {
        let (status, code, named) = ask(&admin, &body).problem();
        assert_eq!((status, code.as_str(), named.as_str()), (400, "invalid", field), "{field}");
    }
    assert_eq!(ask(&search, &json!({})).problem().0, 403);
    assert_eq!(ask(&admin, &json!({})).status, 200);
}

#[test]
fn who_changed_since_the_night_is_matched_as_they_are() {
    let (_folder, config, _) = community(&people());
    let changed = [
        Member { paused: true, ..mentor("nora") },
        Member { aims_for: Some("Roofer".into()), languages: strings(&["en"]), ..mentee("zoe") },
    ];
    wait(async {
        let store = rapport::store::Store::open(&config.database()).await.unwrap();
        store.upsert(&changed).await.unwrap();
    });
    let cohort = cohort_of(&open(&config), CohortRequest::default());
    assert_eq!(pairs(&cohort)["zoe"], "kit");
    assert!(cohort.left_out.iter().any(|left| left.mentor.id == "nora" && left.because == Because::Paused));
}

#[test]
fn one_cohort_is_worked_on_at_a_time() {
    let service = Service::start(&sample().config, &[]);
    let nobody = json!({"mentees": [], "mentors": []});
    std::thread::scope(|scope| {
        let long = scope.spawn(|| service.post("/v1/cohorts", &json!({})));
        let mut refused = 0;
        while !long.is_finished() {
            let response = service.post("/v1/cohorts", &nobody);
            if response.status != 200 {
                let (status, code, _) = response.problem();
                assert_eq!((status, code.as_str(), response.header("retry-after")), (409, "conflict", "10"));
                refused += 1;
            }
        }
        let long = long.join().unwrap();
        // The short one may have been first.
        assert!(long.status == 200 && refused > 0 || long.status == 409, "{} {refused}", long.status);
    });
    assert_eq!(service.post("/v1/cohorts", &nobody).json()["totals"]["matched"], 0);
}
