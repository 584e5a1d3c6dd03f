//! logrus 1 (Go).

use super::{Format, Levels, Mark, PLAIN, Signature, Spec, Target, To, Unit, common, field, key};

pub(super) const SPEC: Spec = Spec {
    format: Format::Logrus,
    name: "logrus",
    signatures: &[Signature {
        all: &[Mark::Text("time"), Mark::Lower("level"), Mark::Text("msg")],
        any: &[],
        none: &[],
    }],
    signature_text: "text `time`, `level` in small letters, `msg`",
    keys: &[
        key("time", To::Time),
        key("level", To::Level(Levels::Words)),
        field("msg", Target::Message),
        key("file", To::Caller),
        field("func", Target::LogOriginFunction),
    ],
    late_keys: common::PROGRAM,
    durations: Unit::Nanoseconds,
    ..PLAIN
};
