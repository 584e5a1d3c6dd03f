//! The pages over HTTP/1.1. Only GET and HEAD, no request body is ever read, one request a connection: whatever a client
//! does or leaves undone, it holds a slot for a bounded time.

use super::door::{Door, Page, Refusal};
use super::{StatusReport, StatusSource, prometheus};
use crate::config::Secret;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use hyper::header::{HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::{debug, warn};

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";

/// Most header lines of a request; one more is answered 431.
const MAX_HEADERS: usize = 64;

/// Most bytes of request line and headers, the least hyper takes.
const MAX_HEAD_BYTES: usize = 8 * 1024;

/// Pause after an accept that failed, for example because no descriptor is free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Bounds of the server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Connections at once; further ones wait in the backlog of the listener.
    pub(super) connections: usize,
    /// Time for a client to send its request line and headers.
    pub(super) head: Duration,
    /// Time for the source to answer.
    pub(super) report: Duration,
    /// Time for a whole connection, so also for a client to take its answer.
    pub(super) connection: Duration,
}

impl Limits {
    const USUAL: Self = Self {
        connections: 64,
        head: Duration::from_secs(5),
        report: Duration::from_secs(2),
        connection: Duration::from_secs(10),
    };
}

/// Serves `/status`, `/metrics`, `/healthz` and `/readyz` until it is dropped; never fails.
///
/// With a `token` all but `/healthz` need `Authorization: Bearer <token>`. A listener on loopback answers only requests
/// whose `Host` is `localhost` or a loopback address. Where `source` takes more than two seconds, the answer is 503.
pub async fn serve(listener: TcpListener, source: StatusSource, token: Option<Secret>) {
    serve_within(listener, source, token, Limits::USUAL).await;
}

pub(super) async fn serve_within(
    listener: TcpListener,
    source: StatusSource,
    token: Option<Secret>,
    limits: Limits,
) {
    // Without an address the stricter rule holds.
    let address = listener.local_addr().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |address| address.ip());
    let server = Arc::new(Server { door: Door::new(address, token), source, limits });
    let slots = Arc::new(Semaphore::new(limits.connections));
    loop {
        let slot = slots.clone().acquire_owned().await.expect("the semaphore is never closed");
        match listener.accept().await {
            Ok((socket, _)) => {
                let server = server.clone();
                tokio::spawn(async move {
                    server.talk(socket).await;
                    drop(slot);
                });
            }
            Err(error) => {
                warn!(error = %error, "monitoring cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

struct Server {
    door: Door,
    source: StatusSource,
    limits: Limits,
}

impl Server {
    async fn talk(self: Arc<Self>, socket: TcpStream) {
        let limits = self.limits;
        let service = service_fn(move |request| {
            let server = self.clone();
            async move { Ok::<_, Infallible>(server.answer(request).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .keep_alive(false)
            .max_headers(MAX_HEADERS)
            .max_buf_size(MAX_HEAD_BYTES)
            .header_read_timeout(limits.head)
            .serve_connection(TokioIo::new(socket), service);
        match timeout(limits.connection, connection).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                debug!(error = %crate::telemetry::chain(&error), "monitoring connection failed")
            }
            Err(_) => debug!("monitoring connection took too long"),
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        match self.door.admit(&request) {
            Ok(page) => self.page(page).await,
            Err(refusal) => refuse(refusal),
        }
    }

    async fn page(&self, page: Page) -> Response<Full<Bytes>> {
        if page == Page::Health {
            return answer(StatusCode::OK, TEXT, "alive\n");
        }
        match (page, timeout(self.limits.report, (self.source)()).await) {
            (Page::Ready, Err(_)) => not_ready(&["the pipeline does not answer".into()]),
            (_, Err(_)) => answer(
                StatusCode::SERVICE_UNAVAILABLE,
                JSON,
                "{\"error\":\"the pipeline does not answer; see the log of the agent\"}\n",
            ),
            (Page::Metrics, Ok(report)) => {
                answer(StatusCode::OK, prometheus::CONTENT_TYPE, prometheus::render(&report))
            }
            (Page::Ready, Ok(report)) if report.ready => answer(StatusCode::OK, JSON, "{\"ready\":true}\n"),
            (Page::Ready, Ok(report)) => not_ready(&reasons(&report)),
            (Page::Status | Page::Health, Ok(report)) => answer(StatusCode::OK, JSON, json(&report)),
        }
    }
}

fn refuse(refusal: Refusal) -> Response<Full<Bytes>> {
    match refusal {
        Refusal::ForeignHost => answer(
            StatusCode::MISDIRECTED_REQUEST,
            TEXT,
            "this address answers for localhost, 127.0.0.1 and [::1] only\n",
        ),
        Refusal::NoToken => with_header(
            answer(
                StatusCode::UNAUTHORIZED,
                TEXT,
                "send the monitoring.token as Authorization: Bearer TOKEN\n",
            ),
            WWW_AUTHENTICATE,
            "Bearer realm=\"blueox\"",
        ),
        Refusal::UnknownPath => {
            answer(StatusCode::NOT_FOUND, TEXT, "there are /status, /metrics, /healthz and /readyz\n")
        }
        Refusal::WrongMethod => with_header(
            answer(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET and HEAD\n"),
            ALLOW,
            "GET, HEAD",
        ),
    }
}

fn not_ready(reasons: &[String]) -> Response<Full<Bytes>> {
    let body = json(&serde_json::json!({ "ready": false, "reasons": reasons }));
    answer(StatusCode::SERVICE_UNAVAILABLE, JSON, body)
}

/// Why the report is not ready, each with what an operator can look at; at least one.
fn reasons(report: &StatusReport) -> Vec<String> {
    let held = report.held.iter().map(|held| format!("{} is held: {}", held.index, held.reason));
    let output =
        report.output.last_error.iter().map(|error| format!("output {}: {error}", report.output.host));
    let mut reasons: Vec<String> = held.chain(output).collect();
    if reasons.is_empty() {
        reasons.push(format!("no progress: {} events wait for a verdict", report.accounts.pending));
    }
    reasons
}

fn json(value: &impl serde::Serialize) -> String {
    let mut text = serde_json::to_string(value).expect("reports have text keys only");
    text.push('\n');
    text
}

fn answer(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let body = body.into();
    let length = HeaderValue::from(body.len());
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CONTENT_LENGTH, length);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn with_header(
    mut response: Response<Full<Bytes>>,
    name: HeaderName,
    value: &'static str,
) -> Response<Full<Bytes>> {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
    response
}
