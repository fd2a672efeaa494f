//! A cohort's exchange: each pair goes by both ways, with the numbers and reasons of a search's exchange; who may be in it, and
//! what nobody learns of it.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use rapport::member::{Member, MemberId, Place, Role};
use rapport::programme::cohort::{Because, Cohort, CohortRequest, LockedPair, Objective, Rule, Rules, assign};
use rapport::search::{Hit, SearchError, SearchRequest, Searcher};
use serde_json::{Value, json};

use crate::common::{
    by_member, http::Service, id_of, ids_of, indexed, mentee, mentor, open, program, sample, strings, wait,
};

fn exchange(mentees: &[&str], mentors: &[&str]) -> CohortRequest {
    CohortRequest {
        exchange: true,
        mentees: Some(ids_of(mentees)),
        mentors: Some(ids_of(mentors)),
        ..CohortRequest::default()
    }
}

fn assigned(searcher: &Searcher, request: &CohortRequest) -> Cohort {
    wait(assign(searcher, request.clone(), NonZeroUsize::new(2).unwrap())).unwrap()
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

/// What a search's exchange says of a pair.
fn searched(searcher: &Searcher, mentee: &str, mentor: &str) -> Hit {
    let request = SearchRequest { exchange: true, ..by_member(mentee) };
    wait(searcher.why(request, &id_of(mentor))).unwrap().hit.unwrap()
}

fn nurse(member: Member, country: &str, seeks: &str, offers: &str) -> Member {
    let text = |text: &str| Some(text.to_owned());
    let location = Some(Place { country: text(country), ..Place::default() });
    Member { profession: text("Nurse"), seeks: text(seeks), offers: text(offers), location, ..member }
}

const FINNISH: &str = "Somebody to practise Finnish with";
const SPANISH: &str = "Spanish conversation for beginners";
const CHESS: &str = "A partner for chess by mail";

/// Sol and Sam speak Spanish and want to speak Finnish; Aino and Aki the other way round. Gil is what Sol wants to be, and has
/// nothing to ask of a speaker of Spanish.
fn tandem() -> Vec<Member> {
    let aims = |member: Member| Member { aims_for: Some("Head nurse".into()), ..member };
    vec![
        aims(nurse(mentee("sol"), "Spain", FINNISH, SPANISH)),
        nurse(mentee("sam"), "Spain", FINNISH, "Spanish conversation and cooking"),
        Member { capacity: Some(1), ..nurse(mentor("aino"), "Finland", SPANISH, FINNISH) },
        Member { capacity: Some(1), ..nurse(mentor("aki"), "Finland", "Help with tax returns", FINNISH) },
        Member {
            profession: Some("Head nurse".into()),
            capacity: Some(1),
            ..nurse(mentor("gil"), "Finland", CHESS, FINNISH)
        },
    ]
}

#[test]
fn each_pair_has_the_numbers_and_reasons_of_a_searchs_exchange() {
    let sample = sample();
    let cohort = assigned(&sample.searcher, &CohortRequest { exchange: true, ..CohortRequest::default() });
    assert!(cohort.exchange && cohort.pairs.len() > 100, "{}", cohort.pairs.len());
    for pair in cohort.pairs.iter().step_by(cohort.pairs.len() / 20) {
        let hit = searched(&sample.searcher, &pair.mentee.id, &pair.mentor.id);
        assert_eq!((Some(hit.score), hit.match_), (pair.score, pair.match_));
        assert_eq!((&hit.contributions, &hit.points_in_common), (&pair.contributions, &pair.points_in_common));
        assert!(pair.back.is_some());
        assert_eq!(hit.back, pair.back);
        for other in &pair.alternatives {
            assert_eq!(searched(&sample.searcher, &pair.mentee.id, &other.mentor.id).score, other.match_);
        }
        assert!(pair.alternatives.is_sorted_by(|left, right| left.match_ >= right.match_));
    }
    let total: f64 = cohort.pairs.iter().filter_map(|pair| pair.score).sum();
    assert!((total - cohort.totals.total).abs() < 1e-6, "{total} {}", cohort.totals.total);
    let worst = cohort.pairs.iter().filter_map(|pair| pair.score).fold(f64::MAX, f64::min);
    assert_eq!(cohort.totals.worst, Some(worst));
    assert!(cohort.pairs.iter().all(|pair| pair.mentee.id != pair.mentor.id), "nobody has themselves");

    let one_way = assigned(&sample.searcher, &CohortRequest::default());
    assert!(one_way.pairs.iter().all(|pair| pair.back.is_none() && pair.score.is_none()));
    assert_ne!(pairs(&cohort), pairs(&one_way));
}

#[test]
fn the_best_by_both_ways_is_not_the_best_one_way() {
    let (_folder, _, searcher) = indexed(&tandem());
    let (mentees, mentors) = (["sol", "sam"], ["aino", "aki", "gil"]);
    for objective in [Objective::BestTotal, Objective::MostMatched, Objective::Fairest] {
        let request = CohortRequest { objective, ..exchange(&mentees, &mentors) };
        let cohort = assigned(&searcher, &request);
        let score = |mentee: &str, mentor: &str| searched(&searcher, mentee, mentor).score;
        let mut ways: Vec<(f64, f64)> = Vec::new();
        for first in mentors {
            for second in mentors.into_iter().filter(|second| *second != first) {
                let scores = [score("sol", first), score("sam", second)];
                ways.push((scores[0] + scores[1], scores[0].min(scores[1])));
            }
        }
        let best = |of: fn(&(f64, f64)) -> f64| ways.iter().map(of).fold(0.0, f64::max);
        match objective {
            Objective::Fairest => assert!((cohort.totals.worst.unwrap() - best(|way| way.1)).abs() < 1e-6),
            _ => assert!((cohort.totals.total - best(|way| way.0)).abs() < 1e-6, "{cohort:?} {ways:?}"),
        }
    }
    let alone = exchange(&["sol"], &mentors);
    let one_way = CohortRequest { exchange: false, ..alone.clone() };
    assert_eq!(pairs(&assigned(&searcher, &one_way))["sol"], "gil", "who is what she wants to be");
    assert_eq!(pairs(&assigned(&searcher, &alone))["sol"], "aino", "who wants what she has");
}

#[test]
fn minimum_rules_locks_and_capacities_mean_the_same_of_both_ways() {
    let mut members = tandem();
    members[2].languages = strings(&["fi"]);
    members
        .iter_mut()
        .filter(|member| member.id.as_str() != "aino")
        .for_each(|member| member.languages = strings(&["en"]));
    let (_folder, _, searcher) = indexed(&members);
    let (aino, gil) = (searched(&searcher, "sol", "aino"), searched(&searcher, "sol", "gil"));
    assert!(gil.match_ > aino.match_ && gil.score < aino.score, "{gil:?} {aino:?}");

    // Between the score of the one and that of the other, and below the match of both.
    let minimum = (gil.score + aino.score) / 2.0;
    assert!(minimum < gil.match_);
    let cohort = assigned(&searcher, &CohortRequest { minimum, ..exchange(&["sol"], &["gil"]) });
    assert!(cohort.pairs.is_empty());
    let reason = &cohort.unmatched[0].reasons[0];
    assert_eq!((reason.because, reason.mentors, reason.best), (Because::Minimum, Some(1), Some(gil.score)));
    let other = &cohort.unmatched[0].alternatives[0];
    assert_eq!((other.match_, other.because), (gil.score, Some(Because::Minimum)));

    let locked = vec![LockedPair { mentee: id_of("sol"), mentor: id_of("gil") }];
    let cohort = assigned(&searcher, &CohortRequest { minimum, locked, ..exchange(&["sol", "sam"], &["gil", "aino"]) });
    assert_eq!(pairs(&cohort), BTreeMap::from([("sol", "gil"), ("sam", "aino")]));
    let pair = cohort.pairs.iter().find(|pair| pair.locked).unwrap();
    assert_eq!((pair.score, &pair.breaks[..]), (Some(gil.score), &[Rule::Minimum][..]));

    let rules = Rules { language_in_common: true, ..Rules::default() };
    let cohort = assigned(&searcher, &CohortRequest { rules, ..exchange(&["sol", "sam"], &["gil", "aino"]) });
    assert_eq!(cohort.pairs.len(), 1, "Gil alone has a language of theirs, and one place");
    assert_eq!(cohort.pairs[0].mentor.id, "gil");
    let because: Vec<Because> = cohort.unmatched[0].reasons.iter().map(|reason| reason.because).collect();
    assert_eq!(because, [Because::Capacity, Because::LanguageInCommon]);
    let more: Vec<(Rule, i64)> = cohort.relaxed.iter().map(|relaxed| (relaxed.rule, relaxed.more)).collect();
    assert_eq!(more, [(Rule::LanguageInCommon, 1), (Rule::Capacity, 1)]);
}

#[test]
fn either_role_may_be_listed_and_nobody_has_themselves() {
    let both =
        |id: &str| Member { roles: vec![Role::Mentor, Role::Mentee], ..nurse(mentee(id), "Spain", FINNISH, SPANISH) };
    let more = [
        both("bea"),
        both("ben"),
        Member { adult: Some(false), ..both("minor") },
        Member { paused: true, ..both("paused") },
        Member { blocks: ids_of(&["sol"]), ..both("blocks") },
        Member { friends: ids_of(&["sol"]), ..both("friend") },
    ];
    let members: Vec<Member> = tandem().into_iter().chain(more).collect();
    let (_folder, config, searcher) = indexed(&members);
    let turned = exchange(&["aino"], &["sol", "gil"]);
    let cohort = assigned(&searcher, &turned);
    assert_eq!(pairs(&cohort), BTreeMap::from([("aino", "sol")]), "a mentor asks, a mentee is asked");
    let one_way = assigned(&searcher, &CohortRequest { exchange: false, ..turned });
    assert_eq!(one_way.unmatched[0].reasons[0].because, Because::Role);

    let apart = assigned(&searcher, &exchange(&["sol"], &["minor", "paused", "blocks", "friend", "nobody"]));
    let left_out: Vec<(&str, Because)> =
        apart.left_out.iter().map(|left| (left.mentor.id.as_str(), left.because)).collect();
    assert_eq!(left_out, [("minor", Because::Minor), ("paused", Because::Paused), ("nobody", Because::Unknown)]);
    let because: Vec<Because> = apart.unmatched[0].reasons.iter().map(|reason| reason.because).collect();
    assert_eq!(because, [Because::Known, Because::Blocked]);

    let alone = assigned(&searcher, &exchange(&["bea"], &["bea"]));
    assert_eq!(alone.unmatched[0].reasons[0].because, Because::NoMentors);
    let each_other = assigned(&searcher, &exchange(&["bea", "ben"], &["bea", "ben"]));
    assert_eq!(pairs(&each_other), BTreeMap::from([("bea", "ben"), ("ben", "bea")]));
    let themselves = vec![LockedPair { mentee: id_of("bea"), mentor: id_of("bea") }];
    let (field, problem) = refused(&searcher, CohortRequest { locked: themselves, ..exchange(&["bea"], &["bea"]) });
    assert_eq!((&*field, &*problem), ("locked[0]", "\"bea\" cannot be their own mentor"));

    // Whoever came since the index was opened is found by nobody yet, on either side.
    wait(async {
        let store = rapport::store::Store::open(&config.database()).await.unwrap();
        store.upsert(&[nurse(mentee("late"), "Spain", FINNISH, SPANISH)]).await.unwrap();
    });
    let late = assigned(&searcher, &exchange(&["late"], &["aino"]));
    assert_eq!(late.unmatched[0].reasons[0].because, Because::Unknown);
    assert_eq!(pairs(&assigned(&open(&config), &exchange(&["late"], &["aino"])))["late"], "aino");
}

#[test]
fn the_same_is_given_for_the_same() {
    let sample = sample();
    let listed = |role: Role| -> Vec<MemberId> {
        let ids = sample.members.iter().filter(|member| member.is(role)).map(|member| member.id.clone());
        ids.take(120).collect()
    };
    let rules = Rules { language_in_common: true, ..Rules::default() };
    let request = CohortRequest {
        exchange: true,
        rules,
        mentees: Some(listed(Role::Mentee)),
        mentors: Some(listed(Role::Mentor)),
        ..CohortRequest::default()
    };
    let once = assigned(&sample.searcher, &request);
    let single = wait(assign(&sample.searcher, request.clone(), NonZeroUsize::MIN)).unwrap();
    assert_eq!(serde_json::to_vec(&once).unwrap(), serde_json::to_vec(&single).unwrap(), "on any number of threads");
    let mut turned = request;
    [&mut turned.mentees, &mut turned.mentors].into_iter().flatten().for_each(|ids| ids.reverse());
    assert_eq!(pairs(&once), pairs(&assigned(&sample.searcher, &turned)), "in whatever order they are listed");
}

/// What a member may keep private, each said in words that somebody else's record has too.
fn secrets(member: &Member) -> Member {
    let text = |text: &str| Some(text.to_owned());
    Member {
        about: text("Speaks Spanish and Finnish, secretly"),
        industry: text("Healthcare"),
        interests: strings(&["chess"]),
        overcame: strings(&["homesickness"]),
        facing: strings(&["homesickness"]),
        hometown: Some(Place { city: text("Turku"), ..Place::default() }),
        groups: strings(&["choir"]),
        private: strings(&["about", "industry", "interests", "overcame", "facing", "hometown", "groups"]),
        ..member.clone()
    }
}

#[test]
fn what_either_side_keeps_private_moves_nothing_and_is_not_said() {
    let open_book = Member { private: Vec::new(), ..secrets(&nurse(mentor("open"), "Chile", CHESS, CHESS)) };
    let plain: Vec<Member> = tandem().into_iter().chain([open_book]).collect();
    let request = exchange(&["sol", "sam", "open"], &["aino", "aki", "gil", "open"]);
    let answer = |members: &[Member]| {
        let (_folder, _, searcher) = indexed(members);
        serde_json::to_string(&assigned(&searcher, &request)).unwrap()
    };
    let before = answer(&plain);
    assert!(before.contains("\"back\""), "{before}");
    for hidden in [&["sol", "sam"][..], &["aino", "aki", "gil"]] {
        let change = |change: fn(&Member) -> Member| -> Vec<Member> {
            plain.iter().map(|of| if hidden.contains(&of.id.as_str()) { change(of) } else { of.clone() }).collect()
        };
        assert_eq!(before, answer(&change(secrets)), "{hidden:?}");
        let told = |member: &Member| Member { private: Vec::new(), ..secrets(member) };
        assert_ne!(before, answer(&change(told)), "it would count if it were not private");
    }
    // What those who are asked face is for no page of those who ask, and is left out here too.
    let facing = |member: &Member| Member { facing: strings(&["chess"]), ..member.clone() };
    let asked: Vec<Member> =
        plain.iter().map(|of| if of.id.as_str() == "gil" { facing(of) } else { of.clone() }).collect();
    assert_eq!(before, answer(&asked));
}

#[test]
fn the_command_and_the_service_give_the_same() {
    let (folder, config, searcher) = indexed(&tandem());
    std::fs::write(folder.path().join("asking.txt"), "sol\nsam\n").unwrap();
    let run = |more: &[&str]| {
        let output =
            program(&config, &[&["match", "--mentees", "asking.txt", "--exchange"], more].concat()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let (table, json) = (run(&[]), run(&["--json"]));
    let cohort = assigned(&searcher, &CohortRequest { mentors: None, ..exchange(&["sol", "sam"], &[]) });
    assert_eq!(json.trim(), serde_json::to_string(&cohort).unwrap());
    let pair = cohort.pairs.iter().find(|pair| pair.mentee.id == "sol").unwrap();
    let (score, back) = (pair.score.unwrap(), pair.back.as_ref().unwrap());
    assert!(table.contains(&format!(
        "sol ↔ {}  {score:.4} ({:.4} there, {:.4} back)",
        pair.mentor.id, pair.match_, back.match_
    )));
    assert!(table.contains(&format!("what {} would read of sol", pair.mentor.id)), "{table}");
    assert!(table.contains(&back.points_in_common[0].text) && table.contains("worst score"), "{table}");

    let service = Service::start(&config, &[]);
    let request = json!({"exchange": true, "mentees": ["sol", "sam"]});
    let response = service.post("/v1/cohorts", &request);
    assert_eq!(response.status, 200, "{}", response.text());
    assert_eq!(response.json(), serde_json::from_str::<Value>(&json).unwrap());
    assert_eq!(response.body, service.post("/v1/cohorts", &request).body);
    let (status, code, field) = service.post("/v1/cohorts", &json!({"exchange": "yes"})).problem();
    assert_eq!((status, &*code, &*field), (400, "invalid", "exchange"));
    let (status, code, field) = service.post("/v1/cohorts", &json!({"exchange": true, "filter": {}})).problem();
    assert_eq!((status, &*code, &*field), (400, "invalid", "filter"));
    let described = service.get("/openapi.json").json();
    let of = |schema: &str, field: &str| described["components"]["schemas"][schema]["properties"][field].is_object();
    assert!(of("CohortRequest", "exchange") && of("CohortPair", "score") && of("CohortPair", "back"));
}
