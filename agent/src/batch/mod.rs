//! Events become the body of one request.
//!
//! A [`Batch`] holds events of one target index. Its body is finished in the [`Form`] of the output, such as the `_bulk` text
//! with an action line and a document line for each item, and compressed as it goes over the wire: that is the only copy of
//! the events until the verdict.

mod compress;
mod deflate;
mod form;
mod open;
mod select;

pub use compress::Compressor;
pub use form::Form;
pub use open::{EventMeta, OpenBatch};

use crate::file::{FileKey, Lineage};
use bytes::Bytes;
use std::sync::Arc;

/// One event inside a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// Offset of the event's first byte in its file.
    pub start: u64,
    /// Offset behind its last byte, terminator included.
    pub end: u64,
    /// Checksum part of the id.
    pub checksum: u32,
    /// Where the item (with `_bulk` its action line) starts in the uncompressed body; it ends where the next item starts.
    pub body_start: u32,
    /// The event may have been sent before (by an earlier run, or a request whose fate is unknown), so a 409 is no surprise
    /// and a rollover has to be looked up first.
    pub uncertain: bool,
}

/// Consecutive items of one file generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The file generation.
    pub file: FileKey,
    /// Its lineage: the first part of the ids.
    pub lineage: Lineage,
    /// How many items, following those of the runs before.
    pub items: u32,
}

/// The body of one request, as it goes over the wire.
#[derive(Debug, Clone)]
pub enum Body {
    /// Not compressed.
    Plain(Bytes),
    /// One gzip member.
    Gzip(Bytes),
    /// One zlib stream (RFC 1950), the form of Lumberjack.
    Zlib(Bytes),
}

impl Body {
    /// Bytes on the wire.
    #[expect(clippy::len_without_is_empty, reason = "a batch has events")]
    pub fn len(&self) -> usize {
        match self {
            Self::Plain(bytes) | Self::Gzip(bytes) | Self::Zlib(bytes) => bytes.len(),
        }
    }
}

/// Events on their way to one index.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Data stream or index all items go to.
    pub index: Arc<str>,
    /// How they lie in the body.
    pub form: Form,
    /// Which file generations the items come from, in order.
    pub runs: Vec<Run>,
    /// The events, in the order of the body.
    pub items: Vec<Item>,
    /// Length of the body before compression.
    pub raw_len: u32,
    /// The events.
    pub body: Body,
}
