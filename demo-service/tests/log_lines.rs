//! Every line the program can write, its names, and what the agent makes of it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/service.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared by several tests, each using its part")]
mod service;

use blueox::config::{self, Config};
use blueox::event::{Environment, Explainer, Line as Bytes, LineEnd};
use metric_names::METRICS;
use serde_json::{Value, json};
use service::{Line, Service, is_request, sequences, text};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Keys of the format itself.
const BUNYAN: [&str; 10] = ["v", "name", "msg", "level", "hostname", "pid", "time", "target", "line", "file"];

/// Names that are the application's own, so labels once shipped.
const LABELS: [&str; 8] = [
    "labels.app_kind",
    "labels.cache_key",
    "labels.fault",
    "labels.load_phase",
    "labels.load_profile",
    "labels.span_name",
    "numeric_labels.cache_key",
    "numeric_labels.log_dropped",
];

/// The names `log/field.rs` gives.
fn constants() -> BTreeSet<&'static str> {
    let source = include_str!("../src/log/field.rs");
    source
        .lines()
        .filter(|line| line.contains("pub const"))
        .filter_map(|line| line.split('"').nth(1))
        .collect()
}

/// The messages of all tracing macros in the sources of the services.
fn messages() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for folder in ["app", "log"] {
        for file in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder)).unwrap() {
            let source = fs::read_to_string(file.unwrap().path()).unwrap();
            for level in ["error!(", "warn!(", "info!(", "debug!("] {
                let calls = source.split(level).skip(1).map(|rest| rest.split(");\n").next().unwrap());
                found.extend(calls.map(|call| call.rsplit('"').nth(1).expect("a message").to_owned()));
            }
        }
    }
    found
}

/// A service that has been made to write every kind of line but the one about dropped lines; see `log_file.rs` for that.
fn lines() -> Vec<Line> {
    let service = Service::start(&[
        "--name",
        "shop",
        "--version",
        "1.2",
        "--environment",
        "test",
        "--instance",
        "i-1",
        "--metrics-interval",
        "1",
    ]);
    let load = [("x-load-profile", "ramp"), ("x-load-phase", "peak")];
    service.send("GET", "/simple?password=s3cret", &load, b"");
    service.send(
        "POST",
        "/compute",
        &[("authorization", "Bearer s3cret"), ("cookie", "id=s3cret")],
        b"s3cret",
    );
    service.post_json("/compute", "s3cret");
    service.get("/wait?ms=s3cret");
    service.get("/fail?kind=s3cret");
    service.get("/nowhere?token=s3cret");
    for target in ["/slow", "/wait?ms=1", "/chain", "/fail", "/fail?kind=panic", "/version", "/healthz"] {
        service.get(target);
    }
    service.set_fault("noisy", 50);
    service.wait_for(|line| line["msg"] == "entry looked at");
    service.set_fault("noisy", "off");
    service.wait_for(|line| line.get("event.kind") == Some(&json!("metric")));
    service.stop()
}

#[test]
fn every_line_has_only_known_names_and_every_message_is_written() {
    let (lines, constants) = (lines(), constants());
    let mut written: BTreeSet<_> =
        lines.iter().map(|line| text(line, "msg").rsplit("] ").next().unwrap()).collect();
    for line in &lines {
        for key in line.keys() {
            assert!(
                BUNYAN.contains(&key.as_str()) || constants.contains(key.as_str()),
                "`{key}` in {line:?}"
            );
        }
    }
    assert!(written.remove("[REQUEST - END]"));
    written.insert("log lines dropped, the disk or standard output is too slow");
    assert_eq!(messages(), written.iter().map(|text| (*text).to_owned()).collect());
    let sequence = sequences(&lines);
    assert_eq!(sequence, (1..=lines.len() as u64).collect::<Vec<_>>(), "in the order of the file, no gap");
    assert!(!format!("{lines:?}").contains("s3cret"), "a secret in the log");
    assert!(!format!("{lines:?}").contains("healthz"), "health checks are not logged");
}

