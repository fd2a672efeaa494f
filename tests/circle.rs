//! Outside my circle: what the dial takes off a match is said, adds up, and never brings the circle back in.

use std::process::Output;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use rapport::evaluate::{Judgements, outside_circle};
use rapport::member::{Education, Member, Place};
use rapport::sample::{DEMO_TEXT, demo_profile};
use rapport::search::weights::Feature;
use rapport::search::{Answer, Hit, Known, SearchRequest, Searcher};
use rapport::store::Store;

use crate::common::{
    by_member, by_profile, by_text, find, id_of, ids, ids_of, indexed, mentee, mentor, open, program, refused, sample,
    strings, wait,
};

fn dialled(dial: f64, request: SearchRequest) -> SearchRequest {
    SearchRequest { outside_circle: Some(dial), ..request }
}

/// Members of the sample who may seek.
fn seekers() -> Vec<&'static Member> {
    sample().members.iter().filter(|member| member.adult == Some(true)).collect()
}

fn requests() -> Vec<SearchRequest> {
    let by_ids = seekers().into_iter().step_by(41).map(|member| by_member(member.id.as_str()));
    let mut requests: Vec<SearchRequest> = by_ids.chain([by_text(DEMO_TEXT), by_profile(demo_profile())]).collect();
    for (at, request) in requests.iter_mut().enumerate() {
        request.known = if at % 3 == 2 { Known::Include } else { Known::Exclude };
        request.k = [None, Some(40)][at % 2];
    }
    requests
}

/// What a hit's contributions of the circle sum to.
fn circle(hit: &Hit) -> f64 {
    let of_circle = hit.contributions.iter().filter(|part| part.feature.is_of_circle());
    of_circle.map(|part| part.contribution).sum()
}

#[test]
fn a_dial_at_zero_is_no_dial() {
    for request in requests() {
        let bytes = |request| serde_json::to_string(&find(&sample().searcher, request)).unwrap();
        let without = bytes(request.clone());
        assert_eq!(without, bytes(dialled(0.0, request)));
        assert!(!without.contains("outside"), "{without}");
    }
}

#[test]
fn what_is_taken_off_is_named_and_the_match_stays() {
    let mut adjusted = 0;
    for (request, dial) in requests().into_iter().zip([0.3, 0.5, 1.0].into_iter().cycle()) {
        let answer = find(&sample().searcher, dialled(dial, request.clone()));
        assert!(answer.hits.is_sorted_by(|left, right| left.score >= right.score));
        for hit in &answer.hits {
            let circle = circle(hit);
            let sum: f64 = hit.contributions.iter().map(|part| part.contribution).sum();
            assert!((hit.match_ - sum).abs() < 1e-9, "{hit:?}");
            match &hit.adjustments[..] {
                [] => assert!(circle < 2e-6 && hit.score == hit.match_, "{hit:?}"),
                [one] => {
                    adjusted += 1;
                    assert_eq!(one.reason, "outside_circle");
                    assert!((one.amount + dial * circle).abs() < 1e-6, "{hit:?}");
                    assert!((hit.score - hit.match_ - one.amount).abs() < 1e-9, "{hit:?}");
                    assert!(one.text.contains("outside your circle"), "{one:?}");
                }
                more => panic!("{more:?}"),
            }
        }
        let again = find(&sample().searcher, dialled(dial, request));
        assert_eq!(serde_json::to_string(&answer).unwrap(), serde_json::to_string(&again).unwrap());
    }
    assert!(adjusted > 100, "{adjusted} adjustments say little");
}

#[test]
fn all_the_way_out_the_order_is_that_without_the_features_of_the_circle() {
    let of_circle = Feature::ALL.iter().filter(|feature| feature.is_of_circle());
    let weights: std::collections::BTreeMap<Feature, f32> = of_circle.map(|feature| (*feature, 0.0)).collect();
    for request in requests() {
        let out = find(&sample().searcher, dialled(1.0, request.clone()));
        let without = find(&sample().searcher, SearchRequest { weights: weights.clone(), ..request });
        let scores = |answer: &Answer| answer.hits.iter().map(|hit| hit.score).collect::<Vec<_>>();
        assert_eq!((ids(&out), scores(&out)), (ids(&without), scores(&without)));
    }
}

/// How many of the hits share nothing of the circle.
fn outside(searcher: &Searcher, request: SearchRequest) -> usize {
    find(searcher, request).hits.iter().filter(|hit| circle(hit) == 0.0).count()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200, rng_seed: RngSeed::Fixed(7), failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn the_higher_the_dial_the_more_are_outside(
        seeker in any::<prop::sample::Index>(),
        dials in prop::array::uniform2(0.0f64..=1.0),
        k in 1usize..40,
        known in any::<bool>(),
    ) {
        let known = if known { Known::Include } else { Known::Exclude };
        let request = SearchRequest { k: Some(k), known, ..by_member(seeker.get(&seekers()).id.as_str()) };
        let [low, high] = [dials[0].min(dials[1]), dials[0].max(dials[1])];
        for searcher in [&sample().searcher, &sample().tight] {
            let at = |dial| outside(searcher, dialled(dial, request.clone()));
            prop_assert!(at(low) <= at(high), "{} at {low}, {} at {high}", at(low), at(high));
        }
    }
}

