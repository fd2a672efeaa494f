//! Filters: exactly those found who match, and k of them whenever k match, however few they are.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use rapport::member::fold::fold;
use rapport::member::{Member, Place, Role};
use rapport::search::{Filter, Known, SearchRequest, Within};

use crate::common::{by_member, find, ids, sample};

/// Whether the member may be found by the seeker, from the two records alone: what a filter means, without an index.
fn matches(member: &Member, seeker: &Member, filter: &Filter, known: Known) -> bool {
    let shown = member.public();
    let own = seeker.public();
    let lists = |left: &Member, right: &Member| left.blocks.contains(&right.id);
    let knows = |left: &Member, right: &Member| left.friends.contains(&right.id) || left.colleagues.contains(&right.id);
    let acquainted = knows(seeker, member) || knows(&shown, seeker);
    let one_of = |values: &[String], own: &[&str]| {
        values.is_empty() || values.iter().any(|value| own.iter().any(|own| fold(own) == fold(value)))
    };
    let place = shown.location.clone().unwrap_or_default();
    let part = |part: &Option<String>| part.clone().unwrap_or_default();
    let within = |within: Within| {
        let centre = within.of.map(|(lat, lon)| (f64::from(lat), f64::from(lon)));
        let centre = centre.or_else(|| own.location.as_ref().and_then(Place::coordinates)).unwrap();
        place.coordinates().is_some_and(|place| kilometres(centre, place) <= f64::from(within.km))
    };
    let gap = |hours: f32| {
        let own = minutes_east(own.time_zone.as_deref().unwrap());
        shown.time_zone.as_deref().is_some_and(|zone| {
            let apart = (minutes_east(zone) - own).rem_euclid(24 * 60);
            apart.min(24 * 60 - apart) as f32 / 60.0 <= hours
        })
    };
    let countries = |place: fn(&Member) -> &Option<Place>| {
        let country = |member: &Member| fold(&place(member).clone().unwrap_or_default().country.unwrap_or_default());
        (country(&own), country(&shown))
    };
    let differ = |(own, theirs): (String, String)| !own.is_empty() && !theirs.is_empty() && own != theirs;
    let languages = |member: &Member| member.languages.iter().map(|language| fold(language)).collect::<BTreeSet<_>>();
    member.id != seeker.id
        && (!filter.other_country || differ(countries(|member| &member.location)))
        && (!filter.other_home_country || differ(countries(|member| &member.hometown)))
        && (!filter.other_language || !languages(&shown).is_subset(&languages(&own)))
        && member.is(filter.role.unwrap_or(Role::Mentor))
        && member.adult != Some(false)
        && (filter.paused || !member.paused)
        && !lists(member, seeker)
        && !lists(seeker, member)
        && (known == Known::Include || !acquainted)
        && one_of(&filter.country, &[&part(&place.country)])
        && one_of(&filter.region, &[&part(&place.region)])
        && one_of(&filter.city, &[&part(&place.city)])
        && one_of(&filter.language, &shown.languages.iter().map(String::as_str).collect::<Vec<_>>())
        && one_of(&filter.industry, &[shown.industry.as_deref().unwrap_or_default()])
        && one_of(&filter.profession, &[shown.profession.as_deref().unwrap_or_default()])
        && filter.capacity.is_none_or(|least| member.capacity.is_some_and(|capacity| capacity >= least))
        && filter.within.is_none_or(within)
        && filter.time_zone_gap.is_none_or(gap)
}

/// The spherical law of cosines: another formula than the code's.
fn kilometres((lat1, lon1): (f64, f64), (lat2, lon2): (f64, f64)) -> f64 {
    let (lat1, lat2, lon) = (lat1.to_radians(), lat2.to_radians(), (lon2 - lon1).to_radians());
    6_371.0 * (lat1.sin() * lat2.sin() + lat1.cos() * lat2.cos() * lon.cos()).clamp(-1.0, 1.0).acos()
}

/// The mean of January's and July's offset in 2026.
fn minutes_east(zone: &str) -> i32 {
    let zone = TimeZone::get(zone).unwrap();
    let at = |time: &str| zone.to_offset(time.parse::<Timestamp>().unwrap()).seconds() / 60;
    (at("2026-01-01T00:00:00Z") + at("2026-07-01T00:00:00Z")) / 2
}

/// The members found are exactly those that match; asked for a few, as many as there are.
fn is_exact(seeker: &Member, filter: &Filter, known: Known) -> usize {
    let expected: BTreeSet<&str> = (sample().members.iter())
        .filter(|member| matches(member, seeker, filter, known))
        .map(|member| member.id.as_str())
        .collect();
    for searcher in [&sample().searcher, &sample().tight] {
        for k in [1, 10, 45, 1_000] {
            let request = SearchRequest { filter: filter.clone(), known, k: Some(k), ..by_member(seeker.id.as_str()) };
            let answer = find(searcher, request);
            let found: BTreeSet<&str> = ids(&answer).into_iter().collect();
            assert!(found.is_subset(&expected), "{filter:?} finds {:?}", found.difference(&expected));
            assert_eq!(found.len(), k.min(expected.len()), "{k} asked of {}: {filter:?}", expected.len());
        }
    }
    expected.len()
}

