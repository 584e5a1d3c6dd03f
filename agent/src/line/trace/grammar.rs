//! What lines of stack traces look like, and which of them goes on which.
//!
//! Seen in the output of OpenJDK 17, CPython 3.12, rustc 1.9x, Go 1.2x and Node 20; .NET as documented.

use super::console::{self, ConsoleEntry};
use std::ops::Range;

/// What the last line of a trace was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Last {
    /// A line that tells of trouble; a trace may follow.
    Message,
    /// The name of an exception, or a further line of its message.
    Exception,
    /// A frame of Java, .NET or JavaScript.
    Frame,
    /// A line of the properties behind a JavaScript trace.
    Property,
    /// Python's headline, a frame or its source.
    PythonFrame,
    /// The exception below Python's frames.
    PythonEnd,
    /// A blank line behind that.
    PythonGap,
    /// Python's sentence between two traces.
    PythonLink,
    /// A line of Python's exception group.
    PythonGroup,
    /// `thread '…' panicked at …:`.
    RustPanic,
    /// A line of a panic's message.
    RustMessage,
    /// A frame of Rust, or a note below them.
    RustFrame,
    /// `panic: …` and what belongs to it.
    GoPanic,
    /// A blank line of a Go trace.
    GoGap,
    /// `goroutine 1 [running]:`, or the place of a Go frame.
    GoPlace,
    /// The function of a Go frame.
    GoFunction,
    /// A line of an entry of .NET's console.
    ConsoleEntry,
}

/// How a line goes on a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Surely.
    Joins(Last),
    /// If one that surely does comes soon.
    May(Last),
    /// Not.
    Ends,
}

use Step::{Ends, Joins, May};

const PYTHON_LINKS: [&[u8]; 2] = [
    b"During handling of the above exception, another exception occurred:",
    b"The above exception was the direct cause of the following exception:",
];

/// Whether any line that begins with this byte goes on a trace that a line of ordinary text began.
pub(super) fn may_follow(first: u8) -> bool {
    first.is_ascii_alphabetic() || matches!(first, b' ' | b'\t' | b'_')
}

/// What `line` begins, with `next` behind it. The search for words is left for the few lines where a trace may follow.
pub(super) fn beginning(line: &[u8], next: &[u8]) -> Option<Last> {
    if let Some(last) = headline(line) {
        return Some(last);
    }
    if console::goes_on(next) && ConsoleEntry::head(line).is_some() {
        return Some(Last::ConsoleEntry);
    }
    if step(Last::Message, next) != Ends {
        return prelude(line);
    }
    match step(Last::Exception, next) {
        Ends => None,
        _ => prelude(line).filter(|last| *last == Last::Exception),
    }
}

/// Whether a line is the first one of a trace by itself, whatever follows.
pub(super) fn headline(line: &[u8]) -> Option<Last> {
    let named = match line.first()? {
        b't' if line.starts_with(b"thread '") && contains(line, b" panicked at ") => match line.last() {
            Some(b':') => Last::RustPanic,
            _ => Last::RustMessage,
        },
        b'T' if is_python_head(line) => Last::PythonFrame,
        b'p' if line.starts_with(b"panic: ") => Last::GoPanic,
        b'f' if line.starts_with(b"fatal error: ") => Last::GoPanic,
        b'g' if is_goroutine(line) => Last::GoPlace,
        b' ' | b'\t' => return indented_headline(line),
        _ => return None,
    };
    Some(named)
}

/// The middle of a trace whose beginning is elsewhere.
fn indented_headline(line: &[u8]) -> Option<Last> {
    if is_rust_place(line) {
        Some(Last::RustFrame)
    } else if is_frame(line) {
        Some(Last::Frame)
    } else if is_go_place(line) {
        Some(Last::GoPlace)
    } else if line.starts_with(b"  File \"") {
        Some(Last::PythonFrame)
    } else if is_python_group(line) {
        Some(Last::PythonGroup)
    } else {
        None
    }
}

/// What a line of ordinary text is to a trace behind it. `None`: it tells of no trouble.
pub(super) fn prelude(line: &[u8]) -> Option<Last> {
    if line.trim_ascii_start().first() == Some(&b'{') {
        return None;
    }
    match exception(line) {
        Some(_) => Some(Last::Exception),
        None => tells_of_trouble(line).then_some(Last::Message),
    }
}

/// How `line` goes on a trace whose last line was `last`.
pub(super) fn step(last: Last, line: &[u8]) -> Step {
    if line.first() == Some(&b'{') {
        return Ends;
    }
    let is_blank = super::super::is_blank(line);
    match last {
        Last::Message | Last::Exception => behind_message(last, line, is_blank),
        Last::Frame | Last::Property => behind_frame(last, line),
        Last::PythonFrame | Last::PythonEnd | Last::PythonGap | Last::PythonLink | Last::PythonGroup => {
            python(last, line, is_blank)
        }
        Last::RustPanic | Last::RustMessage | Last::RustFrame => rust(last, line),
        Last::GoPanic | Last::GoGap | Last::GoPlace | Last::GoFunction => go(last, line, is_blank),
        Last::ConsoleEntry if console::goes_on(line) => Joins(Last::ConsoleEntry),
        Last::ConsoleEntry => Ends,
    }
}

