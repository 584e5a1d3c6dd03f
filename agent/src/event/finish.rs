//! What a document gets besides the values of its line: identity, requests, metrics, times, flags.

use super::Refusal;
use super::document::{DERIVED, Piece, STATED, Slot, Source};
use super::identity::{Fixed, FixedLabel};
use super::layout::Rank;
use super::leftovers::Space;
use super::targets::Target;
use super::walk::Walk;
use super::{Around, Frame, Level, Line, LineEnd, SpanPart, Trace, number, text, time};
use jiff::Timestamp;

impl<T: Trace> Walk<'_, T> {
    /// Fills what the line cannot say: the configuration's values, the place of the line, and when it was read.
    pub(super) fn state(
        &mut self,
        stated: &[Fixed],
        labels: &[FixedLabel],
        line: &Line<'_>,
        created: Piece,
        path_end: u32,
    ) {
        self.set(Target::EventCreated, created, STATED);
        let offset = self.document.scratch_piece(|out| number::write(line.offset, out));
        self.set(Target::LogOffset, offset, STATED);
        if path_end > 0 {
            self.set(Target::LogFilePath, Piece { source: Source::File, start: 0, end: path_end }, STATED);
        }
        for fixed in stated {
            self.fix(fixed, STATED);
        }
        labels.iter().for_each(|label| self.stated_label(label));
    }

    pub(super) fn whole_line(&self) -> Piece {
        Piece::new(Source::LineText, 0..self.bytes.line.len())
    }

    /// Fills what was around the line and what the path says, where the line does not.
    pub(super) fn around(&mut self, around: Option<Around<'_>>, line: &Line<'_>, container: &[Fixed]) {
        for fixed in container {
            if self.document.slot(fixed.rank).is_none() {
                let piece = Piece { source: Source::File, start: fixed.start, end: fixed.end };
                self.document.fill(fixed.rank, Slot { piece, order: DERIVED, origin: None });
            }
        }
        match around {
            None => {}
            Some(Around::Container(frame)) => self.frame(frame),
            Some(Around::Syslog(header)) => self.syslog(&header, line.read_at),
        }
    }

    fn frame(&mut self, frame: Frame) {
        let stream =
            self.document.scratch_piece(|out| text::write_quoted(frame.stream.name().as_bytes(), out));
        self.label_piece(b"stream", stream);
        self.time_around(frame.time);
    }

    /// The time something around the line states, unless the line states a usable one. Says whether it was taken.
    pub(super) fn time_around(&mut self, time: Option<Timestamp>) -> bool {
        let time = time.and_then(|time| i64::try_from(time.as_nanosecond()).ok());
        let Some(unix_ns) = time.filter(|_| !self.has(Target::Timestamp)) else { return false };
        let piece = self.document.scratch_piece(|out| {
            out.push(b'"');
            time::write(unix_ns, out);
            out.push(b'"');
        });
        self.set(Target::Timestamp, piece, DERIVED);
        self.mapped.timestamp = Some(unix_ns.div_euclid(1_000_000));
        true
    }

    /// Fills what nothing has said yet.
    pub(super) fn assume(&mut self, assumed: &[Fixed], created: Piece) {
        if let Some(level) = self.table.spec.absent_level
            && !self.has(Target::LogLevel)
        {
            self.word(Target::LogLevel, format!("\"{}\"", level.word()).as_bytes());
        }
        if let Some(nanoseconds) = self.span_ns {
            let piece = self.document.scratch_piece(|out| number::write(nanoseconds.unsigned_abs(), out));
            self.derive(Target::EventDuration, piece);
            self.word(Target::EventAction, b"\"end\"");
        }
        self.request();
        if self.has_metric && !self.has(Target::EventCategory) {
            self.word(Target::EventKind, b"\"metric\"");
        }
        for fixed in assumed {
            if self.document.slot(fixed.rank).is_none() {
                self.fix(fixed, DERIVED);
            }
        }
        self.name_node();
        if !self.has(Target::Timestamp) {
            self.set(Target::Timestamp, created, DERIVED);
        }
        if !self.has(Target::Message) {
            let error = self.slot(Target::ErrorMessage).map(|slot| slot.piece);
            self.set(Target::Message, error.unwrap_or(self.whole_line()), DERIVED);
        }
    }

    /// A request end is one line with method, status and duration; `event.category: web` on it is what boards count.
    fn request(&mut self) {
        if self.part == Some(SpanPart::Start) {
            return;
        }
        let status = self.slot(Target::HttpResponseStatusCode).map(|slot| slot.piece);
        let Some(status) =
            status.filter(|_| self.has(Target::HttpRequestMethod) && self.has(Target::EventDuration))
        else {
            return;
        };
        let status = number::whole(self.bytes.of(status, self.document));
        let failed = status.is_some_and(|status| status >= 500) || self.level >= Some(Level::Error);
        self.word(Target::EventOutcome, if failed { b"\"failure\"" } else { b"\"success\"" });
        self.word(Target::EventCategory, b"[\"web\"]");
    }

    /// `service.node.name`: `<host.name>:<process.pid>` where nothing better is known.
    fn name_node(&mut self) {
        let (Some(host), Some(pid)) = (self.slot(Target::HostName), self.slot(Target::ProcessPid)) else {
            return;
        };
        if self.has(Target::ServiceNodeName) {
            return;
        }
        let (host, pid) = (host.piece, pid.piece);
        let start = self.document.scratch.len();
        let mut name = std::mem::take(&mut self.document.list);
        name.push(b'"');
        let text = self.bytes.of(host, self.document);
        let inner = text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")).unwrap_or(text);
        name.extend_from_slice(inner);
        name.push(b':');
        name.extend_from_slice(self.bytes.of(pid, self.document));
        name.push(b'"');
        self.document.scratch.append(&mut name);
        self.document.list = name;
        let piece = Piece::new(Source::Scratch, start..self.document.scratch.len());
        self.set(Target::ServiceNodeName, piece, DERIVED);
    }

    /// Says in the document what was wrong with its line.
    pub(super) fn flag(&mut self, end: LineEnd, refusal: Option<Refusal>) {
        let flags = [
            (self.mapped.cut, &b"\"truncated\""[..]),
            (self.mapped.partial, b"\"partial\""),
            (self.mapped.invalid_utf8, b"\"invalid_utf8\""),
        ];
        if flags.iter().any(|(set, _)| *set) {
            let list = self.document.scratch_piece(|out| {
                for (at, (_, flag)) in flags.iter().filter(|(set, _)| *set).enumerate() {
                    out.push(if at == 0 { b'[' } else { b',' });
                    out.extend_from_slice(flag);
                }
                out.push(b']');
            });
            self.set(Target::LogFlags, list, STATED);
        }
        if let LineEnd::Cut { original_len } = end {
            self.label_number(b"original_bytes", original_len);
        }
        if refusal.is_some_and(|refusal| refusal != Refusal::NotAnObject) {
            self.word(Target::Tags, b"[\"_jsonparsefailure\"]");
        }
    }

    fn stated_label(&mut self, label: &FixedLabel) {
        let Some(number) = self.keys.claim(label.space, &label.path) else { return };
        let members = match label.space {
            Space::Labels => &mut self.document.labels,
            Space::Numbers => &mut self.document.numbers,
        };
        if !members.is_empty() {
            members.push(b',');
        }
        members.extend_from_slice(self.keys.fragment(label.space, number));
        members.extend_from_slice(&label.json);
    }

    /// Gives a field one of the mapper's own values unless the line has stated another.
    pub(super) fn word(&mut self, target: Target, json: &[u8]) {
        if !self.has(target) {
            let piece = self.document.scratch_piece(|out| out.extend_from_slice(json));
            self.set(target, piece, DERIVED);
        }
    }

    fn fix(&mut self, fixed: &Fixed, order: u16) {
        let piece = Piece { source: Source::Stream, start: fixed.start, end: fixed.end };
        self.document.fill(fixed.rank, Slot { piece, order, origin: None });
    }

    pub(super) fn set(&mut self, target: Target, piece: Piece, order: u16) {
        self.document.fill(self.layout.rank(target), Slot { piece, order, origin: None });
    }

    fn slot(&self, target: Target) -> Option<&Slot> {
        let rank: Rank = self.layout.rank(target);
        self.document.slot(rank)
    }

    pub(super) fn has(&self, target: Target) -> bool {
        self.slot(target).is_some()
    }
}
