//! From a text to its events, as the agent frames them.

use crate::config::Input;
use crate::event::LineEnd;
use crate::file::reader::{cut_at_character, within};
use crate::line::{Ending, Flow, Framing, Piece, frame_events, is_blank, without_carriage_return};
use std::io::{self, Read};

/// What is read at once at least; the longest group of lines fits.
const CHUNK: usize = 128 * 1024;

/// A text, read forward once; holds little more than the longest line.
pub(super) struct Events {
    text: Box<dyn Read>,
    framing: Framing,
    max_line: usize,
    buffer: Vec<u8>,
    /// Where the buffer begins in the text.
    base: u64,
    place: Place,
}

/// A line of the text that is known by its number.
struct Place {
    offset: u64,
    line: u64,
}

/// One event.
pub(super) struct Event<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) start: u64,
    pub(super) end: LineEnd,
    /// Number of its first line, from 1 on.
    pub(super) first_line: u64,
    pub(super) lines: u64,
}

impl Place {
    /// The number of the line at `start`, and how many lines are in `bytes`, which begin there.
    fn number(&mut self, buffer: &[u8], base: u64, start: u64, bytes: &[u8]) -> (u64, u64) {
        let before = &buffer[(self.offset - base) as usize..(start - base) as usize];
        self.line += newlines(before);
        self.offset = start;
        (self.line, newlines(bytes) + 1)
    }
}

fn newlines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

impl Events {
    pub(super) fn new(text: Box<dyn Read>, input: &Input) -> Self {
        let place = Place { offset: 0, line: 1 };
        let (framing, max_line) = (input.framing(), input.max_line);
        Self { text, framing, max_line, buffer: Vec::new(), base: 0, place }
    }

