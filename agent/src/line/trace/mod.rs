//! Stack traces in texts: the lines of one are one event, and with them the line before that tells what happened. So are the
//! lines of an entry of .NET's console.
//!
//! No pattern has to be configured. Only a line that is surely part of the trace before it joins; where a line may be (the
//! second line of an exception's message), the next ones decide. JSON is never joined. Where a trace ends is decided by
//! its bytes alone, so it ends the same each time it is read; only the last one of a file may be ended by time.

mod console;

mod grammar;

mod anatomy;

#[cfg(test)]
mod tests;

pub use anatomy::{Anatomy, anatomy};
pub use console::ConsoleEntry;

use super::container::{Container, Stream, Wrapping};
use super::group::GROUP_BYTES;
use super::without_carriage_return;
use grammar::{Last, Step};
use memchr::memchr;
use std::borrow::Cow;

/// Most lines of one event; Java prints 1024 frames at most.
const MAX_LINES: usize = 2048;

/// Most lines in a row that only later ones can decide on.
const MAX_UNDECIDED: usize = 16;

/// How far the event of a line reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// To here, behind its last byte with the terminator excluded and included.
    To {
        /// Excluded.
        text_end: usize,
        /// Included.
        end: usize,
    },
    /// Not decided before more is read.
    Open {
        /// All lines behind it are whole, so time may end it.
        is_whole: bool,
    },
}

/// Whether more lines come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// They may.
    Growing,
    /// Nothing comes behind these bytes any more.
    Ended,
}

/// How far the event reaches whose first line ends at `first_end`. `None`: it is that line alone, as nearly always.
#[inline]
pub(super) fn extent(text: &[u8], first_end: usize, container: Container, ending: Ending) -> Option<Extent> {
    let alone = match container {
        Container::None => stands_alone(text, text.get(first_end)),
        // Most lines in containers are JSON.
        Container::Docker => text.starts_with(b"{\"log\":\"{"),
        Container::Cri => {
            Wrapping::of(text, container).is_some_and(|wrapping| wrapping.text.starts_with(b"{"))
        }
    };
    if alone { None } else { Reach::of(text, first_end, container, ending) }
}

/// What the first bytes of a line and of the next one tell.
#[inline]
fn stands_alone(text: &[u8], next: Option<&u8>) -> bool {
    let begins_trace = |first: u8| matches!(first, b't' | b'T' | b'p' | b'f' | b'g' | b' ' | b'\t');
    match (text.first(), next) {
        (Some(b'{'), _) => true,
        (Some(first), Some(next)) => !begins_trace(*first) && !grammar::may_follow(*next),
        _ => false,
    }
}

/// Lines of one stream, out of their wrapping.
struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    container: Container,
    stream: Option<Stream>,
}

struct Whole<'a> {
    text: Cow<'a, [u8]>,
    text_end: usize,
    end: usize,
}

/// What comes next.
enum Next<'a> {
    Line(Whole<'a>),
    /// Part of a line whose end is not there.
    Half,
    /// Nothing.
    End,
    /// A line of something else.
    Foreign,
}

impl<'a> Lines<'a> {
    fn next(&mut self, ending: Ending) -> Next<'a> {
        let mut joined: Option<Vec<u8>> = None;
        loop {
            let rest = &self.text[self.at..];
            if rest.is_empty() {
                return if joined.is_some() { Next::Half } else { Next::End };
            }
            let length = match (memchr(b'\n', rest), ending) {
                (Some(length), _) => length,
                (None, Ending::Ended) => rest.len(),
                (None, Ending::Growing) => return Next::Half,
            };
            let line = without_carriage_return(&rest[..length]);
            let text_end = self.at + line.len();
            self.at = (self.at + length + 1).min(self.text.len());
            let Some((text, is_partial)) = self.unwrap(line) else { return Next::Foreign };
            if is_partial || joined.is_some() {
                joined.get_or_insert_default().extend_from_slice(&text);
            }
            if !is_partial {
                let text = joined.map_or(text, Cow::Owned);
                return Next::Line(Whole { text, text_end, end: self.at });
            }
        }
    }

    fn unwrap(&mut self, line: &'a [u8]) -> Option<(Cow<'a, [u8]>, bool)> {
        if self.container == Container::None {
            return Some((Cow::Borrowed(line), false));
        }
        let wrapping = Wrapping::of(line, self.container)?;
        if *self.stream.get_or_insert(wrapping.stream) != wrapping.stream {
            return None;
        }
        let text = match self.container {
            Container::Docker if wrapping.text.contains(&b'\\') => Cow::Owned(unescaped(wrapping.text)),
            _ => Cow::Borrowed(without_carriage_return(wrapping.text)),
        };
        Some((text, wrapping.is_partial))
    }
}

