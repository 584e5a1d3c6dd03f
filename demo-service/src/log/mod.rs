//! What the services write: one bunyan object a line, to a file, to standard output, or to both.
//!
//! ```text
//! tracing → bunyan record → queue (numbers the line) → one writer thread → file, rotated by size; standard output
//! ```
//!
//! - `field`: every name a line can have.
//! - `queue`: bounded and never waited for. What gets in has the next `event.sequence` of this process, so the numbers in the
//!   output have no gap; what finds it full is dropped, counted, and told by a line of its own with `log_dropped`.
//! - `writer`: takes what is queued every few milliseconds. On a full disk it goes on trying from the very byte it got to,
//!   so no line is torn and no number is missing when there is room again; meanwhile the queue fills and serving goes on.
//! - `file`: the file and its rotation.
//!
//! A span writes one record, at its end.

pub mod field;

mod queue;

mod writer;

mod file;

use file::RotatedFile;
use queue::Queue;
use serde_json::Value;
use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tracing::level_filters::LevelFilter;
use tracing::span::Id;
use tracing::{Event, Subscriber};
use tracing_bunyan_formatter::{BunyanFormattingLayer, JsonStorageLayer};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

/// Target of the logger that floods when told to; heard at DEBUG whatever the level.
pub const NOISY_TARGET: &str = "demo_service::app::noise";

/// How long the end of the process waits for the writer.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is written, and where to.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `name` of every line: the service.
    pub name: String,
    /// Further fields of every line.
    pub fields: HashMap<String, Value>,
    /// Lines below are not made. `OFF` makes none at all.
    pub level: LevelFilter,
    /// The file, if one is written.
    pub file: Option<FileSettings>,
    /// Whether lines go to standard output (too).
    pub stdout: bool,
}

/// A log file.
#[derive(Debug, Clone)]
pub struct FileSettings {
    /// Appended to where it exists.
    pub path: PathBuf,
    /// Bytes after which the file becomes `PATH.1`, the one before `PATH.2` and so on.
    pub max_size: u64,
    /// How many of those are kept, at least 1.
    pub keep: usize,
}

/// Why the log was not set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file.
    #[error("cannot write the log file `{}`: {source}; name another with --log, or make its directory writable", .path.display())]
    File {
        /// Its path.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The thread.
    #[error("cannot start the thread that writes the log: {0}")]
    Thread(io::Error),
    /// Something else in this process has set up a log.
    #[error("the log of this process is already set up")]
    AlreadySet,
}

/// The log of this process; dropped, it has what is queued written, unless that takes more than two seconds.
#[derive(Debug)]
pub struct Log {
    queue: Arc<Queue>,
    writer: JoinHandle<()>,
}

/// Makes everything this process traces go to the log.
pub fn init(settings: Settings) -> Result<Log, LogError> {
    let file = settings.file.map(RotatedFile::open).transpose()?;
    let queue = Arc::new(Queue::default());
    let bunyan =
        BunyanFormattingLayer::with_default_fields(settings.name, Arc::clone(&queue), settings.fields)
            .skip_fields([field::ELAPSED_MS].into_iter())
            .expect("the elapsed time is no core field");
    let heard = match settings.level {
        LevelFilter::OFF => Targets::new(),
        level => Targets::new()
            .with_default(LevelFilter::WARN)
            .with_target(env!("CARGO_CRATE_NAME"), level)
            .with_target(NOISY_TARGET, LevelFilter::DEBUG.max(level)),
    };
    tracing_subscriber::registry()
        .with(JsonStorageLayer.and_then(EndsOnly(bunyan)).with_filter(heard))
        .try_init()
        .map_err(|_| LogError::AlreadySet)?;
    let writer = writer::start(Arc::clone(&queue), file, settings.stdout).map_err(LogError::Thread)?;
    Ok(Log { queue, writer })
}

impl Log {
    /// Lines dropped so far because the queue was full.
    pub fn dropped(&self) -> u64 {
        self.queue.dropped()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.queue.close();
        let until = Instant::now() + PATIENCE;
        while !self.writer.is_finished() {
            if Instant::now() > until {
                eprintln!("demo-service: the log cannot be written to its end, its last lines are lost");
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Passes on the ends of spans but not their starts, which would say the same with less.
struct EndsOnly<L>(L);

impl<S, L> Layer<S> for EndsOnly<L>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    L: Layer<S>,
{
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        self.0.on_event(event, context);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        self.0.on_close(id, context);
    }
}
