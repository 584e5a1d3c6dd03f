//! The one script there is: how long after its own time an event was stored.

use super::document::Document;
use super::processor::Failure;
use crate::query::text_of;
use crate::time::format::{DateFormat, Missing};
use serde_json::Value;

/// The pipeline that `blueox setup` installs.
const PIPELINE: &str = include_str!("../../../elasticsearch/pipeline.json");

/// Whether a script is that one; no other can be run.
pub(super) fn is_it(source: &str) -> bool {
    let pipeline: Value = serde_json::from_str(PIPELINE).unwrap_or_default();
    let processors = pipeline["processors"].as_array();
    processors.into_iter().flatten().any(|processor| processor["script"]["source"] == source)
}

/// Does what the script does, with a document that is being stored.
pub(super) fn run(document: &mut Document<'_>) -> Result<(), Failure> {
    let lag = nanos(document, "event.ingested")?.saturating_sub(nanos(document, "@timestamp")?) / 1_000_000;
    document.set("event.ingest_lag_ms", Value::from(lag))
}

fn nanos(document: &Document<'_>, field: &str) -> Result<i64, Failure> {
    let text =
        text_of(&document.value(field).ok_or_else(|| Failure(format!("field [{field}] is not there")))?);
    let read = DateFormat::default().read(&text, Missing::First, 0);
    read.ok_or_else(|| Failure(format!("unable to parse date [{text}]")))
}
