//! The blueox agent: every line of a log file once, from the file to Elasticsearch.
//!
//! The way of a line, one module a stage:
//!
//! ```text
//! file → chunk → line → event → batch → output → verdict → ledger → checkpoint
//! ```
//!
//! - [`config`]: what the operator writes, and what it means.
//! - [`discovery`]: which files exist: globs, a watch as the hint, a periodic scan as the truth.
//! - [`queue`]: what cannot be read again lies in files of the agent's own first.
//! - [`receiver`]: messages from the network, on their way into a queue.
//! - [`file`]: one tailed file: its identity, what a rotation did to it, its next bytes.
//! - [`line`]: bytes become lines.
//! - [`event`]: a line becomes an ECS document in one scan.
//! - [`batch`]: documents become the body of one request.
//! - [`output`]: the request, the answer, and a verdict for each event.
//! - [`ack`]: the ledger: which byte ranges are settled, and up to where without a gap.
//! - [`checkpoint`]: the ledger on disk.
//!
//! [`pipeline`] joins the stages; [`tls`] serves listeners and outputs; [`memory`] gives back what an idle agent does not need; [`monitoring`] shows the accounts; [`telemetry`] is the agent's own voice.

pub mod config;

pub mod discovery;

pub mod queue;

pub mod receiver;

pub mod file;

pub mod line;

pub mod event;

pub mod batch;

pub mod output;

pub mod ack;

pub mod checkpoint;

pub mod pipeline;

pub mod monitoring;

pub mod telemetry;

pub mod memory;

pub mod tls;

pub mod cli;
