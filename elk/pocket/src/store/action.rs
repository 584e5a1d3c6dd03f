//! The body of `_bulk`: pairs of an action line and a document.

use super::{ApiError, resolve_name};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde_json::Value;
use std::borrow::Cow;

/// What a bulk item asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A document with a new id.
    Create,
    /// A document, new or in place of another.
    Index,
    /// A change to a document.
    Update,
    /// No such document any more.
    Delete,
}

impl Kind {
    /// The word of the action line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Index => "index",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Create, Self::Index, Self::Update, Self::Delete].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// One item.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// What it asks for.
    pub kind: Kind,
    /// Index, data stream or alias.
    pub index: String,
    /// The id, where one was given.
    pub id: Option<String>,
    /// `pipeline`
    pub pipeline: Option<String>,
    /// `require_alias`
    pub require_alias: bool,
    /// `require_data_stream`
    pub require_data_stream: bool,
    /// The document; empty for a delete.
    pub source: Bytes,
}

/// What the request's address says for all items.
#[derive(Debug, Clone, Default)]
pub struct Defaults {
    /// Index of items that name none.
    pub index: Option<String>,
    /// `pipeline`
    pub pipeline: Option<String>,
    /// `require_alias`
    pub require_alias: bool,
    /// `require_data_stream`
    pub require_data_stream: bool,
}

/// Longest id in bytes.
const ID_MAX: usize = 512;

/// Reads a body; a malformed one is refused whole, as Elasticsearch does.
pub fn parse_bulk(body: &Bytes, defaults: &Defaults) -> Result<Vec<Action>, ApiError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(ApiError::new(400, "parse_exception", "request body is required"));
    }
    if body.last() != Some(&b'\n') {
        return Err(ApiError::illegal("The bulk request must be terminated by a newline [\\n]"));
    }
    let mut lines = Lines { body, at: 0, number: 0 };
    let mut actions = Vec::new();
    while let Some(line) = lines.next() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let mut action = parse_action(&line, lines.number, defaults)?;
        if action.kind != Kind::Delete {
            action.source = lines
                .next()
                .filter(|line| !line.is_empty())
                .ok_or_else(|| ApiError::illegal("The bulk request must be terminated by a newline [\\n]"))?;
        }
        actions.push(action);
    }
    Ok(actions)
}

struct Lines<'a> {
    body: &'a Bytes,
    at: usize,
    number: usize,
}

impl Lines<'_> {
    fn next(&mut self) -> Option<Bytes> {
        let rest = self.body.get(self.at..).filter(|rest| !rest.is_empty())?;
        let len = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = self.body.slice(self.at..self.at + len);
        self.at += len + 1;
        self.number += 1;
        Some(if line.last() == Some(&b'\r') { line.slice(..line.len() - 1) } else { line })
    }
}

fn parse_action(line: &[u8], number: usize, defaults: &Defaults) -> Result<Action, ApiError> {
    let malformed = |found: &str| {
        ApiError::illegal(format!(
            "Malformed action/metadata line [{number}], expected field [create], [delete], [index] or [update] but found [{found}]"
        ))
    };
    let value: Value = serde_json::from_slice(line).map_err(|error| ApiError::no_json(line, &error))?;
    let (word, parameters) = value
        .as_object()
        .filter(|object| object.len() == 1)
        .and_then(|object| object.iter().next())
        .ok_or_else(|| malformed(&cut(&value.to_string())))?;
    let kind = Kind::parse(word).ok_or_else(|| malformed(&cut(word)))?;
    let parameters = parameters.as_object().ok_or_else(|| {
        ApiError::illegal(format!("Malformed action/metadata line [{number}], expected START_OBJECT or END_OBJECT but found [START_ARRAY]"))
    })?;
    let mut action = Action {
        kind,
        index: defaults.index.clone().unwrap_or_default(),
        id: None,
        pipeline: defaults.pipeline.clone(),
        require_alias: defaults.require_alias,
        require_data_stream: defaults.require_data_stream,
        source: Bytes::new(),
    };
    for (key, value) in parameters {
        let text = || value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match key.as_str() {
            "_index" => action.index = resolved(text()),
            "_id" if value.is_null() => {}
            "_id" => action.id = Some(text()),
            "pipeline" => action.pipeline = Some(text()),
            "require_alias" => action.require_alias = value == &Value::Bool(true),
            "require_data_stream" => action.require_data_stream = value == &Value::Bool(true),
            "_type" if value == "_doc" => {}
            "routing"
            | "retry_on_conflict"
            | "_source"
            | "dynamic_templates"
            | "list_executed_pipelines"
            | "_type" => {}
            other => {
                return Err(ApiError::illegal(format!(
                    "Action/metadata line [{number}] contains an unknown parameter [{other}]"
                )));
            }
        }
    }
    check_id(&action)?;
    Ok(action)
}

