//! A document as syslog messages (RFC 5424), in the dialect of their receiver. No I/O.
//!
//! The dialect of Logsearch is what its ingestor's filters take apart: host names of letters, digits, `-` and `.`; one element of
//! structured data whose values hold no `]`, `"` or `\`; a message that begins with `{"`; no byte order mark, no line feed.

use super::document::{Document, Number};
use crate::config::{CloudFoundry, Dialect};
use jiff::Timestamp;
use serde_json::Value;
use std::fmt::Write;

/// Facility "user-level messages", in the place it has in a priority.
const USER: u8 = 8;

const NOTICE: u8 = 5;

/// Logsearch cuts longer messages, and JSON that is cut is none.
pub const LOGSEARCH_MAX: usize = 1 << 20;

/// The most that fits a UDP datagram over IPv4.
pub const DATAGRAM_MAX: usize = 65_507;

/// Why a document has no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoMessage {
    /// It is no JSON object.
    #[error("the document is no JSON object")]
    NotAnObject,
    /// Too long for the way.
    #[error("the message has {len} bytes, and {max} is the most {what} takes")]
    TooLong {
        /// Its bytes.
        len: usize,
        /// Most bytes.
        max: usize,
        /// What sets the bound.
        what: &'static str,
    },
}

/// Writes messages of one dialect.
#[derive(Debug)]
pub struct Writer<'a> {
    dialect: &'a Dialect,
    shipper: String,
}

/// The messages of one document.
#[derive(Debug, PartialEq, Eq)]
pub struct Messages {
    /// Without the framing of their transport.
    pub texts: Vec<String>,
    /// The event's own time.
    pub time: Option<Timestamp>,
}

impl<'a> Writer<'a> {
    /// Messages that name `shipper` as the host they come from.
    pub fn new(dialect: &'a Dialect, shipper: &str) -> Self {
        Self { dialect, shipper: host(shipper) }
    }

    /// The messages of a document: one for each number of a metric event, else one.
    pub fn write(&self, document: &[u8]) -> Result<Messages, NoMessage> {
        let document = Document::parse(document).ok_or(NoMessage::NotAnObject)?;
        let texts = match self.dialect {
            Dialect::Rfc5424 => vec![self.rfc5424(&document)],
            Dialect::Logsearch | Dialect::CloudFoundry(_) if document.is_metric() => self.metrics(&document),
            Dialect::Logsearch => vec![self.logsearch(&document)],
            Dialect::CloudFoundry(app) => vec![self.cloud_foundry(&document, app)],
        };
        let longest = texts.iter().map(String::len).max().unwrap_or(0);
        if *self.dialect != Dialect::Rfc5424 && longest > LOGSEARCH_MAX {
            return Err(NoMessage::TooLong { len: longest, max: LOGSEARCH_MAX, what: "Logsearch" });
        }
        Ok(Messages { texts, time: document.time() })
    }

    fn rfc5424(&self, document: &Document) -> String {
        let head = self.head(document, severity(document), &app(document), &document.pid());
        format!("{head} - {}", document.json())
    }

    /// Shape A: where it comes from as structured data, the event as JSON.
    fn logsearch(&self, document: &Document) -> String {
        let head = self.head(document, severity(document), &app(document), &document.pid());
        let offset = document.number("log.offset").map(|number| number.text);
        let parameters = [
            ("type", Some("json".to_owned())),
            ("host", document.text("host.name")),
            ("service", document.text("service.name")),
            ("environment", document.text("service.environment")),
            ("path", document.text("log.file.path")),
            ("offset", offset),
        ];
        format!("{head} {} {}", element(&parameters), event_json(document))
    }

    /// Shape B: an app's line as the firehose would bring it.
    fn cloud_foundry(&self, document: &Document, app: &CloudFoundry) -> String {
        let head = self.head(document, severity(document), "doppler", &document.pid());
        let level = document.text("log.level").unwrap_or_else(|| "info".into());
        let mut json = Object::default();
        json.text("event_type", "LogMessage");
        let time = document.time().unwrap_or_default();
        json.raw("timestamp", &time.as_nanosecond().to_string());
        json.text("msg", &event_json(document));
        json.text("level", &level);
        json.text("message_type", "OUT");
        for (name, value) in [
            ("source_type", &app.source_type),
            ("source_instance", &app.instance),
            ("cf_app_id", &app.app_id),
            ("cf_app_name", &app.app_name),
            ("cf_org_name", &app.org),
            ("cf_space_name", &app.space),
            ("origin", &app.origin),
            ("deployment", &app.deployment),
            ("job", &app.job),
            ("job_index", &app.job_index),
            ("ip", &app.ip),
        ] {
            json.text(name, value);
        }
        json.text("time", &format!("{time:.0}"));
        format!("{head} - {}", json.end())
    }

