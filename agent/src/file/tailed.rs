//! One generation of one tailed file: who it is, how far it is read, how far it is settled.
//!
//! ```text
//! checkpointed ≤ settled without a gap ≤ framed ≤ length of the text        (a rewrite starts a new generation)
//! ```

use crate::ack::Ledger;
use crate::checkpoint::Generation;
use crate::event::FileMemory;
use crate::file::prefix::{Mark, PrefixHash};
use crate::file::source::{Compression, FirstLine, Physical};
use crate::file::{FileKey, Lineage};
use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Most marks kept above the settled offset; older ones are thinned out.
const MAX_MARKS: usize = 32;

/// Marks of the last two seconds.
const MAX_HISTORY: usize = 20;
const HISTORY_STEP: Duration = Duration::from_millis(100);

/// One generation of one tailed file.
pub struct Tailed {
    /// Its handle in this process.
    pub key: FileKey,
    /// Which input it belongs to.
    pub input: usize,
    /// Path last seen.
    pub path: Arc<Path>,
    /// Device, inode and birth time.
    pub physical: Physical,
    /// How the text lies on disk; known once opened.
    pub compression: Compression,
    /// Who it is, as far as its beginning tells.
    pub identity: Identity,
    /// Where it stands in the file system.
    pub standing: Standing,
    /// Bytes on disk at the last look.
    pub size: u64,
    /// Modification time at the last look, in nanoseconds since 1970.
    pub modified_ns: u64,
    /// When `size` last changed.
    pub grown_at: Instant,
    /// The path has changed, or another file has taken it: an unterminated tail will be finished.
    pub rotated: bool,
    /// No newline lies between the framed offset and here.
    pub scanned: u64,
    /// Behind the framed offset lie whole lines, of a text to which more may come.
    pub has_open_block: bool,
    /// Hash of the last up to 1 KiB before the framed offset, to see a rewrite.
    pub tail: u64,
    /// Hash of everything before the framed offset; dropped while idle, resumed from a mark.
    pub prefix: Option<Box<PrefixHash>>,
    /// Marks above the settled offset, ascending.
    pub marks: VecDeque<ReadMark>,
    /// The newest mark at or below the settled offset.
    pub settled_mark: Mark,
    /// Settled marks of the last seconds: a copy that was made just before a truncation is a little shorter than what was
    /// read, and is recognised by one of these.
    pub history: VecDeque<ReadMark>,
    /// How far it is framed (handed on) and settled.
    pub ledger: Ledger,
    /// From here on a 409 is unexpected: the size when this process first opened the file.
    pub fresh_from: u64,
    /// Ends of events that were decided by time, above the settled offset.
    pub forced_ends: Vec<u64>,
    /// A new generation or a forced end has to be in a durable checkpoint before anything is sent under it.
    pub awaits_checkpoint: Awaits,
    /// Lines between the settled offset and here exist under another id already, or were sent under this one by a request
    /// that collided: reading waits until nothing is in flight, then a new generation begins.
    pub collided: bool,
    /// Events handed on that have no verdict yet.
    pub in_flight: u64,
    /// Settled offset in the last durable checkpoint.
    pub checkpointed: u64,
    /// The end of a packed text was reached.
    pub unpacked: bool,
    /// NUL bytes of holes that were passed over and not counted yet.
    pub nul_bytes: u64,
    /// Already in the queue of files with something to read.
    pub queued: bool,
    /// Reading begins at the end of what was there at the first start.
    pub from_end: bool,
    /// Opening failed with this, reported once.
    pub trouble: Option<String>,
    /// What the event stage remembers of this file.
    pub memory: FileMemory,
}

/// Who a file is.
#[derive(Debug, Clone)]
pub enum Identity {
    /// Its first line has not ended, or nobody has looked yet.
    Unknown,
    /// It may be a copy of a file that still stands; waiting for that one to be truncated.
    MaybeCopy {
        /// Since when.
        since: Instant,
    },
    /// Decided.
    Known(Known),
}

/// A decided identity.
#[derive(Debug, Clone)]
pub struct Known {
    /// First part of its ids.
    pub lineage: Lineage,
    /// Its first line.
    pub first_line: FirstLineFacts,
    /// How often this file began anew.
    pub generation: u32,
}

