//! Entries as .NET's console writes them (Microsoft.Extensions.Logging, "simple" formatter).
//!
//! ```text
//! fail: Shop.Orders[7]
//!       order 7 failed
//!       System.InvalidOperationException: no price
//!          at Shop.Orders.Take() in /src/Orders.cs:line 30
//! ```
//!
//! A time may stand before the level, and on a terminal the level is between colour codes. Every line of message and
//! exception is indented by six spaces. With `SingleLine` there are none, and an entry is a line of text.

use memchr::{memchr, memmem, memrchr};

/// Before every line of an entry but its first.
const INDENT: &[u8] = b"      ";

/// Longest time before a level.
const MAX_TIME: usize = 40;

/// An entry of several lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConsoleEntry<'a> {
    /// What stands before the level, in the format the application chose, brackets around it excepted; mostly nothing.
    pub time: &'a [u8],
    /// `trce`, `dbug`, `info`, `warn`, `fail` or `crit`.
    pub level: &'a [u8],
    /// Name of the logger.
    pub category: &'a [u8],
    /// Number of the kind of event; 0 where it has none.
    pub event_id: &'a [u8],
    /// The lines below, indented.
    body: &'a [u8],
}

impl<'a> ConsoleEntry<'a> {
    /// Reads a text that begins with an entry's first line.
    pub fn of(text: &'a [u8]) -> Option<Self> {
        let end = memchr(b'\n', text)?;
        let body = &text[end + 1..];
        let entry = Self::head(crate::line::without_carriage_return(&text[..end]))?;
        goes_on(body).then_some(Self { body, ..entry })
    }

    /// Message and exception as the application gave them.
    pub fn body(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(self.body.len());
        for line in self.body.split_inclusive(|byte| *byte == b'\n') {
            body.extend_from_slice(line.strip_prefix(INDENT).unwrap_or(line));
        }
        body
    }

    /// Reads a first line alone.
    pub(super) fn head(line: &'a [u8]) -> Option<Self> {
        let line = line.strip_suffix(b"]")?;
        let bracket = memrchr(b'[', line)?;
        let (head, event_id) = (&line[..bracket], &line[bracket + 1..]);
        let digits = event_id.strip_prefix(b"-").unwrap_or(event_id);
        let colon = memmem::find(head, b": ")?;
        let (before, category) = (without_colours(&head[..colon]), &head[colon + 2..]);
        let (time, level) = before.split_at_checked(before.len().checked_sub(4)?)?;
        let time = without_colours(time).trim_ascii_end();
        let is_head = matches!(level, b"trce" | b"dbug" | b"info" | b"warn" | b"fail" | b"crit")
            && !digits.is_empty()
            && digits.iter().all(u8::is_ascii_digit)
            && is_category(category)
            && is_time(time);
        let time = time.strip_prefix(b"[").and_then(|time| time.strip_suffix(b"]")).unwrap_or(time);
        is_head.then_some(Self { time, level, category, event_id, body: b"" })
    }
}

/// Whether a line is one of an entry, but not its first.
pub(super) fn goes_on(line: &[u8]) -> bool {
    line.starts_with(INDENT)
}

/// The name of a type: blanks stand only between the arguments of a generic one.
fn is_category(name: &[u8]) -> bool {
    let mut parts = name.split(|byte| *byte == b' ').rev().skip(1);
    !name.is_empty() && parts.all(|part| part.ends_with(b","))
}

/// Nothing, or what numbers and marks of a time can say; words cannot be told from other text.
fn is_time(text: &[u8]) -> bool {
    let is_of_time = |byte: &u8| byte.is_ascii_digit() || b"-:./+TZ[], ".contains(byte);
    let has_digit = text.iter().any(u8::is_ascii_digit);
    text.len() <= MAX_TIME && text.iter().all(is_of_time) && (text.is_empty() || has_digit)
}

/// The text without codes such as `ESC[39m` behind it.
fn without_colours(mut text: &[u8]) -> &[u8] {
    while let Some(code) = text.strip_suffix(b"m") {
        let numbers = code.iter().rev().take_while(|byte| byte.is_ascii_digit() || **byte == b';').count();
        let Some(rest) = code[..code.len() - numbers].strip_suffix(b"\x1b[") else { break };
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Time, level, category and event id.
    fn head(line: &str) -> Option<[String; 4]> {
        let ConsoleEntry { time, level, category, event_id, .. } = ConsoleEntry::head(line.as_bytes())?;
        Some([time, level, category, event_id].map(|part| String::from_utf8_lossy(part).into_owned()))
    }

    #[test]
    fn a_first_line_has_level_category_and_event_id_and_perhaps_a_time() {
        let cases = [
            ("info: Microsoft.Hosting.Lifetime[14]", ["", "info", "Microsoft.Hosting.Lifetime", "14"]),
            (
                "fail: Shop.Handler<Shop.Order, Shop.Cart>[0]",
                ["", "fail", "Shop.Handler<Shop.Order, Shop.Cart>", "0"],
            ),
            ("crit: a[1][-7]", ["", "crit", "a[1]", "-7"]),
            ("2026-11-30 10:15:00 warn: A.B[0]", ["2026-11-30 10:15:00", "warn", "A.B", "0"]),
            ("[10:15:00.123] trce: A.B[0]", ["10:15:00.123", "trce", "A.B", "0"]),
            ("\x1b[40m\x1b[32minfo\x1b[39m\x1b[22m\x1b[49m: A.B[0]", ["", "info", "A.B", "0"]),
            (
                "10:15:00 \x1b[41m\x1b[30mfail\x1b[39m\x1b[22m\x1b[49m: A.B[0]",
                ["10:15:00", "fail", "A.B", "0"],
            ),
        ];
        for (line, expected) in cases {
            assert_eq!(head(line), Some(expected.map(str::to_owned)), "{line}");
        }
    }

    #[test]
    fn other_lines_are_none() {
        for line in [
            "",
            "]",
            "[]",
            "info",
            "info: x",
            "info: x[]",
            "info: x[a]",
            "info: [0]",
            "info:x[0]",
            "error: x[0]",
            "info: loaded two items [12]",
            "note info: x[0]",
            "xinfo: x[0]",
            "mm: x[0]",
            ": x[0]",
            "info: x[0] more",
        ] {
            assert_eq!(head(line), None, "{line}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in "[0-9a-z\\x1b\\[\\]m;: \n]{0,40}") {
            if let Some(entry) = ConsoleEntry::of(text.as_bytes()) {
                proptest::prop_assert!(!entry.category.is_empty() && entry.body().len() < text.len());
            }
        }
    }
}
