//! Action line, document line, action line …

use memchr::memchr;
use serde::Deserialize;
use std::borrow::Cow;
use std::fmt;

/// What an action line asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// Refused with 409 where the id exists.
    Create,
    /// Overwrites.
    Index,
}

impl Op {
    /// Its name in action and answer.
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Index => "index",
        }
    }
}

/// One action with its document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item<'a> {
    /// Create or index.
    pub op: Op,
    /// `_index`, where the action names one.
    pub index: Option<Cow<'a, str>>,
    /// `_id`, where the action names one.
    pub id: Option<Cow<'a, str>>,
    /// The document as it stands.
    pub source: &'a [u8],
}

/// Why a whole request is a 400.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BulkError {
    /// Last byte is no newline.
    NoFinalNewline,
    /// Nothing in it.
    Empty,
    /// An action line that is none, by line number from 1.
    BrokenAction(usize),
}

impl fmt::Display for BulkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFinalNewline => f.write_str("The bulk request must be terminated by a newline [\\n]"),
            Self::Empty => f.write_str("request body is required"),
            Self::BrokenAction(line) => {
                write!(f, "Malformed action/metadata line [{line}], expected START_OBJECT")
            }
        }
    }
}

#[derive(Deserialize)]
struct Action<'a> {
    #[serde(borrow)]
    create: Option<Meta<'a>>,
    #[serde(borrow)]
    index: Option<Meta<'a>>,
}

#[derive(Deserialize)]
struct Meta<'a> {
    #[serde(borrow, rename = "_index")]
    index: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "_id")]
    id: Option<Cow<'a, str>>,
}

/// Splits a body; deletes and updates are not taken, no shipper sends them.
pub fn items(body: &[u8]) -> Result<Vec<Item<'_>>, BulkError> {
    if body.is_empty() {
        return Err(BulkError::Empty);
    }
    if !body.ends_with(b"\n") {
        return Err(BulkError::NoFinalNewline);
    }
    let mut lines = Lines(body);
    let mut items = Vec::new();
    while let Some(action) = lines.next() {
        let broken = BulkError::BrokenAction(items.len() * 2 + 1);
        let Ok(action) = serde_json::from_slice::<Action<'_>>(action) else { return Err(broken) };
        let (op, meta) = match (action.create, action.index) {
            (Some(meta), None) => (Op::Create, meta),
            (None, Some(meta)) => (Op::Index, meta),
            _ => return Err(broken),
        };
        let source = lines.next().ok_or(broken)?;
        items.push(Item { op, index: meta.index, id: meta.id, source });
    }
    Ok(items)
}

/// Lines of a body that ends with a newline.
struct Lines<'a>(&'a [u8]);

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let end = memchr(b'\n', self.0)?;
        let (line, rest) = self.0.split_at(end);
        self.0 = &rest[1..];
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn create_and_index_are_read_with_and_without_id() {
        let body = b"{\"create\":{\"_index\":\"a\",\"_id\":\"1\"}}\n{\"x\":1}\n{\"index\":{}}\n{}\n";
        let items = items(body).expect("body");
        assert_eq!(items[0].op, Op::Create);
        assert_eq!((items[0].index.as_deref(), items[0].id.as_deref()), (Some("a"), Some("1")));
        assert_eq!(items[0].source, b"{\"x\":1}");
        assert_eq!((items[1].op, items[1].id.as_deref()), (Op::Index, None));
    }

    #[test]
    fn broken_requests_are_refused_whole() {
        let check = |body: &str, error| assert_eq!(items(body.as_bytes()), Err(error), "{body}");
        check("", BulkError::Empty);
        check("{\"create\":{}}\n{}", BulkError::NoFinalNewline);
        check("{\"create\":{}}\n", BulkError::BrokenAction(1));
        check("{\"create\":{}}\n{}\n{\"x\"\n{}\n", BulkError::BrokenAction(3));
        check("{\"delete\":{\"_id\":\"1\"}}\n", BulkError::BrokenAction(1));
    }
}
