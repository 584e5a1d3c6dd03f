//! Starting and ending: threads, channels, signals, exit.

use super::dated::DatedIndex;
use super::intake::{BatchRules, Intake, Route};
use super::own::OwnEvents;
use super::saver::Saver;
use super::settle::DeadLetterBox;
use super::signals::Signals;
use super::tailer::{Ended, Parts, Tailer};
use crate::ack::dead_letters::DeadLetters;
use crate::ack::{Accounts, Counts};
use crate::batch::Form;
use crate::checkpoint::directory::Directory;
use crate::checkpoint::{Checkpoint, Journal, KnownInput, Loaded, StateDirectory, StateError, Store};
use crate::config::{Config, Input, LOGSTASH_WINDOW_BYTES, Output, ReadFrom};
use crate::discovery::{Scanner, Watch};
use crate::event::{Environment, Process, Stream};
use crate::file::table::{InputRules, Settings, Table, unix_time};
use crate::monitoring::{self, StatusReport, StatusSource};
use crate::output::{self, OutputState, SettleSink};
use crate::queue::Queue;
use crate::receiver::{Door, DoorError, Listener};
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tracing::{error, info, warn};

/// Default linger and size of the outputs that have no such setting.
const PLAIN_RULES: (usize, Duration) = (256 * 1024, Duration::from_millis(50));

/// Most bytes of one request to an http input before compression.
const HTTP_BYTES: usize = 1 << 20;

/// Batches waiting or under way at most, all indices together.
const MAX_BATCHES_OUT: usize = 8;

/// Reading once: without any progress for so long the run is given up.
const ONCE_PATIENCE: Duration = Duration::from_secs(30);

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

/// What the checkpoint says.
#[derive(Default)]
struct Restored {
    checkpoint: Checkpoint,
    fresh: bool,
}

impl From<Loaded> for Restored {
    fn from(loaded: Loaded) -> Self {
        match loaded {
            Loaded::Fresh => Self { checkpoint: Checkpoint::default(), fresh: true },
            Loaded::Found { checkpoint, damage } => {
                if let Some(damage) = damage {
                    warn!(file = %damage.path.display(), reason = damage.reason, "one checkpoint slot is damaged, using the other");
                }
                Self { checkpoint: *checkpoint, fresh: false }
            }
            Loaded::Lost { damage } => {
                for damage in damage {
                    error!(
                        file = %damage.path.display(), kept_as = ?damage.kept_as, reason = damage.reason,
                        "checkpoint is damaged, reading all files from their beginning; known ids absorb the repeats"
                    );
                }
                Self { checkpoint: Checkpoint::default(), fresh: false }
            }
        }
    }
}

/// What lies in the state directory, and what brings lines there; nothing of it when reading once.
struct Kept {
    saver: Option<Saver>,
    journal: Option<Journal>,
    dead_letters: DeadLetterBox,
    queues: Vec<Option<Arc<Queue>>>,
    listeners: Vec<Listener>,
}

/// The two ends of the pipeline.
struct Engine {
    tailer: JoinHandle<()>,
    ended: oneshot::Receiver<Ended>,
    accounts: Arc<Accounts>,
    output_state: Arc<OutputState>,
    output: Output,
    known: HashMap<String, String>,
    signals: Arc<Signals>,
    batches: mpsc::Receiver<crate::batch::Batch>,
    settle: SettleSink,
}

