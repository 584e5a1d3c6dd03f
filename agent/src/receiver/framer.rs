//! Bytes of a connection become messages: RFC 6587, both its framings, decided for each message.
//!
//! A message with a count begins with `<count> <`; everything else ends with a line feed. A line feed behind a counted message,
//! which some senders add, makes no message of its own.

use crate::file::reader::cut_at_character;
use crate::line::{encode_cut_message, encode_message};
use memchr::memchr;

/// Digits of a count that is taken for one.
const MAX_DIGITS: usize = 8;

/// How much of a line without end is counted before its beginning is handed over, in lines of the greatest length.
const COUNTED: u64 = 64;

/// Takes the bytes of one connection, in pieces of any size.
#[derive(Debug)]
pub(super) struct Framer {
    /// Longest message; one byte more is kept of a longer one, so that no character is cut in two.
    max: usize,
    rest: Vec<u8>,
    /// Bytes of `rest` in which there is no line feed.
    searched: usize,
    /// The beginning of a line that is longer than `max` and has not ended.
    head: Vec<u8>,
    skip: Skip,
    facts: Facts,
}

/// What is left of a message that is too long.
#[derive(Debug, Clone, Copy)]
enum Skip {
    Nothing,
    /// So many bytes of a counted message, whose beginning was handed over.
    Bytes(usize),
    /// A line of which there were so many bytes so far; its beginning is in `head`.
    Long(u64),
    /// A line whose beginning was handed over.
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
pub(super) enum Head {
    /// Not enough bytes to tell.
    Open,
    /// So many bytes behind so many of the count.
    Counted { digits: usize, len: usize },
    /// Up to the line feed.
    Line,
}

impl Framer {
    pub(super) fn new(max: usize) -> Self {
        Self {
            max,
            rest: Vec::new(),
            searched: 0,
            head: Vec::new(),
            skip: Skip::Nothing,
            facts: Facts::default(),
        }
    }

    /// Appends the messages that `bytes` complete to `out`, a line each.
    pub(super) fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        self.rest.extend_from_slice(bytes);
        let mut at = 0;
        while let Some(taken) = self.step(at, out) {
            at += taken;
        }
        self.rest.drain(..at);
    }

    /// Bytes of an unfinished message.
    pub(super) fn held(&self) -> usize {
        self.rest.len() + self.head.len()
    }

    /// Makes room for a message of the greatest length at once, so that it never moves.
    pub(super) fn reserve(&mut self, read: usize) {
        self.rest.reserve_exact((self.max + read).saturating_sub(self.rest.len()));
    }

    /// Gives back all memory but what is held and `spare` bytes.
    pub(super) fn shrink(&mut self, spare: usize) {
        self.rest.shrink_to(spare);
        self.head.shrink_to(0);
    }

    /// What came so far.
    pub(super) fn facts(&self) -> Facts {
        self.facts
    }

