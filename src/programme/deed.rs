//! What is done to an introduction, as one of the two says it.

use serde::Deserialize;
use utoipa::ToSchema;

use super::introduction::{Reason, Side};

/// What somebody does to an introduction.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Deed {
    /// The mentor says yes. It takes one of their places.
    Accept {
        /// The version of the mentors' guidelines that they accept with it; needed unless they have.
        #[serde(default)]
        accepts_guidelines: Option<String>,
        /// Private fields of the mentor's that the mentee may see from now on.
        #[serde(default)]
        shares: Vec<String>,
    },
    /// The mentor says no.
    Decline {
        /// Why.
        reason: Reason,
        /// The same in words, for the mentee.
        #[serde(default)]
        #[schema(max_length = 2000)]
        words: Option<String>,
    },
    /// The mentee takes the request back.
    Withdraw,
    /// The two checked in.
    CheckIn {
        /// At which step of the way, counted from 1.
        step: usize,
        /// What was said, for both.
        #[serde(default)]
        #[schema(max_length = 2000)]
        words: Option<String>,
    },
    /// It was done as it was meant.
    Complete,
    /// It ends before it is done.
    End {
        /// Why.
        reason: Reason,
        /// The same in words, for the other.
        #[serde(default)]
        #[schema(max_length = 2000)]
        words: Option<String>,
    },
    /// A manager is to know something of the other. It ends, and the two are not introduced again.
    Report {
        /// What happened; the other does not read it.
        #[schema(max_length = 2000)]
        words: String,
        /// Who reports; a member who is signed in reports for themselves.
        #[serde(default, rename = "as")]
        by: Option<Side>,
    },
}

impl Deed {
    /// Whose it is to do; nothing where either may.
    pub fn whose(&self) -> Option<Side> {
        match self {
            Deed::Accept { .. } | Deed::Decline { .. } => Some(Side::Mentor),
            Deed::Withdraw => Some(Side::Mentee),
            Deed::CheckIn { .. } | Deed::Complete | Deed::End { .. } | Deed::Report { .. } => None,
        }
    }

    /// In words: somebody cannot … what is completed.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Deed::Accept { .. } => "accept",
            Deed::Decline { .. } => "decline",
            Deed::Withdraw => "withdraw",
            Deed::CheckIn { .. } => "check in on",
            Deed::Complete => "complete",
            Deed::End { .. } => "end",
            Deed::Report { .. } => "report again",
        }
    }
}
