//! pino 10 and pino-http (Node).

use super::{Format, Levels, Mark, PLAIN, Signature, Spec, Target, To, Unit, field, key};

pub(super) const SPEC: Spec = Spec {
    format: Format::Pino,
    name: "pino",
    signatures: &[
        Signature {
            all: &[Mark::Number("level"), Mark::Present("time"), Mark::Number("pid"), Mark::Text("hostname")],
            any: &[],
            none: &["v"],
        },
        // `formatters.level` writes the word; no other library has both `pid` and `hostname` beside it.
        Signature {
            all: &[Mark::Lower("level"), Mark::Present("time"), Mark::Number("pid"), Mark::Text("hostname")],
            any: &[],
            none: &["v", "message"],
        },
    ],
    signature_text: "`level`, `time`, `pid`, `hostname`, without `v`",
    keys: &[
        key("level", To::Level(Levels::Tens)),
        key("time", To::Time),
        field("pid", Target::ProcessPid),
        field("hostname", Target::HostName),
        field("msg", Target::Message),
        field("name", Target::LogLogger),
        field("req.id", Target::HttpRequestId),
        key("req.method", To::Method),
        key("req.url", To::UrlTarget),
        key("req.remoteAddress", To::Client),
        field("req.remotePort", Target::ClientPort),
        field("req.headers.user-agent", Target::UserAgentOriginal),
        key("res.statusCode", To::Status),
        key("responseTime", To::Duration(Unit::Milliseconds)),
    ],
    ..PLAIN
};
