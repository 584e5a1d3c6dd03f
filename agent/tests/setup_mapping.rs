//! The index template has a fitting type for every field an event can have.

#![cfg(feature = "setup")]

use blueox::event::{Shape, fields};
use elk_setup::object::mappings;
use serde_json::Value;
use std::collections::BTreeSet;

/// Written by the ingest pipeline, not by the agent.
const OF_THE_PIPELINE: [&str; 2] = ["event.ingested", "event.ingest_lag_ms"];

fn properties() -> serde_json::Map<String, Value> {
    let mappings = mappings();
    mappings["template"]["mappings"]["properties"].as_object().expect("fields").clone()
}

/// Types that keep what such a value says, without refusing or rounding it.
fn fitting(shape: Shape) -> &'static [&'static str] {
    match shape {
        Shape::Text => &["text"],
        Shape::Keyword | Shape::Keywords | Shape::Hex(_) => &["keyword"],
        Shape::Long => &["long"],
        Shape::Float => &["double"],
        Shape::Boolean => &["boolean"],
        Shape::Date => &["date"],
        Shape::Ip | Shape::Ips => &["ip"],
    }
}

#[test]
fn every_field_of_an_event_is_mapped_with_a_fitting_type() {
    let properties = properties();
    for (path, shape) in fields() {
        let found = properties.get(path).unwrap_or_else(|| panic!("{path} is not mapped"));
        let kind = found["type"].as_str().expect("a type");
        assert!(fitting(shape).contains(&kind), "{path}: {shape:?} is mapped as {kind}");
    }
}

#[test]
fn no_field_is_mapped_that_nobody_writes() {
    let written: BTreeSet<&str> = fields().map(|(path, _)| path).chain(OF_THE_PIPELINE).collect();
    for path in properties().keys() {
        assert!(written.contains(path.as_str()), "{path}");
    }
}

#[test]
fn what_the_pipeline_writes_is_mapped_too() {
    let properties = properties();
    assert_eq!(OF_THE_PIPELINE.map(|path| properties[path]["type"].clone()), ["date", "long"]);
}

#[test]
fn error_messages_can_be_searched_and_counted() {
    let message = &properties()["error.message"];
    assert_eq!(message["type"], "text");
    assert_eq!(message["fields"]["keyword"]["type"], "keyword");
}

#[test]
fn leftovers_are_keywords_and_numbers_by_their_place() {
    let mappings = mappings();
    let rules = mappings["template"]["mappings"]["dynamic_templates"].as_array().expect("rules").clone();
    for (name, path, kind) in
        [("labels", "labels.*", "keyword"), ("numeric_labels", "numeric_labels.*", "double")]
    {
        let rule = rules.iter().find_map(|rule| rule.get(name)).unwrap_or_else(|| panic!("no rule {name}"));
        assert_eq!((rule["path_match"].as_str(), rule["mapping"]["type"].as_str()), (Some(path), Some(kind)));
    }
}
