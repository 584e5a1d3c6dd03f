//! tracing-bunyan-formatter 0.3 (Rust): bunyan's record with the target, the source line and, in `msg`, the span.

use super::{Format, Levels, Mark, PLAIN, Signature, Spec, Target, To, Unit, field, key};

pub(super) const SPEC: Spec = Spec {
    format: Format::TracingBunyan,
    name: "tracing-bunyan",
    signatures: &[Signature {
        all: &[
            Mark::Number("v"),
            Mark::Text("name"),
            Mark::Text("msg"),
            Mark::Number("level"),
            Mark::Text("hostname"),
            Mark::Number("pid"),
            Mark::Text("time"),
            Mark::Text("target"),
            Mark::Present("line"),
        ],
        any: &[],
        none: &[],
    }],
    signature_text: "`v`, number `level`, text `time`, `hostname`, `pid`, `name`, `msg`, and `target` with `line`",
    keys: &[
        key("v", To::Nothing),
        field("name", Target::ServiceName),
        key("msg", To::SpanMessage),
        key("level", To::Level(Levels::Tens)),
        field("hostname", Target::HostName),
        field("pid", Target::ProcessPid),
        key("time", To::Time),
        // Records that come from the `log` crate have the target `log`, no line and no file, and the true ones here.
        field("log.target", Target::LogLogger),
        field("log.file", Target::LogOriginFileName),
        field("log.line", Target::LogOriginFileLine),
        field("target", Target::LogLogger),
        field("line", Target::LogOriginFileLine),
        field("file", Target::LogOriginFileName),
    ],
    late_keys: &[key("elapsed_milliseconds", To::Duration(Unit::Milliseconds))],
    debug_texts: true,
    ..PLAIN
};
