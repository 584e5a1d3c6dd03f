//! Generations of files that are not found: deleted ones, and those of the checkpoint until their files are seen again.

use crate::checkpoint::Generation;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

/// Most of them kept.
const MAX: usize = 10_000;

/// The least time a generation is kept: a file renamed away and back must not be sent twice, whatever the retention.
const KEPT_AT_LEAST: Duration = Duration::from_secs(60);

/// At most 10 000 generations, in no order.
#[derive(Debug)]
pub(super) struct Remembered(Vec<Generation>);

impl Remembered {
    pub(super) fn new(generations: Vec<Generation>) -> Self {
        Self(generations)
    }

    /// Takes one more; the one seen longest ago makes room.
    pub(super) fn add(&mut self, generation: Generation) {
        if self.0.len() >= MAX {
            let oldest = (0..self.0.len()).min_by_key(|place| self.0[*place].last_seen_unix_s);
            oldest.map(|place| self.0.swap_remove(place));
        }
        self.0.push(generation);
    }

    /// Hands over the one at `place`; the others change places.
    pub(super) fn take(&mut self, place: usize) -> Generation {
        self.0.swap_remove(place)
    }

    /// Forgets those not seen for longer than the retention. A clock set back keeps them longer, never drops them.
    pub(super) fn expire(&mut self, now_unix_s: u64, retention: Duration) {
        let kept = retention.max(KEPT_AT_LEAST).as_secs();
        self.0.retain(|generation| now_unix_s.saturating_sub(generation.last_seen_unix_s) <= kept);
    }
}

impl Deref for Remembered {
    type Target = [Generation];

    fn deref(&self) -> &[Generation] {
        &self.0
    }
}

impl DerefMut for Remembered {
    fn deref_mut(&mut self) -> &mut [Generation] {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::FileState;
    use crate::checkpoint::model::tests::generation;

    fn gone(seen: u64) -> Generation {
        Generation { state: FileState::Gone, last_seen_unix_s: seen, ..generation(seen) }
    }

    // F48, Q50: the number of state entries is bounded.
    #[test]
    fn the_one_seen_longest_ago_makes_room() {
        let mut remembered = Remembered::new(Vec::new());
        for seen in (0..MAX as u64 + 2_000).rev() {
            remembered.add(gone(seen + 1));
        }
        remembered.add(gone(70_000));
        assert_eq!(remembered.len(), MAX);
        assert!(remembered.iter().any(|one| one.last_seen_unix_s == 70_000));
        assert!(remembered.iter().all(|one| one.last_seen_unix_s > 2_001));
    }

    #[test]
    fn generations_expire_and_not_for_a_clock_set_back() {
        let mut remembered = Remembered::new(vec![gone(100), gone(101)]);
        // F88.
        remembered.expire(5, Duration::from_secs(99));
        assert_eq!(remembered.len(), 2);
        remembered.expire(200, Duration::from_secs(99));
        assert_eq!(remembered.iter().map(|one| one.last_seen_unix_s).collect::<Vec<_>>(), [101]);
    }

    #[test]
    fn no_retention_is_shorter_than_a_rename() {
        let mut remembered = Remembered::new(vec![gone(100)]);
        remembered.expire(160, Duration::ZERO);
        assert_eq!(remembered.len(), 1);
        remembered.expire(161, Duration::ZERO);
        assert!(remembered.is_empty());
    }
}
