//! python-json-logger: the attributes of Python's log records under their own names.

use super::{Format, Levels, Mark, PLAIN, Signature, Spec, Target, To, common, field, key};

pub(super) const SPEC: Spec = Spec {
    format: Format::Python,
    name: "python",
    signatures: &[Signature {
        all: &[],
        any: &[Mark::Text("levelname"), Mark::Text("asctime")],
        none: &["@version"],
    }],
    signature_text: "`levelname` or `asctime`",
    keys: &[
        key("timestamp", To::Time),
        key("asctime", To::Time),
        key("created", To::Time),
        key("levelname", To::Level(Levels::Words)),
        key("level", To::Level(Levels::Words)),
        field("message", Target::Message),
        field("name", Target::LogLogger),
        field("pathname", Target::LogOriginFileName),
        field("filename", Target::LogOriginFileName),
        field("lineno", Target::LogOriginFileLine),
        field("funcName", Target::LogOriginFunction),
        field("process", Target::ProcessPid),
        field("processName", Target::ProcessName),
        key("thread", To::ThreadId),
        field("threadName", Target::ProcessThreadName),
        key("exc_info", To::Stack),
        key("stack_info", To::Stack),
    ],
    late_keys: common::PROGRAM,
    ..PLAIN
};
