//! `inputs`: what to read, and what its events say of themselves.

use super::document::{Node, Value};
use super::key::{Key, Kind, key, later};
use super::mistake::{shown, shown_path};
use super::path::{absolute_glob, compile_glob, is_literal};
use super::section::{Field, Section};
use super::source::reason;
use super::{FieldValue, Input, ReadFrom, Source, listener};
use crate::line::{Blocks, Container};
use std::io::ErrorKind;
use std::path::Path;

static DATA_STREAM: [Key; 2] = [
    key(
        "dataset",
        Kind::Text { default: "`app`" },
        "Second part of the data stream's name `logs-<dataset>-<namespace>`. `app` and `app.<name>` have an index template; \
         another dataset needs one of its own. Lower case, at most 100 bytes, none of `-\\/*?\"<>| ,#:`.",
    ),
    key(
        "namespace",
        Kind::Text { default: "`default`" },
        "Third part of the name, often the environment. Same characters as `dataset`.",
    ),
];

static MULTILINE: [Key; 2] = [
    key(
        "start",
        Kind::Text { default: "none" },
        "Regular expression found in the first line of each event, such as `^\\d{4}-`.",
    ),
    key(
        "continues",
        Kind::Text { default: "none" },
        "In place of it: found in each line that belongs to the one before, such as `^(\\s|Caused by:)`.",
    ),
];

pub(super) static KEYS: [Key; 17] = [
    key(
        "id",
        Kind::Text { default: "none" },
        "Name of the input. Once stated it is part of the ids of its events, so changing it sends known lines again as new \
         ones. Two inputs never share one.",
    ),
    key(
        "type",
        Kind::Choice { default: "file", values: &["file", "stdin", "syslog"], later: &[] },
        "Where lines come from: `file`, or `stdin` and `syslog`, which are kept in a queue in the state directory until they are delivered.",
    ),
    key(
        "listen",
        Kind::Text { default: "`127.0.0.1:5514`" },
        "Address for `type: syslog`. There is no log-in but a certificate (`tls.client_ca`): whoever else reaches it can send. \
         Its port names the queue.",
    ),
    key(
        "protocol",
        Kind::Choice { default: "tcp", values: &["tcp", "http", "udp"], later: &[] },
        "How messages of `type: syslog` come. `tcp`: RFC 6587, with octet counts or line feeds, decided for each message; a full \
         queue holds the senders. `http`: a POST with one message, as Cloud Foundry's drains send it, or with several, at most \
         `max_line` in all; answered 204 once they are on disk, 503 while the queue is full. `udp`: a datagram is a message; \
         what comes while the queue is full is dropped and counted.",
    ),
    key(
        "tls",
        Kind::Section(&listener::TLS),
        "TLS for `type: syslog` over `tcp` or `http`. Without this key senders send in the clear.",
    ),
    key(
        "paths",
        Kind::Texts { default: "required for files" },
        "Files to read, for `type: file`: paths or globs. `*` and `?` stay within a directory, `**` crosses directories, `{a,b}` and `[0-9]` \
         work, `\\` escapes. Relative ones begin at the configuration file. A glob that matches nothing yet is fine.",
    ),
    key(
        "exclude",
        Kind::Texts { default: "none" },
        "Globs of files to leave alone. One that does not begin with `/` matches at any depth.",
    ),
    key(
        "format",
        Kind::Choice {
            default: "auto",
            values: &[
                "auto",
                "ecs",
                "bunyan",
                "tracing",
                "pino",
                "winston",
                "logback",
                "log4rs",
                "zap",
                "zerolog",
                "logrus",
                "slog",
                "structlog",
                "python",
                "clef",
                "text",
            ],
            later: &[],
        },
        "How lines are written. `auto` decides line by line from their signature; what fits no format is sent as text.",
    ),
    key(
        "container",
        Kind::Choice { default: "none", values: &["none", "cri", "docker"], later: &[] },
        "What a container runtime has put around each line: `cri` (Kubernetes), `docker` (json-file). Long lines that it cut are \
         joined, up to 64 KiB; its time counts where the line has none; pod and container come from the path.",
    ),
    key(
        "multiline",
        Kind::Section(&MULTILINE),
        "Several lines of text as one event. A line that begins with `{` stands alone. The last lines of a file wait a second \
         for more; at 64 KiB an event ends in any case. Stack traces of Java, Python, Rust, Go, .NET and Node.js need no \
         pattern: without one they are joined, with the line before that tells of an error (also in containers, at most \
         2048 lines); `start: '^'` leaves every line alone.",
    ),
    key(
        "read_from",
        Kind::Choice { default: "beginning", values: &["beginning", "end"], later: &[] },
        "Where reading begins in files that are there when the agent starts for the first time. Files that appear later, and \
         files whose state was lost, are read from the beginning.",
    ),
    key(
        "max_line",
        Kind::Size { default: "1MiB", min: "1KiB", max: "64MiB" },
        "Longest line. What is longer is cut there and flagged. A line larger than `bulk.max_bytes` goes in a request of its own.",
    ),
    key(
        "timezone",
        Kind::Text { default: "`UTC`" },
        "Zone of times that state none: `UTC`, a name such as `Europe/Berlin`, or an offset such as `+02:00`.",
    ),
    key(
        "fields",
        Kind::Fields,
        "Fields added to each event, before anything the line says of the same name: ECS names, dotted or nested. `true` and \
         `false` are booleans, numbers in JSON notation are numbers, everything else (`no`, `0644`, `2024-01-01`, anything in \
         quotes or with a `${NAME}` in it) is text.",
    ),
    key("data_stream", Kind::Section(&DATA_STREAM), "Where the events go in Elasticsearch."),
    later("encoding", "Character set of the files; UTF-8 until then."),
    later("ignore_older", "Skips files by age."),
];