/// Mentees with everything a filter starts from.
fn seekers() -> impl Iterator<Item = &'static Member> {
    let starts = |member: &&Member| {
        let shown = member.public();
        let located = shown.location.as_ref().and_then(Place::coordinates).is_some();
        let country = |place: &Option<Place>| place.as_ref().is_some_and(|place| place.country.is_some());
        let placed = located && country(&shown.location) && country(&shown.hometown) && !shown.languages.is_empty();
        placed && shown.time_zone.is_some() && member.adult != Some(false)
    };
    sample().members.iter().filter(starts)
}

#[test]
fn every_field_is_honoured_exactly_from_nobody_to_everybody() {
    let seeker = seekers().find(|member| member.friends.len() > 2).unwrap();
    let mut counts = Vec::new();
    for filters in [
        &[][..],
        &["country=us"],
        &["country=MX", "country=DE"],
        &["country=Atlantis"],
        &["region=jalisco"],
        &["city=guadalajara"],
        &["city=nowhere"],
        &["within=0km"],
        &["within=30km"],
        &["within=3000km"],
        &["within=500km@48.1,11.6"],
        &["within=20040km"],
        &["language=es"],
        &["language=EN", "language=de"],
        &["language=xx"],
        &["time_zone_gap=0"],
        &["time_zone_gap=2h"],
        &["time_zone_gap=12"],
        &["industry=healthcare"],
        &["industry=Aviation", "industry=FINANCE"],
        &["profession=registered nurse"],
        &["capacity=0"],
        &["capacity=3"],
        &["capacity=4294967295"],
        &["role=mentee"],
        &["paused=true"],
        &["other_country=true"],
        &["other_country=false"],
        &["other_language=true"],
        &["other_home_country=true"],
        &["other_country=true", "other_language=true", "role=mentee"],
        &["role=mentee", "country=US", "language=es"],
        &["country=US", "industry=Healthcare", "capacity=1", "time_zone_gap=3"],
    ] {
        let mut filter = Filter::default();
        for text in filters {
            filter.add(text).unwrap();
        }
        counts.push(is_exact(seeker, &filter, Known::Exclude));
        is_exact(seeker, &filter, Known::Include);
    }
    // The table says something only if it has filters that few, many and none match.
    assert!(
        counts.iter().any(|count| *count > 400) && counts.iter().any(|count| (1..10).contains(count)),
        "{counts:?}"
    );
    assert!(counts.contains(&0), "{counts:?}");
}

/// Any filter made of values that members have.
fn filters() -> impl Strategy<Value = (usize, Filter, bool)> {
    let some_values = |of: fn(&Member) -> Vec<String>| {
        let values: Vec<String> = sample().members.iter().flat_map(of).collect::<BTreeSet<_>>().into_iter().collect();
        prop_oneof![3 => Just(Vec::new()), 1 => prop::sample::subsequence(values.clone(), 1..=3.min(values.len()))]
    };
    (
        any::<usize>(),
        some_values(|member| member.location.clone().and_then(|place| place.country).into_iter().collect()),
        some_values(|member| member.languages.clone()),
        some_values(|member| member.industry.clone().into_iter().collect()),
        prop::option::weighted(0.3, 0.0f32..12.0),
        prop::option::weighted(0.3, prop_oneof![5.0f32..200.0, 200.0f32..9000.0]),
        prop::option::weighted(0.3, 0u32..6),
        prop::option::weighted(0.3, prop_oneof![Just(Role::Mentor), Just(Role::Mentee)]),
        prop::array::uniform2(any::<bool>()),
        prop::array::uniform3(prop::bool::weighted(0.2)),
    )
        .prop_map(
            |(seeker, country, language, industry, time_zone_gap, km, capacity, role, [paused, known], across)| {
                let [other_country, other_language, other_home_country] = across;
                let within = km.map(|km| Within { km, of: None });
                let filter = Filter {
                    role,
                    country,
                    language,
                    industry,
                    time_zone_gap,
                    within,
                    capacity,
                    paused,
                    other_country,
                    other_language,
                    other_home_country,
                    ..Filter::default()
                };
                (seeker, filter, known)
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200, rng_seed: RngSeed::Fixed(7), failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn any_filter_is_honoured_exactly((seeker, filter, known) in filters()) {
        let seekers: Vec<&Member> = seekers().collect();
        let known = if known { Known::Include } else { Known::Exclude };
        is_exact(seekers[seeker % seekers.len()], &filter, known);
    }
}
