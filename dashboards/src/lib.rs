//! The boards, and what becomes of their panels.
//!
//! - [`model`]: the boards, described.
//! - [`kibana`]: the model as Kibana's saved objects (NDJSON).
//! - [`lens`]: a panel of such a file as a `_search` request, and the answer as rows.
//! - [`kql`]: Kibana's query language.
//! - [`date`]: the calendar that panels and Pocket ELK's store reckon with.

pub mod model;

pub mod kibana;

pub mod lens;

pub mod kql;

pub mod date;
