//! Everything that can go wrong with a request: the status, the answer, and the line in the log.

use super::MAX_BODY;
use crate::log::field;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use std::backtrace::Backtrace;
use std::borrow::Cow;
use std::error::Error;
use std::num::ParseIntError;
use tracing::{Level, enabled, error};

/// Why a request did not get what it asked for.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    kind: &'static str,
    /// Never holds what the client sent, as it is logged.
    message: Cow<'static, str>,
    /// Logged for failures of this service only.
    cause: Option<Box<dyn Error + Send + Sync>>,
}

/// The message, for the request's event.
#[derive(Debug, Clone)]
pub(super) struct Reason(pub(super) Cow<'static, str>);

/// The cause of a failure that was asked for.
#[derive(Debug, thiserror::Error)]
#[error("the price list holds `{found}` where a number belongs")]
struct PriceError {
    found: &'static str,
    source: ParseIntError,
}

impl Failure {
    pub(super) fn new(status: StatusCode, kind: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, kind, message: message.into(), cause: None }
    }

    /// A request that cannot be understood.
    pub(super) fn bad(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    pub(super) fn because(self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { cause: Some(cause.into()), ..self }
    }

    /// A failure for its own sake.
    pub(super) fn made_up() -> Self {
        let failure =
            Self::new(StatusCode::INTERNAL_SERVER_ERROR, "PriceError", "the order cannot be priced");
        let found = "12,50";
        match found.parse::<u32>() {
            Ok(_) => failure,
            Err(source) => failure.because(PriceError { found, source }),
        }
    }

    /// The answer to a panic, which has logged itself.
    pub(super) fn panicked() -> Response {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "panic", "the handler panicked").answer()
    }

    fn answer(self) -> Response {
        let body = serde_json::json!({ "error": self.chain().join(": ") });
        let mut response = (self.status, format!("{body}\n")).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response.extensions_mut().insert(Reason(self.message));
        response
    }

    /// The message and the causes.
    fn chain(&self) -> Vec<String> {
        let mut chain = vec![self.message.to_string()];
        let mut cause = self.cause.as_ref().map(|cause| &**cause as &dyn Error);
        while let Some(error) = cause {
            chain.push(error.to_string());
            cause = error.source();
        }
        chain
    }
}

impl IntoResponse for Failure {
    /// From 500 on it is an error of this service and logged as one; below, the request's own event says why.
    fn into_response(self) -> Response {
        if self.status.is_server_error() {
            error!(
                { field::ERROR_TYPE } = self.kind,
                { field::ERROR_MESSAGE } = %self.message,
                { field::ERROR_STACK } = self.chain().join("\ncaused by: "),
                "request failed"
            );
        }
        self.answer()
    }
}

impl From<BytesRejection> for Failure {
    fn from(rejection: BytesRejection) -> Self {
        match rejection.status() {
            status @ StatusCode::PAYLOAD_TOO_LARGE => {
                Self::new(status, "TooLarge", format!("the body is longer than {MAX_BODY} bytes"))
            }
            _ => Self::bad("the body could not be read").because(rejection),
        }
    }
}

impl From<QueryRejection> for Failure {
    fn from(rejection: QueryRejection) -> Self {
        Self::bad("a parameter cannot be read").because(rejection.body_text())
    }
}

/// Makes every panic a line with its stack, within the request it belongs to; where no errors are logged, as usual.
pub(super) fn log_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !enabled!(Level::ERROR) {
            return usual(panic);
        }
        let payload = panic.payload();
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        error!(
            { field::ERROR_TYPE } = "panic",
            { field::ERROR_MESSAGE } = text.unwrap_or("a panic without a text"),
            { field::ERROR_STACK } = format!("{panic}\n{}", Backtrace::force_capture()),
            "panicked"
        );
    }));
}
