//! Shapes of lines as loggers write them.

use super::mark::Mark;
use super::request::{Happening, Request, Step};
use super::stamp::Stamp;

/// Which logger a line looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// tracing-bunyan-formatter: a span's start, its events, its end.
    Tracing,
    /// pino with pino-http's request and response objects.
    Pino,
    /// ECS with dotted names.
    Ecs,
    /// Plain text with a time in front.
    Text,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Tracing, Self::Pino, Self::Ecs, Self::Text];
}

pub(super) fn append(
    out: &mut Vec<u8>,
    format: Format,
    request: &Request,
    mark: Mark,
    time: u64,
    stamp: &mut Stamp,
) {
    match format {
        Format::Tracing => tracing(out, request, mark, time, stamp),
        Format::Pino => pino(out, request, mark, time),
        Format::Ecs => ecs(out, request, mark, time, stamp),
        Format::Text => text(out, request, mark, time, stamp),
    }
}

fn tracing(out: &mut Vec<u8>, request: &Request, mark: Mark, time: u64, stamp: &mut Stamp) {
    push(out, r#"{"v":0,"name":"shop","msg":"[HTTP REQUEST - "#);
    let (module, line) = match request.step {
        Step::Start => {
            push(out, "START]");
            ("http", 41)
        }
        Step::Event(happening) => {
            push(out, "EVENT] ");
            escaped(out, happening);
            (happening.text.module, happening.text.line)
        }
        Step::End => {
            push(out, "END]");
            ("http", 41)
        }
    };
    push(out, r#"","level":"#);
    push(out, request.level().number());
    push(out, r#","hostname":"web-1","pid":4711,"time":""#);
    stamp.append(out, time, 9);
    push(out, r#"","target":"shop::"#);
    push(out, module);
    push(out, r#"","line":"#);
    decimal(out, line);
    push(out, r#","file":"shop/src/"#);
    push(out, module);
    push(out, r#".rs","#);
    marked(out, request, mark);
    push(out, r#","request_id":""#);
    uuid(out, request.id);
    push(out, r#"","http.method":""#);
    push(out, request.method);
    push(out, r#"","http.route":""#);
    push(out, request.route);
    push(out, r#"","http.target":""#);
    path(out, request);
    push(out, r#"","http.client_ip":""#);
    address(out, request.client);
    push(out, r#"","http.user_agent":""#);
    push(out, request.agent);
    out.push(b'"');
    if let Step::End = request.step {
        push(out, r#","http.status_code":"#);
        decimal(out, u64::from(request.status));
        push(out, r#","elapsed_milliseconds":"#);
        decimal(out, request.elapsed_ms);
    }
    out.push(b'}');
}

fn pino(out: &mut Vec<u8>, request: &Request, mark: Mark, time: u64) {
    push(out, r#"{"level":"#);
    push(out, request.level().number());
    push(out, r#","time":"#);
    decimal(out, time / 1_000_000);
    push(out, r#","pid":90,"hostname":"web-1","#);
    marked(out, request, mark);
    push(out, r#","req":{"id":""#);
    uuid(out, request.id);
    push(out, r#"","method":""#);
    push(out, request.method);
    push(out, r#"","url":""#);
    path(out, request);
    push(out, r#"","headers":{"host":"shop.example","user-agent":""#);
    push(out, request.agent);
    push(out, r#""},"remoteAddress":""#);
    address(out, request.client);
    push(out, r#"","remotePort":40112}"#);
    if let Step::End = request.step {
        push(out, r#","res":{"statusCode":"#);
        decimal(out, u64::from(request.status));
        push(out, r#"},"responseTime":"#);
        decimal(out, request.elapsed_ms);
    }
    push(out, r#","msg":""#);
    message(out, request, escaped);
    push(out, r#""}"#);
}

fn ecs(out: &mut Vec<u8>, request: &Request, mark: Mark, time: u64, stamp: &mut Stamp) {
    push(out, r#"{"@timestamp":""#);
    stamp.append(out, time, 3);
    push(out, r#"","log.level":""#);
    push(out, request.level().word());
    push(out, r#"","message":""#);
    message(out, request, escaped);
    push(out, r#"","ecs.version":"8.11.0","service.name":"shop","process.thread.name":"http-"#);
    decimal(out, request.thread);
    push(out, r#"","log.logger":"shop.Http","#);
    marked(out, request, mark);
    push(out, r#","http.request.id":""#);
    uuid(out, request.id);
    push(out, r#"","http.request.method":""#);
    push(out, request.method);
    push(out, r#"","url.original":""#);
    path(out, request);
    push(out, r#"","client.ip":""#);
    address(out, request.client);
    push(out, r#"","user_agent.original":""#);
    push(out, request.agent);
    out.push(b'"');
    if let Step::End = request.step {
        push(out, r#","http.response.status_code":"#);
        decimal(out, u64::from(request.status));
        push(out, r#","event.duration":"#);
        decimal(out, request.elapsed_ms * 1_000_000);
    }
    out.push(b'}');
}

fn text(out: &mut Vec<u8>, request: &Request, mark: Mark, time: u64, stamp: &mut Stamp) {
    stamp.append(out, time, 3);
    out.push(b' ');
    out.extend(request.level().word().bytes().map(|byte| byte.to_ascii_uppercase()));
    push(out, " [http-");
    decimal(out, request.thread);
    push(out, "] ");
    message(out, request, plain);
    push(out, " request=");
    uuid(out, request.id);
    push(out, " client=");
    address(out, request.client);
    push(out, " ");
    push(out, request.method);
    push(out, " ");
    path(out, request);
    if let Step::End = request.step {
        push(out, " status=");
        decimal(out, u64::from(request.status));
        push(out, " ms=");
        decimal(out, request.elapsed_ms);
    }
    push(out, " seq=");
    decimal(out, request.sequence);
    push(out, " mark=");
    mark.append(out);
}

fn marked(out: &mut Vec<u8>, request: &Request, mark: Mark) {
    push(out, r#""seq":"#);
    decimal(out, request.sequence);
    push(out, r#","mark":""#);
    mark.append(out);
    out.push(b'"');
}

fn message(out: &mut Vec<u8>, request: &Request, write: fn(&mut Vec<u8>, Happening)) {
    match request.step {
        Step::Start => push(out, "request received"),
        Step::Event(happening) => write(out, happening),
        Step::End => push(out, "request completed"),
    }
}

fn escaped(out: &mut Vec<u8>, happening: Happening) {
    push(out, happening.text.escaped);
    decimal(out, happening.number);
}

fn plain(out: &mut Vec<u8>, happening: Happening) {
    push(out, happening.text.plain);
    decimal(out, happening.number);
}

fn push(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn path(out: &mut Vec<u8>, request: &Request) {
    push(out, request.path);
    decimal(out, request.article);
}

pub(super) fn address(out: &mut Vec<u8>, parts: [u8; 4]) {
    for (at, part) in parts.into_iter().enumerate() {
        if at > 0 {
            out.push(b'.');
        }
        decimal(out, u64::from(part));
    }
}

/// Appends `8-4-4-4-12` hex digits.
pub(super) fn uuid(out: &mut Vec<u8>, id: u128) {
    for (shift, digits) in [(96, 8), (80, 4), (64, 4), (48, 4), (0, 12)] {
        if shift != 96 {
            out.push(b'-');
        }
        hex(out, (id >> shift) as u64, digits);
    }
}

pub(super) fn decimal(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends the lowest `digits` (at most 16) hex digits of `number`.
pub(super) fn hex(out: &mut Vec<u8>, number: u64, digits: usize) {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    let mut text = [0; 16];
    for (at, digit) in text[..digits].iter_mut().enumerate() {
        *digit = DIGITS[(number >> (4 * (digits - 1 - at)) & 15) as usize];
    }
    out.extend_from_slice(&text[..digits]);
}
