//! The header of a syslog message, and what it says of the text behind it.
//!
//! RFC 5424 as it stands; RFC 3164 as well as can be, for it has no grammar. The text is understood as any other line, and what
//! it says itself of its time, level, host or process beats the header.

use super::document::DERIVED;
use super::targets::{Field, Target};
use super::walk::Walk;
use super::{Trace, number, text};
use jiff::Timestamp;
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;

/// A header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    priority: u8,
    is_5424: bool,
    time: Option<When>,
    host: Option<&'a [u8]>,
    app: Option<&'a [u8]>,
    procid: Option<&'a [u8]>,
    msgid: Option<&'a [u8]>,
    /// `[id name="value"…]…`, or nothing.
    elements: &'a [u8],
}

/// When a message was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    At(Timestamp),
    /// RFC 3164 states neither year nor zone.
    Yearless {
        month: i8,
        day: i8,
        time: Time,
    },
}

const FACILITIES: [&str; 24] = [
    "kern",
    "user",
    "mail",
    "daemon",
    "auth",
    "syslog",
    "lpr",
    "news",
    "uucp",
    "cron",
    "authpriv",
    "ftp",
    "ntp",
    "security",
    "console",
    "solaris-cron",
    "local0",
    "local1",
    "local2",
    "local3",
    "local4",
    "local5",
    "local6",
    "local7",
];

const SEVERITIES: [(&str, &str); 8] = [
    ("Emergency", "fatal"),
    ("Alert", "fatal"),
    ("Critical", "fatal"),
    ("Error", "error"),
    ("Warning", "warn"),
    ("Notice", "info"),
    ("Informational", "info"),
    ("Debug", "debug"),
];

/// The id of the element in which Cloud Foundry says whose message it is.
const CLOUD_FOUNDRY: &[u8] = b"tags@47450";

impl<'a> Header<'a> {
    /// The header and the text behind it. `None`: it does not begin as syslog does.
    pub(super) fn split(message: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let digits = message.strip_prefix(b"<")?;
        let end = digits.iter().take(4).position(|byte| *byte == b'>').filter(|end| *end > 0)?;
        let priority: u8 =
            std::str::from_utf8(&digits[..end]).ok()?.parse().ok().filter(|priority| *priority < 192)?;
        let behind = &digits[end + 1..];
        let empty = Self {
            priority,
            is_5424: false,
            time: None,
            host: None,
            app: None,
            procid: None,
            msgid: None,
            elements: b"",
        };
        match behind.strip_prefix(b"1 ").and_then(|rest| Self::rfc5424(empty, rest)) {
            Some(found) => Some(found),
            None => Some(Self::rfc3164(empty, behind)),
        }
    }

    fn rfc5424(empty: Self, rest: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let mut parts = rest.splitn(6, |byte| *byte == b' ');
        let mut part =
            || parts.next().map(|part| Some(part).filter(|part| *part != b"-" && !part.is_empty()));
        let (time, host, app, procid) = (part()?, part()?, part()?, part()?);
        // An empty text may go with the blanks before it.
        let msgid = part()?;
        let behind = parts.next().unwrap_or(b"");
        let len = elements_len(behind);
        let (elements, text) = behind.split_at(len);
        let text = match elements {
            b"" => behind.strip_prefix(b"-").filter(|text| matches!(text, [] | [b' ', ..])).unwrap_or(behind),
            _ => text,
        };
        let text = text.strip_prefix(b" ").unwrap_or(text);
        let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
        let time = time.and_then(timestamp).map(When::At);
        Some((Self { is_5424: true, time, host, app, procid, msgid, elements, ..empty }, text))
    }

    fn rfc3164(empty: Self, behind: &'a [u8]) -> (Self, &'a [u8]) {
        let behind = behind.strip_prefix(b" ").unwrap_or(behind);
        let Some((time, rest)) = yearless(behind).or_else(|| {
            let (word, rest) = word(behind)?;
            Some((When::At(timestamp(word)?), rest))
        }) else {
            return (empty, behind);
        };
        let timed = Self { time: Some(time), ..empty };
        // What a program writes to its own machine's socket names no host.
        if let Some((app, procid, text)) = tag(rest) {
            return (Self { app: Some(app), procid, ..timed }, text);
        }
        match word(rest) {
            None => (timed, rest),
            Some((host, rest)) => match tag(rest) {
                Some((app, procid, text)) => {
                    (Self { host: Some(host), app: Some(app), procid, ..timed }, text)
                }
                None => (Self { host: Some(host), ..timed }, rest),
            },
        }
    }

    /// What it is, in words.
    pub(super) fn words(&self) -> String {
        let rfc = if self.is_5424 { "RFC 5424" } else { "RFC 3164" };
        let facility = FACILITIES[usize::from(self.priority >> 3)];
        let (severity, _) = SEVERITIES[usize::from(self.priority & 7)];
        format!("{rfc}, facility {facility}, severity {severity}")
    }

