//! Exchange: both ways are matches like any other, the score is their harmonic mean, and neither side learns what the other
//! keeps to themselves.

use std::collections::BTreeSet;
use std::process::Output;

use rapport::config::Config;
use rapport::member::{Member, Place, Role};
use rapport::search::weights::Feature;
use rapport::search::{Answer, Back, Contribution, Filter, Hit, Known, SearchRequest};
use rapport::store::Store;

use crate::common::{
    by_member, by_profile, by_text, find, id_of, ids, ids_of, indexed, mentee, mentor, open, program, refused, sample,
    strings, wait,
};

fn exchange(id: &str) -> SearchRequest {
    SearchRequest { exchange: true, ..by_member(id) }
}

/// Members of the sample who may seek.
fn seekers() -> impl Iterator<Item = &'static Member> {
    sample().members.iter().filter(|member| member.adult == Some(true))
}

fn back(hit: &Hit) -> &Back {
    hit.back.as_ref().unwrap()
}

fn harmonic_mean(one: f64, other: f64) -> f64 {
    if one + other > 0.0 { 2.0 * one * other / (one + other) } else { 0.0 }
}

#[test]
fn both_ways_add_up_and_the_score_is_their_harmonic_mean() {
    for (at, seeker) in seekers().step_by(61).enumerate() {
        let known = if at % 2 == 0 { Known::Include } else { Known::Exclude };
        let outside_circle = [None, Some(0.6)][at % 3 % 2];
        let request = SearchRequest { known, outside_circle, k: Some(25), ..exchange(seeker.id.as_str()) };
        let answer = find(&sample().searcher, request.clone());
        assert_eq!(answer.hits.len(), 25);
        assert!(answer.hits.is_sorted_by(|left, right| left.score >= right.score));
        for hit in &answer.hits {
            let back = back(hit);
            adds_up(hit.match_, &hit.contributions);
            adds_up(back.match_, &back.contributions);
            let amounts = |reason: &str| -> f64 {
                hit.adjustments.iter().filter(|adjustment| adjustment.reason == reason).map(|one| one.amount).sum()
            };
            assert!(hit.adjustments.iter().all(|one| ["outside_circle", "exchange"].contains(&one.reason.as_str())));
            assert!(hit.adjustments.iter().chain(&back.adjustments).all(|adjustment| !adjustment.text.is_empty()));
            let off: f64 = back.adjustments.iter().map(|adjustment| adjustment.amount).sum();
            assert!((back.score - back.match_ - off).abs() < 1e-9, "{hit:?}");
            let there = hit.match_ + amounts("outside_circle");
            assert!((hit.score - there - amounts("exchange")).abs() < 1e-9, "{hit:?}");
            assert!((hit.score - harmonic_mean(there, back.score)).abs() < 1e-6, "{hit:?}");
            assert!(back.contributions.is_empty() || !back.points_in_common.is_empty(), "{hit:?}");
        }
        let again = find(&sample().searcher, request);
        assert_eq!(serde_json::to_string(&answer).unwrap(), serde_json::to_string(&again).unwrap());
    }
}

fn adds_up(match_: f64, contributions: &[Contribution]) {
    let sum: f64 = contributions.iter().map(|part| part.contribution).sum();
    assert!((match_ - sum).abs() < 1e-9 && contributions.iter().all(|part| part.contribution > 0.0));
}

