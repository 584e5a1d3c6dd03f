//! The settled byte ranges of one file generation.
//!
//! Verdicts come back in any order, so settled spans form a contiguous part from where reading began and loose ranges above
//! it. Only the contiguous part may move a checkpoint; the loose ranges go along so that a restart need not send them again.

use std::collections::BTreeMap;
use std::ops::Range;

/// Settled and framed offsets of one file generation.
///
/// Holds at every moment: `settled ≤ framed`, and the loose ranges are disjoint, do not touch each other and lie above
/// `settled`; one that reaches further than `framed`, as only a restored one does, may begin at both. Memory: one entry a
/// gap, so at most the number of events in flight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    settled: u64,
    framed: u64,
    /// Start → end of the settled ranges above `settled`.
    loose: BTreeMap<u64, u64>,
}

impl Ledger {
    /// A generation whose reading begins at `offset`; everything before it counts as settled.
    pub fn starting_at(offset: u64) -> Self {
        Self { settled: offset, framed: offset, loose: BTreeMap::new() }
    }

    /// The ledger a checkpoint describes. Reading resumes at `settled`; lines inside `ranges` are found settled then.
    ///
    /// Empty, reversed, overlapping or lower ranges, as only a damaged checkpoint holds, are dropped or merged.
    pub fn restore(settled: u64, ranges: &[(u64, u64)]) -> Self {
        let mut ledger = Self::starting_at(settled);
        for &(start, end) in ranges {
            ledger.insert(start..end);
        }
        ledger.absorb();
        ledger
    }

    /// Offset up to which every byte is settled: what a checkpoint may say.
    pub fn settled(&self) -> u64 {
        self.settled
    }

    /// Offset behind the last line cut out of the file.
    pub fn framed(&self) -> u64 {
        self.framed
    }

    /// Framed bytes whose fate is open.
    pub fn pending_bytes(&self) -> u64 {
        let loose: u64 =
            self.loose.range(..self.framed).map(|(start, end)| end.min(&self.framed) - start).sum();
        self.framed - self.settled - loose
    }

    /// Whether all bytes framed so far are settled.
    pub fn is_idle(&self) -> bool {
        self.settled == self.framed
    }

    /// Whether all of the span is settled. An empty span is.
    pub fn is_settled(&self, start: u64, end: u64) -> bool {
        let start = start.max(self.settled);
        start >= end || self.loose.range(..=start).next_back().is_some_and(|(_, covered)| *covered >= end)
    }

    /// The settled ranges above [`settled`](Self::settled), lowest first.
    pub fn ranges(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.loose.iter().map(|(start, end)| (*start, *end))
    }

    /// Lines up to `end` are cut out of the file.
    pub fn read_to(&mut self, end: u64) {
        debug_assert!(end >= self.framed, "framing went back from {} to {end}", self.framed);
        self.framed = self.framed.max(end);
        self.absorb();
    }

    /// The fate of the bytes from `start` to `end` is known. Returns whether the contiguous part grew.
    ///
    /// The span was framed before and is settled once; anything else is a bug of the caller, checked in debug builds, and
    /// never lets the ledger pass `framed` in others.
    pub fn settle(&mut self, start: u64, end: u64) -> bool {
        debug_assert!(start <= end, "span {start}..{end} is reversed");
        debug_assert!(end <= self.framed, "span {start}..{end} was never framed, only up to {}", self.framed);
        debug_assert!(!self.overlaps(start, end), "span {start}..{end} is settled twice in {self:?}");
        let before = self.settled;
        if start == self.settled && self.loose.is_empty() {
            self.settled = end.min(self.framed);
        } else {
            self.insert(start..end.min(self.framed));
            self.absorb();
        }
        self.settled > before
    }

    /// The lines from `to` on are framed again: what was cut out of the file behind it is dropped unsent.
    ///
    /// Nothing behind `to` may be in flight. What is settled stays settled.
    pub fn rewind(&mut self, to: u64) {
        self.framed = to.clamp(self.settled, self.framed);
    }

