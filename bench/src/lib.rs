//! Measures the agent and its peers, and tries to make the agent lose or repeat a line.
//!
//! ```text
//! line → writer → (agent or peer) → sink or fault server → journal → judge
//! ```
//!
//! - [`line`]: log lines that are a function of (seed, writer, sequence), so that any of them can be made again.
//! - [`writer`]: puts them into files, with the rotations of the field; keeps the [`ledger`].
//! - [`sink`]: a server that takes bulk requests as cheaply as it can and counts.
//! - [`beats_sink`]: the same for Lumberjack.
//! - [`fault`]: a server that stores for real and misbehaves by a seeded plan.
//! - [`judge`]: compares ledger and stored documents; knows nothing of the agent.
//! - [`torture`]: the agent, killed again and again between them.
//! - [`peers`]: the agent and others over the same lines into the same sink.
//! - [`filebeat`]: one of them, built from its Go module.
//! - [`filling`]: one run of the agent over a load, and what it used.
//! - [`doors`]: the agent over the same lines into both kinds of sink.
//! - [`inputs`]: the agent with the same lines through each of its inputs.
//! - [`store`]: stores beside each other, filled by the agent: ingest, memory, disk, start, aggregations, a board.
//! - [`engine`]: real Elasticsearch and OpenSearch nodes, for the tests of all crates.
//!
//! Nothing here links the agent: it is started as a program.

pub mod random;

pub mod line;

pub mod ledger;

pub mod writer;

pub mod http;

pub mod bulk;

pub mod sink;

pub mod beats_sink;

pub mod fault;

pub mod journal;

pub mod judge;

pub mod process;

pub mod torture;

pub mod peers;

pub mod filebeat;

pub mod filling;

pub mod doors;

pub mod inputs;

pub mod store;

pub mod engine;
