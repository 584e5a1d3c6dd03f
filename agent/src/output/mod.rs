//! Batches leave, verdicts come back.
//!
//! An output owns a batch until every item has a final [`Fate`]; it retries, splits and holds by itself and reports
//! [`Settlement`]s as items get their verdict, in any order.

pub mod backoff;

pub mod hosts;

mod link;

pub mod elasticsearch;

pub mod lumberjack;

pub mod syslog;

pub mod http;

mod ndjson;

mod state;

pub use crate::tls::TlsError;
pub use state::{OutputSnapshot, OutputState};

use crate::batch::{Batch, Item, Run};
use crate::config::Output;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Why an output cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The configuration cannot be used.
    #[error("cannot use `output.elasticsearch`")]
    Elasticsearch(#[from] elasticsearch::ClientError),
    /// The configuration cannot be used.
    #[error("cannot use `output.http`")]
    Http(#[source] elasticsearch::ClientError),
    /// Certificates cannot be used.
    #[error("cannot use the certificates of the output")]
    Tls(#[from] TlsError),
    /// The reader of standard output is gone.
    #[error(
        "standard output was closed by its reader; what it had not taken is sent again at the next start"
    )]
    StdoutClosed,
    /// Standard output cannot be written.
    #[error("cannot write to standard output")]
    Stdout(#[source] std::io::Error),
}

/// Delivers batches until the sender is dropped and every batch is settled.
///
/// Elasticsearch and Logstash outputs take every batch at once and hold back by themselves, so the sender bounds how many are open;
/// the others take one after the other. Batches are sealed in the [`crate::batch::Form`] of the output: `Bulk`, `Lumberjack`, `Array`
/// for http, `Documents` for syslog, files and standard output.
/// `known` is the last backing index of each data stream, from the checkpoint, empty where no answer had named it. Dropping the future abandons what is open.
pub async fn run(
    config: &Output,
    batches: mpsc::Receiver<Batch>,
    settle: SettleSink,
    state: Arc<OutputState>,
    known: HashMap<String, String>,
) -> Result<(), OutputError> {
    match config {
        Output::Elasticsearch(config) => {
            let timing = elasticsearch::Timing::default();
            Ok(elasticsearch::run(config, timing, batches, settle, state, known).await?)
        }
        Output::Logstash(config) => {
            Ok(lumberjack::run(config, lumberjack::Timing::default(), batches, settle, state).await?)
        }
        Output::Syslog(config) => {
            Ok(syslog::run(config, syslog::Timing::default(), batches, settle, state).await?)
        }
        Output::Http(config) => {
            let timing = elasticsearch::Timing::default();
            http::run(config, timing, batches, settle, state).await.map_err(OutputError::Http)
        }
        Output::File(path) => {
            ndjson::run_file(path, batches, settle, state).await;
            Ok(())
        }
        Output::Stdout => ndjson::run_stdout(batches, settle, state).await,
    }
}

/// What finally became of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// The server has stored it. `failure_store`: in the data stream's failure store.
    Delivered {
        /// The server put the document into the failure store (`"failure_store":"used"`).
        failure_store: bool,
    },
    /// The id is there already (409 on `create`). Expected where the item was `uncertain` or a request that carried it has
    /// an unknown fate: then it is a repeat and counts as delivered. Else two events share an id.
    Conflict {
        /// True where the event may have been sent before.
        expected: bool,
    },
    /// A rollover look-up found the id in an older backing index: delivered before.
    FoundBefore,
    /// The server refuses this document for good.
    Refused(Box<Refusal>),
}

/// Why a document is refused for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status of the item (or of the request for a single document that is too large).
    pub status: u16,
    /// `error.type` of the answer.
    pub kind: String,
    /// `error.reason` of the answer, bounded in length.
    pub reason: String,
}

/// Fates of some items of one batch.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// Target index of the batch.
    pub index: Arc<str>,
    /// Which file generations the items belong to, in order.
    pub runs: Vec<Run>,
    /// The items that have a final fate now.
    pub items: Vec<Item>,
    /// One fate for each item; empty where all are `Delivered { failure_store: false }`, the usual case.
    pub fates: Vec<Fate>,
    /// Concrete (backing) index that took the last stored item, where the answer named one.
    pub backing_index: Option<String>,
    /// The batch has no open items left: its memory and its slot are free.
    pub last: bool,
}

/// Where settlements go. Called from the output's thread; must not block for long.
pub type SettleSink = Arc<dyn Fn(Settlement) + Send + Sync>;