/// Reads one entry of `inputs`.
pub(super) fn resolve(section: &Section<'_>) -> Input {
    let source = match section.choice("type") {
        "stdin" => Source::Stdin,
        "syslog" => listener::resolve(section),
        _ => Source::Files,
    };
    let paths = match source {
        Source::Files => paths(section),
        Source::Stdin | Source::Syslog { .. } => Vec::new(),
    };
    if source.queue().is_some() {
        refuse(section, &["paths", "exclude", "read_from"]);
    }
    match source {
        Source::Syslog { .. } => refuse(section, &["container", "multiline"]),
        Source::Files | Source::Stdin => refuse(section, &["listen", "protocol", "tls"]),
    }
    Input { source, paths, ..resolve_settings(section) }
}

/// Keys that mean nothing for this type.
fn refuse(section: &Section<'_>, keys: &[&str]) {
    for field in keys.iter().filter_map(|key| section.field(key)) {
        let found = format!("does not go with `type: {}`", section.choice("type"));
        field.mistake(found, "remove it, or give what it belongs to an input of its own");
    }
}

/// Reads one entry but for its `paths`, which may be missing.
pub(super) fn resolve_settings(section: &Section<'_>) -> Input {
    let stream = section.section("data_stream");
    Input {
        id: id(section),
        source: Source::Files,
        paths: Vec::new(),
        exclude: exclude(section),
        format: Some(section.choice("format")).filter(|format| *format != "auto").map(str::to_owned),
        read_from: match section.choice("read_from") {
            "end" => ReadFrom::End,
            _ => ReadFrom::Beginning,
        },
        max_line: section.size("max_line") as usize,
        timezone: timezone(section),
        fields: fields(section),
        multiline: multiline(section),
        container: match section.choice("container") {
            "cri" => Container::Cri,
            "docker" => Container::Docker,
            _ => Container::None,
        },
        dataset: stream_part(&stream, "dataset", "app"),
        namespace: stream_part(&stream, "namespace", "default"),
    }
}

/// An input with the defaults of every key but `paths`.
pub(super) fn defaults(paths: Vec<String>) -> Input {
    Input {
        id: None,
        source: Source::Files,
        paths,
        exclude: Vec::new(),
        format: None,
        read_from: ReadFrom::Beginning,
        max_line: 1 << 20,
        timezone: jiff::tz::TimeZone::UTC,
        fields: Vec::new(),
        dataset: "app".into(),
        container: Container::None,
        multiline: None,
        namespace: "default".into(),
    }
}

fn multiline(section: &Section<'_>) -> Option<Blocks> {
    let inner = section.section("multiline");
    let pattern = |name: &str| inner.field(name).and_then(super::processor::bytes_pattern);
    let (start, continues) = (pattern("start"), pattern("continues"));
    let field = section.field("multiline")?;
    if inner.field("start").is_some() == inner.field("continues").is_some() {
        let remedy = "write `start: 'pattern'` or `continues: 'pattern'`";
        field.mistake("asks for not exactly one of `start` and `continues`", remedy);
    }
    if section.choice("container") != "none" {
        field.mistake("does not go with `container`", "remove one of the two");
    }
    start.map(Blocks::Start).or(continues.map(Blocks::Continue))
}

fn id(section: &Section<'_>) -> Option<String> {
    let id = section.text("id")?;
    if id.is_empty() || id.len() > 128 || id.chars().any(char::is_control) {
        let field = section.field("id")?;
        field.mistake("is empty, longer than 128 bytes or holds control characters", "choose a short name");
        return None;
    }
    Some(id)
}

