//! The whole file: the sections that are only a few keys, and the rules that hold between sections.

use super::document::Node;
use super::key::{Key, Kind, key};
use super::mistake::shown;
use super::path::compile_glob;
use super::section::{Section, Walk};
use super::unit::size_text;
use super::{Config, Input, Limits, Monitoring, Output, State, address, input, output, processor};
use std::path::{Path, PathBuf};
use std::time::Duration;

static HOST: [Key; 1] = [key(
    "id",
    Kind::Text { default: "the host name" },
    "Name of this machine: `host.name` of events and part of their ids. Set it in containers, whose host name changes with \
     each start: events whose fate was unknown at a stop would be sent again under new ids.",
)];

static STATE: [Key; 2] = [
    key(
        "path",
        Kind::Text { default: "`./blueox-state`" },
        "Directory of checkpoint, lock and dead letters; made with mode 0700 if it is missing. One agent a directory. \
         Relative to the configuration file, without one to the working directory.",
    ),
    key(
        "retention",
        Kind::Duration { default: "7d", min: "1h", max: "365d" },
        "How long files that are gone are remembered, so that a copy of one that appears later is not sent again.",
    ),
];

static LIMITS: [Key; 5] = [
    key(
        "memory",
        Kind::Size { default: "24MiB", min: "8MiB", max: "1TiB" },
        "Resident memory to stay within. At the bound reading waits for the output. At least \
         `bulk.max_bytes × bulk.in_flight` and the longest line have to fit.",
    ),
    key(
        "open_files",
        Kind::Integer { default: 512, min: 8, max: 1_000_000 },
        "Most files open at once. With more files than that they take turns.",
    ),
    key(
        "held_files",
        Kind::Size { default: "1GiB", min: "1MiB", max: "1000TiB" },
        "Most unsent bytes of rotated or deleted files that are kept open for sending. Beyond it the oldest is let go, which \
         is counted as lost.",
    ),
    key(
        "dead_letters",
        Kind::Size { default: "100MiB", min: "1MiB", max: "1000TiB" },
        "Most bytes of dead letters on disk. Full, the index holds until an operator acts.",
    ),
    key(
        "queue",
        Kind::Size { default: "1GiB", min: "16MiB", max: "1000TiB" },
        "Most bytes on disk of what came from each stream (standard input, the network) and is not delivered. Full, whoever \
         writes to the stream waits.",
    ),
];

static SHUTDOWN: [Key; 1] = [key(
    "drain",
    Kind::Duration { default: "5s", min: "0", max: "10m" },
    "How long a stop waits for open requests. What is still open then is sent again by the next start, with the same ids.",
)];

static MONITORING: [Key; 3] = [
    key(
        "listen",
        Kind::Text { default: "`127.0.0.1:5066`" },
        "Address of the status page (`/status`, `/metrics`, `/healthz`, `/readyz`). `null` turns it off. An address other \
         than loopback needs `token`.",
    ),
    key("token", Kind::Secret, "Bearer token that requests have to carry in `Authorization`."),
    key(
        "events",
        Kind::Bool { default: true },
        "Whether the agent adds an event of its own every 10 s: lag, pending, retries, dead letters, memory, CPU.",
    ),
];

/// Every key of the configuration.
pub(super) static KEYS: [Key; 8] = [
    key("host", Kind::Section(&HOST), "This machine."),
    key("inputs", Kind::Sections(&input::KEYS), "What to read, a list. Required."),
    key(
        "processors",
        Kind::Sections(&processor::KEYS),
        "What happens to events on the way, in this order: a list whose items each hold one of the following.",
    ),
    key("output", Kind::Section(&output::KEYS), "Where events go, exactly one of the following."),
    key("state", Kind::Section(&STATE), "What survives a restart."),
    key("limits", Kind::Section(&LIMITS), "Bounds."),
    key("shutdown", Kind::Section(&SHUTDOWN), "Stopping."),
    key("monitoring", Kind::Section(&MONITORING), "Watching the agent."),
];

/// What the command line puts in the place of the file's own.
#[derive(Default)]
pub(super) struct Replace {
    pub(super) paths: Option<Vec<String>>,
    pub(super) output: Option<Output>,
}

/// Reads the whole tree. `None` only after a mistake was noted.
pub(super) fn resolve(walk: &Walk<'_>, node: &Node, replace: Replace) -> Option<Config> {
    let root = Section::open(walk, "", node, &KEYS);
    let inputs = inputs(&root, replace.paths);
    let processors = root.sections("processors").iter().filter_map(processor::resolve).collect();
    let output = resolve_output(&root, replace.output);
    let (host_id, state) = (host_id(&root.section("host")), state(&root.section("state")));
    let (limits, monitoring) = (limits(&root.section("limits")), monitoring(&root.section("monitoring")));
    let drain = root.section("shutdown").duration("drain");
    // Only here may it end: all sections have been read for their mistakes.
    let mut output = output?;
    if let Output::Syslog(syslog) = &mut output {
        syslog.shipper.clone_from(&host_id);
    }
    let mut config = Config { host_id, inputs, processors, output, state, limits, drain, monitoring };
    read_queues(&mut config);
    check_sizes(&root, &config);
    check_own_files(&root, &config);
    Some(config)
}

