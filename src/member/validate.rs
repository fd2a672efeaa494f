//! The rules of the member format: what is tidied, and what is refused with which words.

use std::collections::HashSet;

use super::{Education, Invalid, Member, Place};

/// Fields that decide who is found and are never shown, or without which there is no member.
const NEVER_PRIVATE: [&str; 6] = ["id", "roles", "paused", "adult", "blocks", "private"];

/// The most entries of a list of phrases; every pair of two members' is compared.
pub(crate) const MOST_PHRASES: usize = 200;

impl Member {
    /// Trims every text, drops what is empty or said twice, and checks the rest.
    ///
    /// # Errors
    /// The first field that breaks the member format.
    pub fn validate(mut self) -> Result<Self, Invalid> {
        self.id.check("id")?;
        if self.roles.is_empty() {
            return Err(Invalid::new("roles", "is missing; expected a list of \"mentor\", \"mentee\" or both"));
        }
        self.tidy();
        self.check_attributes()?;
        Ok(self)
    }

    /// As [`Member::validate`], for a profile that nobody saved: it needs neither id nor roles.
    ///
    /// # Errors
    /// The first field that breaks the member format.
    pub fn validate_profile(mut self) -> Result<Self, Invalid> {
        self.tidy();
        self.check_attributes()?;
        Ok(self)
    }

    fn texts_mut(&mut self) -> [&mut Option<String>; 10] {
        [
            &mut self.name,
            &mut self.headline,
            &mut self.about,
            &mut self.profession,
            &mut self.industry,
            &mut self.aims_for,
            &mut self.seeks,
            &mut self.offers,
            &mut self.time_zone,
            &mut self.last_active,
        ]
    }

    fn tidy(&mut self) {
        for text in self.texts_mut() {
            tidy_text(text);
        }
        for place in [&mut self.location, &mut self.hometown] {
            if let Some(known) = place {
                for text in [&mut known.city, &mut known.region, &mut known.country] {
                    tidy_text(text);
                }
                place.take_if(|place| *place == Place::default());
            }
        }
        for school in &mut self.education {
            for text in [&mut school.school, &mut school.degree, &mut school.field] {
                tidy_text(text);
            }
        }
        self.education.retain(|school| *school != Education::default());
        for list in [
            &mut self.employers,
            &mut self.interests,
            &mut self.facing,
            &mut self.overcame,
            &mut self.languages,
            &mut self.groups,
        ] {
            tidy_list(list);
        }
        let own = self.id.clone();
        for list in [&mut self.friends, &mut self.colleagues, &mut self.blocks] {
            let mut seen = HashSet::new();
            list.retain(|id| *id != own && seen.insert(id.clone()));
        }
        let mut roles = Vec::new();
        for role in self.roles.drain(..) {
            if !roles.contains(&role) {
                roles.push(role);
            }
        }
        self.roles = roles;
        tidy_list(&mut self.private);
    }

