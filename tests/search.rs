//! What every answer keeps to: it adds up, it is the same for the same state, and it is about what was asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rapport::config::Config;
use rapport::embed::{EmbedError, Embedder, Model, UnitVector};
use rapport::member::{Member, Role};
use rapport::rebuild::rebuild;
use rapport::sample::{DEMO_TEXT, demo_profile};
use rapport::search::weights::Feature;
use rapport::search::{Answer, Filter, Known, LONGEST_TEXT, MOST_HITS, SearchRequest, Searcher};

use crate::common::{
    by_member, by_profile, by_text, embedder, find, id_of, ids, ids_of, indexed, mentee, mentor, open, refused, sample,
    strings, wait,
};

/// Queries of every kind that the sample community answers: texts, members of every sort, unsaved profiles.
fn requests() -> Vec<SearchRequest> {
    let texts =
        [DEMO_TEXT, "pottery", "switch from teaching to software, but I have no degree", "肺炎の看護", "🙂 nurse"];
    let members = &sample().members;
    let by_ids = members.iter().filter(|member| member.adult == Some(true)).step_by(29);
    let profiles =
        members.iter().skip(5).step_by(97).map(|member| {
            by_profile(Member { id: Default::default(), roles: Vec::new(), ..member.public().into_owned() })
        });
    let listed = [
        SearchRequest { interests: strings(&["chess", "gliding"]), ..SearchRequest::default() },
        SearchRequest { profession: Some("Registered nurse".into()), ..SearchRequest::default() },
        by_profile(demo_profile()),
        by_profile(Member::default()),
    ];
    let mut requests: Vec<SearchRequest> = texts.map(by_text).into();
    requests.extend(by_ids.map(|member| by_member(member.id.as_str())));
    requests.extend(profiles.chain(listed));
    for (at, request) in requests.iter_mut().enumerate() {
        request.k = [None, Some(1), Some(37)][at % 3];
        request.known = if at % 4 == 3 { Known::Include } else { Known::Exclude };
        request.filter.role = (at % 5 == 4).then_some(Role::Mentee);
    }
    requests
}

#[test]
fn match_is_the_sum_of_contributions_and_every_point_comes_from_one() {
    for searcher in [&sample().searcher, &sample().tight] {
        for request in requests() {
            let answer = find(searcher, request.clone());
            assert_eq!(answer.hits.len(), request.k.unwrap_or(10), "{request:?}");
            adds_up(&answer);
        }
    }
}

fn adds_up(answer: &Answer) {
    assert!(answer.hits.is_sorted_by(|left, right| left.score >= right.score));
    let distinct: BTreeSet<&str> = ids(answer).into_iter().collect();
    assert_eq!(distinct.len(), answer.hits.len(), "nobody is found twice");
    for (at, hit) in answer.hits.iter().enumerate() {
        assert_eq!(hit.rank, at + 1);
        let sum: f64 = hit.contributions.iter().map(|contribution| contribution.contribution).sum();
        let adjusted: f64 = hit.adjustments.iter().map(|adjustment| adjustment.amount).sum();
        assert!((hit.match_ - sum).abs() < 1e-9, "{hit:?}");
        assert!((hit.score - hit.match_ - adjusted).abs() < 1e-9, "{hit:?}");
        assert!(hit.contributions.is_sorted_by(|left, right| left.contribution >= right.contribution), "{hit:?}");
        for part in &hit.contributions {
            assert!(part.contribution > 0.0 && part.value > 0.0 && part.value <= 1.0, "{part:?}");
            assert!((part.value * part.weight - part.contribution).abs() < 2e-6, "{part:?}");
        }
        let listed: Vec<Feature> = hit.contributions.iter().map(|part| part.feature).collect();
        assert_eq!(listed.iter().collect::<BTreeSet<_>>().len(), listed.len(), "a feature counts once");
        // Points stand in the order of their contributions, so each is one of the contributions left.
        let mut rest = listed.iter();
        for point in &hit.points_in_common {
            assert!(rest.any(|feature| *feature == point.feature), "{point:?} of {listed:?}");
            assert!(!point.text.trim().is_empty());
        }
        let strongest = listed.first().copied();
        assert!(strongest.is_none() || !hit.points_in_common.is_empty(), "a match without a reason: {hit:?}");
    }
}