/// The configuration that says nothing but what to read and where to send it.
pub(super) fn defaults(inputs: Vec<Input>, output: Output, base: &Path) -> Config {
    let mut config = Config {
        host_id: host_name(),
        inputs,
        processors: Vec::new(),
        output,
        state: State { path: base.join("blueox-state"), retention: Duration::from_secs(7 * 24 * 3600) },
        limits: Limits {
            memory: 24 << 20,
            open_files: 512,
            held_files: 1 << 30,
            dead_letters: 100 << 20,
            queue: 1 << 30,
        },
        drain: Duration::from_secs(5),
        monitoring: Monitoring { listen: Some(([127, 0, 0, 1], 5066).into()), token: None, events: true },
    };
    read_queues(&mut config);
    config
}

/// A stream is read from the segments of its queue.
fn read_queues(config: &mut Config) {
    for input in &mut config.inputs {
        if let Some(queue) = input.source.queue() {
            input.paths = vec![crate::queue::segments_of(&config.state.path, &queue)];
        }
    }
}

fn inputs(root: &Section<'_>, paths: Option<Vec<String>>) -> Vec<Input> {
    let sections = root.sections("inputs");
    let inputs = match paths {
        None => {
            if sections.is_empty() {
                no_inputs(root);
            }
            sections.iter().map(input::resolve).collect()
        }
        Some(paths) => replaced_paths(root, &sections, paths),
    };
    check_ids(&sections, &inputs);
    check_streams(&sections, &inputs);
    inputs
}

/// A stream has one reader.
fn check_streams(sections: &[Section<'_>], inputs: &[Input]) {
    for (position, input) in inputs.iter().enumerate() {
        let Some(queue) = input.source.queue() else { continue };
        let first = inputs[..position].iter().position(|other| other.source.queue().as_ref() == Some(&queue));
        if let (Some(first), Some(field)) =
            (first, sections.get(position).and_then(|section| section.field("type")))
        {
            field.mistake(format!("inputs[{first}] reads the same stream"), "remove one of them");
        }
    }
}

fn no_inputs(root: &Section<'_>) {
    let remedy = "list what to read, such as `inputs: [{paths: [\"/var/log/shop/*.log\"]}]`";
    match root.field("inputs") {
        None => root.missing("inputs", remedy),
        Some(field) if matches!(&field.node.value, super::document::Value::List(_)) => {
            field.mistake("is empty", remedy);
        }
        Some(_) => {}
    }
}

/// Paths of the command line take the place of those of the one input.
fn replaced_paths(root: &Section<'_>, sections: &[Section<'_>], paths: Vec<String>) -> Vec<Input> {
    match sections {
        [] => vec![input::defaults(paths)],
        [one] => vec![Input { paths, ..input::resolve_settings(one) }],
        _ => {
            if let Some(field) = root.field("inputs") {
                let found = format!("{} inputs, and paths on the command line", sections.len());
                field.mistake(
                    found,
                    "give no paths, or a configuration with one input whose settings they take",
                );
            }
            Vec::new()
        }
    }
}

