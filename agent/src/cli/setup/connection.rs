//! A connection to one server, and the patience to wait for it.

use crate::config::Elasticsearch;
use crate::output::elasticsearch::client::{connections, failure};
use crate::output::elasticsearch::{ClientError, Timing};
use elk_setup::transport::{Method, Reply, Request, Transport, Unreachable};
use reqwest::Url;
use reqwest::header::CONTENT_TYPE;
use std::io;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// Between two looks at a server that is not ready.
const PAUSE: Duration = Duration::from_secs(1);

/// Largest answer read.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Why there can be no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    #[error("cannot start the network runtime")]
    Runtime(#[source] io::Error),
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// One server.
pub(super) struct Connection {
    url: String,
    http: reqwest::Client,
    runtime: Runtime,
    timing: Timing,
    until: Instant,
    told: String,
}

impl Connection {
    /// Connects to nothing yet. `patience` begins now.
    pub(super) fn open(server: &Elasticsearch, patience: Duration) -> Result<Self, ConnectionError> {
        let timing = Timing::default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Ok(Self {
            url: server.hosts[0].clone(),
            http: connections(server, timing)?,
            runtime: runtime.map_err(ConnectionError::Runtime)?,
            timing,
            until: Instant::now() + patience,
            told: String::new(),
        })
    }

    async fn exchange(&self, request: &Request) -> Result<Reply, Unreachable> {
        let unreachable = |error: reqwest::Error| Unreachable(failure(&error.without_url()));
        let url = format!("{}{}", self.url, request.target);
        let url = Url::parse(&url).map_err(|error| Unreachable(format!("no URL: {error}")))?;
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut sent = self.http.request(method, url);
        for (name, value) in request.headers {
            sent = sent.header(*name, *value);
        }
        if let Some((kind, body)) = &request.body {
            sent = sent.header(CONTENT_TYPE, kind).body(body.clone());
        }
        let mut answer = sent.send().await.map_err(unreachable)?;
        let status = answer.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
            body.extend_from_slice(&chunk);
            if body.len() > ANSWER_BYTES_MAX {
                return Err(Unreachable(format!("the answer is larger than {ANSWER_BYTES_MAX} bytes")));
            }
        }
        Ok(Reply { status, body })
    }
}

impl Transport for Connection {
    fn url(&self) -> &str {
        &self.url
    }

    fn send(&mut self, request: &Request) -> Result<Reply, Unreachable> {
        let limit = self.timing.request;
        self.runtime.block_on(async {
            let reply = tokio::time::timeout(limit, self.exchange(request)).await;
            reply.unwrap_or_else(|_| Err(Unreachable(format!("no complete answer within {limit:?}"))))
        })
    }

    fn pause(&mut self, why: &str) -> bool {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        if self.told != why {
            let why = crate::telemetry::escaped(why);
            eprintln!("waiting up to {} s for {}: {why}", left.as_secs() + 1, self.url);
            why.clone_into(&mut self.told);
        }
        std::thread::sleep(PAUSE.min(left));
        true
    }
}