    fn is_of_cloud_foundry(&self) -> bool {
        self.params().any(|param| param.id == CLOUD_FOUNDRY)
    }

    fn params(&self) -> Params<'a> {
        Params { id: b"", rest: self.elements }
    }
}

impl When {
    /// Of the years in question the last that is not over a day ahead of `read_at`.
    fn resolve(self, zone: &TimeZone, read_at: Timestamp) -> Option<Timestamp> {
        let (month, day, time) = match self {
            Self::At(at) => return Some(at),
            Self::Yearless { month, day, time } => (month, day, time),
        };
        let year = zone.to_datetime(read_at).year();
        let latest = read_at.as_second() + 24 * 3600;
        [year + 1, year, year - 1].into_iter().find_map(|year| {
            let date = jiff::civil::Date::new(year, month, day).ok()?;
            let at = zone.to_ambiguous_timestamp(DateTime::from_parts(date, time)).compatible().ok()?;
            (at.as_second() <= latest).then_some(at)
        })
    }
}

fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|byte| *byte == b' ')?;
    (end > 0).then(|| (&text[..end], &text[end + 1..]))
}

fn timestamp(text: &[u8]) -> Option<Timestamp> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// `Aug 21 10:15:30 `, days below ten with a blank before them.
fn yearless(text: &[u8]) -> Option<(When, &[u8])> {
    const MONTHS: [&[u8]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    let (date, rest) = text.split_at_checked(15)?;
    let month = MONTHS.iter().position(|month| date.starts_with(month))?;
    let number =
        |from: usize| std::str::from_utf8(&date[from..from + 2]).ok()?.trim_start().parse::<i8>().ok();
    let is_shaped = date[3] == b' ' && date[6] == b' ' && date[9] == b':' && date[12] == b':';
    let time = Time::new(number(7)?, number(10)?, number(13)?, 0).ok()?;
    let when = When::Yearless { month: month as i8 + 1, day: number(4)?, time };
    is_shaped.then(|| (when, rest.strip_prefix(b" ").unwrap_or(rest)))
}

type Tag<'a> = (&'a [u8], Option<&'a [u8]>, &'a [u8]);

/// `app: `, `app[pid]: `.
fn tag(text: &[u8]) -> Option<Tag<'_>> {
    let end = text.iter().position(|byte| matches!(byte, b' ' | b':' | b'[')).filter(|end| *end > 0)?;
    let (app, rest) = text.split_at(end);
    let (procid, rest) = match rest.strip_prefix(b"[") {
        None => (None, rest),
        Some(inside) => {
            let end = inside.iter().position(|byte| matches!(byte, b' ' | b']'))?;
            (Some(&inside[..end]), inside[end..].strip_prefix(b"]")?)
        }
    };
    let text = rest.strip_prefix(b":")?;
    Some((app, procid, text.strip_prefix(b" ").unwrap_or(text)))
}

/// Length of the elements at the beginning of `text`; 0 if there are none that end.
fn elements_len(text: &[u8]) -> usize {
    let mut len = 0;
    while text.get(len) == Some(&b'[') {
        let Some(end) = element_end(&text[len..]) else { break };
        len += end;
    }
    len
}

/// Behind the `]` that is in no value.
fn element_end(text: &[u8]) -> Option<usize> {
    let (mut is_value, mut is_escaped) = (false, false);
    for (at, byte) in text.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_value => is_escaped = true,
            b'"' => is_value = !is_value,
            b']' if !is_value => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// One `name="value"`.
#[derive(Debug, Clone, Copy)]
struct Param<'a> {
    id: &'a [u8],
    name: &'a [u8],
    /// As it is written, with its escapes.
    value: &'a [u8],
}

/// Walks over all parameters of all elements.
struct Params<'a> {
    id: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Iterator for Params<'a> {
    type Item = Param<'a>;

    fn next(&mut self) -> Option<Param<'a>> {
        loop {
            match self.rest {
                [b'[', behind @ ..] => {
                    let end = behind.iter().position(|byte| matches!(byte, b' ' | b']'))?;
                    (self.id, self.rest) = behind.split_at(end);
                }
                [b' ' | b']', behind @ ..] => self.rest = behind,
                _ => break,
            }
        }
        let equals = memchr::memchr(b'=', self.rest)?;
        let (name, behind) = (&self.rest[..equals], self.rest[equals + 1..].strip_prefix(b"\"")?);
        let mut is_escaped = false;
        let end = behind.iter().position(|byte| {
            let ends = *byte == b'"' && !is_escaped;
            is_escaped = *byte == b'\\' && !is_escaped;
            ends
        })?;
        self.rest = &behind[end + 1..];
        Some(Param { id: self.id, name, value: &behind[..end] })
    }
}

