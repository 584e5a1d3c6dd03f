//! Changes to the bytes of a document.

use std::ops::Range;

/// One change: these bytes of the document become others.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) range: Range<usize>,
    pub(super) text: Vec<u8>,
}

/// Writes `document` with the edits, which come in the order of their places and do not overlap, into `out`.
pub(super) fn apply(edits: &[Edit], document: &[u8], out: &mut Vec<u8>) {
    out.clear();
    let mut from = 0;
    for edit in edits {
        out.extend_from_slice(&document[from..edit.range.start]);
        out.extend_from_slice(&edit.text);
        from = edit.range.end;
    }
    out.extend_from_slice(&document[from..]);
}
