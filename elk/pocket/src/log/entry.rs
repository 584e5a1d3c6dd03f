//! What a frame says: documents of one index, in order.

use crate::document::DocKey;
use bytes::{Buf, BufMut, Bytes};

/// Documents of one index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The index, by the number of its folder.
    pub index: u32,
    /// Its changes in order.
    pub records: Vec<Record>,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What it does.
    pub operation: Operation,
    /// Which document.
    pub key: DocKey,
    /// The id where the key does not hold it.
    pub id: Option<Box<str>>,
    /// Place in the order of all changes of the index.
    pub sequence: u64,
    /// Version of the document after it.
    pub version: u32,
    /// The document's text; empty for a removal.
    pub source: Bytes,
}

/// Kinds of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// A document with a new id.
    Add,
    /// A document in place of the one that has the id.
    Replace,
    /// No document has the id any more.
    Remove,
}

impl Entry {
    /// Appends the body of a frame.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.put_u32_le(self.index);
        out.put_u32_le(self.records.len() as u32);
        for record in &self.records {
            let id = record.id.as_deref().unwrap_or_default();
            out.put_u8(match record.operation {
                Operation::Add => 0,
                Operation::Replace => 1,
                Operation::Remove => 2,
            });
            out.put_u128_le(record.key.bits());
            out.put_u64_le(record.sequence);
            out.put_u32_le(record.version);
            out.put_u16_le(id.len() as u16);
            out.put_u32_le(record.source.len() as u32);
            out.put_slice(id.as_bytes());
            out.put_slice(&record.source);
        }
    }

    /// Reads a body; `None` where it is none.
    pub(super) fn decode(mut body: Bytes) -> Option<Self> {
        let index = body.try_get_u32_le().ok()?;
        let count = body.try_get_u32_le().ok()?;
        let mut records = Vec::new();
        for _ in 0..count {
            records.push(decode_record(&mut body)?);
        }
        body.is_empty().then_some(Self { index, records })
    }
}

fn decode_record(body: &mut Bytes) -> Option<Record> {
    let operation = match body.try_get_u8().ok()? {
        0 => Operation::Add,
        1 => Operation::Replace,
        2 => Operation::Remove,
        _ => return None,
    };
    let key = DocKey::from_bits(body.try_get_u128_le().ok()?);
    let sequence = body.try_get_u64_le().ok()?;
    let version = body.try_get_u32_le().ok()?;
    let id_len = body.try_get_u16_le().ok()? as usize;
    let source_len = body.try_get_u32_le().ok()? as usize;
    if body.len() < id_len + source_len {
        return None;
    }
    let id = String::from_utf8(body.split_to(id_len).into()).ok()?;
    let id = (!id.is_empty()).then(|| id.into_boxed_str());
    Some(Record { operation, key, id, sequence, version, source: body.split_to(source_len) })
}
