//! What can be asked of the service.

pub mod cohorts;
pub mod explain;
pub mod introductions;
pub mod members;
pub mod operate;
pub mod programme;
pub mod search;
pub mod searches;
pub mod waitlist;

use super::problem::Problem;

/// Does a write to its end, even where nobody waits for it any more.
pub async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Problem>> + Send + 'static,
) -> Result<T, Problem> {
    tokio::spawn(work).await.map_err(|error| Problem::internal(&error))?
}
