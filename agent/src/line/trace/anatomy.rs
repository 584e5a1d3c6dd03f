//! What a stack trace says: where it stands in a text, what was thrown, and with which message.
//!
//! Nothing is copied: all parts are places in the text. Where a runtime prints several errors, the one that ended the work
//! counts: the first of Java, .NET and JavaScript, the last of Python.

use super::grammar::{self, Last, Step};
use crate::line::without_carriage_return;
use memchr::{memchr, memmem};
use std::ops::Range;

/// The parts of a trace, as places in the text it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anatomy {
    /// All of it, from the name of the error or the headline on.
    pub stack: Range<usize>,
    /// The name of what was thrown; `panic` for Rust and Go.
    pub kind: Option<Range<usize>>,
    /// What was said with it; several lines where the message has them.
    pub message: Option<Range<usize>>,
}

/// The first stack trace in `text`.
pub fn anatomy(text: &[u8]) -> Option<Anatomy> {
    let mut lines = Lines { text, at: 0 };
    let mut first = lines.next()?;
    loop {
        let second = lines.next()?;
        if let Some(last) = grammar::beginning(&text[first.clone()], &text[second.clone()])
            && last != Last::ConsoleEntry
            && let Some(end) = end_of(text, &first, last)
        {
            return Some(Reading::of(text, first, last, end));
        }
        first = second;
    }
}

/// The places of the lines of a text, terminators excluded.
struct Lines<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Lines<'a> {
    fn behind(text: &'a [u8], first: &Range<usize>) -> Self {
        let mut lines = Self { text, at: first.start };
        lines.next();
        lines
    }
}

impl Iterator for Lines<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let length = memchr(b'\n', rest).unwrap_or(rest.len());
        let start = self.at;
        self.at += length + 1;
        Some(start..start + without_carriage_return(&rest[..length]).len())
    }
}

/// Behind the last line that surely belongs to the trace that begins with `first`. `None`: only that line does.
fn end_of(text: &[u8], first: &Range<usize>, mut last: Last) -> Option<usize> {
    let mut end = None;
    for line in Lines::behind(text, first) {
        last = match grammar::step(last, &text[line.clone()]) {
            Step::Ends => break,
            Step::May(next) => next,
            Step::Joins(next) => {
                end = Some(line.end);
                next
            }
        };
    }
    end
}

/// A trace that is read line by line.
struct Reading<'a> {
    text: &'a [u8],
    first: Range<usize>,
    found: Anatomy,
    /// The next line may go on the message.
    in_message: bool,
}

impl<'a> Reading<'a> {
    fn of(text: &'a [u8], first: Range<usize>, last: Last, end: usize) -> Anatomy {
        let found = Anatomy { stack: first.start..end, kind: None, message: None };
        let mut reading = Self { text, first: first.clone(), found, in_message: false };
        reading.begin(last);
        let mut last = last;
        for line in Lines::behind(text, &first).take_while(|line| line.end <= end) {
            let step = grammar::step(last, &text[line.clone()]);
            let (Step::Joins(next) | Step::May(next)) = step else { break };
            reading.take(last, step, line);
            last = next;
        }
        reading.found
    }

    fn begin(&mut self, last: Last) {
        let first = self.first.clone();
        match last {
            Last::Exception => self.name(first),
            Last::RustPanic => self.word(first, b"panic"),
            Last::RustMessage => self.quoted_panic(first),
            Last::GoPanic => self.go_panic(first),
            _ => {}
        }
    }

    fn take(&mut self, last: Last, step: Step, line: Range<usize>) {
        let is_first_behind = matches!(last, Last::Message | Last::Exception);
        match step {
            Step::May(Last::Exception) if last == Last::Message => self.name(line),
            Step::May(Last::Exception) => self.lengthen(line),
            Step::Joins(Last::Frame | Last::Property) if last == Last::Message => self.name_within(),
            Step::Joins(Last::PythonFrame | Last::PythonGroup) if is_first_behind => self.begin_anew(line),
            Step::Joins(Last::PythonEnd) => self.python_error(line),
            Step::Joins(Last::PythonGroup) => self.python_group(line),
            Step::Joins(Last::GoPlace) if is_first_behind => {
                self.begin_anew(line);
                self.served_panic();
            }
            Step::Joins(Last::RustMessage) | Step::May(Last::RustMessage) => self.lengthen(line),
            Step::Joins(Last::GoPanic) if !self.bytes(&line).starts_with(b"\tpanic: ") => self.lengthen(line),
            _ => self.in_message = false,
        }
    }

