//! Records for a terminal: `2026-01-02T03:04:05.678Z  WARN blueox::file: line cut at max_line file=/var/log/a`.

use super::{MAX_VALUE, bounded};
use std::fmt::Debug;
use tracing::Subscriber;
use tracing::field::Field;
use tracing_subscriber::Layer;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::registry::LookupSpan;

/// Formats records as text; only the formatter itself writes escape sequences, and only where `colour` is wanted.
pub(super) fn layer<S, M>(writer: M, colour: bool) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    M: for<'a> MakeWriter<'a> + 'static,
{
    tracing_subscriber::fmt::layer()
        .with_ansi(colour)
        // Its message about a failed write would go to the stderr that just failed, and panic.
        .log_internal_errors(false)
        .fmt_fields(debug_fn(field).delimited(" "))
        .with_writer(writer)
}

fn field(writer: &mut Writer<'_>, field: &Field, value: &dyn Debug) -> std::fmt::Result {
    let value = bounded(&format!("{value:?}"), MAX_VALUE);
    match field.name() {
        "message" => writer.write_str(&value),
        name if writer.has_ansi_escapes() => write!(writer, "\x1b[2m{name}=\x1b[0m{value}"),
        name => write!(writer, "{name}={value}"),
    }
}
