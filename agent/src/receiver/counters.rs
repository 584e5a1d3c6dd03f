//! What came in at one listener, and what did not.

use super::framer::Facts;
use crate::monitoring::ListenerStatus;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counted by its threads, read for a report.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) connections: AtomicU64,
    pub(super) refused_connections: AtomicU64,
    pub(super) refused_requests: AtomicU64,
    messages: AtomicU64,
    cut: AtomicU64,
    dropped: AtomicU64,
}

impl Counters {
    pub(super) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Relaxed);
    }

    /// Messages that are in the queue.
    pub(super) fn taken(&self, messages: u64, cut: u64) {
        self.messages.fetch_add(messages, Relaxed);
        self.cut.fetch_add(cut, Relaxed);
    }

    /// Messages that were received and are in no queue.
    pub(super) fn dropped(&self, messages: u64) {
        self.dropped.fetch_add(messages, Relaxed);
    }

    /// What a connection has brought since `before`.
    pub(super) fn advanced(&self, before: Facts, now: Facts) {
        self.taken(now.messages - before.messages, now.cut - before.cut);
        if now.has_half {
            self.dropped(1);
        }
    }

    /// Everything but what the listener is.
    pub(super) fn report(&self) -> ListenerStatus {
        ListenerStatus {
            connections_open: self.connections.load(Relaxed),
            connections_refused: self.refused_connections.load(Relaxed),
            requests_refused: self.refused_requests.load(Relaxed),
            messages: self.messages.load(Relaxed),
            messages_cut: self.cut.load(Relaxed),
            messages_dropped: self.dropped.load(Relaxed),
            ..ListenerStatus::default()
        }
    }
}

/// One open connection.
pub(super) struct Open<'a>(&'a Counters);

impl<'a> Open<'a> {
    pub(super) fn count(counters: &'a Counters) -> Self {
        Counters::add(&counters.connections);
        Self(counters)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Relaxed);
    }
}
