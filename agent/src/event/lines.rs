//! Texts of several lines: an entry of .NET's console, or any text with a stack trace.

use super::document::{DERIVED, Piece, Source};
use super::targets::{Field, Target};
use super::walk::Walk;
use super::{Level, LineEnd, Trace, text, time};
use crate::line::{Anatomy, ConsoleEntry, anatomy};

/// What explanations call the two.
const CONSOLE: &[u8] = b"(.NET console)";
const STACK: &[u8] = b"(stack trace)";

impl<T: Trace> Walk<'_, T> {
    /// Fills what the lines of a text say.
    pub(super) fn several_lines(&mut self, end: LineEnd) {
        // Nearly all texts are one line.
        if memchr::memchr(b'\n', self.bytes.line).is_none() {
            return;
        }
        match ConsoleEntry::of(self.bytes.line) {
            Some(entry) => self.console_entry(&entry, end),
            None => self.stack_trace(end),
        }
    }

    /// Fills what a stack trace in a text says. All of it stays in the message too.
    fn stack_trace(&mut self, end: LineEnd) {
        let Some(found) = anatomy(surely(self.bytes.line, end)) else { return };
        if !self.has(Target::Message) {
            self.set(Target::Message, self.whole_line(), DERIVED);
        }
        self.error(&found, |_, range| Piece::new(Source::LineText, range));
    }

    /// Fills what an entry of .NET's console says. The message is what stands before the exception.
    fn console_entry(&mut self, entry: &ConsoleEntry<'_>, end: LineEnd) {
        self.console_time(entry.time);
        self.console_level(entry.level);
        self.console_text(Target::LogLogger, entry.category);
        if entry.event_id != b"0" {
            self.console_text(Target::EventCode, entry.event_id);
        }
        let body = entry.body();
        let found = anatomy(surely(&body, end));
        let message = match &found {
            Some(Anatomy { stack, .. })
                if stack.end == body.len() && body[..stack.start].ends_with(b"\n") =>
            {
                &body[..stack.start]
            }
            _ => &body[..],
        };
        // An exception may come without words; its own message stands in then.
        if !message.trim_ascii().is_empty() {
            self.console_text(Target::Message, message.trim_ascii_end());
        }
        if let Some(found) = found {
            self.error(&found, |walk, range| {
                walk.document.scratch_piece(|out| text::write_quoted(&body[range], out))
            });
        }
    }

    fn error(&mut self, found: &Anatomy, piece: impl Fn(&mut Self, std::ops::Range<usize>) -> Piece) {
        let Anatomy { stack, kind, message } = found;
        let parts = [
            (Target::ErrorStackTrace, Some(stack)),
            (Target::ErrorType, kind.as_ref()),
            (Target::ErrorMessage, message.as_ref()),
        ];
        for (target, range) in parts {
            let Some(range) = range.filter(|_| !self.has(target)) else { continue };
            let piece = piece(self, range.clone());
            self.set(target, piece, DERIVED);
            self.trace.mapped(STACK, Field::from(target).path());
        }
    }

    fn console_level(&mut self, word: &[u8]) {
        let level = match word {
            b"trce" => Level::Trace,
            b"dbug" => Level::Debug,
            b"info" => Level::Info,
            b"warn" => Level::Warn,
            b"fail" => Level::Error,
            _ => Level::Fatal,
        };
        self.level = Some(level);
        self.console_text(Target::LogLevel, level.word().as_bytes());
    }

    /// A time without a date says too little for `@timestamp`.
    fn console_time(&mut self, written: &[u8]) {
        if written.is_empty() {
            return;
        }
        let Some(found) = time::from_text(written, self.zone) else {
            let piece = self.document.scratch_piece(|out| text::write_quoted(written, out));
            return self.label_piece(b"time", piece);
        };
        if self.has(Target::Timestamp) {
            return;
        }
        let piece = self.document.scratch_piece(|out| {
            out.push(b'"');
            time::write(found.unix_ns, out);
            out.push(b'"');
        });
        self.set(Target::Timestamp, piece, DERIVED);
        self.trace.mapped(CONSOLE, Field::from(Target::Timestamp).path());
        self.mapped.timestamp = Some(found.unix_ms());
        self.mapped.zone_assumed = found.zone_assumed;
    }

    fn console_text(&mut self, target: Target, value: &[u8]) {
        if self.has(target) {
            return;
        }
        let piece = self.document.scratch_piece(|out| text::write_quoted(value, out));
        self.set(target, piece, DERIVED);
        self.trace.mapped(CONSOLE, Field::from(target).path());
    }
}

/// The text whose lines are whole: what was cut tells neither a name nor a message for sure.
fn surely(text: &[u8], end: LineEnd) -> &[u8] {
    match end {
        LineEnd::Cut { .. } => &text[..memchr::memrchr(b'\n', text).map_or(0, |at| at + 1)],
        LineEnd::Terminated | LineEnd::Partial => text,
    }
}
