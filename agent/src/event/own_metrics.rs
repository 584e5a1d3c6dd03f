//! The agent's own metric event: its accounts and its needs, as one document every ten seconds.

use super::identity::{ECS_VERSION, Environment};
use super::layout::{Nesting, layout};
use super::targets::{Field, Target};
use super::{number, text, time};
use jiff::Timestamp;
use metric_names::METRICS;

/// `event.dataset` of the agent's own events.
pub const DATASET: &str = "app.agent";

/// A moment in the life of the agent.
#[derive(Debug, Clone)]
pub struct OwnMetrics<'a> {
    /// When.
    pub at: Timestamp,
    /// Process id of the agent.
    pub pid: u32,
    /// Version of the agent.
    pub version: &'static str,
    /// Names from [`METRICS`] with their values. Whole numbers for counters and gauges.
    pub values: &'a [(&'static str, Value)],
}

/// A measured value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// A whole number.
    Whole(u64),
    /// A fraction; not written if it is not finite.
    Fraction(f64),
}

/// Appends the document, one JSON object on one line, without a line break behind it. Names that are not in [`METRICS`] and
/// fractions for whole-number metrics are a mistake of the caller: left out, and in debug builds a panic.
pub fn write(metrics: &OwnMetrics<'_>, environment: &Environment, out: &mut Vec<u8>) {
    let mut fields: Vec<(Field, Vec<u8>)> = Vec::new();
    let mut add = |field: Field, write: &dyn Fn(&mut Vec<u8>)| {
        let mut json = Vec::new();
        write(&mut json);
        fields.push((field, json));
    };
    let when = |out: &mut Vec<u8>| {
        out.push(b'"');
        time::write(metrics.at.as_millisecond().saturating_mul(1_000_000), out);
        out.push(b'"');
    };
    add(Target::Timestamp.into(), &when);
    add(Target::EventCreated.into(), &when);
    let node = format!("{}:{}", environment.host_name, metrics.pid);
    let texts = [
        (Target::Message, "agent metrics"),
        (Target::LogLevel, "info"),
        (Target::EventKind, "metric"),
        (Target::EventDataset, DATASET),
        (Target::EcsVersion, ECS_VERSION),
        (Target::ServiceName, "blueox"),
        (Target::ServiceVersion, metrics.version),
        (Target::ServiceNodeName, &node),
        (Target::HostName, &environment.host_name),
    ];
    for (target, value) in texts {
        add(target.into(), &|out| text::write_quoted(value.as_bytes(), out));
    }
    if let Some(value) = &environment.service_environment {
        add(Target::ServiceEnvironment.into(), &|out| text::write_quoted(value.as_bytes(), out));
    }
    add(Target::ProcessPid.into(), &|out| number::write(u64::from(metrics.pid), out));
    for (name, value) in metrics.values {
        let known = METRICS.iter().find(|metric| metric.name == *name);
        let whole = known.is_some_and(|metric| metric.kind.field_type() == "long");
        let fits = known.is_some() && (!whole || matches!(value, Value::Whole(_)));
        debug_assert!(fits, "{name} is no known metric, or no whole number");
        if let Some(field) = Field::named(name).filter(|_| fits) {
            add(field, &|out| write_value(*value, out));
        }
    }
    fields.retain(|(_, json)| !json.is_empty());
    fields.sort_by_key(|(field, _)| layout().rank(*field).0);
    fields.dedup_by_key(|(field, _)| field.0);
    let mut nesting = Nesting::default();
    out.push(b'{');
    for (field, json) in &fields {
        nesting.field(layout().entry(layout().rank(*field)), out);
        out.extend_from_slice(json);
    }
    nesting.end(out);
    out.push(b'}');
}

fn write_value(value: Value, out: &mut Vec<u8>) {
    match value {
        Value::Whole(whole) => number::write(whole.min(i64::MAX as u64), out),
        Value::Fraction(fraction) if fraction.is_finite() => {
            out.extend_from_slice(format!("{fraction}").as_bytes())
        }
        Value::Fraction(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_nests_and_carries_the_agents_identity() {
        let environment = Environment {
            host_name: "web-1".into(),
            service_environment: Some("prod".into()),
            service_name: Some("shop".into()),
            ..Environment::default()
        };
        let metrics = OwnMetrics {
            at: "2026-08-21T10:15:30.123Z".parse().unwrap(),
            pid: 7,
            version: "0.1.0",
            values: &[
                ("blueox.events.read", Value::Whole(12)),
                ("process.cpu.utilization", Value::Fraction(0.25)),
                ("process.cpu.time", Value::Fraction(f64::NAN)),
                ("blueox.events.pending", Value::Whole(0)),
            ],
        };
        let mut out = Vec::new();
        write(&metrics, &environment, &mut out);
        let document: serde_json::Value = serde_json::from_slice(&out).unwrap();
        let expected = serde_json::json!({
            "@timestamp": "2026-08-21T10:15:30.123Z",
            "message": "agent metrics",
            "log": {"level": "info"},
            "event": {"kind": "metric", "dataset": "app.agent", "created": "2026-08-21T10:15:30.123Z"},
            "ecs": {"version": ECS_VERSION},
            "service": {"name": "blueox", "version": "0.1.0", "environment": "prod", "node": {"name": "web-1:7"}},
            "host": {"name": "web-1"},
            "process": {"pid": 7, "cpu": {"utilization": 0.25}},
            "blueox": {"events": {"read": 12, "pending": 0}},
        });
        assert_eq!(document, expected);
    }
}