    fn check_attributes(&mut self) -> Result<(), Invalid> {
        for (field, text) in [
            ("name", &self.name),
            ("headline", &self.headline),
            ("about", &self.about),
            ("profession", &self.profession),
            ("industry", &self.industry),
            ("aims_for", &self.aims_for),
            ("seeks", &self.seeks),
            ("offers", &self.offers),
        ] {
            if let Some(text) = text {
                check_length(field, text)?;
            }
        }
        for (field, list) in [
            ("employers", &self.employers),
            ("interests", &self.interests),
            ("facing", &self.facing),
            ("overcame", &self.overcame),
            ("languages", &self.languages),
            ("groups", &self.groups),
        ] {
            check_entries(field, list.len(), MOST_PHRASES)?;
            for (at, text) in list.iter().enumerate() {
                check_length(&format!("{field}[{at}]"), text)?;
            }
        }
        check_entries("education", self.education.len(), MOST_PHRASES)?;
        for (at, school) in self.education.iter().enumerate() {
            for (part, text) in [("school", &school.school), ("degree", &school.degree), ("field", &school.field)] {
                check_length(&format!("education[{at}].{part}"), text.as_deref().unwrap_or(""))?;
            }
        }
        for (field, ids) in [("friends", &self.friends), ("colleagues", &self.colleagues), ("blocks", &self.blocks)] {
            check_entries(field, ids.len(), Member::MAX_LIST)?;
            for (at, id) in ids.iter().enumerate() {
                id.check(&format!("{field}[{at}]"))?;
            }
        }
        check_place("location", self.location.as_ref())?;
        check_place("hometown", self.hometown.as_ref())?;
        if let Some(years) = self.years_experience
            && !(0.0..=100.0).contains(&years)
        {
            return Err(Invalid::new("years_experience", format!("is {years}; expected 0 to 100 years")));
        }
        if let Some(zone) = &self.time_zone
            && jiff::tz::TimeZone::get(zone).is_err()
        {
            let problem =
                format!("{zone:?} is not a known time zone; expected an IANA name such as \"America/New_York\"");
            return Err(Invalid::new("time_zone", problem));
        }
        if let Some(day) = &self.last_active
            && day.parse::<jiff::civil::Date>().is_err()
        {
            return Err(Invalid::new("last_active", format!("{day:?} is not a date; expected YYYY-MM-DD")));
        }
        for (at, field) in self.private.iter().enumerate() {
            if !Self::FIELDS.contains(&field.as_str()) || NEVER_PRIVATE.contains(&field.as_str()) {
                let problem = format!(
                    "{field:?} is not a field that can be private; expected a field's name, and none of {}",
                    NEVER_PRIVATE.join(", ")
                );
                return Err(Invalid::new(format!("private[{at}]"), problem));
            }
        }
        Ok(())
    }
}

fn tidy_text(text: &mut Option<String>) {
    if let Some(kept) = text {
        let trimmed = kept.trim();
        if trimmed.is_empty() {
            *text = None;
        } else if trimmed.len() != kept.len() {
            *text = Some(trimmed.to_owned());
        }
    }
}

fn tidy_list(list: &mut Vec<String>) {
    let mut seen = HashSet::new();
    for text in list.iter_mut() {
        let trimmed = text.trim();
        if trimmed.len() != text.len() {
            *text = trimmed.to_owned();
        }
    }
    list.retain(|text| !text.is_empty() && seen.insert(text.clone()));
}

fn check_length(field: &str, text: &str) -> Result<(), Invalid> {
    let length = text.chars().count();
    if length > Member::MAX_TEXT {
        return Err(Invalid::new(field, format!("has {length} characters; at most {} are allowed", Member::MAX_TEXT)));
    }
    Ok(())
}

fn check_entries(field: &str, entries: usize, most: usize) -> Result<(), Invalid> {
    if entries > most {
        return Err(Invalid::new(field, format!("has {entries} entries; at most {most} are allowed")));
    }
    Ok(())
}

fn check_place(field: &str, place: Option<&Place>) -> Result<(), Invalid> {
    let Some(place) = place else { return Ok(()) };
    for (part, text) in [("city", &place.city), ("region", &place.region), ("country", &place.country)] {
        check_length(&format!("{field}.{part}"), text.as_deref().unwrap_or(""))?;
    }
    for (part, value, limit) in [("lat", place.lat, 90.0), ("lon", place.lon, 180.0)] {
        if let Some(value) = value
            && !(-limit..=limit).contains(&value)
        {
            return Err(Invalid::new(
                format!("{field}.{part}"),
                format!("is {value}; expected degrees from -{limit} to {limit}"),
            ));
        }
    }
    if place.lat.is_some() != place.lon.is_some() {
        return Err(Invalid::new(field, "has one of lat and lon; expected both or neither"));
    }
    Ok(())
}