/// The characters of a JSON text, as far as traces are recognised by them.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        let escape = &rest[at + 1..];
        let (byte, length) = match escape {
            [b't', ..] => (b'\t', 1),
            [b'r', ..] => (b'\r', 1),
            [b'u', b'0', b'0', b'3', b'c', ..] => (b'<', 5),
            [b'u', b'0', b'0', b'3', b'e', ..] => (b'>', 5),
            [b'u', b'0', b'0', b'2', b'6', ..] => (b'&', 5),
            [b'u', b'0', b'0', b'1', b'b', ..] => (0x1b, 5),
            [byte, ..] => (*byte, 1),
            [] => (b'\\', 0),
        };
        out.push(byte);
        rest = &escape[length..];
    }
    out.extend_from_slice(rest);
    if out.ends_with(b"\r") {
        out.pop();
    }
    out
}

/// The lines that surely belong together so far.
struct Reach {
    text_end: usize,
    end: usize,
    last: Last,
    undecided: usize,
    lines: usize,
}

impl Reach {
    fn of(text: &[u8], first_end: usize, container: Container, ending: Ending) -> Option<Extent> {
        let mut lines = Lines { text, at: 0, container, stream: None };
        let Next::Line(first) = lines.next(ending) else { return None };
        if first.end != first_end {
            return None;
        }
        let mut second = Some(lines.next(ending));
        let last = beginning(&first.text, second.as_ref()?)?;
        let mut reach = Self { text_end: first.text_end, end: first.end, last, undecided: 0, lines: 1 };
        loop {
            let is_full = text.len() > GROUP_BYTES;
            let line = match second.take().unwrap_or_else(|| lines.next(ending)) {
                Next::Line(line) => line,
                Next::Half | Next::End if is_full || ending == Ending::Ended => break,
                Next::Half => return Some(Extent::Open { is_whole: false }),
                Next::End => return Some(Extent::Open { is_whole: true }),
                Next::Foreign => break,
            };
            if line.end > GROUP_BYTES || !reach.take(&line) {
                break;
            }
        }
        let Self { text_end, end, lines, .. } = reach;
        // An end without terminator is for the caller to decide on.
        match lines {
            1 => None,
            _ if !text[..end].ends_with(b"\n") => Some(Extent::Open { is_whole: false }),
            _ => Some(Extent::To { text_end, end }),
        }
    }

    /// Whether `line` may be part of it.
    fn take(&mut self, line: &Whole<'_>) -> bool {
        let step = grammar::step(self.last, &line.text);
        match step {
            Step::Ends => return false,
            Step::Joins(last) => {
                self.last = last;
                self.lines += self.undecided + 1;
                (self.text_end, self.end, self.undecided) = (line.text_end, line.end, 0);
            }
            Step::May(last) => {
                self.last = last;
                self.undecided += 1;
            }
        }
        self.lines < MAX_LINES && self.undecided <= MAX_UNDECIDED
    }
}

/// Whether a trace begins with `line`, or with the one behind it.
fn beginning(line: &[u8], next: &Next<'_>) -> Option<Last> {
    match next {
        Next::Line(next) => grammar::beginning(line, &next.text),
        Next::Foreign => grammar::headline(line),
        Next::Half | Next::End => grammar::headline(line)
            .or_else(|| grammar::prelude(line))
            .or_else(|| ConsoleEntry::head(line).map(|_| Last::ConsoleEntry)),
    }
}
