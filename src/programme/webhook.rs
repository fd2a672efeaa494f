//! Telling a program of the community's of every event, signed as of Standard Webhooks 1.0.0
//! (<https://www.standardwebhooks.com>): a receiver checks it with any library of that name.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use jiff::Timestamp;
use sha2::Sha256;
use ureq::Agent;

use super::event::Event;

/// How long a receiver may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The shortest secret, in bytes.
const SHORTEST_SECRET: usize = 24;

/// What a receiver's secret may begin with, before it goes on in base64.
const PREFIX: &str = "whsec_";

/// Why an event was not taken.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// The secret signs nothing.
    #[error("the secret has {0} bytes; expected whsec_ and the base64 of {SHORTEST_SECRET} bytes at least")]
    Secret(usize),
    /// The receiver cannot be reached, or did not say that it took it.
    #[error("the receiver of events did not take it: {0}")]
    NotTaken(Box<ureq::Error>),
}

/// A receiver of events.
#[derive(Clone)]
pub struct Webhook {
    url: String,
    secret: Vec<u8>,
    agent: Agent,
}

impl PartialEq for Webhook {
    fn eq(&self, other: &Webhook) -> bool {
        (&self.url, &self.secret) == (&other.url, &other.secret)
    }
}

impl std::fmt::Debug for Webhook {
    /// Without the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Webhook {
    /// A receiver at a URL, and the secret that is shared with it.
    ///
    /// # Errors
    /// [`WebhookError::Secret`].
    pub fn new(url: &str, secret: &str) -> Result<Webhook, WebhookError> {
        let encoded = secret.trim();
        let secret = STANDARD.decode(encoded.strip_prefix(PREFIX).unwrap_or_default()).unwrap_or_default();
        if secret.len() < SHORTEST_SECRET {
            return Err(WebhookError::Secret(secret.len()));
        }
        // Where it was sent on to need not be meant to read it.
        let agent = Agent::config_builder().max_redirects(0).timeout_global(Some(PATIENCE)).build().new_agent();
        Ok(Webhook { url: url.to_owned(), secret, agent })
    }

    /// Sends an event. Blocking.
    ///
    /// # Errors
    /// [`WebhookError::NotTaken`], unless the receiver answers with a status of 200 to 299.
    pub fn send(&self, event: &Event, now: Timestamp) -> Result<(), WebhookError> {
        let body = serde_json::to_string(event).unwrap_or_default();
        let (id, at) = (format!("event-{}", event.number), now.as_second().to_string());
        let signature = self.sign(&id, &at, &body);
        let sent = self
            .agent
            .post(&self.url)
            .header("content-type", "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", &at)
            .header("webhook-signature", &signature)
            .send(&body);
        match sent {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(WebhookError::NotTaken(Box::new(ureq::Error::StatusCode(answer.status().as_u16())))),
            Err(error) => Err(WebhookError::NotTaken(Box::new(error))),
        }
    }

    /// `v1,` and the base64 of HMAC-SHA256 over id, time and body with a full stop between them.
    pub fn sign(&self, id: &str, at: &str, body: &str) -> String {
        // A key of any length is taken.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.secret) else { return String::new() };
        mac.update(format!("{id}.{at}.{body}").as_bytes());
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_signs_as_the_standard_does() {
        // The example of the standard's own libraries.
        let webhook = Webhook::new("http://localhost", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret");
        let signature = webhook.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", r#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_that_can_be_guessed_is_refused() {
        for secret in ["", "whsec_", "whsec_c2VjcmV0", "secret", "whsec_not base64"] {
            assert!(Webhook::new("http://localhost", secret).is_err(), "{secret:?}");
        }
    }
}
