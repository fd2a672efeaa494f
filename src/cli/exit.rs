//! Exit codes: whose fault a failure was, so that a script can act on it.

use std::process::ExitCode;

use rapport::community::CommunityError;
use rapport::config::ConfigError;
use rapport::control::{ControlError, Fault};
use rapport::embed::EmbedError;
use rapport::evaluate::judge::JudgeError;
use rapport::evaluate::{EvaluateError, JudgementError, RunError};
use rapport::rebuild::RebuildError;
use rapport::search::SearchError;
use rapport::server::ServerError;
use rapport::store::StoreError;

use super::Usage;

/// It failed, and not by the fault of whoever asked.
const FAILED: u8 = 1;
/// The command, a query, a configuration or a file of judgements was wrong.
const WRONG: u8 = 2;
/// A gate before publishing did not hold.
const GATE: u8 = 4;
/// Another process holds the folder.
const LOCKED: u8 = 5;

/// The exit code for a failure.
pub fn code(error: &anyhow::Error) -> ExitCode {
    ExitCode::from(match fault(error) {
        Fault::Command => WRONG,
        Fault::Gate => GATE,
        Fault::Locked => LOCKED,
        Fault::Other => FAILED,
    })
}

/// The same whether a server did it or this process.
fn fault(error: &anyhow::Error) -> Fault {
    if let Some(ControlError::Refused(refused)) = error.downcast_ref() {
        return refused.fault;
    }
    if let Some(error) = error.downcast_ref::<CommunityError>() {
        return error.into();
    }
    if let Some(error) = error.downcast_ref::<RebuildError>() {
        return error.into();
    }
    let wrong = error.is::<ConfigError>()
        || error.is::<Usage>()
        || error.is::<JudgementError>()
        || error.downcast_ref::<SearchError>().is_some_and(SearchError::is_callers)
        || error.downcast_ref::<EvaluateError>().is_some_and(EvaluateError::is_callers)
        || error.downcast_ref::<JudgeError>().is_some_and(JudgeError::is_callers)
        || matches!(error.downcast_ref(), Some(EmbedError::Unknown { .. }))
        || matches!(
            error.downcast_ref(),
            Some(ServerError::Unguarded(_) | ServerError::Certificate { .. } | ServerError::Tokens(_))
        )
        || matches!(error.downcast_ref(), Some(RunError::WhiteSpace { .. }));
    match error.downcast_ref() {
        Some(StoreError::Locked(_)) => Fault::Locked,
        _ if wrong => Fault::Command,
        _ => Fault::Other,
    }
}
