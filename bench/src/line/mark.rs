//! The mark: who wrote a line and as which one, as plain text no encoder has a reason to touch.

use super::Origin;
use crate::random::mix;
use memchr::memmem;
use std::fmt;

const PREFIX: &str = "bench.";

/// Writer, sequence number and a checksum that only the run's seed gives: `bench.3.1204.9f3a01c7`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mark {
    /// Number of the writer.
    pub writer: u32,
    /// Number of the line, from 0.
    pub sequence: u64,
    /// Depends on seed, writer and sequence.
    pub check: u32,
}

impl Mark {
    /// The mark of line `sequence`.
    pub fn of(origin: Origin, sequence: u64) -> Self {
        let check = mix(origin.seed ^ (u64::from(origin.writer) << 40), sequence) as u32;
        Self { writer: origin.writer, sequence, check }
    }

    /// The first mark in `text`.
    pub fn find(text: &[u8]) -> Option<Self> {
        memmem::find_iter(text, PREFIX).find_map(|at| Self::parse(&text[at + PREFIX.len()..]))
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let (writer, rest) = number(text)?;
        let (sequence, rest) = number(rest.strip_prefix(b".")?)?;
        let check = rest.strip_prefix(b".")?.get(..8)?;
        let check = u32::from_str_radix(std::str::from_utf8(check).ok()?, 16).ok()?;
        Some(Self { writer: writer.try_into().ok()?, sequence, check })
    }

    /// Appends the text form.
    pub(super) fn append(self, out: &mut Vec<u8>) {
        out.extend_from_slice(PREFIX.as_bytes());
        super::format::decimal(out, u64::from(self.writer));
        out.push(b'.');
        super::format::decimal(out, self.sequence);
        out.push(b'.');
        super::format::hex(out, u64::from(self.check), 8);
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}.{}.{:08x}", self.writer, self.sequence, self.check)
    }
}

/// Leading decimal digits and what follows them.
fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(digits);
    Some((std::str::from_utf8(digits).ok()?.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::Format;

    #[test]
    fn a_mark_is_found_behind_text_that_only_looks_like_one() {
        let mark = Mark::of(Origin { seed: 1, writer: 2, format: Format::Text }, 3);
        let mut text = b"/tmp/bench.x/bench.1.log bench.9. ".to_vec();
        mark.append(&mut text);
        assert_eq!(Mark::find(&text), Some(mark));
        assert!(String::from_utf8(text).expect("ASCII").ends_with(&mark.to_string()));
    }

    #[test]
    fn a_cut_mark_is_none() {
        for text in ["bench.1", "bench.1.2", "bench.1.2.", "bench.1.2.abc", "bench.1.2.xxxxxxxx", ""] {
            assert_eq!(Mark::find(text.as_bytes()), None, "{text}");
        }
    }
}
