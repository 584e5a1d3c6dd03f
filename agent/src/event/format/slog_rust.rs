//! `slog-json` 2 (Rust).

use super::{Format, Levels, Mark, PLAIN, Signature, Spec, Target, To, common, field, key};

pub(super) const SPEC: Spec = Spec {
    format: Format::SlogRust,
    name: "slog-rust",
    signatures: &[Signature {
        all: &[Mark::Text("ts"), Mark::Upper("level"), Mark::Text("msg")],
        any: &[],
        none: &[],
    }],
    signature_text: "text `ts`, `level` in capitals, `msg`",
    keys: &[
        key("ts", To::Time),
        key("level", To::Level(Levels::Words)),
        field("msg", Target::Message),
        field("module", Target::LogLogger),
        field("file", Target::LogOriginFileName),
        field("line", Target::LogOriginFileLine),
    ],
    late_keys: common::PROGRAM,
    debug_texts: true,
    ..PLAIN
};
