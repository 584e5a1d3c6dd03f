//! Serilog's own JSON formatter (.NET).

use super::{Format, Levels, Mark, PLAIN, Signature, Spec, Target, To, Unit, field, key};

pub(super) const SPEC: Spec = Spec {
    format: Format::Serilog,
    name: "serilog",
    signatures: &[Signature {
        all: &[Mark::Text("Timestamp"), Mark::Text("Level")],
        any: &[Mark::Text("MessageTemplate"), Mark::Text("RenderedMessage")],
        none: &[],
    }],
    signature_text: "`Timestamp`, `Level`, and `MessageTemplate` or `RenderedMessage`",
    keys: &[
        key("Timestamp", To::Time),
        key("Level", To::Level(Levels::Serilog)),
        field("RenderedMessage", Target::Message),
        field("MessageTemplate", Target::Message),
        key("Exception", To::Stack),
        key("Properties", To::Inline),
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
    ..PLAIN
};
