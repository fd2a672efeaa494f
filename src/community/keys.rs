//! Keys of the HTTP service, kept where every request can look one up without asking the database.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

use super::{Community, CommunityError, now};
use crate::store::{ApiKey, KeyHash, Scope};

/// What a key begins with, so that scanners of what leaks know it.
pub const KEY_PREFIX: &str = "rapport_";

/// The longest name of a key, in characters.
const LONGEST_NAME: usize = 100;

/// A key that was just made: the only time that it is known.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewKey {
    /// What is stored of it.
    #[serde(flatten)]
    pub key: ApiKey,
    /// What its holder sends.
    pub secret: String,
}

/// Every key, by its hash.
#[derive(Default)]
pub(super) struct Keyring {
    keys: RwLock<Arc<HashMap<KeyHash, Arc<ApiKey>>>>,
    /// Held while they are read, so that an older reading does not replace a newer one.
    reading: Mutex<()>,
}

impl Keyring {
    fn get(&self) -> Arc<HashMap<KeyHash, Arc<ApiKey>>> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Community {
    /// Makes a key.
    ///
    /// # Errors
    /// [`CommunityError::Key`] where name or scopes are missing; [`CommunityError::Store`].
    pub async fn create_key(&self, name: &str, scopes: &[Scope]) -> Result<NewKey, CommunityError> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
            return Err(CommunityError::Key(format!(
                "a key's name says whose it is, in 1 to {LONGEST_NAME} printable characters"
            )));
        }
        let scopes: Vec<Scope> = Scope::ALL.into_iter().filter(|scope| scopes.contains(scope)).collect();
        if scopes.is_empty() {
            return Err(CommunityError::Key("a key has at least one scope: search, write, admin".into()));
        }
        let secret = format!("{KEY_PREFIX}{}", random_hex::<32>()?);
        let id = format!("key-{}", random_hex::<4>()?);
        let key = ApiKey { id, name: name.to_owned(), scopes, created: now(), revoked: None };
        self.store.add_key(&key, hash_of(&secret)).await?;
        self.read_keys().await?;
        Ok(NewKey { key, secret })
    }

    /// Every key, revoked ones too, oldest first.
    ///
    /// # Errors
    /// [`CommunityError::Store`].
    pub async fn keys(&self) -> Result<Vec<ApiKey>, CommunityError> {
        Ok(self.store.keys().await?.into_iter().map(|(key, _)| key).collect())
    }

    /// Revokes a key: the next request with it is refused.
    ///
    /// # Errors
    /// [`CommunityError::Key`] where there is none of the id; [`CommunityError::Store`].
    pub async fn revoke_key(&self, id: &str) -> Result<ApiKey, CommunityError> {
        let unknown = || CommunityError::Key(format!("there is no key {id:?}; `rapport key list` shows them"));
        if !self.store.revoke_key(id, &now()).await? {
            return Err(unknown());
        }
        self.read_keys().await?;
        self.keys().await?.into_iter().find(|key| key.id == id).ok_or_else(unknown)
    }

    /// The key that somebody sent, if it is one and not revoked.
    pub fn key(&self, secret: &str) -> Option<Arc<ApiKey>> {
        self.keyring.get().get(&hash_of(secret)).filter(|key| key.revoked.is_none()).cloned()
    }

    /// Whether there ever was a key: where the last one was revoked, nobody is let in, not everybody.
    pub fn has_keys(&self) -> bool {
        !self.keyring.get().is_empty()
    }

    /// Takes in keys that were made or revoked.
    pub(super) async fn read_keys(&self) -> Result<(), CommunityError> {
        let _reading = self.keyring.reading.lock().await;
        let keys = self.store.keys().await?.into_iter().map(|(key, hash)| (hash, Arc::new(key))).collect();
        *self.keyring.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
        Ok(())
    }
}

fn hash_of(secret: &str) -> KeyHash {
    Sha256::digest(secret.as_bytes()).into()
}

fn random_hex<const BYTES: usize>() -> Result<String, CommunityError> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| CommunityError::Key(format!("no random numbers: {error}")))?;
    Ok(crate::embed::hex(&bytes))
}
