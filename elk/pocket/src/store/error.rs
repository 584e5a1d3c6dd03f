//! Errors in Elasticsearch's words and shape.

use serde_json::{Map, Value, json};

/// An error as its HTTP answer shows it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{kind}: {reason}")]
pub struct ApiError {
    /// The HTTP status.
    pub status: u16,
    /// `index_not_found_exception` and so on.
    pub kind: String,
    /// The sentence.
    pub reason: String,
    /// Further entries: `index`, `caused_by`, …
    pub details: Map<String, Value>,
    /// What it is about in the body of the request.
    pub at: Option<At>,
}

/// A key of the body, by which the answer can tell line and column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// Where the key is.
    Key(String),
    /// Where its value begins.
    Value(String),
}

impl ApiError {
    /// An error without details.
    pub fn new(status: u16, kind: &str, reason: impl Into<String>) -> Self {
        Self { status, kind: kind.to_owned(), reason: reason.into(), details: Map::new(), at: None }
    }

    /// 400 `illegal_argument_exception`
    pub fn illegal(reason: impl Into<String>) -> Self {
        Self::new(400, "illegal_argument_exception", reason)
    }

    /// 400 `parsing_exception`
    pub fn parsing(reason: impl Into<String>) -> Self {
        Self::new(400, "parsing_exception", reason)
    }

    /// 400 for a body that is no JSON, with the place where it ceases to be.
    pub fn no_json(body: &[u8], error: &serde_json::Error) -> Self {
        if !error.is_eof() {
            let reason = format!("[{}:{}] {error}", error.line(), error.column());
            return Self::new(400, "x_content_parse_exception", reason)
                .caused_by("json_parse_exception", &error.to_string());
        }
        let line = memchr::memchr_iter(b'\n', body).count() + 1;
        let column = body.len() - memchr::memrchr(b'\n', body).map_or(0, |end| end + 1) + 1;
        Self::new(400, "x_content_e_o_f_exception", format!("[{line}:{column}] Unexpected end of file"))
            .caused_by("json_e_o_f_exception", "Unexpected end-of-input")
    }

    /// 400 for what Elasticsearch has and this store has not.
    pub fn unsupported(what: &str) -> Self {
        Self::illegal(format!("{what} is not supported by this store"))
    }

    /// 404
    pub fn index_not_found(name: &str) -> Self {
        let mut error = Self::new(404, "index_not_found_exception", format!("no such index [{name}]"));
        error.details.insert("resource.type".to_owned(), json!("index_or_alias"));
        error.details.insert("resource.id".to_owned(), json!(name));
        error.of_index(name, "_na_")
    }

    /// 503
    pub fn unavailable(reason: &str) -> Self {
        Self::new(503, "unavailable_shards_exception", reason)
    }

    /// 429, as a node past its flood-stage watermark answers.
    pub fn disk_full(cause: &str) -> Self {
        let reason = format!(
            "blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, index has read-only-allow-delete block]; {cause}; free some space, writing goes on by itself"
        );
        Self::new(429, "cluster_block_exception", reason)
    }

    /// 500
    pub fn internal(reason: impl Into<String>) -> Self {
        Self::new(500, "exception", reason)
    }

    /// With the entries `index` and `index_uuid`.
    pub fn of_index(mut self, name: &str, uuid: &str) -> Self {
        self.details.insert("index_uuid".to_owned(), json!(uuid));
        self.details.insert("index".to_owned(), json!(name));
        self
    }

    /// With a `caused_by`.
    pub fn caused_by(mut self, kind: &str, reason: &str) -> Self {
        self.details.insert("caused_by".to_owned(), json!({"type": kind, "reason": reason}));
        self
    }

    /// With the key it is about.
    pub fn at_key(mut self, key: &str) -> Self {
        self.at = Some(At::Key(key.to_owned()));
        self
    }

    /// With the key whose value it is about.
    pub fn at_value(mut self, key: &str) -> Self {
        self.at = Some(At::Value(key.to_owned()));
        self
    }

    /// The object inside `error`, without root cause.
    pub fn body(&self) -> Map<String, Value> {
        let mut body = Map::new();
        body.insert("type".to_owned(), json!(self.kind));
        body.insert("reason".to_owned(), json!(self.reason));
        body.extend(self.details.clone());
        body
    }

    /// The whole answer.
    pub fn answer(&self) -> Value {
        let body = self.body();
        let mut cause = body.clone();
        cause.remove("caused_by");
        let mut error = body;
        error.insert("root_cause".to_owned(), json!([cause]));
        json!({"error": error, "status": self.status})
    }
}

impl From<tantivy::TantivyError> for ApiError {
    fn from(error: tantivy::TantivyError) -> Self {
        Self::internal(error.to_string())
    }
}

impl From<std::io::Error> for ApiError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                Self::disk_full(&error.to_string())
            }
            _ => Self::internal(error.to_string()),
        }
    }
}