impl Engine {
    fn start(
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
    async fn finish(self) -> Result<Ended, RunError> {
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

impl Restored {
    /// Moves the checkpoint up to what the journal of the run before says, stores it, and opens the journal for this one.
    fn catch_up(
        &mut self,
        state: &StateDirectory,
        store: &mut Store<Directory>,
    ) -> Result<Option<Journal>, RunError> {
        let Some(mut journal) = state.journal()? else { return Ok(None) };
        let caught_up = journal.fold_into(&mut self.checkpoint).and_then(|files| {
            if files > 0 {
                store.save(&self.checkpoint).map_err(io::Error::other)?;
                info!(files, "the last run was killed, going on behind what was acknowledged until then");
            }
            journal.clear()
        });
        if let Err(error) = caught_up {
            let error = crate::telemetry::chain(&error);
            warn!(
                error,
                "cannot use the journal; what was acknowledged after the last checkpoint may be sent again"
            );
        }
        Ok(Some(journal))
    }

    /// Backing index of each index an earlier run may have sent to; empty where no answer, or no checkpoint, names it.
    fn known_backing(&self, config: &Config) -> HashMap<String, String> {
        if self.fresh {
            return HashMap::new();
        }
        let mut known: HashMap<String, String> =
            config.inputs.iter().map(|input| (stream_name(input), String::new())).collect();
        for stream in &self.checkpoint.streams {
            known.insert(stream.index.clone(), stream.backing_index.clone().unwrap_or_default());
        }
        known
    }
}

fn intake(
    config: &Config,
    checkpoint: &Checkpoint,
    environment: &Environment,
    sender: mpsc::Sender<crate::batch::Batch>,
) -> Result<Intake, RunError> {
    let mut streams = Vec::new();
    for input in &config.inputs {
        let mut stream = Stream::new(input, environment)?;
        stream.rename(&config.processors);
        streams.push(stream);
    }
    for (input, stream) in config.inputs.iter().zip(&mut streams) {
        let name = stream_name(input);
        if let Some(state) = checkpoint.streams.iter().find(|state| state.index == name) {
            stream.leftover_keys_mut().import(state.leftover_keys.iter().map(String::as_str));
        }
    }
    let routes = config.inputs.iter().map(|input| route(&config.output, input)).collect();
    let (rules, compression) = rules(&config.output);
    let process = Process::new(&config.processors);
    Ok(Intake::new(streams, process, routes, rules, compression, config.limits.memory, sender))
}

/// How batches are cut for an output, and their level of compression.
fn rules(output: &Output) -> (BatchRules, u8) {
    let (plain_bytes, plain_linger) = PLAIN_RULES;
    let plain =
        BatchRules { max_bytes: plain_bytes, linger: plain_linger, in_flight: 2, form: Form::Documents };
    match output {
        Output::Elasticsearch(elasticsearch) => (
            BatchRules {
                max_bytes: elasticsearch.bulk_bytes,
                linger: elasticsearch.linger,
                in_flight: elasticsearch.in_flight,
                form: Form::Bulk,
            },
            elasticsearch.compression,
        ),
        Output::Logstash(logstash) => (
            BatchRules {
                max_bytes: LOGSTASH_WINDOW_BYTES,
                in_flight: logstash.pipelining,
                form: Form::Lumberjack,
                ..plain
            },
            logstash.compression,
        ),
        Output::Http(http) => {
            (BatchRules { max_bytes: HTTP_BYTES, form: Form::Array, ..plain }, http.compression)
        }
        Output::Syslog(_) | Output::File(_) | Output::Stdout => (plain, 0),
    }
}

fn stream_name(input: &Input) -> String {
    format!("logs-{}-{}", input.dataset, input.namespace)
}

/// What the checkpoint knows an input by: its id, else its patterns.
fn identity(input: &Input) -> String {
    input.id.clone().unwrap_or_else(|| input.paths.join(","))
}

fn route(output: &Output, input: &Input) -> Route {
    let index = match output {
        Output::Elasticsearch(elasticsearch) => elasticsearch.index.as_deref(),
        _ => None,
    };
    match index {
        None => Route::Fixed(stream_name(input).into()),
        Some(name) => match DatedIndex::parse(name) {
            Some(dated) => Route::Dated(dated),
            None => Route::Fixed(name.into()),
        },
    }
}

fn settings(config: &Config, once: bool) -> Settings {
    let inputs = config.inputs.iter().map(|input| InputRules {
        id: input.id.clone(),
        identity: identity(input),
        from_end: input.read_from == ReadFrom::End && !once,
        is_queue: input.source.queue().is_some(),
    });
    Settings {
        host_id: config.host_id.clone(),
        inputs: inputs.collect(),
        open_files: usable_descriptors(config.limits.open_files),
        held_bytes: config.limits.held_files,
        retention: config.state.retention,
        once,
    }
}

/// `limits.open_files`, less what the process needs for itself where the system allows fewer.
fn usable_descriptors(wanted: usize) -> usize {
    const OWN: usize = 24;
    let allowed = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    allowed.map_or(wanted, |allowed| wanted.min((allowed as usize).saturating_sub(OWN).max(4)))
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

fn known_inputs(config: &Config, checkpoint: &Checkpoint) -> Vec<KnownInput> {
    let mut known = checkpoint.inputs.clone();
    for input in &config.inputs {
        let identity = identity(input);
        if !known.iter().any(|input| input.identity == identity) {
            known.push(KnownInput { identity, first_start_unix_s: unix_time().as_secs() });
        }
    }
    known
}

fn runtime() -> Result<Runtime, RunError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| RunError::Start { what: "the network runtime", source })
}

fn listen(config: &Config, runtime: &Runtime) -> Result<Option<tokio::net::TcpListener>, RunError> {
    let Some(address) = config.monitoring.listen else { return Ok(None) };
    runtime
        .block_on(tokio::net::TcpListener::bind(address))
        .map(Some)
        .map_err(|source| RunError::Listen { address, source })
}

fn status_source(signals: &Arc<Signals>) -> StatusSource {
    let signals = signals.clone();
    Arc::new(move || {
        let answer = signals.ask_status();
        Box::pin(async move { answer.await.unwrap_or_else(|_| StatusReport::default()) })
    })
}

/// SIGTERM and SIGINT, caught from the moment this is made.
struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    fn catch(runtime: &Runtime) -> Result<Self, RunError> {
        let _context = runtime.enter();
        let catch =
            |kind| signal(kind).map_err(|source| RunError::Start { what: "the signal handlers", source });
        Ok(Self { terminate: catch(SignalKind::terminate())?, interrupt: catch(SignalKind::interrupt())? })
    }

    async fn stop(mut self, signals: Arc<Signals>) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        signals.stop();
    }
}
