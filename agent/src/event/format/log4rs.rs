//! JSON encoder of `log4rs` 1.4 (Rust).

use super::{Format, Levels, Mark, PLAIN, Signature, Spec, Target, To, field, key};

pub(super) const SPEC: Spec = Spec {
    format: Format::Log4rs,
    name: "log4rs",
    signatures: &[Signature {
        all: &[Mark::Text("time"), Mark::Object("mdc"), Mark::Present("thread_id")],
        any: &[],
        none: &[],
    }],
    signature_text: "`time`, object `mdc`, `thread_id`",
    keys: &[
        key("time", To::Time),
        key("level", To::Level(Levels::Words)),
        field("message", Target::Message),
        field("target", Target::LogLogger),
        field("file", Target::LogOriginFileName),
        field("line", Target::LogOriginFileLine),
        field("thread", Target::ProcessThreadName),
        key("thread_id", To::ThreadId),
        key("mdc", To::Inline),
    ],
    debug_texts: true,
    ..PLAIN
};
