//! Communities so small that every byte of their generation can be tried, and everything that can be done with one that
//! opens. Shared by `tests/damage.rs` and the fuzz targets, so it names the public interface only, and stops (panics)
//! where an answer is not one.
//!
//! Vectors are made of a text's hash: damage does not ask what texts mean, and 16 dimensions leave few bytes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fixedbitset::FixedBitSet;
use rapport::config::Config;
use rapport::embed::{EmbedError, Embedder, Model, Pooling, Templates, UnitVector};
use rapport::index::columns::{Attribute, Relation};
use rapport::index::facet::{Facet, Probe};
use rapport::index::words::key_of;
use rapport::index::{Slot, Snapshot};
use rapport::member::fold::{Key, fold};
use rapport::member::{Education, Member, MemberId, Place, Role};
use rapport::rebuild::rebuild;
use rapport::search::{Answer, Known, SearchRequest, Searcher};
use rapport::store::Store;

/// The files of a generation.
pub const FILES: [&str; 5] = ["members.columns", "texts.vectors", "profile.facet", "interests.facet", "manifest.json"];

const DIMENSION: usize = 16;

/// A model whose vectors are hashes.
struct Hashes(Model);

/// The model of every tiny generation.
pub fn embedder() -> Arc<dyn Embedder> {
    Arc::new(Hashes(Model {
        name: "hashes".into(),
        dimension: DIMENSION,
        max_tokens: 256,
        pooling: Pooling::Mean,
        languages: vec!["en".into()],
        templates: Templates::default(),
        content: "of texts".into(),
    }))
}

impl Embedder for Hashes {
    fn model(&self) -> &Model {
        &self.0
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<UnitVector>, EmbedError> {
        Ok(texts.iter().map(|text| vector(text)).collect())
    }
}

/// The vector of a text.
pub fn vector(text: &str) -> UnitVector {
    let mut bytes = [0; DIMENSION];
    blake3::Hasher::new().update(text.as_bytes()).finalize_xof().fill(&mut bytes);
    // Never zero: 256 is even, so no byte is in the middle.
    UnitVector::new(bytes.iter().map(|byte| f32::from(*byte) - 127.5).collect()).unwrap()
}

/// So many members who fill in every field between them. Most are mentors; some are paused, minors, or block others.
pub fn members(count: usize) -> Vec<Member> {
    (0..count).map(|at| member(at, count)).collect()
}

fn member(at: usize, count: usize) -> Member {
    let of = |values: &[&str], step: usize| Some(values[(at / step) % values.len()].to_owned());
    let every = |step: usize| at % step == step - 1;
    let other = |step: usize| id((at + step) % count);
    let (city, lat, lon) = [("Boston", 42.36, -71.06), ("Chicago", 41.88, -87.63), ("Lyon", 45.76, 4.84)][at % 3];
    Member {
        id: id(at),
        roles: if every(5) { vec![Role::Mentee] } else { vec![Role::Mentor, Role::Mentee] },
        name: Some(format!("N{at}")),
        headline: Some(format!("nurse {at}")),
        profession: of(&["nurse", "cook", "welder", "judge"], 1),
        industry: of(&["health", "food"], 2),
        offers: of(&["exam help", "mock interviews"], 3),
        aims_for: of(&["judge", "cook"], 1),
        seeks: of(&["somebody who knows welding"], 1).filter(|_| every(2)),
        interests: [of(&["chess", "jazz", "tea"], 1), Some(format!("hobby {}", at % 40))]
            .into_iter()
            .flatten()
            .collect(),
        facing: of(&["exams", "night shifts"], 1).into_iter().collect(),
        overcame: of(&["night shifts", "exams", "debt"], 2).into_iter().collect(),
        employers: of(&["Acme", "Initech"], 4).into_iter().collect(),
        education: vec![Education { school: of(&["MIT", "ENS"], 5), field: of(&["law"], 1), ..Education::default() }],
        years_experience: Some(at as f32),
        location: Some(Place {
            city: Some(city.into()),
            region: Some("R".into()),
            country: of(&["US", "FR"], 3),
            lat: Some(lat),
            lon: Some(lon),
        }),
        hometown: Some(Place { city: of(&["Lyon", "Lima"], 2), ..Place::default() }),
        languages: [of(&["en"], 1), of(&["fr", "es"], 2)].into_iter().flatten().collect(),
        time_zone: of(&["America/New_York", "Europe/Paris"], 1),
        friends: vec![other(1), other(3)],
        colleagues: vec![other(2)],
        groups: of(&["G1", "G2", "G3"], 1).into_iter().collect(),
        blocks: if every(7) { vec![other(4)] } else { Vec::new() },
        capacity: Some(at as u32 % 4),
        paused: every(11),
        adult: Some(!every(13)),
        private: if every(6) { vec!["location".into(), "friends".into()] } else { Vec::new() },
        ..Member::default()
    }
}

fn id(at: usize) -> MemberId {
    MemberId::new(format!("m{at}")).unwrap()
}

/// The options of a tiny index: pools so small that the graph is walked where there are members enough.
pub fn config(folder: &Path) -> Config {
    let mut config = Config { index: folder.join("index"), ..Config::default() };
    (config.graph.m, config.search.ef, config.search.candidates) = (4, 10, 10);
    config
}

/// Builds a generation of the members and gives its folder.
pub async fn publish(config: &Config, members: &[Member]) -> PathBuf {
    let store = Store::create(&config.database()).await.expect("a database");
    store.upsert(members).await.expect("written");
    rebuild(config, embedder(), false, |_| {}).await.expect("a generation").folder
}

/// What a generation was before it was damaged: what a damaged one may answer at most.
pub struct Whole {
    records: BTreeMap<String, Member>,
    /// Every slot, in order. A slot is a number, and so means as much in a damaged copy.
    slots: Vec<Slot>,
    queries: Vec<UnitVector>,
}

impl Whole {
    /// Of an undamaged generation of these members.
    pub fn of(snapshot: &Snapshot, members: &[Member]) -> Whole {
        let mut slots: Vec<Slot> =
            members.iter().map(|member| snapshot.columns.slot(member.id.as_str()).unwrap()).collect();
        slots.sort_unstable();
        let records = members.iter().map(|member| (member.id.to_string(), member.clone())).collect();
        Whole { records, slots, queries: ["nurse 1", "chess"].map(vector).into() }
    }