fn check_id(action: &Action) -> Result<(), ApiError> {
    let reason = match (&action.id, action.kind) {
        (Some(id), _) if id.is_empty() => "if _id is specified it must not be empty".to_owned(),
        (Some(id), _) if id.len() > ID_MAX => {
            format!(
                "id [{}...] is too long, must be no longer than {ID_MAX} bytes but was: {}",
                cut(id),
                id.len()
            )
        }
        (None, Kind::Update | Kind::Delete) => "id is missing".to_owned(),
        _ if action.index.is_empty() => "index is missing".to_owned(),
        _ => return Ok(()),
    };
    Err(ApiError::new(400, "action_request_validation_exception", format!("Validation Failed: 1: {reason};")))
}

fn cut(text: &str) -> String {
    text.chars().take(40).collect()
}

/// 15 random bytes.
pub(super) fn random_bytes() -> [u8; 15] {
    let mut bytes = [0; 15];
    let filled = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    debug_assert_eq!(filled, Ok(15));
    bytes
}

/// 20 characters no one else has.
pub(super) fn random_id() -> String {
    URL_SAFE_NO_PAD.encode(random_bytes())
}

/// A name that cannot be resolved is refused later, with its item.
fn resolved(name: String) -> String {
    match resolve_name(&name) {
        Ok(Cow::Owned(resolved)) => resolved,
        Ok(Cow::Borrowed(_)) | Err(_) => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Vec<Action>, String> {
        parse_bulk(&Bytes::copy_from_slice(body.as_bytes()), &Defaults::default())
            .map_err(|error| error.reason)
    }

    #[test]
    fn items_are_read_in_order() {
        let actions = read("{\"create\":{\"_index\":\"a\",\"_id\":\"1\"}}\n{\"x\":1}\n\n{\"delete\":{\"_index\":\"b\",\"_id\":7}}\n{\"index\":{\"_index\":\"c\"}}\r\n{}\r\n").unwrap();
        let shown: Vec<_> =
            actions.iter().map(|a| (a.kind, a.index.as_str(), a.id.as_deref(), &a.source[..])).collect();
        assert_eq!(
            shown,
            [
                (Kind::Create, "a", Some("1"), &b"{\"x\":1}"[..]),
                (Kind::Delete, "b", Some("7"), b""),
                (Kind::Index, "c", None, b"{}"),
            ]
        );
    }

    #[test]
    fn broken_bodies_are_refused_whole() {
        for (body, expected) in [
            ("", "request body is required"),
            ("{\"create\":{}}\n{}", "The bulk request must be terminated by a newline [\\n]"),
            (
                "{\"creat\":{}}\n{}\n",
                "Malformed action/metadata line [1], expected field [create], [delete], [index] or [update] but found [creat]",
            ),
            ("{\"create\":{\"x\":1}}\n{}\n", "Action/metadata line [1] contains an unknown parameter [x]"),
            ("{\"create\":{}}\n{}\n", "Validation Failed: 1: index is missing;"),
            ("{\"create\":{\"_index\":\"a\"}}\n", "The bulk request must be terminated by a newline [\\n]"),
        ] {
            assert_eq!(read(body).unwrap_err(), expected, "{body}");
        }
    }
}
