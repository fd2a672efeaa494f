//! What was answered is given again to the byte while its state is kept; what of it is gone is said; and who is forgotten is
//! forgotten here too.

use std::time::Duration;

use rapport::community::{Community, CommunityError, LoggedSearch, RebuildOptions, Rest, Sameness, restore, traces};
use rapport::config::{Config, StoreConfig};
use rapport::member::{Member, MemberId};
use rapport::programme::Actor;
use rapport::search::{Obstacle, SearchRequest};
use serde_json::json;
use tempfile::TempDir;

use crate::common::{
    by_member, by_text, id_of,
    local::{DAY, Local},
    mentor, postgres, tiny, wait,
};

fn opened(mut config: Config) -> Community {
    config.search.log.texts = true;
    wait(tiny::publish(&config, &tiny::members(60)));
    wait(Community::open_with(&config, tiny::embedder())).unwrap()
}

fn community() -> (TempDir, Community) {
    let folder = tempfile::tempdir().unwrap();
    let community = opened(tiny::config(folder.path()));
    (folder, community)
}

/// Has it answered and noted; gives the search's name.
fn asked(community: &Community, request: &SearchRequest) -> String {
    let (_, _, search) = wait(community.search_noted(request.clone(), Actor::Operator)).unwrap();
    search.unwrap()
}

fn ids() -> Vec<MemberId> {
    tiny::members(60).into_iter().map(|member| member.id).collect()
}

/// One who finds somebody, and who is found first.
fn pair(community: &Community) -> (MemberId, MemberId) {
    let found = ids().into_iter().find_map(|id| {
        let answer = wait(community.search(by_member(id.as_str()))).ok()?;
        let first = answer.hits.first()?;
        Some((id, id_of(&first.member.id)))
    });
    found.unwrap()
}

fn same(community: &Community, search: &str) -> Option<Sameness> {
    let replay = wait(community.replay(search, None)).unwrap();
    assert_eq!(replay.kept, replay.again.is_some());
    assert_eq!(replay.kept, replay.gone.is_empty(), "{:?}", replay.gone);
    replay.again.map(|again| again.same)
}

fn gone(community: &Community, search: &str) -> Vec<Rest> {
    let replay = wait(community.replay(search, None)).unwrap();
    assert!(!replay.kept && replay.again.is_none());
    replay.gone.into_iter().map(|gone| gone.what).collect()
}

fn changed(id: &MemberId, headline: &str) -> Member {
    let members = tiny::members(60);
    let member = members.into_iter().find(|member| member.id == *id).unwrap();
    Member { headline: Some(headline.into()), ..member }
}