#[test]
fn the_same_query_and_state_give_the_same_bytes() {
    let bytes = |searcher: &Searcher, request: SearchRequest| {
        let answer = find(searcher, request);
        (serde_json::to_vec(&answer).unwrap(), answer)
    };
    let reopened = open(&sample().config);
    for request in requests() {
        let (first, answer) = bytes(&sample().searcher, request.clone());
        assert_eq!(first, bytes(&sample().searcher, request.clone()).0);
        assert_eq!(first, bytes(&reopened, request.clone()).0);
        assert_eq!(serde_json::from_slice::<Answer>(&first).unwrap(), answer, "an answer reads back");
    }
}

#[test]
fn another_build_of_the_same_members_gives_the_same_hits_and_another_state() {
    let members = &sample().members[..150];
    let (_folder, config, searcher) = indexed(members);
    wait(rebuild(&config, embedder(), true, |_| {})).unwrap();
    let again = open(&config);
    for request in [by_text(DEMO_TEXT), by_member(members[1].id.as_str()), by_profile(demo_profile())] {
        let (before, after) = (find(&searcher, request.clone()), find(&again, request));
        assert_eq!(before.hits, after.hits);
        assert_ne!(before.state, after.state);
    }
}

#[test]
fn state_differs_where_weights_or_members_do() {
    let members = &sample().members[..40];
    let (_folder, config, searcher) = indexed(members);
    let before = find(&searcher, by_text("chess")).state;
    let mut weighted: Config = config.clone();
    weighted.weights.profession = 0.5;
    assert_ne!(find(&open(&weighted), by_text("chess")).state, before);
    let renamed = Member { name: Some("Somebody Else".into()), ..members[3].clone() };
    wait(async {
        let store = rapport::store::Store::open(&config.database()).await.unwrap();
        store.upsert(&[renamed]).await.unwrap();
    });
    let caught_up = wait(searcher.caught_up()).unwrap();
    assert_ne!(find(&caught_up, by_text("chess")).state, before);
    assert_eq!(find(&searcher, by_text("chess")).state, before, "what was not seen does not count");
}

/// A community in which every direction is told apart.
fn directions() -> Vec<Member> {
    let text = |text: &str| Some(text.to_owned());
    let member = |member: Member, profession: &str| Member { profession: text(profession), ..member };
    vec![
        Member {
            aims_for: text("Registered nurse"),
            facing: strings(&["exam anxiety"]),
            ..member(mentee("seeker"), "Accountant")
        },
        member(mentor("accountant"), "Accountant"),
        member(mentor("nurse"), "registered  NURSE"),
        member(mentor("midwife"), "Hospital midwife"),
        // What a mentor aims for or faces is no answer to what somebody else seeks.
        Member { aims_for: text("Registered nurse"), ..member(mentor("aspiring"), "Bricklayer") },
        Member { facing: strings(&["exam anxiety"]), ..member(mentor("facing"), "Plumber") },
        Member { overcame: strings(&["afraid of exams"]), ..member(mentor("overcame"), "Carpenter") },
        Member { overcame: strings(&["Exam anxiety"]), ..member(mentor("same-words"), "Roofer") },
    ]
}

/// What an answer says about one member, by feature.
fn said<'a>(answer: &'a Answer, id: &str) -> BTreeMap<&'static str, &'a str> {
    let hit = answer.hits.iter().find(|hit| hit.member.id == id).unwrap();
    hit.points_in_common.iter().map(|point| (point.feature.name(), point.text.as_str())).collect()
}

