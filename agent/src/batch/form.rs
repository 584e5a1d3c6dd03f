//! How events lie in the body of a request.

use crate::file::identity::ID_LEN;

/// How events lie in the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `_bulk`: a `create` action line with the id, then the document. The index stands in the URL, not in the lines.
    Bulk,
    /// NDJSON: documents only.
    Documents,
    /// Lumberjack data frames, numbered from 1. The document holds the id in `@metadata._id` and the data stream.
    Lumberjack,
    /// One JSON array of documents that hold the id and the data stream as in [`Form::Lumberjack`].
    Array,
}

/// Version `2`, type `J`, sequence number and length (both 32 bits, big-endian).
const FRAME_HEAD: usize = 10;

const ACTION: &[u8; 18] = br#"{"create":{"_id":""#;
const ACTION_END: &[u8; 4] = b"\"}}\n";
const METADATA: &[u8] = br#"{"@metadata":{"_id":""#;
const METADATA_END: &[u8] = br#""}"#;

impl Form {
    /// What stands in front of the members of every document: where Logstash is to put it, for forms that go there.
    pub(super) fn routing(self, index: &str) -> Vec<u8> {
        let mut parts = index.splitn(3, '-');
        let (Form::Lumberjack | Form::Array, Some(kind), Some(dataset), Some(namespace)) =
            (self, parts.next(), parts.next(), parts.next())
        else {
            return Vec::new();
        };
        let stream = serde_json::json!({"type": kind, "dataset": dataset, "namespace": namespace});
        format!(",\"data_stream\":{stream}").into_bytes()
    }

    /// Most events in one request, whatever their size: servers of Lumberjack limit a window (Elastic's own to 10 000).
    pub(super) fn max_events(self) -> usize {
        match self {
            Form::Bulk | Form::Documents | Form::Array => usize::MAX,
            Form::Lumberjack => 4096,
        }
    }

    /// Bytes of a request behind those of its last event.
    pub(super) fn tail(self) -> &'static [u8] {
        match self {
            Form::Array => b"]",
            Form::Bulk | Form::Documents | Form::Lumberjack => b"",
        }
    }

    /// Appends what stands in front of a document, the document, and what stands behind it.
    pub(super) fn write<T>(
        self,
        id: impl FnOnce() -> [u8; ID_LEN],
        routing: &[u8],
        body: &mut Vec<u8>,
        document: impl FnOnce(&mut Vec<u8>) -> T,
    ) -> T {
        match self {
            Form::Bulk => {
                push_action(&id(), body);
                let result = document(body);
                body.push(b'\n');
                result
            }
            Form::Documents => {
                let result = document(body);
                body.push(b'\n');
                result
            }
            Form::Lumberjack => {
                let start = body.len();
                body.extend_from_slice(b"2J\0\0\0\0\0\0\0\0");
                let result = write_routed(&id(), routing, body, document);
                let len = (body.len() - start - FRAME_HEAD) as u32;
                body[start + FRAME_HEAD - 4..start + FRAME_HEAD].copy_from_slice(&len.to_be_bytes());
                result
            }
            Form::Array => {
                body.push(b',');
                write_routed(&id(), routing, body, document)
            }
        }
    }

    /// Makes a request of the events in `body`, which begin at `starts`.
    pub(super) fn finish(self, body: &mut Vec<u8>, starts: impl Iterator<Item = u32>) {
        match self {
            Form::Bulk | Form::Documents => {}
            Form::Lumberjack => {
                for (number, start) in (1u32..).zip(starts) {
                    let at = start as usize + 2;
                    body[at..at + 4].copy_from_slice(&number.to_be_bytes());
                }
            }
            Form::Array => {
                if let Some(first) = body.first_mut() {
                    *first = b'[';
                }
                body.extend_from_slice(self.tail());
            }
        }
    }
}

fn push_action(id: &[u8; ID_LEN], body: &mut Vec<u8>) {
    const LEN: usize = ACTION.len() + ID_LEN + ACTION_END.len();
    let mut line = [0u8; LEN];
    line[..ACTION.len()].copy_from_slice(ACTION);
    line[ACTION.len()..ACTION.len() + ID_LEN].copy_from_slice(id);
    line[ACTION.len() + ID_LEN..].copy_from_slice(ACTION_END);
    body.extend_from_slice(&line);
}

/// A document with members of ours in front of its own.
fn write_routed<T>(
    id: &[u8; ID_LEN],
    routing: &[u8],
    body: &mut Vec<u8>,
    document: impl FnOnce(&mut Vec<u8>) -> T,
) -> T {
    for part in [METADATA, id, METADATA_END, routing] {
        body.extend_from_slice(part);
    }
    // The comma behind our last member takes the place of the brace that opens the document, which has members of its own.
    let brace = body.len();
    let result = document(body);
    debug_assert!(body[brace..].starts_with(b"{\""), "a document is a JSON object with members");
    body[brace] = b',';
    result
}
