//! zap 1 (Go), with the keys of its production and of its development configuration.

use super::{Format, Levels, Mark, PLAIN, Signature, Spec, Target, To, Unit, common, field, key};

pub(super) const SPEC: Spec = Spec {
    format: Format::Zap,
    name: "zap",
    signatures: &[
        Signature { all: &[Mark::Number("ts"), Mark::Text("level"), Mark::Text("msg")], any: &[], none: &[] },
        // With `ISO8601TimeEncoder`. A capital level beside a text `ts` is slog of Rust.
        Signature { all: &[Mark::Text("ts"), Mark::Lower("level"), Mark::Text("msg")], any: &[], none: &[] },
        Signature { all: &[Mark::Text("L"), Mark::Present("T"), Mark::Text("M")], any: &[], none: &[] },
    ],
    signature_text: "`ts`, `level`, `msg`, or `T`, `L`, `M`",
    keys: &[
        key("ts", To::Time),
        key("T", To::Time),
        key("level", To::Level(Levels::Words)),
        key("L", To::Level(Levels::Words)),
        field("msg", Target::Message),
        field("M", Target::Message),
        field("logger", Target::LogLogger),
        field("N", Target::LogLogger),
        key("caller", To::Caller),
        key("C", To::Caller),
        field("function", Target::LogOriginFunction),
        // Where the error was made says more than where it was logged.
        key("errorVerbose", To::Stack),
        key("stacktrace", To::Stack),
        key("S", To::Stack),
    ],
    late_keys: common::PROGRAM,
    durations: Unit::Seconds,
    ..PLAIN
};
