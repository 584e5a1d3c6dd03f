//! What is so, against what should be.

use serde_json::{Number, Value};
use std::collections::BTreeMap;
use std::fmt;

/// One value that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Dotted path of the value.
    pub path: String,
    /// What is there; `None` where nothing is.
    pub found: Option<String>,
    /// What should be; `None` where it has to go.
    pub wanted: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, found, wanted } = self;
        match (found, wanted) {
            (Some(found), Some(wanted)) => write!(f, "{path}: {found} → {wanted}"),
            (None, Some(wanted)) => write!(f, "{path}: {wanted}"),
            (Some(found), None) => write!(f, "{path}: {found} → (removed)"),
            (None, None) => f.write_str(path),
        }
    }
}

/// Every wanted value that is not there, and under the `owned` paths every one that is there and not wanted; by path.
///
/// Servers return numbers and booleans of settings as text, and dotted names as objects: neither is a difference.
pub fn differences(wanted: &Value, found: &Value, owned: &[&str]) -> Vec<Difference> {
    let (wanted, found) = (leaves(wanted), leaves(found));
    let mut all = Vec::new();
    for (path, value) in &wanted {
        if found.get(path) != Some(value) && !(value == "{}" && holds(&found, path)) {
            let (path, wanted) = (path.clone(), Some(value.clone()));
            all.push(Difference { found: found.get(&path).cloned(), path, wanted });
        }
    }
    let is_owned = |path: &str| {
        owned.iter().any(|part| {
            path.strip_prefix(part).is_some_and(|rest| rest.starts_with('.') || rest.starts_with('['))
        })
    };
    for (path, value) in found {
        if !wanted.contains_key(&path) && is_owned(&path) && !is_default(&path, &value) {
            all.push(Difference { path, found: Some(value), wanted: None });
        }
    }
    all.sort_by(|one, other| one.path.cmp(&other.path));
    all
}

/// An empty object only has to be there; what it holds is the server's.
fn holds(leaves: &BTreeMap<String, String>, path: &str) -> bool {
    let member = format!("{path}.");
    leaves.range(member.clone()..).next().is_some_and(|(found, _)| found.starts_with(&member))
}

/// What servers add to every object of the kind.
fn is_default(path: &str, value: &str) -> bool {
    value == "false" && path.ends_with(".allow_restricted_indices")
}

/// Path and text of each value; lists without objects are values.
fn leaves(value: &Value) -> BTreeMap<String, String> {
    let mut leaves = BTreeMap::new();
    collect(String::new(), value, &mut leaves);
    leaves
}

fn collect(path: String, value: &Value, leaves: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (key, value) in members {
                collect(join(&path, key), value, leaves);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (position, value) in items.iter().enumerate() {
                collect(format!("{path}[{position}]"), value, leaves);
            }
        }
        Value::String(text) => {
            leaves.insert(path, text.clone());
        }
        Value::Null => {}
        Value::Number(number) => {
            leaves.insert(path, shown(number));
        }
        value => {
            leaves.insert(path, value.to_string());
        }
    }
}

/// A server that reads and writes `1.0` anew writes `1`.
fn shown(number: &Number) -> String {
    match number.as_f64() {
        Some(value) if value.fract() == 0.0 && value.abs() < 1e15 => format!("{value:.0}"),
        _ => number.to_string(),
    }
}

/// `properties` only says that a mapping's fields follow: with dotted names it is not there.
fn join(path: &str, key: &str) -> String {
    match (path, key) {
        ("", key) => key.to_owned(),
        (path, "properties") => path.to_owned(),
        (path, key) => format!("{path}.{key}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(wanted: Value, found: Value, owned: &[&str], expected: &[&str]) {
        let found: Vec<String> =
            differences(&wanted, &found, owned).iter().map(ToString::to_string).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn how_a_server_writes_it_is_no_difference() {
        check(
            json!({"template": {"settings": {"index.mode": "standard", "index.limit": 3000, "index.on": true}}}),
            json!({"template": {"settings": {"index": {"mode": "standard", "limit": "3000", "on": "true"}}}}),
            &["template.settings"],
            &[],
        );
        check(
            json!({"mappings": {"properties": {"a.b": {"type": "long"}}}}),
            json!({"mappings": {"properties": {"a": {"properties": {"b": {"type": "long"}}}}}}),
            &["mappings"],
            &[],
        );
        check(json!({"a": 1.0, "b": 0.5, "c": -0.0}), json!({"a": 1, "b": 0.5, "c": "-0"}), &["a"], &[]);
        check(json!({"data_stream": {}}), json!({"data_stream": {"hidden": false}}), &[], &[]);
        check(
            json!({"data_stream": {}}),
            json!({"data_streams": {"hidden": false}}),
            &[],
            &["data_stream: {}"],
        );
    }

    #[test]
    fn each_value_is_one_line_in_the_order_of_paths() {
        check(
            json!({"b": [{"c": 1}, {"d": [1, 2]}], "a": "x"}),
            json!({"b": [{"c": 2}], "own": {"extra": 1}, "more": 1}),
            &["own"],
            &["a: x", "b[0].c: 2 → 1", "b[1].d: [1,2]", "own.extra: 1 → (removed)"],
        );
    }
}
