//! The index finds what an exact comparison finds, whatever the vectors and whoever is allowed; it is the same on any
//! number of threads; and a night changes only what changed.

use std::path::{Path, PathBuf};

use fixedbitset::FixedBitSet;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rapport::index::Slot;
use rapport::index::facet::{Facet, Made, Plan, Probe, write_facet};
use rapport::index::graph::{DEFAULT_EF, GraphParameters};
use rapport::index::vectors::{Vectors, dot};
use tempfile::TempDir;

const PARAMETERS: GraphParameters = GraphParameters { m: 16, ef_construction: 100, seed: 7 };

/// How vectors lie.
#[derive(Debug, Clone, Copy)]
enum Shape {
    Scattered,
    /// Around a few centres, as real profiles do.
    Clustered,
    /// Of a few distinct ones, each many times.
    Repeated,
}

fn vectors_of(shape: Shape, count: usize, dimension: usize, seed: u64) -> Vec<f32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut draw = |spread: f32| (0..dimension).map(|_| random.random_range(-spread..spread)).collect::<Vec<f32>>();
    let centres: Vec<Vec<f32>> = (0..12).map(|_| draw(1.0)).collect();
    let unit = |mut vector: Vec<f32>| {
        let norm = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
        vector.iter_mut().for_each(|value| *value /= norm);
        vector
    };
    let one = |at: usize| match shape {
        Shape::Scattered => draw(1.0),
        Shape::Clustered => centres[at * 7 % 12].iter().zip(draw(0.7)).map(|(centre, noise)| centre + noise).collect(),
        Shape::Repeated => centres[at * 7 % 12].clone(),
    };
    (0..count).map(one).flat_map(unit).collect()
}

/// A facet in which each row is a member.
struct Built {
    facet: Facet,
    vectors: Vectors,
    path: PathBuf,
    made: Made,
}

fn build(folder: &Path, name: &str, matrix: &[f32], dimension: usize, earlier: Option<&Built>) -> Built {
    let rows: Vec<u32> = (0..(matrix.len() / dimension) as u32).collect();
    let (of_vectors, path) = (folder.join(format!("{name}.vectors")), folder.join(format!("{name}.facet")));
    Vectors::write_unnamed(&of_vectors, matrix).unwrap();
    let (vectors, _) = Vectors::open(&of_vectors, dimension).unwrap();
    let earlier = earlier.map(|built| (&built.facet, &built.vectors));
    let made = write_facet(&path, &rows, &vectors, &PARAMETERS, earlier).unwrap();
    let (facet, file) = Facet::open(&path, rows.len(), &vectors).unwrap();
    file.verify().unwrap();
    Built { facet, vectors, path, made }
}

/// How many members a walk for their own vector does not lead to, nor to anybody who is as near.
fn lost(built: &Built, ef: usize) -> usize {
    let mut everyone = FixedBitSet::with_capacity(built.vectors.len());
    everyone.insert_range(..);
    let own = |slot: usize| built.vectors.row(slot as u32).unwrap();
    let found = |slot: &usize| {
        let probe = Probe { query: own(*slot), k: 1, allowed: &everyone, turn: 0 };
        built.facet.walk(&built.vectors, probe, ef).iter().any(|near| dot(own(near.index()), own(*slot)) > 0.9999)
    };
    (0..built.vectors.len()).filter(|slot| !found(slot)).count()
}

/// The cosines of the `k` nearest among the allowed, every one compared here and not in the index.
fn nearest(built: &Built, probe: Probe<'_>) -> Vec<f32> {
    let cosine = |slot| dot(probe.query, built.vectors.row(slot as u32).unwrap());
    let mut cosines: Vec<f32> = probe.allowed.ones().map(cosine).collect();
    cosines.sort_by(|left, right| right.total_cmp(left));
    cosines.truncate(probe.k);
    cosines
}

fn check_form(probe: Probe<'_>, found: &[Slot]) -> Result<(), TestCaseError> {
    let mut slots: Vec<usize> = found.iter().map(|slot| slot.index()).collect();
    prop_assert!(slots.iter().all(|slot| probe.allowed.contains(*slot)), "somebody who is not allowed");
    slots.sort_unstable();
    slots.dedup();
    prop_assert_eq!(slots.len(), found.len(), "somebody twice");
    Ok(())
}

/// How many of the nearest were found: by cosine, not by slot, as equally near members are equally right.
fn hits(built: &Built, query: &[f32], found: &[Slot], nearest: &[f32]) -> usize {
    let worst = nearest.last().copied().unwrap_or(f32::MAX);
    let cosine = |slot: &Slot| dot(query, built.vectors.row(slot.index() as u32).unwrap());
    found.iter().filter(|slot| cosine(slot) >= worst - 1e-6).count().min(nearest.len())
}

