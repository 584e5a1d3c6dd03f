//! Batches leave, verdicts come back.
//!
//! An output owns a batch until every item has a final [`Fate`]; it retries, splits and holds by itself and reports
//! [`Settlement`]s as items get their verdict, in any order.

use crate::batch::{Item, Run};
use std::sync::Arc;

pub mod backoff;

pub mod elasticsearch;

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
