//! What each kind of key makes of its value.

use super::document::{DERIVED, Origin, Piece, Source};
use super::format::{Levels, To, Unit};
use super::scan::Kind;
use super::targets::{Field, Shape, Target};
use super::walk::{Walk, path_bytes};
use super::{Level, SpanPart, Trace, number};
use std::ops::Range;

const METHODS: [&[u8]; 10] =
    [b"GET", b"POST", b"PUT", b"DELETE", b"HEAD", b"PATCH", b"OPTIONS", b"CONNECT", b"TRACE", b"QUERY"];

impl<T: Trace> Walk<'_, T> {
    /// Whether the value found its place. If not, it is left over.
    #[inline]
    pub(super) fn convert(&mut self, to: To, origin: Origin, order: u16) -> bool {
        let at = origin.node as usize;
        match to {
            To::Field(field) => self.field(field, origin, order),
            To::Time => self.event_time(origin, order),
            To::Level(levels) => self.event_level(levels, origin, order),
            To::SpanMessage => self.span_message(origin, order),
            To::Duration(unit) => self.duration(unit, origin, order),
            To::SpanTime => self.span_time(at),
            To::ThreadId => self.thread_id(origin, order),
            To::ErrorText => self.error_text(origin, order),
            To::Stack => self.stack(origin, order),
            To::Method => {
                METHODS.contains(&self.plain(at)) && self.give_text(Target::HttpRequestMethod, origin, order)
            }
            To::Status => self.status(origin, order),
            To::UrlTarget => self.url_target(origin, order),
            To::UrlPath => {
                self.inner(at).first() == Some(&b'/') && self.give_text(Target::UrlPath, origin, order)
            }
            To::Client => self.client(origin, order),
            To::Caller => self.caller(origin, order),
            To::Nothing => true,
            To::Inline | To::Span | To::Spans => false,
        }
    }

    fn field(&mut self, field: Field, origin: Origin, order: u16) -> bool {
        let at = origin.node as usize;
        // An empty name says as little as `null`: tracing-bunyan writes one for the host it was not built to ask for.
        if field.shape() == Shape::Keyword && self.raw(at) == b"\"\"" {
            self.trace.dropped(path_bytes(self.bytes.line, self.document, origin.path));
            return true;
        }
        let piece = self.shaped(field.shape(), at);
        piece.is_some_and(|piece| self.give(field, piece, order, Some(origin)))
    }

    /// The inside of a text without debug quotes.
    fn plain(&self, at: usize) -> &[u8] {
        let inner = self.inner(at);
        let undebugged = || inner.strip_prefix(b"\\\"")?.strip_suffix(b"\\\"");
        undebugged().unwrap_or(inner)
    }

    fn give_text(&mut self, target: Target, origin: Origin, order: u16) -> bool {
        let piece = self.text(origin.node as usize);
        self.give(target, piece, order, Some(origin))
    }

    fn event_time(&mut self, origin: Origin, order: u16) -> bool {
        let Some((piece, time)) = self.time(origin.node as usize) else { return false };
        let wins = self.wins(self.layout.rank(Target::Timestamp), order);
        let given = self.give(Target::Timestamp, piece, order, Some(origin));
        if given && wins {
            self.mapped.timestamp = Some(time.unix_ms());
            self.mapped.zone_assumed = time.zone_assumed;
        }
        given
    }

    fn event_level(&mut self, levels: Levels, origin: Origin, order: u16) -> bool {
        let at = origin.node as usize;
        if !self.wins(self.layout.rank(Target::LogLevel), order) {
            return false;
        }
        let (level, exact) = match self.nodes[at].kind {
            Kind::Number if levels == Levels::Tens => match number::whole(self.raw(at)) {
                Some(number) => Level::from_tens(number),
                None => return false,
            },
            Kind::Text if levels == Levels::Serilog && self.inner(at) == b"Verbose" => (Level::Trace, false),
            Kind::Text => match Level::from_word(self.plain(at)) {
                Some(found) => found,
                None if self.inner(at).is_empty() => return false,
                None => return self.give_text(Target::LogLevel, origin, order),
            },
            _ => return false,
        };
        self.level = Some(level);
        let piece = self.quoted(level.word());
        self.give(Target::LogLevel, piece, order, Some(origin));
        // The original stays where the word does not give it back.
        exact
    }

    fn quoted(&mut self, word: &str) -> Piece {
        self.document.scratch_piece(|out| {
            out.push(b'"');
            out.extend_from_slice(word.as_bytes());
            out.push(b'"');
        })
    }

    /// `[SPAN - START]`, `[SPAN - END]`, `[SPAN - EVENT] text` or a text outside of all spans.
    fn span_message(&mut self, origin: Origin, order: u16) -> bool {
        let at = origin.node as usize;
        let Some((part, name, message)) = split_span_message(self.inner(at)) else {
            let piece = self.shaped(Shape::Text, at);
            return piece.is_some_and(|piece| self.give(Target::Message, piece, order, Some(origin)));
        };
        let start = self.inner_range(at).start;
        let piece = Piece::new(Source::LineInner, start + message.start..start + message.end);
        if !self.give(Target::Message, piece, order, Some(origin)) {
            return false;
        }
        self.part = Some(part);
        let action = self.quoted(part.word());
        self.derive(Target::EventAction, action);
        self.label_piece(b"span_name", Piece::new(Source::LineInner, start + name.start..start + name.end));
        true
    }

    fn duration(&mut self, unit: Unit, origin: Origin, order: u16) -> bool {
        let at = origin.node as usize;
        let exponent = match unit {
            Unit::Nanoseconds => Some(0),
            Unit::Microseconds => Some(3),
            Unit::Milliseconds => Some(6),
            Unit::Seconds => Some(9),
            Unit::Stated => None,
        };
        let scaled = |number: &[u8]| number::scaled(number, exponent?);
        let nanoseconds = match self.nodes[at].kind {
            Kind::Number => scaled(self.raw(at)),
            Kind::Text => number::duration_ns(self.plain(at)).or_else(|| scaled(self.plain(at))),
            _ => None,
        };
        nanoseconds.is_some_and(|nanoseconds| self.give_duration(nanoseconds, order, Some(origin)))
    }

    fn give_duration(&mut self, nanoseconds: i64, order: u16, origin: Option<Origin>) -> bool {
        let piece = self.document.scratch_piece(|out| number::write(nanoseconds as u64, out));
        self.give(Target::EventDuration, piece, order, origin)
    }

    /// Adds up `time.busy` and `time.idle`; both stay labels, because they say where the time went.
    fn span_time(&mut self, at: usize) -> bool {
        if let Some(nanoseconds) = number::duration_ns(self.plain(at)) {
            self.span_ns = Some(self.span_ns.unwrap_or(0).saturating_add(nanoseconds));
            self.part = Some(SpanPart::End);
        }
        false
    }

    fn thread_id(&mut self, origin: Origin, order: u16) -> bool {
        let at = origin.node as usize;
        let digits = self.inner(at).strip_prefix(b"ThreadId(").and_then(|rest| rest.strip_suffix(b")"));
        let piece = match digits.and_then(number::whole) {
            Some(id) => Some(self.document.scratch_piece(|out| number::write(id.unsigned_abs(), out))),
            None => self.shaped(Shape::Long, at),
        };
        piece.is_some_and(|piece| self.give(Target::ProcessThreadId, piece, order, Some(origin)))
    }

    fn error_text(&mut self, origin: Origin, order: u16) -> bool {
        let at = origin.node as usize;
        if self.nodes[at].kind != Kind::Text {
            return false;
        }
        if line_breaks(self.inner(at)).next().is_some() && self.stack(origin, order) {
            return true;
        }
        self.give_text(Target::ErrorMessage, origin, order)
    }

    fn stack(&mut self, origin: Origin, order: u16) -> bool {
        let at = origin.node as usize;
        // zerolog and structlog can write the frames as objects.
        if self.nodes[at].kind == Kind::Array && self.all_elements(at, |_, kind| kind == Kind::Object) {
            let piece = self.json_text(at);
            self.exception_object(at + 1);
            return self.give(Target::ErrorStackTrace, piece, order, Some(origin));
        }
        if self.nodes[at].kind != Kind::Text || !self.give_text(Target::ErrorStackTrace, origin, order) {
            return false;
        }
        let start = self.inner_range(at).start;
        let (kind, message) = headline(self.inner(at));
        let part =
            |range: Range<usize>| Piece::new(Source::LineInner, start + range.start..start + range.end);
        if let Some(kind) = kind {
            self.derive(Target::ErrorType, part(kind));
        }
        if let Some(message) = message {
            self.derive(Target::ErrorMessage, part(message));
        }
        true
    }

    /// Type and message from the first of structlog's exceptions.
    fn exception_object(&mut self, object: usize) {
        let Some(end) = self.nodes.get(object).map(|node| node.next as usize) else { return };
        let mut at = object + 1;
        while at < end {
            let piece = Piece::new(Source::Line, self.nodes[at].range());
            match (&self.bytes.line[self.nodes[at].key_range()], self.nodes[at].kind) {
                (b"exc_type", Kind::Text) => self.derive(Target::ErrorType, piece),
                (b"exc_value", Kind::Text) => self.derive(Target::ErrorMessage, piece),
                _ => {}
            }
            at = self.nodes[at].next as usize;
        }
    }

    fn status(&mut self, origin: Origin, order: u16) -> bool {
        let at = origin.node as usize;
        let written = if self.nodes[at].kind == Kind::Number { self.raw(at) } else { self.plain(at) };
        let Some(status) = number::whole(written).filter(|status| (100..600).contains(status)) else {
            return false;
        };
        let piece = self.document.scratch_piece(|out| number::write(status.unsigned_abs(), out));
        self.give(Target::HttpResponseStatusCode, piece, order, Some(origin))
    }

    fn url_target(&mut self, origin: Origin, order: u16) -> bool {
        let at = origin.node as usize;
        let inner = self.plain(at);
        if inner.first() != Some(&b'/') || !self.give_text(Target::UrlOriginal, origin, order) {
            return false;
        }
        let inner = self.plain(at);
        let path_len = inner.iter().position(|byte| matches!(byte, b'?' | b'#')).unwrap_or(inner.len());
        let debug_quote = (self.inner(at).len() - inner.len()) / 2;
        let start = self.inner_range(at).start + debug_quote;
        self.derive(Target::UrlPath, Piece::new(Source::LineInner, start..start + path_len));
        true
    }

    fn client(&mut self, origin: Origin, order: u16) -> bool {
        let at = origin.node as usize;
        match self.shaped(Shape::Ip, at) {
            Some(piece) => self.give(Target::ClientIp, piece, order, Some(origin)),
            None if self.inner(at).is_empty() => false,
            None => self.give_text(Target::ClientAddress, origin, order),
        }
    }

    fn caller(&mut self, origin: Origin, order: u16) -> bool {
        let at = origin.node as usize;
        let inner = self.inner(at);
        let colon = inner.iter().rposition(|byte| *byte == b':');
        let Some(colon) =
            colon.filter(|colon| number::whole(&inner[colon + 1..]).is_some_and(|line| line >= 0))
        else {
            return !inner.is_empty() && self.give_text(Target::LogOriginFileName, origin, order);
        };
        let line = number::whole(&inner[colon + 1..]).unwrap_or(0).unsigned_abs();
        let start = self.inner_range(at).start;
        let name = Piece::new(Source::LineInner, start..start + colon);
        if !self.give(Target::LogOriginFileName, name, order, Some(origin)) {
            return false;
        }
        let piece = self.document.scratch_piece(|out| number::write(line, out));
        self.give(Target::LogOriginFileLine, piece, DERIVED, None);
        true
    }
}

