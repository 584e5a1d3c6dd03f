//! The page itself, embedded.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Name, type and text.
const FILES: [(&str, &str, &str); 15] = [
    ("logs.html", HTML, include_str!("page/logs.html")),
    ("logs.css", CSS, include_str!("page/logs.css")),
    ("theme.css", CSS, include_str!("page/theme.css")),
    ("icon.svg", SVG, include_str!("page/icon.svg")),
    ("logs.js", SCRIPT, include_str!("page/logs.js")),
    ("address.js", SCRIPT, include_str!("page/address.js")),
    ("element.js", SCRIPT, include_str!("page/element.js")),
    ("store.js", SCRIPT, include_str!("page/store.js")),
    ("level.js", SCRIPT, include_str!("page/level.js")),
    ("moment.js", SCRIPT, include_str!("page/moment.js")),
    ("volume.js", SCRIPT, include_str!("page/volume.js")),
    ("facets.js", SCRIPT, include_str!("page/facets.js")),
    ("list.js", SCRIPT, include_str!("page/list.js")),
    ("document.js", SCRIPT, include_str!("page/document.js")),
    ("theme.js", SCRIPT, include_str!("page/theme.js")),
];

/// A file of the page.
pub(super) fn file(name: &str) -> Response {
    match FILES.iter().find(|(known, ..)| *known == name) {
        Some((_, kind, text)) => {
            ([("content-type", *kind), ("cache-control", "no-cache")], *text).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
