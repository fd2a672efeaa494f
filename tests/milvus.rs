//! The same search with Milvus for the nearest members: the same mentors and reasons, changes found at once, generations
//! published and gone back to, and answers while it is down as configured.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use rapport::community::{Community, RebuildOptions, traces};
use rapport::config::{Config, MilvusConfig, WhenDown};
use rapport::index::publish;
use rapport::member::Member;
use rapport::sample;
use rapport::search::{Answer, Filter, Hit, SearchError, SearchRequest, Searcher, Source};

use crate::common::{self, by_member, by_text, embedder, ids, milvus::Milvus, wait};

const MEMBERS: u32 = 1_200;

fn at(milvus: &Milvus) -> Option<MilvusConfig> {
    let text = format!("[milvus]\nurl = {:?}\ntimeout = 10000", milvus.url);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, text).unwrap();
    Config::read(file.path()).unwrap().milvus
}

/// A community of invented members whose generation Milvus holds, and another searcher of it without Milvus.
struct Both {
    _folder: tempfile::TempDir,
    config: Config,
    members: Vec<Member>,
    community: Community,
}

impl Both {
    fn of(milvus: &Milvus) -> Both {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { milvus: at(milvus), ..common::config(folder.path()) };
        let members: Vec<Member> = sample::Community::new(MEMBERS, 11).iter().collect();
        common::publish(&config, &members);
        let community = wait(Community::open_with(&config, embedder())).unwrap();
        Both { _folder: folder, config, members, community }
    }

    fn local(&self) -> Searcher {
        common::open(&Config { milvus: None, ..self.config.clone() })
    }

    fn find(&self, request: SearchRequest) -> Answer {
        wait(self.community.search(request)).unwrap()
    }

