//! The fields that the boards read are fields that somebody writes.
//!
//! Names of metrics and their units are held against the table all parts share; names of the schema in
//! `agent/tests/boards.rs`, where the agent's own table is.

use dashboards::kibana::files;
use dashboards::model::{Field, Unit, ValueType};
use metric_names::METRICS;

const METRIC_ROOTS: [&str; 8] = [
    "blueox.",
    "container.cpu.",
    "db.",
    "http.client.",
    "http.server.",
    "process.cpu.",
    "process.memory.",
    "tokio.",
];

#[test]
fn metrics_are_those_of_the_shared_table_in_its_units() {
    let mut seen = 0;
    for field in Field::ALL {
        let metric = METRICS.iter().find(|metric| metric.name == field.name);
        let named_as_one = METRIC_ROOTS.iter().any(|root| field.name.starts_with(root));
        assert_eq!(
            metric.is_some(),
            named_as_one || field.name.ends_with("file_descriptor.count"),
            "{}",
            field.name
        );
        let Some(metric) = metric else { continue };
        seen += 1;
        let unit = match metric.unit {
            "By" => Unit::Bytes,
            "ms" => Unit::Milliseconds,
            "1" => Unit::Fraction,
            _ => Unit::None,
        };
        assert_eq!((field.value_type, field.unit), (ValueType::Number, unit), "{}", field.name);
    }
    assert!(seen > 10, "{seen} metrics");
}

#[test]
fn no_field_is_listed_twice_or_in_vain() {
    let boards: Vec<_> = files().into_iter().skip(1).collect();
    for (place, field) in Field::ALL.iter().enumerate() {
        assert!(
            Field::ALL[..place].iter().all(|before| before.name != field.name),
            "{} stands twice",
            field.name
        );
        assert!(boards.iter().any(|file| file.ndjson.contains(field.name)), "no board reads {}", field.name);
    }
}