fn check_ids(sections: &[Section<'_>], inputs: &[Input]) {
    for (position, input) in inputs.iter().enumerate() {
        let Some(id) = &input.id else { continue };
        let Some(first) = inputs[..position].iter().position(|other| other.id.as_ref() == Some(id)) else {
            continue;
        };
        if let Some(field) = sections.get(position).and_then(|section| section.field("id")) {
            field.mistake(
                format!("two inputs have the id {}: this one and inputs[{first}]", shown(id)),
                "give each its own, or remove it",
            );
        }
    }
}

fn resolve_output(root: &Section<'_>, replaced: Option<Output>) -> Option<Output> {
    if replaced.is_some() {
        return replaced;
    }
    let remedy = "add one, such as `output: {elasticsearch: {hosts: [\"https://es1:9200\"]}}`";
    let Some(field) = root.field("output") else {
        root.missing("output", remedy);
        return None;
    };
    let section = root.section("output");
    let empty = match &field.node.value {
        super::document::Value::Map(entries) => entries.is_empty(),
        _ => field.node.is_null(),
    };
    if empty {
        field.mistake("names no output", remedy);
    }
    output::resolve(&section)
}

fn host_id(section: &Section<'_>) -> String {
    let Some(id) = section.text("id") else { return host_name() };
    if (id.is_empty() || id.len() > 255 || id.chars().any(char::is_control))
        && let Some(field) = section.field("id")
    {
        field.mistake("is empty, longer than 255 bytes or holds control characters", "write a host name");
    }
    id
}

/// The kernel's name of this machine.
pub(crate) fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

fn state(section: &Section<'_>) -> State {
    State { path: state_path(section), retention: section.duration("retention") }
}

fn limits(section: &Section<'_>) -> Limits {
    Limits {
        memory: section.size("memory"),
        open_files: section.integer("open_files") as usize,
        held_files: section.size("held_files"),
        dead_letters: section.size("dead_letters"),
        queue: section.size("queue"),
    }
}

fn state_path(section: &Section<'_>) -> PathBuf {
    let Some(field) = section.field("path") else { return section.walk.base.join("blueox-state") };
    let Some(path) = field.path() else { return section.walk.base.join("blueox-state") };
    if std::fs::symlink_metadata(&path).is_ok_and(|metadata| !metadata.is_dir()) {
        field.mistake(
            format!("{} is not a directory", shown(&path.to_string_lossy())),
            "name a directory (not a symbolic link), or one that does not exist yet",
        );
    }
    path
}

fn monitoring(section: &Section<'_>) -> Monitoring {
    let token = section.secret("token");
    let listen = match section.field("listen") {
        None => Some(([127, 0, 0, 1], 5066).into()),
        Some(field) if field.node.is_null() => None,
        Some(field) => field.text().and_then(|text| {
            address::listen(&text).map_err(|(found, remedy)| field.mistake(found, remedy)).ok()
        }),
    };
    if let (Some(address), Some(field)) = (listen, section.field("listen"))
        && !address.ip().is_loopback()
        && !section.has("token")
    {
        field.mistake(
            format!("`{address}` can be reached from other machines, and there is no token"),
            "set `monitoring.token`, or listen on 127.0.0.1",
        );
    }
    Monitoring { listen, token, events: section.bool("events") }
}

/// The requests and the longest line have to fit the memory. A line larger than `bulk.max_bytes` goes in a request of its own.
fn check_sizes(root: &Section<'_>, config: &Config) {
    let (bytes, in_flight, remedy) = match &config.output {
        Output::Elasticsearch(output) => {
            (output.bulk_bytes, output.in_flight, "raise it, or lower `bulk.max_bytes` or `bulk.in_flight`")
        }
        Output::Logstash(output) => {
            (super::LOGSTASH_WINDOW_BYTES, output.pipelining, "raise it, or lower `pipelining`")
        }
        Output::Http(_) | Output::Syslog(_) | Output::File(_) | Output::Stdout => return,
    };
    let longest = config.inputs.iter().map(|input| input.max_line).max().unwrap_or(0);
    let needed = (bytes as u64).saturating_mul(in_flight as u64).saturating_add(longest as u64);
    if needed > config.limits.memory {
        let at = root.field("limits").map_or(root.at, |field| field.at);
        let found = format!(
            "{} cannot hold {} requests of {} and a line of {}",
            size_text(config.limits.memory),
            in_flight,
            size_text(bytes as u64),
            size_text(longest as u64)
        );
        root.walk.mistake(at, "limits.memory", found, remedy);
    }
}

fn check_own_files(root: &Section<'_>, config: &Config) {
    for (key, found, remedy) in own_file_conflicts(config) {
        let section = key.split('.').next().and_then(|name| root.field(name));
        root.walk.mistake(section.map_or(root.at, |field| field.at), key, found, remedy);
    }
}

/// Files that the agent both writes and reads, as key, finding and remedy. Every event would make another one.
pub(super) fn own_file_conflicts(config: &Config) -> Vec<(&'static str, String, &'static str)> {
    let mut conflicts = Vec::new();
    if let Output::File(path) = &config.output
        && let Some(input) = reads(config, path)
    {
        let found = format!("the output {} is read by inputs[{input}]", shown(&path.to_string_lossy()));
        conflicts.push(("output.file.path", found, "write to another directory, or exclude the file there"));
    }
    if let Some(input) = reads(config, &config.state.path.join("dead-letters/0.ndjson")) {
        let state = shown(&config.state.path.to_string_lossy());
        let found = format!("the dead letters in {state} are read by inputs[{input}]");
        conflicts.push(("state.path", found, "use another directory, or exclude it there"));
    }
    if let Some(input) = reads(config, &crate::queue::some_segment(&config.state.path)) {
        let state = shown(&config.state.path.to_string_lossy());
        let found = format!("the queues in {state} are read by inputs[{input}]");
        conflicts.push(("state.path", found, "use another directory, or exclude it there"));
    }
    conflicts
}

/// The first input that reads `path`.
fn reads(config: &Config, path: &Path) -> Option<usize> {
    let real = path.canonicalize();
    let matches = |pattern: &String| {
        let Ok(glob) = compile_glob(pattern) else { return false };
        let matcher = glob.compile_matcher();
        matcher.is_match(path) || real.as_ref().is_ok_and(|real| matcher.is_match(real))
    };
    let is_file = |input: &Input| matches!(input.source, super::Source::Files);
    config.inputs.iter().position(|input| {
        is_file(input) && input.paths.iter().any(matches) && !input.exclude.iter().any(matches)
    })
}