/// Span part, and where span name and message lie in a tracing-bunyan `msg`.
fn split_span_message(msg: &[u8]) -> Option<(SpanPart, Range<usize>, Range<usize>)> {
    const EVENT: &[u8] = b" - EVENT] ";
    if msg.first() != Some(&b'[') {
        return None;
    }
    for (suffix, part) in [(&b" - START]"[..], SpanPart::Start), (b" - END]", SpanPart::End)] {
        if let Some(name) = msg.strip_suffix(suffix) {
            return Some((part, 1..name.len().max(1), 1..msg.len() - 1));
        }
    }
    let name_end = msg.windows(EVENT.len()).position(|window| window == EVENT)?;
    (name_end > 0).then(|| (SpanPart::Event, 1..name_end, name_end + EVENT.len()..msg.len()))
}

/// Where type and message of an error lie in its stack trace: in the first line, for Python in the last one. Go's begin with
/// a frame, whose place stands in the second line.
fn headline(stack: &[u8]) -> (Option<Range<usize>>, Option<Range<usize>>) {
    let second = lines(stack).nth(1).map_or(&b""[..], |line| &stack[line]);
    if second.starts_with(b"\\t") && !second.starts_with(b"\\tat ") {
        return (None, None);
    }
    let line = match stack.starts_with(b"Traceback") {
        true => lines(stack).filter(|line| !line.is_empty()).last(),
        false => lines(stack).next().filter(|line| !line.is_empty()),
    };
    let Some(range) = line else { return (None, None) };
    let line = &stack[range.clone()];
    let is_type = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'$' | b':');
    match line.windows(2).position(|window| window == b": ") {
        Some(colon) if colon > 0 && line[..colon].iter().all(is_type) => {
            (Some(range.start..range.start + colon), Some(range.start + colon + 2..range.end))
        }
        _ => (None, Some(range)),
    }
}

