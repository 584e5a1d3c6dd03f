//! One log event for each request: the end of its span.

use super::App;
use super::failure::{Failure, Reason};
use crate::log::field;
use axum::body::{Body, HttpBody};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http_body_util::BodyExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument, Span, info_span};

const REQUEST_ID: &str = "x-request-id";
const LOAD_PROFILE: &str = "x-load-profile";
const LOAD_PHASE: &str = "x-load-phase";
/// What proxies write where the client closed the connection before the answer.
const CLIENT_LEFT: u16 = 499;
/// Most characters of a path that are logged.
const MAX_PATH: usize = 256;

/// The W3C trace a request belongs to, and what else goes along to other services.
#[derive(Debug, Clone)]
pub(super) struct Context {
    trace: u128,
    span: u64,
    request: String,
    load: [Option<(&'static str, String)>; 2],
}

/// A request that is being answered; dropped before [`Open::close`] it says that nobody waited for the answer.
struct Open {
    span: Span,
    begun: Instant,
    received: Arc<AtomicU64>,
    app: Arc<App>,
    closed: bool,
}

/// Answers through `next`, catches panics, and logs.
pub(super) async fn record(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let _active = app.active.enter();
    let context = Context::of(request.headers());
    let open = Open::new(Arc::clone(&app), &request, &context);
    let failure = app.faults.strike(route(&request));
    let received = Arc::clone(&open.received);
    let mut request = request.map(|body| count(body, received));
    let request_id = HeaderValue::from_str(&context.request);
    request.extensions_mut().insert(context);
    let answer = async {
        let answered = match failure {
            Some(failure) => Ok(failure.into_response()),
            None => AssertUnwindSafe(next.run(request)).catch_unwind().await,
        };
        answered.unwrap_or_else(|_| Failure::panicked())
    };
    let mut response = answer.instrument(open.span.clone()).await;
    if let Ok(id) = request_id {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    open.close(&response);
    response
}

impl Open {
    fn new(app: Arc<App>, request: &Request, context: &Context) -> Self {
        let route = route(request);
        let path = request.uri().path();
        let [profile, phase] =
            context.load.each_ref().map(|pair| pair.as_ref().map(|(_, value)| value.as_str()));
        let span = info_span!(
            "request",
            { field::METHOD } = method(request.method()),
            { field::ROUTE } = route,
            { field::PATH } = format!("{path:.MAX_PATH$}"),
            { field::TRACE_ID } = format!("{:032x}", context.trace),
            { field::SPAN_ID } = format!("{:016x}", context.span),
            { field::REQUEST_ID } = context.request,
            { field::APP_KIND } = app_kind(route),
            { field::LOAD_PROFILE } = profile,
            { field::LOAD_PHASE } = phase,
            { field::STATUS } = Empty,
            { field::DURATION } = Empty,
            { field::OUTCOME } = Empty,
            { field::REASON } = Empty,
            { field::BYTES_IN } = Empty,
            { field::BYTES_OUT } = Empty,
        );
        Self { span, begun: Instant::now(), received: Arc::default(), app, closed: false }
    }

    fn close(mut self, response: &Response) {
        self.closed = true;
        let status = response.status();
        let outcome = if status.is_server_error() { "failure" } else { "success" };
        let reason = response.extensions().get::<Reason>().map(|reason| &*reason.0);
        self.fill(status.as_u16(), outcome, reason, response.body().size_hint().exact().unwrap_or(0));
    }

    fn fill(&self, status: u16, outcome: &str, reason: Option<&str>, sent: u64) {
        self.app.answered.fetch_add(1, Relaxed);
        let nanoseconds = self.begun.elapsed().as_nanos() as u64;
        self.span.record(field::STATUS, status);
        self.span.record(field::DURATION, nanoseconds);
        self.span.record(field::OUTCOME, outcome);
        self.span.record(field::REASON, reason);
        self.span.record(field::BYTES_IN, self.received.load(Relaxed));
        self.span.record(field::BYTES_OUT, sent);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if !self.closed {
            self.fill(CLIENT_LEFT, "unknown", Some("the client left, or the service ended"), 0);
        }
    }
}

impl Context {
    /// From the headers; a trace is begun where there is none, and what is no proper value counts as absent.
    fn of(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let word = |name: &str| text(name).filter(|word| is_word(word)).map(str::to_owned);
        let span = fastrand::u64(1..);
        let trace = text("traceparent").and_then(trace_id).unwrap_or_else(|| fastrand::u128(1..));
        Self {
            trace,
            span,
            request: word(REQUEST_ID).unwrap_or_else(|| format!("{span:016x}")),
            load: [LOAD_PROFILE, LOAD_PHASE].map(|name| Some((name, word(name)?))),
        }
    }

    /// For calls to other services on behalf of this request.
    pub(super) fn headers(&self) -> impl Iterator<Item = (&'static str, String)> {
        let traceparent = format!("00-{:032x}-{:016x}-01", self.trace, self.span);
        let own = [("traceparent", traceparent), (REQUEST_ID, self.request.clone())];
        own.into_iter().chain(self.load.iter().flatten().cloned())
    }
}

/// The trace id of a W3C `traceparent`: `00-<32 digits>-<16 digits>-<2 digits>`, neither id all zero.
fn trace_id(traceparent: &str) -> Option<u128> {
    let mut parts = traceparent.split('-');
    let mut hex = |digits: usize| {
        let lower_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let part = parts.next().filter(|part| part.len() == digits && part.bytes().all(lower_hex))?;
        u128::from_str_radix(part, 16).ok()
    };
    let (version, trace, parent, _flags) = (hex(2)?, hex(32)?, hex(16)?, hex(2)?);
    (version != 0xff && trace != 0 && parent != 0).then_some(trace)
}

/// Short and of plain characters, so that no header can fill or disguise a line.
fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':'))
}

fn route(request: &Request) -> &str {
    request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str)
}

fn app_kind(route: &str) -> &'static str {
    match route {
        "/simple" | "/version" => "simple",
        "/compute" => "compute",
        "/slow" | "/wait" | "/chain" => "slow",
        "/fail" => "fail",
        _ => "none",
    }
}

/// Methods are a closed set, so nobody can fill a board with invented ones.
fn method(method: &Method) -> &str {
    const KNOWN: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];
    if KNOWN.contains(&method.as_str()) { method.as_str() } else { "_OTHER" }
}

/// The body, which counts what is read of it.
fn count(body: Body, received: Arc<AtomicU64>) -> Body {
    if body.is_end_stream() {
        return body;
    }
    Body::new(body.map_frame(move |frame| {
        received.fetch_add(frame.data_ref().map_or(0, |data| data.len() as u64), Relaxed);
        frame
    }))
}
