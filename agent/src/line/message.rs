//! A message that may hold line breaks, as one line of a queue.
//!
//! ```text
//! line feed → DLE n      DLE → DLE d
//! ```
//!
//! DLE, the byte 16, stands in next to no text, so next to no message is longer than it was.

use memchr::{memchr, memchr2};

const ESCAPE: u8 = 0x10;

/// Appends `message` as one line with its line feed.
pub fn encode(message: &[u8], out: &mut Vec<u8>) {
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
pub fn decode<'a>(line: &'a [u8], buffer: &'a mut Vec<u8>) -> &'a [u8] {
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
            Just(b'\n'), Just(ESCAPE), Just(b'n'), Just(b'd'), any::<u8>()
        ], 0..64)) {
            let mut line = Vec::new();
            encode(&message, &mut line);
            prop_assert_eq!(memchr(b'\n', &line), Some(line.len() - 1));
            let mut buffer = Vec::new();
            prop_assert_eq!(decode(&line[..line.len() - 1], &mut buffer), &message[..]);
        }
    }

    #[test]
    fn a_cut_escape_is_left_out() {
        assert_eq!(decode(b"ab\x10", &mut Vec::new()), b"ab");
    }
}
