//! The night: it costs what changed, gates hold, generations are kept and gone back to. Vectors are hashes of texts.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rapport::community::{Community, CommunityError};
use rapport::config::{Config, QualityConfig};
use rapport::embed::{EmbedError, Embedder, Model, Templates, UnitVector};
use rapport::index::publish::{Standing, current, list, open_current, prune, rollback};
use rapport::index::{IndexError, Snapshot};
use rapport::member::Member;
use rapport::rebuild::{Gate, RebuildError, Rebuilt, plan, rebuild};
use rapport::search::Searcher;
use rapport::store::Store;
use tempfile::TempDir;

use crate::common::{self, by_text, tiny, wait};

/// A community in a folder of its own, or on servers, with a generation.
fn community(count: usize) -> (TempDir, Config, Vec<Member>) {
    let folder = tempfile::tempdir().unwrap();
    let Config { store, milvus, .. } = common::config(folder.path());
    let config = Config { store, milvus, ..tiny::config(folder.path()) };
    let members = tiny::members(count);
    wait(tiny::publish(&config, &members));
    (folder, config, members)
}

fn night(config: &Config) -> Result<Rebuilt, RebuildError> {
    wait(rebuild(config, tiny::embedder(), false, |_| {}))
}

fn full(config: &Config) -> Rebuilt {
    wait(rebuild(config, tiny::embedder(), true, |_| {})).unwrap()
}

/// Goes back to a generation, as a server does, and names the one that it came to.
fn back(config: &Config, to: Option<&str>) -> Result<String, CommunityError> {
    wait(async { Community::open_with(config, tiny::embedder()).await?.rollback(to).await })?;
    Ok(name(config))
}

fn change(config: &Config, written: &[Member], gone: &[Member]) {
    let gone: Vec<_> = gone.iter().map(|member| member.id.clone()).collect();
    wait(async {
        let store = Store::open(&config.database()).await.unwrap();
        store.upsert(written).await.unwrap();
        store.remove(&gone).await.unwrap();
    });
}

/// The member with another headline and another interest.
fn changed(member: &Member, to: &str) -> Member {
    Member { headline: Some(to.into()), interests: vec![to.into(), "chess".into()], ..member.clone() }
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entry = |path: PathBuf| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap());
    fs::read_dir(folder).unwrap().map(|file| entry(file.unwrap().path())).collect()
}

fn names(config: &Config) -> Vec<(String, Standing)> {
    list(&config.index).unwrap().into_iter().map(|kept| (kept.name, kept.standing)).collect()
}

