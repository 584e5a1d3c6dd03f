//! `document`: one line, whole.

use super::fault::Fault;
use super::line::{Order, hits, line, search};
use super::source::Source;
use serde::Deserialize;
use serde_json::{Value, json};

/// Where a document is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    pub(super) index: String,
    pub(super) id: String,
    /// Lines on each side, for `around`.
    pub(super) count: Option<usize>,
}

impl Place {
    /// The hit, with all its fields and its source.
    pub(super) async fn find(&self, source: &Source) -> Result<Value, Fault> {
        // The same id can be in several indices; there are few of those.
        let mut body = search(&json!({"ids": {"values": [self.id]}}), Order::NewestFirst, 100);
        body["_source"] = json!(true);
        body["fields"] = json!([{"field": "@timestamp", "format": "strict_date_optional_time"}, "*"]);
        let answer = source.search(body).await?;
        hits(&answer).find(|hit| hit["_index"] == self.index.as_str()).cloned().ok_or(Fault::Gone)
    }
}

/// A document as the page opens it: its line, its fields with their values as text, and its JSON as text, since numbers
/// of a browser end at 2^53.
pub(super) async fn document(source: &Source, place: &Place) -> Result<Value, Fault> {
    let hit = place.find(source).await?;
    let fields: Vec<Value> = hit["fields"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, values)| {
            let values: Vec<String> = values.as_array().into_iter().flatten().map(text).collect();
            json!({"name": name, "values": values})
        })
        .collect();
    let source = serde_json::to_string_pretty(&hit["_source"]).unwrap_or_default();
    Ok(json!({"line": line(&hit), "fields": fields, "source": source}))
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
