//! The agent's own log: bunyan JSON on standard error, readable text where that is a terminal.
//!
//! Every record is one line, whatever file names and answers of servers hold: what could move a cursor, a line or the
//! writing direction is escaped. Only the agent's own records pass, so no library prints a header with a log-in. A message
//! that repeats for the same thing is bounded ([`Limiter`]).

mod escape;

mod limiter;

mod record;

mod subscriber;

pub use escape::{escaped, is_dangerous, push_escaped};
pub use limiter::{Limiter, Pass};

use record::Style;
use std::io::IsTerminal;
use tracing::level_filters::LevelFilter;

/// The environment variable that sets the level.
pub const LEVEL_VARIABLE: &str = "BLUEOX_LOG";

/// `BLUEOX_LOG` holds no level, or there is a log already.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// Not a level.
    #[error("environment: {LEVEL_VARIABLE}: {0} is no level; use error, warn, info, debug or trace")]
    Level(String),
    /// Somebody else has set a subscriber.
    #[error("the log is set up already")]
    Taken,
}

/// Sets up the log and the panic hook of this process. `default` holds where `BLUEOX_LOG` says nothing.
pub fn init(default: LevelFilter) -> Result<(), TelemetryError> {
    let level = level(default)?;
    let style = if std::io::stderr().is_terminal() { Style::Text } else { Style::Bunyan };
    subscriber::install(level, style).map_err(|_| TelemetryError::Taken)?;
    end_on_panic(style);
    Ok(())
}

fn level(default: LevelFilter) -> Result<LevelFilter, TelemetryError> {
    match std::env::var_os(LEVEL_VARIABLE) {
        None => Ok(default),
        Some(text) if text.is_empty() => Ok(default),
        Some(text) => {
            let text = text.to_string_lossy();
            parse_level(&text).ok_or_else(|| TelemetryError::Level(crate::config::shown(&text)))
        }
    }
}

fn parse_level(text: &str) -> Option<LevelFilter> {
    match text.to_ascii_lowercase().as_str() {
        "error" => Some(LevelFilter::ERROR),
        "warn" => Some(LevelFilter::WARN),
        "info" => Some(LevelFilter::INFO),
        "debug" => Some(LevelFilter::DEBUG),
        "trace" => Some(LevelFilter::TRACE),
        _ => None,
    }
}

/// A panic is one record and the end of the process, in every profile: an agent with one thread gone would look alive.
fn end_on_panic(style: Style) {
    std::panic::set_hook(Box::new(move |panic| {
        let payload = panic.payload();
        let said = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let said = said.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default();
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
        record::write(
            style,
            tracing::Level::ERROR,
            "this is a bug: the agent panicked and ends; what is unsettled is read again at the next start",
            &[("panic", said.into()), ("place", place.into()), ("thread", thread.into())],
        );
        std::process::abort();
    }));
}

/// An error with its causes, on one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_words() {
        assert_eq!(parse_level("debug"), Some(LevelFilter::DEBUG));
        assert_eq!(parse_level("WARN"), Some(LevelFilter::WARN));
        for text in ["", "5", "blueox=debug", "off"] {
            assert_eq!(parse_level(text), None, "{text}");
        }
    }
}
