//! The keys of earlier lines and what followed them: most lines have the keys of one before, in the same order.
//!
//! So the scan compares the text with the key that came next the last time, in one step and before it looks for anything. Only
//! where that fails it reads the key letter by letter and looks it up. What is accepted is the same.

use super::format::tables;
use super::lookup::Names;

/// Longest key that is expected, with quotes and colon.
const EXPECTED: usize = 32;

/// Most keys remembered; later ones are read each time.
const MAX_KNOWN: usize = 1024;

/// Keys without escapes, as they stand in lines.
#[derive(Debug)]
pub(super) struct Habit {
    /// Numbers the keys from 1 on; 0 is the beginning of a line.
    names: Names,
    known: Vec<Known>,
    /// The key that was passed last.
    last: u16,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    /// `"key":`.
    text: [u64; EXPECTED / 8],
    /// All ones where `text` has bytes.
    mask: [u64; EXPECTED / 8],
    len: u8,
    /// Of the key in the tables.
    number: u16,
    /// The key that came behind this one last time.
    next: u16,
}

/// The beginning of a line. No text can begin with it, for 0xff is in no UTF-8.
const BEGINNING: Known = Known { text: [u64::MAX; 4], mask: [u64::MAX; 4], len: 0, number: 0, next: 0 };

/// A key that was expected and is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Met {
    /// Length with quotes and colon.
    pub(super) len: usize,
    /// Of the key in the tables.
    pub(super) number: u16,
}

impl Default for Habit {
    fn default() -> Self {
        let mut names = Names::default();
        names.add(b"");
        Self { names, known: vec![BEGINNING], last: 0 }
    }
}

impl Habit {
    /// A new line begins.
    pub(super) fn begin(&mut self) {
        self.last = 0;
    }

    /// Whether `rest` begins with the key that is expected, `"key":`. If so, the one behind it is expected next.
    #[inline]
    pub(super) fn meet(&mut self, rest: &[u8]) -> Option<Met> {
        let text = words(rest.first_chunk()?);
        let next = self.known[usize::from(self.last)].next;
        let expected = &self.known[usize::from(next)];
        let differs =
            (0..text.len()).fold(0, |all, at| all | (text[at] ^ expected.text[at]) & expected.mask[at]);
        if differs != 0 {
            return None;
        }
        self.last = next;
        Some(Met { len: expected.len.into(), number: expected.number })
    }

    /// Takes a key without escapes that was not expected; returns its number in the tables.
    pub(super) fn learn(&mut self, key: &[u8]) -> u16 {
        let Some(place) = self.place(key) else { return tables().number(key) };
        self.known[usize::from(self.last)].next = place;
        self.last = place;
        self.known[usize::from(place)].number
    }

    fn place(&mut self, key: &[u8]) -> Option<u16> {
        if let Some(place) = self.names.find(key).filter(|place| *place > 0) {
            return Some(place);
        }
        let known = Known::new(key).filter(|_| self.known.len() < MAX_KNOWN)?;
        self.known.push(known);
        Some(self.names.add(key))
    }
}

impl Known {
    /// Of a key that is not too long.
    fn new(key: &[u8]) -> Option<Self> {
        let len = key.len() + 3;
        if key.is_empty() || len > EXPECTED {
            return None;
        }
        let (mut text, mut mask) = ([0; EXPECTED], [0; EXPECTED]);
        text[..len].copy_from_slice(&[b"\"", key, b"\":"].concat());
        mask[..len].fill(0xff);
        Some(Self {
            text: words(&text),
            mask: words(&mask),
            len: len as u8,
            number: tables().number(key),
            next: 0,
        })
    }
}

#[inline]
fn words(bytes: &[u8; EXPECTED]) -> [u64; EXPECTED / 8] {
    let (words, _) = bytes.as_chunks();
    std::array::from_fn(|at| u64::from_le_bytes(words[at]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: &str = "\"level\":30,\"time\":\"2026-08-21T10:15:30Z\"}";

    #[test]
    fn what_followed_last_time_is_expected() {
        let mut habit = Habit::default();
        assert_eq!(habit.meet(REST.as_bytes()), None);
        let level = habit.learn(b"level");
        let time = habit.learn(b"time");
        habit.begin();
        assert_eq!(habit.meet(REST.as_bytes()), Some(Met { len: 8, number: level }));
        let text = format!("{}{}", &REST[11..], " ".repeat(32));
        assert_eq!(habit.meet(text.as_bytes()), Some(Met { len: 7, number: time }));
    }

    #[test]
    fn a_key_counts_only_whole_and_with_its_colon() {
        let mut habit = Habit::default();
        habit.learn(b"level");
        for text in ["\"levels\":30", "\"level\" :30", "\"leve\":30", "level\":30", "\"Level\":30"] {
            habit.begin();
            assert_eq!(habit.meet(format!("{text}{}", " ".repeat(32)).as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn memory_is_bounded_and_further_keys_are_still_numbered() {
        let mut habit = Habit::default();
        for number in 0..2 * MAX_KNOWN {
            habit.learn(format!("key{number}").as_bytes());
        }
        assert_eq!(habit.known.len(), MAX_KNOWN);
        let long = [b'k'; EXPECTED];
        for key in [&b"trace_id"[..], b"", &long] {
            assert_eq!(habit.learn(key), tables().number(key));
        }
    }
}
