//! `selftest`: does a line arrive, and how long does that take.

use super::Exit;
use crate::config::{Checked, Config, ConfigError, Environment, Output, Server};
use crate::output::elasticsearch::Timing;
use crate::output::elasticsearch::client::connections;
use crate::pipeline;
use crate::telemetry::{chain, escaped};
use jiff::Timestamp;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long the line may take to be found.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two searches.
const PAUSE: Duration = Duration::from_millis(200);

/// Streams of ours, and indices as Logsearch names them.
const SEARCH: &str = "logs-*,logstash-*/_search?ignore_unavailable=true&allow_no_indices=true";

pub(super) fn selftest(to: &str, elasticsearch: Option<&str>) -> Exit {
    let id = format!("{:016x}", RandomState::new().hash_one(Timestamp::now()));
    let place = match Place::new(&id) {
        Ok(place) => place,
        Err(error) => {
            eprintln!("cannot write a line to send below {}: {error}", std::env::temp_dir().display());
            return Exit::Failed;
        }
    };
    let (config, server) = match plan(&place.log(), to, elasticsearch) {
        Ok(plan) => plan,
        Err(error) => return super::refuse(&error),
    };
    let started = Instant::now();
    match pipeline::once(&config, &mut |_| {}) {
        Ok((pipeline::Exit::Done, _)) => {}
        Ok((pipeline::Exit::Failed, _)) => return Exit::Failed,
        Ok((pipeline::Exit::Undelivered, _)) => return Exit::Unavailable,
        Err(error) => {
            eprintln!("cannot send to {}: {}", escaped(to), escaped(&chain(&error)));
            return Exit::Failed;
        }
    }
    let worth = match config.output {
        Output::Syslog(_) => "handed to the system (syslog acknowledges nothing)",
        _ => "acknowledged",
    };
    println!("{id}: {worth} after {} ms", started.elapsed().as_millis());
    match server {
        Some(server) => find(&server, &id, started),
        None => Exit::Done,
    }
}

/// The line in a file of its own, which goes with it.
struct Place(PathBuf);

impl Place {
    fn new(id: &str) -> io::Result<Self> {
        let place = Self(std::env::temp_dir().join(format!("blueox-selftest-{id}")));
        std::fs::create_dir(&place.0)?;
        let line = serde_json::json!({"time": Timestamp::now().to_string(), "level": "info", "message": format!("blueox selftest {id}")});
        std::fs::write(place.log(), format!("{line}\n"))?;
        Ok(place)
    }

    fn log(&self) -> PathBuf {
        self.0.join("selftest.log")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What is left is a line in the directory for such things.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// How the line is sent, and where it is looked for.
fn plan(log: &Path, to: &str, elasticsearch: Option<&str>) -> Result<(Config, Option<Server>), ConfigError> {
    let environment = Environment::of_process();
    let path = globset::escape(&log.to_string_lossy());
    let Checked { config, warnings } = Config::from_arguments(&[path], to, &environment)?;
    let server = match (elasticsearch, &config.output) {
        (Some(url), _) => Some(Server::named("--elasticsearch", url, &environment)?),
        (None, Output::Elasticsearch(_)) => Some(Server::named("--to", to, &environment)?),
        (None, _) => None,
    };
    for warning in warnings.iter().chain(server.iter().flat_map(|server| &server.warnings)) {
        eprintln!("warning: {warning}");
    }
    Ok((config, server))
}

fn find(server: &Server, id: &str, started: Instant) -> Exit {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("cannot start the network runtime: {error}");
            return Exit::Failed;
        }
    };
    let client = match connections(&server.elasticsearch, Timing::default()) {
        Ok(client) => client,
        Err(error) => {
            eprintln!("--elasticsearch: {}", escaped(&chain(&error)));
            return Exit::Invalid;
        }
    };
    let url = format!("{}/{SEARCH}", server.elasticsearch.hosts[0]);
    let mut last = String::from("no answer yet");
    while started.elapsed() < PATIENCE {
        match runtime.block_on(search(&client, &url, id)) {
            Ok(true) => {
                println!("{id}: searchable after {} ms", started.elapsed().as_millis());
                return Exit::Done;
            }
            Ok(false) => "it is not there".clone_into(&mut last),
            Err(error) => last = error,
        }
        std::thread::sleep(PAUSE);
    }
    eprintln!(
        "{id}: not found within {} s: {}; look into the log of what stands between, and whether the user may `read` logs-*",
        PATIENCE.as_secs(),
        escaped(&last)
    );
    Exit::Unavailable
}

/// Whether a document holds the id.
async fn search(client: &reqwest::Client, url: &str, id: &str) -> Result<bool, String> {
    let phrase = |field: &str| serde_json::json!({"match_phrase": {field: id}});
    let query = serde_json::json!({
        "size": 0,
        "track_total_hits": true,
        "query": {"bool": {"should": [phrase("message"), phrase("@message")], "minimum_should_match": 1}},
    });
    let told = |error: reqwest::Error| chain(&error.without_url());
    let request =
        client.post(url).header(reqwest::header::CONTENT_TYPE, "application/json").body(query.to_string());
    let answer = request.timeout(Duration::from_secs(10)).send().await.map_err(told)?;
    let status = answer.status();
    if !status.is_success() {
        return Err(format!("status {status} to a search"));
    }
    let body = answer.bytes().await.map_err(told)?;
    let found: serde_json::Value = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
    Ok(found["hits"]["total"]["value"].as_u64().is_some_and(|count| count > 0))
}
