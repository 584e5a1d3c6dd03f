//! `filter_path`: only some parts of an answer.

use crate::pattern::matches;
use serde_json::{Map, Value};

/// Cuts `answer` down to the paths of `filter` (`a.b,c.*,-d`).
pub(super) fn apply(filter: &str, answer: Value) -> Value {
    let (minus, plus): (Vec<&str>, Vec<&str>) = filter.split(',').partition(|path| path.starts_with('-'));
    let split = |path: &&str| path.trim_start_matches('-').split('.').map(str::to_owned).collect::<Vec<_>>();
    let (plus, minus): (Vec<_>, Vec<_>) =
        (plus.iter().map(split).collect(), minus.iter().map(split).collect());
    let kept = if plus.is_empty() {
        Some(answer)
    } else {
        keep(answer, &plus.iter().map(Vec::as_slice).collect::<Vec<_>>())
    };
    let mut kept = kept.unwrap_or_else(|| Value::Object(Map::new()));
    minus.iter().for_each(|path| remove(&mut kept, path));
    kept
}

fn keep(value: Value, paths: &[&[String]]) -> Option<Value> {
    if paths.iter().any(|path| path.is_empty()) {
        return Some(value);
    }
    match value {
        Value::Object(map) => {
            let mut kept = Map::new();
            for (key, value) in map {
                let below: Vec<&[String]> = paths.iter().flat_map(|path| step(path, &key)).collect();
                if below.is_empty() {
                    continue;
                }
                if let Some(value) = keep(value, &below) {
                    kept.insert(key, value);
                }
            }
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        Value::Array(values) => {
            let kept: Vec<Value> = values.into_iter().filter_map(|value| keep(value, paths)).collect();
            (!kept.is_empty()).then_some(Value::Array(kept))
        }
        _ => None,
    }
}

/// What is left of a path below `key`; `**` stays and goes on.
fn step<'p>(path: &'p [String], key: &str) -> Vec<&'p [String]> {
    match path {
        [head, rest @ ..] if head == "**" => {
            let mut next = vec![path];
            next.extend(step(rest, key));
            next
        }
        [head, rest @ ..] if matches(head, key) => vec![rest],
        _ => Vec::new(),
    }
}

fn remove(value: &mut Value, path: &[String]) {
    match value {
        Value::Object(map) => match path {
            [last] => map.retain(|key, _| !matches(last, key)),
            [head, rest @ ..] => map
                .iter_mut()
                .filter(|(key, _)| matches(head, key))
                .for_each(|(_, value)| remove(value, rest)),
            [] => {}
        },
        Value::Array(values) => values.iter_mut().for_each(|value| remove(value, path)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn parts_are_kept_or_removed() {
        let answer = json!({"took": 1, "items": [{"create": {"status": 201}}, {"create": {"status": 409, "error": {"type": "x"}}}]});
        for (filter, expected) in [
            ("took", json!({"took": 1})),
            ("items.*.status", json!({"items": [{"create": {"status": 201}}, {"create": {"status": 409}}]})),
            ("items.*.error.type,took", json!({"took": 1, "items": [{"create": {"error": {"type": "x"}}}]})),
            ("**.type", json!({"items": [{"create": {"error": {"type": "x"}}}]})),
            ("-items", json!({"took": 1})),
            ("nothing", json!({})),
        ] {
            assert_eq!(apply(filter, answer.clone()), expected, "{filter}");
        }
    }
}