fn check_replay(community: &Community) {
    let (seeker, first) = pair(community);
    let requests: Vec<SearchRequest> = tiny::requests()
        .into_iter()
        .chain([
            by_member(seeker.as_str()),
            SearchRequest { k: Some(30), outside_circle: Some(0.5), ..by_member(seeker.as_str()) },
            SearchRequest { exchange: true, ..by_member(seeker.as_str()) },
            SearchRequest { viewer: Some(seeker.clone()), ..by_text("nurse") },
        ])
        .filter(|request| wait(community.search(request.clone())).is_ok())
        .collect();
    assert!(requests.len() > 5);
    let searches: Vec<String> = requests.iter().map(|request| asked(community, request)).collect();
    for (search, request) in searches.iter().zip(&requests) {
        assert_eq!(same(community, search), Some(Sameness::Bytes), "{request:?}");
    }

    // Newcomers are seen from then on, and by no search before.
    let newcomers: Vec<Member> =
        (0..3).map(|at| Member { profession: Some("nurse".into()), ..mentor(&format!("zz-{at}")) }).collect();
    wait(community.upsert(&newcomers)).unwrap();
    let later: Vec<String> = requests.iter().map(|request| asked(community, request)).collect();
    for search in searches.iter().chain(&later) {
        assert_eq!(same(community, search), Some(Sameness::Bytes));
    }
    let state = |search: &str| wait(community.logged_search(search)).unwrap().state;
    assert!(state(&searches[0]).starts_with("gen-000001+0.") && state(&later[0]).starts_with("gen-000001+3."));

    // A generation that is kept is searched again as it was; here with what is known of later changes.
    wait(community.rebuild(RebuildOptions::default(), |_| {})).unwrap();
    for search in searches.iter().chain(&later) {
        assert_eq!(same(community, search), Some(Sameness::Bytes));
    }

    // Who is shown changes: what the answer rests on is gone. That of whom nobody was shown is not.
    let of_pair = asked(community, &by_member(seeker.as_str()));
    let before = wait(community.replay(&of_pair, Some(&first))).unwrap();
    let why = before.why.unwrap();
    assert!(why.found && why.hit.unwrap().rank == 1 && why.state == before.search.state);
    let unknown = wait(community.replay(&of_pair, Some(&id_of("nobody")))).unwrap().why.unwrap();
    assert_eq!(unknown.obstacles, [Obstacle::Unknown]);
    wait(community.upsert(&[changed(&first, "Somebody else by now")])).unwrap();
    assert_eq!(gone(community, &of_pair), [Rest::Records]);
    let after = wait(community.replay(&of_pair, Some(&first))).unwrap();
    assert!(after.why.is_none() && after.gone.len() == 2, "{after:?}");
    assert_eq!(after.search.hits[0].member.as_ref(), Some(&first), "what was answered is told all the same");
    let nobody =
        SearchRequest { filter: serde_json::from_value(json!({"country": ["XX"]})).unwrap(), ..by_text("pilot") };
    assert_eq!(same(community, &asked(community, &nobody)), Some(Sameness::Bytes));

    // A change that was seen and is written over, and one that came later: nobody knows what was seen.
    let overlaid = asked(community, &by_member(seeker.as_str()));
    assert_eq!(same(community, &overlaid), Some(Sameness::Bytes));
    wait(community.upsert(&[changed(&first, "And another")])).unwrap();
    assert_eq!(gone(community, &overlaid), [Rest::Changes]);
    let (config, before) = (community.config(), asked(community, &by_text("nurse")));
    let mut heavier = Config::clone(&config);
    heavier.weights.profession += 1.0;
    wait(community.reconfigure(heavier)).unwrap();
    assert_eq!(gone(community, &before), [Rest::Weights]);
    wait(community.reconfigure(Config::clone(&config))).unwrap();
    assert_eq!(same(community, &before), Some(Sameness::Bytes));

    // Two more nights, and the first generation is not kept.
    for night in 0..2 {
        wait(community.upsert(&[changed(&first, &format!("night {night}"))])).unwrap();
        wait(community.rebuild(RebuildOptions::default(), |_| {})).unwrap();
    }
    assert_eq!(gone(community, &searches[0]), [Rest::Generation]);
    let unknown = wait(community.replay("s-0000000000000000", None));
    assert!(matches!(unknown, Err(CommunityError::NotLogged(_))), "{unknown:?}");
}

#[test]
fn an_answer_is_given_again_while_its_state_is_kept() {
    let (_folder, community) = community();
    check_replay(&community);
}

#[test]
fn on_postgresql_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = tiny::config(folder.path());
    let server = postgres::Server::shared();
    config.store = StoreConfig { url: Some(server.database().parse().unwrap()), ..StoreConfig::default() };
    let community = opened(config);
    check_replay(&community);
    check_erasure(&folder, &community);
}

fn check_erasure(folder: &TempDir, community: &Community) {
    let (seeker, first) = pair(community);
    let own = asked(community, &by_member(seeker.as_str()));
    let of_first = asked(community, &by_member(first.as_str()));
    let listing = SearchRequest {
        profile: Some(Member { friends: vec![first.clone()], ..mentor("x") }),
        ..SearchRequest::default()
    };
    let naming = asked(community, &listing);
    let export = wait(community.export(&seeker)).unwrap();
    assert!(export.searches.iter().any(|search| search.id == own) && export.searches.iter().all(|s| s.is_own(&seeker)));
    assert!(wait(community.export(&first)).unwrap().shown > 0);

    // One that had begun is written later.
    wait(community.search_noted(by_member(seeker.as_str()), Actor::Member(seeker.clone()))).unwrap();
    wait(community.search_noted(by_member(first.as_str()), Actor::Operator)).unwrap();
    let receipt = wait(community.forget(&first)).unwrap();
    assert!(receipt.searches >= 1, "{receipt:?}");
    wait(community.write_searches()).unwrap();
    let left = wait(traces(&community.config(), &first)).unwrap();
    // On a server, other machines' generations may need the tombstone.
    assert!(left.iter().all(|trace| trace.found.contains("tombstone") && community.store().is_shared()), "{left:?}");
    let kept = wait(community.logged_searches(None, 1_000)).unwrap();
    let find = |id: &str| kept.iter().find(|search: &&LoggedSearch| search.id == id);
    assert!(
        find(&of_first).is_none()
            && kept.iter().all(|search| !format!("{search:?}").contains(&format!("{:?}", first.as_str())))
    );
    let then = &find(&own).unwrap().hits;
    assert!(then[0].member.is_none() && then[1].member.is_some(), "somebody was shown first");
    assert!(find(&naming).unwrap().request.is_none());
    assert_eq!(gone(community, &naming), [Rest::Request]);
    let _ = folder;
}

