//! The description of the API, made from the code that answers.

use axum::http::StatusCode;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi as Document, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, Modify, OpenApi, ToSchema};

use super::problem::ProblemDetails;

/// What every API answers that is asked wrongly, or at the wrong time.
pub struct Problems;

impl IntoResponses for Problems {
    fn responses() -> std::collections::BTreeMap<String, RefOr<Response>> {
        [
            (
                StatusCode::BAD_REQUEST,
                "A part of the request is wrong; `field` and `detail` say which, and what was expected",
            ),
            (StatusCode::UNAUTHORIZED, "No key or token, or one that is not good"),
            (StatusCode::FORBIDDEN, "The key or token is not for this"),
            (StatusCode::NOT_FOUND, "The member is not available"),
            (StatusCode::REQUEST_TIMEOUT, "The request did not come in time"),
            (StatusCode::PAYLOAD_TOO_LARGE, "The body is too large"),
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body is of another type"),
            (StatusCode::TOO_MANY_REQUESTS, "More requests than the key or member may make; see Retry-After"),
            (StatusCode::INTERNAL_SERVER_ERROR, "Something of ours failed"),
            (StatusCode::SERVICE_UNAVAILABLE, "No index yet, or too many requests wait; see Retry-After"),
            (StatusCode::GATEWAY_TIMEOUT, "It took longer than the deadline"),
        ]
        .into_iter()
        .map(|(status, description)| (status.as_u16().to_string(), problem(description)))
        .collect()
    }
}

/// What the rules of the programme do not have.
pub struct Refusals;

impl IntoResponses for Refusals {
    fn responses() -> std::collections::BTreeMap<String, RefOr<Response>> {
        let told = "The rules do not have it: the mentor is full, was asked before, or accepts the guidelines first; too many \
                    requests are open; there is no waitlist; or it is not at that point";
        [(StatusCode::CONFLICT.as_u16().to_string(), problem(told))].into()
    }
}

fn problem(description: &str) -> RefOr<Response> {
    let content =
        ContentBuilder::new().schema(Some(utoipa::openapi::Ref::from_schema_name(ProblemDetails::name()))).build();
    let response = ResponseBuilder::new().description(description);
    RefOr::T(response.content("application/problem+json", content).build())
}

/// The head of the document; the paths come with the routes.
#[derive(OpenApi)]
#[openapi(
    info(title = "rapport", description = "Finds people the mentors they should know, and says why."),
    components(schemas(ProblemDetails)),
    security(("bearer" = [])),
    modifiers(&Bearer),
    tags(
        (name = "search", description = "Finding mentors, and why"),
        (name = "members", description = "Reading, writing and erasing members"),
        (name = "programme", description = "From a match to a relationship: introductions and what comes of them"),
        (name = "operate", description = "Rebuilding and looking after the service"),
        (name = "health", description = "For load balancers and Prometheus")
    )
)]
pub struct Api;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut Document) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(
            "An API key (rapport_…), or a member's token signed by the community. Not needed where the service has neither.",
        ));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer.build()));
    }
}
