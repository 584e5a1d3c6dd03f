//! Elasticsearch's HTTP dialect over a [`Store`](crate::store::Store): a thin layer, one function an endpoint.

mod bulk;

mod call;

mod cluster;

mod documents;

mod filter_path;

mod indices;

mod parameters;

mod place;

mod refusal;

mod reply;

mod room;

mod route;

mod search;

mod server;

mod templates;

pub(crate) use search::capabilities;
pub use server::{Server, ServerError, ServerOptions};

use crate::search::Cache;
use crate::store::Store;
use std::sync::Mutex;

/// What endpoints work on.
pub struct App {
    /// The store.
    pub store: Store,
    /// Earlier answers of segments.
    pub cache: Cache,
    /// Memory one search may take for aggregations, in bytes.
    pub search_memory: usize,
    /// Threads of one search.
    pub threads: usize,
    /// Held by the search that runs: each takes all cores, and memory is bounded for one.
    pub turn: Mutex<()>,
}
