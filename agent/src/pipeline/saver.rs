//! The thread that writes checkpoints, so that a slow disk does not stop the reader.

use super::signals::Signals;
use crate::checkpoint::directory::Directory;
use crate::checkpoint::{Checkpoint, Store};
use crate::file::FileKey;
use crate::queue::Queue;
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
    pub(super) fn start(
        store: Store<Directory>,
        queues: Vec<Option<Arc<Queue>>>,
        signals: Arc<Signals>,
    ) -> std::io::Result<Self> {
        let (jobs, receiver) = sync_channel(1);
        let done = Arc::new(Mutex::new(None));
        let answer = done.clone();
        let thread = std::thread::Builder::new()
            .name("checkpoint".into())
            .stack_size(256 * 1024)
            .spawn(move || write_all(store, &queues, &receiver, &answer, &signals))?;
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
    queues: &[Option<Arc<Queue>>],
    jobs: &Receiver<Job>,
    done: &Mutex<Option<Done>>,
    signals: &Signals,
) {
    while let Ok(job) = jobs.recv() {
        // What the checkpoint calls delivered must not be missing from the queue after a power cut: the segment would look
        // rewritten.
        let synced = queues.iter().flatten().try_for_each(|queue| queue.sync());
        let outcome = match synced.map(|()| store.save(&job.checkpoint)) {
            Ok(Ok(_)) => Ok(job.offsets),
            Ok(Err(error)) => Err(crate::telemetry::chain(&error)),
            Err(error) => Err(format!("cannot sync the queue: {error}")),
        };
        *done.lock().unwrap_or_else(PoisonError::into_inner) = Some(Done { outcome });
        signals.saved();
    }
}
