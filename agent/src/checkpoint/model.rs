//! What a checkpoint remembers of files, inputs and streams, and how much of it.

pub use crate::file::prefix::Mark;
pub use crate::file::source::Compression;
pub use crate::file::tailed::FirstLineFacts as FirstLine;

use crate::file::Lineage;
use std::path::PathBuf;

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
}