fn paths(section: &Section<'_>) -> Vec<String> {
    let remedy = "list the files to read, such as `paths: [\"/var/log/shop/*.log\"]`";
    let Some(field) = section.field("paths") else {
        section.missing("paths", remedy);
        return Vec::new();
    };
    let items = field.items("- ");
    if items.is_empty() && matches!(&field.node.value, Value::List(_)) {
        field.mistake("is empty", remedy);
    }
    items.iter().filter_map(one_path).collect()
}

fn one_path(item: &Field<'_>) -> Option<String> {
    let pattern = pattern(item)?;
    let absolute = absolute_glob(item.walk().base, &pattern);
    if is_literal(&pattern) {
        check_literal(item, &pattern, &absolute);
    }
    Some(absolute)
}

/// A single named file may still be missing; that it can never be read is a mistake.
fn check_literal(item: &Field<'_>, pattern: &str, absolute: &str) {
    if !is_literal(absolute) {
        return;
    }
    let path = Path::new(absolute);
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => item.mistake(
            format!("{} is a directory", shown(pattern)),
            format!("name its files, such as `{}/*.log`", pattern.trim_end_matches('/')),
        ),
        Ok(_) => {
            if let Err(error) = rustix::fs::access(path, rustix::fs::Access::READ_OK) {
                let found = format!("{} cannot be read: {}", shown(pattern), reason(&error.into()));
                item.mistake(found, "let the agent's user read it");
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let parent = path.parent().unwrap_or(path);
            if std::fs::metadata(parent).is_err_and(|error| error.kind() == ErrorKind::NotFound) {
                item.warn(
                    format!("the directory `{}` does not exist (yet)", shown_path(parent)),
                    "check the path, or ignore this if the directory appears later",
                );
            }
        }
        Err(error) => item.mistake(
            format!("{} cannot be looked up: {}", shown(pattern), reason(&error)),
            "check each directory of the path and its permissions",
        ),
    }
}

fn exclude(section: &Section<'_>) -> Vec<String> {
    let items = section.field("exclude").map(|field| field.items("- ")).unwrap_or_default();
    items.iter().filter_map(pattern).map(|pattern| anywhere(&pattern)).collect()
}

/// Excludes without a leading `/` match at any depth.
fn anywhere(pattern: &str) -> String {
    match pattern.strip_prefix("./").unwrap_or(pattern) {
        rest if rest.starts_with('/') || rest.starts_with("**/") => rest.to_owned(),
        rest => format!("**/{rest}"),
    }
}

/// The text of one valid glob.
fn pattern(item: &Field<'_>) -> Option<String> {
    let pattern = item.text()?;
    if pattern.is_empty() || pattern.contains('\0') {
        item.mistake("is not a path", "write a path or a glob");
        return None;
    }
    if pattern.starts_with("~/") {
        item.mistake("`~` is not expanded", "write the whole path, or `${HOME}/…`");
        return None;
    }
    if let Err(error) = compile_glob(&pattern) {
        item.mistake(
            format!("{} is no valid glob: {}", shown(&pattern), error.kind()),
            "correct it; put `\\` before a special character that is meant literally",
        );
        return None;
    }
    Some(pattern)
}

fn timezone(section: &Section<'_>) -> jiff::tz::TimeZone {
    let utc = jiff::tz::TimeZone::UTC;
    let Some(name) = section.text("timezone") else { return utc };
    match zone(&name) {
        Some(zone) => zone,
        None => {
            if let Some(field) = section.field("timezone") {
                let found = format!("unknown time zone {}", shown(&name));
                field.mistake(found, "write `UTC`, a name such as `Europe/Berlin` (needs this machine's tzdata), or an offset such as `+02:00`");
            }
            utc
        }
    }
}

fn zone(name: &str) -> Option<jiff::tz::TimeZone> {
    if name == "UTC" || name == "Z" {
        return Some(jiff::tz::TimeZone::UTC);
    }
    if let Some((sign, rest)) =
        name.strip_prefix('+').map(|rest| (1, rest)).or(name.strip_prefix('-').map(|rest| (-1, rest)))
    {
        let (hours, minutes) = rest.split_once(':')?;
        let (hours, minutes) = (two_digits(hours)?, two_digits(minutes)?);
        let seconds = (hours <= 18 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))?;
        return jiff::tz::Offset::from_seconds(seconds).ok().map(jiff::tz::TimeZone::fixed);
    }
    jiff::tz::TimeZone::get(name).ok()
}

