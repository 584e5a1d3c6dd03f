//! Which parts of a document are shown.

use crate::pattern::matches;
use crate::store::ApiError;
use serde_json::{Map, Value};

/// The `_source` of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum SourceFilter {
    /// The document as it came.
    All,
    /// Nothing.
    None,
    /// Fields by pattern.
    Some {
        /// Only these; all where empty.
        includes: Vec<String>,
        /// Not these.
        excludes: Vec<String>,
    },
}

impl SourceFilter {
    /// Reads it.
    pub fn parse(value: Option<&Value>) -> Result<Self, ApiError> {
        let list = |value: Option<&Value>| -> Vec<String> {
            match value {
                Some(Value::String(one)) => one.split(',').map(str::to_owned).collect(),
                Some(Value::Array(many)) => {
                    many.iter().filter_map(Value::as_str).map(str::to_owned).collect()
                }
                _ => Vec::new(),
            }
        };
        Ok(match value {
            None | Some(Value::Null | Value::Bool(true)) => Self::All,
            Some(Value::Bool(false)) => Self::None,
            Some(Value::String(text)) if text == "true" => Self::All,
            Some(Value::String(text)) if text == "false" => Self::None,
            Some(value @ (Value::String(_) | Value::Array(_))) => {
                Self::Some { includes: list(Some(value)), excludes: Vec::new() }
            }
            Some(Value::Object(map)) => Self::Some {
                includes: list(map.get("includes").or_else(|| map.get("include"))),
                excludes: list(map.get("excludes").or_else(|| map.get("exclude"))),
            },
            Some(other) => return Err(ApiError::parsing(format!("[_source] cannot be [{other}]"))),
        })
    }

    /// The document with only what is let through.
    pub fn apply(&self, document: Value) -> Value {
        match (self, document) {
            (Self::Some { includes, excludes }, Value::Object(map)) => {
                Value::Object(Filter { includes, excludes }.object("", map, includes.is_empty()))
            }
            (_, document) => document,
        }
    }
}

struct Filter<'a> {
    includes: &'a [String],
    excludes: &'a [String],
}

/// Whether a pattern names this path. A `*` stands within one name, as in Elasticsearch: `*.name` is not `a.b.name`.
fn names(pattern: &str, path: &str) -> bool {
    pattern == "*"
        || (pattern.matches('.').count() == path.matches('.').count()
            && pattern.split('.').zip(path.split('.')).all(|(pattern, name)| matches(pattern, name)))
}

impl Filter<'_> {
    /// `inside`: everything below here is included.
    fn object(&self, above: &str, map: Map<String, Value>, inside: bool) -> Map<String, Value> {
        let mut kept = Map::new();
        for (key, value) in map {
            let path = if above.is_empty() { key.clone() } else { format!("{above}.{key}") };
            if self.excludes.iter().any(|pattern| names(pattern, &path)) {
                continue;
            }
            let included = inside || self.includes.iter().any(|pattern| names(pattern, &path));
            if let Some(value) = self.value(&path, value, included) {
                kept.insert(key, value);
            }
        }
        kept
    }

    /// Objects that lost all they had stay where they are included.
    fn value(&self, path: &str, value: Value, included: bool) -> Option<Value> {
        match value {
            Value::Object(map) => {
                let kept = self.object(path, map, included);
                (!kept.is_empty() || included).then_some(Value::Object(kept))
            }
            Value::Array(values) if values.iter().any(Value::is_object) => {
                let kept: Vec<Value> =
                    values.into_iter().filter_map(|value| self.value(path, value, included)).collect();
                (!kept.is_empty()).then_some(Value::Array(kept))
            }
            value => included.then_some(value),
        }
    }
}

/// The values at a dotted path of a document, whichever way its objects are written.
pub(super) fn values_at<'a>(document: &'a Value, path: &str, found: &mut Vec<&'a Value>) {
    match document {
        Value::Array(values) => values.iter().for_each(|value| values_at(value, path, found)),
        Value::Object(map) => {
            if let Some(value) = map.get(path) {
                leaves(value, found);
            }
            for (at, _) in path.match_indices('.') {
                if let Some(value) = map.get(&path[..at]) {
                    values_at(value, &path[at + 1..], found);
                }
            }
        }
        _ => {}
    }
}

fn leaves<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| leaves(value, found)),
        Value::Null | Value::Object(_) => {}
        value => found.push(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn parts_are_let_through_by_pattern() {
        let document = json!({"a": {"b": 1, "c": 2}, "d": [{"e": 3, "f": 4}], "g": 5});
        for (filter, expected) in [
            (json!(true), document.clone()),
            (json!("a"), json!({"a": {"b": 1, "c": 2}})),
            (json!(["a.b", "d.e"]), json!({"a": {"b": 1}, "d": [{"e": 3}]})),
            (json!({"excludes": ["a.*", "g"]}), json!({"a": {}, "d": [{"e": 3, "f": 4}]})),
            (json!("*.b"), json!({"a": {"b": 1}})),
            (json!({"includes": "a*", "excludes": "*.c"}), json!({"a": {"b": 1}})),
        ] {
            assert_eq!(
                SourceFilter::parse(Some(&filter)).unwrap().apply(document.clone()),
                expected,
                "{filter}"
            );
        }
    }
}
