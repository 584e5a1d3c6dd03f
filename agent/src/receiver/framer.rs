//! Bytes of a connection become messages: RFC 6587, both its framings, decided for each message.
//!
//! A message with a count begins with `<count> <`; everything else ends with a line feed. A line feed behind a counted message,
//! which some senders add, makes no message of its own.

use crate::line::encode_message;
use memchr::memchr;

/// Digits of a count that is taken for one.
const MAX_DIGITS: usize = 8;

/// Takes the bytes of one connection, in pieces of any size.
#[derive(Debug)]
pub(super) struct Framer {
    /// Longest message; one byte more is kept of a longer one, so that its line is known to be cut.
    max: usize,
    rest: Vec<u8>,
    /// Bytes of `rest` in which there is no line feed.
    searched: usize,
    skip: Skip,
    facts: Facts,
}

/// What is left of a message whose beginning was handed over.
#[derive(Debug, Clone, Copy)]
enum Skip {
    Nothing,
    Bytes(usize),
    Line,
}

/// What came over a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// Messages handed over.
    pub(super) messages: u64,
    /// Those among them that were too long.
    pub(super) cut: u64,
    /// Whether the connection ended within a counted message, which is dropped.
    pub(super) has_half: bool,
}

/// How the next message is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Head {
    /// Not enough bytes to tell.
    Open,
    /// So many bytes behind so many of the count.
    Counted { digits: usize, len: usize },
    /// Up to the line feed.
    Line,
}

impl Framer {
    pub(super) fn new(max: usize) -> Self {
        Self { max, rest: Vec::new(), searched: 0, skip: Skip::Nothing, facts: Facts::default() }
    }

    /// Appends the messages that `bytes` complete to `out`, a line each.
    pub(super) fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        self.rest.extend_from_slice(bytes);
        let mut at = 0;
        while let Some(taken) = self.step(at, out) {
            at += taken;
        }
        self.rest.drain(..at);
        self.rest.shrink_to(2 * self.max.min(64 * 1024));
    }

    /// The connection has ended. A text without a line feed is a message, a counted one is not.
    pub(super) fn end(mut self, out: &mut Vec<u8>) -> Facts {
        let rest = std::mem::take(&mut self.rest);
        match (self.skip, head(&rest)) {
            (Skip::Nothing, Head::Counted { .. }) => self.facts.has_half = true,
            (Skip::Nothing, Head::Open | Head::Line) => self.hand(&rest, out),
            (Skip::Bytes(_), _) => self.facts.has_half = true,
            (Skip::Line, _) => {}
        }
        self.facts
    }

    /// Takes what it can from `at` on; `None` if that is nothing.
    fn step(&mut self, at: usize, out: &mut Vec<u8>) -> Option<usize> {
        let available = self.rest.len() - at;
        if available == 0 {
            return None;
        }
        match self.skip {
            Skip::Nothing => {}
            Skip::Bytes(len) => {
                let gone = len.min(available);
                self.skip = if gone == len { Skip::Nothing } else { Skip::Bytes(len - gone) };
                return Some(gone);
            }
            Skip::Line => {
                let end = memchr(b'\n', &self.rest[at..]);
                if end.is_some() {
                    self.skip = Skip::Nothing;
                }
                return Some(end.map_or(available, |end| end + 1));
            }
        }
        match head(&self.rest[at..]) {
            Head::Open => None,
            Head::Counted { digits, len } => {
                self.counted(at + digits + 1, len, out).map(|len| digits + 1 + len)
            }
            Head::Line => self.line(at, out),
        }
    }

    fn counted(&mut self, from: usize, len: usize, out: &mut Vec<u8>) -> Option<usize> {
        let kept = len.min(self.max + 1);
        if self.rest.len() < from + kept {
            return None;
        }
        if kept < len {
            self.skip = Skip::Bytes(len - kept);
        }
        self.hand_range(from, kept, out);
        Some(kept)
    }

    fn line(&mut self, from: usize, out: &mut Vec<u8>) -> Option<usize> {
        let searched = std::mem::take(&mut self.searched);
        let end = memchr(b'\n', &self.rest[from + searched..]).map(|end| searched + end);
        let available = self.rest.len() - from;
        match end {
            Some(len) if len <= self.max => {
                self.hand_range(from, len, out);
                Some(len + 1)
            }
            None if available <= self.max => {
                self.searched = available;
                None
            }
            _ => {
                self.skip = Skip::Line;
                self.hand_range(from, self.max + 1, out);
                Some(self.max + 1)
            }
        }
    }

    fn hand_range(&mut self, from: usize, len: usize, out: &mut Vec<u8>) {
        let rest = std::mem::take(&mut self.rest);
        self.hand(&rest[from..from + len], out);
        self.rest = rest;
    }

    fn hand(&mut self, message: &[u8], out: &mut Vec<u8>) {
        self.facts.cut += u64::from(message.len() > self.max);
        let end = message.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r' | 0));
        let Some(end) = end else { return };
        encode_message(&message[..=end], out);
        self.facts.messages += 1;
    }
}

