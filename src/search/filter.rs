//! Filters: who may be found at all. They are part of retrieval, so that fewer than k come back only when fewer match.

use fixedbitset::FixedBitSet;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::view::View;
use crate::index::Slot;
use crate::index::columns::{Attribute, flag};
use crate::index::encode::Encoded;
use crate::member::Role;
use crate::member::fold::{Aliases, Key};

/// The most alternatives of one field.
const MOST_VALUES: usize = 100;

/// What a mentor must be. Several values of one field are alternatives; all fields must hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// Has this role; mentors unless stated.
    pub role: Option<Role>,
    /// Lives in one of these countries.
    pub country: Vec<String>,
    /// Lives in one of these regions.
    pub region: Vec<String>,
    /// Lives in one of these cities.
    pub city: Vec<String>,
    /// Lives within this distance.
    pub within: Option<Within>,
    /// Speaks one of these languages.
    pub language: Vec<String>,
    /// At most this many hours between the clocks.
    pub time_zone_gap: Option<f32>,
    /// Works in one of these industries.
    pub industry: Vec<String>,
    /// Has one of these professions.
    pub profession: Vec<String>,
    /// Takes at least this many mentees.
    pub capacity: Option<u32>,
    /// Whether paused members may be found too.
    pub paused: bool,
    /// Lives in another country than the seeker; both are known.
    // Left out where it is not asked for: a query's text is the seed that orders equal scores.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub other_country: bool,
    /// Speaks a language that the seeker does not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub other_language: bool,
    /// Comes from another country than the seeker, by their home towns; both are known.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub other_home_country: bool,
}

/// A circle around a place.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Within {
    /// The radius.
    pub km: f32,
    /// Its centre, latitude and longitude in degrees; where the seeker lives, unless stated.
    #[serde(default)]
    pub of: Option<(f32, f32)>,
}

/// A filter that cannot be applied: its field and what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("filter {field}: {problem}")]
pub struct InvalidFilter {
    /// The filter's field.
    pub field: String,
    /// What is wrong and what was expected.
    pub problem: String,
}

impl InvalidFilter {
    fn new(field: &str, problem: impl Into<String>) -> Self {
        InvalidFilter { field: field.to_owned(), problem: problem.into() }
    }
}

impl Filter {
    /// Every field, as it is written in `field=value`.
    pub const FIELDS: [&'static str; 14] = [
        "role",
        "country",
        "region",
        "city",
        "within",
        "language",
        "time_zone_gap",
        "industry",
        "profession",
        "capacity",
        "paused",
        "other_country",
        "other_language",
        "other_home_country",
    ];

    /// Adds one `field=value`, such as `country=US`, `within=50km` or `within=50km@42.36,-71.06`.
    ///
    /// # Errors
    /// [`InvalidFilter`] where the field is unknown or the value is not what it takes.
    pub fn add(&mut self, filter: &str) -> Result<(), InvalidFilter> {
        let Some((field, value)) = filter.split_once('=') else {
            return Err(InvalidFilter::new(filter, "expected field=value, such as country=US"));
        };
        let (field, value) = (field.trim(), value.trim());
        if value.is_empty() {
            return Err(InvalidFilter::new(field, "has no value; expected field=value, such as country=US"));
        }
        let wrong = |expected: &str| InvalidFilter::new(field, format!("{value:?} is not {expected}"));
        match field {
            "role" => {
                self.role = Some(match value.to_ascii_lowercase().as_str() {
                    "mentor" => Role::Mentor,
                    "mentee" => Role::Mentee,
                    _ => return Err(wrong("a role; expected mentor or mentee")),
                });
            }
            "country" => self.country.push(value.to_owned()),
            "region" => self.region.push(value.to_owned()),
            "city" => self.city.push(value.to_owned()),
            "language" => self.language.push(value.to_owned()),
            "industry" => self.industry.push(value.to_owned()),
            "profession" => self.profession.push(value.to_owned()),
            "within" => {
                self.within =
                    Some(parse_within(value).ok_or_else(|| wrong("a distance; expected 50km or 50km@LAT,LON"))?)
            }
            "time_zone_gap" => {
                let hours = value.trim_end_matches('h').parse();
                self.time_zone_gap = Some(hours.map_err(|_| wrong("a number of hours"))?);
            }
            "capacity" => self.capacity = Some(value.parse().map_err(|_| wrong("a number of mentees"))?),
            "paused" | "other_country" | "other_language" | "other_home_country" => {
                let stated = value.parse().map_err(|_| wrong("true or false"))?;
                match field {
                    "paused" => self.paused = stated,
                    "other_country" => self.other_country = stated,
                    "other_language" => self.other_language = stated,
                    _ => self.other_home_country = stated,
                }
            }
            _ => {
                return Err(InvalidFilter::new(
                    field,
                    format!("is not a filter; expected one of {}", Self::FIELDS.join(", ")),
                ));
            }
        }
        self.check()
    }

