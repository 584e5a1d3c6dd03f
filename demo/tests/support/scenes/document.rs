//! A log line as the document it should become, told by the names that the services write.
//!
//! This knows nothing of the agent's tables: what the boards show is held against it.

use dashboards::kql::{Comparison, Literal, Query};
use dashboards::model::Field;
use serde_json::{Map, Value as Json};
use std::collections::HashSet;
use std::sync::Arc;

/// Fields that queries of the boards name beside those of [`Field::ALL`].
const QUERIED: [&str; 4] = ["event.category", "event.outcome", "event.kind", "event.dataset"];

/// A value; moments are numbers of milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Number(f64),
    Text(Arc<str>),
}

/// What the boards can read of one line.
#[derive(Debug, Clone, Default)]
pub struct Document {
    fields: Vec<(&'static str, Cell)>,
}

/// Makes documents; equal texts are kept once.
#[derive(Default)]
pub struct Scribe {
    texts: HashSet<Arc<str>>,
}

impl Document {
    pub fn cell(&self, name: &str) -> Option<&Cell> {
        self.fields.iter().find(|(field, _)| *field == name).map(|(_, cell)| cell)
    }

    pub fn number(&self, name: &str) -> Option<f64> {
        match self.cell(name)? {
            Cell::Number(number) => Some(*number),
            Cell::Text(_) => None,
        }
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        match self.cell(name)? {
            Cell::Number(_) => None,
            Cell::Text(text) => Some(text),
        }
    }

    /// Milliseconds since 1970.
    pub fn time(&self) -> i64 {
        self.number("@timestamp").expect("every document has a time") as i64
    }

    pub fn add(&mut self, name: &'static str, cell: Cell) {
        self.fields.push((name, cell));
    }

    pub fn matches(&self, query: &Query) -> bool {
        match query {
            Query::All => true,
            Query::And(all) => all.iter().all(|query| self.matches(query)),
            Query::Or(any) => any.iter().any(|query| self.matches(query)),
            Query::Not(query) => !self.matches(query),
            Query::Is(Some(field), literal) => {
                let field = field.as_plain().expect("a field without wildcards");
                match literal {
                    _ if *query == Query::exists(field) => self.cell(field).is_some(),
                    Literal::Phrase(text) => self.is(field, text),
                    Literal::Bare(text) => self.is(field, text.as_plain().expect("no wildcard")),
                    Literal::Boolean(_) => panic!("no board asks for a boolean: {query:?}"),
                }
            }
            Query::Compare(field, comparison, bound) => {
                let bound: f64 = bound.parse().expect("a number");
                self.number(field.as_plain().expect("no wildcard")).is_some_and(|value| match comparison {
                    Comparison::Less => value < bound,
                    Comparison::LessOrEqual => value <= bound,
                    Comparison::Greater => value > bound,
                    Comparison::GreaterOrEqual => value >= bound,
                })
            }
            other => panic!("no board asks this: {other:?}"),
        }
    }

    fn is(&self, field: &str, text: &str) -> bool {
        self.cell(field).is_some_and(|cell| match cell {
            Cell::Number(number) => text.parse() == Ok(*number),
            Cell::Text(own) => **own == *text,
        })
    }
}

impl Scribe {
    /// The document of a line of bunyan by a service or its users, shipped with that environment.
    pub fn of_line(&mut self, line: &Map<String, Json>, environment: &str) -> Document {
        let mut document = Document::default();
        for (name, value) in line {
            let ecs = match &**name {
                "name" => "service.name",
                "msg" => "message",
                "pid" => "process.pid",
                "target" => "log.logger",
                "file" => "log.origin.file.name",
                "time" => "@timestamp",
                "level" | "service.environment" => continue,
                other => other,
            };
            self.add(&mut document, ecs, value);
        }
        document.add("service.environment", self.cell_of_text(environment));
        document.add("log.level", self.cell_of_text(level(&line["level"])));
        document.add("event.dataset", self.cell_of_text("app"));
        if let Some(message) = line.get("error.message") {
            self.add(&mut document, "error.message.keyword", message);
        }
        let has = |name| line.contains_key(name);
        if has("http.request.method") && has("http.response.status_code") && has("event.duration") {
            document.add("event.category", self.cell_of_text("web"));
        }
        // Users report how many answers they wait for, and that makes their line a metric.
        if has("http.client.active_requests") && document.cell("event.kind").is_none() {
            document.add("event.kind", self.cell_of_text("metric"));
        }
        document
    }

    /// The document as it was stored.
    pub fn of_source(&mut self, source: &Json) -> Document {
        let mut document = Document::default();
        self.collect(&mut document, String::new(), source);
        document
    }

    fn collect(&mut self, document: &mut Document, path: String, value: &Json) {
        let Json::Object(object) = value else { return self.add(document, &path, value) };
        for (key, value) in object {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            self.collect(document, path, value);
        }
    }

    fn add(&mut self, document: &mut Document, name: &str, value: &Json) {
        let all = Field::ALL.iter().map(|field| field.name).chain(QUERIED);
        let Some(name) = all.into_iter().find(|field| *field == name) else { return };
        let cell = match value {
            Json::String(time) if name == "@timestamp" => Cell::Number(millis(time) as f64),
            Json::String(text) if name == "message" => self.cell_of_text(&said(text)),
            Json::String(text) => self.cell_of_text(text),
            Json::Array(list) if list.len() == 1 => return self.add(document, name, &list[0]),
            other => Cell::Number(other.as_f64().unwrap_or_else(|| panic!("{name} is {other}"))),
        };
        document.add(name, cell);
    }

    fn cell_of_text(&mut self, text: &str) -> Cell {
        if let Some(known) = self.texts.get(text) {
            return Cell::Text(Arc::clone(known));
        }
        let text: Arc<str> = text.into();
        self.texts.insert(Arc::clone(&text));
        Cell::Text(text)
    }
}

/// Engines keep milliseconds and cut the rest off.
pub fn millis(time: &str) -> i64 {
    let time: jiff::Timestamp = time.parse().unwrap_or_else(|error| panic!("{time}: {error}"));
    time.as_millisecond()
}

fn level(number: &Json) -> &'static str {
    match number.as_u64() {
        Some(10) => "trace",
        Some(20) => "debug",
        Some(30) => "info",
        Some(40) => "warn",
        Some(50) => "error",
        _ => panic!("no level of a service: {number}"),
    }
}

/// Without the frame that the formatter puts around a message: `[REQUEST - EVENT] it failed`, `[REQUEST - END]`.
fn said(message: &str) -> String {
    let framed = message.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    match framed {
        Some((frame, "")) => frame.to_owned(),
        Some((frame, rest)) if frame.ends_with(" - EVENT") => rest.trim_start().to_owned(),
        _ => message.to_owned(),
    }
}