fn head(rest: &[u8]) -> Head {
    let digits = rest.iter().take(MAX_DIGITS + 1).take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 || digits > MAX_DIGITS || rest[0] == b'0' {
        return Head::Line;
    }
    match rest[digits..] {
        [] | [b' '] => Head::Open,
        [b' ', b'<', ..] => {
            let number = |value: usize, digit: &u8| value * 10 + usize::from(digit - b'0');
            Head::Counted { digits, len: rest[..digits].iter().fold(0, number) }
        }
        _ => Head::Line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::decode_message;
    use proptest::prelude::*;

    const MAX: usize = 32;

    fn messages(pieces: &[&[u8]]) -> (Vec<Vec<u8>>, Facts) {
        let (mut framer, mut out) = (Framer::new(MAX), Vec::new());
        for piece in pieces {
            framer.feed(piece, &mut out);
            assert!(framer.rest.len() <= MAX + 1 + MAX_DIGITS, "{}", framer.rest.len());
        }
        let facts = framer.end(&mut out);
        let lines = out
            .split_inclusive(|byte| *byte == b'\n')
            .map(|line| decode_message(line.strip_suffix(b"\n").unwrap(), &mut Vec::new()).to_vec());
        (lines.collect(), facts)
    }

    fn one_piece(bytes: &[u8]) -> (Vec<String>, Facts) {
        let (found, facts) = messages(&[bytes]);
        (found.iter().map(|message| String::from_utf8_lossy(message).into_owned()).collect(), facts)
    }

    #[test]
    fn both_framings_are_understood_in_one_connection() {
        let cases: [(&[u8], &[&str]); 14] = [
            (b"<1>a\n<2>b\n", &["<1>a", "<2>b"]),
            (b"4 <1>a4 <2>b", &["<1>a", "<2>b"]),
            // With a line feed behind or within.
            (b"4 <1>a\n5 <2>b\n<3>c\n", &["<1>a", "<2>b", "<3>c"]),
            (b"7 <1>a\nbc<2>d", &["<1>a\nbc", "<2>d"]),
            (b"<1>a\r\n\n\r\n<2>b\0\n", &["<1>a", "<2>b"]),
            (b"<1>no end", &["<1>no end"]),
            ("6 <1>\u{feff}".as_bytes(), &["<1>\u{feff}"]),
            (b"5 <1>\xff\xfe", &["<1>\u{fffd}\u{fffd}"]),
            // What begins with digits and is no count.
            (b"2026-08-21 x\n", &["2026-08-21 x"]),
            (b"7 days\n", &["7 days"]),
            (b"04 <1>a\n", &["04 <1>a"]),
            (b"123456789 <1>a\n", &["123456789 <1>a"]),
            // A count that is too small leaves the end of its message as one of its own.
            (b"3 <1>a\n4 <2>b", &["<1>", "a", "<2>b"]),
            (b"", &[]),
        ];
        for (bytes, expected) in cases {
            let (found, facts) = one_piece(bytes);
            assert_eq!(found, expected, "{}", String::from_utf8_lossy(bytes));
            assert_eq!(facts, Facts { messages: expected.len() as u64, ..Facts::default() });
        }
    }

    #[test]
    fn half_a_counted_message_is_none() {
        for bytes in [
            &b"4 <1>a9 <2>b"[..],
            b"4 <1>a99999999 <2>b",
            b"4 <1>a90 <2>........................................",
        ] {
            let (found, facts) = one_piece(bytes);
            assert!(facts.has_half && found[0] == "<1>a", "{found:?}");
        }
    }

    #[test]
    fn what_is_too_long_is_cut_and_the_next_message_is_whole() {
        let long = "x".repeat(MAX);
        for bytes in [format!("<1>{long}\n<2>b\n"), format!("{} <1>{long}4 <2>b", MAX + 3)] {
            let (found, facts) = one_piece(bytes.as_bytes());
            assert_eq!(found.iter().map(String::len).collect::<Vec<_>>(), [MAX + 1, 4], "{bytes}");
            assert_eq!((facts.messages, facts.cut, facts.has_half), (2, 1, false));
        }
    }

    proptest! {
        /// Messages do not depend on how the network cut them, and counted ones come back whatever they hold.
        #[test]
        fn any_split_gives_the_same_messages(
            texts in proptest::collection::vec((any::<bool>(), "[ -~]{0,20}|(\n|<|9| |é){1,8}x"), 0..8),
            cuts in proptest::collection::vec(0usize..300, 0..12),
        ) {
            let (mut stream, mut expected) = (Vec::new(), Vec::new());
            for (is_counted, text) in &texts {
                let message = format!("<1>{text}");
                let is_counted = *is_counted || text.contains('\n');
                stream.extend(if is_counted { format!("{} {message}", message.len()) } else { format!("{message}\n") }.bytes());
                expected.push(message.into_bytes());
            }
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(stream.len())).chain([0, stream.len()]).collect();
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &stream[cut[0]..cut[1]]).collect();
            let (found, facts) = messages(&pieces);
            prop_assert_eq!(found, expected);
            prop_assert_eq!((facts.cut, facts.has_half), (0, false));
        }

        /// Whatever comes, in whatever pieces: the same messages, and nothing grows.
        #[test]
        fn noise_is_bounded_and_its_split_does_not_matter(
            bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'<'), Just(b' '), b'0'..=b'9', any::<u8>()], 0..300),
            size in 1usize..40,
        ) {
            let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
            prop_assert_eq!(messages(&pieces), messages(&[&bytes]));
        }
    }
}