/// Ada seeks a nurse; one is of her circle in everything, the other in nothing.
fn two_nurses() -> Vec<Member> {
    let boston = Place { city: Some("Boston".into()), ..Place::default() };
    let circle = |member: Member| Member {
        employers: strings(&["Mercy"]),
        education: vec![Education { school: Some("UMass".into()), ..Education::default() }],
        location: Some(boston.clone()),
        hometown: Some(Place { city: Some("Lowell".into()), ..Place::default() }),
        groups: strings(&["choir", "rowing"]),
        colleagues: ids_of(&["co"]),
        friends: ids_of(&["fay", "flo"]),
        ..member
    };
    let nurse = |id: &str| Member { profession: Some("Nurse".into()), ..mentor(id) };
    let seeker = Member { aims_for: Some("Nurse".into()), ..mentee("ada") };
    vec![circle(seeker), circle(nurse("near")), nurse("far"), mentee("fay"), mentee("flo"), mentee("co")]
}

const SHARED: &str = "2 friends in common, 1 employer in common, 1 colleague in common, 2 groups in common";

#[test]
fn the_adjustment_says_what_counts_less() {
    let (_folder, config, searcher) = indexed(&two_nurses());
    let answer = find(&searcher, by_member("ada"));
    assert_eq!(ids(&answer), ["near", "far"]);
    let half = find(&searcher, dialled(0.5, by_member("ada")));
    assert_eq!(ids(&half), ["near", "far"]);
    let text = &half.hits[0].adjustments[0].text;
    assert!(text.starts_with("Counted 50 % less, since people outside your circle are sought: 2 friends"), "{text}");
    let out = find(&searcher, dialled(1.0, by_member("ada")));
    let near = out.hits.iter().find(|hit| hit.member.id == "near").unwrap();
    let far = out.hits.iter().find(|hit| hit.member.id == "far").unwrap();
    assert_eq!(ids(&out), ["far", "near"], "whose profile is longer has the word nurse for less");
    let text = &near.adjustments[0].text;
    assert!(text.starts_with("Not counted, since people outside your circle are sought: "), "{text}");
    for said in SHARED.split(", ").chain(["1 school in common", "how near you live", "the same home town"]) {
        assert!(text.contains(said), "{said:?} is not in {text:?}");
    }
    assert_eq!(far.adjustments, []);

    let shown = stdout(program(&config, &["search", "--member", "ada", "--outside-circle", "0.5"]).output().unwrap());
    assert!(shown.contains("Counted 50 % less, since people outside your circle are sought: "), "{shown}");
    let json = ["search", "--member", "ada", "--outside-circle", "1", "--json"];
    assert_eq!(stdout(program(&config, &json).output().unwrap()).trim(), serde_json::to_string(&out).unwrap());
}

