//! Syslog from the network: the queue on disk between senders and the server.

#[path = "support/agent.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared by several tests, each using its part")]
mod agent;

#[path = "support/certificates.rs"]
#[allow(
    unreachable_pub,
    dead_code,
    clippy::unwrap_used,
    reason = "shared by several tests, each using its part"
)]
mod certificates;

#[path = "syslog_input/tls.rs"]
mod tls;

#[path = "syslog_input/http.rs"]
mod http;

#[path = "syslog_input/udp.rs"]
mod udp;

#[path = "support/disk.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared by several tests, each using its part")]
mod small_disk;

#[path = "syslog_input/disk.rs"]
mod disk;

use agent::{Agent, Site};
use bench::fault::{Fault, FaultServer, Options, Plan};
use serde_json::Value;
use std::fs;
use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// An agent's home, and where it listens.
struct Receiver {
    site: Site,
    address: SocketAddr,
}

impl Receiver {
    fn new(server: &FaultServer) -> Self {
        Self::with(server, |_| "protocol: tcp".into(), "memory: 64MiB")
    }

    /// With one more key of the input, and of the limits.
    fn with(server: &FaultServer, keys: impl FnOnce(&Site) -> String, limits: &str) -> Self {
        let address = bench::process::free_address().expect("a free address");
        let site = Site::with_config(|site| {
            format!(
                "host: {{id: test}}\ninputs:\n  - {{type: syslog, listen: {:?}, max_line: 64KiB, {}}}\nlimits: {{queue: 16MiB, {limits}}}\n\
                 output:\n  elasticsearch:\n    hosts: [{:?}]\n    bulk: {{linger: 20ms}}\n\
                 state: {{path: {:?}}}\nmonitoring: {{listen: {:?}, events: false}}\n",
                address.to_string(),
                keys(site),
                server.url(),
                site.path("state"),
                site.status_address().to_string()
            )
        });
        Self { site, address }
    }

    fn connect(&self, agent: &mut Agent) -> TcpStream {
        let mut socket = None;
        agent.wait("it listens", || {
            socket = TcpStream::connect(self.address).ok();
            socket.is_some()
        });
        socket.expect("connected")
    }

    /// Messages that lie in the queue; each segment has a first line of its own.
    fn queued(&self) -> usize {
        let directory = self.site.path(format!("state/queue/syslog-{}", self.address.port()));
        let Ok(entries) = fs::read_dir(directory) else { return 0 };
        let lines = entries.filter_map(|entry| fs::read(entry.ok()?.path()).ok());
        lines.map(|bytes| bytes.iter().filter(|byte| **byte == b'\n').count().saturating_sub(1)).sum()
    }
}

fn server() -> FaultServer {
    FaultServer::start(Options::new(Plan::Calm)).expect("a server on loopback")
}

fn documents(server: &FaultServer) -> Vec<Value> {
    let parsed = server.documents().into_iter().map(|document| serde_json::from_slice(&document.source));
    parsed.collect::<Result<_, _>>().expect("valid JSON on the wire")
}

/// Message `number`, in one of the two framings.
fn message(number: usize) -> String {
    let text = format!("<14>1 2026-08-21T10:15:30.000Z web-{} shop 1 - - line {number:05}", number % 3);
    if number.is_multiple_of(2) { format!("{} {text}", text.len()) } else { format!("{text}\n") }
}

/// Sends these messages over two connections at once.
fn send(receiver: &Receiver, agent: &mut Agent, numbers: std::ops::Range<usize>) {
    let middle = numbers.start.midpoint(numbers.end);
    let senders = [numbers.start..middle, middle..numbers.end].map(|numbers| {
        let mut socket = receiver.connect(agent);
        std::thread::spawn(move || {
            let all: String = numbers.map(message).collect();
            // Ends of pieces lie anywhere in messages.
            all.as_bytes().chunks(1009).for_each(|piece| socket.write_all(piece).expect("written"));
        })
    });
    senders.into_iter().for_each(|sender| sender.join().expect("all was sent"));
}

