//! Bodies and query strings as values; what is wrong with one is told by field.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header;
use serde::de::DeserializeOwned;

use super::problem::{Code, Problem};
use crate::member::import::plain;

/// A body of JSON, every field of which is known.
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        expect_type(&request, "application/json")?;
        parse(&body(request, state).await?).map(Json)
    }
}

/// As [`Json`], or nothing where there is no body.
pub struct OptionalJson<T>(pub Option<T>);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for OptionalJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let typed = expect_type(&request, "application/json");
        let body = body(request, state).await?;
        if body.is_empty() || body.trim_ascii() == b"null" {
            return Ok(OptionalJson(None));
        }
        typed?;
        parse(&body).map(Some).map(OptionalJson)
    }
}

/// The body, in one piece.
pub async fn body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state).await.map_err(|error| Problem::invalid("", error.body_text()))
}

/// Refuses a body of another type. A page of elsewhere cannot send these types without asking first.
pub fn expect_type(request: &Request, expected: &str) -> Result<(), Problem> {
    let sent = request.headers().get(header::CONTENT_TYPE).and_then(|sent| sent.to_str().ok()).unwrap_or_default();
    let sent = sent.split(';').next().unwrap_or_default().trim();
    if sent.eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    Err(Problem::new(Code::ContentType, format!("Content-Type is {sent:?}; expected {expected}")))
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    // Objects could be written as lists of their fields' values.
    if body.trim_ascii_start().first().is_some_and(|first| *first != b'{') {
        return Err(Problem::invalid("", "is not a JSON object"));
    }
    let mut unknown = Vec::new();
    let mut note = |path: serde_ignored::Path<'_>| unknown.push(path.to_string().replace(".?", ""));
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let read = serde_ignored::Deserializer::new(&mut deserializer, &mut note);
    let value = serde_path_to_error::deserialize(read).map_err(|error| {
        let field = Some(error.path().to_string()).filter(|path| !matches!(path.as_str(), "." | "?"));
        Problem::invalid(field.unwrap_or_default(), plain(&error.inner().to_string()))
    })?;
    deserializer.end().map_err(|error| Problem::invalid("", plain(&error.to_string())))?;
    match unknown.into_iter().next() {
        Some(field) => Err(Problem::invalid(field, "is not a field that is known")),
        None => Ok(value),
    }
}

/// Entries of a list in one answer, unless stated.
const PAGE: u32 = 100;

/// The most entries of a list in one answer.
const LARGEST_PAGE: u32 = 1_000;

/// The pairs of a query string.
pub struct Pairs(Vec<(String, String)>);

impl Pairs {
    /// Reads what comes after the question mark.
    pub fn of(query: Option<&str>) -> Pairs {
        Pairs(form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect())
    }

    /// Takes out every value of a name.
    pub fn all(&mut self, name: &str) -> Vec<String> {
        let (taken, left): (Vec<_>, Vec<_>) = std::mem::take(&mut self.0).into_iter().partition(|(key, _)| key == name);
        self.0 = left;
        taken.into_iter().map(|(_, value)| value).collect()
    }

    /// Takes out the value of a name that may be given once.
    pub fn one(&mut self, name: &str) -> Result<Option<String>, Problem> {
        let mut values = self.all(name);
        let value = values.pop();
        if values.is_empty() { Ok(value) } else { Err(Problem::invalid(name, "is given twice; expected once")) }
    }

    /// The same, as something else than a text.
    pub fn parsed<T: std::str::FromStr>(&mut self, name: &str, expected: &str) -> Result<Option<T>, Problem> {
        let parse =
            |value: String| value.parse().map_err(|_| Problem::invalid(name, format!("{value:?} is not {expected}")));
        self.one(name)?.map(parse).transpose()
    }

    /// Takes out how many of a list are wanted.
    pub fn limit(&mut self) -> Result<u32, Problem> {
        let limit = self.parsed("limit", "a number, 1 to 1000")?.unwrap_or(PAGE);
        if (1..=LARGEST_PAGE).contains(&limit) {
            return Ok(limit);
        }
        Err(Problem::invalid("limit", format!("is {limit}; expected 1 to {LARGEST_PAGE}")))
    }

    /// Refuses names that nobody took.
    pub fn nothing_else(self) -> Result<(), Problem> {
        match self.0.into_iter().next() {
            Some((name, _)) => Err(Problem::invalid(name, "is not a parameter that is known")),
            None => Ok(()),
        }
    }
}
