//! The real binary, and just enough HTTP to talk to it.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running `pocket-elk serve`; ended with the test.
pub(crate) struct Server {
    child: Child,
    address: String,
    page: String,
}

impl Server {
    /// Starts it over a data folder, on a port the kernel picks.
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    /// The same with more arguments.
    pub(crate) fn start_with(data: &Path, arguments: &[&str]) -> Self {
        Self::start_as(data, arguments, &[])
    }

    /// The same with variables of the environment.
    pub(crate) fn start_as(data: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_pocket-elk"))
            .args(["serve", "--listen", "127.0.0.1:0", "--view-port", "0", "--data"])
            .arg(data)
            .args(arguments)
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the binary starts");
        let mut told = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut address = || {
            let line = told.next().expect("pocket-elk did not start").expect("text");
            line.trim_start_matches("http://").to_owned()
        };
        Self { address: address(), page: address(), child }
    }

    /// Its process id.
    #[allow(dead_code, reason = "not every test kills")]
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where it answers.
    #[allow(dead_code, reason = "not every test names it")]
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Where its page is.
    #[allow(dead_code, reason = "not every test looks at it")]
    pub(crate) fn page(&self) -> &str {
        &self.page
    }

    /// Status and body of an answer; an error where the connection broke.
    pub(crate) fn try_send(&self, method: &str, target: &str, body: &str) -> std::io::Result<(u16, Value)> {
        self.send_bytes(method, target, body.as_bytes(), "")
    }

    /// The same with any body, and with more lines of the head.
    pub(crate) fn send_bytes(
        &self,
        method: &str,
        target: &str,
        body: &[u8],
        head: &str,
    ) -> std::io::Result<(u16, Value)> {
        let mut stream = TcpStream::connect(&self.address)?;
        let kind = if target.contains("_bulk") || target.contains("_msearch") {
            "application/x-ndjson"
        } else {
            "application/json"
        };
        write!(
            stream,
            "{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: {kind}\r\n{head}Content-Length: {}\r\n\r\n",
            body.len()
        )?;
        // A body that is refused early is not read to its end; what counts is the answer.
        let sent = stream.write_all(body);
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        if answer.is_empty() {
            sent?;
            read?;
        }
        let text = String::from_utf8_lossy(&answer);
        let broken = || std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the answer is cut");
        let (head, body) = text.split_once("\r\n\r\n").ok_or_else(broken)?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(broken)?;
        let length = head
            .lines()
            .find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
        if length.and_then(|length| length.parse().ok()) != Some(body.len()) {
            return Err(broken());
        }
        Ok((status, serde_json::from_str(body).unwrap_or_else(|_| Value::from(body))))
    }

    /// Status and body of an answer.
    pub(crate) fn send(&self, method: &str, target: &str, body: &str) -> (u16, Value) {
        self.try_send(method, target, body).expect("an answer")
    }

    /// The body of an answer that must be a good one.
    #[allow(dead_code, reason = "not every test asks for bodies only")]
    pub(crate) fn good(&self, method: &str, target: &str, body: &Value) -> Value {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let (status, answer) = self.send(method, target, &text);
        assert!(status < 300, "{method} {target} {body}: {status} {answer}");
        answer
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
