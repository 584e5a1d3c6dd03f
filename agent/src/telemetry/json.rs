//! Makes bunyan records good for any reader: one line, each key once, no value longer than 4 KiB.
//!
//! The bunyan layer writes event fields, then span fields, without a look at the keys that are there already (its own `file`
//! and `line` among them), and leaves in strings what JSON allows but a terminal or a line reader obeys. Records are few (see
//! `repeat`), so each is simply read and written again.

use super::{MAX_VALUE, is_dangerous};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use serde_json::Value;
use std::collections::HashSet;
use std::fmt::{self, Write as _};
use std::io::{self, Write};
use tracing::Metadata;
use tracing_subscriber::fmt::MakeWriter;

/// Hands out writers that take one whole record a call, as the bunyan layer writes them.
pub(super) struct JsonLines<M>(M);

impl<M> JsonLines<M> {
    pub(super) fn new(inner: M) -> Self {
        Self(inner)
    }
}

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for JsonLines<M> {
    type Writer = JsonLine<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        JsonLine(Some(self.0.make_writer()))
    }

    /// The bunyan layer also writes a record when a span opens or closes; those go nowhere.
    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Self::Writer {
        JsonLine(metadata.is_event().then(|| self.0.make_writer_for(metadata)))
    }
}

/// Writes records, or drops them where it has no inner writer.
pub(super) struct JsonLine<W>(Option<W>);

impl<W: Write> Write for JsonLine<W> {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        if let Some(inner) = &mut self.0 {
            inner.write_all(one_line(&String::from_utf8_lossy(record)).as_bytes())?;
        }
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.as_mut().map_or(Ok(()), Write::flush)
    }
}

/// The record as one line with its line feed.
fn one_line(record: &str) -> String {
    let rewritten =
        serde_json::from_str::<Fields>(record).and_then(|fields| serde_json::to_string(&fields.tidy()));
    let mut line = json_escaped(rewritten.as_deref().unwrap_or_else(|_| record.trim_end_matches('\n')));
    line.push('\n');
    line
}

/// Dangerous characters stand in strings only, where `\uXXXX` means the same; all of them are in the basic plane.
fn json_escaped(record: &str) -> String {
    let mut line = String::with_capacity(record.len() + 1);
    for character in record.chars() {
        match is_dangerous(character) {
            true => write!(line, "\\u{:04x}", u32::from(character)).expect("a string takes any text"),
            false => line.push(character),
        }
    }
    line
}

/// The fields of a record in their order, repeated keys included.
struct Fields(Vec<(String, Value)>);

impl Fields {
    /// Each key once and no long values. A field of the agent named `file` or `line` stands for what the record is about, so it
    /// replaces the place in the source; else the first of equal keys stays: core, then event, then span.
    fn tidy(mut self) -> Self {
        for key in ["file", "line"] {
            let mut places =
                self.0.iter().enumerate().filter(|(_, (name, _))| name == key).map(|(place, _)| place);
            if let (Some(source), Some(_)) = (places.next(), places.next()) {
                self.0.remove(source);
            }
        }
        let mut seen = HashSet::new();
        self.0.retain(|(name, _)| seen.insert(name.clone()));
        self.0.iter_mut().for_each(|(_, value)| cut(value));
        self
    }
}

fn cut(value: &mut Value) {
    if let Value::String(text) = value
        && text.len() > MAX_VALUE
    {
        let mut end = MAX_VALUE;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.replace_range(end.., "…");
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a bunyan record")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}
