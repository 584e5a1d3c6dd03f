//! Log formats: how to recognise each, and what its keys mean.
//!
//! A format is one file: its [`Signature`]s, its key table and its traits; sample lines with the documents they become lie in
//! `tests/data/formats/<name>`. To add one, write the file, list it in [`SPECS`] in the order of detection, and add its
//! [`Format`].
//!
//! A key that the format's own table does not name is looked up among the ECS names, then among the habits of application
//! authors ([`common`]), then among the metrics. Earlier rows win over later ones where two keys of a line mean the same.

mod clef;
mod common;
mod ecs;
mod generic;
mod log4rs;
mod logback;
mod logrus;
mod node_bunyan;
mod pino;
mod python;
mod serilog;
mod signature;
mod slog;
mod slog_rust;
mod structlog;
mod tracing_bunyan;
mod tracing_json;
mod winston;
mod zap;
mod zerolog;

pub(super) use signature::Seen;

use super::Level;
use super::lookup::Names;
use super::scan::Kind;
use super::targets::{Field, Target};
use signature::{Compiled, Mark, Signature};
use std::sync::LazyLock;

/// How a line was understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Elastic Common Schema as the ecs-logging libraries write it.
    Ecs,
    /// tracing-bunyan-formatter (Rust).
    TracingBunyan,
    /// node-bunyan.
    NodeBunyan,
    /// pino (Node).
    Pino,
    /// logstash-logback-encoder (Java).
    Logback,
    /// `tracing-subscriber`'s JSON, nested or flattened.
    TracingJson,
    /// `log4rs`' JSON encoder (Rust).
    Log4rs,
    /// zap (Go).
    Zap,
    /// structlog (Python).
    Structlog,
    /// python-json-logger.
    Python,
    /// Compact log event format of Serilog (.NET).
    Clef,
    /// Serilog's own JSON (.NET).
    Serilog,
    /// `log/slog` (Go).
    Slog,
    /// `slog-json` (Rust).
    SlogRust,
    /// logrus (Go).
    Logrus,
    /// zerolog (Go).
    Zerolog,
    /// winston (Node).
    Winston,
    /// A JSON object of none of the known formats.
    Generic,
    /// Anything else.
    Text,
}

impl Format {
    /// The name used in explanations and metrics.
    pub fn name(self) -> &'static str {
        match SPECS.iter().find(|spec| spec.format == self) {
            Some(spec) => spec.name,
            None => "text",
        }
    }
}

/// The signature of a format in words.
pub(super) fn signature_text(format: Format) -> &'static str {
    SPECS.iter().find(|spec| spec.format == format).map_or("not one JSON object", |spec| spec.signature_text)
}

/// What the operator asked for with `format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// Detect each line.
    Auto,
    /// One of these; the first unless another one's signature matches.
    Only(&'static [Format]),
    /// Do not look for JSON.
    Text,
}

/// Values of `format` and what they select.
const CHOICES: &[(&str, Choice)] = &[
    ("auto", Choice::Auto),
    ("ecs", Choice::Only(&[Format::Ecs])),
    ("bunyan", Choice::Only(&[Format::TracingBunyan, Format::NodeBunyan])),
    ("tracing", Choice::Only(&[Format::TracingJson])),
    ("pino", Choice::Only(&[Format::Pino])),
    ("winston", Choice::Only(&[Format::Winston])),
    ("logback", Choice::Only(&[Format::Logback])),
    ("log4rs", Choice::Only(&[Format::Log4rs])),
    ("zap", Choice::Only(&[Format::Zap])),
    ("zerolog", Choice::Only(&[Format::Zerolog])),
    ("logrus", Choice::Only(&[Format::Logrus])),
    ("slog", Choice::Only(&[Format::Slog, Format::SlogRust])),
    ("structlog", Choice::Only(&[Format::Structlog])),
    ("python", Choice::Only(&[Format::Python])),
    ("clef", Choice::Only(&[Format::Clef, Format::Serilog])),
    ("text", Choice::Text),
];

