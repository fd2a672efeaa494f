//! The style, the script and the icon, which are parts of the program.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use crate::server::problem::{Code, Problem};

const STYLE: &str = include_str!("../../../web/page.css");
const SCRIPT: &str = include_str!("../../../web/page.js");

/// Two people and what they share.
pub const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='6' cy='8' \
                        r='5' fill='%230b6e63'/%3E%3Ccircle cx='10' cy='8' r='5' fill='%23e0a030' fill-opacity='.75'/%3E%3C/svg%3E";

/// Each has its content in its name, so that a browser asks for it once.
fn named(kind: &str, content: &str) -> String {
    format!("page-{}.{kind}", &blake3::hash(content.as_bytes()).to_hex()[..16])
}

static STYLE_NAME: LazyLock<String> = LazyLock::new(|| named("css", STYLE));
static SCRIPT_NAME: LazyLock<String> = LazyLock::new(|| named("js", SCRIPT));

/// The style's path.
pub fn style() -> String {
    format!("/assets/{}", *STYLE_NAME)
}

/// The script's path.
pub fn script() -> String {
    format!("/assets/{}", *SCRIPT_NAME)
}

/// One of them.
pub async fn get(Path(name): Path<String>) -> Response {
    let (kind, content) = match name {
        name if name == *STYLE_NAME => ("text/css; charset=utf-8", STYLE),
        name if name == *SCRIPT_NAME => ("text/javascript; charset=utf-8", SCRIPT),
        _ => return Problem::new(Code::NotFound, "there is nothing of this name").into_response(),
    };
    let mut response = ([(header::CONTENT_TYPE, kind)], content).into_response();
    let keep = HeaderValue::from_static("public, max-age=31536000, immutable");
    response.headers_mut().insert(header::CACHE_CONTROL, keep);
    response
}
