//! Keys of the HTTP service.

use serde::{Deserialize, Serialize};
use sqlx::Row;

use super::dialect::on;
use super::{Store, StoreError};

/// What the holder of a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Search, and see what members show to others.
    Search,
    /// Write and erase members, and see all that is held on them.
    Write,
    /// Rebuild, reload, see the state of the service, and be told why somebody is not available.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Scope; 3] = [Scope::Search, Scope::Write, Scope::Admin];

    /// The name, as it is written.
    pub fn name(self) -> &'static str {
        match self {
            Scope::Search => "search",
            Scope::Write => "write",
            Scope::Admin => "admin",
        }
    }

    /// The scope of a name.
    pub fn named(name: &str) -> Option<Scope> {
        Scope::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

/// A key as it is stored. The key itself is known to its holder only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// What it is called by: in logs, to revoke it.
    pub id: String,
    /// Whose, or what for.
    pub name: String,
    /// What its holder may do.
    pub scopes: Vec<Scope>,
    /// When it was made (RFC 3339, UTC).
    pub created: String,
    /// When it was revoked, if it was.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub revoked: Option<String>,
}

/// SHA-256 of a key. Keys are 256 random bits: there is nothing to guess that a slow hash would protect.
pub type KeyHash = [u8; 32];

impl Store {
    /// Stores a key.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn add_key(&self, key: &ApiKey, hash: KeyHash) -> Result<(), StoreError> {
        let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.name()).collect();
        let scopes = scopes.join(" ");
        on!(self, |pool: D| {
            sqlx::query("INSERT INTO keys (id, hash, name, scopes, created) VALUES ($1, $2, $3, $4, $5)")
                .bind(&key.id)
                .bind(hash.to_vec())
                .bind(&key.name)
                .bind(&scopes)
                .bind(&key.created)
                .execute(pool)
                .await?;
        })
    }

    /// Has these keys, and no others.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn replace_keys(&self, keys: &[(ApiKey, KeyHash)]) -> Result<(), StoreError> {
        on!(self, |pool: D| {
            sqlx::query("DELETE FROM keys").execute(pool).await?;
        })?;
        for (key, hash) in keys {
            self.add_key(key, *hash).await?;
            if let Some(at) = &key.revoked {
                self.revoke_key(&key.id, at).await?;
            }
        }
        Ok(())
    }

    /// Every key with its hash, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn keys(&self) -> Result<Vec<(ApiKey, KeyHash)>, StoreError> {
        let select = "SELECT id, hash, name, scopes, created, revoked FROM keys ORDER BY created, id";
        on!(self, |pool: D| {
            let mut keys = Vec::new();
            for row in sqlx::query(select).fetch_all(pool).await? {
                let hash: Vec<u8> = row.try_get(1)?;
                let Ok(hash) = KeyHash::try_from(hash) else { continue };
                let scopes: String = row.try_get(3)?;
                let key = ApiKey {
                    id: row.try_get(0)?,
                    name: row.try_get(2)?,
                    scopes: scopes.split(' ').filter_map(Scope::named).collect(),
                    created: row.try_get(4)?,
                    revoked: row.try_get(5)?,
                };
                keys.push((key, hash));
            }
            keys
        })
    }

    /// Marks a key as revoked, unless it is already, and says whether there is one of the id.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn revoke_key(&self, id: &str, at: &str) -> Result<bool, StoreError> {
        on!(self, |pool: D| {
            let update = sqlx::query("UPDATE keys SET revoked = coalesce(revoked, $1) WHERE id = $2").bind(at).bind(id);
            update.execute(pool).await?.rows_affected() > 0
        })
    }
}
