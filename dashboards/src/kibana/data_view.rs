//! The data view: where the documents are, and how the numbers of their fields are shown.

use super::object::{Kind, SavedObject, text};
use crate::model::{DATA_VIEW, Field, Unit};
use serde_json::{Map, Value, json};

pub(super) fn object() -> SavedObject {
    let formats = Field::ALL.iter().filter_map(|field| Some((field.name.to_owned(), format(field.unit)?)));
    let attributes = json!({
        "title": DATA_VIEW.indices,
        "name": DATA_VIEW.name,
        "timeFieldName": "@timestamp",
        "fields": "[]",
        "fieldAttrs": "{}",
        "runtimeFieldMap": "{}",
        "sourceFilters": "[]",
        "fieldFormatMap": text(Value::Object(formats.collect::<Map<_, _>>())),
    });
    SavedObject { kind: Kind::DataView, id: DATA_VIEW.id, attributes, references: Vec::new() }
}

/// A format here holds for every column on the field, whatever the function; only formulas need their own.
fn format(unit: Unit) -> Option<Value> {
    match unit {
        Unit::None => None,
        Unit::Name => Some(json!({"id": "number", "params": {"pattern": "0"}})),
        Unit::Nanoseconds => Some(duration("nanoseconds")),
        Unit::Milliseconds => Some(duration("milliseconds")),
        Unit::Bytes => Some(json!({"id": "bytes", "params": {"pattern": "0,0.[0]b"}})),
        Unit::Fraction => Some(json!({"id": "percent", "params": {"pattern": "0,0.[0]%"}})),
    }
}

fn duration(unit: &str) -> Value {
    json!({
        "id": "duration",
        "params": {
            "inputFormat": unit,
            "outputFormat": "humanizePrecise",
            "outputPrecision": 1,
            "useShortSuffix": true,
        },
    })
}
