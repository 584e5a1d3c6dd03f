//! From the bytes of a file to its events.

use super::container::Container;
use super::framer::{Flow, Piece, frame};
use super::group::{Framing, frame_groups};
use super::trace::{Ending, Extent, extent};

/// What became of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Framed {
    /// Bytes that were handed over; the rest has to stand at the beginning of the next chunk.
    pub consumed: usize,
    /// The rest is whole lines, of a text to which more may come.
    pub has_open_block: bool,
}

/// As [`frame`], but hands over events: lines, or what `framing` and stack traces join. An unfinished event is part of the
/// rest. Where the text is `Ended`, only a piece without its end is left.
pub fn frame_events<'a>(
    chunk: &'a [u8],
    base: u64,
    framing: &Framing,
    ending: Ending,
    sink: impl FnMut(Piece<'a>) -> Flow,
) -> Framed {
    match framing {
        Framing::Lines => with_traces(chunk, base, framing, Container::None, ending, sink),
        Framing::Messages => Framed { consumed: frame(chunk, base, sink), has_open_block: false },
        Framing::Container(container) => with_traces(chunk, base, framing, *container, ending, sink),
        Framing::Blocks(_) => {
            let consumed = frame_groups(chunk, base, framing, sink);
            let has_open_block = consumed < chunk.len() && chunk.ends_with(b"\n");
            Framed { consumed, has_open_block }
        }
    }
}

fn with_traces<'a>(
    chunk: &'a [u8],
    base: u64,
    framing: &Framing,
    container: Container,
    ending: Ending,
    mut sink: impl FnMut(Piece<'a>) -> Flow,
) -> Framed {
    let mut consumed = 0;
    loop {
        let mut trace = None;
        let text = &chunk[consumed..];
        let each = |piece| {
            if let Piece::Line { start, end, .. } = piece {
                let at = (start - base) as usize;
                trace = extent(&chunk[at..], (end - start) as usize, container, ending)
                    .map(|extent| (at, extent));
                if trace.is_some() {
                    return Flow::Stop;
                }
            }
            sink(piece)
        };
        let from = base + consumed as u64;
        let handed = match container {
            Container::None => frame(text, from, each),
            _ => frame_groups(text, from, framing, each),
        };
        match trace {
            None => return Framed { consumed: consumed + handed, has_open_block: false },
            Some((at, Extent::Open { is_whole })) => {
                return Framed { consumed: at, has_open_block: is_whole };
            }
            Some((at, Extent::To { text_end, end })) => {
                let start = base + at as u64;
                let bytes = &chunk[at..at + text_end];
                consumed = at + end;
                if sink(Piece::Line { start, end: start + end as u64, bytes }) == Flow::Stop {
                    return Framed { consumed, has_open_block: false };
                }
            }
        }
    }
}
