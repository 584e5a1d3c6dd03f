//! Memory of one request: everything its threads hold, counted in one place.

use crate::store::ApiError;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What the allocator adds to each piece, about.
pub(crate) const HEAP: usize = 16;

/// Bytes a request may hold, and holds.
#[derive(Debug)]
pub struct Allowance {
    bytes: usize,
    held: AtomicUsize,
}

impl Allowance {
    /// An allowance of `bytes`, nothing of it taken.
    pub fn new(bytes: usize) -> Self {
        Self { bytes, held: AtomicUsize::new(0) }
    }

    /// A share that holds nothing yet.
    pub fn share(&self) -> Share<'_> {
        Share { of: self, bytes: 0 }
    }

    fn too_large(&self, held: usize) -> ApiError {
        let reason = format!(
            "[request] Data too large, data for [aggregations] would be [{held}], which is larger than the limit of [{}]",
            self.bytes
        );
        ApiError::new(429, "circuit_breaking_exception", reason)
    }
}

/// What one part of a request holds of its [`Allowance`]; given back when it is dropped.
#[derive(Debug)]
pub struct Share<'a> {
    of: &'a Allowance,
    bytes: usize,
}

impl Share<'_> {
    /// Another share of the same allowance.
    pub fn beside(&self) -> Self {
        Self { of: self.of, bytes: 0 }
    }

    /// Bytes it holds.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Holds `more`. Fails where all shares together are over the allowance then; it holds them all the same.
    pub fn grow(&mut self, more: usize) -> Result<(), ApiError> {
        self.bytes += more;
        let held = self.of.held.fetch_add(more, Ordering::Relaxed) + more;
        if held <= self.of.bytes { Ok(()) } else { Err(self.of.too_large(held)) }
    }

    /// Holds `bytes` instead of what it held, as [`Self::grow`].
    pub fn set(&mut self, bytes: usize) -> Result<(), ApiError> {
        if bytes > self.bytes {
            return self.grow(bytes - self.bytes);
        }
        self.of.held.fetch_sub(self.bytes - bytes, Ordering::Relaxed);
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.of.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Bytes of a hash table with room for `capacity` entries of `entry` bytes: a power of two of places, an eighth of them
/// free, a byte of control each.
pub(crate) fn table_bytes(capacity: usize, entry: usize) -> usize {
    if capacity == 0 {
        return 0;
    }
    let places = (capacity * 8).div_ceil(7).next_power_of_two().max(4);
    places * (entry + 1) + 2 * HEAP
}

/// Bytes of a vector with room for `capacity` entries.
pub(crate) fn vec_bytes<T>(capacity: usize) -> usize {
    if capacity == 0 { 0 } else { capacity * size_of::<T>() + HEAP }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_one_allowance_are_counted_together_and_given_back() {
        let allowance = Allowance::new(100);
        let (mut one, mut other) = (allowance.share(), allowance.share());
        one.grow(60).unwrap();
        other.grow(40).unwrap();
        assert_eq!(other.grow(1).unwrap_err().status, 429);
        drop(one);
        other.set(100).unwrap();
        other.set(10).unwrap();
        assert_eq!(other.beside().set(90).map_err(|error| error.status), Ok(()));
        assert_eq!(other.beside().set(91).unwrap_err().status, 429);
    }

    #[test]
    fn tables_are_counted_as_they_are_made() {
        // Places of the standard table are a power of two: its capacity tells which.
        for wanted in [1, 3, 4, 7, 8, 14, 100, 1_000] {
            let map: std::collections::HashMap<u64, u64> = std::collections::HashMap::with_capacity(wanted);
            let places = table_bytes(map.capacity(), 16) / 17;
            assert!(map.capacity() <= places && places <= map.capacity() * 2, "{wanted}: {places}");
        }
    }
}
