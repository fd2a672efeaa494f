//! Options of the HTTP service.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// `[server]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Seconds that a request may take, from its last byte to the answer's first.
    pub deadline: u64,
    /// Seconds that a client may take to send a request.
    pub patience: u64,
    /// Requests worked on at once; 0 for 32 a core.
    pub at_once: usize,
    /// Requests that may wait for their turn; more are refused.
    pub queue: usize,
    /// Requests a second that one key or one member may make; 0 for any number.
    pub rate: u32,
    /// Requests that one key or one member may make at once after a pause.
    pub burst: u32,
    /// Texts whose vectors are remembered.
    pub remembered_texts: usize,
    /// Megabytes of records that are kept in memory.
    pub remembered_records: usize,
    /// Megabytes of answers that are kept in memory.
    pub remembered_answers: usize,
    /// A certificate, for TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsConfig>,
    /// The community's own tokens, by which members sign in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<TokensConfig>,
}

/// `[server.tls]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// The chain, as PEM.
    pub certificate: PathBuf,
    /// The private key, as PEM.
    pub key: PathBuf,
}

/// `[server.tokens]`: JSON Web Tokens (RFC 7519).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokensConfig {
    /// How they are signed.
    pub algorithm: TokenAlgorithm,
    /// A file with the public key as PEM; for HS256 with the secret.
    pub key: PathBuf,
    /// Who must have issued them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Whom they must be for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
}

/// Algorithms of [`TokensConfig`], by their names in RFC 7518 and RFC 8037.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each is the algorithm of that name")]
pub enum TokenAlgorithm {
    HS256,
    RS256,
    ES256,
    EdDSA,
}

impl Default for ServerConfig {
    fn default() -> Self {
        ServerConfig {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            deadline: 10,
            patience: 10,
            at_once: 0,
            queue: 256,
            rate: 100,
            burst: 200,
            remembered_texts: 10_000,
            remembered_records: 64,
            remembered_answers: 64,
            tls: None,
            tokens: None,
        }
    }
}