fn shape() -> impl Strategy<Value = Shape> {
    prop_oneof![Just(Shape::Scattered), Just(Shape::Clustered), Just(Shape::Repeated)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_way_finds_what_an_exact_comparison_finds(
        shape in shape(),
        count in prop_oneof![0usize..4, 4usize..400, Just(1500)],
        dimension in prop_oneof![Just(96usize), Just(130), Just(384)],
        (density, k, ef) in (0f64..=1.0, 0usize..30, 40usize..120),
        seed: u64,
    ) {
        let folder = TempDir::new().unwrap();
        let matrix = vectors_of(shape, count, dimension, seed);
        let built = build(folder.path(), "a", &matrix, dimension, None);
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut allowed = FixedBitSet::with_capacity(count);
        (0..count).for_each(|slot| allowed.set(slot, random.random_bool(density)));
        let matches = allowed.count_ones(..);
        let (mut of_scan, mut of_search, mut wanted) = (0, 0, 0);
        for query in vectors_of(Shape::Clustered, 10, dimension, seed).chunks_exact(dimension) {
            let probe = Probe { query, k, allowed: &allowed, turn: seed };
            let nearest = nearest(&built, probe);
            let exact = built.facet.exact(&built.vectors, probe);
            check_form(probe, &exact.iter().map(|near| near.slot).collect::<Vec<_>>())?;
            prop_assert_eq!(exact.iter().map(|near| near.cosine).collect::<Vec<_>>(), nearest.clone());
            for ef in [1, ef] {
                check_form(probe, &built.facet.walk(&built.vectors, probe, ef))?;
            }
            let scanned = built.facet.scan(&built.vectors, probe);
            check_form(probe, &scanned)?;
            let searched = built.facet.search(&built.vectors, probe, ef, matches);
            check_form(probe, &searched)?;
            wanted += nearest.len();
            of_scan += hits(&built, query, &scanned, &nearest);
            of_search += hits(&built, query, &searched, &nearest);
            prop_assert_eq!(scanned.len(), nearest.len(), "a scan leaves nobody out");
            prop_assert_eq!(searched.len(), nearest.len(), "fewer than there are");
        }
        prop_assert!(of_scan * 100 >= wanted * 95, "the scan finds {of_scan} of {wanted}");
        prop_assert!(of_search * 100 >= wanted * 80, "the search finds {of_search} of {wanted}");
    }
}

#[test]
fn no_member_is_lost_and_recall_is_high_however_vectors_lie() {
    for (shape, count) in [(Shape::Scattered, 3000), (Shape::Clustered, 6000), (Shape::Repeated, 3000)] {
        let folder = TempDir::new().unwrap();
        let built = build(folder.path(), "a", &vectors_of(shape, count, 96, 3), 96, None);
        let report = built.facet.audit(&built.vectors, DEFAULT_EF, built.made, 1);
        assert_eq!((report.lost, report.members), (0, count as u64), "{shape:?}: {report:?}");
        assert_eq!(lost(&built, DEFAULT_EF), 0, "{shape:?}");
        assert!(report.recall_at_10 > 0.95, "{shape:?}: {report:?}");
        assert_eq!(report.changes.inserted, report.nodes);
    }
}

#[test]
fn without_links_the_codes_are_scanned_on_the_next_night_too() {
    let (folder, count, dimension) = (tempfile::tempdir().unwrap(), 3_000, 64);
    let matrix = vectors_of(Shape::Clustered, count, dimension, 5);
    let unlinked = GraphParameters { m: 0, ..PARAMETERS };
    let (of_vectors, path) = (folder.path().join("vectors"), folder.path().join("facet"));
    Vectors::write_unnamed(&of_vectors, &matrix).unwrap();
    let (vectors, _) = Vectors::open(&of_vectors, dimension).unwrap();
    let rows: Vec<u32> = (0..count as u32).collect();
    let made = write_facet(&path, &rows, &vectors, &unlinked, None).unwrap();
    assert_eq!((made.lost, made.changes.inserted), (0, count as u64));
    let (facet, file) = Facet::open(&path, count, &vectors).unwrap();
    file.verify().unwrap();
    let linked = build(folder.path(), "linked", &matrix, dimension, None);
    let size = |path: &Path| std::fs::metadata(path).unwrap().len();
    assert!(size(&path) < size(&linked.path) - 100 * count as u64, "no room for links");
    let report = facet.audit(&vectors, DEFAULT_EF, made, 1);
    assert!(report.recall_at_10 > 0.99 && report.unreachable == 0, "{report:?}");
    let mut everyone = FixedBitSet::with_capacity(count);
    everyone.insert_range(..);
    for row in [0, 1_500, 2_999] {
        let probe = Probe { query: vectors.row(row).unwrap(), k: 10, allowed: &everyone, turn: 0 };
        let found = facet.search(&vectors, probe, DEFAULT_EF, count);
        assert_eq!(found.len(), 10);
        assert!(facet.recall_of(&vectors, probe, &found).unwrap() >= 0.9);
    }
    // The next night there is nothing to carry over, and nothing is lost by that.
    let next = folder.path().join("next");
    let made = write_facet(&next, &rows, &vectors, &unlinked, Some((&facet, &vectors))).unwrap();
    assert_eq!((made.lost, made.changes.kept, made.changes.unlinked), (0, 0, 0));
}

#[test]
fn a_filter_far_from_the_query_still_finds_its_own() {
    // Those who match lie around other centres than the query: none of them is among its nearest.
    let folder = TempDir::new().unwrap();
    let count = 6000;
    let built = build(folder.path(), "a", &vectors_of(Shape::Clustered, count, 96, 3), 96, None);
    let mut allowed = FixedBitSet::with_capacity(count);
    (0..count).filter(|slot| slot * 7 % 12 >= 4).for_each(|slot| allowed.insert(slot));
    let query = built.vectors.row(0).unwrap();
    let probe = Probe { query, k: 10, allowed: &allowed, turn: 0 };
    assert!(matches!(built.facet.plan(10, allowed.count_ones(..)), Plan::Walk(_)), "else nothing is tested here");
    let found = built.facet.search(&built.vectors, probe, 10, allowed.count_ones(..));
    let hits = hits(&built, query, &found, &nearest(&built, probe));
    assert!(hits >= 9, "{hits} of 10: {found:?}");
}

#[test]
fn the_graph_is_the_same_on_one_thread_and_on_two() {
    let folder = TempDir::new().unwrap();
    let matrix = vectors_of(Shape::Clustered, 4000, 96, 5);
    let later = [&matrix[96 * 100..], &vectors_of(Shape::Scattered, 150, 96, 6)].concat();
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let first = build(folder.path(), &format!("{threads}-first"), &matrix, 96, None);
            let night = build(folder.path(), &format!("{threads}-night"), &later, 96, Some(&first));
            assert_eq!(
                (night.made.changes.kept, night.made.changes.unlinked, night.made.changes.inserted),
                (3900, 100, 150)
            );
            (std::fs::read(first.path).unwrap(), std::fs::read(night.path).unwrap())
        })
    };
    let (one, two) = (on(1), on(2));
    assert!(one.0 == two.0, "a full build differs");
    assert!(one.1 == two.1, "a night differs");
}