#[test]
fn what_a_mentee_aims_for_meets_what_a_mentor_is() {
    let (_folder, _, searcher) = indexed(&directions());
    let answer = find(&searcher, by_member("seeker"));
    assert_eq!(ids(&answer)[0], "nurse");
    assert_eq!(said(&answer, "nurse")["profession"], "Is what you aim for: registered  NURSE");
    assert_eq!(said(&answer, "midwife")["profession"], "Close to what you aim for, Registered nurse: Hospital midwife");
    let value = |id: &str| {
        let hit = answer.hits.iter().find(|hit| hit.member.id == id).unwrap();
        let part = hit.contributions.iter().find(|part| part.feature == Feature::Profession);
        part.map_or(0.0, |part| part.value)
    };
    assert_eq!(value("nurse"), 1.0);
    for other in ["accountant", "aspiring"] {
        assert!(value(other) < 0.2 && value(other) < value("midwife"), "{other}: {}", value(other));
    }
}

#[test]
fn without_an_aim_the_own_profession_counts_and_is_said_so() {
    let (_folder, _, searcher) = indexed(&directions());
    let profile = Member { profession: Some("Accountant".into()), ..Member::default() };
    let answer = find(&searcher, by_profile(profile));
    assert_eq!(ids(&answer)[0], "accountant");
    assert_eq!(said(&answer, "accountant")["profession"], "Has your profession: Accountant");
}

#[test]
fn what_a_mentee_faces_meets_what_a_mentor_overcame() {
    let (_folder, _, searcher) = indexed(&directions());
    let answer = find(&searcher, by_member("seeker"));
    for (id, expected) in [
        ("overcame", Some("Overcame what you face: you, exam anxiety; they, afraid of exams")),
        ("same-words", Some("Overcame what you face: you, exam anxiety; they, Exam anxiety")),
        ("facing", None),
        ("nurse", None),
    ] {
        assert_eq!(said(&answer, id).get("overcame_what_i_face").copied(), expected, "{id}");
    }
}

#[test]
fn a_text_is_answered_with_the_closest_phrase_and_what_is_known_in_it() {
    let mut members = directions();
    members.push(Member { interests: strings(&["Jazz piano", "Chess"]), ..mentor("musician") });
    members.push(Member { offers: Some("how to pass the nursing licence exam".into()), ..mentor("tutor") });
    let (_folder, _, searcher) = indexed(&members);
    let answer = find(&searcher, by_text("I want to become a registered nurse, and I am afraid of exams"));
    adds_up(&answer);
    assert_eq!(said(&answer, "nurse")["profession"], "Is what you name: registered  NURSE");
    assert_eq!(
        said(&answer, "overcame")["overcame_what_i_face"],
        "Overcame something near what you say, I am afraid of exams: afraid of exams"
    );
    let offered = said(&answer, "tutor").get("profile_similarity").copied().unwrap_or_default();
    assert!(offered.ends_with("they, how to pass the nursing licence exam"), "{offered:?} of {:?}", answer.hits);

    let answer = find(&searcher, by_text("somebody to play jazz piano with"));
    assert_eq!(ids(&answer)[0], "musician");
    assert_eq!(said(&answer, "musician")["shared_interests"], "1 interest in common: Jazz piano");
}

#[test]
fn a_mentor_with_one_text_alone_is_found_with_a_reason() {
    let text = || Some("Registered nurse in an emergency room who teaches others. ".repeat(4).trim().to_owned());
    for mentor in [
        Member { about: text(), ..mentor("about") },
        Member { offers: text(), ..mentor("offers") },
        Member { headline: text(), ..mentor("headline") },
        Member { profession: text(), ..mentor("profession") },
        Member { industry: text(), ..mentor("industry") },
        Member { interests: vec![text().unwrap()], ..mentor("interests") },
        Member { overcame: vec![text().unwrap()], ..mentor("overcame") },
    ] {
        let (_folder, _, searcher) = indexed(std::slice::from_ref(&mentor));
        let about = Member { about: Some("I would like to be a registered nurse".into()), ..Member::default() };
        for request in [by_text("a registered nurse in an emergency room"), by_profile(about)] {
            let answer = find(&searcher, request);
            adds_up(&answer);
        }
        let answer = find(&searcher, by_text("a registered nurse in an emergency room"));
        assert!(!answer.hits[0].points_in_common.is_empty(), "{answer:?}");
    }
}

