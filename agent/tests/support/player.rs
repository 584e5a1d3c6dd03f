//! Plays a scenario: the agent, the tap before the server, and the server, on any stage.

use crate::agent::{Agent, Site};
use crate::log_writer::LogFile;
use crate::scenario::{Scenario, Stage, Step};
use crate::tap::Tap;
use bench::engine::{self, Engine, Kind};
use bench::fault::{Fault, FaultServer, Options, Plan};
use bench::judge::{Cluster, Judge};
use bench::line::{Format, Mark, Origin};
use bench::process::Process;
use bench::writer::{Clock, LogWriter, Rotation};
use blueox::ack::dead_letters::{DeadLetter, Entry, list};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::process::Command;
use std::time::{Duration, Instant};

/// How long a fact may take: engines on a busy machine are slow, and ten refusals need half a minute of back-off.
const DEADLINE: Duration = Duration::from_secs(180);

/// Requests a plan of the fault server refuses: more than any scenario waits for.
const LONG: usize = 100_000;

enum Server {
    Shared(&'static Engine),
    Own(Engine),
    Fault(FaultServer),
}

struct Player {
    name: String,
    stream: String,
    target: String,
    words: BTreeMap<String, String>,
    output: Vec<String>,
    minimal: bool,
    server: Server,
    tap: Tap,
    site: Site,
    agent: Option<Agent>,
    writer: LogWriter,
    other: LogFile,
    since: Since,
}

/// What the tap had counted before the last step that did something.
#[derive(Default)]
struct Since {
    statuses: BTreeMap<u16, u64>,
    swallowed: u64,
}

/// Plays `tests/scenarios/NAME.scenario`; panics with the line of the file where something does not hold.
pub fn play(name: &str, stage: Stage) {
    let scenario = Scenario::load(name);
    let started = Instant::now();
    let mut player = Player::new(&scenario, server(&scenario, stage));
    let playing = Instant::now();
    for (number, step) in &scenario.steps {
        if step.verb != "await" {
            player.since = Since { statuses: player.tap.statuses(), swallowed: player.tap.swallowed() };
        }
        let _here = At(&scenario.name, *number);
        player.step(step);
    }
    eprintln!(
        "{stage:?} {name}: {} lines, {} bulk requests, statuses {:?}, {:.1} s (+ {:.1} s start)",
        player.writer.entry().lines(),
        player.tap.requests(),
        player.tap.statuses(),
        playing.elapsed().as_secs_f64(),
        (playing - started).as_secs_f64(),
    );
}

/// Names the line of the scenario in the middle of a panic.
struct At<'a>(&'a str, usize);

impl Drop for At<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("at tests/scenarios/{}.scenario:{}", self.0, self.1);
        }
    }
}

fn server(scenario: &Scenario, stage: Stage) -> Server {
    let kind = match stage {
        Stage::FaultServer => {
            return Server::Fault(
                FaultServer::start(Options::new(Plan::Calm)).expect("a server on loopback"),
            );
        }
        Stage::Elasticsearch => Kind::Elasticsearch,
        Stage::OpenSearch => Kind::OpenSearch,
    };
    match scenario.needs_own_node() {
        true => Server::Own(engine::own(kind, &scenario.node, scenario.security)),
        false => Server::Shared(engine::shared(kind)),
    }
}

impl Server {
    fn engine(&self) -> Option<&Engine> {
        match self {
            Self::Shared(engine) => Some(engine),
            Self::Own(engine) => Some(engine),
            Self::Fault(_) => None,
        }
    }
}

impl Player {
    fn new(scenario: &Scenario, server: Server) -> Self {
        let random = RandomState::new().hash_one(std::process::id()) as u32;
        let short = scenario.name.replace('-', "_");
        let name = format!("blueox-test-{short}-{random:08x}");
        let dated =
            scenario.steps.iter().any(|(_, step)| step.verb == "output" && step.rest.starts_with("index:"));
        let stream = match scenario.minimal {
            true => "logs-app-default".to_owned(),
            false => format!("logs-app.{short}-{random:08x}"),
        };
        let url = match &server {
            Server::Shared(engine) => engine.url().to_owned(),
            Server::Own(engine) => engine.url().to_owned(),
            Server::Fault(server) => server.url(),
        };
        let site = Site::with_config(|_| String::new());
        let origin = Origin { seed: u64::from(random), writer: 1, format: Format::Tracing };
        let writer = LogWriter::open(&site.logs().join("app.log"), origin, Clock::SAMPLE, Rotation::Rename);
        let words =
            [("name", &name), ("stream", &stream)].map(|(key, value)| (key.to_owned(), value.clone()));
        let player = Self {
            target: if dated { format!("{name}-*") } else { stream.clone() },
            words: words.into(),
            output: Vec::new(),
            minimal: scenario.minimal,
            tap: Tap::start(&url),
            agent: None,
            writer: writer.expect("a log file"),
            other: LogFile::open(site.logs().join("other.log")),
            site,
            server,
            since: Since::default(),
            name,
            stream,
        };
        player.set_up_templates(&json!({}));
        player
    }

