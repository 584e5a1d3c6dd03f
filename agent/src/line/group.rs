//! Several lines of a file that are one event: pieces a container runtime cut, or a text of many lines.
//!
//! A group is the bytes of its lines as they lie in the file. Where it ends is decided by the bytes alone, so it ends the
//! same each time it is read; only the last one of a file may be ended by time. No group of more than one line is longer
//! than [`GROUP_BYTES`].

use super::block::Blocks;
use super::container::{Container, Stream, Wrapping};
use super::framer::{Flow, Piece, frame};

/// Longest group of more than one line. Runtimes cut lines after 16 KiB.
pub(crate) const GROUP_BYTES: usize = 64 * 1024;

/// How the bytes of a file become events.
#[derive(Debug, Clone, Default)]
pub enum Framing {
    /// One line, one event.
    #[default]
    Lines,
    /// The same, also where lines look like a stack trace.
    Messages,
    /// What a container runtime cut is joined.
    Container(Container),
    /// Texts of several lines.
    Blocks(Blocks),
}

/// What a line is to the group before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    /// Only lines of one stream belong together.
    pub(super) stream: Option<Stream>,
    /// It can go on a group.
    pub(super) joins: bool,
    /// Nothing goes on behind it.
    pub(super) closes: bool,
    /// Alone it makes no event.
    pub(super) is_blank: bool,
}

impl Framing {
    fn part(&self, line: &[u8]) -> Part {
        match self {
            Self::Lines | Self::Messages => {
                Part { stream: None, joins: false, closes: true, is_blank: false }
            }
            Self::Container(container) => Wrapping::part(line, *container),
            Self::Blocks(blocks) => blocks.part(line),
        }
    }
}

#[derive(Clone, Copy)]
struct Open {
    start: u64,
    /// Behind its last byte, terminator excluded and included.
    text_end: u64,
    end: u64,
    stream: Option<Stream>,
}

/// As [`frame`], but hands over groups in place of lines. An unfinished group is part of the rest.
pub(super) fn frame_groups<'a>(
    chunk: &'a [u8],
    base: u64,
    framing: &Framing,
    mut sink: impl FnMut(Piece<'a>) -> Flow,
) -> usize {
    let group = |open: Open| {
        let bytes = &chunk[(open.start - base) as usize..(open.text_end - base) as usize];
        Piece::Line { start: open.start, end: open.end, bytes }
    };
    let mut open: Option<Open> = None;
    let mut handed = base;
    let mut hand = |piece: Piece<'a>, handed: &mut u64| {
        let (Piece::Line { end, .. } | Piece::Skip { end, .. }) = piece;
        *handed = end;
        sink(piece)
    };
    frame(chunk, base, |piece| {
        let (start, end, bytes) = match (piece, &mut open) {
            (Piece::Line { start, end, bytes }, _) => (start, end, bytes),
            // A blank line in the middle ends nothing.
            (Piece::Skip { end, nul: 0, .. }, Some(open)) if end - open.start <= GROUP_BYTES as u64 => {
                open.end = end;
                return Flow::Continue;
            }
            (skip, _) => {
                if let Some(closed) = open.take()
                    && hand(group(closed), &mut handed) == Flow::Stop
                {
                    return Flow::Stop;
                }
                return hand(skip, &mut handed);
            }
        };
        let part = framing.part(bytes);
        let goes_on =
            |open: &Open| part.joins && part.stream == open.stream && end - open.start <= GROUP_BYTES as u64;
        if let Some(closed) = open.take_if(|open| !goes_on(open))
            && hand(group(closed), &mut handed) == Flow::Stop
        {
            return Flow::Stop;
        }
        let text_end = start + bytes.len() as u64;
        let whole = match open.take() {
            Some(before) => Open { text_end, end, ..before },
            None if part.is_blank => return hand(Piece::Skip { start, end, nul: 0 }, &mut handed),
            None => Open { start, text_end, end, stream: part.stream },
        };
        if part.closes {
            return hand(group(whole), &mut handed);
        }
        open = Some(whole);
        Flow::Continue
    });
    // Whatever comes behind it, the group cannot take it.
    let is_full = |open: &Open| base + chunk.len() as u64 - open.start > GROUP_BYTES as u64;
    if let Some(closed) = open.take_if(|open| is_full(open)) {
        hand(group(closed), &mut handed);
    }
    (handed - base) as usize
}