    /// Shape C: `name value unix-seconds`.
    fn metrics(&self, document: &Document) -> Vec<String> {
        let time = document.time().unwrap_or_default();
        let app = app(document);
        let element = element(&[("type", Some("metric".to_owned())), ("host", document.text("host.name"))]);
        let line = |Number { name, text }| {
            let (priority, host, at) = (USER + NOTICE, &self.shipper, time.as_second());
            format!("<{priority}>1 {time:.0} {host} {app} - - {element} {name} {text} {at}")
        };
        document.metrics().into_iter().map(line).collect()
    }

    fn head(&self, document: &Document, severity: u8, app: &str, pid: &str) -> String {
        let time = document.time().unwrap_or_default();
        let micros = time.as_microsecond().rem_euclid(1_000_000);
        let digits = if micros % 1000 == 0 { 3 } else { 6 };
        format!("<{}>1 {time:.digits$} {} {app} {pid} -", USER + severity, self.shipper)
    }
}

fn severity(document: &Document) -> u8 {
    match document.text("log.level").as_deref() {
        Some("fatal") => 2,
        Some("error") => 3,
        Some("warn") => 4,
        Some("debug" | "trace") => 7,
        _ => 6,
    }
}

/// A host name the filters take: labels of letters, digits and `-` that begin with one of the former two.
fn host(name: &str) -> String {
    let plain = |label: &str| -> String {
        let safe = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let label: String = label.chars().map(safe).collect();
        label.trim_start_matches('-').chars().take(63).collect()
    };
    let labels: Vec<String> = name.split('.').map(plain).filter(|label| !label.is_empty()).collect();
    let mut host = labels.join(".");
    host.truncate(255);
    if host.is_empty() { "localhost".into() } else { host }
}

/// The program: printable, without what ends a program's name in syslog, 48 characters at most.
fn app(document: &Document) -> String {
    let safe = |c: char| if c.is_ascii_graphic() && !"[]:".contains(c) { c } else { '_' };
    let name: String = document.text("service.name").unwrap_or_default().chars().map(safe).take(48).collect();
    if name.is_empty() { "blueox".into() } else { name }
}

/// One element of structured data. A value may hold nothing that ends it, escaped or not.
fn element(parameters: &[(&str, Option<String>)]) -> String {
    let mut element = String::from("[agent@32473");
    for (name, value) in parameters {
        let Some(value) = value else { continue };
        let safe = |c: char| if c.is_control() || "]\"\\".contains(c) { '_' } else { c };
        let value: String = value.chars().map(safe).collect();
        let written = write!(element, " {name}=\"{value}\"");
        debug_assert!(written.is_ok(), "writing to a string");
    }
    element + "]"
}

/// What Logsearch lifts out of an app's JSON, under the names it knows; then what else the event has.
fn event_json(document: &Document) -> String {
    let mut json = Object::default();
    if let Some(time) = document.time() {
        json.text("timestamp", &format!("{time:.3}"));
    }
    let lifted = [
        ("level", document.text("log.level").map(|level| level.to_uppercase())),
        ("logger", document.text("log.logger")),
        ("thread", document.text("process.thread.name")),
        ("message", document.text("message")),
        ("exception", document.exception()),
    ];
    for (name, value) in lifted {
        if let Some(value) = value {
            json.text(name, &value);
        }
    }
    if let Some(duration) = document.duration_ms() {
        json.raw("duration_ms", &duration);
    }
    for (name, value) in document.others() {
        json.raw(&name, &value.to_string());
    }
    json.end()
}

/// A JSON object in the order its members are given.
#[derive(Default)]
struct Object(String);

impl Object {
    fn text(&mut self, name: &str, value: &str) {
        self.raw(name, &Value::from(value).to_string());
    }

    fn raw(&mut self, name: &str, json: &str) {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        let written = write!(self.0, "{}:{json}", Value::from(name));
        debug_assert!(written.is_ok(), "writing to a string");
    }

    fn end(self) -> String {
        if self.0.is_empty() { "{}".into() } else { self.0 + "}" }
    }
}

#[cfg(test)]
mod tests;
