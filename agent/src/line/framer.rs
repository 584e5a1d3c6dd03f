//! Splits bytes at newlines, by the house rules.
//!
//! - A line ends with `\n`; one `\r` before it belongs to the terminator.
//! - A blank line (nothing but spaces, tabs and `\r`) makes no event but moves the offset.
//! - NUL bytes where a line should begin are a hole (a stale writer after copytruncate leaves one) and are passed over;
//!   NUL bytes inside a line are part of it.
//! - A UTF-8 byte order mark at offset 0 is passed over.
//!
//! Offsets count every byte of the file, whatever is passed over.

use memchr::memchr;

/// A piece of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A line that makes an event.
    Line {
        /// Offset of the first byte.
        start: u64,
        /// Offset behind the terminator.
        end: u64,
        /// The line without its terminator.
        bytes: &'a [u8],
    },
    /// Bytes that make no event.
    Skip {
        /// Offset of the first byte.
        start: u64,
        /// Offset behind the last.
        end: u64,
        /// How many of them are NUL bytes of a hole.
        nul: u64,
    },
}

/// Whether the sink of [`frame`] takes more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// It took this piece and takes more.
    Continue,
    /// It took this piece and wants no more.
    Stop,
    /// The piece makes no event after all; it takes more.
    Filtered,
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Hands every finished piece of `chunk`, which begins at offset `base` of the file and at a line start, to `sink`.
///
/// Returns how many bytes were handed over; the rest is an unfinished line (or what came after [`Flow::Stop`]) and has to
/// stand at the beginning of the next chunk. The result does not depend on where chunks are cut.
pub fn frame<'a>(chunk: &'a [u8], base: u64, mut sink: impl FnMut(Piece<'a>) -> Flow) -> usize {
    let mut pos = 0;
    while pos < chunk.len() {
        let start = base + pos as u64;
        let rest = &chunk[pos..];
        let skipped = leading_skip(rest, start);
        if skipped > 0 {
            let nul = rest[..skipped].iter().filter(|byte| **byte == 0).count() as u64;
            pos += skipped;
            if sink(Piece::Skip { start, end: start + skipped as u64, nul }) == Flow::Stop {
                break;
            }
            continue;
        }
        let Some(length) = memchr(b'\n', rest) else { break };
        let end = start + length as u64 + 1;
        pos += length + 1;
        let bytes = without_carriage_return(&rest[..length]);
        let piece = match is_blank(bytes) {
            true => Piece::Skip { start, end, nul: 0 },
            false => Piece::Line { start, end, bytes },
        };
        if sink(piece) == Flow::Stop {
            break;
        }
    }
    pos
}

/// Whether a line without its terminator makes no event.
pub fn is_blank(line: &[u8]) -> bool {
    // Real lines begin with something visible, so the first byte decides nearly always.
    line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
}

/// The line without one `\r` at its end.
pub fn without_carriage_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// How many bytes at a line start are passed over: a hole of NUL bytes, or the byte order mark at offset 0.
fn leading_skip(rest: &[u8], offset: u64) -> usize {
    match rest[0] {
        0 => rest.iter().take_while(|byte| **byte == 0).count(),
        0xef if offset == 0 && rest.starts_with(BYTE_ORDER_MARK) => BYTE_ORDER_MARK.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(text: &[u8]) -> (Vec<(u64, u64, Vec<u8>)>, usize) {
        let mut lines = Vec::new();
        let consumed = frame(text, 0, |piece| {
            if let Piece::Line { start, end, bytes } = piece {
                lines.push((start, end, bytes.to_vec()));
            }
            Flow::Continue
        });
        (lines, consumed)
    }

    #[test]
    fn lines_carry_spans_with_terminator_and_bytes_without() {
        let (found, consumed) = lines(b"one\ntwo\r\n\n \t\r\nthr\ree\r\r\nhalf");
        assert_eq!(
            found,
            [(0, 4, b"one".to_vec()), (4, 9, b"two".to_vec()), (14, 23, b"thr\ree\r".to_vec())]
        );
        assert_eq!(consumed, 23);
    }

    #[test]
    fn byte_order_mark_is_skipped_only_at_offset_zero() {
        let (found, _) = lines(b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n");
        assert_eq!(found, [(3, 5, b"a".to_vec()), (5, 10, b"\xef\xbb\xbfb".to_vec())]);
    }

    #[test]
    fn a_hole_of_nul_bytes_is_skipped_and_counted_but_inner_ones_stay() {
        let mut skipped = 0;
        let mut found = Vec::new();
        let text = b"\0\0\0a\0b\n\0\0";
        let consumed = frame(text, 100, |piece| {
            match piece {
                Piece::Skip { nul, .. } => skipped += nul,
                Piece::Line { start, bytes, .. } => found.push((start, bytes)),
            }
            Flow::Continue
        });
        assert_eq!((skipped, found, consumed), (5, vec![(103, &b"a\0b"[..])], text.len()));
    }

    #[test]
    fn stop_ends_behind_the_piece_that_was_taken() {
        assert_eq!(frame(b"a\nb\nc\n", 0, |_| Flow::Stop), 2);
    }

    proptest! {
        /// Any split of the bytes gives the same lines, and lines and skipped bytes together are the file.
        #[test]
        fn any_split_gives_the_same_lines(
            text in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(0u8), Just(b' '), Just(0xef), Just(0xbb), Just(0xbf), any::<u8>()], 0..200),
            cuts in proptest::collection::vec(0usize..200, 0..6),
        ) {
            let mut whole = Vec::new();
            let mut expected_next = 0;
            let consumed = frame(&text, 0, |piece| {
                let (start, end) = match piece { Piece::Line { start, end, .. } | Piece::Skip { start, end, .. } => (start, end) };
                assert_eq!(start, expected_next);
                expected_next = end;
                if let Piece::Line { start, end, bytes } = piece { whole.push((start, end, bytes.to_vec())); }
                Flow::Continue
            });
            prop_assert_eq!(consumed as u64, expected_next);

            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.push(text.len());
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut from = 0;
            for cut in cuts {
                from += frame(&text[from..cut], from as u64, |piece| {
                    if let Piece::Line { start, end, bytes } = piece { pieces.push((start, end, bytes.to_vec())); }
                    Flow::Continue
                });
            }
            prop_assert_eq!(pieces, whole);
        }
    }
}
