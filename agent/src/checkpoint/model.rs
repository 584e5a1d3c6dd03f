//! What a checkpoint remembers of files, inputs and streams, and how much of it.

pub use crate::file::prefix::Mark;
pub use crate::file::source::Compression;
pub use crate::file::tailed::FirstLineFacts as FirstLine;

use crate::file::Lineage;
use std::path::PathBuf;

/// Most file generations a checkpoint keeps, as long as no more of them are live.
pub const MAX_GENERATIONS: usize = 10_000;

/// Most live file generations a checkpoint keeps.
pub const MAX_LIVE_GENERATIONS: usize = 100_000;

/// Most settled ranges kept above the settled offset of one generation. Events in further ones are sent again after a
/// restart, under the same ids.
pub const MAX_RANGES: usize = 64;

/// All that survives a restart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checkpoint {
    /// Counts up with every checkpoint written; the store sets it. The highest valid one is the newest, whatever the clock.
    pub sequence: u64,
    /// Inputs whose first start is over: `read_from: end` no longer applies to them.
    pub inputs: Vec<KnownInput>,
    /// Indices and data streams written to.
    pub streams: Vec<StreamState>,
    /// File generations, live and gone.
    pub generations: Vec<Generation>,
}

/// An input that has started before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownInput {
    /// The stated `id`, or the default key.
    pub identity: String,
    /// When it started for the first time, in seconds since 1970.
    pub first_start_unix_s: u64,
}

/// What is remembered of one index or data stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamState {
    /// Name events are sent to.
    pub index: String,
    /// Concrete index of the last settled answer.
    pub backing_index: Option<String>,
    /// Keys of application fields the stream has learned.
    pub leftover_keys: Vec<String>,
}

/// One file with one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// Path last seen at; any bytes.
    pub path: PathBuf,
    /// Identity of its input: the stated `id`, or the default key.
    pub input: String,
    /// Device number last seen.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
    /// Birth time in nanoseconds since 1970, 0 where the file system keeps none.
    pub birth_ns: u64,
    /// Start of the text.
    pub first_line: FirstLine,
    /// Generation number, part of the lineage.
    pub generation: u32,
    /// First part of the ids.
    pub lineage: Lineage,
    /// Offset at which reading began: 0; the end at the first start with `read_from: end`; or where an older generation
    /// was cut.
    pub begin: u64,
    /// Greatest size seen, in bytes as they lie on disk.
    pub size_seen: u64,
    /// Offset up to which everything is settled, in decompressed bytes.
    pub settled: u64,
    /// Settled ranges above `settled`, ascending; the first [`MAX_RANGES`] are kept.
    pub ranges: Vec<(u64, u64)>,
    /// How to recognise the text up to an offset.
    pub mark: Mark,
    /// Event ends above `settled` that were decided by time, ascending.
    pub forced_ends: Vec<u64>,
    /// How the file is compressed.
    pub compression: Compression,
    /// Whether it still exists.
    pub state: FileState,
    /// When it was last seen, in seconds since 1970.
    pub last_seen_unix_s: u64,
}

/// Whether a file still exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FileState {
    /// It does, as far as is known.
    #[default]
    Live,
    /// Two consistent scans did not find it.
    Gone,
}

/// What [`Checkpoint::prune`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pruned {
    /// Gone generations older than the retention.
    pub expired: usize,
    /// Gone generations within the retention, forgotten because there is no room.
    pub crowded_out: usize,
    /// Live generations kept beyond [`MAX_GENERATIONS`]: a reason for a warning, the checkpoint grows.
    pub live_excess: usize,
    /// Live generations beyond [`MAX_LIVE_GENERATIONS`], forgotten, those seen longest ago first: a reason for an error. A
    /// restart reads these files from their beginning.
    pub live_dropped: usize,
}

impl Checkpoint {
    /// Forgets gone generations not seen for `retention_s`, then the oldest gone ones until all fit.
    ///
    /// Live ones are only forgotten beyond a hard cap. A clock set back keeps entries longer, never drops them.
    pub fn prune(&mut self, now_unix_s: u64, retention_s: u64) -> Pruned {
        let before = self.generations.len();
        self.generations.retain(|generation| {
            generation.state == FileState::Live
                || now_unix_s.saturating_sub(generation.last_seen_unix_s) <= retention_s
        });
        let live = self.generations.iter().filter(|generation| generation.state == FileState::Live).count();
        let gone = self.generations.len() - live;
        let mut pruned = Pruned { expired: before - self.generations.len(), ..Pruned::default() };
        if live + gone > MAX_GENERATIONS {
            pruned.crowded_out = gone.min(live + gone - MAX_GENERATIONS);
            self.drop_oldest(FileState::Gone, pruned.crowded_out);
            pruned.live_dropped = live.saturating_sub(MAX_LIVE_GENERATIONS);
            self.drop_oldest(FileState::Live, pruned.live_dropped);
            pruned.live_excess = self.generations.len().saturating_sub(MAX_GENERATIONS);
        }
        pruned
    }

