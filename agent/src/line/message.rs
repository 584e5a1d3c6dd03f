//! A message that may hold line breaks, as one line of a queue.
//!
//! ```text
//! line feed → DLE n      DLE → DLE d      DLE <bytes> ; <beginning of a message of so many bytes>
//! ```
//!
//! DLE, the byte 16, stands in next to no text, so next to no message is longer than it was.

use memchr::{memchr, memchr2};
use std::io::Write;

const ESCAPE: u8 = 0x10;

/// Digits of the longest length, and what is around them.
const HEAD: usize = 22;

/// Longest line, without its line feed, of a message of so many bytes.
pub fn encoded_len(message: usize) -> usize {
    HEAD + 2 * message
}

/// What a line holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// The message, or its beginning.
    pub text: &'a [u8],
    /// Bytes of a message that was cut.
    pub original_len: Option<u64>,
}

/// Appends the beginning of a message of `original_len` bytes as one line with its line feed.
pub fn encode_cut(beginning: &[u8], original_len: u64, out: &mut Vec<u8>) {
    out.push(ESCAPE);
    write!(out, "{original_len};").expect("memory takes any text");
    encode(beginning, out);
}

/// Appends `message` as one line with its line feed.
pub fn encode(message: &[u8], out: &mut Vec<u8>) {
    out.reserve_exact(message.len() + 1);
    let mut rest = message;
    while let Some(at) = memchr2(b'\n', ESCAPE, rest) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(&[ESCAPE, if rest[at] == b'\n' { b'n' } else { b'd' }]);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'\n');
}

/// The message of a line, in `buffer` where it is not the line itself.
pub fn decode<'a>(line: &'a [u8], buffer: &'a mut Vec<u8>) -> Message<'a> {
    let (original_len, line) = match head(line) {
        Some((original_len, text)) => (Some(original_len), text),
        None => (None, line),
    };
    Message { text: unescape(line, buffer), original_len }
}

fn head(line: &[u8]) -> Option<(u64, &[u8])> {
    let behind = line.strip_prefix(&[ESCAPE])?;
    let end = behind.iter().take(HEAD).position(|byte| *byte == b';')?;
    let digits = std::str::from_utf8(&behind[..end]).ok()?;
    Some((digits.parse().ok()?, &behind[end + 1..]))
}

fn unescape<'a>(line: &'a [u8], buffer: &'a mut Vec<u8>) -> &'a [u8] {
    if memchr(ESCAPE, line).is_none() {
        return line;
    }
    buffer.clear();
    let mut rest = line;
    while let Some(at) = memchr(ESCAPE, rest) {
        buffer.extend_from_slice(&rest[..at]);
        // A line that was cut may end within an escape.
        match rest.get(at + 1) {
            Some(b'n') => buffer.push(b'\n'),
            Some(b'd') => buffer.push(ESCAPE),
            _ => {}
        }
        rest = rest.get(at + 2..).unwrap_or(b"");
    }
    buffer.extend_from_slice(rest);
    buffer
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_message_is_one_line_and_comes_back(message in proptest::collection::vec(prop_oneof![
            Just(b'\n'), Just(ESCAPE), Just(b'n'), Just(b'd'), Just(b';'), b'0'..=b'9', any::<u8>()
        ], 0..64), original_len in proptest::option::of(any::<u64>())) {
            let mut line = Vec::new();
            match original_len {
                None => encode(&message, &mut line),
                Some(original_len) => encode_cut(&message, original_len, &mut line),
            }
            prop_assert_eq!(memchr(b'\n', &line), Some(line.len() - 1));
            prop_assert!(line.len() <= encoded_len(message.len()) + 1);
            let (expected, mut buffer) = (Message { text: &message, original_len }, Vec::new());
            prop_assert_eq!(decode(&line[..line.len() - 1], &mut buffer), expected);
        }

        /// Whatever lies in a queue.
        #[test]
        fn any_line_is_a_message(line in proptest::collection::vec(any::<u8>(), 0..64)) {
            decode(&line, &mut Vec::new());
        }
    }

    #[test]
    fn a_cut_escape_is_left_out() {
        assert_eq!(decode(b"ab\x10", &mut Vec::new()).text, b"ab");
    }
}
