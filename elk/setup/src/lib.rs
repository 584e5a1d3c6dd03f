//! Sets a cluster up for application logs: templates, retention, ingest pipeline, role and key of the agent, boards.
//!
//! The way of a set-up, one module a step:
//!
//! - [`wish`]: what the operator asks for.
//! - [`transport`]: the connections this crate is handed; it opens none itself.
//! - [`cluster`]: what answers there, once it is ready.
//! - [`object`]: what a cluster of that kind should hold, from the files in `elk/elasticsearch`.
//! - [`difference`]: what of it is not so yet.
//! - [`rival`]: index templates of others that claim the same data streams.
//! - [`plan`]: all of that, object by object, [`apply`]: done, [`check`]: looked at, [`remove`]: undone.
//! - [`stream`]: the data streams the templates made, [`key`]: the agent's API key, [`kibana`]: the boards, [`panels`]:
//!   their searches.
//!
//! Nothing here has a clock, a file or a socket of its own.

pub mod wish;

pub mod transport;

pub mod error;

pub mod cluster;

pub mod object;

pub mod difference;

pub mod rival;

pub mod stream;

pub mod key;

pub mod kibana;

pub mod plan;

pub mod apply;

pub mod panels;

pub mod check;

pub mod remove;

pub use error::SetupError;
