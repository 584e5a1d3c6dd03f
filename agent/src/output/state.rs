//! What operators see of the output.

use crate::monitoring::Held;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Shared between the output, which writes, and monitoring and pipeline, which read.
#[derive(Debug, Default)]
pub struct OutputState(Mutex<OutputSnapshot>);

/// The output at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutputSnapshot {
    /// Host last used, without log-in; a path or `stdout` for other outputs.
    pub host: String,
    /// Requests under way.
    pub in_flight: u64,
    /// Requests so far.
    pub requests: u64,
    /// Requests after which some of their events had to be sent again.
    pub retries: u64,
    /// Bytes of request bodies as sent, retries included.
    pub bytes_sent: u64,
    /// How often a Logstash server said that it is still at work on a window: a slow one does.
    pub signs_of_life: u64,
    /// The last error in one bounded line, until a request succeeds.
    pub last_error: Option<String>,
    /// Indices that take nothing until an operator acts.
    pub held: Vec<Held>,
    /// The last request reached a server that answers.
    pub reachable: bool,
    /// Requests of unknown fate that were sent again without looking for a rollover, because that is not allowed.
    pub unchecked_rollovers: u64,
    /// Length before compression from which on the server refused requests; smaller batches spare halving.
    pub refused_request_bytes: Option<u32>,
}

impl OutputState {
    /// A copy.
    pub fn snapshot(&self) -> OutputSnapshot {
        self.lock().clone()
    }

    pub(super) fn update<T>(&self, change: impl FnOnce(&mut OutputSnapshot) -> T) -> T {
        change(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, OutputSnapshot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OutputSnapshot {
    pub(super) fn hold(&mut self, index: &str, reason: &str) {
        self.release(index);
        self.held.push(Held { index: index.to_owned(), reason: reason.to_owned() });
    }

    pub(super) fn release(&mut self, index: &str) {
        self.held.retain(|held| held.index != index);
    }
}
