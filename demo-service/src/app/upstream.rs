//! The dependency of `/chain`.

use super::failure::Failure;
use super::gauge::Gauge;
use super::request::Context;
use axum::body::Bytes;
use axum::http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::borrow::Cow;
use std::io;
use std::net::TcpListener;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long the dependency may take.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Longest answer that is passed on.
const MAX_ANSWER: usize = 64 * 1024;

/// Where nothing listens.
const REFUSED: &str = "http://127.0.0.1:1/";

/// Calls another instance.
pub(super) struct Upstream {
    base: Option<String>,
    client: Client<HttpConnector, Empty<Bytes>>,
    active: Gauge,
    down: Mutex<Option<Down>>,
}

/// Called instead while the dependency is down.
struct Down {
    base: String,
    /// Takes connections and never answers.
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
    pub(super) fn new(base: Option<&Uri>) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { base: base.map(Uri::to_string), client, active: Gauge::default(), down: Mutex::default() }
    }

    /// Calls in progress.
    pub(super) fn active(&self) -> u64 {
        self.active.value()
    }

    /// What `GET /simple` of the other instance says; the trace goes on there.
    pub(super) async fn call(&self, context: &Context) -> Result<Bytes, Failure> {
        let _active = self.active.enter();
        let late = |error| {
            Failure::new(StatusCode::GATEWAY_TIMEOUT, "Timeout", "the dependency did not answer in time")
                .because(error)
        };
        tokio::time::timeout(TIMEOUT, self.ask(context)).await.map_err(late)?
    }

    async fn ask(&self, context: &Context) -> Result<Bytes, Failure> {
        let unreachable = || bad_gateway("the dependency cannot be reached");
        let base = self
            .base()
            .ok_or_else(|| bad_gateway("no dependency is named, start with --upstream http://host:port"))?;
        let mut request = Request::get(format!("{base}simple"));
        for (name, value) in context.headers() {
            request = request.header(name, value);
        }
        let request = request.body(Empty::new()).map_err(|error| unreachable().because(error))?;
        let response = self.client.request(request).await.map_err(|error| unreachable().because(error))?;
        if !response.status().is_success() {
            return Err(bad_gateway(format!("the dependency answered {}", response.status().as_u16())));
        }
        let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
        body.map(|body| body.to_bytes()).map_err(|error| unreachable().because(error))
    }

    pub(super) fn set(&self, downtime: Downtime) -> io::Result<()> {
        let down = match downtime {
            Downtime::None => None,
            Downtime::Refuse => Some(Down { base: REFUSED.to_owned(), _silent: None }),
            Downtime::Hang => {
                let silent = TcpListener::bind(("127.0.0.1", 0))?;
                Some(Down { base: format!("http://{}/", silent.local_addr()?), _silent: Some(silent) })
            }
        };
        *self.down.lock().unwrap_or_else(PoisonError::into_inner) = down;
        Ok(())
    }

    fn base(&self) -> Option<String> {
        let down = self.down.lock().unwrap_or_else(PoisonError::into_inner);
        down.as_ref().map(|down| &down.base).or(self.base.as_ref()).cloned()
    }
}

fn bad_gateway(message: impl Into<Cow<'static, str>>) -> Failure {
    Failure::new(StatusCode::BAD_GATEWAY, "DependencyError", message)
}
