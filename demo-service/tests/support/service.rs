//! The real program as a process with a log file, and requests to it byte by byte.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a fact may take on a busy machine. Nothing waits this long unless something is broken.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// A line of the log.
pub type Line = Map<String, Value>;

/// A service that answers. Killed when dropped.
pub struct Service {
    child: Child,
    address: SocketAddr,
    log: PathBuf,
    directory: Option<TempDir>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HashMap<String, String>,
    pub body: String,
}

/// The program with an environment that names nothing.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_demo-service"));
    let variables =
        ["SERVICE_NAME", "SERVICE_VERSION", "VERSION", "SERVICE_ENVIRONMENT", "SERVICE_NODE_NAME"];
    for name in variables.into_iter().chain(["VCAP_APPLICATION", "LOG_FILE", "LOG_LEVEL", "PORT", "LISTEN"]) {
        command.env_remove(name);
    }
    command
}

impl Service {
    /// Starts one that logs to a file in a directory of its own.
    pub fn start(arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let log = directory.path().join("service.log");
        let mut service = Self::logging_to(&log, arguments);
        service.directory = Some(directory);
        service
    }

    /// Starts one that logs to `log`.
    pub fn logging_to(log: &Path, arguments: &[&str]) -> Self {
        Self::spawn(program().args(["--port", "0", "--log"]).arg(log).args(arguments), log)
    }

    /// Starts a prepared command, whose log is `log`.
    pub fn spawn(command: &mut Command, log: &Path) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("the program");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("standard output");
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: `{line}`"));
        assert_eq!(ready["pid"], child.id());
        let address = ready["url"].as_str().and_then(|url| url.strip_prefix("http://")).expect("a URL");
        Self { child, address: address.parse().expect("an address"), log: log.to_owned(), directory: None }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn log(&self) -> &Path {
        &self.log
    }

    pub fn get(&self, target: &str) -> Answer {
        self.send("GET", target, &[], b"")
    }

    pub fn post_json(&self, target: &str, body: &str) -> Answer {
        self.send("POST", target, &[("content-type", "application/json")], body.as_bytes())
    }

    pub fn set_fault(&self, kind: &str, value: impl Into<Value>) {
        let answer =
            self.post_json("/fault", &serde_json::json!({"kind": kind, "value": value.into()}).to_string());
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    pub fn send(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut stream = self.open(method, target, headers, body.len());
        stream.write_all(body).expect("a body");
        read(stream)
    }

    /// The head of a request that announces a body; the connection closes after the answer.
    pub fn open(&self, method: &str, target: &str, headers: &[(&str, &str)], length: usize) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).expect("a connection");
        stream.set_read_timeout(Some(DEADLINE)).expect("a time limit");
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        write!(
            stream,
            "{method} {target} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n"
        )
        .expect("a request");
        stream
    }

    /// Waits until the log has a line like this.
    pub fn wait_for(&self, wanted: impl Fn(&Line) -> bool) -> Line {
        let until = Instant::now() + DEADLINE;
        loop {
            let text = fs::read_to_string(&self.log).unwrap_or_default();
            let whole = &text[..text.rfind('\n').map_or(0, |end| end + 1)];
            if let Some(line) = parse(whole).into_iter().find(&wanted) {
                return line;
            }
            assert!(Instant::now() < until, "no such line in\n{text}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn terminate(&self) {
        let pid = Pid::from_raw(self.child.id() as i32).expect("a process id");
        kill_process(pid, Signal::TERM).expect("SIGTERM");
    }

    /// Ends it.
    pub fn end(mut self) {
        self.terminate();
        let status = self.child.wait().expect("its end");
        assert!(status.success(), "{status}");
    }

    /// Ends it and gives back every line of its log.
    pub fn stop(mut self) -> Vec<Line> {
        let (log, _directory) = (self.log.clone(), self.directory.take());
        self.end();
        parse(&fs::read_to_string(log).expect("the log"))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Fails where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whole lines of a log.
pub fn parse(text: &str) -> Vec<Line> {
    let line = |text: &str| serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    text.lines().map(line).collect()
}

/// The numbers of lines.
pub fn sequences(lines: &[Line]) -> Vec<u64> {
    lines.iter().map(|line| line["event.sequence"].as_u64().expect("a number")).collect()
}

/// The files of a rotated log, the oldest first.
pub fn rotated(log: &Path) -> Vec<PathBuf> {
    let numbered = |number: usize| PathBuf::from(format!("{}.{number}", log.display()));
    let kept = (1..).map(numbered).take_while(|path| path.is_file());
    let mut files: Vec<PathBuf> = [log.to_owned()].into_iter().chain(kept).collect();
    files.reverse();
    files
}

pub fn text<'a>(line: &'a Line, key: &str) -> &'a str {
    line.get(key).and_then(Value::as_str).unwrap_or_else(|| panic!("no text `{key}` in {line:?}"))
}

pub fn is_request(line: &Line) -> bool {
    line["msg"] == "[REQUEST - END]"
}

/// Reads an answer to its end.
pub fn read(mut stream: TcpStream) -> Answer {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("an answer");
    let text = String::from_utf8(bytes).expect("UTF-8");
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: `{text}`"));
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).expect("a status");
    let header = |line: &str| {
        let (name, value) = line.split_once(": ").expect("a header");
        (name.to_owned(), value.to_owned())
    };
    Answer { status, headers: lines.map(header).collect(), body: body.to_owned() }
}