/// Values of the `format` setting this agent knows.
pub fn names() -> impl Iterator<Item = &'static str> {
    CHOICES.iter().map(|(name, _)| *name)
}

pub(super) fn choice(name: &str) -> Option<Choice> {
    CHOICES.iter().find(|(known, _)| *known == name).map(|(_, choice)| *choice)
}

/// What the value of a key becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum To {
    /// A field, if the value has its shape or can be given it.
    Field(Field),
    /// `@timestamp`.
    Time,
    /// `log.level`.
    Level(Levels),
    /// `message`, `event.action` and the span's name, from `[SPAN - START]`, `[SPAN - END]` and `[SPAN - EVENT] text`.
    SpanMessage,
    /// `event.duration`.
    Duration(Unit),
    /// A part of `event.duration` as text with unit, which also stays a label.
    SpanTime,
    /// `process.thread.id` from a number or `ThreadId(3)`.
    ThreadId,
    /// An error's text: `error.message`, or as [`To::Stack`] if it has several lines.
    ErrorText,
    /// `error.stack_trace`, and from its first or last line type and message.
    Stack,
    /// `http.request.method`, if it is the name of a method.
    Method,
    /// `http.response.status_code`, if it is one.
    Status,
    /// `url.original` and `url.path`, if it starts with `/`.
    UrlTarget,
    /// `url.path`, if it starts with `/`.
    UrlPath,
    /// `client.ip`, or `client.address` if it is no address.
    Client,
    /// `log.origin.file.name` and `.line` from `path:line`.
    Caller,
    /// A mark of the format itself, which says nothing about the event.
    Nothing,
    /// An object whose members count as members of the line.
    Inline,
    /// The innermost span: its members count as members of the line, its `name` names the span.
    Span,
    /// All spans, outermost first, the innermost included.
    Spans,
}

/// What numbers mean as levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Levels {
    /// Nothing.
    Words,
    /// 10 trace … 60 fatal.
    Tens,
    /// Nothing, and the word `Verbose` is the lowest level.
    Serilog,
}

/// Unit of a duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Nanoseconds,
    Microseconds,
    Milliseconds,
    Seconds,
    /// Texts name their unit, numbers have that of the format's library.
    Stated,
}

/// One row of a key table: a key, or the dotted path of a member of an object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    path: &'static str,
    to: To,
}

const fn key(path: &'static str, to: To) -> Key {
    Key { path, to }
}

const fn field(path: &'static str, target: Target) -> Key {
    Key { path, to: To::Field(Field(target as u16)) }
}

/// A format.
#[derive(Debug)]
pub(super) struct Spec {
    pub(super) format: Format,
    pub(super) name: &'static str,
    /// How to recognise it; one match is enough.
    signatures: &'static [Signature],
    /// Its signature in words, for explanations.
    pub(super) signature_text: &'static str,
    /// Keys of the format itself, before all others.
    pub(super) keys: &'static [Key],
    /// Keys that count only where nothing else gave the field.
    pub(super) late_keys: &'static [Key],
    /// Whether the habits of application authors apply.
    pub(super) common_keys: bool,
    /// Whether keys are compared without regard to case.
    pub(super) any_case: bool,
    /// Whether texts may carry Rust's debug quotes (`?value`).
    pub(super) debug_texts: bool,
    /// Unit in which the library writes its own type for lengths of time as a number; [`Unit::Stated`] where it has none, and
    /// such numbers are left alone.
    pub(super) durations: Unit,
    /// The level of lines without one, where the library leaves that out.
    pub(super) absent_level: Option<Level>,
}

/// Traits most formats share, for the rest of a [`Spec`].
const PLAIN: Spec = Spec {
    format: Format::Generic,
    name: "",
    signatures: &[],
    signature_text: "",
    keys: &[],
    late_keys: &[],
    common_keys: true,
    any_case: false,
    debug_texts: false,
    durations: Unit::Stated,
    absent_level: None,
};

