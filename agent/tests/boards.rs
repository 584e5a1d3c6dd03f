//! Every field that the boards read is one that the agent writes, or that the index or its pipeline adds.

use blueox::event::{Shape, fields};
use dashboards::kibana::import;
use dashboards::model::{Field, ValueType};
use serde_json::Value;
use std::collections::BTreeSet;

/// Not written by the agent: the ingest pipeline computes one, the template derives one, and the engine keeps one.
const OTHERS: [(&str, Option<ValueType>); 3] = [
    ("event.ingest_lag_ms", Some(ValueType::Number)),
    ("error.message.keyword", Some(ValueType::Keyword)),
    ("_ignored", None),
];

fn value_type(name: &str) -> Option<ValueType> {
    let shape = fields().find(|(field, _)| *field == name).map(|(_, shape)| match shape {
        Shape::Text => ValueType::Text,
        Shape::Long | Shape::Float => ValueType::Number,
        Shape::Date => ValueType::Date,
        Shape::Keyword | Shape::Keywords | Shape::Ip | Shape::Ips | Shape::Hex(_) | Shape::Boolean => {
            ValueType::Keyword
        }
    });
    shape.or_else(|| OTHERS.iter().find(|(other, _)| *other == name)?.1)
}

#[test]
fn fields_of_the_boards_have_the_type_the_agent_gives_them() {
    for field in Field::ALL {
        assert_eq!(value_type(field.name), Some(field.value_type), "{}", field.name);
    }
}

#[test]
fn every_field_in_a_file_is_written_by_somebody() {
    let mut names = BTreeSet::new();
    for line in import().lines() {
        collect(&serde_json::from_str(line).expect("an object a line"), &mut names);
    }
    names.remove("___records___");
    for expected in ["event.category", "event.outcome", "service.environment", "@timestamp", "_ignored"] {
        assert!(names.contains(expected), "{expected} is not among {names:?}");
    }
    let known = |name: &String| {
        fields().any(|(field, _)| field == name) || OTHERS.iter().any(|(other, _)| other == name)
    };
    let unknown: Vec<_> = names.iter().filter(|name| !known(name)).collect();
    assert!(unknown.is_empty(), "nobody writes {unknown:?}");
}

/// Names of fields at any depth, also within texts that hold JSON.
fn collect(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match (key.as_str(), value) {
                    ("sourceField" | "fieldName" | "timeFieldName" | "sortField", Value::String(name)) => {
                        names.insert(name.clone());
                    }
                    ("query", Value::String(query)) => names.extend(queried(query)),
                    ("columns" | "sort", Value::Array(columns)) => names.extend(columns_of_a_search(columns)),
                    _ => {}
                }
                collect(value, names);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| collect(value, names)),
        Value::String(text) if text.starts_with(['{', '[']) => {
            if let Ok(inner) = serde_json::from_str(text) {
                collect(&inner, names);
            }
        }
        _ => {}
    }
}

/// Columns are names, sorts are pairs of name and direction; columns of a table are objects and no business of ours.
fn columns_of_a_search(columns: &[Value]) -> impl Iterator<Item = String> {
    let name = |column: &Value| column.as_str().or(column[0].as_str()).map(str::to_owned);
    columns.iter().filter_map(name)
}

/// What stands before `:`, `<` and `>` outside of quotes.
fn queried(kql: &str) -> Vec<String> {
    let unquoted: String = kql.split('"').step_by(2).collect();
    let mut names = Vec::new();
    let mut rest = unquoted.as_str();
    while let Some(sign) = rest.find([':', '<', '>']) {
        let before = rest[..sign].trim_end();
        let start = before.rfind([' ', '(']).map_or(0, |blank| blank + 1);
        names.push(before[start..].to_owned());
        rest = rest[sign + 1..].trim_start_matches('=');
    }
    names
}

#[test]
fn names_are_found_in_a_query() {
    let kql = r#"a.b: "x:y" and (not c >= 5 or d:*) and _e: ("f" or "g: h")"#;
    assert_eq!(queried(kql), ["a.b", "c", "d", "_e"]);
}
