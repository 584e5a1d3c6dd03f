//! What the page shows when there is no answer.

use crate::store::ApiError;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use dashboards::kql::SyntaxError;
use dashboards::lens::{AnswerError, TimeError};
use serde_json::{Value, json};

/// A request that got no answer.
#[derive(Debug)]
pub(super) enum Fault {
    /// The search text is no KQL; the text and where it stops making sense.
    Query(String, SyntaxError),
    /// The time range cannot be read.
    Time(TimeError),
    /// The request names something that cannot be.
    Parameter(String),
    /// There is no such line.
    Gone,
    /// There is nothing of that name.
    Unknown(String),
    /// An answer of the store gives no figures.
    Answer(AnswerError),
    /// The store refused.
    Store(ApiError),
}

impl From<ApiError> for Fault {
    fn from(error: ApiError) -> Self {
        Self::Store(error)
    }
}

impl From<AnswerError> for Fault {
    fn from(error: AnswerError) -> Self {
        Self::Answer(error)
    }
}

impl From<TimeError> for Fault {
    fn from(error: TimeError) -> Self {
        Self::Time(error)
    }
}

impl Fault {
    fn status(&self) -> StatusCode {
        match self {
            Self::Query(..) | Self::Time(_) | Self::Parameter(_) => StatusCode::BAD_REQUEST,
            Self::Gone | Self::Unknown(_) => StatusCode::NOT_FOUND,
            Self::Answer(_) => StatusCode::BAD_GATEWAY,
            Self::Store(error) => {
                StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }

    fn body(&self) -> Value {
        match self {
            // Texts in a browser are counted in UTF-16.
            Self::Query(text, error) => json!({
                "kind": "query",
                "reason": error.to_string(),
                "position": text.get(..error.position).unwrap_or_default().encode_utf16().count(),
            }),
            Self::Time(error) => json!({"kind": "time", "reason": error.to_string()}),
            Self::Parameter(reason) => json!({"kind": "request", "reason": reason}),
            Self::Gone => json!({
                "kind": "gone",
                "reason": "this line is not stored any more; retention may have removed it",
            }),
            Self::Unknown(reason) => json!({"kind": "unknown", "reason": reason}),
            Self::Answer(error) => json!({"kind": "store", "reason": error.to_string()}),
            Self::Store(error) => {
                let reason = running_text(&error.reason).unwrap_or_else(|| error.reason.clone());
                json!({"kind": "store", "reason": reason})
            }
        }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        answer(self.status(), &json!({"error": self.body()}))
    }
}

/// What to do about a field that cannot be grouped by, where that is what the store complains about.
fn running_text(reason: &str) -> Option<String> {
    let field = reason.strip_prefix("Fielddata is disabled on [")?.split(']').next()?;
    Some(format!(
        "`{field}` was stored as running text, since its index was made without a template; run `blueox setup --elasticsearch URL` \
         and remove that index, or begin a new one with `POST /STREAM/_rollover`"
    ))
}

/// A JSON answer.
pub(super) fn answer(status: StatusCode, body: &Value) -> Response {
    let headers = [("content-type", "application/json"), ("cache-control", "no-store")];
    (status, headers, body.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_is_running_text_is_named() {
        let told = running_text("Fielddata is disabled on [log.level] in [logs]. Text fields are …").unwrap();
        assert!(told.starts_with("`log.level` was stored as running text"), "{told}");
        assert_eq!(running_text("all shards failed"), None);
    }
}
