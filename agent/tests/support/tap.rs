//! A proxy between the agent and a server: it counts what bulk requests came to, and swallows answers when told to.
//!
//! Heads and bodies pass byte for byte, compression included, so the server sees what the agent sent.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// A running proxy; ended when dropped.
pub struct Tap {
    address: SocketAddr,
    seen: Arc<Seen>,
    _runtime: Runtime,
}

struct Seen {
    upstream: String,
    swallow: AtomicBool,
    swallowed: AtomicU64,
    requests: AtomicU64,
    statuses: Mutex<BTreeMap<u16, u64>>,
}

impl Tap {
    /// Listens on loopback and passes everything to `url` (`http://host:port`).
    pub fn start(url: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).expect("a free port");
        let address = listener.local_addr().expect("bound");
        let seen = Arc::new(Seen {
            upstream: url.trim_start_matches("http://").trim_end_matches('/').to_owned(),
            swallow: AtomicBool::new(false),
            swallowed: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            statuses: Mutex::default(),
        });
        runtime.spawn(accept(listener, seen.clone()));
        Self { address, seen, _runtime: runtime }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on the server carries out requests and the agent never hears of it; or no more.
    pub fn swallow(&self, on: bool) {
        self.seen.swallow.store(on, Ordering::SeqCst);
    }

    /// Answers to bulk requests swallowed so far.
    pub fn swallowed(&self) -> u64 {
        self.seen.swallowed.load(Ordering::SeqCst)
    }

    /// Bulk requests answered so far.
    pub fn requests(&self) -> u64 {
        self.seen.requests.load(Ordering::SeqCst)
    }

    /// How often a status was answered: for a bulk request as a whole where it was refused, else for its items.
    pub fn statuses(&self) -> BTreeMap<u16, u64> {
        self.seen.statuses.lock().expect("no holder panics").clone()
    }
}

async fn accept(listener: TcpListener, seen: Arc<Seen>) {
    while let Ok((stream, _)) = listener.accept().await {
        let seen = seen.clone();
        tokio::spawn(async move {
            let service = hyper::service::service_fn(|request| pass(&seen, request));
            // A connection that ends early is what the agent has to bear.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

/// An error closes the agent's connection without an answer.
async fn pass(
    seen: &Seen,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>> {
    let is_bulk = request.uri().path().ends_with("/_bulk");
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let stream = TcpStream::connect(&seen.upstream).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let answer = sender.send_request(Request::from_parts(head, Full::new(body))).await?;
    let (head, body) = answer.into_parts();
    let body = body.collect().await?.to_bytes();
    connection.abort();
    if is_bulk {
        seen.note(head.status.as_u16(), &body);
    }
    if seen.swallow.load(Ordering::SeqCst) {
        seen.swallowed.fetch_add(u64::from(is_bulk), Ordering::SeqCst);
        return Err("swallowed".into());
    }
    let mut response = Response::from_parts(head, Full::new(body));
    response.headers_mut().remove(hyper::header::TRANSFER_ENCODING);
    response.headers_mut().remove(hyper::header::CONNECTION);
    Ok(response)
}

impl Seen {
    fn note(&self, status: u16, body: &[u8]) {
        let mut statuses = self.statuses.lock().expect("no holder panics");
        self.requests.fetch_add(1, Ordering::SeqCst);
        if status != 200 {
            *statuses.entry(status).or_default() += 1;
            return;
        }
        let answer: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
        for item in answer["items"].as_array().into_iter().flatten() {
            let result = item.as_object().and_then(|item| item.values().next());
            let status = result.and_then(|result| result["status"].as_u64()).unwrap_or(0);
            *statuses.entry(status as u16).or_default() += 1;
        }
    }
}
