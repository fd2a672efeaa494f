//! Keeping time, and telling the receiver of events what happened.

use std::time::Duration;

use super::{Community, CommunityError};
use crate::programme::{Event, WebhookError};
use crate::store::StoreError;
use crate::store::fleet::Matter;

/// Between two looks at the clock.
const MINUTE: Duration = Duration::from_secs(60);

/// Before an event is sent again that was not taken: at first, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(3_600));

/// Why the receiver does not know everything yet.
#[derive(Debug, thiserror::Error)]
enum Untold {
    #[error(transparent)]
    Community(#[from] CommunityError),
    #[error(transparent)]
    Webhook(#[from] WebhookError),
    #[error("it stopped: {0}")]
    Stopped(#[from] tokio::task::JoinError),
}

impl Community {
    /// Keeps the programme's time, and tells its receiver of events, for as long as it is polled.
    pub async fn keep_programme(&self) {
        let by_the_minute = async {
            loop {
                if let Err(error) = async { self.keep_time().await.and(self.steer().await) }.await {
                    tracing::error!(%error, "the programme's clock stands still");
                }
                tokio::time::sleep(MINUTE).await;
            }
        };
        tokio::join!(by_the_minute, self.keep_telling());
    }

    /// Events are told in their order, each until it is taken: a receiver that was down for a day misses none.
    async fn keep_telling(&self) {
        let (first, most) = PAUSES;
        let mut pause = first;
        loop {
            match self.tell().await {
                Ok(()) => {
                    pause = first;
                    // Other machines write to a shared database, and the configuration may be read again.
                    let _ = tokio::time::timeout(MINUTE, self.happened.notified()).await;
                }
                Err(error) => {
                    tracing::warn!(%error, seconds = pause.as_secs(), "events wait; they are sent again");
                    tokio::time::sleep(pause).await;
                    pause = (2 * pause).min(most);
                }
            }
        }
    }

    async fn tell(&self) -> Result<(), Untold> {
        let mut turn = None;
        loop {
            let Some(receiver) = self.config().programme.receiver.clone() else { return Ok(()) };
            let delivered = self.store.last_events().await.map_err(CommunityError::from)?.1;
            // Each is read when it is sent: whoever is forgotten meanwhile is not named.
            let next = self.store.events(delivered, 1).await.map_err(CommunityError::from)?.pop();
            let Some((number, record)) = next else { return Ok(()) };
            if let (Some(server), None) = (&self.server, &turn) {
                match server.fleet.turn(Matter::Telling, Duration::ZERO).await {
                    // Another server of the fleet tells.
                    Err(StoreError::Locked(_)) => return Ok(()),
                    taken => turn = Some(taken.map_err(CommunityError::from)?),
                }
                // It may have told this one until now.
                continue;
            }
            let (event, now) = (Event::read(number, &record).map_err(CommunityError::from)?, self.time());
            tokio::task::spawn_blocking(move || receiver.send(&event, now)).await??;
            self.store.note_delivered(number).await.map_err(CommunityError::from)?;
        }
    }
}