impl Param<'_> {
    fn text(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.value.len());
        let mut rest = self.value.iter().peekable();
        while let Some(byte) = rest.next() {
            let escaped = rest.next_if(|next| *byte == b'\\' && matches!(next, b'"' | b'\\' | b']'));
            out.push(*escaped.unwrap_or(byte));
        }
        out
    }

    /// `tags@47450` and `app_id`: `tags_app_id`.
    fn label(&self) -> Vec<u8> {
        let id = self.id.split(|byte| *byte == b'@').next().unwrap_or(self.id);
        // Keys of lines are sound text by the time they get here; this one is as the sender wrote it.
        String::from_utf8_lossy(&[id, b"_", self.name].concat()).into_owned().into_bytes()
    }
}

impl<T: Trace> Walk<'_, T> {
    /// Fills what a syslog header says, where the line and the configuration do not.
    pub(super) fn syslog(&mut self, header: &Header<'_>, read_at: Timestamp) {
        let (facility, severity) = (header.priority >> 3, header.priority & 7);
        let (severity_name, level) = SEVERITIES[usize::from(severity)];
        self.count("<PRI>", Target::LogSyslogPriority, header.priority);
        self.count("<PRI>", Target::LogSyslogFacilityCode, facility);
        self.say("<PRI>", Target::LogSyslogFacilityName, FACILITIES[usize::from(facility)].as_bytes());
        self.count("<PRI>", Target::LogSyslogSeverityCode, severity);
        self.say("<PRI>", Target::LogSyslogSeverityName, severity_name.as_bytes());
        self.say("<PRI>", Target::LogLevel, level.as_bytes());
        let version = header.is_5424.then_some(&b"1"[..]);
        let said = [
            ("<VERSION>", Target::LogSyslogVersion, version),
            ("<HOSTNAME>", Target::LogSyslogHostname, header.host),
            ("<APP-NAME>", Target::LogSyslogAppname, header.app),
            ("<PROCID>", Target::LogSyslogProcid, header.procid),
            ("<MSGID>", Target::LogSyslogMsgid, header.msgid),
            ("<HOSTNAME>", Target::HostName, header.host),
        ];
        for (part, target, value) in said {
            value.into_iter().for_each(|value| self.say(part, target, value));
        }
        match header.is_of_cloud_foundry() {
            true => self.cloud_foundry(header),
            false => self.process(header),
        }
        for param in header.params() {
            let text = param.text();
            let piece = self.document.scratch_piece(|out| text::write_quoted(&text, out));
            self.label_piece(&param.label(), piece);
        }
        let time = header.time.and_then(|when| when.resolve(self.zone, read_at));
        let is_taken = self.time_around(time);
        if is_taken {
            self.told("<TIMESTAMP>", Target::Timestamp);
        }
        self.mapped.zone_assumed |= is_taken && matches!(header.time, Some(When::Yearless { .. }));
    }

    fn process(&mut self, header: &Header<'_>) {
        if let Some(app) = header.app {
            self.say("<APP-NAME>", Target::ProcessName, app);
        }
        let pid = header.procid.and_then(|procid| std::str::from_utf8(procid).ok()?.parse::<u32>().ok());
        if let Some(pid) = pid.filter(|_| !self.has(Target::ProcessPid)) {
            self.word(Target::ProcessPid, pid.to_string().as_bytes());
            self.told("<PROCID>", Target::ProcessPid);
        }
    }

    /// The names an application has from its own environment, see [`super::Environment`]: the program is a GUID here.
    fn cloud_foundry(&mut self, header: &Header<'_>) {
        let tag = |name: &str| {
            let is_wanted = |param: &Param<'_>| param.id == CLOUD_FOUNDRY && param.name == name.as_bytes();
            header.params().find(is_wanted).map(|param| param.text())
        };
        let node = tag("app_name").zip(tag("instance_id")).map(|(app, instance)| [app, instance].join(&b'/'));
        let named = [
            (Target::ServiceName, tag("app_name")),
            (Target::ServiceEnvironment, tag("space_name")),
            (Target::ServiceNodeName, node),
            (Target::OrganizationName, tag("organization_name")),
        ];
        for (target, value) in named {
            value.iter().for_each(|value| self.say("[tags@47450]", target, value));
        }
    }

    /// Gives the field what this part of the header says, unless the line or the configuration has said it.
    fn say(&mut self, part: &str, target: Target, value: &[u8]) {
        if !self.has(target) {
            let piece = self.document.scratch_piece(|out| text::write_quoted(value, out));
            self.set(target, piece, DERIVED);
            self.told(part, target);
        }
    }

    fn count(&mut self, part: &str, target: Target, value: u8) {
        if !self.has(target) {
            let piece = self.document.scratch_piece(|out| number::write(u64::from(value), out));
            self.set(target, piece, DERIVED);
            self.told(part, target);
        }
    }

    fn told(&mut self, part: &str, target: Target) {
        self.trace.mapped(part.as_bytes(), Field::from(target).path());
    }
}

#[cfg(test)]
mod tests;