/// What is remembered of a first line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FirstLineFacts {
    /// XXH3-64 of the bytes.
    pub hash: u64,
    /// How many bytes.
    pub len: u16,
    /// False where the line had no end when it was used.
    pub complete: bool,
}

impl FirstLineFacts {
    /// Of a first line as read.
    pub fn of(line: &FirstLine) -> Self {
        Self { hash: line.hash(), len: line.bytes.len() as u16, complete: line.complete }
    }

    /// Whether `line` is the same first line, perhaps grown since.
    pub fn matches(&self, line: &FirstLine) -> bool {
        match self.complete {
            true => line.complete && *self == Self::of(line),
            false => line
                .bytes
                .get(..self.len as usize)
                .is_some_and(|beginning| xxhash_rust::xxh3::xxh3_64(beginning) == self.hash),
        }
    }
}

/// Which checkpoint has to be durable before a file is read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaits {
    /// None.
    Nothing,
    /// The next one that is begun.
    Next,
    /// The next one, unless it cannot be stored.
    NextIfPossible,
    /// The one being written.
    Running,
    /// The one being written, unless it cannot be stored.
    RunningIfPossible,
}

/// Where a file stands in the file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Under its path.
    Present,
    /// Its path was not found by so many looks in a row; not open.
    Missing {
        /// Consistent scans without it.
        scans: u8,
    },
    /// Open, but under no path that is watched.
    Detached {
        /// Since when.
        since: Instant,
        /// No link is left: when the last descriptor closes, the text is gone.
        deleted: bool,
    },
    /// Its text was cut or overwritten. What was read still settles; a copy may bring the rest.
    Overwritten {
        /// Since when.
        since: Instant,
    },
}

/// A mark and when the line before it was read.
#[derive(Debug, Clone, Copy)]
pub struct ReadMark {
    /// The mark.
    pub mark: Mark,
    /// When.
    pub read_at: Instant,
}

impl Tailed {
    /// A file nobody has looked into yet.
    pub fn new(
        key: FileKey,
        input: usize,
        path: Arc<Path>,
        physical: Physical,
        memory: FileMemory,
        now: Instant,
    ) -> Self {
        Self {
            key,
            input,
            path,
            physical,
            compression: Compression::Plain,
            identity: Identity::Unknown,
            standing: Standing::Present,
            size: 0,
            modified_ns: 0,
            grown_at: now,
            rotated: false,
            scanned: 0,
            has_open_block: false,
            tail: crate::file::prefix::tail_hash(&[]),
            prefix: Some(Box::default()),
            marks: VecDeque::new(),
            history: VecDeque::new(),
            settled_mark: PrefixHash::default().mark(crate::file::prefix::tail_hash(&[])),
            ledger: Ledger::starting_at(0),
            fresh_from: 0,
            forced_ends: Vec::new(),
            awaits_checkpoint: Awaits::Nothing,
            collided: false,
            in_flight: 0,
            checkpointed: 0,
            unpacked: false,
            nul_bytes: 0,
            queued: false,
            from_end: false,
            trouble: None,
            memory,
        }
    }

    /// The lineage, once decided.
    pub fn lineage(&self) -> Option<Lineage> {
        match &self.identity {
            Identity::Known(known) => Some(known.lineage),
            _ => None,
        }
    }

    /// Its decided identity.
    pub fn known(&self) -> Option<&Known> {
        match &self.identity {
            Identity::Known(known) => Some(known),
            _ => None,
        }
    }

    /// Offset behind the last line handed on.
    pub fn framed(&self) -> u64 {
        self.ledger.framed()
    }

    /// Everything read has its verdict.
    pub fn is_settled(&self) -> bool {
        self.ledger.is_idle()
    }

    /// Whether everything that an earlier run may have sent has its verdict.
    pub fn is_past_earlier_runs(&self) -> bool {
        self.ledger.settled() >= self.fresh_from || (self.is_settled() && !self.may_have_more())
    }

    /// Bytes on disk that were not read yet; 0 for packed files that were read to their end.
    pub fn unread(&self) -> u64 {
        match self.compression {
            Compression::Plain => self.size.saturating_sub(self.framed()),
            _ if self.unpacked => 0,
            _ => self.size,
        }
    }