#[test]
fn thirty_nights_lose_nobody_and_no_recall() {
    let folder = TempDir::new().unwrap();
    let (dimension, count, a_night) = (96, 3000, 30);
    let all = vectors_of(Shape::Clustered, count + 30 * a_night, dimension, 9);
    let of_night = |night: usize| &all[night * a_night * dimension..][..count * dimension];
    let mut built = build(folder.path(), "0", of_night(0), dimension, None);
    for night in 1..=30 {
        let next = build(folder.path(), &night.to_string(), of_night(night), dimension, Some(&built));
        let expected = (count - a_night) as u64;
        assert_eq!((next.made.changes.kept, next.made.changes.inserted), (expected, a_night as u64), "night {night}");
        built = next;
    }
    let carried = built.facet.audit(&built.vectors, 40, built.made, 1);
    let anew = build(folder.path(), "anew", of_night(30), dimension, None);
    let anew = anew.facet.audit(&anew.vectors, 40, anew.made, 1);
    assert_eq!((carried.lost, lost(&built, DEFAULT_EF)), (0, 0), "{carried:?}");
    assert!(carried.recall_at_10 > anew.recall_at_10 - 0.02, "{carried:?} {anew:?}");
}

#[test]
fn most_of_the_graph_gone_is_built_anew() {
    let folder = TempDir::new().unwrap();
    let matrix = vectors_of(Shape::Clustered, 1000, 96, 5);
    let first = build(folder.path(), "first", &matrix, 96, None);
    let night = build(folder.path(), "night", &matrix[..96 * 500], 96, Some(&first));
    assert_eq!((night.made.changes.kept, night.made.changes.inserted, night.made.changes.unlinked), (0, 500, 0));
}