#[test]
fn who_is_forgotten_is_in_no_search() {
    let (folder, community) = community();
    check_erasure(&folder, &community);
}

#[test]
fn a_backup_brings_no_searches_of_the_forgotten_back() {
    let (folder, community) = community();
    let (seeker, first) = pair(&community);
    asked(&community, &by_member(seeker.as_str()));
    let own = asked(&community, &by_member(first.as_str()));
    wait(community.write_searches()).unwrap();
    let (config, backup) = (community.config(), folder.path().join("backup.db"));
    wait(community.backup(&backup)).unwrap();
    wait(community.forget(&first)).unwrap();
    drop(community);
    assert_eq!(wait(restore(&config, &backup, None)).unwrap().kept_out, 1);
    assert_eq!(wait(traces(&config, &first)).unwrap(), []);
    let community = wait(Community::open_with(&config, tiny::embedder())).unwrap();
    let kept = wait(community.logged_searches(None, 10)).unwrap();
    assert!(!kept.is_empty() && kept.iter().all(|search| search.id != own));
}

#[test]
fn words_are_kept_only_where_that_is_wanted_and_nothing_for_longer_than_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let config = tiny::config(folder.path());
    wait(tiny::publish(&config, &tiny::members(60)));
    let service = Local::start(config, tiny::embedder());
    let community = &service.community;
    let text = asked(community, &by_text("I am afraid of flying"));
    let kept = wait(community.logged_search(&text)).unwrap();
    assert!(kept.request.is_none() && !kept.hits.is_empty() && !format!("{kept:?}").contains("afraid"));
    assert_eq!(gone(community, &text), [Rest::Request]);
    let (seeker, _) = pair(community);
    let by_id = asked(community, &by_member(seeker.as_str()));
    assert_eq!(wait(community.logged_search(&by_id)).unwrap().request, Some(json!({"member": seeker})));

    service.pass(29 * DAY);
    wait(community.tidy_searches()).unwrap();
    assert!(wait(community.logged_search(&by_id)).is_ok());
    assert_eq!(wait(community.export(&pair(community).1)).unwrap().shown, 0, "counts are of the last week");
    service.pass(2 * DAY);
    wait(community.tidy_searches()).unwrap();
    assert!(matches!(wait(community.logged_search(&by_id)), Err(CommunityError::NotLogged(_))));

    let mut off = Config::clone(&community.config());
    off.search.log.keep_days = 0;
    wait(community.reconfigure(off)).unwrap();
    let (_, _, search) = wait(community.search_noted(by_member(seeker.as_str()), Actor::Operator)).unwrap();
    assert_eq!((search, wait(community.write_searches()).unwrap()), (None, 0));
}

#[test]
fn whoever_stops_waiting_for_notes_to_be_written_loses_none() {
    let folder = tempfile::tempdir().unwrap();
    let config = tiny::config(folder.path());
    wait(tiny::publish(&config, &tiny::members(60)));
    let service = Local::start(config, tiny::embedder());
    let community = &service.community;
    let (seeker, first) = pair(community);
    for times in 1..=5 {
        let search = asked(community, &by_member(seeker.as_str()));
        // It is begun, and left at its first wait, unless it is done by then.
        let _ = wait(async { tokio::time::timeout(Duration::ZERO, community.write_searches()).await });
        assert!(wait(community.logged_search(&search)).is_ok());
        assert_eq!(wait(community.export(&first)).unwrap().shown, times);
    }
    assert_eq!(community.searches_lost(), 0);
}