    fn overlaps(&self, start: u64, end: u64) -> bool {
        start < end
            && (start < self.settled
                || self.loose.range(..end).next_back().is_some_and(|(_, covered)| *covered > start))
    }

    /// Adds a range above `settled`, joined with all it touches.
    fn insert(&mut self, range: Range<u64>) {
        let (mut start, mut end) = (range.start.max(self.settled), range.end);
        if start >= end {
            return;
        }
        while let Some((&low, &high)) = self.loose.range(..=end).next_back() {
            if high < start {
                break;
            }
            self.loose.remove(&low);
            start = start.min(low);
            end = end.max(high);
        }
        self.loose.insert(start, end);
    }

    /// Moves `settled` over the range that touches it, as far as it is framed: whoever frames has to see all bytes, for it
    /// keeps hashes of them.
    fn absorb(&mut self) {
        if let Some(first) = self.loose.first_entry()
            && *first.key() == self.settled
        {
            let end = first.remove();
            self.settled = end.min(self.framed);
            if end > self.framed {
                self.loose.insert(self.framed, end);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ranges(ledger: &Ledger) -> Vec<(u64, u64)> {
        ledger.ranges().collect()
    }

    fn framed_to(end: u64) -> Ledger {
        let mut ledger = Ledger::starting_at(0);
        ledger.read_to(end);
        ledger
    }

    // Q45: workers that finish out of order leave the checkpoint before the oldest open batch.
    #[test]
    fn settled_offset_waits_for_the_oldest_open_span() {
        let mut ledger = framed_to(40);
        assert!(!ledger.settle(10, 20));
        assert!(!ledger.settle(30, 40));
        assert_eq!((ledger.settled(), ranges(&ledger)), (0, vec![(10, 20), (30, 40)]));
        assert_eq!(ledger.pending_bytes(), 20);
        assert!(ledger.settle(0, 10));
        assert_eq!((ledger.settled(), ranges(&ledger)), (20, vec![(30, 40)]));
        assert!(ledger.settle(20, 30));
        assert_eq!((ledger.settled(), ledger.pending_bytes()), (40, 0));
        assert!(ledger.is_idle() && ranges(&ledger).is_empty());
    }

    #[test]
    fn neighbouring_loose_ranges_become_one() {
        let mut ledger = framed_to(100);
        for (start, end) in [(50, 60), (30, 40), (40, 50), (80, 90), (60, 80)] {
            ledger.settle(start, end);
        }
        assert_eq!(ranges(&ledger), [(30, 90)]);
        assert!(ledger.is_settled(30, 90) && !ledger.is_settled(29, 31) && !ledger.is_settled(85, 91));
    }

    #[test]
    fn restored_ranges_need_no_second_verdict() {
        let mut ledger = Ledger::restore(100, &[(150, 200), (300, 400)]);
        assert_eq!((ledger.settled(), ledger.framed(), ledger.pending_bytes()), (100, 100, 0));
        ledger.read_to(150);
        assert!(ledger.is_settled(150, 200));
        ledger.read_to(180);
        assert_eq!(ledger.pending_bytes(), 50);
        ledger.settle(100, 150);
        assert_eq!((ledger.settled(), ledger.framed()), (180, 180));
        ledger.read_to(200);
        assert_eq!((ledger.settled(), ledger.framed(), ranges(&ledger)), (200, 200, vec![(300, 400)]));
    }

    /// The reader stopped at the end of a batch, just before a restored range, and the batch was settled. Had `framed` moved
    /// behind that range, the reader would have compared the hash of what it read with other bytes, taken the file for
    /// rewritten, and shipped it all once more under new ids.
    #[test]
    fn what_was_not_read_is_not_framed_though_it_is_settled() {
        let mut ledger = Ledger::restore(100, &[(150, 200)]);
        ledger.read_to(150);
        assert!(ledger.settle(100, 150));
        assert_eq!((ledger.settled(), ledger.framed(), ledger.is_settled(150, 200)), (150, 150, true));
        let again = Ledger::restore(ledger.settled(), &ranges(&ledger));
        assert_eq!((again.settled(), again.framed(), again.is_settled(150, 200)), (150, 150, true));
        ledger.read_to(170);
        assert_eq!((ledger.settled(), ledger.is_settled(170, 200)), (170, true));
        ledger.read_to(230);
        ledger.settle(200, 230);
        assert_eq!((ledger.settled(), ranges(&ledger)), (230, vec![]));
    }

    // Q26: what no sound ledger would have written must not break this one.
    #[test]
    fn nonsense_ranges_of_a_damaged_checkpoint_are_harmless() {
        let ledger = Ledger::restore(100, &[(50, 120), (200, 150), (300, 300), (400, 500), (450, 600)]);
        assert_eq!((ledger.settled(), ranges(&ledger)), (100, vec![(100, 120), (400, 600)]));
    }

    #[test]
    fn rewinding_drops_framed_lines_and_keeps_settled_ones() {
        let mut ledger = framed_to(100);
        ledger.settle(0, 30);
        ledger.settle(50, 60);
        ledger.rewind(10);
        assert_eq!((ledger.settled(), ledger.framed(), ledger.pending_bytes()), (30, 30, 0));
        ledger.read_to(100);
        assert_eq!(ledger.pending_bytes(), 60);
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "settled twice")]
    fn settling_a_span_twice_is_a_bug() {
        let mut ledger = framed_to(30);
        ledger.settle(10, 20);
        ledger.settle(15, 25);
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "never framed")]
    fn settling_what_was_never_framed_is_a_bug() {
        framed_to(30).settle(20, 31);
    }

    /// Line lengths, and for each line the moment it is settled relative to the others.
    fn lines_and_order() -> impl Strategy<Value = (Vec<u64>, Vec<usize>)> {
        proptest::collection::vec(1u64..9, 1..60).prop_flat_map(|lengths| {
            let order = Just((0..lengths.len()).collect::<Vec<_>>()).prop_shuffle();
            (Just(lengths), order)
        })
    }

    proptest! {
        /// P3: against a bitmap, whatever the order in which lines are framed and settled.
        #[test]
        fn ledger_equals_a_bitmap((lengths, order) in lines_and_order(), begin in 0u64..50, pace in 1usize..8) {
            let mut spans = Vec::new();
            let mut offset = begin;
            for length in &lengths {
                spans.push((offset, offset + length));
                offset += length;
            }
            let mut bitmap = vec![false; offset as usize];
            bitmap[..begin as usize].fill(true);
            let mut ledger = Ledger::starting_at(begin);
            let (mut framed, mut waiting) = (0, Vec::new());
            let mut checkpointed = begin;

            for (turn, &line) in order.iter().enumerate() {
                waiting.push(line);
                for &(_, end) in spans.iter().take(spans.len().min(turn * pace)).skip(framed) {
                    ledger.read_to(end);
                    framed += 1;
                }
                let (ready, later): (Vec<_>, Vec<_>) = waiting.iter().partition(|line| **line < framed);
                waiting = later;
                for line in ready {
                    let (start, end) = spans[line];
                    let grew = ledger.settle(start, end);
                    bitmap[start as usize..end as usize].fill(true);
                    let gap = bitmap.iter().position(|settled| !settled).unwrap_or(bitmap.len()) as u64;
                    prop_assert_eq!(ledger.settled(), gap);
                    prop_assert_eq!(grew, gap > checkpointed);
                    prop_assert!(checkpointed <= ledger.settled() && ledger.settled() <= ledger.framed());
                    checkpointed = ledger.settled();
                }
                let settled = bitmap.iter().filter(|settled| **settled).count() as u64;
                prop_assert_eq!(ledger.pending_bytes(), ledger.framed() - settled);
                for &(start, end) in &spans {
                    let expected = bitmap[start as usize..end as usize].iter().all(|settled| *settled);
                    prop_assert_eq!(ledger.is_settled(start, end), expected);
                }
                let restored = Ledger::restore(ledger.settled(), &ledger.ranges().collect::<Vec<_>>());
                prop_assert_eq!(restored.ranges().collect::<Vec<_>>(), ledger.ranges().collect::<Vec<_>>());
                prop_assert_eq!(restored.settled(), ledger.settled());
            }
        }
    }
}
