//! `tracing-subscriber` 0.3 JSON (Rust): nested, with `flatten_event(true)`, with or without spans.

use super::{Format, Levels, Mark, PLAIN, Signature, Spec, Target, To, field, key};

pub(super) const SPEC: Spec = Spec {
    format: Format::TracingJson,
    name: "tracing",
    signatures: &[Signature {
        all: &[Mark::Text("timestamp"), Mark::Text("level"), Mark::Text("target")],
        any: &[
            Mark::Object("fields"),
            Mark::Object("span"),
            Mark::Present("spans"),
            Mark::Present("message"),
        ],
        none: &[],
    }],
    signature_text: "`timestamp`, `level`, `target`, and `fields`, `span`, `spans` or `message`",
    keys: &[
        key("timestamp", To::Time),
        key("level", To::Level(Levels::Words)),
        field("message", Target::Message),
        field("target", Target::LogLogger),
        field("filename", Target::LogOriginFileName),
        field("line_number", Target::LogOriginFileLine),
        field("threadName", Target::ProcessThreadName),
        key("threadId", To::ThreadId),
        key("fields", To::Inline),
        key("span", To::Span),
        key("spans", To::Spans),
        key("time.busy", To::SpanTime),
        key("time.idle", To::SpanTime),
    ],
    debug_texts: true,
    ..PLAIN
};