    /// Whether a turn of reading may find something.
    pub fn may_have_more(&self) -> bool {
        match self.compression {
            Compression::Plain => {
                self.size > self.scanned.max(self.framed()) || self.next_forced_end().is_some()
            }
            _ => !self.unpacked,
        }
    }

    /// The first forced end that lies ahead of the reader.
    pub fn next_forced_end(&self) -> Option<u64> {
        self.forced_ends.iter().copied().find(|end| *end > self.framed())
    }

    /// Moves the reader: `bytes` are the text from the framed to the new offset.
    pub fn advance(&mut self, bytes: &[u8]) {
        let framed = self.framed() + bytes.len() as u64;
        self.ledger.read_to(framed);
        self.scanned = self.scanned.max(framed);
        if let Some(prefix) = &mut self.prefix {
            prefix.update(bytes);
            debug_assert_eq!(prefix.offset(), framed);
        }
    }

    /// Remembers the state at the framed offset.
    pub fn set_mark(&mut self, now: Instant) {
        let Some(prefix) = &self.prefix else { return };
        let mark = prefix.mark(self.tail);
        if self.is_settled() {
            self.marks.clear();
            self.pass_mark(ReadMark { mark, read_at: now });
            return;
        }
        if self.marks.len() >= MAX_MARKS {
            let mut keep = false;
            self.marks.retain(|_| {
                keep = !keep;
                keep
            });
        }
        self.marks.push_back(ReadMark { mark, read_at: now });
    }

    /// The newest mark.
    pub fn mark_here(&self) -> Mark {
        match self.marks.back() {
            Some(last) => last.mark,
            None => self.settled_mark,
        }
    }

    /// Settles a span and moves the marks up.
    pub fn settle(&mut self, start: u64, end: u64) {
        self.ledger.settle(start, end);
        let settled = self.ledger.settled();
        while let Some(first) = self.marks.front().copied() {
            if first.mark.offset > settled {
                break;
            }
            self.marks.pop_front();
            self.pass_mark(first);
        }
        self.forced_ends.retain(|end| *end > settled);
    }

    fn pass_mark(&mut self, passed: ReadMark) {
        self.settled_mark = passed.mark;
        let due = self.history.back().is_none_or(|last| passed.read_at - last.read_at >= HISTORY_STEP);
        if !due {
            return;
        }
        if self.history.len() >= MAX_HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(passed);
    }

    /// The newest mark at or before `offset` that is still known.
    pub fn mark_before(&self, offset: u64) -> Option<Mark> {
        let known = self.history.iter().chain(&self.marks).map(|read| read.mark);
        known
            .chain([self.settled_mark])
            .filter(|mark| mark.offset > 0 && mark.offset <= offset)
            .max_by_key(|mark| mark.offset)
    }

    /// When the oldest line without verdict was read.
    pub fn pending_since(&self) -> Option<Instant> {
        if self.is_settled() { None } else { self.marks.front().map(|mark| mark.read_at) }
    }

    /// Goes back to the settled offset, to read again what has no verdict. Only while nothing is in flight.
    pub fn rewind(&mut self) {
        let settled = self.ledger.settled();
        self.ledger.rewind(settled);
        self.scanned = settled;
        self.marks.clear();
        self.prefix = None;
        self.unpacked = false;
    }

    /// Turns "all that was there when it was opened" into an offset. The text length of packed files is not known: all of
    /// it counts.
    pub fn settle_freshness(&mut self) {
        if self.fresh_from == u64::MAX && self.compression == Compression::Plain {
            self.fresh_from = self.size;
        }
    }

    /// Takes over what the checkpoint knows of this generation. The caller sets `tail` from the text.
    pub fn resume(&mut self, record: &Generation) {
        self.identity = Identity::Known(Known {
            lineage: record.lineage,
            first_line: record.first_line,
            generation: record.generation,
        });
        self.ledger = Ledger::restore(record.settled, &record.ranges);
        self.scanned = record.settled;
        self.settled_mark = record.mark;
        self.prefix = None;
        self.marks.clear();
        self.forced_ends = record.forced_ends.clone();
        self.checkpointed = record.settled;
        self.unpacked = false;
    }
}
