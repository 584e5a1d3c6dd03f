//! Elasticsearch and OpenSearch by `_bulk`.
//!
//! ```text
//! batch → gate of its index → place in flight → host → client → answer → verdict → settlement
//! ```
//!
//! Policy ([`verdict`], [`gate`], [`hosts`](super::hosts)) and protocol ([`bulk`], [`answer`]) have no I/O and no clock; [`client`] moves
//! bytes; [`shipment`] joins them for one batch.

pub mod answer;
pub mod bulk;
pub mod check;
pub mod client;
pub mod gate;
pub mod health;
mod json;
mod rollover;
mod shared;
mod shipment;
mod text;
pub mod verdict;

pub(crate) use client::http_client;
pub use client::{ClientError, Timing};

use crate::batch::Batch;
use crate::config::{Elasticsearch, Verify};
use crate::output::{OutputState, SettleSink};
use shared::Shared;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tracing::{error, warn};

/// Sends batches until the sender is dropped and every batch is settled.
///
/// Takes every batch it is given, so that those of one index never wait for those of another; the sender bounds how many
/// are open ([`crate::output::Settlement::last`] says when one is not any more). At most `bulk.in_flight` requests are under
/// way. `known` is the last backing index of each data stream, empty where no answer had named it. Dropping the future abandons all requests.
pub async fn run(
    config: &Elasticsearch,
    timing: Timing,
    mut batches: mpsc::Receiver<Batch>,
    settle: SettleSink,
    state: Arc<OutputState>,
    known: HashMap<String, String>,
) -> Result<(), ClientError> {
    if config.tls.verify == Verify::None && config.hosts.iter().any(|host| host.starts_with("https:")) {
        warn!("`tls.verify: none`: anyone on the way can read and change what is sent");
    }
    let shared = Arc::new(Shared::new(config, timing, settle, state, known)?);
    let mut shipments = JoinSet::new();
    loop {
        tokio::select! {
            Some(batch) = batches.recv() => {
                shipments.spawn(shipment::ship(Arc::clone(&shared), batch));
            }
            Some(ended) = shipments.join_next() => pass_on_panic(ended),
            else => return Ok(()),
        }
    }
}

fn pass_on_panic(ended: Result<(), JoinError>) {
    if let Err(failure) = ended
        && let Ok(panic) = failure.try_into_panic()
    {
        error!("a shipment ended by a broken invariant");
        std::panic::resume_unwind(panic);
    }
}
