//! Where the lines are.

use super::fault::Fault;
use crate::http::App;
use crate::search::{Means, Request, Target, search};
use crate::store::ApiError;
use dashboards::lens::Request as PanelRequest;
use serde_json::Value;
use std::sync::{Arc, PoisonError};
use tokio::sync::Semaphore;

/// The data streams and indices that hold lines.
const INDICES: &str = "logs-*";
/// Searches that may wait for their turn on a thread; further ones wait without.
const SEARCHES: usize = 2;

/// A store that answers `_search` over everything that is called `logs-*`.
#[derive(Clone)]
pub struct Source {
    app: Arc<App>,
    turns: Arc<Semaphore>,
}

impl Source {
    /// The store of this process.
    pub fn pocket(app: Arc<App>) -> Self {
        Self { app, turns: Arc::new(Semaphore::new(SEARCHES)) }
    }

    /// The answer to the body of a `_search` over all lines.
    pub(super) async fn search(&self, body: Value) -> Result<Value, Fault> {
        self.search_in(INDICES.to_owned(), body).await
    }

    /// The answer to a request of a panel.
    pub(super) async fn ask(&self, request: &PanelRequest) -> Result<Value, Fault> {
        self.search_in(indices(&request.path)?, request.body.clone()).await
    }

    async fn search_in(&self, indices: String, body: Value) -> Result<Value, Fault> {
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let app = Arc::clone(&self.app);
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            answer(&app, &indices, &body)
        });
        let answer = done.await.map_err(|_| ApiError::internal("the search broke off"))?;
        Ok(answer?)
    }
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
