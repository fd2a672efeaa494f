//! What a rebuild would do, told without doing it: nothing is written, and no lock is needed.

use std::collections::HashSet;
use std::hash::Hash;

use rayon::prelude::*;
use serde::Serialize;

use super::gather::{Roll, encoder};
use super::{RebuildError, basis, holds_all, model_used};
use crate::config::Config;
use crate::embed::Model;
use crate::index::encode::Encoded;
use crate::index::facet::MOST_CHANGED;
use crate::index::write::interest_list;
use crate::index::{Slot, Snapshot};
use crate::member::MemberId;
use crate::member::fold::Key;
use crate::store::Store;

/// Members read at once.
const PAGE: u32 = 2_000;

/// What a rebuild would do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// The generation that it would carry on from.
    pub from: Option<String>,
    /// Why it would carry on from none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_nothing: Option<String>,
    /// Whether that generation holds everything already, so that nothing would be published.
    pub nothing_to_do: bool,
    /// Members in the database.
    pub members: u64,
    /// Those of them who are new since that generation.
    pub added: u64,
    /// Those whose record changed since.
    pub changed: u64,
    /// Members of that generation who are gone.
    pub removed: u64,
    /// Distinct texts of all members.
    pub texts: u64,
    /// Those of them that would be embedded.
    pub to_embed: u64,
    /// What would become of the graph of the facet `profile`.
    pub profile: Graph,
    /// What would become of the graph of the facet `interests`.
    pub interests: Graph,
}

/// What would become of a graph. Texts yet to be embedded may turn out to have the vector of another, so the numbers may be
/// a little high.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Graph {
    /// Vectors that would be inserted; all of them where it is built anew.
    pub inserted: u64,
    /// Vectors that would be unlinked.
    pub unlinked: u64,
    /// Why it would be built anew; nothing where it is carried over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anew: Option<String>,
}

/// Says what a rebuild with this model would do.
///
/// # Errors
/// [`RebuildError`] where the database cannot be read.
pub async fn plan(config: &Config, model: &Model, full: bool) -> Result<Plan, RebuildError> {
    let store = Store::open(&config.database()).await?;
    let used = model_used(model);
    let moment = store.moment().await?;
    let sequence = moment.sequence;
    let (earlier, from_nothing) = match basis(config, &used, full) {
        Ok(earlier) => (Some(earlier), None),
        Err(why) => (None, Some(why)),
    };
    let roll = Roll::of(moment.records().await?, earlier.as_ref());
    let (added, changed) = roll.changes(earlier.as_ref());
    let members = roll.records.len() as u64;
    let mut profiles: HashSet<Key> = HashSet::new();
    let mut lists: HashSet<Vec<Key>> = HashSet::new();
    let mut texts: HashSet<Key> = HashSet::new();
    let encoder = encoder(&config.aliases, &used);
    let mut after: Option<MemberId> = None;
    loop {
        let page = store.page(after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id.clone());
        let encoded: Vec<Encoded> = page.par_iter().map(|member| encoder.encode(member)).collect();
        for encoded in &encoded {
            texts.extend(encoded.texts().map(|(key, _)| key));
            profiles.extend(encoded.profile.as_ref().map(|passage| passage.key));
            lists.extend(Some(interest_list(encoded)).filter(|list| !list.is_empty()));
        }
    }
    let known = |key: &Key| earlier.as_ref().is_some_and(|earlier| earlier.vectors.find(*key).is_some());
    let others: Vec<Key> = texts.iter().copied().filter(|key| !known(key)).collect();
    let stored = store.embedded(&used.fingerprint, used.dimension, &others).await?;

    // Texts with one vector are one node; a text that was never embedded is taken for a node of its own.
    let vector = |key: &Key| earlier.as_ref().and_then(|earlier| earlier.vectors.row(earlier.vectors.find(*key)?));
    let node = |key| vector(key).map_or(bytemuck::bytes_of(key), bytemuck::cast_slice);
    let nodes_now: HashSet<&[u8]> = profiles.iter().map(node).collect();

    // Graphs of other parameters are not carried over.
    let alike = earlier.as_ref().filter(|earlier| earlier.manifest.graph == config.graph() && config.milvus.is_none());
    let why = match (&from_nothing, &earlier) {
        (Some(why), _) => why.clone(),
        (None, _) if config.milvus.is_some() => "Milvus has the graphs".to_owned(),
        (None, Some(earlier)) => format!("the parameters in [graph] are not those of {}", earlier.name()),
        (None, None) => String::new(),
    };
    Ok(Plan {
        from: earlier.as_ref().map(Snapshot::name),
        from_nothing,
        nothing_to_do: earlier.as_ref().is_some_and(|earlier| holds_all(earlier, config, &used, sequence, &roll)),
        members,
        added,
        changed,
        removed: earlier.as_ref().map_or(0, |earlier| earlier.columns.len() as u64 + added - members),
        texts: texts.len() as u64,
        to_embed: (others.len() - stored.len()) as u64,
        profile: Graph::of(&nodes_now, alike.map(nodes_of), &why),
        interests: Graph::of(&lists, alike.map(lists_of), &why),
    })
}

impl Graph {
    fn of<T: Hash + Eq>(now: &HashSet<T>, before: Option<HashSet<T>>, why: &str) -> Graph {
        let all = now.len() as u64;
        let Some(before) = before else { return Graph { inserted: all, unlinked: 0, anew: Some(why.to_owned()) } };
        let kept = now.intersection(&before).count() as u64;
        let (inserted, unlinked) = (all - kept, before.len() as u64 - kept);
        if kept == 0 || (inserted + unlinked) as f64 > MOST_CHANGED * all as f64 {
            let most = 100.0 * MOST_CHANGED;
            let why = format!("{inserted} of {all} vectors are new and {unlinked} are gone: more than {most:.0} %");
            return Graph { inserted: all, unlinked: 0, anew: Some(why) };
        }
        Graph { inserted, unlinked, anew: None }
    }
}

/// The vectors of a generation's profile nodes.
fn nodes_of(earlier: &Snapshot) -> HashSet<&[u8]> {
    let vectors = earlier.profile.rows().iter().filter_map(|row| earlier.vectors.row(*row));
    vectors.map(bytemuck::cast_slice).collect()
}

/// The lists of interests of a generation's nodes.
fn lists_of(earlier: &Snapshot) -> HashSet<Vec<Key>> {
    let slots = (0..earlier.columns.len() as u32).map(Slot);
    let list = |slot| {
        let embedded = earlier.columns.interests.get(slot).filter(|(_, row)| earlier.vectors.row(*row).is_some());
        let mut keys: Vec<Key> = embedded.map(|(key, _)| key).collect();
        keys.sort_unstable();
        keys
    };
    slots.map(list).filter(|list| !list.is_empty()).collect()
}