fn name(config: &Config) -> String {
    current(&config.index).unwrap().file_name().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn where_nothing_changed_nothing_is_published() {
    let (_folder, mut config, members) = community(60);
    let before = files(&config.index.join("gen-000001"));
    let idle = night(&config).unwrap();
    assert!(!idle.published && idle.folder == current(&config.index).unwrap());
    assert_eq!(idle.manifest.generation, 1);
    assert_eq!(names(&config), [("gen-000001".into(), Standing::Current)]);
    assert_eq!(files(&config.index.join("gen-000001")), before);
    // Whatever a generation depends on is a change.
    assert!(full(&config).published);
    config.graph.seed += 1;
    assert!(night(&config).unwrap().published);
    config.members.adult_when_absent = false;
    assert!(night(&config).unwrap().published);
    config.aliases = rapport::member::fold::Aliases::new([("uni".to_owned(), "university".to_owned())]);
    assert!(night(&config).unwrap().published);
    change(&config, &[], &members[3..4]);
    assert!(night(&config).unwrap().published);
    assert!(!night(&config).unwrap().published);
}

#[test]
fn damage_is_noticed_even_where_nothing_changed() {
    let (_folder, config, _) = community(60);
    let path = current(&config.index).unwrap().join("texts.vectors");
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::remove_file(&path).unwrap();
    fs::write(&path, bytes).unwrap();
    let mended = night(&config).unwrap();
    assert!(mended.published);
    open_current(&config.index).unwrap().verify().unwrap();
}

#[test]
fn a_night_holds_what_a_full_build_holds() {
    let (_folder, config, members) = community(120);
    let written: Vec<Member> = members[..6].iter().map(|member| changed(member, "glazier")).collect();
    change(&config, &written, &members[10..14]);
    let carried = night(&config).unwrap();
    // Milvus builds a generation's graphs anew.
    assert_eq!(carried.manifest.profile.changes.kept > 0, config.milvus.is_none(), "{:?}", carried.manifest.profile);
    let anew = full(&config);
    assert_eq!(anew.manifest.profile.changes.kept, 0);
    let (carried, anew) = (files(&carried.folder), files(&anew.folder));
    for name in ["members.columns", "texts.vectors"] {
        assert!(carried[name] == anew[name], "{name} differs");
    }
}

#[test]
fn what_would_be_done_is_what_is_done() {
    let (_folder, config, members) = community(120);
    let told = |full| wait(plan(&config, tiny::embedder().model(), full)).unwrap();
    assert!(told(false).nothing_to_do);
    let written: Vec<Member> = members[..6].iter().map(|member| changed(member, "glazier")).collect();
    let added = Member { id: common::id_of("new"), ..changed(&members[7], "potter") };
    change(&config, &[written, vec![added]].concat(), &members[10..14]);
    let before = files(&config.index.join("gen-000001"));
    let (carried, anew) = (told(false), told(true));
    assert_eq!(files(&config.index.join("gen-000001")), before);
    assert_eq!(names(&config).len(), 1, "nothing was written");
    assert!(!carried.nothing_to_do && carried.from.as_deref() == Some("gen-000001"));
    assert_eq!((carried.members, carried.added, carried.changed, carried.removed), (117, 1, 6, 4));
    assert_eq!(anew.from_nothing.as_deref(), Some("--full asks for it"));
    assert_eq!(anew.profile.anew.as_deref(), Some("--full asks for it"));
    let done = night(&config).unwrap();
    assert_eq!((carried.texts, carried.to_embed), (done.manifest.counts.texts, done.embedded));
    for (told, done) in [(carried.profile, &done.manifest.profile), (carried.interests, &done.manifest.interests)] {
        assert_eq!(told.anew.as_deref(), config.milvus.is_some().then_some("Milvus has the graphs"));
        assert_eq!((told.inserted, told.unlinked), (done.changes.inserted, done.changes.unlinked));
    }
}

#[test]
fn a_loss_is_refused_and_can_be_meant() {
    let (_folder, mut config, members) = community(60);
    let generation = files(&current(&config.index).unwrap());
    change(&config, &[], &members[..13]);
    let error = night(&config).unwrap_err();
    let said = error.to_string();
    assert!(matches!(error, RebuildError::Gate { gate: Gate::Loss { left: 47, before: 60, .. }, staging: None }));
    assert!(said.contains("47 members are left of the 60 in gen-000001: that is 78.3 %"), "{said}");
    assert!(said.contains("80.0 %") && said.contains("--accept-loss"), "{said}");
    change(&config, &[], &members);
    assert!(matches!(night(&config), Err(RebuildError::Gate { gate: Gate::Loss { left: 0, .. }, .. })));
    assert_eq!(files(&current(&config.index).unwrap()), generation, "nothing was published");
    config.rebuild.fewest_kept = 0.0;
    assert_eq!(night(&config).unwrap().manifest.counts.members, 0);

    // Everyone is there, but hardly anybody can be found.
    let (_folder, config, members) = community(60);
    let paused: Vec<Member> = members.iter().map(|member| Member { paused: true, ..member.clone() }).collect();
    change(&config, &paused[..30], &[]);
    let said = night(&config).unwrap_err().to_string();
    assert!(said.contains("mentors who can be found are left"), "{said}");
}

#[test]
fn a_gate_that_does_not_hold_leaves_what_was_built_for_inspection() {
    let (_folder, mut config, members) = community(60);
    config.rebuild.lowest_recall = 1.5;
    change(&config, &[changed(&members[0], "glazier")], &[]);
    let error = night(&config).unwrap_err();
    let RebuildError::Gate { gate: Gate::Recall { facet: "profile", .. }, staging: Some(staging) } = &error else {
        panic!("{error}")
    };
    let said = error.to_string();
    assert!(said.contains("rebuild.lowest_recall asks for 1.500") && said.contains("gen-000002.staging"), "{said}");
    Snapshot::open(staging).unwrap().verify().unwrap();
    assert_eq!(name(&config), "gen-000001");
    assert_eq!(names(&config)[1], ("gen-000002".into(), Standing::Staged));
    config.rebuild.lowest_recall = 0.0;
    night(&config).unwrap();
    assert!(!staging.exists());
    assert_eq!(name(&config), "gen-000003");
}

#[test]
fn matches_must_not_become_worse_on_judged_queries() {
    let (folder, mut config, members) = community(60);
    let (queries, qrels) = (folder.path().join("queries.jsonl"), folder.path().join("qrels.txt"));
    // Each asks for the very headline of a mentor who can be found.
    let found = || members.iter().filter(|member| !member.paused && member.adult == Some(true)).skip(1).take(12);
    let asked = |(at, member): (usize, &Member)| {
        format!("{{\"id\": \"q{at}\", \"text\": \"{}\"}}\n", member.headline.as_deref().unwrap())
    };
    fs::write(&queries, found().enumerate().map(asked).collect::<String>()).unwrap();
    let judged = |(at, member): (usize, &Member)| format!("q{at} 0 {} 1\n", member.id);
    fs::write(&qrels, found().enumerate().map(judged).collect::<String>()).unwrap();
    config.rebuild.quality = Some(QualityConfig { queries, qrels: qrels.clone(), margin: 0.01 });
    change(&config, &[changed(&members[59], "glazier")], &[]);
    assert!(night(&config).unwrap().published, "as good as before");

    let worse: Vec<Member> = found().map(|member| Member { paused: true, ..member.clone() }).collect();
    change(&config, &worse, &[]);
    config.rebuild.fewest_kept = 0.5;
    let error = night(&config).unwrap_err();
    assert!(matches!(&error, RebuildError::Gate { gate: Gate::Quality(_), staging: Some(_) }), "{error}");
    assert!(error.to_string().contains("nDCG@10 may have fallen by more than 0.01"), "{error}");
    assert_eq!(name(&config), "gen-000002");
    config.rebuild.quality.as_mut().unwrap().margin = 1.0;
    assert!(night(&config).unwrap().published);
    // Judgements that cannot be read are told before anything is built.
    fs::remove_file(qrels).unwrap();
    assert!(matches!(night(&config), Err(RebuildError::Judgements(_))));
}

#[test]
fn a_rollback_is_to_what_was_current_and_never_to_damage() {
    let (_folder, mut config, members) = community(60);
    config.rebuild.keep = 3;
    for to in ["glazier", "potter"] {
        change(&config, &[changed(&members[0], to)], &[]);
        night(&config).unwrap();
    }
    assert_eq!(back(&config, None).unwrap(), "gen-000002");
    // A number that was given once is not given again, and what was current before is kept and gone back to.
    config.rebuild.keep = 1;
    change(&config, &[changed(&members[0], "tiler")], &[]);
    assert_eq!(night(&config).unwrap().manifest.generation, 4);
    assert_eq!(names(&config), [("gen-000002".into(), Standing::Kept), ("gen-000004".into(), Standing::Current)]);
    assert_eq!(back(&config, None).unwrap(), "gen-000002");
    let none_before =
        |error| matches!(error, CommunityError::Index(IndexError::NoneBefore(name)) if name == "gen-000002");
    assert!(none_before(back(&config, None).unwrap_err()));
    let error = back(&config, Some("gen-000003")).unwrap_err().to_string();
    assert_eq!(error, "there is no generation \"gen-000003\" to go back to; kept are gen-000002, gen-000004");
    assert!(back(&config, Some("../gen-000002")).is_err());

    let path = config.index.join("gen-000004/texts.vectors");
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::remove_file(&path).unwrap();
    fs::write(&path, bytes).unwrap();
    let error = rollback(&config.index, Some("gen-000004")).unwrap_err().to_string();
    assert!(error.contains("gen-000004/texts.vectors") && error.contains("checksum"), "{error}");
    assert_eq!(name(&config), "gen-000002");
}

#[test]
fn generations_are_kept_by_count_and_by_age_and_no_clock_deletes_them() {
    let (_folder, mut config, members) = community(40);
    config.rebuild.keep = 10;
    for to in ["a", "b", "c"] {
        change(&config, &[changed(&members[0], to)], &[]);
        night(&config).unwrap();
    }
    let (now, day) = (Timestamp::now(), SignedDuration::from_hours(24));
    let (later, earlier) = (now.checked_add(day * 3).unwrap(), now.checked_sub(day * 300).unwrap());
    // The clock is set back far before they were built: all count as new.
    assert!(prune(&config.index, None, 1, 1, earlier).unwrap().is_empty());
    assert!(prune(&config.index, None, 1, 4, later).unwrap().is_empty(), "younger than four days");
    assert_eq!(prune(&config.index, None, 3, 1, later).unwrap(), ["gen-000001"]);
    let before = config.index.join("gen-000002");
    assert!(prune(&config.index, Some(&before), 2, 0, now).unwrap().is_empty(), "a reader may be about to open it");
    rollback(&config.index, Some("gen-000003")).unwrap();
    // What an interrupted removal left is no generation, however young.
    fs::remove_file(before.join("manifest.json")).unwrap();
    assert_eq!(prune(&config.index, None, 1, 9, now).unwrap(), ["gen-000002"]);
    assert_eq!(prune(&config.index, None, 1, 0, now).unwrap(), [""; 0], "the current one and the newest");
}

#[test]
fn who_is_gone_is_remembered_for_as_long_as_a_generation_holds_them() {
    let (_folder, config, members) = community(60);
    let gone = |config: &Config| {
        wait(async { Store::open(&config.database()).await.unwrap().changes_since(0).await.unwrap().removed })
    };
    change(&config, &[], &members[4..5]);
    night(&config).unwrap();
    assert_eq!(gone(&config), ["m4"], "gen-000001 holds them");
    change(&config, &[changed(&members[0], "glazier")], &[]);
    night(&config).unwrap();
    assert_eq!(gone(&config), [""; 0]);
}

/// The tiny model with something else about it.
struct Other {
    model: Model,
    fails: bool,
}

impl Embedder for Other {
    fn model(&self) -> &Model {
        &self.model
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<UnitVector>, EmbedError> {
        if self.fails && !texts.is_empty() {
            return Err(EmbedError::Answer { model: "hashes".into(), problem: "none came".into() });
        }
        Ok(texts.iter().map(|text| tiny::vector(&format!("{}{text}", self.model.content))).collect())
    }
}

#[test]
fn another_model_or_template_is_built_beside_and_switched_whole() {
    let (_folder, config, _) = community(60);
    let live = || wait(Searcher::open_with(&config, tiny::embedder())).unwrap();
    let (searcher, first) = (live(), files(&current(&config.index).unwrap()));
    let answer = wait(searcher.search(by_text("nurse 1"))).unwrap();
    let with = |model: &Model, fails| {
        let other = Arc::new(Other { model: model.clone(), fails });
        wait(rebuild(&config, other, false, |_| {}))
    };
    let mut model = tiny::embedder().model().clone();
    model.content = "of other texts".into();
    with(&model, true).unwrap_err();
    assert_eq!(name(&config), "gen-000001");
    assert_eq!(wait(live().search(by_text("nurse 1"))).unwrap(), answer, "as if nothing had been tried");
    let told = wait(plan(&config, &model, false)).unwrap();
    assert!(told.from_nothing.unwrap().contains("gen-000001 is of the model hashes@"));

    let other = with(&model, false).unwrap();
    assert_eq!(other.embedded, other.manifest.counts.texts);
    assert_eq!((other.manifest.profile.changes.kept, other.manifest.model.fingerprint), (0, model.id()));
    assert_eq!(files(&config.index.join("gen-000001")), first);
    assert_eq!(
        wait(searcher.search(by_text("nurse 1"))).unwrap().hits,
        answer.hits,
        "who has the old one open keeps it"
    );

    // Of another template only the texts that it joins anew are embedded.
    model.templates = Templates { profile: vec!["headline".into()], ..Templates::default() };
    let template = with(&model, false).unwrap();
    assert!(template.published && template.embedded > 0 && template.embedded < other.embedded, "{}", template.embedded);
    assert_eq!(template.manifest.model.profile, ["headline"]);
    assert!(!with(&model, false).unwrap().published);
    rollback(&config.index, Some("gen-000002")).unwrap();
    assert_eq!(open_current(&config.index).unwrap().manifest.model.profile, Templates::default().profile);
}
