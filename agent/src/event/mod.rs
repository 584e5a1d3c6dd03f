//! A line becomes an ECS document in one scan.
//!
//! ```text
//! line → scan (values by place) → format (by signature) → fields and labels → document
//! ```
//!
//! [`Mapper::map`] validates the line once and notes where its values lie; nothing is decoded into a tree and printed again.
//! Each key is looked up in the table of the line's format; its value goes as it is written, or rewritten where it must
//! be, into the field the table names. What no table names becomes a label. The document is then written in the order
//! of the fields, so that all fields of one object stand together.
//!
//! The document of a line depends on the line, the configuration, the file and the time it was read at, and, once a stream
//! has learned its limit of keys, on the lines before it. No I/O, no clock.

mod refusal;

mod habit;

mod scan;

mod lookup;

mod text;

mod number;

mod time;

mod targets;

mod layout;

mod format;

mod leftovers;

mod identity;

mod document;

mod process;

mod container;

mod syslog;

mod skeleton;

mod walk;

mod convert;

mod labels;

mod finish;

mod lines;

mod explain;

mod advice;

#[cfg(test)]
mod tests;

pub mod own_metrics;

pub use container::{Frame, Unwrapped, Unwrapper};
pub use explain::{Explainer, Explanation};
pub use format::{Format, names as format_names};
pub use identity::{ECS_VERSION, Environment, FileMemory, Stream, UnknownFormat};
pub use leftovers::{LeftoverKeys, MAX_KEYS};
pub use process::{Fate, Filtered, Process};
pub use refusal::Refusal;
pub use syslog::Header;
pub use targets::{Shape, fields};

use document::{Bytes, Document};
use format::{Choice, tables};
use jiff::Timestamp;
use layout::layout;
use scan::Tape;
use skeleton::Skeletons;
use walk::{Member, Walk};

/// One line as it comes from its file.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// Its bytes without the terminator, one carriage return before it, and a byte order mark at the start of the file.
    pub bytes: &'a [u8],
    /// Offset of its first byte in the file.
    pub offset: u64,
    /// How it ended.
    pub end: LineEnd,
    /// When it was read.
    pub read_at: Timestamp,
}

/// What was around a line, and says more of it.
#[derive(Debug, Clone, Copy)]
pub enum Around<'a> {
    /// The wrapping of a container runtime.
    Container(Frame),
    /// The header of a syslog message.
    Syslog(Header<'a>),
}

/// How a line ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEnd {
    /// With its terminator.
    Terminated,
    /// It is longer than `max_line`; `bytes` holds its beginning.
    Cut {
        /// Bytes in the file, terminator excluded.
        original_len: u64,
    },
    /// With the end of a file that is finished.
    Partial,
}

/// What became of a line, for the accounts and for the choice of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mapped {
    /// How it was understood.
    pub format: Format,
    /// The event's own time in milliseconds since 1970; `None` if it states no usable one and `@timestamp` is the read time.
    pub timestamp: Option<i64>,
    /// Why the line became text.
    pub refusal: Option<Refusal>,
    /// Bytes that are not UTF-8 were replaced by U+FFFD.
    pub invalid_utf8: bool,
    /// The line was cut at `max_line`.
    pub cut: bool,
    /// The file ended without a terminator.
    pub partial: bool,
    /// The time had no zone; the configured one was taken.
    pub zone_assumed: bool,
    /// Values that went to `labels.more`, because the stream has learned its limit of keys.
    pub more: u16,
    /// Values that did not fit there either and are not in the document.
    pub dropped: u16,
    /// Texts that were cut to the longest a label may have.
    pub cut_values: u16,
}

impl Mapped {
    /// Whether the line looked like a JSON object but is none.
    pub fn invalid_json(&self) -> bool {
        self.refusal.is_some_and(|refusal| refusal != Refusal::NotAnObject)
    }
}

/// Severity of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}

impl Level {
    const ALL: [Self; 6] = [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error, Self::Fatal];

