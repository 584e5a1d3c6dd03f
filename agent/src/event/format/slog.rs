//! `log/slog` of Go's standard library.

use super::{Format, Levels, Mark, PLAIN, Signature, Spec, Target, To, Unit, common, field, key};

pub(super) const SPEC: Spec = Spec {
    format: Format::Slog,
    name: "slog",
    signatures: &[
        Signature {
            all: &[Mark::Text("time"), Mark::Upper("level"), Mark::Text("msg")],
            any: &[],
            none: &[],
        },
        Signature {
            all: &[Mark::Text("time"), Mark::Text("level"), Mark::Text("msg"), Mark::Object("source")],
            any: &[],
            none: &[],
        },
    ],
    signature_text: "text `time`, `level` in capitals (or object `source`), `msg`",
    keys: &[
        key("time", To::Time),
        key("level", To::Level(Levels::Words)),
        field("msg", Target::Message),
        field("source.function", Target::LogOriginFunction),
        field("source.file", Target::LogOriginFileName),
        field("source.line", Target::LogOriginFileLine),
    ],
    late_keys: common::PROGRAM,
    durations: Unit::Nanoseconds,
    ..PLAIN
};