    fn bytes(&self, range: &Range<usize>) -> &'a [u8] {
        &self.text[range.clone()]
    }

    /// The lines before this one are a message and no part of the trace.
    fn begin_anew(&mut self, line: Range<usize>) {
        self.found = Anatomy { stack: line.start..self.found.stack.end, kind: None, message: None };
        self.in_message = false;
    }

    /// `a.b.Exception: message` with what runtimes put before it.
    fn name(&mut self, line: Range<usize>) {
        let Some(name) = grammar::exception(self.bytes(&line)) else { return };
        let name = line.start + name.start..line.start + name.end;
        self.found.stack.start = name.start;
        self.say(name.end..line.end);
        self.found.kind = Some(name);
    }

    /// The same at the end of the message: `10:15 ERROR failed: a.b.Exception: message`.
    fn name_within(&mut self) {
        let first = self.first.clone();
        let line = self.bytes(&first);
        let mut starts = memchr::memchr_iter(b' ', line).map(|blank| blank + 1);
        match starts.find(|start| grammar::exception(&line[*start..]).is_some()) {
            Some(start) => self.name(first.start + start..first.end),
            None => {
                self.found.stack.start = Lines::behind(self.text, &first).next().map_or(0, |line| line.start)
            }
        }
        self.in_message = false;
    }

    /// The message in what stands behind a name, with a colon before it.
    fn say(&mut self, behind: Range<usize>) {
        let colon = memmem::find(self.bytes(&behind), b": ").map(|at| behind.start + at + 2);
        self.found.message = colon.map(|start| start..behind.end).filter(|message| !message.is_empty());
        self.in_message = self.found.message.is_some();
    }

    fn lengthen(&mut self, line: Range<usize>) {
        if !self.in_message {
            return;
        }
        self.found.message.get_or_insert(line.clone()).end = line.end;
    }

    /// The kind is this word of the line; the message stands in the next ones.
    fn word(&mut self, line: Range<usize>, word: &[u8]) {
        let at = memmem::rfind(self.bytes(&line), word).map(|at| line.start + at);
        self.found.kind = at.map(|start| start..start + word.len());
        self.in_message = true;
    }

    /// `thread 'main' panicked at 'message', src/main.rs:2:5`, as before Rust 1.73.
    fn quoted_panic(&mut self, line: Range<usize>) {
        let bytes = self.bytes(&line);
        let quote = memmem::find(bytes, b" panicked at '").map(|at| line.start + at);
        let end = memmem::rfind(bytes, b"', ").map_or(line.end, |at| line.start + at);
        self.found.kind = quote.map(|at| at + 1..at + 1 + b"panic".len());
        self.found.message =
            quote.map(|at| at + b" panicked at '".len()..end).filter(|message| !message.is_empty());
    }

    /// `panic: message [recovered]`, `fatal error: message`.
    fn go_panic(&mut self, line: Range<usize>) {
        let Some(colon) = memchr(b':', self.bytes(&line)).map(|at| line.start + at) else { return };
        let marks = memmem::rfind(self.bytes(&line), b" [recovered");
        let end = marks.filter(|_| self.text[line.end - 1] == b']').map_or(line.end, |at| line.start + at);
        self.found.kind = Some(line.start..colon);
        self.say(colon..end.max(colon));
    }

    /// `http: panic serving 127.0.0.1:50590: message`, as Go's server writes it.
    fn served_panic(&mut self) {
        const SERVING: &[u8] = b"panic serving ";
        let first = self.first.clone();
        let Some(at) = memmem::find(self.bytes(&first), SERVING).map(|at| first.start + at) else { return };
        self.found.kind = Some(at..at + b"panic".len());
        self.say(at + SERVING.len()..first.end);
        self.in_message = false;
    }

    fn python_error(&mut self, line: Range<usize>) {
        let name = line.start..memchr(b':', self.bytes(&line)).map_or(line.end, |at| line.start + at);
        self.say(name.end..line.end);
        self.found.kind = Some(name);
    }

    /// `  | ExceptionGroup: several`: what stands deeper is of the errors within.
    fn python_group(&mut self, line: Range<usize>) {
        const RAIL: &[u8] = b"  | ";
        let Some(rest) = self.bytes(&line).strip_prefix(RAIL) else { return };
        if grammar::is_python_exception(rest) {
            self.python_error(line.start + RAIL.len()..line.end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kind, message and stack.
    fn parts(text: &str) -> Option<(Option<&str>, Option<&str>, &str)> {
        let Anatomy { stack, kind, message } = anatomy(text.as_bytes())?;
        Some((kind.map(|range| &text[range]), message.map(|range| &text[range]), &text[stack]))
    }

    #[test]
    fn a_text_without_a_trace_has_none() {
        for text in
            ["", "a", "x.Error: a", "a\nb", "a\n\n", "ERROR a\njava.io.IOException: no", "{\"a\":\n1}"]
        {
            assert_eq!(parts(text), None, "{text}");
        }
    }

    #[test]
    fn kind_and_message_stand_where_each_runtime_writes_them() {
        const FRAME: &str = "\tat a.B.c(B.java:3)";
        let cases = [
            (format!("1 ERROR a\njava.io.IOException: no\n{FRAME}"), "java.io.IOException", "no"),
            (format!("1 ERROR a\r\njava.io.IOException: no\r\n{FRAME}\r"), "java.io.IOException", "no"),
            (format!("x.Error: a\n  more\n{FRAME}\nCaused by: y.Error: b\n  more\n{FRAME}"), "x.Error", "a\n  more"),
            (format!("x.Error\n{FRAME}"), "x.Error", ""),
            (format!("x.Error: \n{FRAME}"), "x.Error", ""),
            (format!("Exception in thread \"a b\" x.Error: a: b\n{FRAME}"), "x.Error", "a: b"),
            ("Unhandled exception. A.BException: no\n   at A.B() in /a.cs:line 3".into(), "A.BException", "no"),
            // Node writes the code of its errors in brackets, and console.error what it was given before the error.
            ("TypeError [ERR_X]: bad\n    at f (/app/a.js:3:9)".into(), "TypeError", "bad"),
            ("1 ERROR failed: TypeError: bad\n    at f (/app/a.js:3:9)".into(), "TypeError", "bad"),
            ("1 ERROR it failed\n    at f (/app/a.js:3:9)".into(), "", ""),
            // The middle of a trace.
            (format!("{FRAME}\n{FRAME}"), "", ""),
            ("Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nKeyError".into(), "KeyError", ""),
            ("Traceback (most recent call last):\n  File \"a.py\", line 1, in f".into(), "", ""),
            (
                "ValueError: x\nTraceback (most recent call last):\n  File \"a.py\", line 1, in f\nKeyError: 'a'".into(),
                "KeyError",
                "'a'",
            ),
            ("thread 'main' panicked at a.rs:1:2:\nno\n\nprice\nstack backtrace:\n   0: a::b".into(), "panic", "no\n\nprice"),
            ("thread 'main' panicked at 'no: 'x', y', a.rs:1:2\nnote: run with `RUST_BACKTRACE=1`".into(), "panic", "no: 'x', y"),
            ("panic: no\n\tprice\n\ngoroutine 1 [running]:".into(), "panic", "no\n\tprice"),
            ("panic: no [recovered]\n\tpanic: again\n\ngoroutine 1 [running]:".into(), "panic", "no"),
            ("fatal error: all asleep!\n\ngoroutine 1 [select]:".into(), "fatal error", "all asleep!"),
            ("1 http: panic serving [::1]:5: no: x\ngoroutine 1 [running]:".into(), "panic", "no: x"),
            ("1 ERROR a\ngoroutine 1 [running]:\nmain.main()\n\t/a.go:3 +0x1".into(), "", ""),
        ];
        for (text, kind, message) in cases {
            let (found_kind, found_message, _) = parts(&text).unwrap_or_else(|| panic!("no trace in {text}"));
            let found = (found_kind.unwrap_or(""), found_message.unwrap_or(""));
            assert_eq!(found, (kind, message), "{text}");
        }
    }

    #[test]
    fn the_stack_begins_with_what_was_thrown_and_ends_with_its_last_line() {
        let cases = [
            ("1 ERROR a\nx.Error: b\n\tat a.B.c(B.java:3)", "x.Error: b\n\tat a.B.c(B.java:3)"),
            (
                "Exception in thread \"a\" x.Error: b\n\tat a.B.c(B.java:3)",
                "x.Error: b\n\tat a.B.c(B.java:3)",
            ),
            ("1 ERROR f: x.Error: b\n\tat a.B.c(B.java:3)", "x.Error: b\n\tat a.B.c(B.java:3)"),
            ("1 ERROR a\n\tat a.B.c(B.java:3)", "\tat a.B.c(B.java:3)"),
            // What `multiline` joined may hold more than the trace.
            ("a\nb\nx.Error: b\n\tat a.B.c(B.java:3)\n\nc", "x.Error: b\n\tat a.B.c(B.java:3)"),
            (
                "1 a: panic serving b: c\ngoroutine 1 [running]:\nmain.main()\n\t/a.go:3",
                "goroutine 1 [running]:\nmain.main()\n\t/a.go:3",
            ),
        ];
        for (text, stack) in cases {
            assert_eq!(parts(text).map(|(_, _, found)| found), Some(stack), "{text}");
        }
    }

    proptest::proptest! {
        /// Whatever a text holds and wherever it was cut, the parts are places in it.
        #[test]
        fn parts_lie_within_any_text(order in proptest::collection::vec(0usize..8, 1..4), plain in "[a-zA-Z0-9 :\\t\\n\\r|{}'\\[\\]]{0,40}", cut in 0usize..8000) {
            let text: String = order.iter().flat_map(|at| [&plain, super::super::tests::SAMPLES[*at].1]).collect();
            let text = &text.as_bytes()[..cut.min(text.len())];
            if let Some(Anatomy { stack, kind, message }) = anatomy(text) {
                for part in [Some(stack), kind, message].into_iter().flatten() {
                    proptest::prop_assert!(!text[part].is_empty());
                }
            }
        }
    }
}