    fn word(self) -> &'static str {
        ["trace", "debug", "info", "warn", "error", "fatal"][self as usize]
    }

    /// The nearest level on bunyan's scale, and whether it is met exactly.
    fn from_tens(number: i64) -> (Self, bool) {
        let nearest = Self::ALL[((number.clamp(10, 60) - 5) / 10) as usize];
        (nearest, number == 10 * (nearest as i64 + 1))
    }

    /// The level of a word, and whether it is the same word but for its case.
    fn from_word(word: &[u8]) -> Option<(Self, bool)> {
        if let Some(level) =
            Self::ALL.into_iter().find(|level| word.eq_ignore_ascii_case(level.word().as_bytes()))
        {
            return Some((level, true));
        }
        const SYNONYMS: [(&str, Level); 24] = [
            ("warning", Level::Warn),
            ("err", Level::Error),
            ("critical", Level::Fatal),
            ("crit", Level::Fatal),
            ("alert", Level::Fatal),
            ("emerg", Level::Fatal),
            ("emergency", Level::Fatal),
            ("panic", Level::Fatal),
            ("dpanic", Level::Fatal),
            ("severe", Level::Error),
            ("notice", Level::Info),
            ("information", Level::Info),
            ("informational", Level::Info),
            ("http", Level::Debug),
            ("dbg", Level::Debug),
            ("verbose", Level::Debug),
            ("silly", Level::Trace),
            ("fine", Level::Debug),
            ("finer", Level::Trace),
            ("finest", Level::Trace),
            ("config", Level::Debug),
            // slog of Rust shortens all words to four letters.
            ("trce", Level::Trace),
            ("debg", Level::Debug),
            ("erro", Level::Error),
        ];
        // slog writes the distance to the level below: `INFO+2`.
        let base = word.iter().position(|byte| matches!(byte, b'+' | b'-')).map_or(word, |at| &word[..at]);
        if base.len() < word.len() {
            return Self::from_word(base).map(|(level, _)| (level, false));
        }
        let synonym = SYNONYMS.iter().find(|(name, _)| word.eq_ignore_ascii_case(name.as_bytes()));
        synonym.map(|(_, level)| (*level, false))
    }
}

/// Which part of a span's life a line tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SpanPart {
    Start,
    Event,
    End,
}

impl SpanPart {
    fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Event => "event",
            Self::End => "end",
        }
    }
}

/// Watches the mapping of a line; for explanations.
trait Trace {
    /// A key's value went to a field.
    fn mapped(&mut self, key: &[u8], field: &'static str);
    /// A key's value went to a label.
    fn left_over(&mut self, key: &[u8], field: impl FnOnce() -> String);
    /// A key's value is not in the document.
    fn dropped(&mut self, key: &[u8]);
    /// A processor gave a key another name.
    fn renamed(&mut self, from: &[u8], to: &[u8]);
}

/// Watches nothing.
struct Untraced;

impl Trace for Untraced {
    fn mapped(&mut self, _: &[u8], _: &'static str) {}
    fn left_over(&mut self, _: &[u8], _: impl FnOnce() -> String) {}
    fn dropped(&mut self, _: &[u8]) {}
    fn renamed(&mut self, _: &[u8], _: &[u8]) {}
}

/// Maps lines. Keeps its buffers from line to line; one for each thread.
#[derive(Debug, Default)]
pub struct Mapper {
    tape: Tape,
    members: Vec<Member>,
    document: Document,
    skeletons: Skeletons,
    created: Created,
}

/// The read time as JSON; all lines of one chunk share it.
#[derive(Debug, Default)]
struct Created {
    at: Timestamp,
    json: Vec<u8>,
}

impl Created {
    fn json(&mut self, at: Timestamp) -> &[u8] {
        if self.at != at || self.json.is_empty() {
            self.at = at;
            self.json.clear();
            self.json.push(b'"');
            time::write(at.as_millisecond().saturating_mul(1_000_000), &mut self.json);
            self.json.push(b'"');
        }
        &self.json
    }
}

impl Mapper {
    /// A mapper with empty buffers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends the document of `line` to `out`: one JSON object on one line, without a line break behind it.
    ///
    /// Every line gives a document. A line that is not exactly one JSON object is its `message` as text; if it looked
    /// like one, it is tagged `_jsonparsefailure`. Allocates nothing once the buffers have grown and the keys are learned.
    pub fn map(
        &mut self,
        line: &Line<'_>,
        stream: &mut Stream,
        file: &FileMemory,
        out: &mut Vec<u8>,
    ) -> Mapped {
        self.map_traced(line, None, stream, file, out, &mut Untraced)
    }