    /// Refuses numbers out of range.
    ///
    /// # Errors
    /// [`InvalidFilter`] names the field.
    pub fn check(&self) -> Result<(), InvalidFilter> {
        for (field, _, values) in self.alternatives() {
            if values.len() > MOST_VALUES {
                return Err(InvalidFilter::new(
                    field,
                    format!("has {} values; at most {MOST_VALUES} are allowed", values.len()),
                ));
            }
        }
        if let Some(within) = self.within {
            if !(0.0..=20_040.0).contains(&within.km) {
                return Err(InvalidFilter::new(
                    "within",
                    format!("{} is no distance on Earth; expected 0 to 20040 km", within.km),
                ));
            }
            if let Some((lat, lon)) = within.of
                && !((-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lon))
            {
                return Err(InvalidFilter::new(
                    "within",
                    format!("{lat},{lon} is no place; expected latitude,longitude in degrees"),
                ));
            }
        }
        if let Some(gap) = self.time_zone_gap
            && !(0.0..=12.0).contains(&gap)
        {
            return Err(InvalidFilter::new("time_zone_gap", format!("is {gap}; expected 0 to 12 hours")));
        }
        Ok(())
    }

    /// The fields of which one value must hold, and what they are compared with.
    fn alternatives(&self) -> [(&'static str, Attribute, &[String]); 6] {
        [
            ("country", Attribute::Country, &self.country),
            ("region", Attribute::Region, &self.region),
            ("city", Attribute::City, &self.city),
            ("language", Attribute::Language, &self.language),
            ("industry", Attribute::Industry, &self.industry),
            ("profession", Attribute::Profession, &self.profession),
        ]
    }

    /// Each of its conditions alone, by the field it is stated in; role and paused are none.
    pub(super) fn conditions(&self) -> Vec<(&'static str, Filter)> {
        let none = Filter::default;
        let all = [
            ("country", Filter { country: self.country.clone(), ..none() }),
            ("region", Filter { region: self.region.clone(), ..none() }),
            ("city", Filter { city: self.city.clone(), ..none() }),
            ("within", Filter { within: self.within, ..none() }),
            ("language", Filter { language: self.language.clone(), ..none() }),
            ("time_zone_gap", Filter { time_zone_gap: self.time_zone_gap, ..none() }),
            ("industry", Filter { industry: self.industry.clone(), ..none() }),
            ("profession", Filter { profession: self.profession.clone(), ..none() }),
            ("capacity", Filter { capacity: self.capacity, ..none() }),
            ("other_country", Filter { other_country: self.other_country, ..none() }),
            ("other_language", Filter { other_language: self.other_language, ..none() }),
            ("other_home_country", Filter { other_home_country: self.other_home_country, ..none() }),
        ];
        all.into_iter().filter(|(_, condition)| *condition != none()).collect()
    }

    /// The members that match, of this role or of any. `seeker` is who seeks, for the filters that start from there.
    ///
    /// # Errors
    /// [`InvalidFilter`] where a filter starts from something that is not known of the seeker.
    pub(super) fn allowed(
        &self,
        view: &View,
        aliases: &Aliases,
        role: Option<Role>,
        seeker: &Encoded,
    ) -> Result<FixedBitSet, InvalidFilter> {
        self.check()?;
        let mut allowed = match role {
            Some(Role::Mentor) if !self.paused => view.findable().clone(),
            None if !self.paused => view.available().clone(),
            _ => {
                let roles = role.map_or(flag::MENTOR | flag::MENTEE, flag::of);
                let mut allowed = FixedBitSet::with_capacity(view.slots());
                for slot in 0..view.slots() {
                    let flags = view.flags(Slot(slot as u32));
                    let free = self.paused || flags & flag::PAUSED == 0;
                    allowed.set(slot, flags & roles != 0 && flags & flag::ADULT != 0 && free);
                }
                allowed
            }
        };
        for (_, attribute, values) in self.alternatives() {
            if values.is_empty() {
                continue;
            }
            let mut of_any = FixedBitSet::with_capacity(view.slots());
            for value in values {
                let having = view.having(attribute, aliases.key(value)).map(|slot| slot as usize);
                // A damaged list may name slots that do not exist.
                of_any.extend(having.filter(|slot| *slot < view.slots()));
            }
            allowed.intersect_with(&of_any);
        }
        if let Some(within) = self.within {
            let unknown = || {
                InvalidFilter::new(
                    "within",
                    "has no centre: the seeker's place is not known; expected within=50km@LAT,LON",
                )
            };
            let centre = within.of.or(seeker.coordinates).ok_or_else(unknown)?;
            retain(&mut allowed, |slot| {
                view.coordinates(slot).is_some_and(|place| kilometres(centre, place) <= within.km)
            });
        }
        if let Some(hours) = self.time_zone_gap {
            let unknown = || InvalidFilter::new("time_zone_gap", "needs the seeker's time zone, which is not known");
            let own = seeker.utc_offset.ok_or_else(unknown)?;
            retain(&mut allowed, |slot| {
                view.utc_offset(slot).is_some_and(|offset| hours_between(own, offset) <= hours)
            });
        }
        if let Some(least) = self.capacity {
            retain(&mut allowed, |slot| view.capacity(slot).is_some_and(|capacity| capacity >= least));
        }
        self.across(&mut allowed, view, seeker)?;
        Ok(allowed)
    }

    /// Leaves those who differ from the seeker where that is asked for.
    fn across(&self, allowed: &mut FixedBitSet, view: &View, seeker: &Encoded) -> Result<(), InvalidFilter> {
        let known = |field: &str, known: bool, what: &str| {
            let unknown = || InvalidFilter::new(field, format!("needs the seeker's {what}, which is not known"));
            known.then_some(()).ok_or_else(unknown)
        };
        let differ = |own: Key, theirs: Key| theirs != Key::NONE && theirs != own;
        if self.other_country {
            let own = seeker.location.country;
            known("other_country", own != Key::NONE, "country")?;
            retain(allowed, |slot| differ(own, view.location(slot).country));
        }
        if self.other_language {
            known("other_language", !seeker.languages.is_empty(), "languages")?;
            let new = |language: &Key| seeker.languages.binary_search(language).is_err();
            retain(allowed, |slot| view.keys(Attribute::Language, slot).iter().any(new));
        }
        if self.other_home_country {
            let own = seeker.hometown.country;
            known("other_home_country", own != Key::NONE, "home town's country")?;
            retain(allowed, |slot| differ(own, view.hometown(slot).country));
        }
        Ok(())
    }
}

fn parse_within(value: &str) -> Option<Within> {
    let (distance, of) = match value.split_once('@') {
        Some((distance, place)) => {
            let (lat, lon) = place.split_once(',')?;
            (distance, Some((lat.trim().parse().ok()?, lon.trim().parse().ok()?)))
        }
        None => (value, None),
    };
    Some(Within { km: distance.trim().trim_end_matches("km").trim().parse().ok()?, of })
}

fn retain(allowed: &mut FixedBitSet, holds: impl Fn(Slot) -> bool) {
    let out: Vec<usize> = allowed.ones().filter(|slot| !holds(Slot(*slot as u32))).collect();
    for slot in out {
        allowed.remove(slot);
    }
}

/// The great-circle distance of two places in degrees (the haversine formula; Earth's mean radius is 6,371 km).
pub(super) fn kilometres((lat1, lon1): (f32, f32), (lat2, lon2): (f32, f32)) -> f32 {
    let (lat1, lon1, lat2, lon2) = (lat1.to_radians(), lon1.to_radians(), lat2.to_radians(), lon2.to_radians());
    let haversine = ((lat2 - lat1) / 2.0).sin().powi(2) + lat1.cos() * lat2.cos() * ((lon2 - lon1) / 2.0).sin().powi(2);
    2.0 * 6_371.0 * haversine.sqrt().min(1.0).asin()
}

/// Hours between two clocks, given in minutes east of UTC; never more than 12, because clocks go round.
pub(super) fn hours_between(left: i16, right: i16) -> f32 {
    let minutes = (i32::from(left) - i32::from(right)).abs() % (24 * 60);
    minutes.min(24 * 60 - minutes) as f32 / 60.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_read_as_people_write_them() {
        let mut filter = Filter::default();
        for text in
            ["country=US", "country = CA", "within=50km@42.36,-71.06", "time_zone_gap=3h", "capacity=1", "role=Mentor"]
        {
            filter.add(text).unwrap();
        }
        assert_eq!(filter.country, ["US", "CA"]);
        assert_eq!(filter.within, Some(Within { km: 50.0, of: Some((42.36, -71.06)) }));
        assert_eq!((filter.time_zone_gap, filter.capacity, filter.role), (Some(3.0), Some(1), Some(Role::Mentor)));
    }

    #[test]
    fn a_wrong_filter_names_its_field_and_what_was_expected() {
        for (text, expected) in [
            ("country", "filter country: expected field=value, such as country=US"),
            ("country=", "filter country: has no value; expected field=value, such as country=US"),
            ("role=boss", "filter role: \"boss\" is not a role; expected mentor or mentee"),
            ("within=far", "filter within: \"far\" is not a distance; expected 50km or 50km@LAT,LON"),
            ("within=-1", "filter within: -1 is no distance on Earth; expected 0 to 20040 km"),
            ("within=NaN", "filter within: NaN is no distance on Earth; expected 0 to 20040 km"),
            ("capacity=-1", "filter capacity: \"-1\" is not a number of mentees"),
            ("paused=maybe", "filter paused: \"maybe\" is not true or false"),
            ("other_country=DE", "filter other_country: \"DE\" is not true or false"),
        ] {
            assert_eq!(Filter::default().add(text).unwrap_err().to_string(), expected);
        }
        assert!(Filter::default().add("age=30").unwrap_err().to_string().starts_with("filter age: is not a filter"));
    }

    #[test]
    fn distances_and_clocks() {
        let (boston, sydney) = ((42.36, -71.06), (-33.87, 151.21));
        assert!((kilometres(boston, sydney) - 16_245.0).abs() < 60.0);
        assert!(kilometres(boston, boston) < 0.01);
        assert_eq!(hours_between(-300, 60), 6.0);
        assert_eq!(hours_between(-11 * 60, 13 * 60), 0.0, "the same hour on another day");
    }
}
