//! Fields of a document by dotted path, and templates over them.

use super::processor::Failure;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::borrow::{Borrow, Cow};
use std::collections::BTreeMap;

/// A document between processors. What none of them looks into stays the text it was: a pipeline that sets one field costs
/// neither a tree of all of them nor the digits of a number.
#[derive(Debug)]
pub struct Document<'a> {
    root: Object<'a>,
    /// `_ingest.timestamp`
    timestamp: &'a str,
}

type Object<'a> = BTreeMap<Name<'a>, Node<'a>>;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl Borrow<str> for Name<'_> {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[derive(Debug)]
enum Node<'a> {
    Text(&'a RawValue),
    Open(Object<'a>),
    Value(Value),
}

impl Serialize for Node<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => text.serialize(serializer),
            Self::Open(object) => object.serialize(serializer),
            Self::Value(value) => value.serialize(serializer),
        }
    }
}

impl<'a> Node<'a> {
    fn value(&self) -> Option<Value> {
        match self {
            Self::Text(text) => serde_json::from_str(text.get()).ok(),
            Self::Open(_) => serde_json::to_value(self).ok(),
            Self::Value(value) => Some(value.clone()),
        }
    }

    /// Its entries, where it is an object.
    fn open(&mut self) -> Option<&mut Object<'a>> {
        let opened = match self {
            Self::Text(text) => objects(text.get().as_bytes()).ok()?,
            Self::Value(Value::Object(map)) => std::mem::take(map)
                .into_iter()
                .map(|(key, value)| (Name(key.into()), Self::Value(value)))
                .collect(),
            Self::Value(_) => return None,
            Self::Open(object) => return Some(object),
        };
        *self = Self::Open(opened);
        match self {
            Self::Open(object) => Some(object),
            _ => None,
        }
    }
}

/// The entries of an object; of several of one name the last counts.
fn objects(text: &[u8]) -> serde_json::Result<Object<'_>> {
    let entries: BTreeMap<Name<'_>, &RawValue> = serde_json::from_slice(text)?;
    Ok(entries.into_iter().map(|(name, text)| (name, Node::Text(text))).collect())
}

impl<'a> Document<'a> {
    /// Reads a document; fails where it is no JSON object.
    pub fn read(source: &'a [u8], timestamp: &'a str) -> serde_json::Result<Self> {
        Ok(Self { root: objects(source)?, timestamp })
    }

    /// Its text.
    pub fn print(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(&self.root)
    }

    /// The value at a path: whole keys with dots first, then objects.
    pub(super) fn value(&self, path: &str) -> Option<Value> {
        match path {
            "_ingest.timestamp" => Some(json!(self.timestamp)),
            path => find(&self.root, path.strip_prefix("_source.").unwrap_or(path)),
        }
    }

    /// Puts a value at a path; objects on the way are made. False where something else stands in the way.
    pub(super) fn put(&mut self, path: &str, value: Value) -> bool {
        put(&mut self.root, path, value)
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
        take(&mut self.root, path)
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

fn find(object: &Object<'_>, path: &str) -> Option<Value> {
    if let Some(node) = object.get(path) {
        return node.value();
    }
    path.match_indices('.').find_map(|(at, _)| {
        let rest = &path[at + 1..];
        match object.get(&path[..at])? {
            Node::Open(object) => find(object, rest),
            Node::Text(text) => find(&objects(text.get().as_bytes()).ok()?, rest),
            Node::Value(value) => find_value(value, rest).cloned(),
        }
    })
}

fn find_value<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    let map = value.as_object()?;
    if let Some(value) = map.get(path) {
        return Some(value);
    }
    path.match_indices('.').find_map(|(at, _)| find_value(map.get(&path[..at])?, &path[at + 1..]))
}

fn put(object: &mut Object<'_>, path: &str, value: Value) -> bool {
    if let Some(node) = object.get_mut(path) {
        *node = Node::Value(value);
        return true;
    }
    let Some((head, rest)) = path.split_once('.') else {
        object.insert(Name(path.to_owned().into()), Node::Value(value));
        return true;
    };
    let node = object.entry(Name(head.to_owned().into())).or_insert_with(|| Node::Open(Object::new()));
    node.open().is_some_and(|inner| put(inner, rest, value))
}

fn take(object: &mut Object<'_>, path: &str) -> Option<Value> {
    if let Some(node) = object.remove(path) {
        return node.value();
    }
    path.match_indices('.').find_map(|(at, _)| take(object.get_mut(&path[..at])?.open()?, &path[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_processor_looks_into_stays_as_it_was_written() {
        let source = br#"{"b":{"n":1.10,"deep":{"x":"\u00e9"}},"a":123456789012345678901234567890,"b":{"n":1.10,"m":[1E2]}}"#;
        let mut document = Document::read(source, "now").unwrap();
        assert!(document.put("b.k.l", json!(7)));
        assert!(!document.put("a.x", json!(7)));
        assert_eq!(document.value("b.n"), Some(json!(1.1)));
        assert_eq!(document.take("b.k.l"), Some(json!(7)));
        let printed = String::from_utf8(document.print().unwrap()).unwrap();
        assert_eq!(printed, r#"{"a":123456789012345678901234567890,"b":{"k":{},"m":[1E2],"n":1.10}}"#);
    }
}
