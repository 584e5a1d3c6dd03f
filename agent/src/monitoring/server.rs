//! The status page over HTTP/1.
//!
//! Read-only: `GET` and nothing else, no bodies taken. On a loopback address requests must name a loopback host, so that no
//! web page of a foreign name that resolves to this machine can read it. Clients are bounded in number, header size and
//! time.

use super::{StatusReport, StatusSource, metrics};
use crate::config::Secret;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderValue, WWW_AUTHENTICATE};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tracing::warn;

/// Most connections at once; further ones are closed.
const CONNECTIONS_MAX: usize = 32;

/// Most header bytes, the request line among them.
const HEADER_BYTES_MAX: usize = 16 * 1024;

/// Most header fields.
const HEADERS_MAX: usize = 64;

/// How long a client may take for its headers.
const HEADER_PATIENCE: Duration = Duration::from_secs(5);

/// Longest life of a connection, so that a client that does not read goes too.
const CONNECTION_PATIENCE: Duration = Duration::from_secs(60);

/// How long the pipeline may take for a report.
const REPORT_PATIENCE: Duration = Duration::from_secs(5);

/// Pause after a failed accept; out of descriptors, the next one fails as well.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Serves until dropped.
///
/// `token` is asked for in `Authorization: Bearer …` on every page but `/healthz`, which says nothing but that the process
/// lives.
pub async fn serve(listener: TcpListener, source: StatusSource, token: Option<Secret>) {
    let local_only = listener.local_addr().is_ok_and(|address| address.ip().is_loopback());
    let page = Arc::new(Page { source, token, local_only });
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                warn!(%error, "a connection to the status page cannot be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(slot) = slots.clone().try_acquire_owned() else { continue };
        let page = page.clone();
        tokio::spawn(async move {
            connection(stream, page).await;
            drop(slot);
        });
    }
}

async fn connection(stream: TcpStream, page: Arc<Page>) {
    let service = service_fn(move |request| {
        let page = page.clone();
        async move { Ok::<_, Infallible>(page.answer(&request).await) }
    });
    let serving = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_PATIENCE)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEADER_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    // A client that breaks off, or takes too long, is its own affair.
    let _ended = tokio::time::timeout(CONNECTION_PATIENCE, serving).await;
}

struct Page {
    source: StatusSource,
    token: Option<Secret>,
    local_only: bool,
}

type Answer = Response<Full<Bytes>>;

impl Page {
    async fn answer(&self, request: &Request<Incoming>) -> Answer {
        if self.local_only && !names_loopback(request) {
            return text(StatusCode::FORBIDDEN, "requests must name a loopback host\n");
        }
        if request.method() != Method::GET {
            let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "only GET\n");
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
            return answer;
        }
        let path = request.uri().path();
        if path == "/healthz" {
            return text(StatusCode::OK, "alive\n");
        }
        if !self.is_allowed(request) {
            let mut answer = text(StatusCode::UNAUTHORIZED, "a bearer token is needed\n");
            answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            return answer;
        }
        match path {
            "/status" => self.report(status).await,
            "/metrics" => self.report(prometheus).await,
            "/readyz" => self.report(readiness).await,
            _ => text(StatusCode::NOT_FOUND, "known: /status, /metrics, /healthz, /readyz\n"),
        }
    }

    fn is_allowed(&self, request: &Request<Incoming>) -> bool {
        let Some(token) = &self.token else { return true };
        let given = request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes);
        let given = given.and_then(|value| value.split_at_checked(7));
        given.is_some_and(|(scheme, given)| {
            scheme.eq_ignore_ascii_case(b"bearer ") && same(given, token.reveal().as_bytes())
        })
    }

    async fn report(&self, render: fn(&StatusReport) -> Answer) -> Answer {
        match tokio::time::timeout(REPORT_PATIENCE, (self.source)()).await {
            Ok(report) => render(&report),
            Err(_) => text(StatusCode::SERVICE_UNAVAILABLE, "the pipeline does not answer\n"),
        }
    }
}

