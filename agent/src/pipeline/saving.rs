//! When a checkpoint is due, what is in it, and what follows once it is stored.

use super::saver::{Job, Saver};
use super::tailer::Tailer;
use crate::checkpoint::{Checkpoint, StreamState};
use crate::file::table::unix_time;
use crate::file::tailed::Tailed;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tracing::{error, info};

/// Between checkpoints.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);

/// How long the last checkpoint may take at a stop. A slow disk is better waited for than left behind.
const LAST_CHECKPOINT_WITHIN: Duration = Duration::from_secs(30);

/// What is not in a durable checkpoint yet.
pub(super) struct Saving {
    next: Instant,
    dirty: bool,
    awaits_first: bool,
    failed: bool,
    /// Backing indices that are not in the checkpoint yet.
    rolled_over: HashMap<String, String>,
}

impl Saving {
    /// `is_first`: no earlier run has left a checkpoint, and this one keeps state.
    pub(super) fn new(is_first: bool, now: Instant) -> Self {
        Self {
            next: if is_first { now } else { now + CHECKPOINT_EVERY },
            dirty: is_first,
            awaits_first: is_first,
            failed: false,
            rolled_over: HashMap::new(),
        }
    }

    /// Something has changed that a checkpoint holds.
    pub(super) fn mark(&mut self) {
        self.dirty = true;
    }

    /// When the next checkpoint is due, if one is.
    pub(super) fn due(&self) -> Option<Instant> {
        self.dirty.then_some(self.next)
    }

    /// Nothing is read before the first checkpoint is stored: without one, the next run could not know that something may
    /// have been sent, and would not look for it behind a rollover.
    pub(super) fn awaits_first(&self) -> bool {
        self.awaits_first
    }

    /// All that was sent to this index before is settled, by this backing index.
    pub(super) fn roll_over(&mut self, index: &str, backing: String) {
        self.rolled_over.insert(index.to_owned(), backing);
    }
}

impl Tailer {
    pub(super) fn checkpoint_if_due(&mut self, now: Instant) {
        if self.saving.dirty
            && (now >= self.saving.next || self.streams().any(|queue| queue.facts().has_ended))
        {
            self.request_checkpoint(now);
        }
    }

    pub(super) fn request_checkpoint(&mut self, now: Instant) {
        if self.parts.saver.as_ref().is_none_or(Saver::is_busy) {
            self.saving.dirty &= self.parts.saver.is_some();
            return;
        }
        if self.saving.failed && now < self.saving.next {
            return;
        }
        let job = self.checkpoint();
        if let Some(saver) = &mut self.parts.saver {
            saver.save(job);
            self.saving.dirty = false;
            self.saving.next = now + CHECKPOINT_EVERY;
        }
    }

    /// A restart looks for events of unknown fate from the backing index in the checkpoint on. So that one moves on only
    /// when everything an earlier run may have sent, into whatever index, has its verdict.
    fn follow_rollovers(&mut self) {
        if self.saving.rolled_over.is_empty() {
            return;
        }
        if self.parts.first_run || self.parts.table.files().all(Tailed::is_past_earlier_runs) {
            self.parts.backing.extend(self.saving.rolled_over.drain());
        }
    }

    fn checkpoint(&mut self) -> Job {
        self.follow_rollovers();
        let now = unix_time().as_secs();
        self.parts.table.forget_expired(now);
        let streams = self.parts.stream_names.iter().zip(self.parts.intake.streams());
        let mut states: Vec<StreamState> = streams
            .map(|(name, stream)| StreamState {
                index: name.clone(),
                backing_index: None,
                leftover_keys: stream.leftover_keys().export().collect(),
            })
            .collect();
        for (index, backing) in &self.parts.backing {
            match states.iter_mut().find(|state| state.index == *index) {
                Some(state) => state.backing_index = Some(backing.clone()),
                None => states.push(StreamState {
                    index: index.clone(),
                    backing_index: Some(backing.clone()),
                    leftover_keys: Vec::new(),
                }),
            }
        }
        let checkpoint = Checkpoint {
            sequence: 0,
            inputs: self.parts.known_inputs.clone(),
            streams: states,
            generations: self.parts.table.records(now),
        };
        self.parts.table.checkpoint_begun();
        Job { checkpoint, offsets: self.parts.table.settled_offsets() }
    }

    pub(super) fn saved(&mut self) {
        let Some(done) = self.parts.saver.as_mut().and_then(Saver::take_done) else { return };
        match done.outcome {
            Ok(offsets) => {
                self.saving.awaits_first = false;
                self.parts.table.checkpointed(&offsets);
                self.remove_segments();
                if std::mem::take(&mut self.saving.failed) {
                    info!("checkpoint is stored again");
                }
            }
            Err(error) => {
                self.saving.dirty = true;
                self.parts.table.checkpoint_failed();
                if !std::mem::replace(&mut self.saving.failed, true) {
                    error!(error, "checkpoint cannot be stored, trying again every second");
                }
            }
        }
    }

    pub(super) fn store_last_checkpoint(&mut self) -> bool {
        let deadline = Instant::now() + LAST_CHECKPOINT_WITHIN;
        loop {
            match self.parts.saver.as_ref() {
                None => return true,
                Some(saver) if !saver.is_busy() => {
                    if !self.saving.dirty {
                        return !self.saving.failed;
                    }
                    self.request_checkpoint(Instant::now());
                }
                Some(_) => {}
            }
            if Instant::now() >= deadline {
                return false;
            }
            let mail = self.parts.signals.take(Duration::from_millis(100));
            for settlement in mail.settlements {
                self.settle(settlement);
            }
            if mail.saved {
                self.saved();
                if self.saving.failed {
                    return false;
                }
            }
        }
    }
}
