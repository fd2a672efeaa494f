//! A filter in Milvus' words. Who is found is looked at once more by the filter itself, so the words may admit a few too many,
//! but nobody too few.

use std::fmt::Write;

use crate::index::encode::Encoded;
use crate::member::Role;
use crate::member::fold::{Aliases, Key};
use crate::search::Filter;

/// What stands for a number that is not known.
pub(super) const UNKNOWN: i32 = -32_768;

/// Kilometres of a degree of latitude, or a little less.
const DEGREE: f32 = 111.0;

/// Those of a role who match a filter, as seen from the seeker, but for some.
pub(crate) fn expression(
    filter: &Filter,
    aliases: &Aliases,
    role: Option<Role>,
    seeker: &Encoded,
    left_out: &[u32],
) -> String {
    let mut terms = vec![if filter.paused { "adult == true" } else { "free == true" }.to_owned()];
    terms.extend(role.map(|role| format!("{} == true", if role == Role::Mentor { "mentor" } else { "mentee" })));
    let keys = |values: &[String]| list(values.iter().map(|value| aliases.key(value).0.cast_signed()));
    for (field, values) in [
        ("country", &filter.country),
        ("region", &filter.region),
        ("city", &filter.city),
        ("industry", &filter.industry),
        ("profession", &filter.profession),
    ] {
        if !values.is_empty() {
            terms.push(format!("{field} in {}", keys(values)));
        }
    }
    if !filter.language.is_empty() {
        terms.push(format!("array_contains_any(languages, {})", keys(&filter.language)));
    }
    if let Some((km, (latitude, longitude))) =
        filter.within.and_then(|within| Some((within.km, within.of.or(seeker.coordinates)?)))
    {
        let degrees = km / DEGREE + 0.01;
        let (south, north) = (latitude - degrees, latitude + degrees);
        terms.push(format!("latitude >= {:.3} and latitude <= {:.3}", south.max(-90.0), north.min(90.0)));
        // A degree of longitude is shortest farthest from the equator.
        let wide = degrees / south.abs().max(north.abs()).to_radians().cos();
        let (west, east) = (longitude - wide, longitude + wide);
        if south > -89.0 && north < 89.0 && west > -180.0 && east < 180.0 {
            terms.push(format!("longitude >= {west:.3} and longitude <= {east:.3}"));
        }
    }
    if let Some((hours, own)) = filter.time_zone_gap.zip(seeker.utc_offset) {
        let (own, gap) = (i32::from(own), (hours * 60.0).ceil() as i32);
        // Clocks go round.
        let around = [-1_440, 0, 1_440].map(|day| {
            let (from, to) = (own + day - gap, own + day + gap);
            format!("(utc_offset >= {from} and utc_offset <= {to})")
        });
        terms.push(format!("({})", around.join(" or ")));
    }
    terms.extend(filter.capacity.map(|least| format!("capacity >= {least}")));
    for (asked, field, own) in [
        (filter.other_country, "country", seeker.location.country),
        (filter.other_home_country, "home_country", seeker.hometown.country),
    ] {
        if asked {
            terms.push(format!("{field} not in {}", list([Key::NONE, own].map(|key| key.0.cast_signed()).into_iter())));
        }
    }
    if !left_out.is_empty() {
        terms.push(format!("slot not in {}", list(left_out.iter().map(|slot| i64::from(*slot)))));
    }
    terms.join(" and ")
}

fn list(numbers: impl Iterator<Item = i64>) -> String {
    let mut list = String::from("[");
    for number in numbers {
        let separator = if list.len() > 1 { "," } else { "" };
        // Nothing goes wrong where a text is written to.
        let _ = write!(list, "{separator}{number}");
    }
    list.push(']');
    list
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop")]
mod tests {
    use super::*;
    use crate::index::encode::PlaceKeys;

    fn said(filters: &[&str], role: Option<Role>, seeker: &Encoded) -> String {
        let mut filter = Filter::default();
        filters.iter().for_each(|stated| filter.add(stated).unwrap());
        expression(&filter, &Aliases::default(), role, seeker, &[])
    }

    #[test]
    fn a_filter_admits_everybody_whom_it_may() {
        let (us, nl) = (Aliases::default().key("US").0.cast_signed(), Aliases::default().key("nl").0.cast_signed());
        let seeker = Encoded {
            coordinates: Some((60.0, 5.0)),
            utc_offset: Some(-660),
            location: PlaceKeys { country: Key(7), ..PlaceKeys::default() },
            ..Encoded::default()
        };
        for (filters, role, expected) in [
            (&[][..], Some(Role::Mentor), "free == true and mentor == true".to_owned()),
            (&["paused=true"], None, "adult == true".to_owned()),
            (&["country=US", "capacity=2"], None, format!("free == true and country in [{us}] and capacity >= 2")),
            (&["language=nl"], None, format!("free == true and array_contains_any(languages, [{nl}])")),
            (&["other_country=true"], None, "free == true and country not in [0,7]".to_owned()),
            // Somebody east of the date line is an hour away.
            (
                &["time_zone_gap=2h"],
                None,
                "free == true and ((utc_offset >= -2220 and utc_offset <= -1980) or (utc_offset >= -780 and utc_offset <= -540) \
                 or (utc_offset >= 660 and utc_offset <= 900))"
                    .to_owned(),
            ),
        ] {
            assert_eq!(said(filters, role, &seeker), expected);
        }
        // A degree of longitude is half as long at 60 degrees, and shorter still to the north.
        let near = said(&["within=111km"], None, &seeker);
        assert!(
            near.contains("latitude >= 58.990 and latitude <= 61.010") && near.contains("longitude >= 2.9"),
            "{near}"
        );
        let pole = said(&["within=100km@89.5,0"], None, &seeker);
        assert!(!pole.contains("longitude"), "every longitude is near: {pole}");
        let date_line = said(&["within=100km@0,179.9"], None, &seeker);
        assert!(!date_line.contains("longitude"), "{date_line}");
        let known = expression(&Filter::default(), &Aliases::default(), None, &seeker, &[3, 9]);
        assert_eq!(known, "free == true and slot not in [3,9]");
    }
}
