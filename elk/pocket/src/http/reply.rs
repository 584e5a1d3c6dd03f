//! An answer.

use crate::store::ApiError;
use hyper::header::{HeaderName, HeaderValue};
use serde::Serialize;
use serde_json::{Value, json};

/// Status, type and body.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) kind: &'static str,
    /// Besides those of every answer.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) body: Vec<u8>,
    /// Whether `filter_path` is applied already.
    pub(super) filtered: bool,
}

impl Reply {
    pub(super) fn json(status: u16, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(body) => Self::written(status, body),
            Err(error) => Self::error(&ApiError::internal(error.to_string())),
        }
    }

    /// JSON that is written already.
    pub(super) fn written(status: u16, body: Vec<u8>) -> Self {
        Self { status, kind: "application/json", headers: Vec::new(), body, filtered: false }
    }

    pub(super) fn ok(body: &Value) -> Self {
        Self::json(200, body)
    }

    pub(super) fn acknowledged() -> Self {
        Self::ok(&json!({"acknowledged": true}))
    }

    pub(super) fn text(body: String) -> Self {
        Self {
            status: 200,
            kind: "text/plain; charset=UTF-8",
            headers: Vec::new(),
            body: body.into_bytes(),
            filtered: false,
        }
    }

    pub(super) fn empty(status: u16) -> Self {
        Self::written(status, Vec::new())
    }

    pub(super) fn error(error: &ApiError) -> Self {
        Self::json(error.status, &error.answer())
    }
}

impl From<Result<Reply, ApiError>> for Reply {
    fn from(outcome: Result<Reply, ApiError>) -> Self {
        outcome.unwrap_or_else(|error| Self::error(&error))
    }
}
