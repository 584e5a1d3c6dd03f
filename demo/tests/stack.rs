//! The start of docker-compose.yml, its commands run as processes on a real Elasticsearch with security on.
//!
//! What cannot be had here: containers, Kibana, Logstash. Elasticsearch takes the settings of the file, its health check is
//! run as it stands there, `setup-engine` is run as it stands in its image, and an agent with the configuration and the
//! health check of its container delivers with the key that came of it.

#[path = "support/go.rs"]
#[allow(unreachable_pub, reason = "as the other support files")]
mod go;
#[path = "support/project.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared by several tests, each using its part")]
mod project;
#[path = "support/repository.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared by several tests, each using its part")]
mod repository;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use bench::engine::{self, Engine, Kind};
use bench::process::Process;
use project::{Project, Service};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

const LINES: u64 = 500;

/// How long a fact may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// What containers and their volumes are in the file.
struct Rehearsal {
    project: Project,
    engine: Engine,
    directory: tempfile::TempDir,
}

#[test]
#[ignore = "needs Go, curl, a JDK and Maven"]
fn set_up_runs_twice_and_an_agent_delivers_with_its_key() {
    let stage = Rehearsal::new();
    stage.node_is_healthy();
    stage.wrong_password_is_named();

    stage.set_up();
    let key = fs::read_to_string(stage.key_file()).expect("the agents' key");
    stage.set_up();
    assert_eq!(fs::read_to_string(stage.key_file()).unwrap(), key, "the second set-up changed the key");

    let environment = stage.project.service("setup-engine").environment();
    stage.can_log_in("kibana_system", environment["KIBANA_PASSWORD"]);
    stage.logstash_can_append_and_nothing_else(environment["LOGSTASH_PASSWORD"]);
    stage.agent_delivers(stage.project.service("shop-agent"));
}

impl Rehearsal {
    fn new() -> Self {
        let project = Project::with(&[]);
        let settings = settings(project.service("elasticsearch"));
        let engine = engine::own(Kind::Elasticsearch, &settings, true);
        Self { project, engine, directory: tempfile::tempdir().expect("a temporary directory") }
    }

    fn key_file(&self) -> PathBuf {
        self.directory.path().join("api-key")
    }

    /// Of the user `elastic`, which the node has another one for than .env.
    fn password(&self) -> String {
        let header = self.engine.authorization().expect("security is on");
        let login = BASE64_STANDARD.decode(header.trim_start_matches("Basic ")).expect("base64");
        String::from_utf8(login).expect("text").trim_start_matches("elastic:").to_owned()
    }

    fn node_is_healthy(&self) {
        let health = self.project.service("elasticsearch").health().expect("a health check");
        let [kind, line] = health.as_slice() else { panic!("{health:?}") };
        assert_eq!(kind, "CMD-SHELL");
        let line = line.replace("http://localhost:9200", self.engine.url());
        repository::succeed(Command::new("sh").args(["-c", &line]));
    }

    /// The service `setup-engine` with this password of `elastic`.
    fn run_set_up(&self, password: &str) -> Output {
        let mut command = Command::new(repository::path("deploy/compose/setup-engine"));
        command
            .envs(self.project.service("setup-engine").environment())
            .env("ELASTICSEARCH_URL", self.engine.url())
            .env("BLUEOX_PASSWORD", password)
            .env("BLUEOX", self.blueox())
            .env("API_KEY_FILE", self.key_file());
        repository::output(&mut command)
    }

