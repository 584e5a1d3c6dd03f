//! The batch that is being filled.

use super::compress::Compressor;
use super::{Batch, Item, Run};
use crate::file::identity::{ID_LEN, event_id};
use crate::file::{FileKey, Lineage};
use std::sync::Arc;

/// What a batch has to know of an event, beside its document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventMeta {
    /// The file generation the event comes from.
    pub file: FileKey,
    /// Its lineage.
    pub lineage: Lineage,
    /// Offset of the event's first byte.
    pub start: u64,
    /// Offset behind its last byte, terminator included.
    pub end: u64,
    /// Checksum part of the id.
    pub checksum: u32,
    /// See [`Item::uncertain`].
    pub uncertain: bool,
}

/// How events lie in the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `_bulk`: a `create` action line with the id, then the document. The index stands in the URL, not in the lines.
    Bulk,
    /// NDJSON: documents only.
    Documents,
}

/// A batch that takes events, and keeps its buffer when it is sealed.
///
/// Memory: `max_bytes` plus one event. After an event that did not fit, the buffer shrinks back at the next seal.
#[derive(Debug)]
pub struct OpenBatch {
    index: Arc<str>,
    form: Form,
    max_bytes: usize,
    runs: Vec<Run>,
    items: Vec<Item>,
    body: Vec<u8>,
}

const ACTION: &[u8; 18] = br#"{"create":{"_id":""#;
const ACTION_END: &[u8; 4] = b"\"}}\n";

impl OpenBatch {
    /// An empty batch for `index`; full from `max_bytes` of body (before compression) on.
    pub fn new(index: Arc<str>, form: Form, max_bytes: usize) -> Self {
        Self { index, form, max_bytes, runs: Vec::new(), items: Vec::new(), body: Vec::new() }
    }

    /// Where the events go.
    pub fn index(&self) -> &Arc<str> {
        &self.index
    }

    /// Adds an event. `document` appends exactly one JSON object in one line, without the line feed, to the body.
    ///
    /// Offsets in the body have 32 bits: `max_bytes` and one event together stay below 4 GiB.
    pub fn push<T>(&mut self, event: EventMeta, document: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        let body_start = body_offset(&self.body);
        if self.form == Form::Bulk {
            self.push_action(&event_id(event.lineage, event.start, event.checksum));
        }
        let result = document(&mut self.body);
        self.body.push(b'\n');
        let EventMeta { file, lineage, start, end, checksum, uncertain } = event;
        self.items.push(Item { start, end, checksum, body_start, uncertain });
        extend_runs(&mut self.runs, file, lineage);
        result
    }

    fn push_action(&mut self, id: &[u8; ID_LEN]) {
        const LEN: usize = ACTION.len() + ID_LEN + ACTION_END.len();
        let mut line = [0u8; LEN];
        line[..ACTION.len()].copy_from_slice(ACTION);
        line[ACTION.len()..ACTION.len() + ID_LEN].copy_from_slice(id);
        line[ACTION.len() + ID_LEN..].copy_from_slice(ACTION_END);
        self.body.extend_from_slice(&line);
    }

    /// Bytes of the body so far.
    pub fn raw_len(&self) -> usize {
        self.body.len()
    }

    /// Number of events.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are no events.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Whether it has to be sealed before the next event.
    pub fn is_full(&self) -> bool {
        self.body.len() >= self.max_bytes
    }

    /// The finished batch; this one is empty again.
    pub fn seal(&mut self, compressor: &mut Compressor) -> Batch {
        let batch = Batch {
            index: Arc::clone(&self.index),
            runs: exact(&mut self.runs),
            items: exact(&mut self.items),
            raw_len: body_offset(&self.body),
            body: compressor.body(&self.body),
        };
        self.body.clear();
        self.body.shrink_to(self.max_bytes.saturating_add(self.max_bytes / 4));
        batch
    }
}

/// Hands the elements over in an allocation of their size; the grown one stays for the next batch.
fn exact<T: Clone>(grown: &mut Vec<T>) -> Vec<T> {
    let elements = grown.as_slice().to_vec();
    grown.clear();
    elements
}

pub(super) fn extend_runs(runs: &mut Vec<Run>, file: FileKey, lineage: Lineage) {
    match runs.last_mut() {
        Some(run) if run.file == file && run.lineage == lineage => run.items += 1,
        _ => runs.push(Run { file, lineage, items: 1 }),
    }
}

pub(super) fn body_offset(body: &[u8]) -> u32 {
    u32::try_from(body.len()).expect("the configuration bounds batch and line far below 4 GiB")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Body;

    fn meta(file: u32, start: u64) -> EventMeta {
        EventMeta {
            file: FileKey(file),
            lineage: Lineage([file as u8; 6]),
            start,
            end: start + 10,
            checksum: 7,
            uncertain: false,
        }
    }

    fn open(form: Form) -> OpenBatch {
        OpenBatch::new("logs-app-default".into(), form, 200)
    }

    #[test]
    fn bulk_body_has_an_action_line_with_the_id_before_each_document() {
        let mut batch = open(Form::Bulk);
        batch.push(meta(1, 5), |body| body.extend_from_slice(b"{\"a\":1}"));
        let sealed = batch.seal(&mut Compressor::new(0));
        let id = String::from_utf8(event_id(Lineage([1; 6]), 5, 7).to_vec()).unwrap();
        let Body::Plain(body) = sealed.body else { panic!("level 0 compresses") };
        assert_eq!(body, format!("{{\"create\":{{\"_id\":\"{id}\"}}}}\n{{\"a\":1}}\n"));
        assert_eq!(sealed.raw_len as usize, body.len());
    }

    #[test]
    fn documents_body_is_ndjson() {
        let mut batch = open(Form::Documents);
        for start in [0, 10] {
            batch.push(meta(1, start), |body| body.extend_from_slice(b"{}"));
        }
        let sealed = batch.seal(&mut Compressor::new(0));
        let Body::Plain(body) = sealed.body else { panic!("level 0 compresses") };
        assert_eq!(body, "{}\n{}\n");
        assert_eq!(sealed.items.iter().map(|item| item.body_start).collect::<Vec<_>>(), [0, 3]);
    }

    #[test]
    fn neighbouring_events_of_one_generation_share_a_run() {
        let mut batch = open(Form::Bulk);
        for (file, start) in [(1, 0), (1, 10), (2, 0), (1, 20)] {
            batch.push(meta(file, start), |body| body.push(b'1'));
        }
        let runs = batch.seal(&mut Compressor::new(1)).runs;
        assert_eq!(
            runs.iter().map(|run| (run.file.0, run.items)).collect::<Vec<_>>(),
            [(1, 2), (2, 1), (1, 1)]
        );
    }

    #[test]
    fn sealing_empties_the_batch_and_gives_back_what_an_oversized_event_took() {
        let mut batch = open(Form::Documents);
        assert!(batch.is_empty() && !batch.is_full());
        batch.push(meta(1, 0), |body| body.resize(body.len() + 10_000, b'x'));
        assert!(batch.is_full());
        batch.seal(&mut Compressor::new(1));
        assert!(batch.is_empty() && batch.raw_len() == 0);
        assert!(batch.body.capacity() <= 250, "kept {} bytes", batch.body.capacity());
    }
}
