//! Who is never found, and what is never shown: blocks, minors, pauses, private fields.

use rapport::config::Config;
use rapport::member::{Education, Member, Place, Role};
use rapport::search::{Answer, Filter, Known, SearchRequest, Searcher};
use rapport::store::Store;

use crate::common::{
    self, by_member, by_profile, by_text, find, ids, ids_of, indexed, mentee, mentor, open, refused, strings, wait,
};

fn upsert(config: &Config, members: &[Member]) {
    wait(async {
        let store = Store::open(&config.database()).await.unwrap();
        store.upsert(members).await.unwrap();
    });
}

fn include(request: SearchRequest) -> SearchRequest {
    SearchRequest { known: Known::Include, ..request }
}

#[test]
fn only_mentors_of_age_who_are_free_are_found_never_oneself_and_no_one_blocked() {
    let seeker =
        Member { roles: vec![Role::Mentor, Role::Mentee], blocks: ids_of(&["i-block-them"]), ..mentee("seeker") };
    let members = [
        seeker,
        mentor("i-block-them"),
        Member { blocks: ids_of(&["seeker"]), ..mentor("they-block-me") },
        // Whatever is private, a block holds.
        Member { blocks: ids_of(&["seeker"]), private: strings(&["blocks"]), ..mentor("they-block-me-privately") },
        Member { adult: Some(false), ..mentor("minor") },
        Member { paused: true, ..mentor("paused") },
        mentee("mentee"),
        mentor("free"),
        Member { adult: None, ..mentor("of-unknown-age") },
    ];
    let (_folder, _, searcher) = indexed(&members);
    let sorted = |answer: &Answer| {
        let mut found: Vec<String> = ids(answer).into_iter().map(str::to_owned).collect();
        found.sort();
        found
    };
    assert_eq!(sorted(&find(&searcher, include(by_member("seeker")))), ["free", "of-unknown-age"]);
    let mentees = Filter { role: Some(Role::Mentee), ..Filter::default() };
    let found = find(&searcher, SearchRequest { filter: mentees, ..by_member("seeker") });
    assert_eq!(sorted(&found), ["mentee"]);
    let paused = Filter { paused: true, ..Filter::default() };
    let found = find(&searcher, SearchRequest { filter: paused, ..by_member("seeker") });
    assert_eq!(sorted(&found), ["free", "of-unknown-age", "paused"]);
}

#[test]
fn an_absent_age_follows_the_one_setting() {
    let members =
        [Member { adult: None, ..mentee("seeker") }, Member { adult: None, ..mentor("unknown") }, mentor("adult")];
    for (setting, expected) in [(true, 2), (false, 1)] {
        let folder = tempfile::tempdir().unwrap();
        let mut config = common::config(folder.path());
        config.members.adult_when_absent = setting;
        common::publish(&config, &members);
        let searcher = open(&config);
        assert_eq!(find(&searcher, by_text("anybody")).hits.len(), expected);
        assert_eq!(wait(searcher.search(by_member("seeker"))).is_ok(), setting);
    }
}

#[test]
fn a_minor_and_a_stranger_get_one_answer() {
    let (_folder, _, searcher) = indexed(&[Member { adult: Some(false), ..mentee("minor") }, mentor("m")]);
    let minor = refused(&searcher, by_member("minor")).to_string();
    let stranger = refused(&searcher, by_member("stranger")).to_string();
    assert_eq!(minor.replace("minor", "X"), stranger.replace("stranger", "X"));
}

#[test]
fn who_paused_came_of_another_role_or_blocked_since_the_build_is_passed_over_for_the_next() {
    let names = ["a", "b", "c", "d", "e", "f"];
    let mut members: Vec<Member> = names.map(mentor).into();
    members.push(mentee("seeker"));
    let (_folder, config, searcher) = indexed(&members);
    let changed = [
        Member { paused: true, ..mentor("a") },
        Member { adult: Some(false), ..mentor("b") },
        mentee("c"),
        Member { blocks: ids_of(&["seeker"]), ..mentor("d") },
        Member { blocks: ids_of(&["e"]), ..mentee("seeker") },
    ];
    upsert(&config, &changed);
    for k in [1, 3, 10] {
        let answer = find(&searcher, SearchRequest { k: Some(k), ..by_member("seeker") });
        assert_eq!(ids(&answer), ["f"]);
        assert_eq!(answer.hits[0].rank, 1);
    }
}

