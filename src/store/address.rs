//! Where a members' database is: a file in the index folder, or a PostgreSQL server. Passwords are never shown.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};
use sqlx::postgres::PgConnectOptions;

/// Where a members' database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// SQLite, in this index folder.
    Folder(PathBuf),
    /// PostgreSQL.
    Server(ServerUrl),
}

impl Address {
    /// The database's name in the index folder.
    pub(crate) const FILE: &'static str = "members.db";
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Folder(folder) => folder.join(Self::FILE).display().fmt(f),
            Address::Server(url) => url.fmt(f),
        }
    }
}

/// The URL of a PostgreSQL database, `postgres://user:password@host:port/database`. It is shown and written without its
/// password.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ServerUrl {
    url: String,
    shown: String,
}

impl ServerUrl {
    const SCHEMES: [&'static str; 2] = ["postgres://", "postgresql://"];

    /// Whether a text is meant to be such a URL.
    pub fn is_meant(text: &str) -> bool {
        Self::SCHEMES.iter().any(|scheme| text.starts_with(scheme))
    }

    pub(super) fn options(&self) -> Result<PgConnectOptions, sqlx::Error> {
        use sqlx::ConnectOptions;
        // Statements are logged nowhere: those of an import's query are the operator's, and slow by nature.
        Ok(PgConnectOptions::from_str(&self.url)?.application_name("rapport").disable_statement_logging())
    }
}

/// A text that is not the URL of a PostgreSQL database. It does not repeat the text, which may hold a password.
#[derive(Debug, thiserror::Error)]
#[error("is not the URL of a PostgreSQL database{0}; expected postgres://user@host/database")]
pub struct NotServerUrl(String);

impl FromStr for ServerUrl {
    type Err = NotServerUrl;

    fn from_str(url: &str) -> Result<ServerUrl, NotServerUrl> {
        if !Self::is_meant(url) {
            return Err(NotServerUrl(String::new()));
        }
        let options = PgConnectOptions::from_str(url).map_err(|error| NotServerUrl(format!(" ({error})")))?;
        let (user, database) = (options.get_username(), options.get_database().unwrap_or(options.get_username()));
        let shown = match options.get_socket() {
            Some(socket) => format!("postgres://{user}@localhost/{database}?host={}", socket.display()),
            None => format!("postgres://{user}@{}:{}/{database}", options.get_host(), options.get_port()),
        };
        Ok(ServerUrl { url: url.to_owned(), shown })
    }
}

impl TryFrom<String> for ServerUrl {
    type Error = NotServerUrl;

    fn try_from(url: String) -> Result<ServerUrl, NotServerUrl> {
        url.parse()
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Serialize for ServerUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.shown)
    }
}

/// A text with the passwords of URLs in it blotted out, for messages that quote what somebody wrote. Rather too much than
/// too little goes: up to the last `@` before white space or a quote.
pub(crate) fn without_passwords(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(begin) = rest.find("://").map(|at| at + 3) {
        let (before, from) = rest.split_at(begin);
        shown.push_str(before);
        let (url, after) =
            from.split_at(from.find(|c: char| c.is_whitespace() || "\"'`".contains(c)).unwrap_or(from.len()));
        let url = match (url.find(':'), url.rfind('@')) {
            (Some(colon), Some(at)) if colon < at => format!("{}:…{}", &url[..colon], &url[at..]),
            _ => url.to_owned(),
        };
        shown.push_str(url.split_once("password=").map_or(url.clone(), |(url, _)| format!("{url}password=…")).as_str());
        rest = after;
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for (url, shown) in [
            ("postgres://ada:s3cret@db.example:5433/hr", "postgres://ada@db.example:5433/hr"),
            ("postgresql://ada@db.example/hr?password=s3cret", "postgres://ada@db.example:5432/hr"),
            ("postgres://ada:s3cret@localhost/hr?host=/run/pg", "postgres://ada@localhost/hr?host=/run/pg"),
        ] {
            let parsed: ServerUrl = url.parse().unwrap();
            assert_eq!((parsed.to_string().as_str(), format!("{parsed:?}").as_str()), (shown, shown));
            assert_eq!(serde_json::to_string(&parsed).unwrap(), format!("{shown:?}"));
            let quoted = without_passwords(&format!("1 | url = \"{url}\" x"));
            assert!(!quoted.contains("s3cret") && quoted.ends_with("\" x"), "{quoted}");
        }
        let refused = "postgres://ada:s3c ret/@/x:y".parse::<ServerUrl>().unwrap_err().to_string();
        assert!(!refused.contains("s3c"), "{refused}");
    }
}