fn behind_message(last: Last, line: &[u8], is_blank: bool) -> Step {
    if is_python_head(line) {
        return Joins(Last::PythonFrame);
    }
    if is_python_group_head(line) {
        return Joins(Last::PythonGroup);
    }
    if is_goroutine(line) {
        return Joins(Last::GoPlace);
    }
    if is_backtrace_head(line) {
        return Joins(Last::RustFrame);
    }
    match behind_frame(last, line) {
        Ends if last == Last::Message && exception(line).is_some() => May(Last::Exception),
        Ends if last == Last::Exception && !is_blank && is_indented(line) => May(Last::Exception),
        step => step,
    }
}

fn behind_frame(last: Last, line: &[u8]) -> Step {
    let text = line.trim_ascii_start();
    let starts = |beginnings: &[&[u8]]| beginnings.iter().any(|beginning| text.starts_with(beginning));
    if last == Last::Property {
        return match line {
            b"}" => Joins(Last::Frame),
            _ if is_indented(line) => Joins(Last::Property),
            _ => Ends,
        };
    }
    if is_frame(line) {
        return Joins(if line.ends_with(b" {") { Last::Property } else { Last::Frame });
    }
    if starts(&[b"Caused by: ", b"Wrapped by: "]) || is_indented(line) && starts(&[b"Suppressed: ", b"---> "])
    {
        return Joins(Last::Exception);
    }
    let goes_on =
        starts(&[b"--- End of "]) || is_indented(line) && starts(&[b"... ", b"[CIRCULAR REFERENCE"]);
    if goes_on { Joins(Last::Frame) } else { Ends }
}

fn python(last: Last, line: &[u8], is_blank: bool) -> Step {
    match last {
        Last::PythonFrame if is_indented(line) && !is_blank => Joins(Last::PythonFrame),
        Last::PythonFrame if is_python_exception(line) => Joins(Last::PythonEnd),
        Last::PythonGroup if is_python_group(line) => Joins(Last::PythonGroup),
        Last::PythonEnd | Last::PythonGroup if is_blank => May(Last::PythonGap),
        Last::PythonGap if PYTHON_LINKS.contains(&line) => May(Last::PythonLink),
        Last::PythonLink if is_blank => May(Last::PythonLink),
        Last::PythonLink if is_python_head(line) => Joins(Last::PythonFrame),
        Last::PythonLink if is_python_group_head(line) => Joins(Last::PythonGroup),
        _ => Ends,
    }
}

fn rust(last: Last, line: &[u8]) -> Step {
    let is_note =
        line.starts_with(b"note: run with `RUST_BACKTRACE") || line.starts_with(b"note: Some details");
    let is_frame =
        is_rust_frame(line) || is_rust_place(line) || is_indented(line) && contains(line, b"[... omitted");
    match last {
        _ if is_backtrace_head(line) || is_note => Joins(Last::RustFrame),
        Last::RustFrame if is_frame => Joins(Last::RustFrame),
        Last::RustFrame => Ends,
        _ if matches!(headline(line), Some(Last::RustPanic | Last::RustMessage)) => Ends,
        Last::RustPanic => Joins(Last::RustMessage),
        _ if line.starts_with(b"  left: ") || line.starts_with(b" right: ") => Joins(Last::RustMessage),
        _ => May(Last::RustMessage),
    }
}

fn go(last: Last, line: &[u8], is_blank: bool) -> Step {
    match last {
        Last::GoFunction if is_go_place(line) => Joins(Last::GoPlace),
        Last::GoFunction => Ends,
        _ if is_goroutine(line) => Joins(Last::GoPlace),
        _ if is_blank => May(Last::GoGap),
        Last::GoPanic if line.first() == Some(&b'\t') || line.starts_with(b"[signal ") => {
            Joins(Last::GoPanic)
        }
        Last::GoPlace if line.starts_with(b"...additional frames elided") => Joins(Last::GoPlace),
        Last::GoPlace if line.starts_with(b"\tgoroutine running on other thread") => Joins(Last::GoPlace),
        Last::GoPlace if is_go_function(line) => May(Last::GoFunction),
        _ => Ends,
    }
}

fn is_indented(line: &[u8]) -> bool {
    matches!(line.first(), Some(b' ' | b'\t'))
}

fn contains(line: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(line, part).is_some()
}

/// `at a.B.c(B.java:3)`, `at A.B() in /src/a.cs:line 3`, `at f (/app/a.js:3:9)`, `at node:internal/main:28:49`.
fn is_frame(line: &[u8]) -> bool {
    let Some(place) = line.trim_ascii_start().strip_prefix(b"at ") else { return false };
    let ends_with_number = || {
        let place = place.strip_suffix(b" {").unwrap_or(place);
        let digits = place.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        digits > 0 && place[..place.len() - digits].ends_with(b":")
    };
    is_indented(line) && (place.contains(&b'(') || ends_with_number())
}

