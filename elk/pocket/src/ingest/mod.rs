//! Ingest pipelines: set, remove, rename, lowercase, append, drop, date, and the script of `blueox setup`.

mod document;

mod lag;

mod processor;

pub use document::Document;
pub use processor::{Failure, Pipeline, Verdict};
