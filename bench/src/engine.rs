//! Real engines: those the environment names, else nodes started here.
//!
//! `ELASTICSEARCH_URL` and `OPENSEARCH_URL` name running ones. Else `$ENGINES` (default: `shared/engines` beside the
//! workspace) holds `elasticsearch/elasticsearch.sh` and `opensearch/opensearch.sh`, each of which takes
//! `start 0 DIRECTORY [setting=value …]` and prints the URL. Started nodes end with this process.
//!
//! Made for tests: what cannot be had ends the caller with the reason.

#![allow(clippy::missing_panics_doc, reason = "see above")]

use crate::http::{Client, Reply};
use anyhow::{Context, Result, bail};
use base64::Engine as _;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use tempfile::TempDir;

/// Password of the user `elastic` on nodes with security.
pub const PASSWORD: &str = "real-stack";

/// Which engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Elasticsearch.
    Elasticsearch,
    /// OpenSearch.
    OpenSearch,
}

/// An engine that answers.
#[derive(Debug)]
pub struct Engine {
    url: String,
    client: Client,
    /// Of a node of one's own: stopped and removed when dropped.
    own: Option<(Kind, TempDir)>,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Elasticsearch => "elasticsearch",
            Self::OpenSearch => "opensearch",
        }
    }

    fn variable(self) -> &'static str {
        match self {
            Self::Elasticsearch => "ELASTICSEARCH_URL",
            Self::OpenSearch => "OPENSEARCH_URL",
        }
    }

    /// OpenSearch takes digests of many buckets as a whole, and ends where they do not fit.
    fn heap(self) -> &'static str {
        match self {
            Self::Elasticsearch => "512m",
            Self::OpenSearch => "1g",
        }
    }

    fn script(self) -> PathBuf {
        let engines = std::env::var_os("ENGINES").map(PathBuf::from);
        // Beside the repository, however deep in it the package lies.
        let above =
            || Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|place| place.join("shared/engines"));
        let beside =
            || above().find(|place| place.is_dir()).unwrap_or_else(|| PathBuf::from("../shared/engines"));
        engines.unwrap_or_else(beside).join(self.name()).join(format!("{}.sh", self.name()))
    }
}

/// The engine all scenarios share that need no settings of their own; started at its first use.
pub fn shared(kind: Kind) -> &'static Engine {
    static ENGINES: [OnceLock<Engine>; 2] = [OnceLock::new(), OnceLock::new()];
    ENGINES[kind as usize].get_or_init(|| match std::env::var(kind.variable()) {
        Ok(url) => Engine::at(url, None, None),
        Err(_) => Engine::at(start(kind, &shared_directory(kind), &[], false), None, None),
    })
}

/// A node of one's own.
pub fn own(kind: Kind, settings: &[String], security: bool) -> Engine {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let url = start(kind, directory.path(), settings, security);
    let authorization = security.then(|| basic("elastic", PASSWORD));
    Engine::at(url, authorization, Some((kind, directory)))
}

/// The value of a header.
pub fn basic(user: &str, password: &str) -> String {
    let login = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    format!("Basic {login}")
}

/// Named by this process, for nothing runs when it ends: what ended processes left is removed by the next.
fn shared_directory(kind: Kind) -> PathBuf {
    let all = target().join("tmp/engines");
    for entry in fs::read_dir(&all).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let pid = name.rsplit('-').next().unwrap_or_default();
        if !Path::new("/proc").join(pid).try_exists().unwrap_or(false) {
            // Another process may be removing it too.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    let directory = all.join(format!("{}-{}", kind.name(), std::process::id()));
    fs::create_dir_all(&directory).expect("a directory for the node");
    directory
}

/// Cargo's target directory: tests lie in `target/PROFILE/deps`.
fn target() -> PathBuf {
    let test = std::env::current_exe().expect("the path of this program");
    test.ancestors().nth(3).expect("a test lies in `target/PROFILE/deps`").to_owned()
}

fn start(kind: Kind, directory: &Path, settings: &[String], security: bool) -> String {
    let mut command = script(&kind.script(), "start");
    command.arg("0").arg(directory).args(settings).env("ENGINE_HEAP", kind.heap());
    if security {
        command.env("ENGINE_PASSWORD", PASSWORD);
    }
    url_of(command).unwrap_or_else(|error| {
        panic!(
            "{error:#}; it needs a JDK and, at its first use, Maven; ENGINES names another place, {} a running node",
            kind.variable()
        )
    })
}

/// An engine's script, which ends what it starts when this process ends.
pub(crate) fn script(script: &Path, verb: &str) -> Command {
    let mut command = Command::new("bash");
    command.arg(script).arg(verb);
    command.env("ENGINE_PARENT_PID", std::process::id().to_string()).env_remove("ENGINE_PASSWORD");
    command.stdin(Stdio::null()).stderr(Stdio::inherit());
    command
}

/// Runs a script's `start` and returns the address it prints.
pub(crate) fn url_of(mut start: Command) -> Result<String> {
    let output = start.output().with_context(|| format!("run {start:?}"))?;
    let url = String::from_utf8_lossy(&output.stdout).lines().last().unwrap_or_default().to_owned();
    if !output.status.success() || !url.starts_with("http://") {
        bail!("{start:?} ended with {} and no address", output.status);
    }
    Ok(url)
}

impl Engine {
    fn at(url: String, authorization: Option<String>, own: Option<(Kind, TempDir)>) -> Self {
        let client = Client::new(&url, authorization).expect("an address of the form http://host:port");
        Self { url, client, own }
    }

    /// One that somebody else started and ends.
    pub fn running(url: &str) -> Self {
        Self::at(url.to_owned(), None, None)
    }

    /// Where it answers.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Any request; the status may be anything.
    pub fn ask(&self, method: &str, path: &str, body: &str) -> Reply {
        self.client.send(method, path, body.as_bytes()).unwrap_or_else(|error| panic!("{error:#}"))
    }

    /// A request that has to succeed.
    pub fn call(&self, method: &str, path: &str, body: &str) -> Value {
        let reply = self.ask(method, path, body);
        let text = String::from_utf8_lossy(&reply.body).into_owned();
        assert!((200..300).contains(&reply.status), "{method} {path} {body}: {} {text}", reply.status);
        serde_json::from_slice(&reply.body).unwrap_or_default()
    }

    /// Documents in an index or stream, 0 where there is none.
    pub fn count(&self, index: &str) -> u64 {
        let refreshed = self.ask("POST", &format!("/{index}/_refresh"), "");
        if refreshed.status == 404 {
            return 0;
        }
        self.ask("GET", &format!("/{index}/_count"), "")
            .json()
            .ok()
            .and_then(|body| body["count"].as_u64())
            .unwrap_or(0)
    }

    /// The header that the judge logs in with.
    pub fn authorization(&self) -> Option<String> {
        self.own.as_ref().map(|_| basic("elastic", PASSWORD))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let Some((kind, directory)) = &self.own else { return };
        // A node that does not stop ends with this process.
        let _ = script(&kind.script(), "stop")
            .arg(directory.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}
