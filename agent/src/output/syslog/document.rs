//! An ECS document, read for syslog.

use jiff::Timestamp;
use serde_json::{Map, Value};

/// Members that a message holds under another name, in its head or in its structured data, and those that say nothing there.
const LIFTED: [&str; 18] = [
    "@timestamp",
    "message",
    "log.level",
    "log.logger",
    "log.offset",
    "log.file.path",
    "host.name",
    "service.name",
    "service.environment",
    "service.node.name",
    "process.pid",
    "process.thread.name",
    "event.duration",
    "event.created",
    "event.dataset",
    "ecs.version",
    "error.type",
    "error.message",
];

/// A document.
#[derive(Debug)]
pub(super) struct Document(Map<String, Value>);

/// A number and the path to it.
#[derive(Debug)]
pub(super) struct Number {
    pub(super) name: String,
    /// As JSON.
    pub(super) text: String,
}

impl Document {
    pub(super) fn parse(json: &[u8]) -> Option<Self> {
        match serde_json::from_slice(json) {
            Ok(Value::Object(members)) => Some(Self(members)),
            _ => None,
        }
    }

    pub(super) fn json(&self) -> String {
        Value::Object(self.0.clone()).to_string()
    }

    fn value(&self, path: &str) -> Option<&Value> {
        let mut names = path.split('.');
        let first = self.0.get(names.next()?)?;
        names.try_fold(first, |value, name| value.get(name))
    }

    pub(super) fn text(&self, path: &str) -> Option<String> {
        Some(self.value(path)?.as_str()?.to_owned())
    }

    pub(super) fn number(&self, path: &str) -> Option<Number> {
        let value = self.value(path).filter(|value| value.is_number())?;
        Some(Number { name: path.to_owned(), text: value.to_string() })
    }

    pub(super) fn pid(&self) -> String {
        self.number("process.pid").map_or_else(|| "-".into(), |number| number.text)
    }

    pub(super) fn time(&self) -> Option<Timestamp> {
        self.text("@timestamp")?.parse().ok()
    }

    pub(super) fn is_metric(&self) -> bool {
        self.text("event.kind").is_some_and(|kind| kind == "metric") && !self.metrics().is_empty()
    }

    /// Type, message and stack trace as one text.
    pub(super) fn exception(&self) -> Option<String> {
        let (kind, message) = (self.text("error.type"), self.text("error.message"));
        let head = match (kind, message) {
            (Some(kind), Some(message)) => Some(format!("{kind}: {message}")),
            (kind, message) => kind.or(message),
        };
        match (head, self.text("error.stack_trace")) {
            (Some(head), Some(stack)) if !stack.starts_with(&head) => Some(format!("{head}\n{stack}")),
            (_, Some(stack)) => Some(stack),
            (head, None) => head,
        }
    }

    /// `event.duration` in milliseconds, as JSON.
    pub(super) fn duration_ms(&self) -> Option<String> {
        let nanos = self.value("event.duration")?.as_u64()?;
        let rest = nanos % 1_000_000;
        let whole = nanos / 1_000_000;
        match rest {
            0 => Some(whole.to_string()),
            _ => Some(format!("{whole}.{rest:06}").trim_end_matches('0').to_owned()),
        }
    }

    /// What no other part of a message holds.
    pub(super) fn others(&self) -> Map<String, Value> {
        let mut rest = self.0.clone();
        for path in LIFTED.iter().chain(&["error.stack_trace"]) {
            remove(&mut rest, path);
        }
        rest
    }

    /// Every number of a metric event that is measured, not told.
    pub(super) fn metrics(&self) -> Vec<Number> {
        let mut found = Vec::new();
        for (name, value) in &self.0 {
            if !["log", "event", "labels", "numeric_labels", "service", "host"].contains(&name.as_str()) {
                collect(name, value, &mut found);
            }
        }
        found.retain(|number| number.name != "process.pid");
        found
    }
}

fn collect(path: &str, value: &Value, found: &mut Vec<Number>) {
    match value {
        Value::Number(number) => found.push(Number { name: path.to_owned(), text: number.to_string() }),
        Value::Object(members) => {
            for (name, value) in members {
                collect(&format!("{path}.{name}"), value, found);
            }
        }
        _ => {}
    }
}

/// Removes a member, and objects that are empty without it.
fn remove(members: &mut Map<String, Value>, path: &str) {
    let Some((name, rest)) = path.split_once('.') else {
        members.remove(path);
        return;
    };
    if let Some(Value::Object(below)) = members.get_mut(name) {
        remove(below, rest);
        if below.is_empty() {
            members.remove(name);
        }
    }
}