    /// Waits until answers are whole, or until they are not.
    fn until(&self, whole: bool) {
        let begun = Instant::now();
        while self.find(by_member("s-0000003")).degraded.is_empty() != whole {
            assert!(begun.elapsed() < Duration::from_secs(120), "answers are whole: {}", !whole);
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

fn requests(members: &[Member]) -> Vec<SearchRequest> {
    let by_member = members.iter().step_by(29).map(|member| by_member(member.id.as_str()));
    let filter = |filter: &str| {
        let mut parsed = Filter::default();
        filter.split('&').for_each(|part| parsed.add(part).unwrap());
        parsed
    };
    let filters = [
        "country=US",
        "language=en&capacity=1",
        "time_zone_gap=5h",
        "within=3000km",
        "paused=true",
        "other_country=true",
    ];
    let filtered = members.iter().skip(7).step_by(61).zip(filters.iter().cycle());
    let filtered = filtered
        .map(|(member, stated)| SearchRequest { filter: filter(stated), ..common::by_member(member.id.as_str()) });
    let texts = ["I want to become a nurse", "somebody who knows how to grow a company", "painting and pottery"];
    by_member.chain(filtered).chain(texts.map(by_text)).collect()
}

fn ten(hits: &[Hit]) -> HashSet<&str> {
    hits.iter().take(10).map(|hit| hit.member.id.as_str()).collect()
}

#[test]
fn mentors_and_reasons_are_those_of_the_generation_itself_whatever_the_filter() {
    let milvus = Milvus::start();
    let both = Both::of(&milvus);
    let local = both.local();
    let (mut same, mut all) = (0, 0);
    for request in requests(&both.members) {
        // A seeker may lack what a filter starts from.
        let here = match wait(local.search(request.clone())) {
            Err(error) if error.is_callers() => {
                assert!(wait(both.community.search(request)).unwrap_err().is_callers(), "{error}");
                continue;
            }
            found => found.unwrap(),
        };
        let there = both.find(request.clone());
        assert!(there.degraded.is_empty());
        assert_ne!(there.state, here.state, "one may differ from the other");
        assert_eq!(there.hits.len(), here.hits.len(), "{request:?}");
        same += ten(&here.hits).intersection(&ten(&there.hits)).count();
        all += here.hits.len();
        for hit in &there.hits {
            if let Some(alike) = here.hits.iter().find(|other| other.member.id == hit.member.id) {
                assert_eq!(
                    (&hit.contributions, &hit.points_in_common),
                    (&alike.contributions, &alike.points_in_common)
                );
            }
        }
    }
    assert!(all > 500, "{all}");
    assert!(same as f64 >= 0.95 * all as f64, "{same} of {all}");
}

#[test]
fn changes_are_found_at_once_and_generations_come_and_go() {
    let milvus = Milvus::start();
    let both = Both::of(&milvus);
    let text = "I repair church organs and tune their reed pipes";
    let ada = Member {
        about: Some("I repair church organs, voicing and tuning reed pipes".into()),
        profession: Some("Organ builder".into()),
        ..common::mentor("ada")
    };
    wait(both.community.upsert(&[ada])).unwrap();
    assert_eq!(both.find(by_text(text)).hits[0].member.id, "ada", "from the overlay");
    let best = both.find(by_member("s-0000003")).hits[0].member.id.clone();
    wait(both.community.remove(&[common::id_of(&best)])).unwrap();
    assert!(!ids(&both.find(by_member("s-0000003"))).contains(&best.as_str()));
    let rebuilt = wait(both.community.rebuild(RebuildOptions::default(), |_| {})).unwrap();
    assert!(rebuilt.published);
    let found = both.find(by_text(text));
    assert!(found.degraded.is_empty() && found.hits[0].member.id == "ada", "from Milvus");
    wait(both.community.rollback(None)).unwrap();
    assert!(both.find(by_text(text)).degraded.is_empty(), "the generation before is held still");
    // Whoever is forgotten is in no collection: none of a generation that held them is left.
    wait(both.community.rebuild(RebuildOptions { full: true, ..RebuildOptions::default() }, |_| {})).unwrap();
    wait(both.community.forget(&common::id_of("ada"))).unwrap();
    assert_eq!(wait(traces(&both.config, &common::id_of("ada"))).unwrap(), []);
    let kept: Vec<String> = publish::list(&both.config.index).unwrap().into_iter().map(|kept| kept.name).collect();
    let number = |name: &String| format!("gen-{}", name.split('_').nth(1).unwrap());
    let collections = wait(milvus.collections());
    assert!(
        collections.len() == 2 * kept.len() && collections.iter().all(|name| kept.contains(&number(name))),
        "{collections:?}, {kept:?}"
    );
    assert!(both.find(by_text(text)).degraded.is_empty());
}

#[test]
fn who_changes_is_found_by_what_they_are_now_though_their_vector_is_as_it_was() {
    let milvus = Milvus::start();
    let both = Both::of(&milvus);
    let ada = Member {
        paused: true,
        about: Some("I repair church organs and tune their reed pipes".into()),
        ..common::mentor("ada")
    };
    wait(both.community.upsert(std::slice::from_ref(&ada))).unwrap();
    assert!(wait(both.community.rebuild(RebuildOptions::default(), |_| {})).unwrap().published);
    let filter = Filter { capacity: Some(77), ..Filter::default() };
    // Words bring nobody here: none of the profile's is in the text.
    let text = "restoring pipework for cathedral music";
    assert!(!ids(&both.find(by_text(text))).contains(&"ada"));
    wait(both.community.upsert(&[Member { paused: false, capacity: Some(77), ..ada }])).unwrap();
    assert_eq!(both.find(by_text(text)).hits[0].member.id, "ada");
    let found = both.find(SearchRequest { filter, ..by_text(text) });
    assert_eq!(ids(&found), ["ada"]);
}

#[test]
fn while_it_is_down_answers_are_as_configured_and_whole_again_afterwards() {
    let mut milvus = Milvus::start();
    let mut both = Both::of(&milvus);
    let request = || by_text("I want to become a nurse");
    assert!(both.find(request()).degraded.is_empty());
    milvus.crash();
    let degraded = both.find(request());
    assert_eq!(degraded.degraded, [Source::Profile, Source::Interests]);
    assert!(!degraded.hits.is_empty(), "words and the circle bring somebody");
    let begun = Instant::now();
    for _ in 0..20 {
        assert!(!both.find(request()).degraded.is_empty());
    }
    assert!(begun.elapsed() < Duration::from_secs(15), "what fails again and again is not waited for");
    // Nothing acknowledged is lost meanwhile, and nothing is published that could not be searched.
    let bob = Member { profession: Some("Nurse".into()), about: Some("I am a nurse".into()), ..common::mentor("bob") };
    wait(both.community.upsert(&[bob])).unwrap();
    assert!(ids(&both.find(request())).contains(&"bob"));
    let refused = wait(both.community.rebuild(RebuildOptions::default(), |_| {})).unwrap_err().to_string();
    assert!(refused.starts_with("nothing was published: Milvus at http://127.0.0.1"), "{refused}");
    if let Some(milvus) = &mut both.config.milvus {
        milvus.when_down = WhenDown::Refuse;
    }
    let strict = common::open(&both.config);
    let error = wait(strict.search(request())).unwrap_err();
    assert!(matches!(error, SearchError::Milvus(_)) && !error.is_callers(), "{error}");
    milvus.recover();
    both.until(true);
    let again = both.find(request());
    let here = common::find(&both.local(), request());
    assert_eq!(ids(&again), ids(&here));
    assert!(ids(&again).contains(&"bob"));
    assert!(wait(both.community.rebuild(RebuildOptions::default(), |_| {})).unwrap().published);
    // It finds nobody and calls that success, as a query node does that takes over: no answer is poorer without saying so.
    for collection in wait(milvus.collections()) {
        wait(milvus.delete_all(&collection));
    }
    both.until(false);
    both.until(true);
    // It comes back with nothing: whoever serves fills it.
    milvus.crash();
    milvus.empty();
    milvus.recover();
    assert_eq!(wait(milvus.collections()), [""; 0]);
    both.until(false);
    both.until(true);
    assert_eq!(wait(milvus.collections()).len(), 2);
}
