//! The queues of streams, as the tailer sees them.

use super::tailer::Tailer;
use crate::file::FileKey;
use crate::file::tailed::{Standing, Tailed};
use crate::queue::Queue;
use std::sync::Arc;

impl Tailer {
    /// The queues there are.
    pub(super) fn streams(&self) -> impl Iterator<Item = &Arc<Queue>> {
        self.parts.queues.iter().flatten()
    }

    /// Whether every input is a stream that has ended, and all of it is delivered.
    pub(super) fn have_streams_ended(&self) -> bool {
        let mut queues = self.parts.queues.iter();
        !self.parts.queues.is_empty()
            && queues.all(|queue| queue.as_ref().is_some_and(|queue| queue.is_drained()))
    }

    /// Removes segments that a durable checkpoint calls delivered.
    pub(super) fn remove_segments(&mut self) {
        for file in self.parts.table.files() {
            let Some(Some(queue)) = self.parts.queues.get(file.input) else { continue };
            if is_delivered(file)
                && let Some(name) = file.path.file_name().and_then(|name| name.to_str())
            {
                queue.remove(name, file.checkpointed);
            }
        }
    }

    /// Whether an older segment of the same queue has lines that were not read: a stream keeps its order.
    pub(super) fn waits_for_older(&self, key: FileKey) -> bool {
        let Some(file) = self.parts.table.file(key) else { return false };
        let is_stream = self.parts.queues.get(file.input).is_some_and(Option::is_some);
        is_stream
            && self.parts.table.files().any(|other| {
                other.input == file.input
                    && other.path < file.path
                    && other.may_have_more()
                    && matches!(other.standing, Standing::Present)
            })
    }
}

fn is_delivered(file: &Tailed) -> bool {
    matches!(file.standing, Standing::Present)
        && file.known().is_some()
        && file.is_settled()
        && file.checkpointed == file.framed()
}
