//! Memory for bodies, of requests and of answers.

use super::call::Call;
use crate::store::ApiError;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Room for the bodies in work. Who gets none does not wait but is refused.
#[derive(Clone)]
pub(super) struct Room {
    free: Arc<Semaphore>,
    bytes: usize,
}

/// Room that is taken; it is free again when this is dropped.
pub(super) type Taken = OwnedSemaphorePermit;

/// Semaphores count in KiB.
pub(super) const UNIT: usize = 1 << 10;
/// How many times its text JSON takes as a tree, at worst: a list of digits, whose room doubles while it is read.
const TREE: usize = 32;
/// The same for answers, which have longer texts and names.
const TREE_OF_ANSWER: usize = 12;
/// Answers up to this size need no room.
const SMALL: usize = 64 << 10;

impl Room {
    pub(super) fn new(bytes: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(bytes / UNIT)), bytes }
    }

    pub(super) fn take(&self, bytes: usize) -> Result<Taken, ApiError> {
        let wanted = bytes.div_ceil(UNIT) as u32;
        Arc::clone(&self.free).try_acquire_many_owned(wanted).map_err(|_| {
            let reason = format!("rejected execution of coordinating operation [coordinating_operation_bytes={bytes}, max_coordinating_bytes={}]", self.bytes);
            ApiError::new(429, "es_rejected_execution_exception", reason)
        })
    }

    /// Room for the body of an answer, until it is sent.
    pub(super) fn take_for_answer(&self, body: &[u8]) -> Result<Option<Taken>, ApiError> {
        if body.len() <= SMALL { Ok(None) } else { self.take(body.len()).map(Some) }
    }

    /// Room for an answer as a tree.
    pub(super) fn take_for_tree(&self, body: &[u8]) -> Result<Option<Taken>, ApiError> {
        if body.len() <= SMALL { Ok(None) } else { self.take(body.len() * TREE_OF_ANSWER).map(Some) }
    }

    /// Room for what a call is read into; `None` where there is never as much.
    pub(super) fn take_for_call(&self, call: &Call) -> Option<Result<Taken, ApiError>> {
        let bytes = TREE * read_at_once(call);
        (bytes <= self.bytes).then(|| self.take(bytes))
    }
}

/// Bytes of a body that become a tree at the same time. Documents become none.
fn read_at_once(call: &Call) -> usize {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["_bulk"] | [_, "_bulk" | "_doc"] | [_, "_doc" | "_create" | "_update", _] => 0,
        ["_msearch"] | [_, "_msearch"] => {
            call.body.split(|byte| *byte == b'\n').map(<[u8]>::len).max().unwrap_or_default()
        }
        _ => call.body.len(),
    }
}
