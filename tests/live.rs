//! Changes are durable and found at once; nothing removed comes back; every search sees one state.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rapport::community::{Community, RebuildOptions};
use rapport::config::Config;
use rapport::member::Member;
use rapport::sample;
use rapport::search::{Answer, SearchRequest, Searcher};
use rapport::store::{Store, StoreError};

use crate::common::{self, by_member, by_text, embedder, id_of, ids, ids_of, mentee, mentor, publish, strings, wait};

const TEXT: &str = "I repair church organs and tune their reed pipes";

fn organ_builder(id: &str) -> Member {
    Member {
        name: Some("Ada".into()),
        headline: Some("Organ builder".into()),
        about: Some("I repair church organs, voicing and tuning reed pipes".into()),
        profession: Some("Organ builder".into()),
        ..mentor(id)
    }
}

fn folder(members: u32) -> (tempfile::TempDir, Config) {
    let folder = tempfile::tempdir().unwrap();
    let config = common::config(folder.path());
    publish(&config, &sample::Community::new(members, 7).iter().collect::<Vec<_>>());
    (folder, config)
}

fn opened(config: &Config) -> Community {
    wait(Community::open_with(config, embedder())).unwrap()
}

fn find(community: &Community, request: SearchRequest) -> Answer {
    wait(community.search(request)).unwrap()
}

fn best(community: &Community, text: &str) -> String {
    find(community, by_text(text)).hits[0].member.id.clone()
}

#[test]
fn an_upsert_is_found_by_the_very_next_search_and_after_a_restart_and_a_rebuild() {
    let (_folder, config) = folder(300);
    let community = opened(&config);
    assert_ne!(best(&community, TEXT), "ada");
    let before = find(&community, by_text(TEXT)).state;
    wait(community.upsert(&[organ_builder("ada")])).unwrap();
    let answer = find(&community, by_text(TEXT));
    assert_eq!(answer.hits[0].member.id, "ada");
    assert!(answer.hits[0].points_in_common.iter().any(|point| point.text.contains("organs")), "{answer:?}");
    assert_ne!(answer.state, before);
    assert!(answer.state.starts_with("gen-000001+1."), "{}", answer.state);

    drop(community);
    let community = opened(&config);
    assert_eq!(find(&community, by_text(TEXT)).hits, answer.hits, "the same after a restart");
    wait(community.rebuild(RebuildOptions::default(), |_| {})).unwrap();
    let rebuilt = find(&community, by_text(TEXT));
    assert!(rebuilt.state.starts_with("gen-000002+0."), "{}", rebuilt.state);
    assert_eq!(rebuilt.hits[0].member.id, "ada");
}

#[test]
fn a_newcomer_seeks_at_once_and_is_known_to_those_who_list_them() {
    let (_folder, config) = folder(300);
    let community = opened(&config);
    let seeker = Member {
        aims_for: Some("Organ builder".into()),
        seeks: Some("somebody who tunes reed pipes".into()),
        friends: ids_of(&["between"]),
        ..mentee("new")
    };
    let between = Member { name: Some("Bea".into()), friends: ids_of(&["ada", "new"]), ..mentor("between") };
    wait(community.upsert(&[seeker, between, organ_builder("ada")])).unwrap();
    let answer = find(&community, by_member("new"));
    assert_eq!(answer.hits[0].member.id, "ada");
    let points: Vec<&str> = answer.hits[0].points_in_common.iter().map(|point| point.text.as_str()).collect();
    assert!(points.iter().any(|point| point.contains("1 friend in common: Bea")), "{points:?}");
    assert!(points.iter().any(|point| point.contains("Is what you aim for: Organ builder")), "{points:?}");
    assert!(!ids(&answer).contains(&"between"), "whom one knows one need not find");
}

#[test]
fn what_changed_counts_as_it_is_now() {
    let (_folder, config) = folder(300);
    let community = opened(&config);
    wait(community.upsert(&[organ_builder("ada")])).unwrap();
    wait(community.rebuild(RebuildOptions::default(), |_| {})).unwrap();
    for (change, found) in [
        (Member { paused: true, ..organ_builder("ada") }, false),
        (organ_builder("ada"), true),
        (Member { adult: Some(false), ..organ_builder("ada") }, false),
        (Member { roles: mentee("ada").roles, ..organ_builder("ada") }, false),
        (Member { about: None, headline: None, profession: Some("Baker".into()), ..organ_builder("ada") }, false),
        (Member { private: strings(&["about", "headline", "profession"]), ..organ_builder("ada") }, false),
        (Member { languages: strings(&["cy"]), ..organ_builder("ada") }, true),
    ] {
        wait(community.upsert(std::slice::from_ref(&change))).unwrap();
        assert_eq!(best(&community, TEXT) == "ada", found, "{change:?}");
    }
    let mut welsh = by_text(TEXT);
    welsh.filter.add("language=cy").unwrap();
    assert_eq!(ids(&find(&community, welsh)), ["ada"], "filters see it too");
    wait(community.upsert(&[Member { languages: strings(&["en"]), ..organ_builder("ada") }])).unwrap();
    let mut welsh = by_text(TEXT);
    welsh.filter.add("language=cy").unwrap();
    assert!(find(&community, welsh).hits.is_empty());
}

