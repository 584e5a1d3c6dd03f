//! The thread that writes checkpoints, so that a slow disk does not stop the reader.

use super::signals::Signals;
use crate::checkpoint::directory::Directory;
use crate::checkpoint::{Checkpoint, Store};
use crate::file::FileKey;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// One checkpoint to write, and what it confirms.
pub(super) struct Job {
    /// What to write.
    pub(super) checkpoint: Checkpoint,
    /// Settled offsets it holds.
    pub(super) offsets: Vec<(FileKey, u64)>,
}

/// What became of a job.
pub(super) struct Done {
    /// Offsets that are durable now; `Err`: why not.
    pub(super) outcome: Result<Vec<(FileKey, u64)>, String>,
}

/// Hands checkpoints to the writing thread.
pub(super) struct Saver {
    jobs: Option<SyncSender<Job>>,
    done: Arc<Mutex<Option<Done>>>,
    thread: Option<JoinHandle<()>>,
    busy: bool,
}

impl Saver {
    /// Starts the thread.
    pub(super) fn start(store: Store<Directory>, signals: Arc<Signals>) -> std::io::Result<Self> {
        let (jobs, receiver) = sync_channel(1);
        let done = Arc::new(Mutex::new(None));
        let answer = done.clone();
        let thread = std::thread::Builder::new()
            .name("checkpoint".into())
            .stack_size(256 * 1024)
            .spawn(move || write_all(store, &receiver, &answer, &signals))?;
        Ok(Self { jobs: Some(jobs), done, thread: Some(thread), busy: false })
    }

    /// Whether a checkpoint is being written.
    pub(super) fn is_busy(&self) -> bool {
        self.busy
    }

    /// Hands over a checkpoint. Only while not busy.
    pub(super) fn save(&mut self, job: Job) {
        debug_assert!(!self.busy);
        self.busy = self.jobs.as_ref().is_some_and(|jobs| jobs.try_send(job).is_ok());
    }

    /// The outcome of the last job, once.
    pub(super) fn take_done(&mut self) -> Option<Done> {
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        self.busy = false;
        Some(done)
    }

    /// Ends the thread.
    pub(super) fn finish(mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has ended the process already, or has been reported by the hook.
            let _ended = thread.join();
        }
    }
}

fn write_all(
    mut store: Store<Directory>,
    jobs: &Receiver<Job>,
    done: &Mutex<Option<Done>>,
    signals: &Signals,
) {
    while let Ok(job) = jobs.recv() {
        let outcome = match store.save(&job.checkpoint) {
            Ok(_) => Ok(job.offsets),
            Err(error) => Err(crate::telemetry::chain(&error)),
        };
        *done.lock().unwrap_or_else(PoisonError::into_inner) = Some(Done { outcome });
        signals.saved();
    }
}
