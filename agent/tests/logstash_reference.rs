//! Elastic's server of Lumberjack (module go-lumber) takes from the agent what it takes from Filebeat, the reference client.

#![allow(clippy::unwrap_used, reason = "a test ends where something unexpected comes")]

#[path = "support/agent.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared by several tests, each using its part")]
mod agent;
#[path = "support/go_lumber.rs"]
mod go_lumber;

use agent::{DEADLINE, Site};
use bench::process::Process;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

const LINES: usize = 5_000;

struct Server {
    journal: PathBuf,
    address: SocketAddr,
    _process: Process,
}

impl Server {
    fn start(program: &Path, folder: &Path, name: &str) -> Self {
        let address = bench::process::free_address().unwrap();
        let journal = folder.join(name);
        let mut command = Command::new(program);
        command.arg("-whole").arg(&journal).arg(address.to_string());
        let process = Process::start(name, command, &folder.join(format!("{name}.log"))).unwrap();
        Self { journal, address, _process: process }
    }

    /// The events, in order, once there are all.
    fn events(&self, client: &Process) -> Vec<Value> {
        let started = Instant::now();
        loop {
            let journal = std::fs::read_to_string(&self.journal).unwrap_or_default();
            let events: Vec<Value> =
                journal.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
            if events.len() >= LINES {
                return events;
            }
            assert!(
                started.elapsed() < DEADLINE,
                "{} of {LINES} events: {}",
                events.len(),
                client.log_tail()
            );
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }
}

/// Plain text, so that the message is the line for both.
fn log() -> String {
    (0..LINES).fold(String::new(), |mut text, n| {
        writeln!(text, "order {n} paid: \"tea\" \\ [ü] {{\"a\":1}}\tend").unwrap();
        text
    })
}

fn filebeat(server: &Server, logs: &Path, home: &Path) -> Process {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients/filebeat");
    let program = bench::filebeat::build(&program).unwrap();
    let config = json!({
        "filebeat.inputs": [{"type": "filestream", "id": "shop", "paths": [logs.join("*")]}],
        "output.logstash": {"hosts": [server.address.to_string()]},
        "logging": {"to_stderr": true, "level": "warning"},
    });
    let command = bench::filebeat::command(&program, home, &config).unwrap();
    Process::start("Filebeat", command, &home.join("log")).unwrap()
}

#[test]
#[ignore = "needs Go"]
fn the_server_takes_from_the_agent_what_it_takes_from_filebeat() {
    let (program, folder) = (go_lumber::server(), tempfile::tempdir().unwrap());
    let servers = ["for-blueox", "for-filebeat"].map(|name| Server::start(&program, folder.path(), name));
    let site = Site::with_config(|site| {
        format!(
            "host: {{id: test}}\ninputs: [{{paths: [{:?}]}}]\noutput: {{logstash: {{hosts: ['{}']}}}}\n\
             state: {{path: {:?}}}\nmonitoring: {{listen: '{}', events: false}}\n",
            site.logs().join("*"),
            servers[0].address,
            site.path("state"),
            site.status_address(),
        )
    });
    std::fs::write(site.logs().join("shop.log"), log()).unwrap();
    let (agent, home) = (site.run(), folder.path().join("filebeat"));
    std::fs::create_dir(&home).unwrap();
    let filebeat = filebeat(&servers[1], &site.logs(), &home);
    let [ours, theirs] = [servers[0].events(agent.process()), servers[1].events(&filebeat)];
    assert!(agent.stop().success());
    assert_eq!((ours.len(), theirs.len()), (LINES, LINES), "nobody was refused, nobody repeated");
    for (ours, theirs) in ours.iter().zip(&theirs) {
        for place in ["/message", "/log/offset", "/log/file/path"] {
            assert_eq!(ours.pointer(place), theirs.pointer(place), "{place} of {ours} and {theirs}");
            assert!(theirs.pointer(place).is_some(), "{place} of {theirs}");
        }
    }
}
