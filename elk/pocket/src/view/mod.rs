//! The Logs page and the [`boards`]: a small HTTP server of its own, in front of the `_search` dialect.
//!
//! The browser gets a hand-written page (`page/`, embedded) and a JSON API under `/api/logs`:
//!
//! | Address | Answers |
//! | --- | --- |
//! | `lines` | lines of a [`Selection`](selection::Selection), newest first, up to 500 at once |
//! | `summary` | how many there are over time by level, and per level and service |
//! | `document` | one line, whole |
//! | `around` | the lines before and after one, of the same file where it came from one |
//!
//! `/api/complete` says how a KQL text can go on, for the search box of all pages.
//!
//! What is asked of the store is plain `_search` ([`Source`]), so that the same page can be put before a cluster.

mod assets;

mod gate;

mod server;

mod selection;

mod source;

mod cluster;

mod line;

mod lines;

mod document;

mod summary;

mod boards;

mod completion;

mod fault;

#[cfg(test)]
mod tests;

pub use boards::{BoardFileError, BoardsError};
pub use cluster::{Access, Cluster, ClusterError};
pub use server::{View, ViewError, ViewOptions};
pub use source::Source;