    /// Hands all events to `sink`, until that fails.
    pub(super) fn each(mut self, mut sink: impl FnMut(Event<'_>) -> io::Result<()>) -> io::Result<()> {
        while self.fill()? {
            let consumed = self.frame(Ending::Growing, &mut sink)?;
            self.forget(consumed);
            if self.buffer.len() > self.max_line.max(CHUNK) {
                self.long_line(&mut sink)?;
            }
        }
        let consumed = self.frame(Ending::Ended, &mut sink)?;
        self.forget(consumed);
        self.rest(&mut sink)
    }

    /// Reads as much again as is there. False: the text has ended.
    fn fill(&mut self) -> io::Result<bool> {
        let (len, more) = (self.buffer.len(), self.buffer.len().max(CHUNK));
        self.buffer.resize(len + more, 0);
        let read = loop {
            match self.text.read(&mut self.buffer[len..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        self.buffer.truncate(len + *read.as_ref().unwrap_or(&0));
        read.map(|count| count > 0)
    }

    fn frame(
        &mut self,
        ending: Ending,
        sink: &mut impl FnMut(Event<'_>) -> io::Result<()>,
    ) -> io::Result<usize> {
        let Self { framing, max_line, buffer, base, place, .. } = self;
        let mut result = Ok(());
        let framed = frame_events(buffer, *base, framing, ending, |piece| {
            let Piece::Line { start, bytes: whole, .. } = piece else { return Flow::Continue };
            let (first_line, lines) = place.number(buffer, *base, start, whole);
            let (bytes, end) = within(whole, *max_line, LineEnd::Terminated);
            result = sink(Event { bytes, start, end, first_line, lines });
            if result.is_ok() { Flow::Continue } else { Flow::Stop }
        });
        result.map(|()| framed.consumed)
    }

    fn forget(&mut self, count: usize) {
        let end = self.base + count as u64;
        self.place.number(&self.buffer, self.base, end, b"");
        self.buffer.drain(..count);
        self.base = end;
    }

    /// A line longer than the limit whose end has not been read yet: keeps its beginning and reads on to its end.
    fn long_line(&mut self, sink: &mut impl FnMut(Event<'_>) -> io::Result<()>) -> io::Result<()> {
        // One byte more than fits tells whether the cut falls into a character.
        let beginning = self.buffer[..=self.max_line].to_vec();
        let start = self.base;
        let (text_end, end) = loop {
            match memchr::memchr(b'\n', &self.buffer) {
                Some(at) => break (at, at + 1),
                None => self.forget(self.buffer.len().saturating_sub(1)),
            }
            if !self.fill()? {
                break (self.buffer.len(), self.buffer.len());
            }
        };
        let carriage_return = text_end - without_carriage_return(&self.buffer[..text_end]).len();
        let original_len = self.base + (text_end - carriage_return) as u64 - start;
        let first_line = self.place.line;
        self.forget(end);
        let bytes = cut_at_character(&beginning, self.max_line);
        sink(Event { bytes, start, end: LineEnd::Cut { original_len }, first_line, lines: 1 })
    }

    /// What is left where the text has ended: lines without a terminator behind the last.
    fn rest(mut self, sink: &mut impl FnMut(Event<'_>) -> io::Result<()>) -> io::Result<()> {
        let Self { max_line, buffer, base, place, .. } = &mut self;
        let text = buffer.strip_suffix(b"\n");
        let end = if text.is_some() { LineEnd::Terminated } else { LineEnd::Partial };
        let whole = without_carriage_return(text.unwrap_or(buffer));
        if is_blank(whole) {
            return Ok(());
        }
        let (first_line, lines) = place.number(buffer, *base, *base, whole);
        let (bytes, end) = within(whole, *max_line, end);
        sink(Event { bytes, start: *base, end, first_line, lines })
    }
}

#[cfg(test)]
mod tests {
    use super::super::plain_input;
    use super::*;

    type Seen = (u64, u64, u64, usize, LineEnd);

    fn events(text: &[u8], change: impl FnOnce(&mut Input)) -> Vec<Seen> {
        let mut input = plain_input();
        change(&mut input);
        let mut seen = Vec::new();
        let text = Box::new(io::Cursor::new(text.to_vec()));
        let sink = |event: Event<'_>| {
            seen.push((event.first_line, event.lines, event.start, event.bytes.len(), event.end));
            Ok(())
        };
        Events::new(text, &input).each(sink).unwrap();
        seen
    }

    #[test]
    fn long_lines_are_cut_and_the_next_one_begins_where_it_does() {
        let max = plain_input().max_line;
        for (more, carriage_return) in [(70_000, ""), (3 * max, "\r"), (1, "\r"), (1, "")] {
            let long = vec![b'x'; max + more];
            let text = [&b"first\n"[..], &long, carriage_return.as_bytes(), b"\nnext\n\nlast"].concat();
            let behind = 6 + (max + more + carriage_return.len()) as u64;
            let expected: [Seen; 4] = [
                (1, 1, 0, 5, LineEnd::Terminated),
                (2, 1, 6, max, LineEnd::Cut { original_len: (max + more) as u64 }),
                (3, 1, behind + 1, 4, LineEnd::Terminated),
                (5, 1, behind + 7, 4, LineEnd::Partial),
            ];
            assert_eq!(events(&text, |_| {}), expected, "{more} {carriage_return:?}");
        }
    }

    #[test]
    fn a_long_line_without_end_is_told_with_its_length() {
        let max = plain_input().max_line;
        let text = vec![b'x'; 4 * max];
        let expected: [Seen; 1] = [(1, 1, 0, max, LineEnd::Cut { original_len: 4 * max as u64 })];
        assert_eq!(events(&text, |_| {}), expected);
        assert_eq!(events(b"\xef\xbb\xbfa\n", |_| {}), [(1, 1, 3, 1, LineEnd::Terminated)]);
    }

    #[test]
    fn lines_that_belong_together_are_one_event_at_the_end_too() {
        let trace = b"10:15 ERROR no\njava.io.IOException: no\n\tat a.B.c(B.java:3)\n";
        let text = [&b"10:14 INFO a\n"[..], trace, b"10:16 INFO b\n", trace].concat();
        let seen = events(&text, |_| {});
        let places: Vec<_> = seen.iter().map(|event| (event.0, event.1)).collect();
        assert_eq!(places, [(1, 1), (2, 3), (5, 1), (6, 3)]);
        let start = regex::bytes::Regex::new("^[0-9]").unwrap();
        let blocks = Some(crate::line::Blocks::Start(start));
        assert_eq!(events(&text, |input| input.multiline = blocks), seen);
    }
}
