//! Fields of a document by dotted path, and templates over them.

use super::processor::Failure;
use serde_json::{Map, Value, json};

/// A document between processors.
pub(super) struct Document<'a> {
    pub(super) source: &'a mut Value,
    /// `_ingest.timestamp`
    pub(super) timestamp: &'a str,
}

impl Document<'_> {
    /// The value at a path: whole keys with dots first, then objects.
    pub(super) fn value(&self, path: &str) -> Option<Value> {
        match path {
            "_ingest.timestamp" => Some(json!(self.timestamp)),
            path => find(self.source, path.strip_prefix("_source.").unwrap_or(path)).cloned(),
        }
    }

    /// Puts a value at a path; objects on the way are made. False where something else stands in the way.
    pub(super) fn put(&mut self, path: &str, value: Value) -> bool {
        let Some(map) = self.source.as_object_mut() else { return false };
        put(map, path, value)
    }

    /// As [`Self::put`]; a failure where something else stands in the way.
    pub(super) fn set(&mut self, path: &str, value: Value) -> Result<(), Failure> {
        match self.put(path, value) {
            true => Ok(()),
            false => {
                Err(Failure(format!("cannot set [{path}]: a value stands where an object would be needed")))
            }
        }
    }

    /// Takes the value at a path away.
    pub(super) fn take(&mut self, path: &str) -> Option<Value> {
        take(self.source, path)
    }

    /// `text` with `{{field}}` and `{{{field}}}` filled in.
    pub(super) fn fill(&self, text: &str) -> String {
        let mut filled = String::new();
        let mut rest = text;
        while let Some(start) = rest.find("{{") {
            filled.push_str(&rest[..start]);
            let inner = rest[start..].trim_start_matches('{');
            let Some(end) = inner.find("}}") else { return filled + &rest[start..] };
            let value = self.value(inner[..end].trim());
            match value {
                Some(Value::String(text)) => filled.push_str(&text),
                Some(value) => filled.push_str(&value.to_string()),
                None => {}
            }
            rest = inner[end..].trim_start_matches('}');
        }
        filled + rest
    }
}

fn find<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    let map = value.as_object()?;
    if let Some(value) = map.get(path) {
        return Some(value);
    }
    path.match_indices('.').find_map(|(at, _)| find(map.get(&path[..at])?, &path[at + 1..]))
}

fn put(map: &mut Map<String, Value>, path: &str, value: Value) -> bool {
    if map.contains_key(path) {
        map.insert(path.to_owned(), value);
        return true;
    }
    match path.split_once('.') {
        None => {
            map.insert(path.to_owned(), value);
            true
        }
        Some((head, rest)) => match map.entry(head.to_owned()).or_insert_with(|| json!({})) {
            Value::Object(inner) => put(inner, rest, value),
            _ => false,
        },
    }
}

fn take(value: &mut Value, path: &str) -> Option<Value> {
    let map = value.as_object_mut()?;
    if let Some(value) = map.remove(path) {
        return Some(value);
    }
    let heads: Vec<usize> = path.match_indices('.').map(|(at, _)| at).collect();
    heads.into_iter().find_map(|at| take(map.get_mut(&path[..at])?, &path[at + 1..]))
}