fn status(report: &StatusReport) -> Answer {
    match serde_json::to_vec(report) {
        Ok(body) => answer(StatusCode::OK, "application/json", body),
        Err(_) => text(StatusCode::INTERNAL_SERVER_ERROR, "the report cannot be written\n"),
    }
}

fn prometheus(report: &StatusReport) -> Answer {
    answer(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", metrics::render(report).into_bytes())
}

fn readiness(report: &StatusReport) -> Answer {
    if report.ready {
        return text(StatusCode::OK, "ready\n");
    }
    let mut reasons = String::from("not ready\n");
    for held in &report.held {
        reasons.push_str(&format!("held: {}: {}\n", held.index, held.reason));
    }
    if let Some(error) = &report.output.last_error {
        reasons.push_str(&format!("output: {error}\n"));
    }
    if report.held.is_empty() && report.output.last_error.is_none() {
        reasons.push_str("no progress\n");
    }
    text(StatusCode::SERVICE_UNAVAILABLE, &reasons)
}

fn text(status: StatusCode, body: &str) -> Answer {
    answer(status, "text/plain; charset=utf-8", body.as_bytes().to_vec())
}

fn answer(status: StatusCode, kind: &'static str, body: Vec<u8>) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    answer
}

/// Whether the one `Host` is a loopback address or `localhost`, with any port.
fn names_loopback(request: &Request<Incoming>) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().is_ok_and(is_loopback),
        _ => false,
    }
}

fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Compares in a time that depends on the lengths only.
fn same(one: &[u8], other: &[u8]) -> bool {
    let difference = one.iter().zip(other).fold(0, |sum, (one, other)| sum | (one ^ other));
    one.len() == other.len() && std::hint::black_box(difference) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitoring::Held;
    use std::net::SocketAddr;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    async fn start(report: StatusReport, token: Option<&str>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let source: StatusSource = Arc::new(move || {
            let report = report.clone();
            Box::pin(async move { report })
        });
        tokio::spawn(serve(listener, source, token.map(Secret::new)));
        address
    }

    /// Everything the server says until it closes.
    async fn say(address: SocketAddr, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        // A server that refuses early may close before it has read all of it.
        let _refused = stream.write_all(request).await;
        let mut answer = Vec::new();
        let _reset = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    async fn ask(address: SocketAddr, method: &str, path: &str, headers: &str) -> String {
        let host = if headers.contains("Host:") { "" } else { "Host: localhost:5066\r\n" };
        let request = format!("{method} {path} HTTP/1.1\r\n{host}Connection: close\r\n{headers}\r\n");
        say(address, request.as_bytes()).await
    }

    fn code(answer: &str) -> &str {
        answer.split(' ').nth(1).unwrap_or("none")
    }

    #[tokio::test]
    async fn pages_answer_by_path() {
        let address =
            start(StatusReport { ready: true, version: "1.2.3".into(), ..StatusReport::default() }, None)
                .await;
        let status = ask(address, "GET", "/status", "").await;
        assert_eq!(code(&status), "200");
        let body = status.split("\r\n\r\n").nth(1).unwrap();
        assert_eq!(serde_json::from_str::<StatusReport>(body).unwrap().version, "1.2.3");
        assert!(ask(address, "GET", "/metrics", "").await.contains("\nblueox_ready 1\n"));
        assert_eq!(code(&ask(address, "GET", "/readyz", "").await), "200");
        assert_eq!(code(&ask(address, "GET", "/healthz", "").await), "200");
        assert_eq!(code(&ask(address, "GET", "/", "").await), "404");
    }

    #[tokio::test]
    async fn readiness_names_its_reasons() {
        let held = vec![Held { index: "logs-x".into(), reason: "no such index".into() }];
        let address = start(StatusReport { held, ..StatusReport::default() }, None).await;
        let answer = ask(address, "GET", "/readyz", "").await;
        assert_eq!(code(&answer), "503");
        assert!(answer.contains("held: logs-x: no such index"), "{answer}");
        let address = start(StatusReport::default(), None).await;
        assert!(ask(address, "GET", "/readyz", "").await.contains("no progress"));
    }

    #[tokio::test]
    async fn only_get_is_answered() {
        let address = start(StatusReport::default(), None).await;
        for method in ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"] {
            assert_eq!(
                code(&ask(address, method, "/status", "Content-Length: 0\r\n").await),
                "405",
                "{method}"
            );
        }
    }

    #[tokio::test]
    async fn a_foreign_host_is_refused_on_loopback() {
        let address = start(StatusReport::default(), None).await;
        for host in
            ["evil.example", "evil.example:5066", "127.0.0.1.evil.example", "", "10.0.0.1", "localhost, evil"]
        {
            let answer = ask(address, "GET", "/status", &format!("Host: {host}\r\n")).await;
            assert_eq!(code(&answer), "403", "{host}");
        }
        for host in ["localhost", "LOCALHOST:1", "127.0.0.1:5066", "[::1]:5066", "127.1.2.3"] {
            let answer = ask(address, "GET", "/status", &format!("Host: {host}\r\n")).await;
            assert_eq!(code(&answer), "200", "{host}");
        }
        let none = say(address, b"GET /status HTTP/1.0\r\n\r\n").await;
        assert_eq!(code(&none), "403");
    }

    #[tokio::test]
    async fn a_token_is_asked_for_on_every_page_but_healthz() {
        let address = start(StatusReport { ready: true, ..StatusReport::default() }, Some("canary")).await;
        for header in [
            "",
            "Authorization: Bearer canarx\r\n",
            "Authorization: Bearer canar\r\n",
            "Authorization: Basic canary\r\n",
            "Authorization: Bearer canary2\r\n",
        ] {
            for path in ["/status", "/metrics", "/readyz", "/none"] {
                let answer = ask(address, "GET", path, header).await;
                assert_eq!(code(&answer), "401", "{header} {path}");
                assert!(!answer.contains("canary"));
            }
        }
        assert_eq!(code(&ask(address, "GET", "/status", "Authorization: Bearer canary\r\n").await), "200");
        assert_eq!(code(&ask(address, "GET", "/healthz", "").await), "200");
    }

    #[tokio::test]
    async fn large_and_broken_requests_are_refused_and_others_go_on() {
        let address = start(StatusReport::default(), None).await;
        let long = format!("/{}", "x".repeat(HEADER_BYTES_MAX + 1));
        let many = "X: y\r\n".repeat(HEADERS_MAX + 1);
        let large = format!("X: {}\r\n", "y".repeat(HEADER_BYTES_MAX + 1));
        for answer in [
            ask(address, "GET", &long, "").await,
            ask(address, "GET", "/status", &many).await,
            ask(address, "GET", "/status", &large).await,
            say(address, b"\x16\x03\x01\x00\xff nonsense\r\n\r\n").await,
        ] {
            assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
        }
        assert_eq!(code(&ask(address, "GET", "/status", "").await), "200");
    }

    #[tokio::test]
    async fn connections_are_capped_and_come_free_again() {
        let address = start(StatusReport::default(), None).await;
        let mut open = Vec::new();
        for _ in 0..CONNECTIONS_MAX {
            let mut stream = TcpStream::connect(address).await.unwrap();
            // An answer shows that the server holds a slot for it.
            stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
            assert!(stream.read(&mut [0; 512]).await.unwrap() > 0);
            open.push(stream);
        }
        assert_eq!(ask(address, "GET", "/healthz", "").await, "");
        drop(open);
        while code(&ask(address, "GET", "/healthz", "").await) != "200" {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pipeline_that_does_not_answer_is_told_as_503() {
        let page =
            Page { source: Arc::new(|| Box::pin(std::future::pending())), token: None, local_only: true };
        let answer = page.report(status).await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
