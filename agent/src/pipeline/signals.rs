//! What wakes the tailer.

use crate::monitoring::StatusReport;
use crate::output::Settlement;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// The tailer's mailbox.
#[derive(Default)]
pub struct Signals {
    mail: Mutex<Mail>,
    wake: Condvar,
}

/// What has come in.
#[derive(Default)]
pub struct Mail {
    /// Verdicts. As many as batches are out, so bounded by the tailer itself.
    pub settlements: VecDeque<Settlement>,
    /// The watch has hints.
    pub hints: bool,
    /// Stop reading and drain.
    pub stop: bool,
    /// A checkpoint was stored, or not.
    pub saved: bool,
    /// Somebody asks for a report.
    pub status: Vec<oneshot::Sender<StatusReport>>,
}

/// Most status requests kept waiting; further ones get no answer from the pipeline.
const MAX_STATUS_REQUESTS: usize = 16;

impl Mail {
    fn is_empty(&self) -> bool {
        self.settlements.is_empty() && !self.hints && !self.stop && !self.saved && self.status.is_empty()
    }
}

impl Signals {
    /// Delivers a verdict.
    pub fn settle(&self, settlement: Settlement) {
        self.lock().settlements.push_back(settlement);
        self.wake.notify_one();
    }

    /// There are hints.
    pub fn hint(&self) {
        self.lock().hints = true;
        self.wake.notify_one();
    }

    /// Asks for the end.
    pub fn stop(&self) {
        self.lock().stop = true;
        self.wake.notify_one();
    }

    /// A checkpoint is done.
    pub fn saved(&self) {
        self.lock().saved = true;
        self.wake.notify_one();
    }

    /// Asks for a report.
    pub fn ask_status(&self) -> oneshot::Receiver<StatusReport> {
        let (sender, receiver) = oneshot::channel();
        let mut mail = self.lock();
        if mail.status.len() < MAX_STATUS_REQUESTS {
            mail.status.push(sender);
        }
        drop(mail);
        self.wake.notify_one();
        receiver
    }

    /// Takes what has come in, after waiting up to `patience` for something. `stop` stays set.
    pub fn take(&self, patience: Duration) -> Mail {
        let mut mail = self.lock();
        if mail.is_empty() && !patience.is_zero() {
            mail = self
                .wake
                .wait_timeout_while(mail, patience, |mail| mail.is_empty())
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        let stop = mail.stop;
        let taken = std::mem::take(&mut *mail);
        mail.stop = stop;
        taken
    }

    fn lock(&self) -> MutexGuard<'_, Mail> {
        self.mail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
