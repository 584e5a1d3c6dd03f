//! The listener of the page, and which function answers which address.

use super::document::{Place, document};
use super::fault::{Fault, answer};
use super::gate::{Gate, guard};
use super::selection::Asked;
use super::source::Source;
use super::{assets, boards, completion, lines, summary};
use crate::time::now_millis;
use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware;
use axum::response::{Redirect, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// Where readers begin, as Kibana does with our set-up.
const FIRST: &str = "/app/dashboards#/view/app-service-overview";
/// Browsers at once, by connections.
const CONNECTIONS: usize = 64;
/// A browser that takes longer for the head of a request is cut off.
const SLOW: Duration = Duration::from_secs(30);

/// How the page is served.
#[derive(Debug, Clone)]
pub struct ViewOptions {
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// What every request must bring in `Authorization`: a whole header value, several are possible.
    pub logins: Vec<String>,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The address cannot be taken.
    #[error("could not serve the page on {address}; stop what has it, or name another with --view-port")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What happened.
        source: std::io::Error,
    },
    /// Everyone could read.
    #[error(
        "serving the page on {0} would let everyone read the logs: set POCKET_ELK_PASSWORD, or listen on 127.0.0.1"
    )]
    Open(SocketAddr),
    /// There are no boards to serve.
    #[error(transparent)]
    Boards(#[from] boards::BoardsError),
}

/// The page, bound to its address.
pub struct View {
    listener: TcpListener,
    router: Router,
}

impl View {
    /// Binds the listener.
    pub async fn bind(source: Source, options: ViewOptions) -> Result<Self, ViewError> {
        let address = options.listen;
        if !address.ip().is_loopback() && options.logins.is_empty() {
            return Err(ViewError::Open(address));
        }
        let listener =
            TcpListener::bind(address).await.map_err(|source| ViewError::Bind { address, source })?;
        let gate = Gate { local: address.ip().is_loopback(), logins: options.logins };
        let router = router(source, gate)?;
        Ok(Self { listener, router })
    }

    /// The address it listens on.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` resolves. Reading changes nothing, so answers under way are cut off then.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let connections = Arc::new(Semaphore::new(CONNECTIONS));
        let serve = async {
            loop {
                let permit = Arc::clone(&connections).acquire_owned().await;
                match self.listener.accept().await {
                    Ok((stream, _)) => {
                        let connection = connection(stream, self.router.clone());
                        tokio::spawn(async move {
                            connection.await;
                            drop(permit);
                        });
                    }
                    // Out of descriptors: give connections time to end.
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        };
        tokio::select! { () = stop => {}, () = serve => {} }
    }
}

async fn connection(stream: TcpStream, router: Router) {
    let _ = stream.set_nodelay(true);
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(SLOW).max_headers(64).max_buf_size(64 << 10);
    // What goes wrong on a connection is the browser's to see.
    let _ = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)).await;
}

fn router(source: Source, gate: Gate) -> Result<Router, boards::BoardsError> {
    let completion = completion::router(source.clone());
    let boards = boards::router(source.clone())?;
    Ok(Router::new()
        .route("/", get(async || Redirect::temporary(FIRST)))
        .route("/logs", get(async |headers: HeaderMap| assets::file("logs.html", &headers)))
        .route("/app/dashboards", get(async |headers: HeaderMap| assets::file("boards.html", &headers)))
        .route("/about", get(async |headers: HeaderMap| assets::file("about.html", &headers)))
        .route("/favicon.ico", get(async |headers: HeaderMap| assets::file("icon.svg", &headers)))
        .route(
            "/assets/{name}",
            get(async |Path(name): Path<String>, headers: HeaderMap| assets::file(&name, &headers)),
        )
        .route("/api/logs/lines", get(show_lines))
        .route("/api/logs/summary", get(show_summary))
        .route("/api/logs/document", get(show_document))
        .route("/api/logs/around", get(show_around))
        .with_state(source)
        .merge(boards)
        .merge(completion)
        .layer(DefaultBodyLimit::max(0))
        .layer(middleware::from_fn_with_state(Arc::new(gate), guard)))
}

pub(super) type Parameters<T> = Result<Query<T>, QueryRejection>;

pub(super) fn read<T>(parameters: Parameters<T>) -> Result<T, Fault> {
    parameters.map(|Query(asked)| asked).map_err(|error| Fault::Parameter(error.body_text()))
}

pub(super) fn shown(body: &Value) -> Response {
    answer(StatusCode::OK, body)
}

async fn show_lines(State(source): State<Source>, asked: Parameters<Asked>) -> Result<Response, Fault> {
    Ok(shown(&lines::list(&source, &read(asked)?, now_millis()).await?))
}

async fn show_summary(State(source): State<Source>, asked: Parameters<Asked>) -> Result<Response, Fault> {
    Ok(shown(&summary::summary(&source, &read(asked)?, now_millis()).await?))
}

async fn show_document(State(source): State<Source>, place: Parameters<Place>) -> Result<Response, Fault> {
    Ok(shown(&document(&source, &read(place)?).await?))
}

async fn show_around(State(source): State<Source>, place: Parameters<Place>) -> Result<Response, Fault> {
    let place = read(place)?;
    let count = place.count.unwrap_or(10);
    Ok(shown(&lines::around(&source, &place, count).await?))
}
