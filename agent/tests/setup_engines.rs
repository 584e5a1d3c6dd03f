//! `blueox setup` on real engines: Elasticsearch with security on, OpenSearch. Every test has a node of its own, so that
//! what a cluster holds before and after can be compared as a whole.

#![cfg(feature = "setup")]

#[path = "support/agent.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared by several tests, each using its part")]
mod agent;

use agent::Site;
use bench::engine::{self, Engine, Kind, PASSWORD};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const STREAM: &str = "logs-app-default";

/// An engine, and a directory for files.
struct Place {
    kind: Kind,
    engine: Engine,
    directory: tempfile::TempDir,
}

impl Place {
    fn new(kind: Kind) -> Self {
        let engine = engine::own(kind, &[], kind == Kind::Elasticsearch);
        Self { kind, engine, directory: tempfile::tempdir().expect("a temporary directory") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// `blueox` with these arguments, logged in as `user`; `None`: by the environment given.
    fn blueox(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_blueox"));
        for name in ["BLUEOX_API_KEY", "BLUEOX_USERNAME", "BLUEOX_PASSWORD"] {
            command.env_remove(name);
        }
        command.args(arguments).envs(variables.iter().copied()).current_dir(self.directory.path());
        command.output().expect("blueox starts")
    }

    /// `blueox setup` as administrator.
    fn setup(&self, arguments: &[&str]) -> Output {
        let all = [&["setup", "--elasticsearch", self.engine.url()], arguments].concat();
        match self.kind {
            Kind::Elasticsearch => {
                self.blueox(&all, &[("BLUEOX_USERNAME", "elastic"), ("BLUEOX_PASSWORD", PASSWORD)])
            }
            Kind::OpenSearch => self.blueox(&all, &[]),
        }
    }

    /// A set-up that has to end with 0; what it printed.
    fn set_up(&self, arguments: &[&str]) -> String {
        said(&self.setup(arguments), 0)
    }

    /// Sends a file with the key of `key_file`, where the engine has keys.
    fn send(&self, log: &Path, key_file: &Path) {
        let (log, key_file) = (log.to_str().expect("UTF-8"), key_file.to_str().expect("UTF-8"));
        let arguments = ["once", log, "--to", self.engine.url()];
        let output = match self.kind {
            Kind::Elasticsearch => self.blueox(&arguments, &[("BLUEOX_API_KEY_FILE", key_file)]),
            Kind::OpenSearch => self.blueox(&arguments, &[]),
        };
        said(&output, 0);
    }

    /// Everything a set-up could leave behind.
    fn holdings(&self) -> Vec<Value> {
        let mut paths =
            vec!["/_index_template", "/_component_template", "/_ingest/pipeline", "/_data_stream"];
        if self.kind == Kind::Elasticsearch {
            paths.push("/_security/role/logs-app-writer");
        }
        let found = |path: &str| self.engine.ask("GET", path, "").json().expect("JSON");
        let mut all: Vec<Value> = paths.into_iter().map(found).collect();
        let indices = self.engine.ask("GET", "/_cat/indices?expand_wildcards=all&h=index", "");
        // Security keeps its own data in an index it makes with the first key.
        let names = String::from_utf8_lossy(&indices.body)
            .lines()
            .filter(|name| !name.starts_with(".security"))
            .collect();
        all.push(Value::String(names));
        all
    }

    fn keys(&self) -> Vec<Value> {
        let found = self.engine.call("GET", "/_security/api_key?name=logs-app-writer", "");
        let keys = found["api_keys"].as_array().expect("keys").clone();
        keys.into_iter().filter(|key| key["invalidated"] == false).collect()
    }
}

/// Standard output of a run that ends with `code`.
fn said(output: &Output, code: i32) -> String {
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{out}\n{error}");
    assert!(!format!("{out}{error}").contains(PASSWORD), "a password is printed: {out}\n{error}");
    out.into_owned()
}

fn events(count: u32) -> String {
    let now = jiff::Timestamp::now();
    let line = |number: u32| {
        let at = now - jiff::SignedDuration::from_secs(i64::from(count - number) / 4);
        let status = if number.is_multiple_of(7) { 500 } else { 200 };
        let body = json!({
            "@timestamp": at.to_string(), "ecs.version": "8.11.0", "message": "request", "log.level": "info",
            "service.name": "shop", "service.version": "1.0.0", "service.environment": "test", "process.pid": 1,
            "event.duration": 1_000_000 * (number + 1), "event.sequence": number, "http.request.method": "GET",
            "http.response.status_code": status, "http.route": "/buy/{id}", "url.path": format!("/buy/{number}"),
        });
        format!("{body}\n")
    };
    (0..count).map(line).collect()
}

fn a_second_set_up_changes_nothing_and_a_removal_leaves_all_as_before(kind: Kind) {
    let place = Place::new(kind);
    let before = place.holdings();
    let key = place.path("agent.key");
    let arguments: &[&str] = match kind {
        Kind::Elasticsearch => &["--api-key-out", "agent.key"],
        Kind::OpenSearch => &[],
    };
    let planned = place.set_up(&[arguments, &["--plan"]].concat());
    assert!(planned.contains("+ index template logs-app"), "{planned}");
    assert_eq!(place.holdings(), before, "a plan changes nothing");

    let first = place.set_up(arguments);
    assert!(first.contains("changed 0, as it should be 0"), "{first}");
    let (made, key_text) = (place.holdings(), std::fs::read_to_string(&key).unwrap_or_default());
    let second = place.set_up(arguments);
    assert!(second.contains("made 0, changed 0"), "{second}");
    assert_eq!(place.holdings(), made);
    assert_eq!(std::fs::read_to_string(&key).unwrap_or_default(), key_text);

    std::fs::write(place.path("app.log"), events(400)).expect("written");
    place.send(&place.path("app.log"), &key);
    assert_eq!(place.engine.count(STREAM), 400);
    let checked = place.set_up(&["--check"]);
    assert!(checked.contains("not so 0") && checked.contains("panels of "), "{checked}");

    let kept = place.set_up(&["--remove"]);
    assert!(kept.contains("data stream logs-app-default stays"), "{kept}");
    assert!(kept.contains("index template logs-app stays"), "{kept}");
    let gone = place.set_up(&["--remove", "--with-data"]);
    assert!(gone.contains("deleting 400 documents of data stream logs-app-default"), "{gone}");
    assert_eq!(place.holdings(), before);
    if kind == Kind::Elasticsearch {
        assert_eq!(place.keys(), [] as [Value; 0]);
    }
    assert!(place.set_up(&["--remove"]).contains("nothing to remove"));
}

#[test]
#[ignore = "needs a JDK and Maven"]
fn a_second_set_up_changes_nothing_on_elasticsearch_and_a_removal_leaves_all_as_before() {
    a_second_set_up_changes_nothing_and_a_removal_leaves_all_as_before(Kind::Elasticsearch);
}

#[test]
#[ignore = "needs a JDK and Maven"]
fn a_second_set_up_changes_nothing_on_opensearch_and_a_removal_leaves_all_as_before() {
    a_second_set_up_changes_nothing_and_a_removal_leaves_all_as_before(Kind::OpenSearch);
}

/// Lines that engines refuse where they come as they are: an object for a scalar and the other way round, text for a
/// number, no usable time, names that are none.
const ODD_LINES: [&str; 17] = [
    r#"{"@timestamp":"2026-01-02T03:04:05Z","ecs.version":"8.11.0","message":"plain","error.type":"E","event.duration":1}"#,
    r#"{"@timestamp":"2026-01-02T03:04:05Z","ecs.version":"8.11.0","message":"duration is text","event.duration":"abc"}"#,
    r#"{"@timestamp":"2026-01-02T03:04:05Z","ecs.version":"8.11.0","message":"duration is an object","event.duration":{"x":1}}"#,
    r#"{"@timestamp":"2026-01-02T03:04:05Z","ecs.version":"8.11.0","message":"error is text","error":"boom"}"#,
    r#"{"@timestamp":"2026-01-02T03:04:05Z","ecs.version":"8.11.0","message":{"x":1}}"#,
    r#"{"@timestamp":"2026-01-02T03:04:05Z","ecs.version":"8.11.0","message":"a number","app":{"a":1}}"#,
    r#"{"@timestamp":"2026-01-02T03:04:05Z","ecs.version":"8.11.0","message":"an object","app":{"a":{"b":2}}}"#,
    r#"{"@timestamp":"2026-01-02T03:04:05Z","ecs.version":"8.11.0","message":"a dot beside an object","app.c":1,"app":{"d":"x"}}"#,
    r#"{"ecs.version":"8.11.0","message":"no time"}"#,
    r#"{"@timestamp":"garbage","ecs.version":"8.11.0","message":"no usable time"}"#,
    r#"{"@timestamp":"2026-01-02T03:04:05Z","ecs.version":"8.11.0","message":"mixed list","arr":[1,"a",{"b":2}]}"#,
    r#"{"@timestamp":"2026-01-02T03:04:05Z","ecs.version":"8.11.0","message":"empty key","":1}"#,
    r#"{"@timestamp":"2026-01-02T03:04:05Z","ecs.version":"8.11.0","message":"two dots","a..b":1,".x":2,"y.":3," ":4}"#,
    r#"{"@timestamp":"2026-01-02T03:04:05Z","ecs.version":"8.11.0","message":"status is text","http.response.status_code":"teapot"}"#,
    r#"{"@timestamp":"2026-01-02T03:04:05Z","ecs.version":"8.11.0","message":"no address","client.ip":"nowhere","host.ip":["::1","x"]}"#,
    r#"{"@timestamp":"2026-01-02T03:04:05Z","ecs.version":"8.11.0","message":"huge","n":1e400,"m":123456789012345678901234567890}"#,
    "no JSON at all",
];

fn odd_documents_are_all_delivered(kind: Kind) {
    let place = Place::new(kind);
    let key = place.path("agent.key");
    match kind {
        Kind::Elasticsearch => place.set_up(&["--api-key-out", "agent.key"]),
        Kind::OpenSearch => place.set_up(&[]),
    };
    std::fs::write(place.path("odd.log"), ODD_LINES.map(|line| format!("{line}\n")).concat())
        .expect("written");
    place.send(&place.path("odd.log"), &key);
    assert_eq!(place.engine.count(STREAM), ODD_LINES.len() as u64);
    let with = |field: &str| {
        let body = json!({"query": {"exists": {"field": field}}}).to_string();
        place.engine.call("POST", &format!("/{STREAM}/_count"), &body)["count"].as_u64()
    };
    let all = Some(ODD_LINES.len() as u64);
    assert_eq!(with("event.ingested"), all);
    // The node of Elasticsearch has no module for scripts. That of OpenSearch has, but no script gets at a document with a
    // whole number beyond 64 bits: the last but one goes without its lag.
    let with_lag = if kind == Kind::OpenSearch { ODD_LINES.len() as u64 - 1 } else { 0 };
    assert_eq!(with("event.ingest_lag_ms"), Some(with_lag));
    assert_eq!(with("_ignored"), Some(0), "the agent shapes what the engine would only ignore");
    let checked = place.set_up(&["--check"]);
    assert!(checked.contains("= data stream logs-app-default"), "{checked}");
}

#[test]
#[ignore = "needs a JDK and Maven"]
fn odd_documents_are_all_delivered_to_elasticsearch() {
    odd_documents_are_all_delivered(Kind::Elasticsearch);
}

#[test]
#[ignore = "needs a JDK and Maven"]
fn odd_documents_are_all_delivered_to_opensearch() {
    odd_documents_are_all_delivered(Kind::OpenSearch);
}

#[test]
#[ignore = "needs a JDK and Maven"]
fn a_check_names_old_fields_and_blocks() {
    let place = Place::new(Kind::OpenSearch);
    let other = json!({"index_patterns": ["logs-app-*"], "data_stream": {}, "priority": 1});
    place.engine.call("PUT", "/_index_template/other", &other.to_string());
    place.engine.call(
        "POST",
        &format!("/{STREAM}/_doc?op_type=create"),
        r#"{"@timestamp": "2026-01-02T03:04:05Z", "error": {"type": "E"}}"#,
    );
    let missing = said(&place.setup(&["--check"]), 75);
    assert!(missing.contains("! index template logs-app is missing; run `blueox setup`"), "{missing}");
    let made = place.set_up(&[]);
    assert!(made.contains(&format!("POST /{STREAM}/_rollover")), "{made}");
    let old = said(&place.setup(&["--check"]), 75);
    assert!(old.contains("have other types than the template"), "{old}");

    // Panels still search the old backing index.
    place.engine.call("POST", &format!("/{STREAM}/_rollover"), "");
    let rolled = said(&place.setup(&["--check"]), 75);
    let index = format!(".ds-{STREAM}-000001");
    assert!(rolled.contains(&format!("DELETE /{index}")) && rolled.contains("! panel "), "{rolled}");
    place.engine.call("DELETE", &format!("/{index}"), "");
    place.set_up(&["--check"]);
    place.engine.call("PUT", &format!("/{STREAM}/_settings"), r#"{"index.blocks.write": true}"#);
    let blocked = said(&place.setup(&["--check"]), 75);
    assert!(blocked.contains("takes no events: index.blocks.write is set"), "{blocked}");
    place.engine.call("PUT", &format!("/{STREAM}/_settings"), r#"{"index.blocks.write": null}"#);
    place.set_up(&["--check"]);
}

#[test]
#[ignore = "needs a JDK and Maven"]
fn rights_are_enough_or_named() {
    let place = Place::new(Kind::Elasticsearch);
    let before = place.holdings();
    a_user_without_rights_changes_nothing(&place, &before);
    a_wrong_password_changes_nothing(&place, &before);
    place.set_up(&[]);
    the_strict_key_delivers(&place);
}

fn a_user_without_rights_changes_nothing(place: &Place, before: &[Value]) {
    place.engine.call(
        "PUT",
        "/_security/role/looker",
        r#"{"cluster": ["monitor", "manage_index_templates"]}"#,
    );
    let user = json!({"password": "looker-canary", "roles": ["looker"]}).to_string();
    place.engine.call("PUT", "/_security/user/looker", &user);
    let arguments = ["setup", "--elasticsearch", place.engine.url()];
    let output =
        place.blueox(&arguments, &[("BLUEOX_USERNAME", "looker"), ("BLUEOX_PASSWORD", "looker-canary")]);
    said(&output, 78);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("manage_ingest_pipelines") || error.contains("manage_security"), "{error}");
    assert!(!error.contains("looker-canary"), "{error}");
    assert_eq!(place.holdings(), before);
}

fn a_wrong_password_changes_nothing(place: &Place, before: &[Value]) {
    let arguments = ["setup", "--elasticsearch", place.engine.url()];
    let output =
        place.blueox(&arguments, &[("BLUEOX_USERNAME", "elastic"), ("BLUEOX_PASSWORD", "wrong-canary")]);
    said(&output, 78);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("refuses the log-in") && !error.contains("wrong-canary"), "{error}");
    assert_eq!(place.holdings(), before);
}

/// `elk/elasticsearch/role-strict.json`: no `read`, no `view_index_metadata`. Live lines arrive, also after a restart.
fn the_strict_key_delivers(place: &Place) {
    let role = include_str!("../../elk/elasticsearch/role-strict.json");
    let role: Value = serde_json::from_str(role).expect("JSON");
    let body = json!({"name": "strict", "role_descriptors": {"strict": role}}).to_string();
    let made = place.engine.call("POST", "/_security/api_key", &body);
    let key = made["encoded"].as_str().expect("a key");
    let site = Site::with_config(|site| {
        let (logs, state, listen) =
            (site.logs().join("*"), site.path("state"), site.status_address().to_string());
        let url = place.engine.url();
        format!(
            "host: {{id: test}}\ninputs:\n  - paths: [{logs:?}]\noutput:\n  elasticsearch:\n    hosts: [{url:?}]\n    api_key: {key:?}\n\
             state: {{path: {state:?}}}\nmonitoring: {{listen: {listen:?}, events: false}}\n"
        )
    });
    for run in 1..=2 {
        std::fs::write(site.logs().join(format!("{run}.log")), events(100)).expect("written");
        let mut agent = site.run();
        let stored = run * 100;
        agent.wait("all is stored", || place.engine.count(STREAM) == stored);
        assert!(agent.stop().success());
    }
}
