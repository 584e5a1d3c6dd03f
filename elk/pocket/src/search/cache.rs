//! What pieces of segments that never change have answered before.

use crate::aggregation::Partial;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

/// Count and partials of one piece for one query and plan.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) count: u64,
    pub(super) partials: Vec<Partial>,
}

/// A bounded map from (piece, query, plan) to [`Found`]. The oldest entries go first, but for those that were used since
/// it was last their turn.
pub struct Cache {
    inner: Mutex<Inner>,
    bytes_max: usize,
}

/// How often a [`Cache`] was asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asked {
    /// With an answer.
    pub found: u64,
    /// In vain.
    pub missed: u64,
}

#[derive(Default)]
struct Inner {
    entries: HashMap<u128, Entry>,
    order: VecDeque<u128>,
    bytes: usize,
    asked: Asked,
}

struct Entry {
    found: Arc<Found>,
    size: usize,
    used: bool,
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

    /// How often it was asked so far.
    pub fn asked(&self) -> Asked {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).asked
    }

    pub(super) fn get(&self, key: u128) -> Option<Arc<Found>> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let found = inner.entries.get_mut(&key).map(|entry| {
            entry.used = true;
            Arc::clone(&entry.found)
        });
        match found {
            Some(_) => inner.asked.found += 1,
            None => inner.asked.missed += 1,
        }
        found
    }

    pub(super) fn put(&self, key: u128, found: Arc<Found>) {
        let size = 128 + found.partials.iter().map(Partial::size).sum::<usize>();
        if size > self.entry_max() {
            return;
        }
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        match inner.entries.insert(key, Entry { found, size, used: false }) {
            // Two searches have found it out at the same time.
            Some(before) => inner.bytes -= before.size,
            None => inner.order.push_back(key),
        }
        inner.bytes += size;
        while inner.bytes > self.bytes_max {
            let Some(oldest) = inner.order.pop_front() else { break };
            inner.drop_or_keep(oldest);
        }
    }
}

impl Inner {
    fn drop_or_keep(&mut self, key: u128) {
        match self.entries.get_mut(&key) {
            Some(entry) if entry.used => {
                entry.used = false;
                self.order.push_back(key);
            }
            _ => self.bytes -= self.entries.remove(&key).map_or(0, |entry| entry.size),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing() -> Arc<Found> {
        Arc::new(Found { count: 0, partials: Vec::new() })
    }

    #[test]
    fn the_oldest_entry_that_nobody_has_used_goes_first() {
        let cache = Cache::new(16 * 128);
        (0..16).for_each(|key| cache.put(key, nothing()));
        assert!(cache.get(0).is_some());
        (16..20).for_each(|key| cache.put(key, nothing()));
        assert!(cache.get(0).is_some() && cache.get(1).is_none() && cache.get(19).is_some());
        assert_eq!(cache.asked(), Asked { found: 3, missed: 1 });
        assert_eq!(cache.inner.lock().unwrap().entries.len(), 16);
    }

    #[test]
    fn an_entry_put_twice_counts_once() {
        let cache = Cache::new(16 * 128);
        (0..100).for_each(|_| cache.put(7, nothing()));
        assert!(cache.get(7).is_some());
        assert_eq!(cache.inner.lock().unwrap().bytes, 128);
    }
}
