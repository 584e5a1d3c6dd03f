//! The memory that all listeners together may use for messages that are not whole yet.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Bytes of an unfinished message that each connection may hold; for more it needs a share.
pub(super) const SMALL: usize = 8 * 1024;

/// So many bytes, of which shares are taken and given back.
#[derive(Debug)]
pub(super) struct Memory {
    limit: usize,
    free: Mutex<usize>,
    freed: Condvar,
}

/// Bytes somebody has; given back when dropped.
#[derive(Debug)]
pub(super) struct Share {
    memory: Arc<Memory>,
    bytes: usize,
}

impl Memory {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, free: Mutex::new(limit), freed: Condvar::new() }
    }

    /// Waits until so many bytes are free; all there are where more is asked for.
    pub(super) fn take(self: &Arc<Self>, bytes: usize) -> Share {
        let bytes = bytes.min(self.limit);
        let wait = self.freed.wait_while(self.lock(), |free| *free < bytes);
        *wait.unwrap_or_else(PoisonError::into_inner) -= bytes;
        Share { memory: self.clone(), bytes }
    }

    /// A share that has nothing yet.
    pub(super) fn none(self: &Arc<Self>) -> Share {
        Share { memory: self.clone(), bytes: 0 }
    }

    fn lock(&self) -> MutexGuard<'_, usize> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    /// Takes so many bytes more, if they are free now.
    #[must_use]
    pub(super) fn try_grow(&mut self, bytes: usize) -> bool {
        let mut free = self.memory.lock();
        let Some(left) = free.checked_sub(bytes) else { return false };
        *free = left;
        self.bytes += bytes;
        true
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        *self.memory.lock() += self.bytes;
        self.memory.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_never_exceed_the_limit_and_come_back() {
        let memory = Arc::new(Memory::new(100));
        let (first, mut second) = (memory.take(60), memory.none());
        assert!(!second.try_grow(41) && second.try_grow(40) && !second.try_grow(1));
        drop(first);
        assert!(second.try_grow(60));
        drop(second);
        assert_eq!(*memory.lock(), 100);
    }

    #[test]
    fn who_asks_for_more_than_there_is_gets_all_of_it() {
        let memory = Arc::new(Memory::new(100));
        let first = memory.take(30);
        let greedy = std::thread::spawn({
            let memory = memory.clone();
            move || memory.take(1000).bytes
        });
        drop(first);
        assert_eq!(greedy.join().unwrap(), 100);
    }
}
