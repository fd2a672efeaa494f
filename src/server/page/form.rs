//! Forms that pages send.

use axum::extract::{FromRequest, Request};

use super::Wrong;
use crate::server::json::{Pairs, body, expect_type};
use crate::server::problem::Problem;

/// The fields of a form, by name.
pub struct Form(Pairs);

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Wrong;

    async fn from_request(request: Request, state: &S) -> Result<Form, Wrong> {
        expect_type(&request, "application/x-www-form-urlencoded")?;
        let body = body(request, state).await?;
        let text = std::str::from_utf8(&body).map_err(|_| Problem::invalid("", "the form is not UTF-8"))?;
        Ok(Form(Pairs::of(Some(text))))
    }
}

impl Form {
    /// The value of a field; nothing where it was left empty.
    pub fn one(&mut self, name: &str) -> Result<Option<String>, Problem> {
        stated(&mut self.0, name)
    }

    /// Every value of a field that may be given more than once, but for empty ones.
    pub fn all(&mut self, name: &str) -> Vec<String> {
        self.0.all(name).into_iter().filter(|value| !value.trim().is_empty()).collect()
    }

    /// The same as something else than a text.
    pub fn parsed<T: std::str::FromStr>(&mut self, name: &str, expected: &str) -> Result<Option<T>, Problem> {
        let parse = |value: String| {
            value.trim().parse().map_err(|_| Problem::invalid(name, format!("{value:?} is not {expected}")))
        };
        self.one(name)?.map(parse).transpose()
    }
}

/// The value of a field of a form or a query string; a field that was left empty states nothing.
pub fn stated(pairs: &mut Pairs, name: &str) -> Result<Option<String>, Problem> {
    Ok(pairs.one(name)?.filter(|value| !value.trim().is_empty()))
}