    /// Reads everything of a snapshot that opened, and searches it in every way. Stops where an answer is none.
    pub fn read(&self, snapshot: &Snapshot) {
        self.read_columns(snapshot);
        self.search_facet(&snapshot.profile, snapshot);
        self.search_facet(&snapshot.interests, snapshot);
    }

    fn read_columns(&self, snapshot: &Snapshot) {
        let Snapshot { columns, vectors, backgrounds, .. } = snapshot;
        let keys: Vec<Key> =
            ["nurse", "chess", "us", "boston", "en", "welding"].iter().map(|text| Key::of(&fold(text))).collect();
        let mut read = 0u64;
        let mut row = |row: u32| {
            read += vectors.row(row).map_or(0, |row| row.len() as u64);
        };
        for &slot in &self.slots {
            let id = columns.id(slot).to_owned();
            columns.slot(&id);
            let phrases = [columns.profession.get(slot), columns.industry.get(slot), columns.offers.get(slot)];
            let lists = columns.interests.get(slot).chain(columns.overcame.get(slot));
            phrases.into_iter().flatten().chain(lists).for_each(|(_, at)| row(at));
            [&snapshot.profile, &snapshot.interests].into_iter().filter_map(|facet| facet.row(slot)).for_each(&mut row);
            let people = Relation::ALL
                .map(|relation| [columns.related(relation, slot), columns.listed(relation, slot)])
                .concat();
            let sum = people.into_iter().flatten().fold(0u64, |sum, slot| sum.wrapping_add(u64::from(*slot)));
            let own = (columns.flags(slot), columns.capacity(slot), columns.utc_offset(slot), sum);
            let places = (columns.coordinates(slot), columns.location.get(slot), columns.hometown.get(slot));
            std::hint::black_box((own, places, columns.years_experience(slot)));
        }
        for attribute in Attribute::ALL {
            let of_slots = self.slots.iter().map(|slot| columns.keys(attribute, *slot).len());
            let of_keys = keys.iter().map(|key| columns.postings(attribute, *key).len());
            std::hint::black_box(of_slots.chain(of_keys).sum::<usize>());
        }
        let words = &columns.words;
        for word in ["nurse", "chess", "acme", "law", "help"].iter().filter_map(|word| key_of(word)) {
            let (slots, counts) = words.postings(word);
            let own =
                self.slots.iter().map(|slot| u64::from(words.count(*slot, word)) + u64::from(words.length(*slot)));
            std::hint::black_box((slots.len(), counts.len(), own.sum::<u64>(), words.mean_length(), words.profiles()));
        }
        for background in [&backgrounds.profile, &backgrounds.interests, &backgrounds.phrases] {
            std::hint::black_box(background.floor(vectors, &self.queries[0]));
        }
        let counts = (columns.is_empty(), vectors.is_empty(), vectors.texts(), vectors.find(keys[0]));
        std::hint::black_box((counts, snapshot.bytes(), snapshot.name(), read));
    }

