//! One index: its documents in tantivy, its mapping, its ids.
//!
//! | tantivy field | what | how |
//! | --- | --- | --- |
//! | `key_high`, `key_low` | the document's key | columns |
//! | `sequence`, `version` | order of writing; version where it is not 1 | columns |
//! | `n` | numbers, dates, booleans as `i64`, by number of the field | JSON, columns only |
//! | `k` | keywords, by number of the field | JSON, columns only: a dictionary and ordinals |
//! | `t` | texts, by number of the field | JSON, inverted index with positions |
//! | `id`, `source` | ids the key does not hold; the document as it came | stored, zstd |
//!
//! Keywords have no inverted index: a filter looks its text up in the dictionary and scans the packed ordinals, about a
//! nanosecond a document, while postings would cost every document at writing and merging (`docs/decisions`).

mod document;

mod keys;

mod merges;

mod schema;

mod segment;

mod words;

mod writer;

pub use document::Indexed;
pub use keys::KeysQuery;
pub use schema::{FIELDS, Fields, column_name};
pub use segment::{BLOCK_DOCS, Segment, Snapshot, StoredDocument};
pub use words::split_words;
pub use writer::{Pending, Shelf, WriterBudget};
