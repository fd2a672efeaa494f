//! Words in common: which words are the same, what they are worth, whom they bring, and how they are said.

use rapport::config::Config;
use rapport::index::facet::Probe;
use rapport::member::fold::Aliases;
use rapport::member::{Education, Member, Place};
use rapport::search::weights::{Feature, Weights};
use rapport::search::{Answer, Hit, SearchRequest, Searcher};

use crate::common::{by_profile, by_text, config, embedder, find, ids, indexed, mentor, open, publish, strings, wait};

/// What an answer says of the words in common with one member: the value, and the reason.
fn words<'a>(answer: &'a Answer, id: &str) -> Option<(f64, &'a str)> {
    let hit: &Hit = answer.hits.iter().find(|hit| hit.member.id == id).unwrap();
    let part = hit.contributions.iter().find(|part| part.feature == Feature::WordsInCommon)?;
    let point = hit.points_in_common.iter().find(|point| point.feature == Feature::WordsInCommon);
    Some((part.value, point.map_or("", |point| point.text.as_str())))
}

fn headline(id: &str, text: &str) -> Member {
    Member { headline: Some(text.into()), ..mentor(id) }
}

/// The same index where words alone count, so that every reason is about them.
fn by_words_alone(config: &Config) -> Searcher {
    let mut table = serde_json::to_value(Weights::default()).unwrap();
    table.as_object_mut().unwrap().values_mut().for_each(|weight| *weight = 0.0.into());
    table["words_in_common"] = 1.0.into();
    open(&Config { weights: serde_json::from_value(table).unwrap(), ..config.clone() })
}

#[test]
fn a_word_is_found_in_another_form_and_said_as_the_seeker_said_it() {
    let members = [headline("teacher", "Teaches nurses in hospitals"), headline("other", "Bricklayer")];
    let (_folder, config, _) = indexed(&members);
    let searcher = by_words_alone(&config);
    for (text, said) in [
        ("a nurse", "Their profile has your word nurse"),
        ("NURSING in a hospital", "Their profile has your words hospital, nursing"),
        ("the nurse's hospitals", "Their profile has your words hospitals, nurse's"),
    ] {
        let answer = find(&searcher, by_text(text));
        assert_eq!(words(&answer, "teacher").unwrap().1, said);
        assert_eq!(words(&answer, "other"), None, "{text}");
    }
    // A member's own words are read as a text's are.
    let answer = find(&searcher, by_profile(Member { facing: strings(&["my nurse's visit"]), ..Member::default() }));
    assert_eq!(words(&answer, "teacher").unwrap().1, "Their profile has your word nurse's");
}

#[test]
fn names_of_schools_fields_and_employers_are_words_of_a_profile() {
    let studied = Education {
        school: Some("Quillhaven College".into()),
        field: Some("Limnology".into()),
        ..Education::default()
    };
    let members = [
        Member { education: vec![studied], ..headline("student", "Writer") },
        Member { employers: strings(&["Kwartzfeld Dairy"]), ..headline("employee", "Writer") },
        headline("writer", "Writer"),
    ];
    let (_folder, config, _) = indexed(&members);
    let searcher = by_words_alone(&config);
    for (text, first) in
        [("somebody from quillhaven", "student"), ("limnology", "student"), ("who knows Kwartzfeld", "employee")]
    {
        let answer = find(&searcher, by_text(text));
        assert_eq!(ids(&answer)[0], first);
        assert!(words(&answer, first).unwrap().0 > 0.0);
        assert_eq!(words(&answer, "writer"), None, "{text}");
    }
}

#[test]
fn a_slip_is_taken_for_the_word_that_most_members_have() {
    let mut members: Vec<Member> = (0..3).map(|at| headline(&format!("nurse-{at}"), "Nurses")).collect();
    members.extend([headline("purse", "Purse maker"), headline("vet", "Vet"), headline("curse", "Curse words")]);
    let (_folder, config, _) = indexed(&members);
    let searcher = by_words_alone(&config);
    for text in ["nruse", "nurrse", "nurxe"] {
        let answer = find(&searcher, by_text(text));
        assert_eq!(words(&answer, "nurse-1").unwrap().1, "Their profile has your word nurses", "the mentor's spelling");
        assert_eq!(words(&answer, "purse"), None, "{text}");
    }
    let answer = find(&searcher, by_text("durse"));
    assert!(
        words(&answer, "nurse-0").is_some() && words(&answer, "purse").is_none() && words(&answer, "curse").is_none()
    );
    for (text, reason) in [
        ("purse", "a word that somebody has is right"),
        ("veg", "three letters are too few"),
        ("nrusee", "two slips are too many"),
        ("nurse7", "a name or a number"),
    ] {
        let answer = find(&searcher, by_text(text));
        let found = members.iter().filter(|member| words(&answer, member.id.as_str()).is_some()).count();
        assert_eq!(found, usize::from(text == "purse"), "{text}: {reason}");
    }
}

#[test]
fn a_spelling_of_an_alias_inside_a_text_is_the_name() {
    let folder = tempfile::tempdir().unwrap();
    let aliases = Aliases::new([("RN".into(), "Registered nurse".into())]);
    let config = Config { aliases, ..config(folder.path()) };
    publish(
        &config,
        &[headline("spelled", "Registered nurses' tutor"), headline("short", "RN and tutor"), headline("x", "Cook")],
    );
    let searcher = by_words_alone(&config);
    for (text, said) in [
        ("I want to be an RN", "Their profile has your word rn"),
        ("I want to be a registered nurse", "Their profile has your words nurse, registered"),
    ] {
        let answer = find(&searcher, by_text(text));
        for id in ["spelled", "short"] {
            assert_eq!(words(&answer, id).unwrap().1, said);
        }
        assert_eq!(words(&answer, "x"), None);
    }
}

