//! The agent's own log: one record a line on stderr, bunyan JSON for machines, coloured text on a terminal.
//!
//! - [`init`] sets it up, with the level from `BLUEOX_LOG`.
//! - `json` and `text` keep each record on one line, whatever its fields hold, and cut values over 4 KiB.
//! - `repeat` bounds what one place in the code can write.
//! - `panic` makes a panic in any thread one ERROR record and the end of the process.
//!
//! Spans give their fields to the records inside them; opening and closing one writes nothing. Records of other crates pass
//! from WARN on. Crates that write through `log` instead of `tracing` are not heard.

mod escape;

mod json;

mod panic;

mod repeat;

mod text;

#[cfg(test)]
mod tests;

pub use escape::{escaped, is_dangerous, push_escaped};
pub use repeat::flush;

use json::JsonLines;
use repeat::RepeatLayer;
use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_bunyan_formatter::{BunyanFormattingLayer, JsonStorageLayer};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

/// Environment variable with the level.
const LEVEL_VARIABLE: &str = "BLUEOX_LOG";

/// `name` of every record.
const NAME: &str = "blueox";

/// Most bytes of one value of a record; the rest is cut and replaced by `…`.
const MAX_VALUE: usize = 4 * 1024;

/// Most bytes of an error chain.
const MAX_CHAIN: usize = 2 * 1024;

/// Most causes of an error chain; no error of the agent is nested deeper, so this only ends a cycle.
const MAX_CAUSES: usize = 16;

/// Why the log was not set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `BLUEOX_LOG` holds another word.
    #[error(
        "{LEVEL_VARIABLE} is `{found}`, which is no level; set it to off, error, warn, info, debug or trace, or unset it"
    )]
    UnknownLevel {
        /// The word.
        found: String,
    },
    /// Something else in this process has set up a log.
    #[error("the log of this process is already set up")]
    AlreadySet,
    /// The thread that reports suppressed records.
    #[error("cannot start the thread that reports suppressed log records")]
    Thread(#[source] std::io::Error),
}

/// Sets up log and panic hook for this process. `default` is the level where `BLUEOX_LOG` is unset or empty.
///
/// From here on a panic in any thread ends the process with exit code 101.
pub fn init(default: LevelFilter) -> Result<(), TelemetryError> {
    let level = level(std::env::var_os(LEVEL_VARIABLE), default)?;
    let repeats = RepeatLayer::default();
    let base = tracing_subscriber::registry().with(targets(level)).with(repeats.clone());
    let set = match std::io::stderr().is_terminal() {
        true => base.with(text::layer(std::io::stderr, wants_colour())).try_init(),
        false => json_log(base, std::io::stderr).try_init(),
    };
    set.map_err(|_| TelemetryError::AlreadySet)?;
    repeats.start().map_err(TelemetryError::Thread)?;
    panic::end_process_on_panic();
    Ok(())
}

fn level(word: Option<OsString>, default: LevelFilter) -> Result<LevelFilter, TelemetryError> {
    let word = word.unwrap_or_default();
    match word.to_string_lossy().trim().to_ascii_lowercase().as_str() {
        "" => Ok(default),
        "off" => Ok(LevelFilter::OFF),
        "error" => Ok(LevelFilter::ERROR),
        "warn" => Ok(LevelFilter::WARN),
        "info" => Ok(LevelFilter::INFO),
        "debug" => Ok(LevelFilter::DEBUG),
        "trace" => Ok(LevelFilter::TRACE),
        _ => Err(TelemetryError::UnknownLevel { found: bounded(&word.to_string_lossy(), 40) }),
    }
}

/// The project's own crates up to `level`, all others at most up to WARN.
fn targets(level: LevelFilter) -> Targets {
    Targets::new().with_default(level.min(LevelFilter::WARN)).with_target(NAME, level)
}

/// <https://no-color.org>
fn wants_colour() -> bool {
    let is_set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    is_set("NO_COLOR").is_none() && is_set("TERM").as_deref() != Some(OsStr::new("dumb"))
}

fn json_log<S, M>(base: S, writer: M) -> impl Subscriber + Send + Sync
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    M: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    base.with(JsonStorageLayer).with(BunyanFormattingLayer::new(NAME.into(), JsonLines::new(writer)))
}

/// An error with its causes, joined by `: `, on one line of at most 2 KiB.
pub fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let texts: Vec<String> = causes.take(MAX_CAUSES).map(ToString::to_string).collect();
    bounded(&texts.join(": "), MAX_CHAIN)
}

/// The text on one line, at most `max` bytes of it, `…` in place of what is cut.
fn bounded(text: &str, max: usize) -> String {
    let mut line = String::new();
    for character in text.chars() {
        let end = line.len();
        push_escaped(&mut line, character);
        if line.len() > max {
            line.truncate(end);
            line.push('…');
            break;
        }
    }
    line
}