fn two_digits(text: &str) -> Option<i32> {
    (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// Most configured fields of one input.
const FIELDS_MAX: usize = 100;

fn fields(section: &Section<'_>) -> Vec<(String, FieldValue)> {
    let Some(field) = section.not_null("fields") else { return Vec::new() };
    let Value::Map(_) = &field.node.value else {
        let found = format!("expected a mapping, found {}", field.node.shape());
        field.mistake(found, "write `fields: {service.name: shop}`");
        return Vec::new();
    };
    let mut out = Vec::new();
    collect_fields(field, "", &mut out);
    if out.len() > FIELDS_MAX {
        field.mistake(format!("{} fields, the most is {FIELDS_MAX}", out.len()), "remove some");
        out.truncate(FIELDS_MAX);
    }
    out
}

fn collect_fields(parent: &Field<'_>, prefix: &str, out: &mut Vec<(String, FieldValue)>) {
    let Value::Map(entries) = &parent.node.value else { return };
    for entry in entries {
        let field = parent.below(&entry.key, &entry.value);
        let name = if prefix.is_empty() { entry.key.clone() } else { format!("{prefix}.{}", entry.key) };
        if let Value::Map(_) = &entry.value.value {
            collect_fields(&field, &name, out);
        } else if let Some(value) = field_value(&field, &entry.value)
            && let Some(name) = field_name(&field, name, out)
        {
            out.push((name, value));
        }
    }
}

fn field_name(field: &Field<'_>, name: String, known: &[(String, FieldValue)]) -> Option<String> {
    let problem =
        if name.split('.').any(str::is_empty) || name.len() > 256 || name.chars().any(char::is_control) {
            Some(("is no field name".to_owned(), "write an ECS name such as `service.name`"))
        } else if name == "@timestamp"
            || name.starts_with('_')
            || name == "data_stream"
            || name.starts_with("data_stream.")
        {
            Some((
                format!("the agent sets {} itself", shown(&name)),
                "use `data_stream:` of the input, or another name",
            ))
        } else {
            known.iter().find(|(other, _)| clash(other, &name)).map(|(other, _)| {
                (
                    format!("clashes with the field {}", shown(other)),
                    "a name holds either a value or further names, once",
                )
            })
        };
    match problem {
        None => Some(name),
        Some((found, remedy)) => {
            field.mistake(found, remedy);
            None
        }
    }
}

fn clash(one: &str, other: &str) -> bool {
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn field_value(field: &Field<'_>, node: &Node) -> Option<FieldValue> {
    let Value::Scalar { plain, .. } = node.value else {
        field.mistake("a list is no field value", "write one value; several belong into the log line");
        return None;
    };
    let (text, replaced) = field.expanded()?;
    Some(match text.as_str() {
        _ if !plain || replaced => FieldValue::Text(text),
        "true" => FieldValue::Bool(true),
        "false" => FieldValue::Bool(false),
        _ if is_json_number(&text) => FieldValue::Number(text),
        _ => FieldValue::Text(text),
    })
}

/// RFC 8259 section 6, and a value Elasticsearch can hold as a double.
fn is_json_number(text: &str) -> bool {
    serde_json::from_str::<serde_json::Number>(text).is_ok()
}

fn stream_part(stream: &Section<'_>, name: &'static str, default: &str) -> String {
    let Some(part) = stream.text(name) else { return default.to_owned() };
    let Some(field) = stream.field(name) else { return default.to_owned() };
    if let Some((found, remedy)) = stream_part_problem(&part) {
        field.mistake(found, remedy);
    } else if name == "dataset" && part != "app" && part.strip_prefix("app.").is_none_or(str::is_empty) {
        field.warn(
            format!("{} is neither `app` nor `app.<name>`", shown(&part)),
            "make sure its data stream has an index template of its own",
        );
    } else {
        return part;
    }
    part
}

/// What keeps a text from being a part of a data stream's name: finding and remedy.
pub(super) fn stream_part_problem(part: &str) -> Option<(String, String)> {
    if part.is_empty() || part.len() > 100 {
        let found = format!("has {} bytes", part.len());
        return Some((found, "a part of a data stream's name has 1 to 100 bytes".into()));
    }
    if part.chars().any(char::is_uppercase) {
        return Some((
            format!("{} is not lower case", shown(part)),
            format!("write `{}`", part.to_lowercase()),
        ));
    }
    part.chars().any(|c| c.is_control() || "-\\/*?\"<>| ,#:".contains(c)).then(|| {
        let found = format!("{} holds a character that data streams do not allow", shown(part));
        (found, "leave out `-\\/*?\"<>| ,#:`, such as `app.shop`".into())
    })
}
