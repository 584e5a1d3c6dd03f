//! A document while it is put together: which field gets which piece of text.

use super::layout::{Layout, Rank};
use super::skeleton::Skeletons;
use super::targets::FIELDS;
use super::text;

/// Where the bytes of a piece lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// In the line, a complete JSON value.
    Line,
    /// In the line, the inside of a JSON text.
    LineInner,
    /// In the scratch buffer, a complete JSON value.
    Scratch,
    /// In the stream's fixed texts, a complete JSON value.
    Stream,
    /// In the texts of the file's memory, a complete JSON value.
    File,
    /// In the line, text that is still to be escaped.
    LineText,
}

/// A value of the document, by place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) source: Source,
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Piece {
    pub(super) fn new(source: Source, range: std::ops::Range<usize>) -> Self {
        Self { source, start: range.start as u32, end: range.end as u32 }
    }

    pub(super) fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// The characters of a key, with the objects around it: `err.message`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Path {
    /// In the line where true, else in [`Document::paths`].
    pub(super) in_line: bool,
    pub(super) start: u32,
    pub(super) end: u32,
}

/// Where a field's value came from, so that it can still become a leftover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) node: u32,
    pub(super) path: Path,
}

/// A filled field.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    pub(super) piece: Piece,
    /// Order of the key that gave it; a smaller one displaces it.
    pub(super) order: u16,
    /// `None` for values that are not of one key of the line.
    pub(super) origin: Option<Origin>,
}

/// Order of values nothing in the line may displace.
pub(super) const STATED: u16 = 0;
/// Order of values that anything in the line displaces.
pub(super) const DERIVED: u16 = u16::MAX;

const WORDS: usize = FIELDS.div_ceil(64);
const EMPTY: Slot =
    Slot { piece: Piece { source: Source::Line, start: 0, end: 0 }, order: DERIVED, origin: None };

/// Which fields have a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Filled([u64; WORDS]);

impl Filled {
    #[inline]
    fn contains(&self, rank: Rank) -> bool {
        let rank = usize::from(rank.0);
        self.0[rank / 64] >> (rank % 64) & 1 == 1
    }

    #[inline]
    fn insert(&mut self, rank: Rank) {
        let rank = usize::from(rank.0);
        self.0[rank / 64] |= 1 << (rank % 64);
    }

    /// The fields in the order of the document.
    pub(super) fn ranks(&self) -> impl Iterator<Item = Rank> {
        self.0.iter().zip(0u16..).flat_map(|(word, base)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = rest.trailing_zeros() as u16;
                rest &= rest.wrapping_sub(1);
                (bit < 64).then_some(Rank(base * 64 + bit))
            })
        })
    }

    /// Differs for most sets.
    #[inline]
    pub(super) fn hash(&self) -> u64 {
        let mixed = |hash: u64, word: &u64| (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        self.0.iter().fold(0, mixed)
    }
}

/// The parts of one document. Kept between lines, so that nothing is allocated for most.
#[derive(Debug)]
pub(super) struct Document {
    filled: Filled,
    slots: Box<[Slot; WORDS * 64]>,
    /// Values that are not in the line as they have to be written.
    pub(super) scratch: Vec<u8>,
    /// Characters of paths that are not in the line as such.
    pub(super) paths: Vec<u8>,
    /// Members of `labels`.
    pub(super) labels: Vec<u8>,
    /// Members of `numeric_labels`.
    pub(super) numbers: Vec<u8>,
    /// Elements of `labels.more`.
    pub(super) more: Vec<u8>,
    /// An array while it is put together.
    pub(super) list: Vec<u8>,
}

impl Default for Document {
    fn default() -> Self {
        Self {
            filled: Filled::default(),
            slots: Box::new([EMPTY; WORDS * 64]),
            scratch: Vec::new(),
            paths: Vec::new(),
            labels: Vec::new(),
            numbers: Vec::new(),
            more: Vec::new(),
            list: Vec::new(),
        }
    }
}

/// Most memory a buffer keeps from one line to the next.
const KEPT_BYTES: usize = 64 * 1024;

impl Document {
    pub(super) fn clear(&mut self) {
        self.filled = Filled::default();
        let buffers =
            [&mut self.scratch, &mut self.paths, &mut self.labels, &mut self.numbers, &mut self.more];
        for buffer in buffers.into_iter().chain([&mut self.list]) {
            buffer.clear();
            buffer.shrink_to(KEPT_BYTES);
        }
    }