/// Where the qualified name is that ends as names of exceptions do, at the beginning of the line or behind what runtimes put
/// before it.
pub(super) fn exception(line: &[u8]) -> Option<Range<usize>> {
    let thrown = behind_runtime_words(line);
    let start = line.len() - thrown.len();
    let is_name =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'$' | b'/' | b'`');
    let name = &thrown[..thrown.iter().take_while(|byte| is_name(byte)).count()];
    let ends = [&b"Exception"[..], b"Error", b"Throwable", b"Failure", b"Interrupt", b"Exit"];
    let behind = &thrown[name.len()..];
    let is_whole = behind.is_empty() || behind.starts_with(b":") || behind.starts_with(b" [");
    let is_exception = is_whole
        && name.first().is_some_and(u8::is_ascii_alphabetic)
        && ends.iter().any(|end| name.ends_with(end));
    is_exception.then_some(start..start + name.len())
}

fn behind_runtime_words(line: &[u8]) -> &[u8] {
    match line.strip_prefix(b"Exception in thread \"") {
        Some(rest) => memchr::memchr(b'"', rest).and_then(|at| rest.get(at + 2..)).unwrap_or(b""),
        None => line.strip_prefix(b"Unhandled exception. ").unwrap_or(line),
    }
}

fn is_python_head(line: &[u8]) -> bool {
    line == b"Traceback (most recent call last):"
}

fn is_python_group_head(line: &[u8]) -> bool {
    line.trim_ascii_start() == b"+ Exception Group Traceback (most recent call last):"
}

fn is_python_group(line: &[u8]) -> bool {
    is_indented(line) && {
        let text = line.trim_ascii_start();
        text == b"|" || [&b"| "[..], b"+-", b"+ Exception Group"].iter().any(|start| text.starts_with(start))
    }
}

/// `ValueError: odd`, `KeyboardInterrupt`: a name with small letters, so that `INFO: started` is none.
pub(super) fn is_python_exception(line: &[u8]) -> bool {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_');
    let name = &line[..line.iter().take_while(|byte| is_name(byte)).count()];
    let is_whole =
        line.len() == name.len() || line[name.len()..].starts_with(b": ") || &line[name.len()..] == b":";
    is_whole && name.first().is_some_and(u8::is_ascii_alphabetic) && name.iter().any(u8::is_ascii_lowercase)
}

fn is_backtrace_head(line: &[u8]) -> bool {
    line.eq_ignore_ascii_case(b"stack backtrace:")
}

/// `   0: core::panicking::panic_fmt`.
fn is_rust_frame(line: &[u8]) -> bool {
    let text = line.trim_ascii_start();
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    line.first() == Some(&b' ') && (1..=5).contains(&digits) && text[digits..].starts_with(b": ")
}

/// `             at ./src/main.rs:2:5`.
fn is_rust_place(line: &[u8]) -> bool {
    line.starts_with(b"             at ") || line.starts_with(b"                at ")
}

/// `goroutine 1 [running]:`.
fn is_goroutine(line: &[u8]) -> bool {
    let Some(number) = line.strip_prefix(b"goroutine ") else { return false };
    let digits = number.iter().take_while(|byte| byte.is_ascii_digit()).count();
    digits > 0 && contains(&number[digits..], b"[") && line.ends_with(b"]:")
}

/// `net/http.(*conn).serve(0x1, {0x2})`, `created by main.main in goroutine 1`.
fn is_go_function(line: &[u8]) -> bool {
    if line.starts_with(b"created by ") {
        return true;
    }
    let before = line.iter().position(|byte| matches!(byte, b'(' | b' ')).unwrap_or(line.len());
    let is_call = line.get(before) == Some(&b'(') && line.ends_with(b")");
    is_call && (before == 5 && line.starts_with(b"panic") || line[..before].contains(&b'.'))
}

/// `\t/app/main.go:12 +0x5b`.
fn is_go_place(line: &[u8]) -> bool {
    line.first() == Some(&b'\t')
        && [&b".go:"[..], b".s:", b"_cgo_gotypes.go:"].iter().any(|place| contains(line, place))
        && !line.trim_ascii_start().starts_with(b"at ")
}

/// Words of levels and mishaps, in capitals, small letters or with one capital.
fn tells_of_trouble(line: &[u8]) -> bool {
    const WORDS: [&[u8]; 11] = [
        b"error",
        b"exception",
        b"fatal",
        b"severe",
        b"warn",
        b"critical",
        b"panic",
        b"fail",
        b"throwable",
        b"traceback",
        b"unhandled",
    ];
    // Words can only begin with these letters.
    let begins = |byte: &u8| matches!(byte | 0x20, b'e' | b'f' | b's' | b'w' | b'c' | b'p' | b't' | b'u');
    (0..line.len()).filter(|at| begins(&line[*at])).any(|at| {
        WORDS
            .iter()
            .any(|word| line[at..].get(..word.len()).is_some_and(|here| here.eq_ignore_ascii_case(word)))
    })
}