#[test]
fn nothing_removed_comes_back() {
    let (_folder, config) = folder(300);
    let community = opened(&config);
    wait(community.upsert(&[organ_builder("ada")])).unwrap();
    wait(community.rebuild(RebuildOptions::default(), |_| {})).unwrap();
    let asked = [id_of("ada"), id_of("nobody")];
    assert_eq!(wait(community.remove(&asked)).unwrap(), ids_of(&["ada"]));
    assert_ne!(best(&community, TEXT), "ada");
    drop(community);
    assert_ne!(best(&opened(&config), TEXT), "ada", "not after a restart");
    let community = opened(&config);
    wait(community.rebuild(RebuildOptions::default(), |_| {})).unwrap();
    assert_ne!(best(&community, TEXT), "ada", "not after a rebuild");
    wait(community.upsert(&[organ_builder("ada")])).unwrap();
    assert_eq!(best(&community, TEXT), "ada", "unless they come again");
}

#[test]
fn a_search_of_a_command_sees_what_was_imported_since_the_build() {
    let (_folder, config) = folder(300);
    wait(async {
        let store = Store::open(&config.database()).await.unwrap();
        store.upsert(&[organ_builder("ada")]).await.unwrap();
    });
    let searcher = wait(Searcher::open_with(&config, embedder())).unwrap();
    let answer = wait(searcher.search(by_text(TEXT))).unwrap();
    assert_eq!(answer.hits[0].member.id, "ada");
    assert_eq!(searcher.changes(), 1);
}

#[test]
fn one_process_has_the_folder() {
    let (_folder, config) = folder(60);
    let community = opened(&config);
    let second = wait(Community::open(&config)).err().unwrap();
    assert!(second.to_string().contains("another rapport process is writing"), "{second}");
    drop(community);
    assert!(
        !matches!(wait(Community::open(&config)).err(), Some(error) if error.to_string().contains(&StoreError::Locked(config.index.display().to_string()).to_string()))
    );
}

#[test]
fn searches_under_changes_and_rebuilds_are_each_of_one_state() {
    let (_folder, config) = folder(300);
    let community = Arc::new(opened(&config));
    let done = Arc::new(AtomicBool::new(false));
    wait(async {
        let searching: Vec<_> = (0..2)
            .map(|at| {
                let (community, done) = (Arc::clone(&community), Arc::clone(&done));
                tokio::spawn(async move {
                    let mut answers = Vec::new();
                    while !done.load(Ordering::Relaxed) {
                        let request = if at == 0 { by_text(TEXT) } else { by_member("s-0000003") };
                        answers.push((at, community.search(request).await.unwrap()));
                    }
                    answers
                })
            })
            .collect();
        // The two are there or are not there together, in every state.
        let pair = [organ_builder("ada"), organ_builder("bea")];
        for round in 0..12 {
            community.upsert(&pair).await.unwrap();
            if round % 4 == 3 {
                community.rebuild(RebuildOptions::default(), |_| {}).await.unwrap();
            }
            community.remove(&ids_of(&["ada", "bea"])).await.unwrap();
        }
        done.store(true, Ordering::Relaxed);
        let mut by_state: std::collections::HashMap<(i32, String), Answer> = std::collections::HashMap::new();
        let mut count = 0;
        for answers in searching {
            for (at, answer) in answers.await.unwrap() {
                count += 1;
                assert_eq!(answer.hits.len(), 10);
                let found = ids(&answer);
                assert_eq!(found.contains(&"ada"), found.contains(&"bea"), "half a change: {found:?}");
                let same = by_state.entry((at, answer.state.clone())).or_insert_with(|| answer.clone());
                assert_eq!(*same, answer, "the same state and query, another answer");
            }
        }
        assert!(count > 24, "{count} searches");
    });
}