    /// As [`Mapper::map`], for a line that had something around it.
    pub fn map_unwrapped(
        &mut self,
        line: &Line<'_>,
        around: Around<'_>,
        stream: &mut Stream,
        file: &FileMemory,
        out: &mut Vec<u8>,
    ) -> Mapped {
        self.map_traced(line, Some(around), stream, file, out, &mut Untraced)
    }

    fn map_traced<T: Trace>(
        &mut self,
        line: &Line<'_>,
        around: Option<Around<'_>>,
        stream: &mut Stream,
        file: &FileMemory,
        out: &mut Vec<u8>,
        trace: &mut T,
    ) -> Mapped {
        let Self { tape, members, document, skeletons, created } = self;
        let (tables, layout) = (tables(), layout());
        document.clear();
        stream.keys.begin_document();
        let scanned = scan(tape, line, stream.choice);
        let is_object = scanned == Ok(());
        let nodes = if is_object { tape.nodes() } else { &[] };
        let table = walk::recognise(line.bytes, nodes, tables, stream.choice, document, members);
        let created = document.scratch_piece(|out| out.extend_from_slice(created.json(line.read_at)));
        let looks_like_text = stream.choice == Choice::Text || !looks_like_object(line.bytes);
        let refusal =
            scanned.err().map(|refusal| if looks_like_text { Refusal::NotAnObject } else { refusal });
        let mapped = Mapped {
            format: if is_object { table.spec.format } else { Format::Text },
            timestamp: None,
            refusal,
            invalid_utf8: scanned == Err(Refusal::Encoding),
            cut: matches!(line.end, LineEnd::Cut { .. }),
            partial: line.end == LineEnd::Partial,
            zone_assumed: false,
            more: 0,
            dropped: 0,
            cut_values: 0,
        };
        let bytes = Bytes { line: line.bytes, stream: &stream.texts, file: &file.texts };
        let mut walk = Walk {
            bytes,
            nodes,
            tables,
            table,
            layout,
            document,
            keys: &mut stream.keys,
            renames: &stream.renames,
            zone: &stream.zone,
            trace,
            mapped,
            level: None,
            part: None,
            span_ns: None,
            has_metric: false,
        };
        walk.state(&stream.stated, &stream.labels, line, created, file.path_end);
        walk.top(members);
        if !is_object {
            walk.several_lines(line.end);
        }
        walk.flag(line.end, refusal);
        walk.around(around, line, &file.container);
        walk.assume(&stream.assumed, created);
        let mapped = walk.mapped;
        document::write(document, bytes, layout, skeletons, out);
        mapped
    }
}

fn scan(tape: &mut Tape, line: &Line<'_>, choice: Choice) -> Result<(), Refusal> {
    if simdutf8::basic::from_utf8(line.bytes).is_err() {
        return Err(Refusal::Encoding);
    }
    match (choice, line.end) {
        (Choice::Text, _) => Err(Refusal::NotAnObject),
        (_, LineEnd::Cut { .. }) if looks_like_object(line.bytes) => Err(Refusal::Cut),
        _ => tape.scan(line.bytes),
    }
}

fn looks_like_object(line: &[u8]) -> bool {
    line.trim_ascii_start().first() == Some(&b'{')
}