    fn set_up(&self) {
        let output = self.run_set_up(&self.password());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}{said}", String::from_utf8_lossy(&output.stdout));
    }

    fn wrong_password_is_named(&self) {
        let output = self.run_set_up("not-this-one");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(78), "{said}");
        assert!(
            said.contains("refuses ELASTIC_PASSWORD of .env") && !said.contains("not-this-one"),
            "{said}"
        );
    }

    fn can_log_in(&self, user: &str, password: &str) {
        let reply = self.ask(user, password, "GET", "/_security/_authenticate", "");
        assert_eq!(reply.status, 200, "{user}");
    }

    fn ask(&self, user: &str, password: &str, method: &str, path: &str, body: &str) -> bench::http::Reply {
        let client = bench::http::Client::new(self.engine.url(), Some(engine::basic(user, password)));
        client.and_then(|client| client.send(method, path, body.as_bytes())).expect("an answer")
    }

    fn logstash_can_append_and_nothing_else(&self, password: &str) {
        let ask = |method, path, body: &str| self.ask("blueox_logstash", password, method, path, body).status;
        let document =
            json!({"@timestamp": "2026-01-01T00:00:00Z", "message": "by way of logstash"}).to_string();
        assert_eq!(ask("GET", "/", ""), 200);
        assert_eq!(ask("PUT", "/logs-app-logstash/_create/1", &document), 201);
        assert_eq!(ask("PUT", "/other/_create/1", &document), 403);
        assert_eq!(ask("GET", "/logs-app-logstash/_search", ""), 403);
    }

    fn agent_delivers(&self, container: Service<'_>) {
        let logs = self.directory.path().join("logs");
        fs::create_dir(&logs).expect("a folder for logs");
        fs::write(logs.join("service.log"), (0..LINES).map(line).collect::<String>()).expect("a log");
        let config = self.config_of(container, &logs);
        let mut command = Command::new(self.blueox());
        command
            .args(["run", "-c"])
            .arg(&config)
            .envs(container.environment())
            .env("ELASTICSEARCH_URL", self.engine.url());
        let mut agent = Process::start("agent", command, &self.directory.path().join("agent.log"))
            .expect("the agent starts");
        let until = Instant::now() + DEADLINE;
        while self.engine.count("logs-app-default") < LINES {
            agent.alive().expect("the agent runs");
            assert!(
                Instant::now() < until,
                "{} of {LINES} lines arrived",
                self.engine.count("logs-app-default")
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        let health = container.health().expect("a health check");
        repository::succeed(
            Command::new(self.blueox()).args(&health[2..]).args(["--url", &self.status_page()]),
        );
        let grace = container.text("stop_grace_period").trim_end_matches('s').parse().expect("seconds");
        assert!(agent.stop(Duration::from_secs(grace)).expect("the agent ends").success());
        assert_eq!(self.engine.count("logs-app-default"), LINES);
    }

    /// The configuration in the container, with its volumes in the folder of this test and a free port.
    fn config_of(&self, container: Service<'_>, logs: &Path) -> PathBuf {
        let mount = container.mount("/etc/blueox/blueox.yaml").expect("a configuration");
        let state = self.directory.path().join("state");
        let text = fs::read_to_string(mount.source).expect("the configuration");
        let places =
            [("/var/log/app", logs), ("/var/lib/blueox", &state), ("/run/blueox/api-key", &self.key_file())];
        let text = places.into_iter().fold(text, |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to.to_str().expect("text"))
        });
        let config = self.directory.path().join("blueox.yaml");
        fs::write(&config, text + &format!("monitoring: {{listen: \"{}\", events: false}}\n", self.listen()))
            .expect("a configuration");
        config
    }

    /// An address nobody has; the same one each time.
    fn listen(&self) -> String {
        let file = self.directory.path().join("listen");
        fs::read_to_string(&file).unwrap_or_else(|_| {
            let free = bench::process::free_address().expect("a free address");
            fs::write(&file, free.to_string()).expect("a file");
            free.to_string()
        })
    }

    fn status_page(&self) -> String {
        format!("http://{}", self.listen())
    }

    /// The agent as a program of its own: the demo holds it under its first argument.
    fn blueox(&self) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let program = self.directory.path().join("blueox");
        if !program.try_exists().expect("a readable folder") {
            let script =
                format!("#!/bin/sh\nexec '{}' blueox \"$PPID\" \"$@\"\n", env!("CARGO_BIN_EXE_blueox-demo"));
            fs::write(&program, script).expect("a script");
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("its mode");
        }
        program
    }
}

/// The settings of the container that the node does not get anyway from the script that starts it.
fn settings(elasticsearch: Service<'_>) -> Vec<String> {
    let always = ["cluster.name", "discovery.type", "xpack.security.enabled"];
    let environment = elasticsearch.environment();
    let settings = environment.iter().filter(|(name, _)| name.contains('.') && !always.contains(name));
    settings.map(|(name, value)| format!("{name}={value}")).collect()
}

fn line(number: u64) -> String {
    let line = json!({
        "v": 0, "name": "shop", "msg": "[HTTP REQUEST - END]", "level": 30, "hostname": "shop", "pid": 1,
        "time": format!("2026-01-01T00:00:00.{:03}Z", number % 1000), "target": "shop::http", "line": 1, "file": "src/http.rs",
        "number": number,
    });
    format!("{line}\n")
}
