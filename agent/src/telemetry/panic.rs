//! A panic is a bug, and an agent that goes on with a thread missing looks alive while it delivers nothing. So a panic in
//! any thread ends the whole process, and its supervisor starts it again from the checkpoint: a kill at any moment is
//! what the state is made for.
//!
//! The end is `exit(101)`, not an abort: an abort leaves a core file, and the memory in it holds log lines and keys.

use super::{MAX_CHAIN, bounded, flush};
use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::PanicHookInfo;
use std::time::Duration;
use tracing::error;

/// What the standard library uses for a panic of the main thread.
const EXIT_CODE: i32 = 101;

/// Time for the record to be written. A full pipe behind stderr must not keep the process.
const PATIENCE: Duration = Duration::from_secs(2);

/// Replaces the panic hook of the process.
pub(super) fn end_process_on_panic() {
    std::panic::set_hook(Box::new(|panic| {
        end_after(PATIENCE);
        record(panic);
        flush();
        std::process::exit(EXIT_CODE);
    }));
}

fn end_after(patience: Duration) {
    let end = move || {
        std::thread::sleep(patience);
        std::process::exit(EXIT_CODE);
    };
    // Without this thread the process still ends once the record is written.
    drop(std::thread::Builder::new().name("panic-exit".into()).spawn(end));
}

fn record(panic: &PanicHookInfo<'_>) {
    let payload = panic.payload();
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let text = bounded(text.unwrap_or("a value that is no text"), MAX_CHAIN);
    let at = panic.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
    let backtrace = Backtrace::capture();
    let backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
    error!(panic = text, at, thread, backtrace, "panic: the agent ends; this is a bug, please report it");
}
