//! zerolog 1 (Go).

use super::{Format, Levels, Mark, PLAIN, Signature, Spec, Target, To, Unit, common, field, key};

pub(super) const SPEC: Spec = Spec {
    format: Format::Zerolog,
    name: "zerolog",
    signatures: &[Signature {
        all: &[Mark::Present("time"), Mark::Lower("level"), Mark::Text("message")],
        any: &[],
        none: &[],
    }],
    signature_text: "`time`, `level` in small letters, `message`",
    keys: &[
        key("time", To::Time),
        key("level", To::Level(Levels::Words)),
        field("message", Target::Message),
        key("caller", To::Caller),
        key("stack", To::Stack),
    ],
    late_keys: common::PROGRAM,
    durations: Unit::Milliseconds,
    ..PLAIN
};
