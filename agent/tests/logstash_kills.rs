//! The real program and Elastic's own server of Lumberjack (module go-lumber), both killed again and again.
//!
//! `BLUEOX_KILLS` and `BLUEOX_LINES` make it longer.

#![allow(clippy::unwrap_used, reason = "a test ends where something unexpected comes")]

#[path = "support/agent.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared by several tests, each using its part")]
mod agent;
#[path = "support/certificates.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared with other tests")]
mod certificates;
#[path = "support/go_lumber.rs"]
mod go_lumber;

use agent::{DEADLINE, Site};
use bench::process::Process;
use certificates::Authority;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

struct Server {
    site: Site,
    program: PathBuf,
    address: SocketAddr,
}

impl Server {
    /// An agent's site that trusts the server by TLS, and the server.
    fn new() -> Self {
        let address =
            TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port");
        let site = Site::with_config(|site| {
            format!(
                "host: {{id: test}}\ninputs: [{{paths: [{:?}]}}]\n\
                 output: {{logstash: {{hosts: ['{address}'], tls: {{ca: {:?}}}}}}}\n\
                 state: {{path: {:?}}}\nmonitoring: {{listen: '{}', events: false}}\n",
                site.logs().join("*"),
                site.path("ca.pem"),
                site.path("state"),
                site.status_address(),
            )
        });
        let authority = Authority::new();
        let identity = authority.certificate(|_| {});
        for (name, text) in [
            ("ca.pem", authority.pem),
            ("server.pem", identity.pem),
            ("server.key", identity.key.serialize_pem()),
        ] {
            std::fs::write(site.path(name), text).expect("written");
        }
        Self { site, program: go_lumber::server(), address }
    }

    fn start(&self) -> Process {
        let mut command = Command::new(&self.program);
        command.args([self.site.path("journal").as_os_str(), self.address.to_string().as_ref()]);
        command.args([self.site.path("server.pem"), self.site.path("server.key")]);
        Process::start("the server", command, &self.site.path("server.log")).expect("started")
    }

    /// Length of its journal.
    fn size(&self) -> u64 {
        std::fs::metadata(self.site.path("journal")).map_or(0, |metadata| metadata.len())
    }

    /// What has arrived, in order: number and id. A line that a kill has cut is left out.
    fn arrived(&self) -> Vec<(u64, String)> {
        let journal = std::fs::read_to_string(self.site.path("journal")).unwrap_or_default();
        let event = |line: &str| {
            let (number, id) = line.split_once(' ')?;
            Some((number.parse().ok()?, id.to_owned())).filter(|(_, id)| id.len() == 20)
        };
        journal.lines().filter_map(event).collect()
    }
}

fn lines(numbers: std::ops::Range<u64>) -> String {
    numbers.fold(String::new(), |mut text, n| {
        let level = if n % 50 == 0 { "error" } else { "info" };
        writeln!(
            text,
            r#"{{"time":"2026-08-21T10:15:{:02}.{:03}Z","level":"{level}","message":"order {n} paid","n":{n}}}"#,
            n % 60,
            n % 1000
        )
        .expect("a String takes all");
        text
    })
}

fn number_of(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

// L16, Q51
#[test]
#[ignore = "needs Go"]
fn kills_of_agent_and_server_lose_nothing_keep_order_and_repeat_only_tails() {
    let (kills, count) = (number_of("BLUEOX_KILLS", 10), number_of("BLUEOX_LINES", 200_000));
    let server = Server::new();
    let mut log = std::fs::File::create(server.site.logs().join("app.log")).expect("a log file");
    let part = count / (kills + 1);
    let (mut receiver, mut agent) = (Some(server.start()), Some(server.site.run()));
    let mut floors = Vec::new();
    for kill in 0..kills {
        let before = server.size();
        log.write_all(lines(kill * part..(kill + 1) * part).as_bytes()).expect("written");
        let started = Instant::now();
        // A share of it has arrived, by the journal's lines; the rest is under way.
        let share = part * (kill * 37 % 100) / 100 * JOURNAL_LINE;
        while server.size() <= before + share {
            assert!(started.elapsed() < DEADLINE, "nothing arrives before kill {kill}");
            std::thread::sleep(Duration::from_millis(2));
        }
        match kill % 2 {
            0 => {
                let agent_killed = agent.take().expect("it runs");
                let settled = agent_killed.status().and_then(|status| Some(status.files.first()?.settled));
                agent_killed.kill();
                floors.push(Floor { arrived: server.arrived().len(), settled: settled.unwrap_or(0) });
                agent = Some(server.site.run());
            }
            _ => {
                receiver.take().expect("it runs").kill().expect("killed");
                receiver = Some(server.start());
            }
        }
    }
    log.write_all(lines(kills * part..count).as_bytes()).expect("written");
    let mut agent = agent.expect("it runs");
    agent.wait_status("all is acknowledged", |status| {
        status.accounts.pending == 0 && status.files.first().is_some_and(|file| file.settled == file.size)
    });
    assert!(agent.stop().success());
    drop(receiver);
    let arrived = server.arrived();
    judge(&arrived, count, kills);
    let text = std::fs::read(server.site.logs().join("app.log")).expect("the log");
    for Floor { arrived: from, settled } in floors {
        let first = text[..settled as usize].iter().filter(|byte| **byte == b'\n').count() as u64;
        let again = arrived[from..].iter().find(|(number, _)| *number < first);
        assert_eq!(again, None, "lines before {first} had settled before the kill");
    }
}

/// Bytes of a line in the server's journal, about.
const JOURNAL_LINE: u64 = 27;

/// What the agent said last before it was killed.
struct Floor {
    /// Events that had arrived by the kill.
    arrived: usize,
    /// What it called settled: nothing before this offset may arrive again.
    settled: u64,
}

/// The journal is runs of consecutive numbers; each begins where the run before ended or earlier, and only a lost connection
/// ends one: the first arrival of an event is never before that of an earlier one.
fn judge(arrived: &[(u64, String)], count: u64, kills: u64) {
    let mut ids: HashMap<&str, u64> = HashMap::new();
    let (mut next, mut reached, mut runs) = (0, 0, 1);
    for (number, id) in arrived {
        if *number != next {
            assert!(*number <= reached, "a gap before {number}, reached {reached}");
            runs += 1;
        }
        next = number + 1;
        reached = reached.max(next);
        let known = ids.insert(id, *number);
        assert!(known.is_none_or(|known| known == *number), "two events with the id {id}");
    }
    let repeats = arrived.len() as u64 - count;
    println!("{count} lines, {kills} kills: {repeats} repeats in {} tails", runs - 1);
    assert_eq!((reached, ids.len() as u64), (count, count), "every line, each under one id");
    // A connection can be lost once more while the server is coming up.
    assert!(runs - 1 <= 2 * kills, "{runs} runs");
}
