//! Fields of a document, and what is asked of one.

use crate::config::{Condition, Test};
use crate::event::scan::{Kind, Node};
use crate::event::text;
use std::borrow::Cow;

/// The value at a dotted path.
pub(super) fn find<'a>(document: &[u8], nodes: &'a [Node], path: &str) -> Option<&'a Node> {
    let mut members = 0..nodes.len();
    let mut rest = path;
    loop {
        let (name, below) = rest.split_once('.').unwrap_or((rest, ""));
        let at = member(document, nodes, members, name)?;
        let node = &nodes[at];
        if below.is_empty() {
            return Some(node);
        }
        if node.kind != Kind::Object {
            return None;
        }
        members = at + 1..node.next as usize;
        rest = below;
    }
}

fn member(document: &[u8], nodes: &[Node], members: std::ops::Range<usize>, name: &str) -> Option<usize> {
    let mut at = members.start;
    while at < members.end {
        if &document[nodes[at].key_range()] == name.as_bytes() {
            return Some(at);
        }
        at = nodes[at].next as usize;
    }
    None
}

/// The value as characters: a text without quotes and escapes, anything else as written.
pub(super) fn characters<'a>(document: &'a [u8], node: &Node) -> Cow<'a, str> {
    let raw = node.value(document);
    let bytes = match node.kind {
        Kind::Text => unquoted(raw),
        _ => Cow::Borrowed(raw),
    };
    match bytes {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

fn unquoted(raw: &[u8]) -> Cow<'_, [u8]> {
    let inner = &raw[1..raw.len() - 1];
    if !inner.contains(&b'\\') {
        return Cow::Borrowed(inner);
    }
    let mut decoded = Vec::with_capacity(inner.len());
    text::decode(inner, &mut decoded);
    Cow::Owned(decoded)
}

/// Whether the document has the field, with a value that passes the test. Of an array one element has to.
pub(super) fn holds(condition: &Condition, document: &[u8], nodes: &[Node]) -> bool {
    let Some(node) = find(document, nodes, &condition.field) else { return false };
    let passes = |node: &Node| {
        let value = characters(document, node);
        match &condition.test {
            Test::Is(values) => values.iter().any(|wanted| *wanted == value),
            Test::Matches(pattern) => pattern.is_match(&value),
        }
    };
    if node.kind != Kind::Array {
        return passes(node);
    }
    // Children stand behind their parent, which carries the number of the node behind the last of them.
    let first = nodes.iter().position(|other| std::ptr::eq(other, node)).map_or(nodes.len(), |at| at + 1);
    nodes[first..node.next as usize].iter().any(passes)
}
