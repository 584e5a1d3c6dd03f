//! node-bunyan 2.

use super::{Format, Levels, Mark, PLAIN, Signature, Spec, Target, To, field, key};

pub(super) const SPEC: Spec = Spec {
    format: Format::NodeBunyan,
    name: "node-bunyan",
    signatures: &[Signature {
        all: &[
            Mark::Number("v"),
            Mark::Text("name"),
            Mark::Text("msg"),
            Mark::Number("level"),
            Mark::Text("hostname"),
            Mark::Number("pid"),
            Mark::Text("time"),
        ],
        any: &[],
        none: &[],
    }],
    signature_text: "`v`, number `level`, text `time`, `hostname`, `pid`, `name`, `msg`, without `target` and `line`",
    keys: &[
        key("v", To::Nothing),
        field("name", Target::ServiceName),
        field("msg", Target::Message),
        key("level", To::Level(Levels::Tens)),
        field("hostname", Target::HostName),
        field("pid", Target::ProcessPid),
        key("time", To::Time),
        field("src.file", Target::LogOriginFileName),
        field("src.line", Target::LogOriginFileLine),
        field("src.func", Target::LogOriginFunction),
        field("component", Target::LogLogger),
        key("req.method", To::Method),
        key("req.url", To::UrlTarget),
        key("req.remoteAddress", To::Client),
        field("req.remotePort", Target::ClientPort),
        field("req.headers.user-agent", Target::UserAgentOriginal),
        key("res.statusCode", To::Status),
    ],
    ..PLAIN
};