/// All formats in the order of detection; the last takes what is left.
const SPECS: &[&Spec] = &[
    &ecs::SPEC,
    &clef::SPEC,
    &tracing_bunyan::SPEC,
    &node_bunyan::SPEC,
    &pino::SPEC,
    &logback::SPEC,
    &tracing_json::SPEC,
    &log4rs::SPEC,
    &zap::SPEC,
    &structlog::SPEC,
    &python::SPEC,
    &serilog::SPEC,
    &slog_rust::SPEC,
    &slog::SPEC,
    &logrus::SPEC,
    &zerolog::SPEC,
    &winston::SPEC,
    &generic::SPEC,
];

/// What a format does with one key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    /// What the value becomes; `None` for mere prefixes of longer paths.
    pub(super) to: Option<To>,
    /// Order among the keys of one target, smaller wins.
    pub(super) order: u16,
    /// An object here holds members that the table names.
    pub(super) prefix: bool,
}

/// The key tables of all formats, ready for look-ups.
#[derive(Debug)]
pub(super) struct Tables {
    /// Every path any table names, and every prefix of one.
    names: Names,
    /// For each name its bit in [`Seen`], 0 for names no signature asks for.
    bits: Vec<u64>,
    tables: Vec<Table>,
}

/// The compiled form of a [`Spec`].
#[derive(Debug)]
pub(super) struct Table {
    pub(super) spec: &'static Spec,
    rules: Vec<Option<Rule>>,
    signatures: Vec<Compiled>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(Tables::compile);

/// The key tables.
pub(super) fn tables() -> &'static Tables {
    &TABLES
}

/// Number of a name no table knows.
pub(super) const UNKNOWN: u16 = u16::MAX;

/// Distance between the orders of two layers of keys; 0 is left to the configuration.
const LAYER: u16 = 512;

impl Tables {
    /// The number of a path, [`UNKNOWN`] if no format names it.
    #[inline]
    pub(super) fn number(&self, path: &[u8]) -> u16 {
        self.names.find(path).unwrap_or(UNKNOWN)
    }

    /// Notes that the line has the key `number` at its top, with a value whose text begins with `first`.
    #[inline]
    pub(super) fn see(&self, number: u16, kind: Kind, first: u8, seen: &mut Seen) {
        if let Some(bit) = self.bits.get(usize::from(number)) {
            seen.add(*bit, kind, first);
        }
    }

    /// The table for a line with these keys.
    pub(super) fn detect(&self, seen: &Seen, choice: Choice) -> &Table {
        let candidates = match choice {
            Choice::Only(formats) => formats,
            _ => return self.tables.iter().find(|table| table.matches(seen)).unwrap_or(self.generic()),
        };
        let mut tables =
            candidates.iter().filter_map(|format| self.tables.iter().find(|t| t.spec.format == *format));
        let first = tables.clone().next().unwrap_or(self.generic());
        tables.find(|table| table.matches(seen)).unwrap_or(first)
    }

    fn generic(&self) -> &Table {
        self.tables.last().expect("the list of formats is not empty")
    }

    fn compile() -> Self {
        let mut names = Names::default();
        let layers: Vec<Vec<(Key, u16)>> = SPECS.iter().map(|spec| spec_keys(spec)).collect();
        for (key, _) in layers.iter().flatten() {
            for (dot, _) in key.path.match_indices('.') {
                names.add(&key.path.as_bytes()[..dot]);
            }
            names.add(key.path.as_bytes());
        }
        let mut marked: Vec<&str> = Vec::new();
        for signature in SPECS.iter().flat_map(|spec| spec.signatures) {
            for key in signature.keys() {
                names.add(key.as_bytes());
                if !marked.contains(&key) {
                    marked.push(key);
                }
            }
        }
        assert!(marked.len() <= 64, "signatures ask for more than 64 different keys");
        let bit = |key: &str| marked.iter().position(|other| *other == key).map_or(0, |at| 1u64 << at);
        let bits =
            (0..names.len()).map(|number| bit(std::str::from_utf8(names.name(number as u16)).unwrap_or("")));
        let bits = bits.collect();
        let tables =
            SPECS.iter().zip(layers).map(|(spec, keys)| Table::compile(spec, &keys, &names, bit)).collect();
        Self { names, bits, tables }
    }
}

