//! Pocket ELK: an embedded store with the HTTP dialect of Elasticsearch, and its viewer.

pub mod document;
pub mod ids;
pub mod index;
pub mod log;
pub mod mapping;
pub mod pattern;
pub mod store;
pub mod time;
