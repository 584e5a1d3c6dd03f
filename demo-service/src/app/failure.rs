//! Everything that can go wrong with a request: the status, the answer, and the line in the log.

use super::{MAX_BODY, field};
use axum::body::Body;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use std::backtrace::Backtrace;
use std::error::Error;
use std::num::ParseIntError;
use tracing::error;

type AnyError = Box<dyn Error + Send + Sync>;

/// Why a request did not get what it asked for. What the client sent stands in the causes only, never in the log.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("the body is not JSON")]
    NotJson(#[source] serde_json::Error),
    #[error("the body is {found}, send a JSON object")]
    NotAnObject { found: &'static str },
    #[error("the body could not be read")]
    Body(#[source] BytesRejection),
    #[error("a parameter cannot be read")]
    Parameters(#[source] QueryRejection),
    #[error("`{name}` is out of range, use {from} to {to}")]
    OutOfRange { name: &'static str, from: u64, to: u64 },
    #[error("the fault cannot be set")]
    Fault(#[source] AnyError),
    #[error("only the host itself may do this")]
    NotLoopback,
    #[error("no such route")]
    UnknownRoute,
    #[error("the route has no such method")]
    WrongMethod,
    #[error("the body is longer than {MAX_BODY} bytes")]
    TooLarge,
    #[error("the content type is not application/json")]
    MediaType,
    #[error("all connections to the database are in use and as many requests wait as may")]
    PoolFull,
    #[error("the database refused the query")]
    Query(#[source] rusqlite::Error),
    #[error("no dependency is named, start with --upstream http://host:port")]
    NoUpstream,
    #[error("the dependency cannot be reached")]
    Upstream(#[source] AnyError),
    #[error("the dependency answered {0}")]
    UpstreamStatus(u16),
    #[error("the dependency did not answer in time")]
    UpstreamTimeout(#[source] tokio::time::error::Elapsed),
    #[error("the order cannot be priced")]
    Price(#[source] PriceError),
    #[error("a panic would end this build, build with --profile demo")]
    PanicEnds,
    #[error("the handler panicked")]
    Panic,
}

/// The cause of a failure that was asked for.
#[derive(Debug, thiserror::Error)]
#[error("the price list holds `{found}` where a number belongs")]
pub(super) struct PriceError {
    found: &'static str,
    source: ParseIntError,
}

/// Of a refusal, for the request's event.
#[derive(Debug, Clone)]
pub(super) struct Reason(pub(super) String);

impl Failure {
    /// A failure for its own sake.
    pub(super) fn made_up() -> Self {
        let found = "12,50";
        match found.parse::<u32>() {
            Ok(_) => Self::Panic,
            Err(source) => Self::Price(PriceError { found, source }),
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::NotJson(_) | Self::NotAnObject { .. } | Self::Body(_) => StatusCode::BAD_REQUEST,
            Self::Parameters(_) | Self::OutOfRange { .. } | Self::Fault(_) => StatusCode::BAD_REQUEST,
            Self::NotLoopback => StatusCode::FORBIDDEN,
            Self::UnknownRoute => StatusCode::NOT_FOUND,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Query(_) | Self::Price(_) | Self::Panic => StatusCode::INTERNAL_SERVER_ERROR,
            Self::PanicEnds => StatusCode::NOT_IMPLEMENTED,
            Self::NoUpstream | Self::Upstream(_) | Self::UpstreamStatus(_) => StatusCode::BAD_GATEWAY,
            Self::PoolFull => StatusCode::SERVICE_UNAVAILABLE,
            Self::UpstreamTimeout(_) => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// `error.type`: the name of the variant.
    fn kind(&self) -> String {
        let debug = format!("{self:?}");
        debug.chars().take_while(char::is_ascii_alphanumeric).collect()
    }
}

impl IntoResponse for Failure {
    /// From 500 on it is an error of this service and logged as one; below, the request's own event says why.
    fn into_response(self) -> Response {
        let status = self.status();
        let chain = chain(&self);
        if status.is_server_error() && !matches!(self, Self::Panic) {
            error!(
                { field::ERROR_TYPE } = self.kind(),
                { field::ERROR_MESSAGE } = %self,
                { field::ERROR_STACK } = chain,
                "request failed"
            );
        }
        let body = serde_json::json!({ "error": chain.replace("\ncaused by", "") });
        let mut response = Response::new(Body::from(format!("{body}\n")));
        *response.status_mut() = status;
        response.extensions_mut().insert(Reason(self.to_string()));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, "application/json".parse().expect("a header value"));
        if matches!(self, Self::PoolFull) {
            headers.insert(RETRY_AFTER, 1.into());
        }
        response
    }
}

impl From<BytesRejection> for Failure {
    fn from(rejection: BytesRejection) -> Self {
        match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge,
            _ => Self::Body(rejection),
        }
    }
}

impl From<QueryRejection> for Failure {
    fn from(rejection: QueryRejection) -> Self {
        Self::Parameters(rejection)
    }
}

/// The error and its causes, one a line.
fn chain(error: &dyn Error) -> String {
    let (mut chain, mut cause) = (error.to_string(), error.source());
    while let Some(error) = cause {
        chain = format!("{chain}\ncaused by: {error}");
        cause = error.source();
    }
    chain
}

/// Makes every panic a line with its stack, within the request it belongs to.
pub(super) fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let payload = panic.payload();
        let text = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        error!(
            { field::ERROR_TYPE } = "panic",
            { field::ERROR_MESSAGE } = text.unwrap_or("a panic without a text"),
            { field::ERROR_STACK } = format!("{panic}\n{}", Backtrace::force_capture()),
            "panicked"
        );
    }));
}