#[test]
fn the_way_there_is_the_usual_match_and_the_way_back_that_of_the_others_search() {
    // What somebody wants as a whole is taken part by part on the way back.
    let comparable = |contributions: &[Contribution]| -> Vec<Contribution> {
        contributions.iter().filter(|part| part.feature != Feature::ProfileSimilarity).cloned().collect()
    };
    let mut compared = 0;
    for seeker in seekers().step_by(101) {
        let request = SearchRequest { known: Known::Include, ..exchange(seeker.id.as_str()) };
        for hit in find(&sample().searcher, request.clone()).hits {
            let one_way = SearchRequest { exchange: false, ..request.clone() };
            let there = wait(sample().searcher.why(one_way, &id_of(&hit.member.id))).unwrap().hit.unwrap();
            assert_eq!((there.match_, &there.contributions), (hit.match_, &hit.contributions));
            assert_eq!(there.points_in_common, hit.points_in_common);
            let other = sample().members.iter().find(|member| member.id.as_str() == hit.member.id).unwrap();
            if other.facing.is_empty() {
                let their_search = SearchRequest { known: Known::Include, ..by_member(&hit.member.id) };
                let theirs = wait(sample().searcher.why(their_search, &seeker.id)).unwrap().hit.unwrap();
                assert_eq!(comparable(&theirs.contributions), comparable(&back(&hit).contributions));
                if other.aims_for.is_none() || other.seeks.is_none() {
                    assert_eq!(theirs.contributions, back(&hit).contributions);
                    assert_eq!(theirs.points_in_common, back(&hit).points_in_common);
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 10, "{compared} say little");
}

#[test]
fn the_first_are_those_of_everyone_compared() {
    for seeker in seekers().step_by(37) {
        let first =
            |k: usize| find(&sample().searcher, SearchRequest { k: Some(k), ..exchange(seeker.id.as_str()) }).hits;
        let all = first(32);
        for k in [1, 6] {
            assert_eq!(first(k), all[..k], "{k} of {}", seeker.id);
        }
    }
}

fn nurse(member: Member, country: &str, seeks: &str, offers: &str) -> Member {
    let text = |text: &str| Some(text.to_owned());
    let location = Some(Place { country: text(country), ..Place::default() });
    Member { profession: text("Nurse"), seeks: text(seeks), offers: text(offers), location, ..member }
}

/// A tandem: Sol in Spain and Aino in Finland each have what the other seeks; the others give or take alone.
fn tandem() -> Vec<Member> {
    vec![
        nurse(mentee("sol"), "Spain", "Somebody to practise Finnish with", "Spanish conversation for beginners"),
        nurse(mentee("aino"), "Finland", "Spanish conversation for beginners", "Somebody to practise Finnish with"),
        nurse(mentor("gives"), "Finland", "A partner for chess by mail", "Somebody to practise Finnish with"),
        nurse(mentor("takes"), "Spain", "Spanish conversation for beginners", "Help with tax returns"),
        nurse(mentor("neither"), "Peru", "A partner for chess by mail", "Help with tax returns"),
    ]
}

#[test]
fn who_gives_and_takes_comes_before_who_gives_alone() {
    let (_folder, config, searcher) = indexed(&tandem());
    let answer = find(&searcher, exchange("sol"));
    assert_eq!(ids(&answer)[0], "aino");
    let aino = &answer.hits[0];
    assert!(aino.adjustments[0].text.ends_with("the score is the harmonic mean of both"), "{aino:?}");
    let said = |points: &[rapport::search::PointInCommon], text: &str| {
        assert!(points.iter().any(|point| point.text.contains(text)), "{text:?} is not in {points:?}");
    };
    said(&aino.points_in_common, "Their profile has your words finnish, practise, somebody");
    said(&back(aino).points_in_common, "Their profile has your words beginners, conversation, spanish");
    let (gives, takes) = (hit(&answer, "gives"), hit(&answer, "takes"));
    assert!(gives.match_ > takes.match_ && back(gives).match_ < back(takes).match_, "{gives:?} {takes:?}");

    let across = ["search", "--member", "sol", "--exchange", "--filter", "other_country=true"];
    let shown = stdout(program(&config, &across).output().unwrap());
    assert!(shown.contains("what they would read of who asks"), "{shown}");
    assert!(shown.contains("(aino)") && !shown.contains("(takes)"), "{shown}");
    let json = stdout(program(&config, &["search", "--member", "sol", "--exchange", "--json"]).output().unwrap());
    assert_eq!(json.trim(), serde_json::to_string(&answer).unwrap());
}

fn hit<'a>(answer: &'a Answer, id: &str) -> &'a Hit {
    answer.hits.iter().find(|hit| hit.member.id == id).unwrap()
}

fn stdout(output: Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn either_role_may_be_found_and_nobody_who_is_not_available() {
    let members = [
        Member { blocks: ids_of(&["i-block"]), ..mentee("seeker") },
        mentor("mentor"),
        mentee("mentee"),
        mentee("i-block"),
        Member { blocks: ids_of(&["seeker"]), ..mentor("blocks-me") },
        Member { adult: Some(false), ..mentee("minor") },
        Member { paused: true, ..mentor("paused") },
        Member { friends: ids_of(&["seeker"]), ..mentee("friend") },
    ];
    let (_folder, _, searcher) = indexed(&members);
    let found = |request| ids(&find(&searcher, request)).into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
    let expected = |ids: &[&str]| strings(ids).into_iter().collect::<BTreeSet<_>>();
    assert_eq!(found(exchange("seeker")), expected(&["mentor", "mentee"]));
    let known = SearchRequest { known: Known::Include, ..exchange("seeker") };
    assert_eq!(found(known), expected(&["mentor", "mentee", "friend"]));
    let role = |role| Filter { role: Some(role), ..Filter::default() };
    assert_eq!(found(SearchRequest { filter: role(Role::Mentor), ..exchange("seeker") }), expected(&["mentor"]));
    assert_eq!(found(SearchRequest { filter: role(Role::Mentee), ..exchange("seeker") }), expected(&["mentee"]));
    let why = |id: &str| wait(searcher.why(exchange("seeker"), &id_of(id))).unwrap();
    assert!(why("mentee").obstacles.is_empty() && why("mentee").found);
    for id in ["i-block", "blocks-me", "minor", "paused", "friend"] {
        assert_eq!((why(id).obstacles.len(), why(id).found), (1, false), "{id}");
    }
}

#[test]
fn an_explanation_is_the_hit_of_the_search() {
    for seeker in seekers().step_by(211) {
        let request = SearchRequest { outside_circle: Some(0.3), ..exchange(seeker.id.as_str()) };
        for hit in find(&sample().searcher, request.clone()).hits.iter().step_by(3) {
            let why = wait(sample().searcher.why(request.clone(), &id_of(&hit.member.id))).unwrap();
            assert_eq!(why.hit.as_ref(), Some(hit));
        }
        let silent = find(&sample().searcher, SearchRequest { explain: Some(false), ..request });
        assert!(silent.hits.iter().all(|hit| back(hit).points_in_common.is_empty()));
    }
}

#[test]
fn only_a_stored_member_has_something_to_exchange() {
    for request in [
        by_text("a nurse"),
        by_profile(Member::default()),
        SearchRequest { profession: Some("Nurse".into()), ..SearchRequest::default() },
        SearchRequest { interests: strings(&["chess"]), ..SearchRequest::default() },
    ] {
        let error = refused(&sample().searcher, SearchRequest { exchange: true, ..request });
        assert!(error.is_callers() && error.to_string().starts_with("exchange: expected a stored member"), "{error}");
    }
    let (_folder, config, searcher) = indexed(&tandem());
    upsert(&config, &mentee("late"));
    let error = refused(&searcher, exchange("late"));
    assert!(error.is_callers() && error.to_string().starts_with("exchange: member \"late\" came after"), "{error}");
    assert_eq!(find(&open(&config), exchange("late")).hits.len(), 5);
}

fn upsert(config: &Config, member: &Member) {
    wait(async { Store::open(&config.database()).await.unwrap().upsert(std::slice::from_ref(member)).await.unwrap() });
}

/// What a member may keep private, each said in words that somebody else's record has too.
fn secrets(member: &Member) -> Member {
    let text = |text: &str| Some(text.to_owned());
    let private =
        ["about", "industry", "aims_for", "interests", "overcame", "hometown", "languages", "friends", "groups"];
    Member {
        about: text("Speaks Spanish and Finnish, secretly"),
        industry: text("Healthcare"),
        aims_for: text("Nurse"),
        interests: strings(&["chess"]),
        overcame: strings(&["homesickness"]),
        hometown: Some(Place { city: text("Turku"), ..Place::default() }),
        languages: strings(&["fi"]),
        friends: ids_of(&["friend"]),
        groups: strings(&["choir"]),
        private: strings(&private),
        ..member.clone()
    }
}

#[test]
fn what_either_side_keeps_private_moves_nothing_and_is_not_said() {
    let open_book = Member { private: Vec::new(), ..secrets(&nurse(mentor("open"), "Chile", "Chess", "Chess")) };
    let others = [open_book, mentee("friend")];
    let plain: Vec<Member> = tandem().into_iter().chain(others.clone()).collect();
    let answer = |members: &[Member], id: &str| {
        let (_folder, _, searcher) = indexed(members);
        // Whom one knows one need not find, and that is seen by oneself alone.
        serde_json::to_string(&find(&searcher, SearchRequest { known: Known::Include, ..exchange(id) })).unwrap()
    };
    let before = answer(&plain, "sol");
    assert!(before.contains("\"back\"") && before.contains("\"open\""), "{before}");
    for hidden in [&["sol"][..], &["aino", "gives", "takes", "neither"]] {
        let keeps =
            |member: &Member| if hidden.contains(&member.id.as_str()) { secrets(member) } else { member.clone() };
        let after = answer(&plain.iter().map(keeps).collect::<Vec<_>>(), "sol");
        assert_eq!(before, after, "{hidden:?}");
    }
    // The secrets would count if they were none.
    let told = |member: &Member| Member { private: Vec::new(), ..secrets(member) };
    assert_ne!(before, answer(&plain.iter().map(told).collect::<Vec<_>>(), "sol"));
}

#[test]
fn what_a_candidate_faces_is_not_for_the_one_who_asks() {
    let overcame = |member: Member| Member { overcame: strings(&["burnout after night shifts"]), ..member };
    let aims = |member: Member| Member { aims_for: Some("Head nurse".into()), ..member };
    let facing = |member: Member| Member { facing: strings(&["burnout after night shifts"]), ..member };
    let members = tandem();
    let [sol, aino, rest @ ..] = &members[..] else { unreachable!() };
    for aino in [aino.clone(), aims(aino.clone())] {
        let answer = |aino: Member| {
            let members = [&[overcame(sol.clone()), aino][..], rest].concat();
            let (_folder, _, searcher) = indexed(&members);
            // In Aino's own search it counts.
            let own =
                serde_json::to_string(&find(&searcher, SearchRequest { exchange: false, ..mentees("aino") })).unwrap();
            (serde_json::to_string(&find(&searcher, exchange("sol"))).unwrap(), own)
        };
        let (without, with) = (answer(aino.clone()), answer(facing(aino)));
        assert_eq!(without.0, with.0);
        assert!(!with.0.contains("burnout") && with.1.contains("burnout"), "{with:?}");
    }
}

fn mentees(id: &str) -> SearchRequest {
    SearchRequest { filter: Filter { role: Some(Role::Mentee), ..Filter::default() }, ..by_member(id) }
}

#[test]
fn what_the_asker_made_private_since_counts_no_more_on_the_way_back() {
    let (_folder, config, searcher) = indexed(&tandem());
    let before = find(&searcher, exchange("sol"));
    let similar = |answer: &Answer| {
        let parts = &back(hit(answer, "aino")).contributions;
        parts.iter().any(|part| part.feature == Feature::ProfileSimilarity)
    };
    assert!(similar(&before));
    upsert(&config, &Member { private: strings(&["offers"]), ..tandem().swap_remove(0) });
    let stale = find(&searcher, exchange("sol"));
    assert!(!similar(&stale) && !serde_json::to_string(&stale).unwrap().contains("spanish"), "{stale:?}");
    let fresh = find(&open(&config), exchange("sol"));
    assert!(!serde_json::to_string(&fresh).unwrap().contains("spanish"), "{fresh:?}");
}

#[test]
fn across_needs_to_know_what_the_seeker_is() {
    for (field, what) in
        [("other_country", "country"), ("other_language", "languages"), ("other_home_country", "home town's country")]
    {
        let mut filter = Filter::default();
        filter.add(&format!("{field}=true")).unwrap();
        let error = refused(&sample().searcher, SearchRequest { filter, ..by_text("a nurse") });
        let expected = format!("filter {field}: needs the seeker's {what}, which is not known");
        assert!(error.is_callers() && error.to_string() == expected, "{error}");
    }
}