#[test]
fn twenty_thousand_messages_arrive_once_over_a_restart() {
    const HALF: usize = 10_000;
    let server = server();
    server.set_plan(Plan::Script(vec![Fault::Refuse(503); 1_000_000]));
    let receiver = Receiver::new(&server);
    let mut agent = receiver.site.run();
    send(&receiver, &mut agent, 0..HALF);
    agent.wait("all is in the queue", || receiver.queued() == HALF);
    assert_eq!(server.created(), 0);
    agent.stop();

    server.set_plan(Plan::Calm);
    let mut agent = receiver.site.run();
    send(&receiver, &mut agent, HALF..2 * HALF);
    agent.wait("all is stored", || server.created() >= 2 * HALF as u64);
    assert!(agent.stop().success());
    let documents = documents(&server);
    let mut lines: Vec<&str> =
        documents.iter().map(|document| document["message"].as_str().expect("text")).collect();
    lines.sort_unstable();
    let expected: Vec<String> = (0..2 * HALF).map(|number| format!("line {number:05}")).collect();
    assert_eq!(lines, expected);
    assert!(
        documents
            .iter()
            .all(|document| document["log"]["file"].is_null() && document["process"]["name"] == "shop")
    );
}

#[test]
fn messages_of_all_kinds_come_whole_and_half_ones_not_at_all() {
    let server = server();
    let receiver = Receiver::new(&server);
    let mut agent = receiver.site.run();
    let json = r#"<11>1 2026-08-21T10:15:30Z web-1 shop 7 - - {"level":"warn","message":"from JSON"}"#;
    // A stack trace in one message, and lines that would be joined in a file.
    let trace = "<11>Aug 21 10:15:30 web-1 shop[7]: java.lang.Error: x\n\tat a.B.c(B.java:1)";
    let long = format!("<14>1 - - shop - - - {}", "x".repeat(100_000));
    let text = format!(
        "{json}\n{} {trace}\nplain\n\tat a.B.c(B.java:1)\n{long}\n{} {long}99 <14>half",
        trace.len(),
        long.len()
    );
    receiver.connect(&mut agent).write_all(text.as_bytes()).expect("written");
    agent.wait("all is stored", || server.created() >= 6);
    agent.wait("the half one is named", || {
        fs::read_to_string(receiver.site.path("agent.log"))
            .is_ok_and(|log| log.contains("whose count promised more"))
    });
    let status =
        agent.wait_status("the connection is over", |status| status.listeners[0].connections_open == 0);
    assert!(agent.stop().success());
    let listener = &status.listeners[0];
    assert_eq!(
        (listener.messages, listener.messages_cut, listener.messages_dropped),
        (6, 2, 1),
        "{listener:?}"
    );
    let documents = documents(&server);
    let found: Vec<(&str, &Value)> = documents
        .iter()
        .map(|document| (document["message"].as_str().expect("text"), &document["log"]))
        .collect();
    assert_eq!(found.len(), 6, "{found:?}");
    assert!(found[0].0 == "from JSON" && found[0].1["level"] == "warn", "{:?}", found[0]);
    assert_eq!(found[1].0, "java.lang.Error: x\n\tat a.B.c(B.java:1)");
    assert_eq!((found[2].0, found[3].0), ("plain", "\tat a.B.c(B.java:1)"));
    for (position, framing) in [(4, "line feed"), (5, "count")] {
        assert!(found[position].1["flags"][0] == "truncated", "{framing}: {:?}", found[position].1);
        let header = long.len() - 100_000;
        assert_eq!(found[position].0.len(), (64 << 10) - header, "{framing}");
        let original = &documents[position]["numeric_labels"]["original_bytes"];
        assert_eq!(*original, long.len(), "{framing}");
    }
}

