//! How many are inside.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts those who have entered and not left.
#[derive(Debug, Default)]
pub(super) struct Gauge(AtomicU64);

/// Leaves when dropped.
#[derive(Debug)]
pub(super) struct Inside<'a>(&'a Gauge);

impl Gauge {
    pub(super) fn value(&self) -> u64 {
        self.0.load(Relaxed)
    }

    pub(super) fn enter(&self) -> Inside<'_> {
        self.0.fetch_add(1, Relaxed);
        Inside(self)
    }

    /// Enters unless so many are inside.
    pub(super) fn enter_below(&self, limit: u64) -> Option<Inside<'_>> {
        let below = |inside: u64| (inside < limit).then_some(inside + 1);
        self.0.fetch_update(Relaxed, Relaxed, below).ok().map(|_| Inside(self))
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Relaxed);
    }
}