#[test]
fn who_made_something_private_since_the_build_is_not_quoted() {
    let told = Member { overcame: strings(&["burnout"]), name: Some("Ada N.".into()), ..mentor("told") };
    let (_folder, config, searcher) = indexed(std::slice::from_ref(&told));
    let facing = || by_profile(Member { facing: strings(&["burnout"]), ..Member::default() });
    let before = serde_json::to_string(&find(&searcher, facing())).unwrap();
    assert!(before.contains("they, burnout") && before.contains("Ada N."), "{before}");
    upsert(&config, &[Member { private: strings(&["overcame", "name"]), ..told }]);
    let after = serde_json::to_string(&find(&searcher, facing())).unwrap();
    assert!(!after.contains("they, burnout") && !after.contains("Ada N."), "{after}");
}

#[test]
fn friends_in_common_are_named_only_where_they_show_themselves() {
    let friend = |id: &str, name: &str, private: &[&str]| Member {
        name: Some(name.into()),
        private: strings(private),
        friends: ids_of(&["seeker", "mentor"]),
        ..mentee(id)
    };
    let friends = ids_of(&["f-shown", "f-unnamed", "f-listless"]);
    let (_folder, _, searcher) = indexed(&[
        Member { friends: friends.clone(), ..mentee("seeker") },
        Member { friends, ..mentor("mentor") },
        friend("f-shown", "Ada", &[]),
        friend("f-unnamed", "Hidden Bea", &["name"]),
        friend("f-listless", "Hidden Cleo", &["friends"]),
    ]);
    let answer = find(&searcher, by_member("seeker"));
    let [point] = &answer.hits[0].points_in_common[..] else { panic!("{answer:?}") };
    assert_eq!(point.text, "3 friends in common: Ada and 2 more");
    assert_eq!((&point.evidence.members[..], point.evidence.count), (&strings(&["f-shown"])[..], Some(3)));
    let json = serde_json::to_string(&answer).unwrap();
    assert!(!json.contains("Hidden") && !json.contains("f-unnamed") && !json.contains("f-listless"), "{json}");
}

#[test]
fn more_friends_in_common_always_weigh_more() {
    let friend = |at: usize| format!("f-{at:02}");
    let mut members: Vec<Member> = (0..24).map(|at| mentee(&friend(at))).collect();
    let first = |count: usize| -> Vec<_> { (0..count).flat_map(|at| ids_of(&[&friend(at)])).collect() };
    members.push(Member { friends: first(24), ..mentee("seeker") });
    members.extend((0..=24).map(|count| Member { friends: first(count), ..mentor(&format!("m-{count:02}")) }));
    let (_folder, _, searcher) = indexed(&members);
    let answer = find(&searcher, SearchRequest { k: Some(30), ..by_member("seeker") });
    let expected: Vec<String> = (0..=24).rev().map(|count| format!("m-{count:02}")).collect();
    assert_eq!(ids(&answer), expected);
    assert!(answer.hits.is_sorted_by(|left, right| left.score > right.score), "strictly, and never capped");
}

#[test]
fn a_member_with_a_private_list_of_friends_is_not_introduced_to_them() {
    let private = Member { friends: ids_of(&["friend"]), private: strings(&["friends"]), ..mentee("seeker") };
    let (_folder, _, searcher) = indexed(&[private, mentor("friend"), mentor("stranger")]);
    assert_eq!(ids(&find(&searcher, by_member("seeker"))), ["stranger"]);
}