#[test]
fn over_http_everybody_sees_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let config = tiny::config(folder.path());
    wait(tiny::publish(&config, &tiny::members(60)));
    let service = Local::start(config, tiny::embedder());
    let (seeker, first) = pair(&service.community);
    let (seeker, first) = (seeker.as_str(), first.as_str());
    service.get(seeker, &format!("/v1/members/{seeker}/mentors"));
    service.get("", &format!("/v1/members/{seeker}/mentors?filter=paused=true"));
    let searches = service.get(seeker, "/v1/searches");
    let own = searches["searches"].as_array().unwrap();
    assert_eq!(own.len(), 1, "not what managers looked at: {searches}");
    assert_eq!(own[0]["by"], json!({"member": seeker}));
    let id = own[0]["id"].as_str().unwrap();
    let all = service.get("", &format!("/v1/searches?member={seeker}"));
    assert_eq!(all["searches"].as_array().unwrap().len(), 2);

    let replay = service.get(seeker, &format!("/v1/searches/{id}?why={first}"));
    assert_eq!((&replay["kept"], &replay["again"]["same"]), (&json!(true), &json!("bytes")), "{replay}");
    assert_eq!(replay["why"]["found"], true);
    let status = |who: &str, path: &str| service.send(who, "GET", path, None).0;
    assert_eq!(status(first, &format!("/v1/searches/{id}")), 404, "nobody else's");
    assert_eq!(status(seeker, "/v1/searches/s-0000000000000000"), 404);
    assert_eq!(status(seeker, &format!("/v1/searches/{id}?why=nobody")), 404, "not available");
    assert_eq!(status("", &format!("/v1/searches/{id}?why=nobody")), 200);
    // Nor is anybody who changed since told from the unknown, whatever stood in the way then; that of whoever was shown is told.
    let shown: Vec<&str> =
        own[0]["hits"].as_array().unwrap().iter().map(|hit| hit["member"].as_str().unwrap()).collect();
    let others: Vec<MemberId> =
        ids().into_iter().filter(|id| id.as_str() != seeker && !shown.contains(&id.as_str())).collect();
    assert!(others.len() > 20);
    let edited: Vec<Member> = others.iter().map(|id| changed(id, "Somebody else by now")).collect();
    wait(service.community.upsert(&edited)).unwrap();
    for other in &others {
        assert_eq!(status(seeker, &format!("/v1/searches/{id}?why={other}")), 404, "{other}");
        assert_eq!(status("", &format!("/v1/searches/{id}?why={other}")), 200, "{other}");
    }
    wait(service.community.upsert(&[changed(&id_of(first), "Somebody else by now")])).unwrap();
    assert_eq!(status(seeker, &format!("/v1/searches/{id}?why={first}")), 200);
    assert_eq!(status(first, &format!("/v1/searches?member={seeker}")), 403);
}

#[test]
fn who_is_shown_all_the_time_is_found_later_and_what_an_hour_adjusted_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let config = tiny::config(folder.path());
    wait(tiny::publish(&config, &tiny::members(60)));
    let service = Local::start(config, tiny::embedder());
    let community = &service.community;
    let (seeker, first) = pair(community);
    let everybody_asks = || {
        for id in ids() {
            // Not everybody may.
            let _ = wait(community.search_noted(by_member(id.as_str()), Actor::Operator));
        }
        (0..30).for_each(|_| drop(asked(community, &by_member(seeker.as_str()))));
        wait(community.write_searches()).unwrap();
    };
    let an_hour_later = || {
        service.pass(3_600);
        wait(community.steer()).unwrap();
        community.searcher().unwrap().epoch().number()
    };
    everybody_asks();
    assert_eq!(an_hour_later(), 0, "nobody was ever asked");
    let before = wait(community.search(by_member(seeker.as_str()))).unwrap();

    let asked_one = before.hits.iter().any(|hit| {
        let body = json!({"mentor": hit.member.id});
        service.send(seeker.as_str(), "POST", "/v1/introductions", Some(&body)).0 == 201
    });
    assert!(asked_one);
    let number = an_hour_later();
    assert_ne!(number, 0);
    let after = wait(community.search(by_member(seeker.as_str()))).unwrap();
    let find =
        |answer: &rapport::search::Answer| answer.hits.iter().find(|hit| hit.member.id == first.as_str()).cloned();
    let most = community.config().programme.steering.exposure;
    let over = after.hits.iter().flat_map(|hit| &hit.adjustments).filter(|adjustment| adjustment.reason == "exposure");
    let over: Vec<f64> = over.map(|adjustment| adjustment.amount).collect();
    assert!(!over.is_empty() && over.iter().all(|amount| *amount < 0.0 && *amount > -most), "{over:?}");
    if let (Some(before), Some(after)) = (find(&before), find(&after)) {
        assert_eq!(before.match_, after.match_, "it is no part of the match");
    }

    // Another hour has other adjustments; the answer of this one is given again.
    let search = asked(community, &by_member(seeker.as_str()));
    assert!(wait(community.logged_search(&search)).unwrap().state.contains(&format!(".{number}.")));
    everybody_asks();
    assert_ne!(an_hour_later(), number);
    assert_eq!(same(community, &search), Some(Sameness::Bytes));
    // Who is forgotten was perhaps among those adjusted.
    wait(community.forget(&id_of("m59"))).unwrap();
    assert!(gone(community, &search).contains(&Rest::Epoch));
}