// The sender waits while the queue is full, and loses nothing.
#[test]
fn a_full_queue_holds_the_sender() {
    const MESSAGES: usize = 40_000;
    let server = server();
    server.set_plan(Plan::Script(vec![Fault::Refuse(503); 1_000_000]));
    let receiver = Receiver::new(&server);
    let mut agent = receiver.site.run();
    let mut socket = receiver.connect(&mut agent);
    let sender = std::thread::spawn(move || {
        let padding = "x".repeat(1000);
        for number in 0..MESSAGES {
            let line = format!("<14>1 - web-1 shop - - - {number:05} {padding}\n");
            socket.write_all(line.as_bytes()).expect("written");
        }
    });
    let full = agent
        .wait_status("the queue is full", |status| status.queues.iter().any(|queue| queue.state == "full"));
    assert!(full.queues[0].bytes <= 16 << 20, "{:?}", full.queues);
    assert!(!sender.is_finished(), "the sender waits");
    server.set_plan(Plan::Calm);
    agent.wait("all is stored", || server.created() >= MESSAGES as u64);
    sender.join().expect("all was sent");
    assert!(agent.stop().success());
    assert_eq!(server.created(), MESSAGES as u64);
}

#[test]
fn a_taken_address_is_named() {
    let server = server();
    let receiver = Receiver::new(&server);
    let _other = TcpListener::bind(receiver.address).expect("still free");
    let exit = receiver.site.run().finish();
    let log = fs::read_to_string(receiver.site.path("agent.log")).expect("a log");
    assert!(!exit.success() && log.contains("for syslog; choose another `listen`"), "{log}");
}

/// Resident memory the agent may have: `limits.memory`. The unoptimised program alone maps far more.
const MEMORY: u64 = if cfg!(debug_assertions) { 64 << 20 } else { 24 << 20 };

/// A sender that has its message for itself until the others have come as far as they can.
struct Half {
    socket: TcpStream,
    message: Vec<u8>,
    sent: usize,
}

impl Half {
    /// Sends what the other side takes, but not the end; whether that was anything.
    fn go_on(&mut self) -> bool {
        let rest = &self.message[self.sent..self.message.len() - 1];
        match self.socket.write(&rest[..rest.len().min(64 << 10)]) {
            Ok(count) => {
                self.sent += count;
                count > 0
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => false,
            Err(error) => panic!("the connection broke: {error}"),
        }
    }

    /// Sends the end, where it is all that is left.
    fn end(&mut self) -> bool {
        self.sent + 1 == self.message.len() && self.socket.write(b"\n").is_ok_and(|count| count == 1)
    }
}

// Half a message of each of many senders would be more than the limit.
// I21
#[test]
fn long_messages_of_many_senders_stay_within_the_memory() {
    const SENDERS: usize = 64;
    const LENGTH: usize = 1_000_000;
    let server = server();
    let limits = format!("memory: {MEMORY}B, queue: 256MiB");
    let receiver = Receiver::with(&server, |_| "protocol: tcp".into(), &limits);
    let config = fs::read_to_string(receiver.site.config()).expect("it was written");
    let config = config.replace("max_line: 64KiB", "max_line: 1MiB").replace("queue: 16MiB, ", "");
    fs::write(receiver.site.config(), config).expect("written");
    let mut agent = receiver.site.run();
    let mut senders: Vec<Half> = (0..SENDERS)
        .map(|number| {
            let socket = receiver.connect(&mut agent);
            socket.set_nonblocking(true).expect("a socket");
            let message = format!("<14>1 - web-1 shop - - - {number:05} {}\n", "x".repeat(LENGTH));
            Half { socket, message: message.into_bytes(), sent: 0 }
        })
        .collect();
    // None ends its message as long as any of them gets on with its own.
    let mut quiet_since = Instant::now();
    while !senders.is_empty() {
        let moved = senders.iter_mut().map(Half::go_on).fold(false, |moved, moves| moved | moves);
        if moved {
            quiet_since = Instant::now();
        } else if quiet_since.elapsed() > Duration::from_millis(200) {
            senders.retain_mut(|sender| !sender.end());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    agent.wait("all is stored", || server.created() >= SENDERS as u64);
    let memory = agent.process().peak_resident().expect("the agent runs");
    assert!(agent.stop().success());
    println!("{} MiB resident at most", memory >> 20);
    assert!(memory <= MEMORY, "{memory} bytes resident at most");
}
