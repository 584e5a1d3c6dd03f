//! A cell as JSON and as a name.

use dashboards::lens::Value;
use serde_json::{Value as Json, json};

/// The value for the browser to write: a number for numbers and moments, else text, null for nothing.
pub(super) fn cell(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Number(number) => json!(number),
        Value::Date(moment) => json!(moment),
        other => json!(other.to_string()),
    }
}

/// The value as a point of a chart: nothing but numbers.
pub(super) fn point(value: &Value) -> Json {
    json!(value.as_number())
}