/// The lines of a JSON text.
fn lines(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let ends = line_breaks(text).chain(std::iter::once(text.len()));
    ends.scan(0, |start, end| {
        let line = *start..end;
        *start = end + 2;
        Some(line)
    })
}

/// Where the escapes `\n` of a JSON text are.
fn line_breaks(text: &[u8]) -> impl Iterator<Item = usize> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let at = from + memchr::memchr(b'\\', text.get(from..)?)?;
            from = at + 2;
            if text.get(at + 1) == Some(&b'n') {
                return Some(at);
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn span_messages_are_taken_apart() {
        let split = |msg: &str| {
            let (part, name, message) = split_span_message(msg.as_bytes())?;
            Some((part, msg[name].to_owned(), msg[message].to_owned()))
        };
        let cases = [
            ("[A B - START]", Some((SpanPart::Start, "A B", "A B - START"))),
            ("[A - B - END]", Some((SpanPart::End, "A - B", "A - B - END"))),
            ("[A - EVENT] x [B - EVENT] y", Some((SpanPart::Event, "A", "x [B - EVENT] y"))),
            ("[A - EVENT] ", Some((SpanPart::Event, "A", ""))),
            ("[ - START]", Some((SpanPart::Start, "", " - START"))),
            ("plain", None),
            ("[A] plain", None),
            ("[A - EVENT]", None),
            ("", None),
        ];
        for (msg, expected) in cases {
            let expected = expected.map(|(part, name, message)| (part, name.to_owned(), message.to_owned()));
            assert_eq!(split(msg), expected, "{msg}");
        }
    }

    #[test]
    fn errors_are_read_off_their_stack() {
        let cases = [
            (r"Error: db timeout\n    at q (/app/db.js:4:9)", Some("Error"), Some("db timeout")),
            (
                r"java.io.IOException: no\n\tat shop.Db.q(Db.java:9)\n",
                Some("java.io.IOException"),
                Some("no"),
            ),
            (
                r"Traceback (most recent call last):\n  File\nTimeoutError: 3s\n",
                Some("TimeoutError"),
                Some("3s"),
            ),
            (r"main.q\n\t/app/db.go:12\nmain.main\n\t/app/main.go:3", None, None),
            (r"it broke: why\n  caused by", None, Some("it broke: why")),
            (r"broke at C:\\new: x", None, Some(r"broke at C:\\new: x")),
            ("", None, None),
        ];
        for (stack, kind, message) in cases {
            let (found_kind, found_message) = headline(stack.as_bytes());
            assert_eq!(
                (found_kind.map(|at| &stack[at]), found_message.map(|at| &stack[at])),
                (kind, message),
                "{stack}"
            );
        }
    }
}
