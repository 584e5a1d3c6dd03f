//! What segments that never change have answered before.

use crate::aggregation::Partial;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

/// Count and partials of one segment for one query and plan.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) count: u64,
    pub(super) partials: Vec<Partial>,
}

/// A bounded map from (segment, query, plan) to [`Found`]; the oldest entries go first.
pub struct Cache {
    inner: Mutex<Inner>,
    bytes_max: usize,
}

#[derive(Default)]
struct Inner {
    entries: HashMap<u128, (Arc<Found>, usize)>,
    order: VecDeque<u128>,
    bytes: usize,
}

impl Cache {
    /// A cache of at most about `bytes_max`.
    pub fn new(bytes_max: usize) -> Self {
        Self { inner: Mutex::default(), bytes_max }
    }

    /// Most bytes of an entry; larger ones are not kept.
    pub(super) fn entry_max(&self) -> usize {
        self.bytes_max / 16
    }

    pub(super) fn get(&self, key: u128) -> Option<Arc<Found>> {
        self.inner
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entries
            .get(&key)
            .map(|(found, _)| Arc::clone(found))
    }

    pub(super) fn put(&self, key: u128, found: Arc<Found>) {
        let size = 128 + found.partials.iter().map(Partial::size).sum::<usize>();
        if size > self.entry_max() {
            return;
        }
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.entries.insert(key, (found, size)).is_none() {
            inner.order.push_back(key);
            inner.bytes += size;
        }
        while inner.bytes > self.bytes_max {
            let Some(oldest) = inner.order.pop_front() else { break };
            if let Some((_, size)) = inner.entries.remove(&oldest) {
                inner.bytes -= size;
            }
        }
    }
}
