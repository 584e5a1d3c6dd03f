//! The open files, at most so many at once.

use crate::file::FileKey;
use crate::file::source::Source;
use std::collections::HashMap;

/// Open files by key, with the order of their last use.
pub struct Handles {
    open: HashMap<FileKey, Handle>,
    limit: usize,
    clock: u64,
}

struct Handle {
    source: Source,
    used: u64,
}

impl Handles {
    /// At most `limit` files, at least one.
    pub fn new(limit: usize) -> Self {
        Self { open: HashMap::new(), limit: limit.max(1), clock: 0 }
    }

    /// The open file, now the most recently used one.
    pub fn get(&mut self, key: FileKey) -> Option<&mut Source> {
        self.clock += 1;
        let clock = self.clock;
        self.open.get_mut(&key).map(|handle| {
            handle.used = clock;
            &mut handle.source
        })
    }

    /// Whether the file is open.
    pub fn contains(&self, key: FileKey) -> bool {
        self.open.contains_key(&key)
    }

    /// Whether another file needs one to be closed first.
    pub fn is_full(&self) -> bool {
        self.open.len() >= self.limit
    }

    /// How many are open.
    pub fn count(&self) -> usize {
        self.open.len()
    }

    /// The system allows no more than are open now.
    pub fn limit_to_open(&mut self) {
        self.limit = self.open.len().max(1);
    }

    /// Keeps an open file.
    pub fn insert(&mut self, key: FileKey, source: Source) {
        self.clock += 1;
        self.open.insert(key, Handle { source, used: self.clock });
    }

    /// Closes a file.
    pub fn close(&mut self, key: FileKey) {
        self.open.remove(&key);
    }

    /// Closes the least recently used file that `rank` allows, lower ranks first; returns it.
    pub fn evict(&mut self, rank: impl Fn(FileKey) -> Option<u8>) -> Option<FileKey> {
        let candidates = self.open.iter().filter_map(|(key, handle)| Some((rank(*key)?, handle.used, *key)));
        let (_, _, key) = candidates.min()?;
        self.open.remove(&key);
        Some(key)
    }
}
