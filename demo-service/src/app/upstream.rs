//! The dependency of `/chain`.

use super::failure::Failure;
use super::gauge::Gauge;
use super::request::Context;
use axum::body::Bytes;
use axum::http::{Request, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::io;
use std::net::TcpListener;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long the dependency may take.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Longest answer that is passed on.
const MAX_ANSWER: usize = 64 * 1024;

/// Calls another instance.
pub(super) struct Upstream {
    base: Option<Uri>,
    client: Client<HttpConnector, Empty<Bytes>>,
    active: Gauge,
    broken: Mutex<Option<Broken>>,
}

/// Stands in for a dependency that is down.
struct Broken {
    uri: Uri,
    /// Takes connections and never answers; without it they are refused.
    _silent: Option<TcpListener>,
}

/// What happens to calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Downtime {
    /// Nothing.
    None,
    /// Connections are refused.
    Refuse,
    /// Connections are taken, and no answer comes.
    Hang,
}

impl Upstream {
    pub(super) fn new(base: Option<Uri>) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { base, client, active: Gauge::default(), broken: Mutex::default() }
    }

    /// Calls in progress.
    pub(super) fn active(&self) -> u64 {
        self.active.value()
    }

    /// What `GET /simple` of the other instance says; the trace goes on there.
    pub(super) async fn call(&self, context: &Context) -> Result<Bytes, Failure> {
        let mut request = Request::get(self.target()?);
        for (name, value) in context.headers() {
            request = request.header(name, value);
        }
        let request = request.body(Empty::new()).map_err(|error| Failure::Upstream(error.into()))?;
        let _active = self.active.enter();
        let answer = async {
            let response =
                self.client.request(request).await.map_err(|error| Failure::Upstream(error.into()))?;
            if !response.status().is_success() {
                return Err(Failure::UpstreamStatus(response.status().as_u16()));
            }
            let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
            body.map(|body| body.to_bytes()).map_err(Failure::Upstream)
        };
        tokio::time::timeout(TIMEOUT, answer).await.map_err(Failure::UpstreamTimeout)?
    }

    pub(super) fn set(&self, downtime: Downtime) -> io::Result<()> {
        let broken = match downtime {
            Downtime::None => None,
            Downtime::Refuse | Downtime::Hang => {
                let listener = TcpListener::bind(("127.0.0.1", 0))?;
                let uri = format!("http://{}", listener.local_addr()?);
                let uri = uri.parse().map_err(io::Error::other)?;
                Some(Broken { uri, _silent: (downtime == Downtime::Hang).then_some(listener) })
            }
        };
        *self.broken.lock().unwrap_or_else(PoisonError::into_inner) = broken;
        Ok(())
    }

    fn target(&self) -> Result<String, Failure> {
        let broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        let base =
            broken.as_ref().map(|broken| &broken.uri).or(self.base.as_ref()).ok_or(Failure::NoUpstream)?;
        Ok(format!("{base}simple"))
    }
}
