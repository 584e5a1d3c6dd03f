//! Records that do not come through `tracing`, and the writer under those that do.

use super::escape::{escaped, is_dangerous};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{self, Write};
use tracing::Level;

/// How records are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// One JSON object a line.
    Bunyan,
    /// One line to read.
    Text,
}

/// Writes one record to standard error. A log that cannot be written is no reason to stop.
pub(super) fn write(style: Style, level: Level, message: &str, fields: &[(&str, Value)]) {
    let line = match style {
        Style::Bunyan => bunyan(level, message, fields),
        Style::Text => text(level, message, fields),
    };
    let _unwritable = io::stderr().lock().write_all(line.as_bytes());
}

fn bunyan(level: Level, message: &str, fields: &[(&str, Value)]) -> String {
    let mut record = json!({
        "v": 0,
        "name": "blueox",
        "msg": message,
        "level": number(level),
        "hostname": rustix::system::uname().nodename().to_string_lossy(),
        "pid": std::process::id(),
        "time": jiff::Timestamp::now().to_string(),
        "target": "blueox",
    });
    for (name, value) in fields {
        record[*name] = value.clone();
    }
    let mut line = escaped_json(&record.to_string());
    line.push('\n');
    line
}

/// `07:41:12Z WARN  message  name=value`.
pub(super) fn text(level: Level, message: &str, fields: &[(&str, Value)]) -> String {
    let now = jiff::Timestamp::now().strftime("%H:%M:%SZ").to_string();
    let mut line = format!("{now} {level:<5} {}", escaped(message));
    for (name, value) in fields {
        let value = match value {
            Value::String(text) => escaped(text),
            other => other.to_string(),
        };
        let written = write!(line, "  {name}={value}");
        debug_assert!(written.is_ok(), "writing to a string");
    }
    line.push('\n');
    line
}

fn number(level: Level) -> u8 {
    match level {
        Level::ERROR => 50,
        Level::WARN => 40,
        Level::INFO => 30,
        Level::DEBUG => 20,
        Level::TRACE => 10,
    }
}

/// JSON lets DEL, C1, U+2028 and direction marks stand as they are; terminals and line readers do not take them so.
fn escaped_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        if is_dangerous(character) {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                let written = write!(out, "\\u{unit:04x}");
                debug_assert!(written.is_ok(), "writing to a string");
            }
        } else {
            out.push(character);
        }
    }
    out
}

/// Takes whole records of JSON, each with its line end, and escapes what JSON leaves.
#[derive(Debug, Clone, Copy)]
pub(super) struct EscapingStderr;

impl Write for EscapingStderr {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(record);
        let mut line = escaped_json(text.trim_end_matches('\n'));
        line.push('\n');
        io::stderr().lock().write_all(line.as_bytes())?;
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "a\x1b[31m\r\nb\u{2028}c\u{202e}d\u{9b}e\u{7f}";

    #[test]
    fn a_record_is_one_line_whatever_it_holds() {
        for line in [
            bunyan(Level::WARN, HOSTILE, &[("file", HOSTILE.into())]),
            text(Level::WARN, HOSTILE, &[("file", HOSTILE.into())]),
        ] {
            let content = line.strip_suffix('\n').expect("a line end");
            assert!(!content.contains(is_dangerous), "{content:?}");
        }
    }

    #[test]
    fn a_bunyan_record_reads_back_as_it_was() {
        let line = bunyan(Level::ERROR, HOSTILE, &[("file", HOSTILE.into())]);
        let record: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(
            (&record["msg"], &record["file"], &record["level"]),
            (&HOSTILE.into(), &HOSTILE.into(), &50.into())
        );
        assert_eq!((&record["v"], &record["name"]), (&0.into(), &"blueox".into()));
    }
}
