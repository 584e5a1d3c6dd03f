//! `_bulk`: the request read, the answer written, as Elasticsearch 8.19 does both.

mod answer;
mod request;

pub use answer::{Answer, Detail, ItemError, Outcome, refusal};
pub use request::{BulkError, Item, Op, items};
