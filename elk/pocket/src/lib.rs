//! Pocket ELK: an embedded store with the HTTP dialect of Elasticsearch, and its viewer.

pub mod mapping;
pub mod pattern;
pub mod time;
