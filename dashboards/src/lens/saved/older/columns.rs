//! The columns of a layer in the making, as Lens writes them.

use serde_json::{Map, Value as Json, json};

/// Columns in their order: buckets as they nest, measures after what they are computed from.
#[derive(Clone, Default)]
pub(super) struct Columns {
    columns: Map<String, Json>,
    order: Vec<String>,
}

impl Columns {
    /// Adds `column` with what every bucket has.
    pub(super) fn bucket(&mut self, id: &str, operation: &str, mut column: Json) {
        column["isBucketed"] = json!(true);
        if column["dataType"].is_null() {
            column["dataType"] = json!(if operation == "date_histogram" { "date" } else { "string" });
        }
        self.add(id, operation, column);
    }

    /// Adds `column` with what every measure has.
    pub(super) fn measure(&mut self, id: &str, operation: &str, mut column: Json) {
        column["dataType"] = json!("number");
        self.add(id, operation, column);
    }

    fn add(&mut self, id: &str, operation: &str, mut column: Json) {
        column["operationType"] = json!(operation);
        self.order.push(id.to_owned());
        self.columns.insert(id.to_owned(), column);
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.columns.contains_key(id)
    }

    pub(super) fn json(self) -> Json {
        json!({"columns": self.columns, "columnOrder": self.order})
    }
}

/// The order of the values of a column: by a measure, else by the values themselves.
pub(super) fn order_by(measure: Option<&str>) -> Json {
    match measure {
        Some(id) => json!({"type": "column", "columnId": id}),
        None => json!({"type": "alphabetical"}),
    }
}

/// A number as these files write it: as such, or as text.
pub(super) fn number(written: &Json) -> Option<f64> {
    written.as_f64().or_else(|| written.as_str()?.trim().parse().ok()).filter(|number| number.is_finite())
}
