//! Options of the vector engine.

use serde::{Deserialize, Serialize};

/// `[milvus]`: the nearest members are looked for by Milvus, not in the generation's own graphs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MilvusConfig {
    /// Where it is, such as `http://127.0.0.1:19530`.
    pub url: String,
    /// What the names of our collections begin with. Each index folder has its own.
    #[serde(default = "MilvusConfig::usual_prefix")]
    pub prefix: String,
    /// Shards of each collection.
    #[serde(default = "MilvusConfig::usual_shards")]
    pub shards: u32,
    /// Copies of each collection that are held in memory, on as many query nodes.
    #[serde(default = "MilvusConfig::usual_replicas")]
    pub replicas: u32,
    /// Milliseconds that a search may take there.
    #[serde(default = "MilvusConfig::usual_timeout")]
    pub timeout: u64,
    /// What a search does where it cannot be asked.
    #[serde(default)]
    pub when_down: WhenDown,
}

/// What a search does without the vector engine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenDown {
    /// It goes by words, the circle and rare values alone, and says so.
    #[default]
    Degrade,
    /// It fails.
    Refuse,
}

impl MilvusConfig {
    fn usual_prefix() -> String {
        "rapport".into()
    }

    fn usual_shards() -> u32 {
        2
    }

    fn usual_replicas() -> u32 {
        1
    }

    fn usual_timeout() -> u64 {
        1_000
    }

    /// What is wrong with the options, where something is.
    pub(super) fn problem(&self) -> Option<String> {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let letter = self.prefix.starts_with(|first: char| first.is_ascii_alphabetic());
        if !(letter && self.prefix.len() <= 100 && self.prefix.bytes().all(is_name)) {
            return Some(format!(
                "milvus.prefix is {:?}; expected letters, digits and _, a letter first, 100 at most",
                self.prefix
            ));
        }
        if self.url.contains('@') {
            // It is not shown, since it may hold a password.
            return Some("milvus.url has a user; expected them in RAPPORT_MILVUS_TOKEN, as user:password".into());
        }
        if !(self.url.starts_with("http://") || self.url.starts_with("https://")) {
            return Some(format!("milvus.url is {:?}; expected http://HOST:PORT or https://HOST:PORT", self.url));
        }
        let numbers = [
            ("shards", u64::from(self.shards), 1, 64),
            ("replicas", u64::from(self.replicas), 1, 64),
            ("timeout", self.timeout, 1, 600_000),
        ];
        let wrong = numbers.into_iter().find(|(_, value, least, most)| !(least..=most).contains(&value));
        wrong.map(|(option, value, least, most)| format!("milvus.{option} is {value}; expected {least} to {most}"))
    }
}
