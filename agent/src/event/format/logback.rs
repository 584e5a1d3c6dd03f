//! logstash-logback-encoder 8 (Java): log events and access events.

use super::{Format, Levels, Mark, PLAIN, Signature, Spec, Target, To, Unit, common, field, key};

pub(super) const SPEC: Spec = Spec {
    format: Format::Logback,
    name: "logback",
    signatures: &[Signature {
        all: &[Mark::Present("@version"), Mark::Text("@timestamp")],
        any: &[Mark::Text("logger_name"), Mark::Present("level_value"), Mark::Present("elapsed_time")],
        none: &[],
    }],
    signature_text: "`@timestamp`, `@version`, and `logger_name`, `level_value` or `elapsed_time`",
    keys: &[
        key("@timestamp", To::Time),
        key("@version", To::Nothing),
        key("level", To::Level(Levels::Words)),
        key("level_value", To::Nothing),
        field("message", Target::Message),
        field("logger_name", Target::LogLogger),
        field("thread_name", Target::ProcessThreadName),
        key("stack_trace", To::Stack),
        field("caller_method_name", Target::LogOriginFunction),
        field("caller_file_name", Target::LogOriginFileName),
        field("caller_line_number", Target::LogOriginFileLine),
        field("HOSTNAME", Target::HostName),
        key("requested_uri", To::UrlTarget),
        key("remote_host", To::Client),
        field("content_length", Target::HttpResponseBodyBytes),
        key("elapsed_time", To::Duration(Unit::Milliseconds)),
    ],
    late_keys: common::PROGRAM,
    ..PLAIN
};
