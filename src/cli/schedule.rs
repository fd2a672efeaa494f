//! Rebuilding by the clock: `rebuild.schedule`, a cron expression in the machine's time zone.

use std::time::Duration;

use chrono::Local;
use croner::Cron;
use croner::parser::{CronParser, Seconds};
use rapport::community::Community;

use super::Usage;

/// The longest sleep: the clock may be set, and a laptop may have slept.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// When to rebuild.
pub struct Schedule(Cron);

impl Schedule {
    /// Reads a cron expression such as `30 3 * * *`.
    pub fn read(expression: &str) -> Result<Schedule, Usage> {
        let wrong = |problem: String| {
            Usage(format!("rebuild.schedule: {expression:?} {problem}; expected one such as \"30 3 * * *\""))
        };
        let parser = CronParser::builder().seconds(Seconds::Optional).build();
        let cron = parser.parse(expression).map_err(|error| wrong(format!("is no cron expression ({error})")))?;
        match cron.find_next_occurrence(&Local::now(), false) {
            Ok(_) => Ok(Schedule(cron)),
            Err(error) => Err(wrong(format!("never comes ({error})"))),
        }
    }

    /// Rebuilds whenever it is time. A build that fails is told and tried again at the next time; times that pass while one
    /// runs are left out.
    pub async fn keep(&self, community: &Community) {
        loop {
            let coming = || self.0.find_next_occurrence(&Local::now(), false);
            let Ok(mut next) = coming() else { return };
            tracing::info!(%next, "the next rebuild");
            while let Ok(left) = (next - Local::now()).to_std() {
                tokio::time::sleep(left.min(LONGEST_SLEEP)).await;
                // The clock may have been set back.
                next = coming().map_or(next, |coming| coming.min(next));
            }
            let due = jiff::Timestamp::from_second(next.timestamp()).unwrap_or_else(|_| jiff::Timestamp::now());
            match community.rebuild_by_clock(due).await {
                Ok(None) => tracing::info!("another server of the fleet rebuilt"),
                Ok(Some(rebuilt)) => {
                    tracing::info!(folder = %rebuilt.folder.display(), new = rebuilt.published, "rebuilt")
                }
                Err(error) => tracing::error!(%error, "the rebuild failed; what was served is served on"),
            }
        }
    }
}