/// A mentor with one private field, and the same with nothing in it. Every text holds the id, which is the secret.
fn with_private(field: &str) -> (Member, Member) {
    let secret = format!("zq{}xj", field.replace('_', ""));
    let text = |said: &str| Some(format!("{said} {secret}"));
    let list = |said: &str| vec![said.to_owned(), format!("{said} {secret}")];
    let open =
        Member { headline: Some("Glad to help".into()), private: strings(&[field]), ..mentor(&format!("m-{field}")) };
    let mut full = open.clone();
    match field {
        "name" => full.name = text("Nora"),
        "headline" => full.headline = text("Registered nurse"),
        "about" => full.about = text("I am a registered nurse who was afraid of exams"),
        "profession" => full.profession = Some("Registered nurse".into()),
        "industry" => full.industry = Some("Healthcare".into()),
        "employers" => full.employers = list("Mercy"),
        "interests" => full.interests = list("jazz"),
        "aims_for" => full.aims_for = text("Nurse manager"),
        "seeks" => full.seeks = text("somebody calm"),
        "offers" => full.offers = text("passing the nursing exams"),
        "facing" => full.facing = list("burnout"),
        "overcame" => full.overcame = list("afraid of exams"),
        "education" => {
            full.education = vec![Education {
                school: Some("UMass".into()),
                field: Some("Nursing".into()),
                degree: text("MSc"),
                year: None,
            }];
        }
        "years_experience" => full.years_experience = Some(31.25),
        "location" => full.location = Some(boston(&secret)),
        "hometown" => full.hometown = Some(Place { city: Some("Lowell".into()), ..Place::default() }),
        "languages" => full.languages = list("es"),
        "time_zone" => full.time_zone = Some("America/New_York".into()),
        "friends" => full.friends = ids_of(&["f-1", "seeker"]),
        "colleagues" => full.colleagues = ids_of(&["f-2", "seeker"]),
        "groups" => full.groups = list("night shift"),
        "last_active" => full.last_active = Some("2026-11-01".into()),
        _ => unreachable!("{field}"),
    }
    let mut empty = full.public().into_owned();
    if field == "headline" {
        empty.headline = None;
    }
    assert_ne!(full, empty, "{field} holds something");
    (full, empty)
}

fn boston(region: &str) -> Place {
    Place {
        city: Some("Boston".into()),
        region: Some(region.to_owned()),
        country: Some("US".into()),
        lat: Some(42.36),
        lon: Some(-71.06),
    }
}

#[test]
fn a_private_field_is_never_shown_and_never_moves_an_answer() {
    let fields = Member::FIELDS.iter().filter(|field| {
        // These decide who is found whatever is private, and are never shown; the rest is not a field of its own.
        !["id", "roles", "blocks", "capacity", "paused", "adult", "private"].contains(field)
    });
    let (full, empty): (Vec<Member>, Vec<Member>) = fields.map(|field| with_private(field)).unzip();
    // Everything that a private field could meet.
    let seeker = Member {
        profession: Some("Accountant".into()),
        industry: Some("Healthcare".into()),
        employers: strings(&["Mercy"]),
        interests: strings(&["jazz"]),
        aims_for: Some("Registered nurse".into()),
        seeks: Some("passing the nursing exams".into()),
        facing: strings(&["afraid of exams"]),
        education: vec![Education {
            school: Some("UMass".into()),
            field: Some("Nursing".into()),
            ..Education::default()
        }],
        years_experience: Some(2.0),
        location: Some(boston("MA")),
        hometown: Some(Place { city: Some("Lowell".into()), ..Place::default() }),
        languages: strings(&["es"]),
        time_zone: Some("America/New_York".into()),
        friends: ids_of(&["f-1"]),
        colleagues: ids_of(&["f-2"]),
        groups: strings(&["night shift"]),
        ..mentee("seeker")
    };
    let others = || {
        let shown = Member { profession: Some("Nurse".into()), interests: strings(&["jazz"]), ..mentor("shown") };
        [seeker.clone(), mentee("f-1"), mentee("f-2"), shown]
    };
    let world = |members: Vec<Member>| indexed(&members.into_iter().chain(others()).collect::<Vec<_>>());
    let (_one, _, with) = world(full);
    let (_other, _, without) = world(empty);
    let filtered = |text: &str| {
        let mut request = by_member("seeker");
        request.filter.add(text).unwrap();
        request
    };
    let mut requests = vec![
        by_member("seeker"),
        include(by_member("seeker")),
        by_profile(Member { id: Default::default(), ..seeker.clone() }),
        by_text("I want to become a registered nurse and I am afraid of the exams"),
        by_text("zqinterestsxj jazz"),
        SearchRequest { interests: strings(&["jazz zqinterestsxj"]), ..SearchRequest::default() },
        SearchRequest { profession: Some("Registered nurse".into()), ..SearchRequest::default() },
    ];
    for filter in [
        "city=Boston",
        "country=US",
        "within=10km",
        "language=es",
        "time_zone_gap=1",
        "industry=Healthcare",
        "profession=Registered nurse",
    ] {
        requests.push(filtered(filter));
    }
    for request in requests {
        let request = SearchRequest { k: Some(100), ..request };
        let json = |searcher: &Searcher| serde_json::to_string(&find(searcher, request.clone())).unwrap();
        let found = json(&with);
        // A seeker's own words may be said back.
        let asked = serde_json::to_string(&request).unwrap();
        assert!(asked.contains("zq") || !found.contains("zq"), "{asked}: {found}");
        assert_eq!(found, json(&without), "{request:?}");
    }
}