    fn step(&mut self, step: &Step) {
        let rest = self.expand(&step.rest);
        match (step.verb.as_str(), rest.as_str()) {
            ("output", line) => self.output.push(line.to_owned()),
            ("template", body) => self.set_up_templates(&serde_json::from_str(body).expect("JSON")),
            ("call", call) => self.call(call),
            ("apikey", rest) => self.make_key(rest),
            ("user", rest) => self.make_user(rest),
            ("provoke", what) => self.provoke(what, true),
            ("relieve", what) => self.provoke(what, false),
            ("swallow", "") => self.tap.swallow(true),
            ("pass", "") => self.tap.swallow(false),
            ("rollover", "") => self.roll_over(),
            ("write", count) => self.writer.write(number(count)).expect("written"),
            ("line", text) => self.other.line(text),
            ("wide", count) => self.other.line(&wide(number(count))),
            ("rotate", "") => self.writer.rotate().expect("rotated"),
            ("run", "") => {
                self.configure();
                self.agent = Some(self.site.run());
            }
            ("run-to", "") => self.run_to(),
            ("once", "") => self.once(),
            ("kill", "") => self.agent.take().expect("a running agent").kill(),
            ("stop", "") => assert!(self.agent.take().expect("a running agent").stop().success()),
            ("await", what) => self.await_fact(what),
            ("judge", extra) => self.judge(if extra.is_empty() { 0 } else { number(extra) }),
            ("ignored", "none") => self.none_ignored(),
            ("dead", rest) => self.is_dead(rest),
            (verb, rest) => panic!("unknown step `{verb} {rest}`"),
        }
    }

    fn expand(&self, text: &str) -> String {
        let replace =
            |text: String, (key, value): (&String, &String)| text.replace(&format!("{{{key}}}"), value);
        self.words.iter().fold(text.to_owned(), replace)
    }

    /// Replaces the templates of the scenario's stream and plain indices; `own` is merged over the common part.
    fn set_up_templates(&self, own: &Value) {
        let Some(engine) = self.server.engine() else { return };
        let (name, stream) = (&self.name, &self.stream);
        let common = include_str!("../scenarios/template.json");
        engine.call("PUT", &format!("/_component_template/{name}"), common);
        let mut template =
            json!({"index_patterns": [stream], "data_stream": {}, "composed_of": [name], "priority": 900});
        template["template"] = own.clone();
        engine.call("PUT", &format!("/_index_template/{name}"), &template.to_string());
        let plain = json!({"index_patterns": [format!("{name}-*")], "composed_of": [name], "priority": 900});
        engine.call("PUT", &format!("/_index_template/{name}-plain"), &plain.to_string());
    }

    fn call(&self, call: &str) {
        let mut words = call.splitn(3, ' ');
        let mut word = || words.next().unwrap_or_default();
        let (method, path, body) = (word(), word(), word());
        self.server.engine().expect("`call` needs an engine").call(method, path, body);
    }

    fn make_key(&mut self, rest: &str) {
        let (key, roles) = rest.split_once(' ').expect("`apikey NAME JSON`");
        let roles: Value = serde_json::from_str(roles).expect("JSON");
        let body = json!({"name": self.name, "role_descriptors": roles}).to_string();
        let engine = self.server.engine().expect("`apikey` needs an engine");
        let made = engine.call("POST", "/_security/api_key", &body);
        for (word, field) in [(key.to_owned(), "encoded"), (format!("{key}.id"), "id")] {
            self.words.insert(word, made[field].as_str().expect("a text").to_owned());
        }
    }

    /// A user whose role is `rest`; the fault server takes any log-in.
    fn make_user(&mut self, role: &str) {
        if let Some(engine) = self.server.engine() {
            engine.call("PUT", &format!("/_security/role/{}", self.name), role);
            let user = json!({"password": "password-one", "roles": [self.name]}).to_string();
            engine.call("PUT", &format!("/_security/user/{}", self.name), &user);
        }
        self.words.insert("password".to_owned(), "password-one".to_owned());
    }