    /// The connection has ended. A text without a line feed is a message, a counted one is not.
    pub(super) fn end(&mut self, out: &mut Vec<u8>) -> Facts {
        let rest = std::mem::take(&mut self.rest);
        match (self.skip, head(&rest)) {
            (Skip::Nothing, Head::Counted { .. }) => self.facts.has_half = true,
            (Skip::Nothing, Head::Open | Head::Line) => self.hand(&rest, rest.len() as u64, out),
            (Skip::Bytes(_), _) => self.facts.has_half = true,
            (Skip::Long(len), _) => self.hand_head(len, out),
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
            Skip::Long(_) | Skip::Line => return Some(self.rest_of_line(at, out)),
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
        self.hand_range(from, kept, len as u64, out);
        Some(kept)
    }

    fn line(&mut self, from: usize, out: &mut Vec<u8>) -> Option<usize> {
        let searched = std::mem::take(&mut self.searched);
        let end = memchr(b'\n', &self.rest[from + searched..]).map(|end| searched + end);
        let available = self.rest.len() - from;
        match end {
            Some(len) if len <= self.max => {
                self.hand_range(from, len, len as u64, out);
                Some(len + 1)
            }
            None if available <= self.max => {
                self.searched = available;
                None
            }
            _ => {
                let kept = self.max + 1;
                self.head = self.rest[from..from + kept].to_vec();
                self.skip = Skip::Long(kept as u64);
                Some(kept)
            }
        }
    }

    /// The end of a line that is too long, as far as it is there.
    fn rest_of_line(&mut self, at: usize, out: &mut Vec<u8>) -> usize {
        let end = memchr(b'\n', &self.rest[at..]);
        let more = end.unwrap_or(self.rest.len() - at);
        if let Skip::Long(len) = self.skip {
            let len = len + more as u64;
            self.skip = Skip::Long(len);
            // Somebody whose line never ends shall not keep its beginning for ever.
            if end.is_some() || len > COUNTED * self.max as u64 {
                self.hand_head(len, out);
                self.skip = Skip::Line;
            }
        }
        match end {
            None => more,
            Some(_) => {
                self.skip = Skip::Nothing;
                more + 1
            }
        }
    }

    fn hand_head(&mut self, len: u64, out: &mut Vec<u8>) {
        let head = std::mem::take(&mut self.head);
        self.hand(&head, len, out);
    }

    fn hand_range(&mut self, from: usize, kept: usize, len: u64, out: &mut Vec<u8>) {
        let rest = std::mem::take(&mut self.rest);
        self.hand(&rest[from..from + kept], len, out);
        self.rest = rest;
    }

    /// `message` is what was kept of `len` bytes.
    fn hand(&mut self, message: &[u8], len: u64, out: &mut Vec<u8>) {
        match put(message, len, self.max, out) {
            Put::Nothing => return,
            Put::Whole => {}
            Put::Cut => self.facts.cut += 1,
        }
        self.facts.messages += 1;
    }
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Put {
    /// There was none.
    Nothing,
    Whole,
    /// Its beginning is there.
    Cut,
}

/// Appends a message of `len` bytes, of which more than `max` or all are there, to `out` as a line.
pub(super) fn put(message: &[u8], len: u64, max: usize, out: &mut Vec<u8>) -> Put {
    if message.len() > max {
        encode_cut_message(cut_at_character(message, max), len, out);
        return Put::Cut;
    }
    match message.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r' | 0)) {
        None => Put::Nothing,
        Some(end) => {
            encode_message(&message[..=end], out);
            Put::Whole
        }
    }
}

/// How the message at the beginning of `rest` is framed.
pub(super) fn head(rest: &[u8]) -> Head {
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
            assert!(framer.held() <= MAX + 1 + MAX_DIGITS, "{}", framer.held());
        }
        let facts = framer.end(&mut out);
        let lines = out
            .split_inclusive(|byte| *byte == b'\n')
            .map(|line| decode_message(line.strip_suffix(b"\n").unwrap(), &mut Vec::new()).text.to_vec());
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
        for (bytes, len) in [
            (format!("<1>{long}\n<2>b\n"), MAX + 3),
            (format!("<1>{long}{long}\n<2>b\n"), 2 * MAX + 3),
            (format!("{} <1>{long}4 <2>b", MAX + 3), MAX + 3),
            (format!("{} <1>{long}{long}4 <2>b", 2 * MAX + 3), 2 * MAX + 3),
        ] {
            for size in [1, 7, 1000] {
                let (mut framer, mut out) = (Framer::new(MAX), Vec::new());
                bytes.as_bytes().chunks(size).for_each(|piece| framer.feed(piece, &mut out));
                assert_eq!(framer.end(&mut out), Facts { messages: 2, cut: 1, has_half: false });
                let mut lines = out.split(|byte| *byte == b'\n');
                let (mut buffer, mut other) = (Vec::new(), Vec::new());
                let first = decode_message(lines.next().unwrap(), &mut buffer);
                assert_eq!((first.text.len(), first.original_len), (MAX, Some(len as u64)), "{bytes}");
                let second = decode_message(lines.next().unwrap(), &mut other);
                assert_eq!((second.text, second.original_len), (&b"<2>b"[..], None));
            }
        }
    }

    #[test]
    fn no_character_is_cut_in_two() {
        let (found, _) = one_piece(format!("<1>{}\n", "é".repeat(MAX)).as_bytes());
        assert_eq!(found, [format!("<1>{}", "é".repeat((MAX - 3) / 2))]);
    }

    // Its beginning is not kept for ever, nor more of it than there may be.
    #[test]
    fn a_line_that_never_ends_is_handed_over_cut() {
        let (mut framer, mut out) = (Framer::new(MAX), Vec::new());
        while out.is_empty() {
            framer.feed(b"0123456789", &mut out);
            assert!(framer.held() <= MAX + 1);
        }
        framer.feed(b"more\n<2>b\n", &mut out);
        assert_eq!(framer.end(&mut out), Facts { messages: 2, cut: 1, has_half: false });
        let line = out.split(|byte| *byte == b'\n').next().unwrap();
        let len = decode_message(line, &mut Vec::new()).original_len.unwrap();
        assert!(len > COUNTED * MAX as u64 && len < COUNTED * MAX as u64 + 20, "{len}");
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
