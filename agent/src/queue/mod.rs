//! The queue on disk of what cannot be read again: standard input, the network.
//!
//! ```text
//! stream → segment in the state directory → (as any other file) → line → event → …
//! ```
//!
//! What arrives is appended to a segment, a file that the tailer finds and reads like every other one: same lines, ids, ledger
//! and checkpoint. A segment begins with a line of its own that no other has, so that two of the same text are never
//! taken for copies. Once it is full, all its lines have their verdict and a checkpoint says so, it is removed.
//!
//! - Whole: a full segment ends where an event ends, so that a stack trace does not lie over two of them.
//! - Bounded: at `limits.queue` bytes the writer waits, and whoever writes to it waits too; or it is refused, and says so to
//!   its sender or counts it. Nothing is dropped in silence.
//! - Durable: written before anything else sees it, so that `kill -9` loses nothing of it; synced before each checkpoint, that
//!   is, each second while lines come, before its end, and before a sender is told that its lines were taken.

mod feed;

mod seam;

mod segments;

#[cfg(test)]
mod tests;

pub use feed::feed_stdin;
pub use segments::{Queue, QueueFacts, Refusal, TornEnd};

use crate::checkpoint::directory::Directory;
use crate::checkpoint::{StateDirectory, StateError};
use crate::config::{Config, Source};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tracing::warn;

/// Directory of all queues in the state directory.
const QUEUES: &str = "queue";

/// Ending of the names of segments.
const ENDING: &str = ".lines";

/// The glob of the segments of one queue. `state` is no pattern.
pub fn segments_of(state: &Path, queue: &str) -> String {
    let directory = globset::escape(&state.join(QUEUES).join(queue).to_string_lossy());
    format!("{directory}/*{ENDING}")
}

/// A segment of some queue, to ask whether a pattern matches it.
pub fn some_segment(state: &Path) -> PathBuf {
    state.join(QUEUES).join("any").join(format!("0{ENDING}"))
}

/// The queues of all inputs, in their order; none for those that read files.
pub fn open_all(state: &StateDirectory, config: &Config) -> Result<Vec<Option<Arc<Queue>>>, StateError> {
    let names: Vec<Option<String>> = config.inputs.iter().map(|input| input.source.queue()).collect();
    let is_there = state.path().join(QUEUES).try_exists().unwrap_or(true);
    if names.iter().all(Option::is_none) && !is_there {
        return Ok(names.iter().map(|_| None).collect());
    }
    let all = state.subdirectory(QUEUES)?;
    warn_of_orphans(&all, &names);
    let mut queues = Vec::new();
    for (name, input) in names.into_iter().zip(&config.inputs) {
        let torn = match input.source {
            Source::Syslog { .. } => TornEnd::Drop,
            Source::Files | Source::Stdin => TornEnd::Keep,
        };
        let open = |name: String| {
            let directory = all.subdirectory(&name)?;
            let path = directory.path().to_path_buf();
            Queue::open(directory, config.limits.queue, torn, input.framing())
                .map(Arc::new)
                .map_err(|source| StateError::File { action: "take up the queue in", path, source })
        };
        queues.push(name.map(open).transpose()?);
    }
    Ok(queues)
}

/// Lines of an input that is not configured any more would lie there for ever, unsaid.
fn warn_of_orphans(all: &Directory, names: &[Option<String>]) {
    for name in all.names().unwrap_or_default() {
        if names.iter().flatten().any(|known| *known == name) {
            continue;
        }
        let Ok(entries) = std::fs::read_dir(all.path_of(&name)) else { continue };
        let lengths = entries.filter_map(|entry| entry.ok()?.metadata().ok()).map(|facts| facts.len());
        let bytes: u64 = lengths.sum();
        if bytes > 0 {
            warn!(
                queue = %all.path_of(&name).display(), bytes,
                "lines wait in the queue of an input that is not configured; configure it again to deliver them, or remove the directory"
            );
        }
    }
}
