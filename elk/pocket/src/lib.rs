//! Pocket ELK: an embedded store with the HTTP dialect of Elasticsearch, and its viewer.

pub mod aggregation;
pub mod command;
pub mod document;
pub mod http;
pub mod ids;
pub mod index;
pub mod ingest;
pub mod log;
pub mod mapping;
pub mod pattern;
pub mod query;
pub mod search;
pub mod store;
pub mod time;
pub mod view;