/// All keys of a format with their order.
fn spec_keys(spec: &Spec) -> Vec<(Key, u16)> {
    let ecs = ecs::names();
    let metrics = Field::all().filter(|field| field.is_metric());
    let metrics = metrics.map(|field| Key { path: field.path(), to: To::Field(field) }).collect();
    let common = if spec.common_keys { common::KEYS.to_vec() } else { Vec::new() };
    let layers = [spec.keys.to_vec(), ecs, common, metrics, spec.late_keys.to_vec()];
    let ordered = layers.into_iter().zip(0u16..).flat_map(|(keys, layer)| {
        assert!(keys.len() < usize::from(LAYER), "a key table has too many rows");
        keys.into_iter().zip(layer * LAYER + 1..)
    });
    ordered.collect()
}

impl Table {
    #[inline]
    pub(super) fn rule(&self, number: u16) -> Option<Rule> {
        self.rules.get(usize::from(number)).copied().flatten()
    }

    fn matches(&self, seen: &Seen) -> bool {
        self.spec.signatures.is_empty() || self.signatures.iter().any(|signature| signature.matches(seen))
    }

    fn compile(spec: &'static Spec, keys: &[(Key, u16)], names: &Names, bit: impl Fn(&str) -> u64) -> Self {
        let mut rules: Vec<Option<Rule>> = vec![None; names.len()];
        let number = |path: &[u8]| usize::from(names.find(path).expect("every path was added before"));
        for (key, order) in keys {
            for (dot, _) in key.path.match_indices('.') {
                let rule = &mut rules[number(&key.path.as_bytes()[..dot])];
                rule.get_or_insert(Rule { to: None, order: 0, prefix: true }).prefix = true;
            }
            let to = match key.to {
                To::Duration(Unit::Stated) => To::Duration(spec.durations),
                to => to,
            };
            match &mut rules[number(key.path.as_bytes())] {
                // The first layer that names a key decides.
                Some(Rule { to: Some(_), .. }) => {}
                Some(rule) => (rule.to, rule.order) = (Some(to), *order),
                free => *free = Some(Rule { to: Some(to), order: *order, prefix: false }),
            }
        }
        let signatures = spec.signatures.iter().map(|signature| Compiled::new(signature, &bit)).collect();
        Self { spec, rules, signatures }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_the_frozen_setting_that_is_known_selects_a_format() {
        for name in names() {
            assert!(choice(name).is_some());
        }
        assert_eq!(choice("ini"), None);
    }

    #[test]
    fn the_last_format_takes_everything() {
        assert!(SPECS.last().unwrap().signatures.is_empty());
        assert!(SPECS.iter().rev().skip(1).all(|spec| !spec.signatures.is_empty()));
    }

    #[test]
    fn no_table_names_a_key_twice() {
        for spec in SPECS {
            for keys in [spec.keys, spec.late_keys, common::KEYS] {
                for (at, key) in keys.iter().enumerate() {
                    let twice = keys[at + 1..].iter().any(|other| other.path == key.path);
                    assert!(!twice, "{} names {} twice", spec.name, key.path);
                }
            }
        }
    }

    #[test]
    fn keys_of_formats_without_case_are_written_in_lower_case() {
        for spec in SPECS.iter().filter(|spec| spec.any_case) {
            for key in spec.keys {
                assert_eq!(key.path, key.path.to_lowercase(), "{}", spec.name);
            }
        }
    }
}
