//! How often each mentor is shown: to everyone alike, or again and again the same few.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::SHOWN;
use super::run::Run;
use crate::index::Slot;
use crate::member::fold::fold;
use crate::member::{Member, Place};
use crate::search::{SearchError, Searcher};

/// Records read at once, so that a large community is never in memory as a whole.
const RECORDS: usize = 1_000;

/// A field of the mentors' records to group them by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GroupField {
    /// Of the location.
    Country,
    /// Of the location.
    Region,
    /// Of the location.
    City,
    /// As it stands in the record.
    Industry,
    /// As it stands in the record.
    Profession,
    /// A mentor of several languages is in the group of each.
    Language,
}

impl GroupField {
    /// Every field.
    pub const ALL: &'static [GroupField] = &[
        GroupField::Country,
        GroupField::Region,
        GroupField::City,
        GroupField::Industry,
        GroupField::Profession,
        GroupField::Language,
    ];

    /// The name on the command line and in what is given.
    pub fn name(self) -> &'static str {
        match self {
            GroupField::Country => "country",
            GroupField::Region => "region",
            GroupField::City => "city",
            GroupField::Industry => "industry",
            GroupField::Profession => "profession",
            GroupField::Language => "language",
        }
    }

    fn values(self, member: &Member) -> Vec<String> {
        let of_place =
            |part: fn(&Place) -> &Option<String>| member.location.as_ref().and_then(|place| part(place).clone());
        match self {
            GroupField::Country => of_place(|place| &place.country).into_iter().collect(),
            GroupField::Region => of_place(|place| &place.region).into_iter().collect(),
            GroupField::City => of_place(|place| &place.city).into_iter().collect(),
            GroupField::Industry => member.industry.iter().cloned().collect(),
            GroupField::Profession => member.profession.iter().cloned().collect(),
            GroupField::Language => member.languages.clone(),
        }
    }
}

/// How what is shown is shared out among the mentors who may be found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exposure {
    /// Mentors who may be found.
    pub findable: usize,
    /// Mentors shown at least once.
    pub shown: usize,
    /// `shown` by `findable`.
    pub coverage: f64,
    /// The Gini coefficient of the mentors' shares: 0 if all are shown alike, near 1 if it is always the same one.
    pub gini: f64,
    /// The part of all that is shown that goes to the tenth of the mentors who are shown most.
    pub top_tenth: f64,
    /// The Lorenz curve: of the mentors, the least shown first, how much of what is shown the first 1/100, 2/100, … get.
    pub lorenz: Vec<f64>,
    /// By each value of the grouping fields asked for.
    pub groups: Vec<GroupExposure>,
}

/// One group's part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupExposure {
    /// The field that groups, such as `country`.
    pub field: String,
    /// Its value; none where it is absent.
    pub value: Option<String>,
    /// Mentors of the group who may be found.
    pub findable: usize,
    /// The group's part of all that is shown.
    pub share: f64,
    /// `share` by the group's part of the mentors: 1 is parity, below it the group is shown less than its size.
    pub parity: f64,
}

/// How the first [`SHOWN`] of each ranking of a run are shared out among the mentors whom the index can show. Groups are
/// of what the mentors' records say openly; spellings that fold to the same are one group.
///
/// # Errors
/// [`SearchError::Store`] where groups are asked for and the members' database cannot be read.
pub async fn exposure_of(searcher: &Searcher, run: &Run, groups: &[GroupField]) -> Result<Exposure, SearchError> {
    let snapshot = searcher.snapshot();
    let findable: Vec<&str> = snapshot.findable.ones().map(|slot| snapshot.columns.id(Slot(slot as u32))).collect();
    let mut values: HashMap<(String, &str), Vec<String>> = HashMap::new();
    let mut spellings: HashMap<(GroupField, String), String> = HashMap::new();
    for ids in findable.chunks(RECORDS).filter(|_| !groups.is_empty()) {
        for member in searcher.members(ids).await? {
            for field in groups {
                let mut of_field = Vec::new();
                for value in field.values(&member) {
                    // The first spelling stands for the others.
                    let spelling = spellings.entry((*field, fold(&value))).or_insert(value);
                    if !of_field.contains(spelling) {
                        of_field.push(spelling.clone());
                    }
                }
                values.insert((member.id.to_string(), field.name()), of_field);
            }
        }
    }
    let rankings: Vec<Vec<String>> = run
        .rankings()
        .map(|(_, ranking)| ranking.iter().take(SHOWN).map(|scored| scored.member.clone()).collect())
        .collect();
    let fields: Vec<&'static str> = groups.iter().map(|field| field.name()).collect();
    let values_of = |id: &str, field: &'static str| values.get(&(id.to_owned(), field)).cloned().unwrap_or_default();
    Ok(exposure(rankings.iter().map(Vec::as_slice), SHOWN, &findable, &fields, values_of))
}