    fn provoke(&self, what: &str, on: bool) {
        match &self.server {
            Server::Fault(server) => {
                server.set_plan(if on { Plan::Script(vec![fault(what); LONG]) } else { Plan::Calm })
            }
            Server::Shared(engine) => self.provoke_engine(engine, what, on),
            Server::Own(engine) => self.provoke_engine(engine, what, on),
        }
    }

    fn provoke_engine(&self, engine: &Engine, what: &str, on: bool) {
        let settings = |name: &str| {
            let value = if on { json!(true) } else { Value::Null };
            let body = json!({ name: value }).to_string();
            engine.call("PUT", &format!("/{}/_settings", self.stream), &body);
        };
        match what {
            "write-block" => settings("index.blocks.write"),
            "flood-stage" => settings("index.blocks.read_only_allow_delete"),
            "unauthorized" => {
                let body = json!({"password": if on { "password-two" } else { "password-one" }}).to_string();
                engine.call("POST", &format!("/_security/user/{}/_password", self.name), &body);
            }
            _ => panic!("nobody knows how to provoke `{what}`"),
        }
    }

    fn roll_over(&self) {
        match &self.server {
            Server::Fault(server) => server.roll_over(),
            server => {
                let engine = server.engine().expect("an engine");
                let answer = engine.call("POST", &format!("/{}/_rollover", self.stream), "");
                assert_eq!(answer["rolled_over"], true, "{answer}");
            }
        }
    }

    fn configure(&self) {
        let (paths, state, host) = (self.site.logs().join("*"), self.site.path("state"), self.tap.url());
        let rest = match self.minimal {
            // `listen: null`, for any other agent on this machine has the default port.
            true => "monitoring: {listen: null}\n".to_owned(),
            false => "host: {id: test}\nmonitoring: {listen: null, events: false}\n".to_owned(),
        };
        let mut stream = String::new();
        if let Some((dataset, namespace)) = self
            .stream
            .strip_prefix("logs-")
            .filter(|_| !self.minimal)
            .and_then(|stream| stream.split_once('-'))
        {
            stream = format!("    data_stream: {{dataset: {dataset:?}, namespace: {namespace:?}}}\n");
        }
        let output: String = self.output.iter().map(|line| format!("    {line}\n")).collect();
        let text = format!(
            "{rest}inputs:\n  - paths: [{paths:?}]\n{stream}output:\n  elasticsearch:\n    hosts: [{host:?}]\n{output}\
             state: {{path: {state:?}}}\n"
        );
        std::fs::write(self.site.config(), text).expect("the configuration");
    }

    fn run_to(&mut self) {
        let (path, url) = (self.site.logs().join("app.log"), self.tap.url());
        self.agent = Some(self.site.start(&["run".as_ref(), path.as_ref(), "--to".as_ref(), url.as_ref()]));
    }

    fn once(&self) {
        self.configure();
        let mut command = Command::new(env!("CARGO_BIN_EXE_blueox"));
        let (config, paths) = (self.site.config(), self.site.logs().join("app.log*"));
        command.arg("once").arg(paths).arg("--to").arg(self.tap.url()).arg("-c").arg(config);
        let mut process = Process::start("once", command, &self.site.path("agent.log")).expect("started");
        let status = process.finish(DEADLINE).unwrap_or_else(|error| panic!("{error:#}"));
        assert!(status.success(), "once ended with {status}; its log ends:\n{}", process.log_tail());
    }