fn stdout(output: Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn people_known_already_are_of_the_circle() {
    let friend = Member { friends: ids_of(&["ada"]), colleagues: ids_of(&["ada"]), ..mentor("friend") };
    let (_folder, _, searcher) = indexed(&[mentee("ada"), friend]);
    let request = SearchRequest { known: Known::Include, ..by_member("ada") };
    let answer = find(&searcher, dialled(1.0, request));
    let [hit] = &answer.hits[..] else { panic!("{answer:?}") };
    assert_eq!((hit.match_, hit.score), (0.2, 0.0));
    assert!(hit.adjustments[0].text.ends_with(": that you are friends, that you are colleagues"), "{hit:?}");
}

#[test]
fn what_is_private_by_now_is_neither_counted_nor_taken_off_nor_said() {
    let (_folder, config, searcher) = indexed(&two_nurses());
    let hidden = ["employers", "education", "location", "hometown", "groups", "colleagues", "friends"];
    let near = Member { private: strings(&hidden), ..two_nurses().swap_remove(1) };
    wait(async { Store::open(&config.database()).await.unwrap().upsert(&[near]).await.unwrap() });
    for searcher in [searcher, open(&config)] {
        let answer = find(&searcher, dialled(1.0, by_member("ada")));
        let near = answer.hits.iter().find(|hit| hit.member.id == "near").unwrap();
        assert_eq!((&near.adjustments[..], near.score), (&[][..], near.match_), "{near:?}");
    }
}

#[test]
fn who_is_known_by_their_circle_alone_meets_strangers_too() {
    let between: Vec<String> = (0..3).map(|at| format!("between-{at}")).collect();
    let mut members: Vec<Member> =
        between.iter().map(|id| Member { friends: ids_of(&["ada"]), ..mentee(id) }).collect();
    members.extend((0..15).map(|at| Member { friends: ids_of(&[&between[at % 3]]), ..mentor(&format!("near-{at}")) }));
    members.extend((0..320).map(|at| mentor(&format!("far-{at}"))));
    members.push(mentee("ada"));
    let (_folder, _, searcher) = indexed(&members);
    assert_eq!(outside(&searcher, by_member("ada")), 0);
    assert!(outside(&searcher, dialled(1.0, by_member("ada"))) > 0);
    let all = SearchRequest { k: Some(30), ..by_member("ada") };
    assert_eq!((outside(&searcher, all.clone()), outside(&searcher, dialled(0.5, all))), (15, 15));
}

#[test]
fn nothing_in_common_is_zero_in_every_byte() {
    let (_folder, _, searcher) = indexed(&[mentor("m"), mentee("ada")]);
    for request in [by_member("ada"), dialled(0.5, by_member("ada"))] {
        let answer = serde_json::to_string(&find(&searcher, request)).unwrap();
        assert!(answer.contains("\"score\":0.0,\"match\":0.0,"), "{answer}");
    }
}

#[test]
fn an_explanation_has_the_adjustment_and_the_rank_of_the_search() {
    for request in requests().into_iter().step_by(5) {
        let request = dialled(0.7, request);
        let answer = find(&sample().searcher, request.clone());
        for hit in answer.hits.iter().step_by(4) {
            let why = wait(sample().searcher.why(request.clone(), &id_of(&hit.member.id))).unwrap();
            assert_eq!(why.hit.as_ref(), Some(hit));
        }
    }
}

#[test]
fn a_dial_beyond_its_ends_is_refused() {
    for dial in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        let error = refused(&sample().searcher, dialled(dial, by_text("a nurse")));
        assert!(error.is_callers(), "{error}");
        assert!(error.to_string().starts_with(&format!("outside_circle: is {dial}; expected 0 ")), "{error}");
    }
    let output = program(&sample().config, &["search", "a nurse", "--outside-circle", "2"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn evaluate_measures_what_the_dial_gives_and_costs() {
    let folder = tempfile::tempdir().unwrap();
    let (queries, qrels) = (folder.path().join("queries.jsonl"), folder.path().join("qrels.txt"));
    let (mut asked, mut judged) = (String::new(), String::new());
    let mentors = || sample().members.iter().filter(|member| member.roles.contains(&rapport::member::Role::Mentor));
    for seeker in seekers().into_iter().filter(|member| member.aims_for.is_some()).take(60) {
        let relevant = mentors().filter(|mentor| mentor.profession == seeker.aims_for);
        let lines: String = relevant.map(|mentor| format!("q-{} 0 {} 1\n", seeker.id, mentor.id)).collect();
        if !lines.is_empty() {
            asked += &format!("{{\"id\": \"q-{0}\", \"member\": {0:?}}}\n", seeker.id.as_str());
            judged += &lines;
        }
    }
    std::fs::write(&queries, asked).unwrap();
    std::fs::write(&qrels, judged).unwrap();
    let judgements = Judgements::read(&queries, &qrels).unwrap();
    let settings = wait(outside_circle(&sample().searcher, &judgements, &[1.0, 0.5, 0.5])).unwrap();
    let dials: Vec<f64> = settings.iter().map(|at| at.dial).collect();
    assert_eq!(dials, [0.0, 0.5, 1.0]);
    let [before, half, out] = &settings[..] else { panic!("{settings:?}") };
    assert!(before.outside.mean < out.outside.mean, "{settings:?}");
    assert!(settings.is_sorted_by(|left, right| left.outside.mean <= right.outside.mean), "{settings:?}");
    assert!(settings.is_sorted_by(|left, right| left.match_ >= right.match_), "{settings:?}");
    assert_eq!((before.ndcg.difference.mean, before.ndcg.p), (0.0, 1.0));
    assert_eq!(half.ndcg.before, before.ndcg.after);
    assert!((half.ndcg.after - half.ndcg.before - half.ndcg.difference.mean).abs() < 1e-9);

    let files = ["--queries", queries.to_str().unwrap(), "--qrels", qrels.to_str().unwrap()];
    let arguments = [&["evaluate", "--outside-circle", "0.5,1"], &files[..]].concat();
    let shown = stdout(program(&sample().config, &arguments).output().unwrap());
    let last = shown.lines().last().unwrap();
    assert!(last.starts_with("1 ") && last.contains(&format!("{:.3}", out.outside.mean)), "{shown}");
    let json: serde_json::Value = serde_json::from_str(&stdout(
        program(&sample().config, &[&arguments[..], &["--json"]].concat()).output().unwrap(),
    ))
    .unwrap();
    assert_eq!(json["outside_circle"], serde_json::to_value(&settings).unwrap());

    let error = wait(outside_circle(&sample().searcher, &judgements, &[1.5])).unwrap_err();
    assert_eq!(error.to_string(), "outside_circle: is 1.5; expected 0 to 1");
    let wrong = [&["evaluate", "--outside-circle", "0.5,2"], &files[..]].concat();
    assert_eq!(program(&sample().config, &wrong).output().unwrap().status.code(), Some(2));
}
