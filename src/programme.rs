//! The mentoring programme: from a match to a relationship.
//!
//! What may happen is decided by [`Facts::decide`], which computes only: it sees who is concerned as they are at one moment,
//! and says what is to be written. The database has it decide and writes what it says in one transaction, so that no rule,
//! and no mentor's capacity, is broken by two who act at once.

pub mod cohort;
mod decide;
mod deed;
mod event;
mod exposure;
mod guidelines;
mod introduction;
mod participation;
mod path;
mod steering;
mod told;
mod webhook;

pub use decide::{Action, Decision, Facts, Person, Refusal, Request, Standing};
pub use deed::Deed;
pub(crate) use event::harmless;
pub use event::{Actor, Event, EventKind, Happened, to_csv};
pub use exposure::{Attention, over_budget};
pub(crate) use guidelines::version_of;
pub use guidelines::{Guidelines, Text};
pub use introduction::{Cause, Introduction, IntroductionId, LONGEST_WORDS, Reason, Side, Status};
pub use participation::{Participation, Stated};
pub use path::{NotAPath, Path, PathTemplate, Step, builtin_paths};
pub use steering::{INACTIVE_DAYS, OfLate, Steering};
pub use told::told_to_mentor;
pub use webhook::{Webhook, WebhookError};

use std::sync::Arc;

use jiff::Timestamp;

/// What time it is.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;