#[test]
fn similarities_are_never_bare_numbers() {
    let similar = [Feature::Profession, Feature::ProfileSimilarity, Feature::OvercameWhatIFace, Feature::Industry];
    for request in requests() {
        for hit in find(&sample().searcher, request).hits {
            for point in hit.points_in_common.iter().filter(|point| similar.contains(&point.feature)) {
                let [closest] = &point.evidence.closest[..] else { panic!("{point:?}") };
                assert!(point.text.contains(&closest.they) && !closest.they.is_empty(), "{point:?}");
                assert!(!closest.you.is_empty() && closest.cosine <= 1.0, "{point:?}");
            }
        }
    }
}

/// A model that is described but must not be run.
struct Idle(Arc<dyn Embedder>);

impl Embedder for Idle {
    fn model(&self) -> &Model {
        self.0.model()
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<UnitVector>, EmbedError> {
        let problem = format!("was run on {texts:?}");
        Err(EmbedError::Answer { model: "idle".into(), problem })
    }
}

#[test]
fn a_search_by_member_runs_no_model() {
    let config = &sample().config;
    let idle = wait(Searcher::open_with(config, Arc::new(Idle(embedder())))).unwrap();
    for member in sample().members.iter().filter(|member| member.adult == Some(true)) {
        find(&idle, by_member(member.id.as_str()));
    }
    assert!(refused(&idle, by_text(DEMO_TEXT)).to_string().contains("was run on"));

    let nowhere = tempfile::tempdir().unwrap();
    let config = Config { models: nowhere.path().into(), ..config.clone() };
    let without_model = wait(Searcher::open(&config)).unwrap();
    find(&without_model, by_member(sample().members[0].id.as_str()));
    let error = refused(&without_model, by_text(DEMO_TEXT));
    assert!(error.to_string().contains("rapport model pull") && !error.is_callers(), "{error}");
}

#[test]
fn a_member_imported_after_the_build_may_seek() {
    let (_folder, config, searcher) = indexed(&directions());
    let late = Member { aims_for: Some("Midwife in a hospital".into()), ..mentee("late") };
    wait(async {
        let store = rapport::store::Store::open(&config.database()).await.unwrap();
        store.upsert(&[late]).await.unwrap();
    });
    assert_eq!(ids(&find(&searcher, by_member("late")))[0], "midwife");
}

#[test]
fn equal_scores_are_ordered_by_query_so_that_nobody_is_always_last() {
    for (members, least) in [(40, 40), (400, 300)] {
        let same = |at: u32| Member { interests: strings(&["chess"]), ..mentor(&format!("m-{at:03}")) };
        let (_folder, _, searcher) = indexed(&(0..members).map(same).collect::<Vec<_>>());
        let mut seen = BTreeSet::new();
        let mut orders = BTreeSet::new();
        for at in 0..100 {
            let answer = find(&searcher, by_text(&format!("chess {at}")));
            let scores: BTreeSet<u64> = answer.hits.iter().map(|hit| hit.score.to_bits()).collect();
            assert_eq!((answer.hits.len(), scores.len()), (10, 1));
            let order: Vec<String> = ids(&answer).into_iter().map(str::to_owned).collect();
            seen.extend(order.iter().cloned());
            orders.insert(order);
        }
        assert!(orders.len() > 95, "{} orders of {members}", orders.len());
        assert!(seen.len() >= least, "{} of {members} are ever in the first ten", seen.len());
    }
}

#[test]
fn known_people_are_found_only_when_asked_for_and_that_is_said() {
    let seeker = Member { friends: ids_of(&["friend"]), colleagues: ids_of(&["colleague"]), ..mentee("seeker") };
    // One of the two lists is enough.
    let listing = Member { friends: ids_of(&["seeker"]), ..mentor("listing") };
    let (_folder, _, searcher) = indexed(&[seeker, mentor("friend"), mentor("colleague"), listing, mentor("stranger")]);
    assert_eq!(ids(&find(&searcher, by_member("seeker"))), ["stranger"]);
    let answer = find(&searcher, SearchRequest { known: Known::Include, ..by_member("seeker") });
    adds_up(&answer);
    assert_eq!(answer.hits.len(), 4);
    assert_eq!(said(&answer, "friend")["already_friend"], "You are friends already");
    assert_eq!(said(&answer, "listing")["already_friend"], "You are friends already");
    assert_eq!(said(&answer, "colleague")["already_colleague"], "You are colleagues already");
    assert!(said(&answer, "stranger").is_empty());
}

#[test]
fn a_request_that_cannot_be_answered_names_its_part() {
    let both = SearchRequest { member: Some(id_of("s-0000001")), ..by_text("chess") };
    let far = Member { years_experience: Some(-1.0), ..Member::default() };
    let filtered = |filter: &str| {
        let mut request = by_text("chess");
        // A library's caller may fill the fields in without `add`.
        let _ = request.filter.add(filter);
        request
    };
    let hours = SearchRequest { filter: Filter { time_zone_gap: Some(1.0), ..Filter::default() }, ..by_text("chess") };
    for (request, expected) in [
        (SearchRequest::default(), "query: expected exactly one of text, member, profile, interests and profession"),
        (both, "query: expected exactly one of text, member, profile, interests and profession"),
        (by_text(" ?! "), "text: has no words; expected what is sought, in a sentence or a few words"),
        (by_text(&"a".repeat(LONGEST_TEXT + 1)), "text: has 10001 characters; at most 10000 are allowed"),
        (SearchRequest { k: Some(0), ..by_text("chess") }, "k: is 0; expected 1 to 1000"),
        (SearchRequest { k: Some(MOST_HITS + 1), ..by_text("chess") }, "k: is 1001; expected 1 to 1000"),
        (by_profile(far), "years_experience: is -1; expected 0 to 100 years"),
        (filtered("within=-5km"), "filter within: -5 is no distance on Earth; expected 0 to 20040 km"),
        (
            filtered("within=50km"),
            "filter within: has no centre: the seeker's place is not known; expected within=50km@LAT,LON",
        ),
        (hours, "filter time_zone_gap: needs the seeker's time zone, which is not known"),
        (
            by_member("nobody"),
            "member \"nobody\" is not available: nobody of that id is stored, or they may not be matched (adult: false)",
        ),
    ] {
        let error = refused(&sample().searcher, request);
        assert_eq!(error.to_string(), expected);
        assert!(error.is_callers());
    }
}

#[test]
fn a_profile_is_of_somebody_of_age_and_takes_nobodys_place() {
    let friend = Member { friends: ids_of(&["seeker"]), interests: strings(&["jazz"]), ..mentor("friend") };
    let (_folder, _, searcher) = indexed(&[mentee("seeker"), friend]);
    let minor = Member { adult: Some(false), interests: strings(&["jazz"]), ..Member::default() };
    let refusal = refused(&searcher, SearchRequest { profile: Some(minor), ..SearchRequest::default() });
    assert!(refusal.is_callers() && refusal.to_string().starts_with("adult: is false"), "{refusal}");
    let member = find(&searcher, by_member("seeker"));
    assert_eq!(ids(&member), Vec::<&str>::new(), "a friend is known already");
    let impostor = find(&searcher, by_profile(mentee("seeker")));
    assert_eq!(ids(&impostor), ["friend"], "a profile with somebody's id is a stranger's");
}
