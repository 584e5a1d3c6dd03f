//! Elasticsearch and OpenSearch by `_bulk`.

pub mod answer;
pub mod bulk;
pub mod hosts;
mod json;
pub mod verdict;
