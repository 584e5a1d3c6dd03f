//! Ingest pipelines: set, remove, rename, lowercase, append, drop, date.

mod document;

mod processor;

pub use processor::{Failure, Pipeline, Verdict};