#[test]
fn names_of_metrics_are_in_the_table() {
    let source = include_str!("../src/log/field.rs");
    let (_, metrics) = source.split_once("pub mod metric").unwrap();
    let names: Vec<_> = metrics.lines().filter_map(|line| line.split('"').nth(1)).collect();
    assert_eq!(names.len(), 25);
    for name in names {
        assert!(METRICS.iter().any(|metric| metric.name == name), "{name}");
    }
}

#[test]
fn a_runtime_event_tells_what_the_process_uses() {
    let lines = lines();
    let event = lines.iter().find(|line| line.get("event.kind") == Some(&json!("metric"))).unwrap();
    let number =
        |name: &str| event.get(name).and_then(Value::as_f64).unwrap_or_else(|| panic!("{name}: {event:?}"));
    for (name, least, most) in [
        ("process.memory.usage", 1e6, 1e9),
        ("process.cpu.time", 1e-4, 60.0),
        ("process.cpu.utilization", 1e-5, 64.0),
        ("process.open_file_descriptor.count", 5.0, 100.0),
        ("process.thread.count", 2.0, 600.0),
        ("process.uptime", 1.0, 600.0),
        ("http.server.active_requests", 0.0, 1.0),
        ("db.client.connection.max", 4.0, 4.0),
        ("queue.limit", 64.0, 64.0),
        ("tokio.runtime.workers", 1.0, 1024.0),
        ("tokio.runtime.alive_tasks", 2.0, 100.0),
    ] {
        assert!((least..=most).contains(&number(name)), "{name}: {event:?}");
    }
}

#[test]
fn the_agent_leaves_over_only_what_has_no_name_in_ecs() {
    let paths = ["/var/log/shop.log".to_owned()];
    let checked = Config::from_arguments(&paths, "stdout:", &config::Environment::of(&[])).unwrap();
    let (input, path) = (&checked.config.inputs[0], Path::new(&paths[0]));
    let mut explainer = Explainer::new(input, &Environment::default(), &[], path).unwrap();
    let mut kinds = BTreeSet::new();
    for line in lines() {
        let json = serde_json::to_string(&line).unwrap();
        let bytes = Bytes {
            bytes: json.as_bytes(),
            offset: 0,
            end: LineEnd::Terminated,
            read_at: "2026-08-21T10:15:33Z".parse().unwrap(),
        };
        let explanation = explainer.explain(bytes, 1);
        assert_eq!(explanation.format, "tracing-bunyan", "{json}");
        assert_eq!(explanation.dropped, ["v"], "{json}");
        for (key, label) in &explanation.left_over {
            assert!(LABELS.contains(&label.as_str()), "{key} became {label}: {json}");
        }
        let document: Value = serde_json::from_str(&explanation.document).unwrap();
        assert_eq!(document["event"]["sequence"], line["event.sequence"]);
        assert_eq!(
            document["service"],
            json!({"name": "shop", "version": "1.2", "environment": "test", "node": {"name": "i-1"}})
        );
        assert_eq!(document["event"]["category"] == json!(["web"]), is_request(&line), "{document}");
        assert_eq!(document["event"]["kind"] == "metric", line["msg"] == "process", "{document}");
        match is_request(&line) {
            true => kinds.insert(check_request(&document, &line)),
            false => continue,
        };
    }
    let expected = ["compute", "fail", "none", "simple", "slow"].map(str::to_owned);
    assert_eq!(kinds, BTreeSet::from(expected));
}

/// The fields that boards ask for, each with the value of the line; gives the app kind.
fn check_request(document: &Value, line: &Line) -> String {
    for key in [
        "http.request.method",
        "http.route",
        "url.path",
        "http.response.status_code",
        "event.duration",
        "event.outcome",
        "http.request.body.bytes",
        "http.response.body.bytes",
        "trace.id",
        "span.id",
        "http.request.id",
    ] {
        let value = document.pointer(&format!("/{}", key.replace('.', "/")));
        assert!(value.is_some() && value == line.get(key), "{key}: {document} of {line:?}");
    }
    assert_eq!(document["event"]["action"], "end");
    for label in ["load_profile", "load_phase", "app_kind"] {
        assert_eq!(document["labels"].get(label), line.get(label), "{label}: {document}");
    }
    text(line, "app_kind").to_owned()
}