    fn search_facet(&self, facet: &Facet, snapshot: &Snapshot) {
        let vectors = &snapshot.vectors;
        let mut everyone = FixedBitSet::with_capacity(snapshot.columns.len());
        everyone.insert_range(..);
        // A seeker whose texts are all known seeks with rows of the generation, damaged ones too.
        let rows = [0, 1].into_iter().filter_map(|row| vectors.row(row));
        let queries = self.queries.iter().map(|query| &query[..]).filter(|query| query.len() == vectors.dimension());
        for query in queries.chain(rows) {
            for (allowed, k) in [(&everyone, 3), (&everyone, 2_000), (&snapshot.findable, 3)] {
                let matches = allowed.count_ones(..);
                let probe = Probe { query, k, allowed, turn: 5 };
                let exact = facet.exact(vectors, probe);
                let sorted = exact.is_sorted_by(|left, right| left.cosine.total_cmp(&right.cosine).is_ge());
                assert!(sorted, "not in order: {exact:?}");
                check_found(&exact.iter().map(|near| near.slot).collect::<Vec<_>>(), probe);
                check_found(&facet.scan(vectors, probe), probe);
                check_found(&facet.search(vectors, probe, 1, matches), probe);
                for ef in [1, 6, 500] {
                    check_found(&facet.walk(vectors, probe, ef), probe);
                }
            }
        }
    }

    /// Searches as callers do, checks every answer and says how many there were.
    pub async fn ask(&self, searcher: &Searcher, requests: impl IntoIterator<Item = SearchRequest>) -> usize {
        let mut answered = 0;
        for request in requests {
            if let Ok(answer) = searcher.search(request.clone()).await {
                self.check_answer(&answer, &request);
                answered += 1;
            }
        }
        answered
    }

    /// Whatever became of the index, the records decide who is shown.
    pub fn check_answer(&self, answer: &Answer, request: &SearchRequest) {
        let k = request.k.unwrap_or(10);
        assert!(answer.hits.len() <= k, "{} hits for k = {k}", answer.hits.len());
        let seeker = request.member.as_ref().and_then(|id| self.records.get(id.as_str()));
        for (at, hit) in answer.hits.iter().enumerate() {
            let record = self.records.get(&hit.member.id).expect("a stored member");
            // Who exchanges asks for no role.
            let role = request.filter.role.or((!request.exchange).then_some(Role::Mentor));
            assert!(role.is_none_or(|role| record.is(role)) && record.adult != Some(false), "{hit:?}");
            assert!(!record.paused || request.filter.paused, "{hit:?}");
            if let Some(seeker) = seeker {
                assert!(!seeker.blocks.contains(&record.id) && !record.blocks.contains(&seeker.id), "{hit:?}");
            }
            assert_eq!(hit.rank, at + 1);
            let parts = hit.contributions.iter();
            assert!(parts.clone().all(|part| (0.0..=1.0).contains(&part.value)), "{hit:?}");
            let sum: f64 = parts.map(|part| part.contribution).sum();
            let adjusted: f64 = hit.adjustments.iter().map(|adjustment| adjustment.amount).sum();
            assert!((hit.match_ - sum).abs() < 1e-6, "{hit:?}");
            assert!((hit.score - hit.match_ - adjusted).abs() < 1e-6, "{hit:?}");
        }
        assert!(answer.hits.is_sorted_by(|left, right| left.score >= right.score), "{answer:?}");
        // What is not a number does not read back.
        let json = serde_json::to_string(answer).unwrap();
        assert_eq!(serde_json::from_str::<Answer>(&json).expect("an answer that reads back"), *answer);
    }
}

/// Searches of every kind.
pub fn requests() -> Vec<SearchRequest> {
    let text = |text: &str| SearchRequest { text: Some(text.into()), ..SearchRequest::default() };
    let by = |at| SearchRequest { member: Some(id(at)), ..SearchRequest::default() };
    let mut filtered = SearchRequest { k: Some(40), ..text("chess and welding, because of my exams") };
    for filter in ["country=US", "country=FR", "language=en", "within=9000km@40,-71", "capacity=1"] {
        filtered.filter.add(filter).unwrap();
    }
    let mut near = by(2);
    for filter in ["time_zone_gap=7h", "within=3000km", "role=mentee", "paused=true"] {
        near.filter.add(filter).unwrap();
    }
    let profile = Member { id: MemberId::default(), adult: Some(true), ..member(3, 24) };
    vec![
        text("a nurse who knows chess"),
        filtered,
        by(0),
        SearchRequest { known: Known::Include, k: Some(30), ..by(1) },
        near,
        SearchRequest { profile: Some(profile), k: Some(3), ..SearchRequest::default() },
    ]
}

fn check_found(found: &[Slot], probe: Probe<'_>) {
    assert!(found.len() <= probe.k, "{} members for k = {}", found.len(), probe.k);
    let allowed = |slot: &Slot| probe.allowed.contains(slot.index());
    assert!(found.iter().all(allowed), "somebody who is not allowed: {found:?}");
}
