//! Starting and ending: threads, channels, signals, exit.

use super::own::OwnEvents;
use super::restored::Restored;
use super::rules::{intake, known_inputs, settings, stream_name};
use super::saver::Saver;
use super::settle::DeadLetterBox;
use super::signals::Signals;
use super::tailer::{Ended, Parts, Tailer};
use crate::ack::Accounts;
use crate::ack::dead_letters::DeadLetters;
use crate::checkpoint::{Journal, StateDirectory, StateError};
use crate::config::{Config, Input, Output};
use crate::discovery::{Scanner, Watch};
use crate::event::Environment;
use crate::file::table::Table;
use crate::monitoring::{self, StatusReport, StatusSource};
use crate::output::{self, OutputState, SettleSink};
use crate::queue::Queue;
use crate::receiver::{Door, DoorError, Listener};
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tracing::info;

/// Batches waiting or under way at most, all indices together.
const MAX_BATCHES_OUT: usize = 8;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything read was delivered, or is remembered in the checkpoint.
    Done,
    /// The run failed: events were refused, or the last checkpoint is not on disk.
    Failed,
    /// Not everything could be delivered.
    Undelivered,
}

/// Why a run did not start, or ended early.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// State directory.
    #[error(transparent)]
    State(#[from] StateError),
    /// Monitoring address.
    #[error(
        "cannot listen on {address} for monitoring; choose another monitoring.listen, or null to do without"
    )]
    Listen {
        /// Configured address.
        address: std::net::SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// A syslog input.
    #[error(transparent)]
    Door(#[from] DoorError),
    /// Globs.
    #[error(transparent)]
    Discovery(#[from] crate::discovery::PatternError),
    /// The output cannot be set up.
    #[error(transparent)]
    Output(#[from] output::OutputError),
    /// Format.
    #[error(transparent)]
    Format(#[from] crate::event::UnknownFormat),
    /// A thread or the runtime.
    #[error("cannot start {what}")]
    Start {
        /// What.
        what: &'static str,
        /// What the system says.
        source: io::Error,
    },
}

/// Tails until SIGTERM or SIGINT, or, where all inputs are streams, until they have ended and are delivered.
pub fn run(config: &Config) -> Result<Exit, RunError> {
    let runtime = runtime()?;
    let stop = StopSignals::catch(&runtime)?;
    let state = StateDirectory::open(&config.state.path)?;
    let (mut store, loaded) = state.checkpoints()?;
    let mut restored = Restored::from(loaded);
    // Read whatever the output is: the run before may have had another, and what it noted must not outlast its checkpoint.
    let journal = restored.catch_up(&state, &mut store)?.filter(|_| !config.output.knows_repeats());
    let queues = crate::queue::open_all(&state, config)?;
    let letters = DeadLetters::open(state.subdirectory("dead-letters")?, config.limits.dead_letters)?;
    let listener = listen(config, &runtime)?;
    let doors = crate::receiver::open_all(config)?;
    let listeners = doors.iter().flatten().map(Door::listener).collect();
    let signals = Arc::new(Signals::default());
    let saver = Saver::start(store, queues.clone(), signals.clone())
        .map_err(|source| RunError::Start { what: "the checkpoint thread", source })?;
    let kept = Kept {
        saver: Some(saver),
        journal,
        dead_letters: DeadLetterBox::Kept(letters),
        queues: queues.clone(),
        listeners,
    };
    let engine = Engine::start(config, restored, kept, &signals, false)?;
    feed(config, &queues, doors, &signals)?;
    info!(version = env!("CARGO_PKG_VERSION"), state = %config.state.path.display(), "started");
    let ended = runtime.block_on(async {
        if let Some(listener) = listener {
            let token = config.monitoring.token.clone();
            tokio::spawn(monitoring::serve(listener, status_source(&signals), token));
        }
        tokio::spawn(stop.stop(signals.clone()));
        engine.finish().await
    })?;
    drop(state);
    Ok(match ended {
        Ended { stored: true, .. } => Exit::Done,
        Ended { stored: false, .. } => Exit::Failed,
    })
}

/// What lies in the state directory, and what brings lines there; nothing of it when reading once.
pub(super) struct Kept {
    pub(super) saver: Option<Saver>,
    pub(super) journal: Option<Journal>,
    pub(super) dead_letters: DeadLetterBox,
    pub(super) queues: Vec<Option<Arc<Queue>>>,
    pub(super) listeners: Vec<Listener>,
}

/// The two ends of the pipeline.
pub(super) struct Engine {
    tailer: JoinHandle<()>,
    ended: oneshot::Receiver<Ended>,
    pub(super) accounts: Arc<Accounts>,
    pub(super) output_state: Arc<OutputState>,
    output: Output,
    known: HashMap<String, String>,
    signals: Arc<Signals>,
    batches: mpsc::Receiver<crate::batch::Batch>,
    settle: SettleSink,
}

impl Engine {
    pub(super) fn start(
        config: &Config,
        restored: Restored,
        kept: Kept,
        signals: &Arc<Signals>,
        once: bool,
    ) -> Result<Self, RunError> {
        let output_state = Arc::new(OutputState::default());
        let known = restored.known_backing(config);
        let mut backing = known.clone();
        backing.retain(|_, index| !index.is_empty());
        let (sender, batches) = mpsc::channel(MAX_BATCHES_OUT);
        let accounts = Arc::new(Accounts::new());
        let environment = Environment::from_process(&config.host_id);
        let intake = intake(config, &restored.checkpoint, &environment, sender)?;
        let scanner = Scanner::new(config.inputs.iter().map(|input| (&input.paths[..], &input.exclude[..])))?;
        let hints = signals.clone();
        let watch = (!once).then(|| Watch::new(Arc::new(move || hints.hint())));
        let own_events =
            (config.monitoring.events && !once && !matches!(config.output, Output::File(_) | Output::Stdout))
                .then(|| OwnEvents::new(&config.host_id, &environment));
        let parts = Parts {
            known_inputs: known_inputs(config, &restored.checkpoint),
            stream_names: config.inputs.iter().map(stream_name).collect(),
            table: Table::new(settings(config, once), restored.checkpoint.generations, restored.fresh),
            scanner,
            watch,
            intake,
            accounts: accounts.clone(),
            signals: signals.clone(),
            saver: kept.saver,
            journal: kept.journal,
            dead_letters: kept.dead_letters,
            queues: kept.queues,
            listeners: kept.listeners,
            output: output_state.clone(),
            framings: config.inputs.iter().map(Input::framing).collect(),
            max_line: config.inputs.iter().map(Input::longest_line).collect(),
            backing,
            first_run: restored.fresh,
            once,
            drain: config.drain,
            limits: config.limits.clone(),
            own_events,
        };
        let (tell, ended) = oneshot::channel();
        let tailer = std::thread::Builder::new()
            .name("tailer".into())
            .spawn(move || {
                // Nobody listens any more only when the process is going down.
                let _going_down = tell.send(Tailer::new(parts).run());
            })
            .map_err(|source| RunError::Start { what: "the tailer thread", source })?;
        let mailbox = signals.clone();
        let settle: SettleSink = Arc::new(move |settlement| mailbox.settle(settlement));
        let output = config.output.clone();
        Ok(Self {
            tailer,
            ended,
            accounts,
            output_state,
            output,
            known,
            signals: signals.clone(),
            batches,
            settle,
        })
    }

    /// Sends until the tailer has ended.
    pub(super) async fn finish(self) -> Result<Ended, RunError> {
        let sending = output::run(&self.output, self.batches, self.settle, self.output_state, self.known);
        let mut sending = std::pin::pin!(sending);
        let mut ended = self.ended;
        let mut sent = false;
        let mut failure = None;
        let result = loop {
            tokio::select! {
                result = &mut ended => break result,
                result = &mut sending, if !sent => match result {
                    Ok(()) => sent = true,
                    // Nothing can be sent at all: the tailer stores what it has and ends.
                    Err(error) => {
                        failure = Some(error);
                        sent = true;
                        self.signals.stop();
                    }
                },
            }
        };
        // A panic of the tailer has ended the process; joining only frees its stack.
        let _joined = self.tailer.join();
        match failure {
            Some(error) => Err(error.into()),
            None => Ok(result.unwrap_or(Ended { settled: false, stored: false })),
        }
    }
}

/// Starts what fills the queues.
fn feed(
    config: &Config,
    queues: &[Option<Arc<Queue>>],
    doors: Vec<Option<Door>>,
    signals: &Arc<Signals>,
) -> Result<(), RunError> {
    for ((input, queue), door) in config.inputs.iter().zip(queues).zip(doors) {
        let Some(queue) = queue.clone() else { continue };
        let started = match door {
            Some(door) => door.serve(queue, input.max_line),
            None => {
                let signals = signals.clone();
                crate::queue::feed_stdin(queue, move || signals.hint())
            }
        };
        started.map_err(|source| RunError::Start { what: "a thread that fills a queue", source })?;
    }
    Ok(())
}

pub(super) fn runtime() -> Result<Runtime, RunError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| RunError::Start { what: "the network runtime", source })
}

fn listen(config: &Config, runtime: &Runtime) -> Result<Option<tokio::net::TcpListener>, RunError> {
    let Some(address) = config.monitoring.listen else { return Ok(None) };
    let listener = runtime
        .block_on(tokio::net::TcpListener::bind(address))
        .map_err(|source| RunError::Listen { address, source })?;
    // With port 0 this is where the port is told.
    let address = listener.local_addr().unwrap_or(address);
    info!(%address, "status pages listen");
    Ok(Some(listener))
}

fn status_source(signals: &Arc<Signals>) -> StatusSource {
    let signals = signals.clone();
    Arc::new(move || {
        let answer = signals.ask_status();
        Box::pin(async move { answer.await.unwrap_or_else(|_| StatusReport::default()) })
    })
}

/// SIGTERM and SIGINT, caught from the moment this is made.
pub(super) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    pub(super) fn catch(runtime: &Runtime) -> Result<Self, RunError> {
        let _context = runtime.enter();
        let catch =
            |kind| signal(kind).map_err(|source| RunError::Start { what: "the signal handlers", source });
        Ok(Self { terminate: catch(SignalKind::terminate())?, interrupt: catch(SignalKind::interrupt())? })
    }

    pub(super) async fn stop(mut self, signals: Arc<Signals>) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        signals.stop();
    }
}
