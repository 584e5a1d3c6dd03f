//! Saved objects: one JSON object a line.

use serde_json::Value;

/// A saved object as it is written into Kibana.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedObject {
    /// `dashboard`, `index-pattern`, `search`.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// What people see.
    pub title: String,
    /// Its line of the file, without a line end.
    pub line: String,
    /// Attributes, with the JSON in their texts unfolded.
    pub attributes: Value,
    /// References: type and id by name.
    pub references: Value,
}

impl SavedObject {
    /// Its name for people.
    pub fn label(&self) -> String {
        let kind = match self.kind.as_str() {
            "dashboard" => "board",
            "index-pattern" => "data view",
            "search" => "saved search",
            kind => kind,
        };
        format!("{kind} {}", self.id)
    }

    /// Whether it is a board.
    pub fn is_board(&self) -> bool {
        self.kind == "dashboard"
    }
}

/// The boards, and the data view and saved searches they refer to.
pub fn boards() -> Vec<SavedObject> {
    saved_objects(&dashboards::kibana::import())
}

/// The objects of a file, in its order; lines that are no saved object are left out.
pub fn saved_objects(ndjson: &str) -> Vec<SavedObject> {
    ndjson.lines().filter_map(saved_object).collect()
}

fn saved_object(line: &str) -> Option<SavedObject> {
    let object: Value = serde_json::from_str(line).ok()?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    Some(SavedObject {
        kind: text(&object["type"])?,
        id: text(&object["id"])?,
        title: text(&object["attributes"]["title"])?,
        line: line.to_owned(),
        attributes: readable(&object["attributes"]),
        references: by_name(&object["references"]),
    })
}

/// References by their names, which alone refer to them: their order means nothing.
pub(super) fn by_name(references: &Value) -> Value {
    let all = references.as_array().into_iter().flatten();
    let named = all.filter_map(|reference| {
        let text = |name: &str| reference[name].as_str();
        Some((text("name")?.to_owned(), Value::String(format!("{} {}", text("type")?, text("id")?))))
    });
    Value::Object(named.collect())
}

/// Attributes with the JSON in their texts unfolded: key order and blanks of such a text mean nothing.
pub(super) fn readable(attributes: &Value) -> Value {
    match attributes {
        Value::Object(members) => members.iter().map(|(key, value)| (key.clone(), readable(value))).collect(),
        Value::String(text) if text.starts_with(['{', '[']) => {
            serde_json::from_str(text).unwrap_or_else(|_| attributes.clone())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_that_hold_json_are_compared_as_json() {
        let object = saved_objects(
            "{\"type\":\"dashboard\",\"id\":\"a\",\"attributes\":{\"title\":\"T\",\"optionsJSON\":\"{\\\"b\\\": 1}\"},\"references\":[]}\n\nno json\n",
        );
        assert_eq!(object.len(), 1);
        assert_eq!(object[0].attributes, json!({"title": "T", "optionsJSON": {"b": 1}}));
        assert_eq!(object[0].label(), "board a");
    }

    #[test]
    fn references_have_no_order() {
        let one = json!({"name": "a", "type": "search", "id": "x"});
        let other = json!({"name": "b", "type": "index-pattern", "id": "y"});
        let expected = json!({"a": "search x", "b": "index-pattern y"});
        assert_eq!(by_name(&json!([one, other])), expected);
        assert_eq!(by_name(&json!([other, one])), expected);
    }
}
