//! Compact log event format (CLEF) of Serilog (.NET).

use super::{Format, Level, Levels, Mark, PLAIN, Signature, Spec, Target, To, Unit, field, key};

pub(super) const SPEC: Spec = Spec {
    format: Format::Clef,
    name: "clef",
    signatures: &[Signature {
        all: &[Mark::Present("@t")],
        any: &[Mark::Present("@m"), Mark::Present("@mt"), Mark::Present("@i")],
        none: &[],
    }],
    signature_text: "`@t` with `@m`, `@mt` or `@i`",
    keys: &[
        key("@t", To::Time),
        key("@l", To::Level(Levels::Serilog)),
        field("@m", Target::Message),
        field("@mt", Target::Message),
        key("@x", To::Stack),
        field("@i", Target::EventCode),
        field("@tr", Target::TraceId),
        field("@sp", Target::SpanId),
        field("SourceContext", Target::LogLogger),
        field("Application", Target::ServiceName),
        field("MachineName", Target::HostName),
        field("ProcessId", Target::ProcessPid),
        key("ThreadId", To::ThreadId),
        field("RequestId", Target::HttpRequestId),
        key("RequestMethod", To::Method),
        key("RequestPath", To::UrlPath),
        key("StatusCode", To::Status),
        key("Elapsed", To::Duration(Unit::Milliseconds)),
    ],
    absent_level: Some(Level::Info),
    ..PLAIN
};
