//! Reads every file to its end once, keeping no state.

use super::restored::Restored;
use super::settle::DeadLetterBox;
use super::signals::Signals;
use super::start::{Engine, Exit, Kept, RunError, StopSignals, runtime};
use crate::ack::{Accounts, Counts};
use crate::config::Config;
use crate::output::OutputState;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::error;

/// Reading once: without any progress for so long the run is given up.
const ONCE_PATIENCE: Duration = Duration::from_secs(30);

/// How far `once` is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OnceProgress {
    /// Bytes read.
    pub bytes_read: u64,
    /// Bytes of all files, as they lie on disk.
    pub bytes_total: u64,
    /// Events by outcome.
    pub counts: Counts,
}

/// Reads every file to its end once. `progress` is called about five times a second.
pub fn once(
    config: &Config,
    progress: &mut dyn FnMut(OnceProgress),
) -> Result<(Exit, OnceProgress), RunError> {
    let runtime = runtime()?;
    let stop = StopSignals::catch(&runtime)?;
    let signals = Arc::new(Signals::default());
    let kept = Kept {
        saver: None,
        journal: None,
        dead_letters: DeadLetterBox::Reported,
        queues: Vec::new(),
        listeners: Vec::new(),
    };
    let engine = Engine::start(config, Restored::default(), kept, &signals, true)?;
    let accounts = engine.accounts.clone();
    let output = engine.output_state.clone();
    let (ended, last) = runtime.block_on(async {
        tokio::spawn(stop.stop(signals.clone()));
        let mut watcher = OnceWatcher::new(&signals, &accounts, &output);
        let mut finish = std::pin::pin!(engine.finish());
        let ended = loop {
            // Asked just after it ended, the tailer answers no more: the end has to be seen while the question is open.
            let watched = async {
                tokio::time::sleep(Duration::from_millis(200)).await;
                watcher.watch().await
            };
            tokio::select! {
                ended = &mut finish => break ended,
                now = watched => progress(now),
            }
        };
        (ended, watcher.look(&accounts))
    });
    let ended = ended?;
    let counts = last.counts;
    let exit = match ended.settled {
        _ if counts.dead_lettered > 0 => Exit::Failed,
        true if counts.pending == 0 => Exit::Done,
        _ => Exit::Undelivered,
    };
    Ok((exit, last))
}

/// Watches a `once` run and gives it up when nothing moves.
struct OnceWatcher {
    signals: Arc<Signals>,
    accounts: Arc<Accounts>,
    output: Arc<OutputState>,
    last: OnceProgress,
    moved_at: Instant,
    gave_up: bool,
}

impl OnceWatcher {
    fn new(signals: &Arc<Signals>, accounts: &Arc<Accounts>, output: &Arc<OutputState>) -> Self {
        Self {
            signals: signals.clone(),
            accounts: accounts.clone(),
            output: output.clone(),
            last: OnceProgress::default(),
            moved_at: Instant::now(),
            gave_up: false,
        }
    }

    fn look(&self, accounts: &Accounts) -> OnceProgress {
        let counts = accounts.snapshot();
        OnceProgress { bytes_read: counts.bytes_read, counts, ..self.last }
    }

    async fn watch(&mut self) -> OnceProgress {
        let mut now = self.look(&self.accounts);
        if let Ok(report) = self.signals.ask_status().await {
            now.bytes_total = report.files.iter().map(|file| file.size).sum();
        }
        if now != self.last {
            self.last = now;
            self.moved_at = Instant::now();
        }
        if !self.gave_up {
            self.give_up_if_stuck();
        }
        now
    }

    fn give_up_if_stuck(&mut self) {
        let output = self.output.snapshot();
        if self.moved_at.elapsed() <= ONCE_PATIENCE && output.held.is_empty() {
            return;
        }
        for held in output.held {
            error!(index = held.index, reason = held.reason, "output is held");
        }
        error!(last_error = output.last_error, "not everything could be delivered, giving up");
        self.gave_up = true;
        self.signals.stop();
    }
}