    #[inline]
    pub(super) fn slot(&self, rank: Rank) -> Option<&Slot> {
        self.filled.contains(rank).then(|| &self.slots[usize::from(rank.0)])
    }

    #[inline(always)]
    pub(super) fn fill(&mut self, rank: Rank, slot: Slot) {
        self.filled.insert(rank);
        let Slot { piece, order, origin } = slot;
        let place = &mut self.slots[usize::from(rank.0)];
        (place.piece, place.order, place.origin) = (piece, order, origin);
    }

    /// What `write` appends to the scratch buffer, as a piece.
    pub(super) fn scratch_piece(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Piece {
        let start = self.scratch.len();
        write(&mut self.scratch);
        Piece::new(Source::Scratch, start..self.scratch.len())
    }
}

/// Everything pieces point into.
#[derive(Clone, Copy)]
pub(super) struct Bytes<'a> {
    pub(super) line: &'a [u8],
    pub(super) stream: &'a [u8],
    pub(super) file: &'a [u8],
}

impl Bytes<'_> {
    /// The bytes of a piece, as they lie in its source.
    #[inline]
    pub(super) fn of<'a>(&'a self, piece: Piece, document: &'a Document) -> &'a [u8] {
        let source = match piece.source {
            Source::Line | Source::LineInner | Source::LineText => self.line,
            Source::Scratch => &document.scratch,
            Source::Stream => self.stream,
            Source::File => self.file,
        };
        &source[piece.range()]
    }

    /// Appends a piece as JSON.
    #[inline]
    fn write(&self, piece: Piece, document: &Document, out: &mut Vec<u8>) {
        match piece.source {
            Source::Line => append(self.line, piece.range(), out),
            Source::LineInner => {
                out.push(b'"');
                append(self.line, piece.range(), out);
                out.push(b'"');
            }
            Source::Scratch => append(&document.scratch, piece.range(), out),
            Source::Stream => append(self.stream, piece.range(), out),
            Source::File => append(self.file, piece.range(), out),
            Source::LineText => text::write_quoted(&self.line[piece.range()], out),
        }
    }
}

/// Behind the last piece of a source, so that [`append`] can copy that too in one step.
pub(super) const PADDING: [u8; 32] = [b' '; 32];

/// Appends a range of `source`. Short ones are copied in one step of fixed length, which is several times as fast as a copy
/// of a length known at run time; what was copied too much is taken back.
#[inline]
pub(super) fn append(source: &[u8], range: std::ops::Range<usize>, out: &mut Vec<u8>) {
    let len = range.len();
    match source.get(range.start..).and_then(<[u8]>::first_chunk::<{ PADDING.len() }>) {
        Some(step) if len <= step.len() => {
            out.extend_from_slice(step);
            out.truncate(out.len() - step.len() + len);
        }
        _ => out.extend_from_slice(&source[range]),
    }
}

/// Appends the document as one JSON object without a line break.
pub(super) fn write(
    document: &mut Document,
    bytes: Bytes<'_>,
    layout: &Layout,
    skeletons: &mut Skeletons,
    out: &mut Vec<u8>,
) {
    document.scratch.extend_from_slice(&PADDING);
    out.reserve(2 * bytes.line.len() + 1024);
    let skeleton = skeletons.of(&document.filled, layout);
    let mut from = 0;
    for part in &skeleton.parts {
        let end = part.text_end as usize;
        append(&skeleton.text, from..end, out);
        bytes.write(document.slots[usize::from(part.rank.0)].piece, document, out);
        from = end;
    }
    append(&skeleton.text, from..skeleton.end, out);
    if !document.labels.is_empty() || !document.more.is_empty() {
        out.extend_from_slice(b",\"labels\":{");
        out.extend_from_slice(&document.labels);
        write_more(document, out);
        out.push(b'}');
    }
    if !document.numbers.is_empty() {
        out.extend_from_slice(b",\"numeric_labels\":{");
        out.extend_from_slice(&document.numbers);
        out.push(b'}');
    }
    out.push(b'}');
}

fn write_more(document: &Document, out: &mut Vec<u8>) {
    if document.more.is_empty() {
        return;
    }
    if !document.labels.is_empty() {
        out.push(b',');
    }
    out.extend_from_slice(b"\"more\":[");
    out.extend_from_slice(&document.more);
    out.push(b']');
}
