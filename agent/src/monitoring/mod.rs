//! What operators see of a running agent: `/status`, `/metrics`, `/healthz`, `/readyz`.
//!
//! - [`StatusReport`] is the one report; `door` decides who gets which page of it, `prometheus` writes it as metrics,
//!   `server` moves the bytes.

mod door;

mod prometheus;

mod server;

#[cfg(test)]
mod tests;

pub use server::serve;

use serde::{Deserialize, Serialize};
use std::pin::Pin;
use std::sync::Arc;

/// The answer of `GET /status`. Names are frozen (DESIGN 7).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct StatusReport {
    /// Version of the agent.
    pub version: String,
    /// Time since start.
    pub uptime_ms: u64,
    /// Progress or idle: what `/readyz` answers.
    pub ready: bool,
    /// Indices nothing goes to until an operator acts.
    pub held: Vec<Held>,
    /// Events by outcome; `read` is the sum of the others.
    pub accounts: Accounts,
    /// Bytes.
    pub bytes: Bytes,
    /// Every reason that has cost something.
    #[serde(default)]
    pub losses: Vec<Loss>,
    /// Lines that did not arrive as they were written.
    #[serde(default)]
    pub oddities: Oddities,
    /// Every configured processor that can take events out.
    #[serde(default)]
    pub processors: Vec<ProcessorStatus>,
    /// Unexpected 409s: two events that shared an id.
    pub id_collisions: u64,
    /// Every known file.
    pub files: Vec<FileStatus>,
    /// Queues of the inputs that are streams.
    #[serde(default)]
    pub queues: Vec<QueueStatus>,
    /// Where messages from the network come in.
    #[serde(default)]
    pub listeners: Vec<ListenerStatus>,
    /// The output.
    pub output: OutputStatus,
    /// Memory in bytes.
    pub memory: Memory,
}

/// An index that is held, and why.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Held {
    /// Index or data stream.
    pub index: String,
    /// Error type and remedy.
    pub reason: String,
}

/// Events by outcome: `read = delivered + duplicate + dead_lettered + filtered + lost + pending`.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub struct Accounts {
    pub read: u64,
    pub delivered: u64,
    pub duplicate: u64,
    pub dead_lettered: u64,
    pub filtered: u64,
    pub lost: u64,
    pub pending: u64,
}

/// Byte counters.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub struct Bytes {
    pub read: u64,
    pub sent: u64,
    pub lost: u64,
    pub dead_letters: u64,
}

/// What one reason has cost.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Loss {
    /// `truncated_unread`, `deleted_unread`, `deleted_before_open`, `held_files_limit` or `damaged_compression`.
    pub reason: String,
    /// How often.
    pub times: u64,
    /// Events that had been read.
    pub events: u64,
    /// Bytes, also those never cut into events.
    pub bytes: u64,
}

/// Lines that did not arrive as they were written, or bytes that are no line.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Oddities {
    /// Lines cut at `max_line`.
    pub cut_lines: u64,
    /// Lines with bytes that are not UTF-8, replaced.
    pub invalid_utf8_lines: u64,
    /// NUL bytes of holes that were passed over.
    pub nul_bytes: u64,
}

/// What one processor has taken out; all of them together make up `accounts.filtered`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct ProcessorStatus {
    /// Its place in `processors`, from 1 on.
    pub number: usize,
    /// `drop`, `keep`, `sample` or `rate_limit`.
    pub processor: String,
    /// Events that ended there.
    pub filtered: u64,
}

/// One file.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct FileStatus {
    /// Path last seen, escaped where it is not UTF-8.
    pub path: String,
    /// Inode number.
    pub inode: u64,
    /// Size in bytes.
    pub size: u64,
    /// Offset behind the last line read.
    pub read: u64,
    /// Offset up to which every line has its verdict.
    pub settled: u64,
    /// Offset on disk in the checkpoint.
    pub checkpointed: u64,
    /// Age of the oldest unsettled line.
    pub lag_ms: u64,
    /// `active`, `waiting`, `rotated`, `deleted`, `held`, `unreadable` …
    pub state: String,
}

/// What has come from a stream and is not delivered.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct QueueStatus {
    /// Name of the queue: `stdin`, `syslog-…`.
    pub name: String,
    /// Bytes on disk.
    pub bytes: u64,
    /// Bound of `bytes`.
    pub limit: u64,
    /// `open`, `full` (whoever writes to it waits) or `ended`.
    pub state: String,
}

/// What came in at one listener since the start, and what did not.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct ListenerStatus {
    /// Where it listens.
    pub address: String,
    /// `tcp`, `http` or `udp`.
    pub protocol: String,
    /// Connections that are open now.
    pub connections_open: u64,
    /// Connections that were closed before anything was read: a TLS handshake failed, or there was no thread.
    pub connections_refused: u64,
    /// Requests that were not answered 2xx; their senders have their messages still.
    pub requests_refused: u64,
    /// Messages that are in the queue, or were.
    pub messages: u64,
    /// Those among them that were longer than `max_line`.
    pub messages_cut: u64,
    /// Messages that came and are lost: datagrams while the queue was full, counted messages whose end never came.
    pub messages_dropped: u64,
    /// Datagrams that the system dropped because they came faster than they were read.
    pub datagrams_dropped: u64,
}

/// The output.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct OutputStatus {
    /// Host last used.
    pub host: String,
    /// Requests under way.
    pub in_flight: u64,
    /// Requests or items sent again since the start.
    pub retries: u64,
    /// The last error, if the last request failed.
    pub last_error: Option<String>,
}

/// Memory in bytes.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub struct Memory {
    pub used: u64,
    pub limit: u64,
}

/// Asks the pipeline for a fresh report. An answer that takes longer than [two seconds](serve) counts as none.
pub type StatusSource = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = StatusReport> + Send>> + Send + Sync>;
