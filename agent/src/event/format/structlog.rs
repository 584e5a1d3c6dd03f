//! structlog (Python) with its JSON renderer.

use super::{Format, Levels, Mark, PLAIN, Signature, Spec, Target, To, common, field, key};

pub(super) const SPEC: Spec = Spec {
    format: Format::Structlog,
    name: "structlog",
    signatures: &[Signature {
        all: &[Mark::Text("event"), Mark::Text("level")],
        any: &[],
        none: &["message", "msg"],
    }],
    signature_text: "text `event` with `level`, without `message` and `msg`",
    keys: &[
        key("timestamp", To::Time),
        key("level", To::Level(Levels::Words)),
        field("event", Target::Message),
        field("logger", Target::LogLogger),
        key("exception", To::Stack),
        key("stack", To::Stack),
        field("filename", Target::LogOriginFileName),
        field("func_name", Target::LogOriginFunction),
        field("lineno", Target::LogOriginFileLine),
        field("process", Target::ProcessPid),
        field("process_name", Target::ProcessName),
        field("thread_name", Target::ProcessThreadName),
        key("thread", To::ThreadId),
    ],
    late_keys: common::PROGRAM,
    ..PLAIN
};
