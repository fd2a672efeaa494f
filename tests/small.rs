//! Communities at the edge: nobody, one member, members with nothing filled in, everybody alike, other languages.

use std::collections::BTreeSet;

use rapport::member::Member;
use rapport::sample::{Community, demo_profile};
use rapport::search::SearchRequest;

use crate::common::{by_member, by_profile, by_text, find, ids, indexed, mentee, mentor, strings};

fn everyone(request: SearchRequest) -> SearchRequest {
    SearchRequest { k: Some(1_000), ..request }
}

#[test]
fn a_community_of_nobody_is_built_and_answers_nobody() {
    let (_folder, _, searcher) = indexed(&[]);
    searcher.snapshot().verify().unwrap();
    assert_eq!(searcher.snapshot().manifest.counts, Default::default());
    assert!(find(&searcher, by_text("a nurse")).hits.is_empty());
    assert!(find(&searcher, by_profile(demo_profile())).hits.is_empty());
}

#[test]
fn one_member_is_found_by_others_and_not_by_itself() {
    let (_folder, _, searcher) = indexed(&[mentor("only")]);
    assert_eq!(ids(&find(&searcher, by_text("a nurse"))), ["only"]);
    assert!(find(&searcher, by_member("only")).hits.is_empty());
}

#[test]
fn members_with_only_id_and_roles_are_found_and_may_seek() {
    let members: Vec<Member> = (0..5).map(|at| mentor(&format!("m-{at}"))).chain([mentee("seeker")]).collect();
    let (_folder, _, searcher) = indexed(&members);
    for request in [by_member("seeker"), by_profile(Member::default()), by_text("a nurse")] {
        let answer = find(&searcher, request);
        assert_eq!(answer.hits.len(), 5);
        for hit in &answer.hits {
            assert_eq!((hit.score, hit.contributions.len(), hit.points_in_common.len()), (0.0, 0, 0), "{hit:?}");
        }
    }
}

#[test]
fn what_two_members_both_lack_is_not_in_common() {
    let (_folder, _, searcher) = indexed(&[mentor("bare"), mentee("seeker"), mentor("full")]);
    let profile = Member { id: Default::default(), ..demo_profile() };
    for hit in find(&searcher, by_profile(profile)).hits {
        assert!(hit.contributions.is_empty(), "{hit:?}");
    }
}

#[test]
fn nobody_behind_many_identical_profiles_is_lost() {
    let alike = |at: usize| Member {
        headline: Some("Registered nurse".into()),
        interests: strings(&["jazz", "triage"]),
        ..mentor(&format!("same-{at:02}"))
    };
    let mut members: Vec<Member> = (0..70).map(alike).collect();
    members.extend(Community::new(400, 3).iter().filter(|member| member.is(rapport::member::Role::Mentor)));
    let (_folder, _, searcher) = indexed(&members);
    let report = &searcher.snapshot().manifest.profile;
    assert_eq!(report.lost, 0);
    assert!(report.members - report.nodes >= 69, "identical vectors are one node: {report:?}");
    let answer = find(&searcher, everyone(by_text("Registered nurse")));
    assert_eq!(ids(&answer)[..70].iter().filter(|id| id.starts_with("same-")).count(), 70);

    let reachable: Vec<&Member> = members[70..]
        .iter()
        .filter(|member| member.adult != Some(false) && !member.paused && member.public().profession.is_some())
        .collect();
    let found = reachable.iter().filter(|member| {
        let shown = member.public().into_owned();
        let own = [shown.headline, shown.profession, shown.offers, shown.about].into_iter().flatten();
        let text = own.collect::<Vec<_>>().join(". ");
        let answer = find(&searcher, SearchRequest { k: Some(50), ..by_text(&text) });
        ids(&answer).contains(&member.id.as_str())
    });
    assert_eq!(found.count(), reachable.len());
}

#[test]
fn one_vector_under_different_texts_is_one_node() {
    let spellings = ["Registered Nurse", "registered nurse", "  REGISTERED   nurse. ", "Ｒegistered nurse"];
    let spelt = |(at, text): (usize, &str)| Member { profession: Some(text.into()), ..mentor(&format!("m-{at}")) };
    let members: Vec<Member> = spellings.into_iter().enumerate().map(spelt).collect();
    let (_folder, _, searcher) = indexed(&members);
    let report = &searcher.snapshot().manifest.profile;
    assert_eq!((report.members, report.nodes), (4, 1));
    let answer = find(&searcher, SearchRequest { profession: Some("registered nurse".into()), ..Default::default() });
    let scores: BTreeSet<u64> = answer.hits.iter().map(|hit| hit.score.to_bits()).collect();
    assert_eq!((answer.hits.len(), scores.len()), (4, 1));
}

#[test]
fn profiles_in_languages_the_model_does_not_cover_are_counted_and_found_by_the_rest() {
    let foreign = |id: &str, about: &str| Member {
        about: Some(about.into()),
        interests: strings(&["ajedrez"]),
        languages: strings(&["es"]),
        ..mentor(id)
    };
    let english = "I have been a nurse in the emergency room for ten years and I like to teach.";
    let members = [
        foreign(
            "es",
            "Soy enfermera de urgencias en un hospital público y ayudo a estudiantes a preparar sus exámenes.",
        ),
        foreign("zh", "我是一名急诊科护士，喜欢帮助学生准备考试。"),
        Member { about: Some(english.into()), ..mentor("en") },
    ];
    let (_folder, _, searcher) = indexed(&members);
    let manifest = &searcher.snapshot().manifest;
    assert_eq!((manifest.counts.uncovered, manifest.profile.members), (2, 1));
    let profile = Member { interests: strings(&["Ajedrez"]), languages: strings(&["ES"]), ..Member::default() };
    let answer = find(&searcher, by_profile(profile));
    let mut first: Vec<&str> = ids(&answer)[..2].to_vec();
    first.sort_unstable();
    assert_eq!(first, ["es", "zh"]);
    for hit in &answer.hits[..2] {
        let features: Vec<&str> = hit.contributions.iter().map(|part| part.feature.name()).collect();
        assert!(features.contains(&"languages") && features.contains(&"shared_interests"), "{features:?}");
        assert!(!features.iter().any(|feature| feature.ends_with("similarity")), "{features:?}");
    }
}