    fn await_fact(&mut self, what: &str) {
        let until = Instant::now() + DEADLINE;
        while !self.is_so(what) {
            // The deadline of this wait is far in the future: it only looks whether the agent still runs.
            if let Some(agent) = &mut self.agent {
                agent.wait("alive", || true);
            }
            if Instant::now() > until {
                let log = self.agent.as_ref().map(Agent::log).unwrap_or_default();
                panic!(
                    "not true after {DEADLINE:?}: {what}; stored {}, statuses {:?}\nlog:\n{log}",
                    self.stored(),
                    self.tap.statuses()
                );
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn is_so(&self, what: &str) -> bool {
        let words: Vec<&str> = what.split(' ').collect();
        match words[..] {
            ["stored", count] => self.stored() >= number(count),
            ["refused", status, count] => {
                let status = number(status) as u16;
                let before = self.since.statuses.get(&status).copied().unwrap_or(0);
                self.tap.statuses().get(&status).copied().unwrap_or(0) >= before + number(count)
            }
            ["swallowed", count] => self.tap.swallowed() >= self.since.swallowed + number(count),
            ["dead", count] => self.dead_letters().len() as u64 >= number(count),
            ["backing"] => self.checkpoint_names(&format!(".ds-{}", self.stream)),
            _ => panic!("unknown fact `{what}`"),
        }
    }

    fn stored(&self) -> u64 {
        match &self.server {
            Server::Fault(server) => server.created(),
            server => server.engine().expect("an engine").count(&self.target),
        }
    }

    fn checkpoint_names(&self, text: &str) -> bool {
        let holds = |path: std::path::PathBuf| {
            let bytes = std::fs::read(path).unwrap_or_default();
            bytes.windows(text.len()).any(|window| window == text.as_bytes())
        };
        [0, 1].into_iter().any(|slot| holds(self.site.path(format!("state/checkpoint.{slot}"))))
    }

    fn judge(&self, extra: u64) {
        let mut judge = Judge::new(&[self.writer.entry()]).expect("one writer");
        let mut others = Vec::new();
        let mut take = |name: &str, source: &str| match Mark::find(source.as_bytes()) {
            Some(_) => judge.take(name, source),
            None => others.push(format!("{name} {source}")),
        };
        match &self.server {
            Server::Fault(server) => {
                for document in server.documents() {
                    take(
                        &format!("{}/{}", document.index, document.id),
                        &String::from_utf8_lossy(&document.source),
                    );
                }
            }
            server => {
                let engine = server.engine().expect("an engine");
                let cluster = Cluster::new(engine.url(), engine.authorization()).expect("an address");
                cluster.each(&self.target, take).unwrap_or_else(|error| panic!("{error:#}"));
            }
        }
        let verdict = judge.verdict();
        let log = std::fs::read_to_string(self.site.path("agent.log")).unwrap_or_default();
        assert!(verdict.clean(), "{verdict}\nlog:\n{log}");
        assert_eq!(others.len() as u64, extra, "documents beside the judged ones: {others:#?}");
    }

    fn none_ignored(&self) {
        let Some(engine) = self.server.engine() else { return };
        let query = r#"{"query":{"exists":{"field":"_ignored"}},"size":3}"#;
        let found = engine.call("POST", &format!("/{}/_search", self.target), query);
        assert_eq!(found["hits"]["total"]["value"], 0, "{found:#}");
    }

    fn is_dead(&self, rest: &str) {
        let (kind, text) = rest.split_once(' ').expect("`dead TYPE TEXT`");
        let letters = self.dead_letters();
        let is_it = |letter: &DeadLetter| {
            kind.split('|').any(|kind| letter.kind == kind) && letter.document.contains(text)
        };
        assert!(letters.iter().any(is_it), "no dead letter is a {kind} and holds {text}: {letters:#?}");
    }

    fn dead_letters(&self) -> Vec<DeadLetter> {
        let entries = list(&self.site.path("state/dead-letters")).expect("listed");
        entries
            .map(|entry| match entry.expect("read") {
                Entry::Letter(letter) => *letter,
                unreadable => panic!("{unreadable:?}"),
            })
            .collect()
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        let Server::Shared(engine) = &self.server else { return };
        // Best effort: a scenario that failed half-way has not made all of it.
        let (name, stream) = (&self.name, &self.stream);
        let _ = engine.ask("DELETE", &format!("/_data_stream/{stream}"), "");
        let plain = engine.ask("GET", &format!("/{name}-*"), "").json().unwrap_or_default();
        for index in
            plain.as_object().into_iter().flat_map(|all| all.keys()).filter(|index| index.starts_with(name))
        {
            let _ = engine.ask("DELETE", &format!("/{index}"), "");
        }
        for kind in ["_index_template", "_component_template", "_ingest/pipeline"] {
            let _ = engine.ask("DELETE", &format!("/{kind}/{name}"), "");
            let _ = engine.ask("DELETE", &format!("/{kind}/{name}-plain"), "");
        }
        // The component is free only once both templates are gone.
        let _ = engine.ask("DELETE", &format!("/_component_template/{name}"), "");
    }
}

/// What stands for it on the fault server, which refuses a quarter of the items, or a request whole.
fn fault(what: &str) -> Fault {
    match what {
        "write-block" => Fault::RefuseItems(403),
        "flood-stage" => Fault::RefuseItems(429),
        "unauthorized" => Fault::Refuse(401),
        _ => panic!("the fault server cannot provoke `{what}`"),
    }
}

fn wide(fields: u64) -> String {
    let more: String = (0..fields).map(|field| format!(r#","wide_{field}":"x""#)).collect();
    format!(
        r#"{{"v":0,"name":"shop","msg":"wide","level":30,"hostname":"h","pid":1,"time":"2026-08-21T10:15:30Z"{more}}}"#
    )
}

fn number(text: &str) -> u64 {
    text.replace('_', "").parse().unwrap_or_else(|_| panic!("`{text}` is no number"))
}
