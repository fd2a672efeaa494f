//! What the form to find a mentor holds.

use crate::member::{Member, MemberId};
use crate::search::{Filter, SearchRequest};
use crate::server::json::Pairs;
use crate::server::page::form::stated;
use crate::server::page::visitor::Visitor;
use crate::server::problem::Problem;

/// Hits on a page, unless more are asked for.
const HITS: usize = 10;

/// By what somebody looks for a mentor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// What their record says.
    Member,
    /// Their own words.
    Words,
    /// A profile that is not stored.
    Profile,
}

impl By {
    pub const ALL: [(By, &'static str); 3] = [(By::Member, "member"), (By::Words, "words"), (By::Profile, "profile")];

    /// As the form says it.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(by, _)| *by == self).map_or("", |(_, name)| name)
    }
}

/// What the form holds: nothing of it is stored.
#[derive(Debug, Clone)]
pub struct Sought {
    pub by: By,
    pub member: String,
    pub text: String,
    pub aims_for: String,
    pub seeks: String,
    pub interests: Vec<String>,
    pub facing: Vec<String>,
    pub country: String,
    pub city: String,
    pub language: String,
    pub industry: String,
    pub within: String,
    pub outside: f64,
    pub exchange: bool,
    pub k: usize,
}

impl Sought {
    /// Reads what the form sent.
    pub fn read(visitor: &Visitor, query: Option<&str>) -> Result<Sought, Problem> {
        let mut pairs = Pairs::of(query);
        let by = match pairs.one("by")?.as_deref() {
            None if visitor.caller.member().is_some() => By::Member,
            None => By::Words,
            Some(name) => {
                let found = By::ALL.iter().find(|(_, known)| *known == name).map(|(by, _)| *by);
                found.ok_or_else(|| Problem::invalid("by", format!("{name:?} is not member, words or profile")))?
            }
        };
        let list = |pairs: &mut Pairs, name: &str| -> Vec<String> {
            let stated = pairs.all(name);
            let parts = stated.iter().flat_map(|value| value.split(',')).map(str::trim);
            parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
        };
        let (interests, facing) = (list(&mut pairs, "interests"), list(&mut pairs, "facing"));
        let outside = stated(&mut pairs, "outside_circle")?.unwrap_or_default();
        let outside =
            if outside.is_empty() { Some(0.0) } else { outside.parse().ok().filter(|dial: &f64| dial.is_finite()) };
        let outside = outside.ok_or_else(|| Problem::invalid("outside_circle", "expected a number from 0 to 1"))?;
        let k = pairs.parsed("k", "a number of hits, 1 to 1000")?.unwrap_or(HITS);
        let mut one = |name: &str| Ok::<_, Problem>(stated(&mut pairs, name)?.unwrap_or_default().trim().to_owned());
        Ok(Sought {
            by,
            member: one("member")?,
            text: one("text")?,
            aims_for: one("aims_for")?,
            seeks: one("seeks")?,
            country: one("country")?,
            city: one("city")?,
            language: one("language")?,
            industry: one("industry")?,
            within: one("within")?,
            exchange: !one("exchange")?.is_empty(),
            interests,
            facing,
            outside,
            k,
        })
    }

    /// The search; nothing where nothing is sought yet.
    pub fn request(&self, visitor: &Visitor) -> Result<Option<SearchRequest>, Problem> {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let mut request = SearchRequest {
            filter: self.filter()?,
            k: Some(self.k),
            outside_circle: Some(self.outside).filter(|dial| *dial != 0.0),
            ..SearchRequest::default()
        };
        match self.by {
            By::Member => {
                request.member = match visitor.caller.member() {
                    Some(own) => Some(own.clone()),
                    None => some(&self.member).map(MemberId::new).transpose()?,
                };
                request.exchange = self.exchange;
            }
            By::Words => request.text = some(&self.text),
            By::Profile => {
                let profile = Member {
                    aims_for: some(&self.aims_for),
                    seeks: some(&self.seeks),
                    interests: self.interests.clone(),
                    facing: self.facing.clone(),
                    ..Member::default()
                };
                request.profile = (profile != Member::default()).then_some(profile);
            }
        }
        let asked = request.member.is_some() || request.text.is_some() || request.profile.is_some();
        Ok(asked.then_some(request))
    }

    /// Whether anything keeps mentors from being found, or moves them.
    pub fn is_filtered(&self) -> bool {
        let filters = [&self.country, &self.city, &self.language, &self.industry, &self.within];
        filters.iter().any(|filter| !filter.is_empty()) || self.outside > 0.0 || self.exchange
    }

    fn filter(&self) -> Result<Filter, Problem> {
        let mut filter = Filter::default();
        let stated = [
            ("country", &self.country),
            ("city", &self.city),
            ("language", &self.language),
            ("industry", &self.industry),
            ("within", &self.within),
        ];
        for (field, value) in stated {
            if !value.is_empty() {
                let unit = if field == "within" && !value.ends_with("km") { "km" } else { "" };
                let added = filter.add(&format!("{field}={value}{unit}"));
                added.map_err(|invalid| Problem::invalid(invalid.field, invalid.problem))?;
            }
        }
        Ok(filter)
    }
}
