//! The server on a loopback socket, spoken to byte by byte.

use super::server::{Limits, serve_within};
use super::*;
use crate::config::Secret;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Longer than any test may take.
const LONG: Duration = Duration::from_secs(60);

const GENEROUS: Limits = Limits { connections: 64, head: LONG, report: LONG, connection: LONG };

fn fixed(report: StatusReport) -> StatusSource {
    Arc::new(move || {
        let report = report.clone();
        Box::pin(async move { report })
    })
}

fn silent() -> StatusSource {
    Arc::new(|| Box::pin(std::future::pending()))
}

fn ready() -> StatusReport {
    StatusReport { version: "9.9.9".into(), ready: true, ..Default::default() }
}

async fn start(source: StatusSource, token: Option<&str>, limits: Limits) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve_within(listener, source, token.map(Secret::new), limits));
    address
}

/// Sends the bytes and reads until the server closes.
async fn talk(address: SocketAddr, request: &str) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    rest(&mut socket).await
}

async fn rest(socket: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset behind a complete answer is as good as a close.
    let closed = tokio::time::timeout(LONG, socket.read_to_end(&mut answer)).await;
    assert!(closed.is_ok(), "the server keeps the connection; it sent {}", String::from_utf8_lossy(&answer));
    String::from_utf8(answer).unwrap()
}

async fn get(address: SocketAddr, path: &str) -> String {
    talk(address, &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await
}

fn parts(answer: &str) -> (u16, String, &str) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no whole answer: {answer:?}"));
    (head[9..12].parse().unwrap(), head.to_ascii_lowercase(), body)
}

#[tokio::test]
async fn every_page_is_served_with_its_type_and_never_cached() {
    let address = start(fixed(ready()), None, GENEROUS).await;
    for (path, content_type, begins) in [
        ("/status", "application/json", "{\"version\":\"9.9.9\",\"uptime_ms\":0,\"ready\":true,"),
        ("/metrics", "text/plain; version=0.0.4; charset=utf-8", "# HELP blueox_read_events_total "),
        ("/healthz", "text/plain; charset=utf-8", "alive\n"),
        ("/readyz", "application/json", "{\"ready\":true}\n"),
    ] {
        let answer = get(address, path).await;
        let (status, head, body) = parts(&answer);
        assert_eq!(status, 200, "{path}");
        assert!(body.starts_with(begins) && body.ends_with('\n'), "{path}: {body}");
        for header in [
            &format!("content-type: {content_type}\r"),
            "cache-control: no-store",
            "x-content-type-options: nosniff",
            &format!("content-length: {}\r", body.len()),
            "connection: close",
        ] {
            assert!(head.contains(header), "{path}: {header} is missing in {head}");
        }
    }
}

#[tokio::test]
async fn status_reads_back_as_the_report() {
    let report = StatusReport {
        held: vec![Held { index: "logs-app-default".into(), reason: "403".into() }],
        accounts: Accounts { read: 3, delivered: 2, pending: 1, ..Default::default() },
        ..ready()
    };
    let address = start(fixed(report.clone()), None, GENEROUS).await;
    let answer = get(address, "/status").await;
    let read: StatusReport = serde_json::from_str(parts(&answer).2).unwrap();
    assert_eq!((read.held, read.accounts), (report.held, report.accounts));
}

