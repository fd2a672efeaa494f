//! What a request is told when it cannot be answered: problem details (RFC 9457) with a stable code.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::community::CommunityError;
use crate::index::IndexError;
use crate::member::Invalid;
use crate::programme::Refusal;
use crate::search::SearchError;
use crate::store::StoreError;

/// Why a request cannot be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    code: Code,
    detail: String,
    field: Option<String>,
    retry_after: Option<u32>,
    /// What failed, for the log.
    cause: Option<String>,
}

/// A problem, as it is sent.
#[derive(Serialize, ToSchema)]
pub struct ProblemDetails {
    /// `urn:rapport:problem:` and the code.
    #[serde(rename = "type")]
    kind: String,
    /// The status in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What happened, the same in every version.
    code: Code,
    /// What was wrong with this request, and what was expected.
    detail: String,
    /// Which part of the request was wrong, where one was.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
}

/// Why something of ours failed, which the log tells beside the request's id.
#[derive(Debug, Clone)]
pub struct Cause(pub String);

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident $name:literal $status:ident,)*) => {
        /// What happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Code {
            $($(#[$doc])* $variant,)*
        }

        impl Code {
            /// As it is sent.
            pub fn name(self) -> &'static str {
                match self {
                    $(Code::$variant => $name,)*
                }
            }

            #[cfg(test)]
            const ALL: &[Code] = &[$(Code::$variant,)*];

            /// The HTTP status.
            pub fn status(self) -> StatusCode {
                match self {
                    $(Code::$variant => StatusCode::$status,)*
                }
            }
        }
    };
}

codes! {
    /// A part of the request is not what it should be.
    Invalid "invalid" BAD_REQUEST,
    /// No key or token was sent, or one that is not good.
    Unauthenticated "unauthenticated" UNAUTHORIZED,
    /// The key or token is good, but not for this.
    Forbidden "forbidden" FORBIDDEN,
    /// The member is unknown, paused, blocked or not of age: one answer.
    NotAvailable "not_available" NOT_FOUND,
    /// There is nothing of that name.
    NotFound "not_found" NOT_FOUND,
    /// The path takes other methods.
    Method "method" METHOD_NOT_ALLOWED,
    /// The client did not send its request in time.
    Slow "slow" REQUEST_TIMEOUT,
    /// A rebuild, an erasure or a cohort is under way already.
    Conflict "conflict" CONFLICT,
    /// The introduction is not at a point where this can be done.
    Status "status" CONFLICT,
    /// The mentor has as many mentees as they take.
    Full "full" CONFLICT,
    /// The mentee waits for as many answers as they may.
    OpenRequests "open_requests" CONFLICT,
    /// The two were introduced, or one asked the other not long ago.
    AskedBefore "asked_before" CONFLICT,
    /// The mentor accepts the guidelines that are in force first.
    Guidelines "guidelines" CONFLICT,
    /// The member does not have the role that it takes.
    Role "role" CONFLICT,
    /// The community does not say which match is a good one, so nobody can wait for one.
    NoThreshold "no_threshold" CONFLICT,
    /// The request is larger than is taken.
    TooLarge "too_large" PAYLOAD_TOO_LARGE,
    /// The body is not of the type that is taken.
    ContentType "content_type" UNSUPPORTED_MEDIA_TYPE,
    /// More requests than the key or member may make.
    Rate "rate" TOO_MANY_REQUESTS,
    /// Something of ours failed; the log says what.
    Internal "internal" INTERNAL_SERVER_ERROR,
    /// No generation is served yet.
    NoIndex "no_index" SERVICE_UNAVAILABLE,
    /// The vector engine does not answer.
    NoEngine "no_engine" SERVICE_UNAVAILABLE,
    /// As many requests wait as may.
    Busy "busy" SERVICE_UNAVAILABLE,
    /// It took too long; a write may have been done nevertheless.
    Deadline "deadline" GATEWAY_TIMEOUT,
}

impl Problem {
    pub fn new(code: Code, detail: impl Into<String>) -> Problem {
        Problem { code, detail: detail.into(), field: None, retry_after: None, cause: None }
    }

    /// A part of the request is wrong.
    pub fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Problem {
        let field = Some(field.into()).filter(|field| !field.is_empty());
        Problem { field, ..Problem::new(Code::Invalid, problem) }
    }

