//! The pairs of a cohort as introductions.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Ask, Community, CommunityError};
use crate::member::MemberId;
use crate::programme::cohort::MOST_MENTEES;
use crate::programme::{Actor, Cause, Introduction};
use crate::search::SearchError;

/// The pairs of a cohort that are to be introduced.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RollOut {
    /// Who is introduced to whom.
    #[schema(max_items = 20000)]
    pub pairs: Vec<Pairing>,
    /// To the mentors.
    #[schema(max_length = 2000)]
    pub note: Option<String>,
    /// The programme that they follow; that of the configuration unless stated.
    pub path: Option<String>,
}

/// A mentee and their mentor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Pairing {
    /// Who asks.
    #[schema(value_type = String)]
    pub mentee: MemberId,
    /// Who is asked.
    #[schema(value_type = String)]
    pub mentor: MemberId,
}

impl Community {
    /// Has each mentee of a cohort's pairs ask their mentor, by the rules of any introduction: the mentor says yes or no, and the
    /// mentee may withdraw. Gives what came of each pair, in their order; one that the rules do not have stops none of the others,
    /// and one that was introduced by an earlier call is not introduced again.
    ///
    /// # Errors
    /// [`SearchError::Invalid`] where there are too many pairs; whatever of ours fails, and then the first pairs may have been
    /// introduced.
    pub async fn roll_out(
        &self,
        RollOut { pairs, note, path }: RollOut,
        by: Actor,
    ) -> Result<Vec<(Pairing, Result<Introduction, CommunityError>)>, CommunityError> {
        if pairs.is_empty() || pairs.len() > MOST_MENTEES {
            let problem = format!("has {}; expected 1 to {MOST_MENTEES}", pairs.len());
            return Err(SearchError::Invalid { field: "pairs".into(), problem }.into());
        }
        self.look_at_the_clock().await?;
        let mut rolled_out = Vec::with_capacity(pairs.len());
        for pair in pairs {
            let Pairing { mentee, mentor } = &pair;
            let ask = Ask { mentor: mentor.clone(), note: note.clone(), path: path.clone(), ..Ask::default() };
            let asked = self.ask(mentee, ask, Some(Cause::Cohort), by.clone()).await;
            match asked {
                Err(CommunityError::Search(error)) if !error.is_callers() => return Err(error.into()),
                Err(error @ (CommunityError::Store(_) | CommunityError::Key(_))) => return Err(error),
                asked => rolled_out.push((pair, asked)),
            }
        }
        Ok(rolled_out)
    }
}