#[test]
fn the_value_is_bm25() {
    let members =
        [headline("one", "Welder"), headline("two", "Welder, plumber"), headline("three", "Baker, baker, baker")];
    let (_folder, config, _) = indexed(&members);
    let searcher = by_words_alone(&config);
    // Three profiles of two words in the mean, k1 = 1.2, b = 0.75. Two have "welder": idf = ln(1 + 1.5 / 2.5) = 0.470004;
    // one has "baker": idf = ln(1 + 2.5 / 1.5) = 0.980829. A rare word alone: 0.980829 / 2.2.
    for (text, id, bm25) in [
        ("welders", "one", 0.470004 * 1.0 / (1.0 + 1.2 * (0.25 + 0.75 * 1.0 / 2.0))),
        ("welders", "two", 0.470004 * 1.0 / (1.0 + 1.2 * (0.25 + 0.75 * 2.0 / 2.0))),
        ("bakers", "three", 0.980829 * 3.0 / (3.0 + 1.2 * (0.25 + 0.75 * 3.0 / 2.0))),
    ] {
        let (value, _) = words(&find(&searcher, by_text(text)), id).unwrap();
        let rare = bm25 / (0.980829 / 2.2);
        assert!((value - rare / (2.0 + rare)).abs() < 1e-5, "{text}, {id}: {value} for a BM25 of {bm25}");
    }
}

/// Many nurses, and one accountant who once worked at a dairy of a rare name.
fn crowd(dairy: Member) -> Vec<Member> {
    let place = |at: usize| Place { country: Some(["US", "FR"][at % 2].into()), ..Place::default() };
    let nurse =
        |at| Member { location: Some(place(at)), ..headline(&format!("n-{at:03}"), &format!("Nurse on ward {at}")) };
    (0..700).map(nurse).chain([dairy]).collect()
}

fn dairy() -> Member {
    let location = Place { country: Some("US".into()), ..Place::default() };
    Member { employers: strings(&["Kwartzfeld Dairy"]), location: Some(location), ..headline("dairy", "Accountant") }
}

#[test]
fn words_bring_somebody_whom_no_other_source_brings() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path());
    (config.search.ef, config.search.candidates) = (10, 10);
    publish(&config, &crowd(dairy()));
    let searcher = by_words_alone(&config);
    let text = "a nurse who was at Kwartzfeld";
    let answer = find(&searcher, by_text(text));
    assert_eq!((ids(&answer)[0], answer.hits.len()), ("dairy", 10));
    assert_eq!(words(&answer, "dairy").unwrap().1, "Their profile has your word kwartzfeld");

    // Their profile is nowhere near what is sought, and a text has no employer to share.
    let snapshot = searcher.snapshot();
    let query = embedder().embed(&[text]).unwrap();
    let probe = Probe { query: &query[0], k: 20, allowed: &snapshot.findable, turn: 0 };
    let near = snapshot.profile.exact(&snapshot.vectors, probe);
    assert!(near.iter().all(|near| snapshot.columns.id(near.slot) != "dairy"));

    for (country, found) in [("US", true), ("FR", false)] {
        let mut request = SearchRequest { k: Some(40), ..by_text(text) };
        request.filter.add(&format!("country={country}")).unwrap();
        let answer = find(&searcher, request);
        let expected = |id: &str| id == "dairy" || id[2..].parse::<usize>().unwrap() % 2 == usize::from(!found);
        assert!(ids(&answer).into_iter().all(expected), "the filter holds for words too");
        assert_eq!((ids(&answer).contains(&"dairy"), answer.hits.len()), (found, 40), "{country}");
    }
}

#[test]
fn words_of_private_fields_bring_and_count_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    publish(&config, &crowd(Member { private: strings(&["employers"]), ..dairy() }));
    let searcher = by_words_alone(&config);
    // With a slip, too: a correction would tell that somebody has the word.
    for text in ["nurse at Kwartzfeld", "nurse at Kwarzfeld", "Kwartzfeld"] {
        let answer = find(&searcher, SearchRequest { k: Some(1000), ..by_text(text) });
        assert_eq!((answer.hits.len(), words(&answer, "dairy")), (701, None));
    }
    // What became private since the build says nothing either.
    publish(&config, &[dairy()]);
    let searcher = by_words_alone(&config);
    assert!(words(&find(&searcher, by_text("Kwartzfeld")), "dairy").is_some());
    wait(async {
        let store = rapport::store::Store::open(&config.database()).await.unwrap();
        store.upsert(&[Member { private: strings(&["employers"]), ..dairy() }]).await.unwrap();
    });
    assert_eq!(words(&find(&searcher, SearchRequest { k: Some(1000), ..by_text("Kwartzfeld") }), "dairy"), None);
}

#[test]
fn a_long_text_of_unknown_words_is_answered_soon() {
    let (_folder, _, searcher) = indexed(&[headline("one", "Welder"), headline("two", "Baker")]);
    let text: String = (0..900).map(|at| format!("wq{}x{at} ", "ab".repeat(at % 3))).collect();
    let slips: String = ('a'..='z').map(|letter| format!("qq{letter}qqjjxxqq ")).collect();
    let begun = std::time::Instant::now();
    find(&searcher, by_text(&format!("{slips}{}", &text[..text.len().min(9_000)])));
    assert!(begun.elapsed().as_secs() < 20);
}