    /// Try again after so many seconds.
    pub fn retry_after(self, seconds: u32) -> Problem {
        Problem { retry_after: Some(seconds), ..self }
    }

    /// One answer for whoever is unknown, paused, blocked or not of age.
    pub fn not_available() -> Problem {
        Problem::new(Code::NotAvailable, "the member is not available")
    }

    /// Something of ours failed.
    pub fn internal(error: &dyn std::fmt::Display) -> Problem {
        let told = "it failed on our side; the service's log says why, by the request's id";
        Problem { cause: Some(error.to_string()), ..Problem::new(Code::Internal, told) }
    }

    /// Tells the log of it, by the response, and the client when to try again.
    pub fn note(&self, response: &mut Response) {
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response.extensions_mut().insert(self.code);
        if let Some(cause) = &self.cause {
            response.extensions_mut().insert(Cause(cause.clone()));
        }
    }

    /// What happened.
    pub fn code(&self) -> Code {
        self.code
    }

    /// Which part was wrong, and how.
    pub fn told(self) -> (Option<String>, String) {
        (self.field, self.detail)
    }

    /// What happened, and how.
    pub fn in_short(self) -> (Code, String) {
        (self.code, self.detail)
    }

    /// The caller is known, and may not do this.
    pub fn forbidden(detail: impl Into<String>) -> Problem {
        Problem::new(Code::Forbidden, detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.code.status();
        let details = ProblemDetails {
            kind: format!("urn:rapport:problem:{}", self.code.name()),
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            code: self.code,
            detail: self.detail.clone(),
            field: self.field.clone(),
        };
        let mut response = (status, serde_json::to_vec(&details).unwrap_or_default()).into_response();
        self.note(&mut response);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.code == Code::Unauthenticated {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<SearchError> for Problem {
    fn from(error: SearchError) -> Problem {
        match error {
            SearchError::Invalid { field, problem } => Problem::invalid(field, problem),
            SearchError::Filter(invalid) => Problem::invalid(format!("filter.{}", invalid.field), invalid.problem),
            SearchError::NotAvailable(_) => Problem::not_available(),
            SearchError::Index(IndexError::NoGeneration(_)) => {
                Problem::new(Code::NoIndex, "there is no index yet; it comes with the first rebuild").retry_after(30)
            }
            SearchError::Milvus(error) => Problem {
                cause: Some(error.to_string()),
                ..Problem::new(Code::NoEngine, "the vector engine does not answer at the moment").retry_after(2)
            },
            other => Problem::internal(&other),
        }
    }
}

impl From<CommunityError> for Problem {
    fn from(error: CommunityError) -> Problem {
        match error {
            CommunityError::Search(error) => error.into(),
            CommunityError::Refused(refusal) => refusal.into(),
            CommunityError::Unknown(_) => Problem::not_available(),
            CommunityError::NotLogged(_) => Problem::new(Code::NotFound, error.to_string()),
            CommunityError::Invalid { invalid, .. } => invalid.into(),
            CommunityError::Fixed(_) => Problem::invalid("", error.to_string()),
            CommunityError::Store(StoreError::Locked(_)) => {
                Problem::new(Code::Conflict, "another server of the fleet builds or forgets; try again once it is done")
            }
            CommunityError::Behind(_) => Problem::new(Code::Conflict, error.to_string()),
            other => Problem::internal(&other),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        let code = match &refusal {
            Refusal::NotAvailable => return Problem::not_available(),
            Refusal::Invalid(invalid) => return invalid.clone().into(),
            Refusal::Unknown => Code::NotFound,
            Refusal::Minor => Code::Forbidden,
            Refusal::Role { .. } => Code::Role,
            Refusal::Status { .. } => Code::Status,
            Refusal::Full { .. } => Code::Full,
            Refusal::OpenRequests { .. } => Code::OpenRequests,
            Refusal::AskedBefore { .. } => Code::AskedBefore,
            Refusal::Guidelines { .. } => Code::Guidelines,
            Refusal::NoThreshold => Code::NoThreshold,
        };
        Problem::new(code, refusal.to_string())
    }
}

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Problem {
        // A hint for the command line.
        Problem::invalid(invalid.field, invalid.problem.trim_end_matches(", or use --lenient"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_sent_by_its_name() {
        for code in Code::ALL {
            assert_eq!(serde_json::to_value(code).ok(), Some(code.name().into()));
        }
    }
}