#[tokio::test]
async fn head_is_the_same_answer_without_body() {
    let address = start(fixed(ready()), None, GENEROUS).await;
    let whole = get(address, "/metrics").await;
    let answer = talk(address, "HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    let (status, head, body) = parts(&answer);
    assert_eq!((status, body), (200, ""));
    assert!(head.contains(&format!("content-length: {}", parts(&whole).2.len())), "{head}");
}

#[tokio::test]
async fn form_of_a_web_page_and_foreign_names_are_refused() {
    let address = start(fixed(ready()), None, GENEROUS).await;
    let form = "POST /status HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n\
                Content-Length: 3\r\n\r\na=b";
    let answer = talk(address, form).await;
    assert_eq!(parts(&answer).0, 405);
    assert!(parts(&answer).1.contains("allow: get, head"), "{answer}");

    let answer = talk(address, "GET /status HTTP/1.1\r\nHost: evil.example\r\n\r\n").await;
    assert_eq!(parts(&answer).0, 421);
    assert!(!answer.contains("9.9.9"), "{answer}");
}

#[tokio::test]
async fn unknown_path_names_the_pages() {
    let address = start(fixed(ready()), None, GENEROUS).await;
    let answer = get(address, "/metric").await;
    let (status, _, body) = parts(&answer);
    assert_eq!(status, 404);
    for page in ["/status", "/metrics", "/healthz", "/readyz"] {
        assert!(body.contains(page), "{body}");
    }
}

#[tokio::test]
async fn token_is_asked_for_and_not_shown() {
    let address = start(fixed(ready()), Some("s3cret"), GENEROUS).await;
    let answer = get(address, "/metrics").await;
    let (status, head, _) = parts(&answer);
    assert_eq!(status, 401);
    assert!(head.contains("www-authenticate: bearer"), "{head}");
    assert!(!answer.contains("s3cret"), "{answer}");
    let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer s3cret\r\n\r\n";
    assert_eq!(parts(&talk(address, request).await).0, 200);
    assert_eq!(parts(&get(address, "/healthz").await).0, 200);
}

#[tokio::test]
async fn agent_that_is_not_ready_says_why() {
    let held = Held { index: "logs-app-default".into(), reason: "403 security_exception".into() };
    let refused = OutputStatus {
        host: "http://es1:9200".into(),
        last_error: Some("connection refused".into()),
        ..Default::default()
    };
    for (report, reason) in [
        (
            StatusReport { held: vec![held], ..Default::default() },
            "logs-app-default is held: 403 security_exception",
        ),
        (
            StatusReport { output: refused, ..Default::default() },
            "output http://es1:9200: connection refused",
        ),
        (
            StatusReport { accounts: Accounts { pending: 4, ..Default::default() }, ..Default::default() },
            "no progress: 4 events wait for a verdict",
        ),
    ] {
        let answer = get(start(fixed(report), None, GENEROUS).await, "/readyz").await;
        let (status, _, body) = parts(&answer);
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!((status, body), (503, serde_json::json!({"ready": false, "reasons": [reason]})));
    }
}

#[tokio::test]
async fn pipeline_that_does_not_answer_is_unavailable_but_alive() {
    let limits = Limits { report: Duration::from_millis(10), ..GENEROUS };
    let address = start(silent(), None, limits).await;
    for (path, expected) in [("/status", 503), ("/metrics", 503), ("/readyz", 503), ("/healthz", 200)] {
        let answer = get(address, path).await;
        assert_eq!(parts(&answer).0, expected, "{path}");
    }
}

#[tokio::test]
async fn client_that_does_not_finish_its_request_is_closed() {
    let limits = Limits { head: Duration::from_millis(10), ..GENEROUS };
    let address = start(fixed(ready()), None, limits).await;
    for unfinished in ["", "GET /status HTTP/1.1\r\nHost: loc"] {
        let answer = talk(address, unfinished).await;
        assert!(!answer.contains("9.9.9"), "{answer}");
    }
}

#[tokio::test]
async fn client_that_does_not_take_its_answer_is_closed() {
    let file = FileStatus { path: "x".repeat(1 << 20), ..Default::default() };
    let report = StatusReport { files: vec![file; 64], ..ready() };
    let limits = Limits { connection: Duration::from_millis(500), connections: 1, ..GENEROUS };
    let address = start(fixed(report), None, limits).await;
    let mut lazy = TcpStream::connect(address).await.unwrap();
    lazy.write_all(b"GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    // The only slot comes free although nothing of the 64 MiB is read.
    assert_eq!(parts(&get(address, "/healthz").await).0, 200);
    drop(lazy);
}

#[tokio::test]
async fn oversized_heads_are_refused() {
    let address = start(fixed(ready()), None, GENEROUS).await;
    let many: String = (0..100).map(|n| format!("X-{n}: 1\r\n")).collect();
    let large = format!("X-Large: {}\r\n", "x".repeat(20_000));
    for headers in [many, large] {
        let answer =
            talk(address, &format!("GET /status HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")).await;
        assert_eq!(parts(&answer).0, 431);
    }
}

#[tokio::test]
async fn garbage_is_answered_and_does_not_stop_the_server() {
    let address = start(fixed(ready()), None, GENEROUS).await;
    for garbage in
        ["\u{1}\u{2}\u{3}\r\n\r\n", "GET\r\n\r\n", "GET /status HTTP/9.9\r\n\r\n", "{\"a\":[[[[\r\n\r\n"]
    {
        let answer = talk(address, garbage).await;
        assert_eq!(parts(&answer).0, 400, "{garbage:?}");
    }
    assert_eq!(parts(&get(address, "/healthz").await).0, 200);
}

#[tokio::test]
async fn connections_over_the_bound_wait_for_a_slot() {
    let (open, gate) = watch::channel(false);
    let inside = Arc::new(AtomicUsize::new(0));
    let counter = inside.clone();
    let source: StatusSource = Arc::new(move || {
        let (mut gate, counter) = (gate.clone(), counter.clone());
        Box::pin(async move {
            counter.fetch_add(1, Ordering::SeqCst);
            gate.wait_for(|open| *open).await.unwrap();
            ready()
        })
    });
    let address = start(source, None, Limits { connections: 2, ..GENEROUS }).await;
    let clients: Vec<_> =
        (0..2).map(|_| tokio::spawn(async move { get(address, "/status").await })).collect();
    while inside.load(Ordering::SeqCst) < 2 {
        tokio::task::yield_now().await;
    }
    let mut third = tokio::spawn(async move { get(address, "/healthz").await });
    // Without the bound this page, which asks nobody, is there at once.
    let early = tokio::time::timeout(Duration::from_millis(200), &mut third).await;
    assert!(early.is_err(), "a third connection was served: {early:?}");
    open.send(true).unwrap();
    for client in clients {
        assert_eq!(parts(&client.await.unwrap()).0, 200);
    }
    assert_eq!(parts(&third.await.unwrap()).0, 200);
}
