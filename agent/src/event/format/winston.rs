//! winston 3 (Node) with its JSON format. Much hand-written JSON looks the same, so all usual names count here too.

use super::{Format, Mark, PLAIN, Signature, Spec, generic};

pub(super) const SPEC: Spec = Spec {
    format: Format::Winston,
    name: "winston",
    signatures: &[Signature {
        all: &[Mark::Lower("level"), Mark::Text("message")],
        any: &[],
        none: &["time", "ts", "target"],
    }],
    signature_text: "`level` in small letters, `message`, and `timestamp` or no time",
    keys: generic::KEYS,
    any_case: true,
    ..PLAIN
};
