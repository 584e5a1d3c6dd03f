//! Where the lines are.

use super::boards::BoardFile;
use super::cluster::Cluster;
use super::fault::Fault;
use crate::http::{App, capabilities};
use crate::search::{Means, Request, Target, search};
use crate::store::ApiError;
use dashboards::lens::Request as PanelRequest;
use serde_json::{Value, json};
use std::sync::{Arc, PoisonError};
use tokio::sync::Semaphore;

/// A search over the data streams and indices that hold lines.
const LINES: &str = "/logs-*/_search?ignore_unavailable=true&allow_no_indices=true";
/// Searches of this process that may wait for their turn on a thread; further ones wait without.
const SEARCHES: usize = 2;
/// Searches under way at a cluster.
const SEARCHES_ELSEWHERE: usize = 8;

/// Whoever answers `_search` and `_field_caps`.
#[derive(Clone)]
pub struct Source {
    engine: Engine,
    turns: Arc<Semaphore>,
}

#[derive(Clone)]
enum Engine {
    /// The store of this process.
    Pocket(Arc<App>),
    /// A cluster elsewhere.
    Cluster(Cluster),
}

impl Source {
    /// The store of this process.
    pub fn pocket(app: Arc<App>) -> Self {
        Self { engine: Engine::Pocket(app), turns: Arc::new(Semaphore::new(SEARCHES)) }
    }

    /// A cluster elsewhere.
    pub fn cluster(cluster: Cluster) -> Self {
        Self { engine: Engine::Cluster(cluster), turns: Arc::new(Semaphore::new(SEARCHES_ELSEWHERE)) }
    }

    /// Where imported boards are kept; nowhere for a cluster, which is not written to.
    pub(super) fn board_file(&self) -> Option<BoardFile> {
        match &self.engine {
            Engine::Pocket(app) => Some(BoardFile::of(app.store.folder())),
            Engine::Cluster(_) => None,
        }
    }

    /// The answer to the body of a `_search` over all lines; an answer that is an error is a fault.
    pub(super) async fn search(&self, body: Value) -> Result<Value, Fault> {
        let answer = self.ask(&PanelRequest { path: LINES.to_owned(), body }).await?;
        match answer.get("error") {
            None => Ok(answer),
            Some(error) => Err(refused(&answer, error)),
        }
    }

    /// What fields the indices have that the path of a `_search` names.
    pub(super) async fn fields(&self, path: &str) -> Result<Value, Fault> {
        match &self.engine {
            Engine::Pocket(app) => Ok(capabilities(app, &indices(path)?, &["*".to_owned()], (true, true))?),
            Engine::Cluster(cluster) => {
                cluster.ask(&PanelRequest { path: fields_of(path), body: json!({}) }).await
            }
        }
    }

    /// The answer to a request of a panel. That of a cluster may be an error.
    pub(super) async fn ask(&self, request: &PanelRequest) -> Result<Value, Fault> {
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let app = match &self.engine {
            Engine::Cluster(cluster) => return cluster.ask(request).await,
            Engine::Pocket(app) => Arc::clone(app),
        };
        let (indices, body) = (indices(&request.path)?, request.body.clone());
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            answer(&app, &indices, &body)
        });
        let answer = done.await.map_err(|_| ApiError::internal("the search broke off"))?;
        Ok(answer?)
    }
}

/// The same path with the other question.
fn fields_of(path: &str) -> String {
    path.replacen("/_search?", "/_field_caps?fields=*&", 1)
}

fn refused(answer: &Value, error: &Value) -> Fault {
    let cause = error["root_cause"].get(0).unwrap_or(error);
    let text = |key: &str| cause[key].as_str().or(cause.as_str()).unwrap_or("no reason given").to_owned();
    let status = answer["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or(502);
    ApiError::new(status, &text("type"), text("reason")).into()
}

fn answer(app: &App, indices: &str, body: &Value) -> Result<Value, ApiError> {
    let request = Request::parse(body)?;
    let indices = app.store.resolve(indices, true)?;
    let targets: Vec<Target> = indices.iter().map(|index| Target::of(index)).collect();
    let means = Means { memory: app.search_memory, threads: app.threads, cache: Some(&app.cache) };
    let turn = app.turn.lock().unwrap_or_else(PoisonError::into_inner);
    let answer = search(&targets, &request, means)?;
    drop(turn);
    serde_json::to_value(answer).map_err(|error| ApiError::internal(error.to_string()))
}

/// The index expression of `/EXPRESSION/_search`, decoded.
fn indices(path: &str) -> Result<String, Fault> {
    let written = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    let mut bytes = Vec::new();
    let mut rest = written.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let decoded = match (first, after) {
            (b'%', [high, low, ..]) => u8::from_str_radix(&String::from_utf8_lossy(&[*high, *low]), 16).ok(),
            _ => None,
        };
        bytes.push(decoded.unwrap_or(*first));
        rest = if decoded.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes)
        .map_err(|_| Fault::Parameter(format!("the data view `{written}` is no text; correct its title")))
}

#[cfg(test)]
mod tests {
    use super::indices;

    #[test]
    fn an_index_expression_is_read_out_of_its_address() {
        for (path, expected) in [
            ("/logs-app-*,logs-app.*-*/_search?x", "logs-app-*,logs-app.*-*"),
            ("/a%3Ab%20c/_search", "a:b c"),
            ("/100%/_search", "100%"),
            ("/%zz/_search", "%zz"),
        ] {
            assert_eq!(indices(path).unwrap(), expected);
        }
        assert!(indices("/%ff/_search").is_err());
    }
}
