//! The batch that is being filled.

use super::compress::Compressor;
use super::form::Form;
use super::{Batch, Item, Run};
use crate::file::identity::event_id;
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

/// A batch that takes events, and keeps its buffer when it is sealed.
///
/// Memory: `max_bytes` plus one event. After an event that did not fit, the buffer shrinks back at the next seal.
#[derive(Debug)]
pub struct OpenBatch {
    index: Arc<str>,
    form: Form,
    routing: Vec<u8>,
    max_bytes: usize,
    runs: Vec<Run>,
    items: Vec<Item>,
    body: Vec<u8>,
}

impl OpenBatch {
    /// An empty batch for `index`; full from `max_bytes` of body (before compression) on.
    pub fn new(index: Arc<str>, form: Form, max_bytes: usize) -> Self {
        let routing = form.routing(&index);
        Self { index, form, routing, max_bytes, runs: Vec::new(), items: Vec::new(), body: Vec::new() }
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
        let id = || event_id(event.lineage, event.start, event.checksum);
        let result = self.form.write(id, &self.routing, &mut self.body, document);
        let EventMeta { file, lineage, start, end, checksum, uncertain } = event;
        self.items.push(Item { start, end, checksum, body_start, uncertain });
        extend_runs(&mut self.runs, file, lineage);
        result
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
        self.body.len() >= self.max_bytes || self.items.len() >= self.form.max_events()
    }

    /// The finished batch; this one is empty again.
    pub fn seal(&mut self, compressor: &mut Compressor) -> Batch {
        self.form.finish(&mut self.body, self.items.iter().map(|item| item.body_start));
        let batch = Batch {
            index: Arc::clone(&self.index),
            form: self.form,
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
    fn lumberjack_body_is_numbered_frames_with_id_and_data_stream() {
        let mut batch = open(Form::Lumberjack);
        for start in [5, 15] {
            batch.push(meta(1, start), |body| body.extend_from_slice(b"{\"a\":1}"));
        }
        let sealed = batch.seal(&mut Compressor::new(0));
        let Body::Plain(body) = sealed.body else { panic!("level 0 compresses") };
        let mut rest = &body[..];
        for (number, start) in [(1, 5), (2, 15)] {
            let id = String::from_utf8(event_id(Lineage([1; 6]), start, 7).to_vec()).unwrap();
            let document = format!(
                "{{\"@metadata\":{{\"_id\":\"{id}\"}},\"data_stream\":{{\"dataset\":\"app\",\"namespace\":\"default\",\"type\":\"logs\"}},\"a\":1}}"
            );
            let frame =
                [&[b'2', b'J', 0, 0, 0, number, 0, 0, 0, document.len() as u8], document.as_bytes()].concat();
            rest = rest.strip_prefix(&frame[..]).expect("the frame");
        }
        assert!(rest.is_empty());
    }

    #[test]
    fn array_body_is_one_json_array() {
        let mut batch = open(Form::Array);
        for start in [5, 15] {
            batch.push(meta(1, start), |body| body.extend_from_slice(b"{\"a\":1}"));
        }
        let body = batch.seal(&mut Compressor::new(0)).raw();
        let events: Vec<serde_json::Value> = serde_json::from_slice(&body).unwrap();
        assert_eq!(events.len(), 2);
        assert_eq!((&events[1]["a"], &events[1]["data_stream"]["dataset"]), (&1.into(), &"app".into()));
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