    fn drop_oldest(&mut self, state: FileState, count: usize) {
        if count == 0 {
            return;
        }
        let mut candidates: Vec<usize> =
            (0..self.generations.len()).filter(|place| self.generations[*place].state == state).collect();
        candidates.sort_by_key(|place| self.generations[*place].last_seen_unix_s);
        let mut drop = vec![false; self.generations.len()];
        candidates.iter().take(count).for_each(|place| drop[*place] = true);
        let mut place = 0;
        self.generations.retain(|_| {
            place += 1;
            !drop[place - 1]
        });
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A generation with a value of its own in every field.
    pub(crate) fn generation(number: u64) -> Generation {
        Generation {
            path: PathBuf::from(format!("/var/log/shop/app-{number}.log")),
            input: "shop".into(),
            device: 2049,
            inode: 1_000_000 + number,
            birth_ns: 1_790_000_000_123_456_789,
            first_line: FirstLine { hash: 0x0123_4567_89ab_cdef ^ number, len: 180, complete: true },
            generation: 1,
            lineage: Lineage([1, 2, 3, 4, 5, number as u8]),
            begin: 0,
            size_seen: 70_000 + number,
            settled: 65_000,
            ranges: vec![(65_200, 65_400), (66_000, 69_000)],
            mark: Mark { offset: 65_000, blocks: 0, prefix: 0xfeed_beef << 90, tail: 0x1122_3344_5566_7788 },
            forced_ends: vec![65_300, 69_000],
            compression: Compression::Plain,
            state: FileState::Live,
            last_seen_unix_s: 1_790_000_000 + number,
        }
    }

    fn gone(number: u64) -> Generation {
        Generation { state: FileState::Gone, last_seen_unix_s: number, ..generation(number) }
    }

    // F48, Q50: the number of state entries is bounded.
    #[test]
    fn the_oldest_gone_generations_make_room() {
        let mut checkpoint = Checkpoint::default();
        checkpoint.generations.extend((0..9_000).map(generation));
        checkpoint.generations.extend((0..3_000).rev().map(gone));
        let pruned = checkpoint.prune(3_000, 10_000);
        assert_eq!(pruned, Pruned { crowded_out: 2_000, ..Pruned::default() });
        assert_eq!(checkpoint.generations.len(), MAX_GENERATIONS);
        let oldest = checkpoint.generations.iter().filter(|one| one.state == FileState::Gone);
        assert_eq!(oldest.map(|one| one.last_seen_unix_s).min(), Some(2_000));
    }

    #[test]
    fn gone_generations_expire_and_live_ones_do_not() {
        let generations = vec![generation(1), gone(100), gone(101)];
        let mut checkpoint = Checkpoint { generations, ..Checkpoint::default() };
        checkpoint.generations[0].last_seen_unix_s = 0;
        assert_eq!(checkpoint.prune(200, 99).expired, 1);
        assert_eq!(checkpoint.generations.len(), 2);
        // F88: a clock set back expires nothing.
        assert_eq!(checkpoint.prune(5, 99), Pruned::default());
    }

    #[test]
    fn live_generations_are_kept_beyond_the_usual_number() {
        let mut checkpoint = Checkpoint::default();
        checkpoint.generations.extend((0..10_500).map(generation));
        checkpoint.generations.extend((0..10).map(gone));
        let pruned = checkpoint.prune(0, 99);
        assert_eq!(pruned, Pruned { crowded_out: 10, live_excess: 500, ..Pruned::default() });
    }

    #[test]
    fn live_generations_end_at_the_hard_cap() {
        let mut checkpoint = Checkpoint::default();
        let tiny = Generation { ranges: Vec::new(), forced_ends: Vec::new(), ..generation(0) };
        checkpoint.generations.extend(
            (0..MAX_LIVE_GENERATIONS as u64 + 7)
                .map(|number| Generation { last_seen_unix_s: number, ..tiny.clone() }),
        );
        let pruned = checkpoint.prune(0, 99);
        assert_eq!((pruned.live_dropped, pruned.live_excess), (7, MAX_LIVE_GENERATIONS - MAX_GENERATIONS));
        assert_eq!(checkpoint.generations[0].last_seen_unix_s, 7);
    }
}