/// How the first `k` of each ranking are shared out among `findable`. A place counts 1 / log2(rank + 1), as in DCG: what
/// stands first is seen most. `fields` are what to group by, and `values_of` gives a mentor's values of each: one of
/// several values is in several groups, one of none in that of the absent.
pub fn exposure<'a>(
    rankings: impl Iterator<Item = &'a [String]>,
    k: usize,
    findable: &[&str],
    fields: &[&'static str],
    values_of: impl Fn(&str, &'static str) -> Vec<String>,
) -> Exposure {
    let mut seen: HashMap<&str, f64> = findable.iter().map(|id| (*id, 0.0)).collect();
    for ranking in rankings {
        for (at, id) in ranking.iter().take(k).enumerate() {
            if let Some(seen) = seen.get_mut(id.as_str()) {
                *seen += 1.0 / (at as f64 + 2.0).log2();
            }
        }
    }
    let total: f64 = seen.values().sum::<f64>().max(f64::MIN_POSITIVE);
    let mut shares: Vec<f64> = seen.values().map(|seen| seen / total).collect();
    shares.sort_by(f64::total_cmp);
    let count = shares.len();
    let groups = fields.iter().flat_map(|field| {
        let mut groups: BTreeMap<Option<String>, (usize, f64)> = BTreeMap::new();
        for id in findable {
            let values = values_of(id, field);
            let absent = values.is_empty().then_some(None);
            for value in values.into_iter().map(Some).chain(absent) {
                let group = groups.entry(value).or_default();
                group.0 += 1;
                group.1 += seen.get(id).copied().unwrap_or(0.0) / total;
            }
        }
        groups.into_iter().map(|(value, (findable, share))| GroupExposure {
            field: (*field).to_owned(),
            value,
            findable,
            share,
            parity: share * count as f64 / findable as f64,
        })
    });
    let Evenness { gini, top_tenth, lorenz } = evenness(&shares);
    Exposure {
        findable: count,
        shown: shares.iter().filter(|share| **share > 0.0).count(),
        coverage: shares.iter().filter(|share| **share > 0.0).count() as f64 / count.max(1) as f64,
        gini,
        top_tenth,
        groups: groups.collect(),
        lorenz,
    }
}

/// How evenly something is shared out.
#[derive(Debug, Clone, PartialEq)]
pub struct Evenness {
    /// 0 where all have the same, 1 where one has all.
    pub gini: f64,
    /// The part of the tenth who have most.
    pub top_tenth: f64,
    /// The part of each percent of them, added up, those with least first.
    pub lorenz: Vec<f64>,
}

/// How even shares are, in ascending order, that sum to one.
pub fn evenness(shares: &[f64]) -> Evenness {
    let count = shares.len();
    Evenness {
        gini: gini(shares),
        top_tenth: shares[count - count.div_ceil(10)..].iter().sum(),
        lorenz: (1..=100).map(|percent| shares[..count * percent / 100].iter().sum()).collect(),
    }
}

/// Of shares in ascending order that sum to one: (2 Σ i·x_i) / (n Σ x) − (n + 1) / n, i from 1.
fn gini(shares: &[f64]) -> f64 {
    let count = shares.len() as f64;
    let weighted: f64 = shares.iter().enumerate().map(|(at, share)| (at as f64 + 1.0) * share).sum();
    if shares.is_empty() { 0.0 } else { (2.0 * weighted / count - (count + 1.0) / count).max(0.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rankings: &[&[&str]], findable: &[&str]) -> Exposure {
        let rankings: Vec<Vec<String>> =
            rankings.iter().map(|ids| ids.iter().map(|id| (*id).to_owned()).collect()).collect();
        let values_of = |id: &str, _: &str| match id {
            "a" => vec!["x".to_owned()],
            "d" => Vec::new(),
            _ => vec!["y".to_owned(), "z".to_owned()],
        };
        exposure(rankings.iter().map(Vec::as_slice), 1, findable, &["team"], values_of)
    }

    #[test]
    fn all_alike_is_no_inequality_and_one_alone_is_all_of_it() {
        let alike = of(&[&["a"], &["b"], &["c"], &["d"]], &["a", "b", "c", "d"]);
        assert!((alike.gini, alike.coverage, alike.shown) == (0.0, 1.0, 4), "{alike:?}");
        assert!(alike.groups.iter().all(|group| (group.parity - 1.0).abs() < 1e-12), "{alike:?}");
        let alone = of(&[&["a"], &["a"], &["a"]], &["a", "b", "c", "d"]);
        assert!((alone.gini - 0.75).abs() < 1e-12 && alone.coverage == 0.25, "{alone:?}");
        let x = alone.groups.iter().find(|group| group.value.as_deref() == Some("x")).unwrap();
        assert_eq!((x.findable, x.share, x.parity), (1, 1.0, 4.0));
        assert_eq!(alone.lorenz[99], 1.0);
    }

    #[test]
    fn nobody_to_be_found_is_no_division_by_zero() {
        let nobody = of(&[], &[]);
        assert_eq!((nobody.findable, nobody.coverage, nobody.gini), (0, 0.0, 0.0));
    }
}
