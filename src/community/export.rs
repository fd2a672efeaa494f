//! All that is held on a member, for the member.

use serde::{Deserialize, Serialize};

use super::{Community, CommunityError, LoggedSearch, TakesPart};
use crate::index::encode::Encoder;
use crate::index::{Snapshot, publish};
use crate::member::{Member, MemberId};
use crate::programme::Introduction;

/// Everything that an index folder holds on a member.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Export {
    /// The record, private fields included.
    pub member: Member,
    /// The number of the change that made it so.
    pub change: u64,
    /// Members who list them as a friend or a colleague. Whom others block is theirs.
    pub listed_by: Vec<MemberId>,
    /// The texts of theirs that are kept as vectors.
    pub embedded: Vec<String>,
    /// Generations that hold their attributes and vectors.
    pub generations: Vec<String>,
    /// How they take part in the programme.
    pub participation: TakesPart,
    /// Their searches that are kept, newest first.
    pub searches: Vec<LoggedSearch>,
    /// How often they were shown to others on the days that are counted.
    pub shown: u64,
    /// Every introduction that they were in; what others told managers of them is not in it.
    pub introductions: Vec<Introduction>,
}

impl Community {
    /// Gives a member all that is held on them.
    ///
    /// # Errors
    /// [`CommunityError::Unknown`].
    pub async fn export(&self, id: &MemberId) -> Result<Export, CommunityError> {
        let (mut found, _) = self.store.members(&[id.as_str()]).await?;
        let stored = found.remove(id.as_str()).ok_or_else(|| CommunityError::Unknown(id.clone()))?;
        let listed_by = self.store.listing(id).await?;
        let mut generations = Vec::new();
        for folder in publish::folders(&self.config().index)? {
            let holds = Snapshot::open(&folder).is_ok_and(|open| open.columns.slot(id.as_str()).is_some());
            generations.extend(folder.file_name().filter(|_| holds).map(|name| name.to_string_lossy().into_owned()));
        }
        let own = |introduction: Introduction| match introduction.side_of(id) {
            Some(side) => introduction.seen_by(side),
            None => introduction,
        };
        let introductions = self.history(id).await?.into_iter().map(own).collect();
        let mut searches = self.logged_searches(Some(id), u32::MAX).await?;
        searches.retain(|search| search.is_own(id));
        let embedded = self.searcher().map(|searcher| texts_of(&stored.member, &searcher.snapshot().encoder()));
        Ok(Export {
            member: stored.member,
            change: stored.change,
            listed_by,
            embedded: embedded.unwrap_or_default(),
            generations,
            participation: self.takes_part(id).await?,
            searches,
            shown: self.store.shown_of(id).await?,
            introductions,
        })
    }
}

fn texts_of(member: &Member, encoder: &Encoder) -> Vec<String> {
    let mut texts: Vec<String> = encoder.encode(member).texts().map(|(_, text)| text.to_owned()).collect();
    texts.sort_unstable();
    texts.dedup();
    texts
}
