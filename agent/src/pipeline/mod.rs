//! The only place where stages are joined; every channel and its bound.
//!
//! Two threads. The *tailer* finds, reads, maps, batches and compresses, and owns the ledger: everything between two
//! system calls on one core, without locks. The *network* thread runs output, monitoring and signals on a
//! single-threaded tokio runtime. A third, mostly asleep, writes checkpoints.
//!
//! | channel | carries | bound |
//! | --- | --- | --- |
//! | tailer → output | sealed batches | `bulk.in_flight` of each index, and the memory limit |
//! | output → tailer | settlements ([`Signals`]) | as many as batches are out |
//! | watch → tailer | hints ([`crate::discovery::Watch`]) | a set of paths; overflow asks for a scan |
//! | tailer → checkpoint writer | one checkpoint | 1 |
//! | stream → tailer | segments of a queue ([`crate::queue`]) | `limits.queue` |
//! | HTTP request → writer of its queue ([`crate::receiver`]) | messages of a request | connections of the listener, and an eighth of the memory limit |

mod dated;

mod intake;

mod notice;

mod once;

mod own;

mod report;

mod restored;

mod rules;

mod saver;

mod saving;

mod settle;

mod signals;

mod start;

mod streams;

mod tailer;

pub use once::{OnceProgress, once};

pub use signals::Signals;
pub use start::{Exit, RunError, run};
