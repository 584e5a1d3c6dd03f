//! A small client: one connection a request, `http` only.

use anyhow::{Context, Result, bail};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Longest wait for a byte of an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// What came back.
#[derive(Debug)]
pub struct Reply {
    /// Status code.
    pub status: u16,
    /// Body.
    pub body: Vec<u8>,
}

impl Reply {
    /// The body as JSON.
    pub fn json(&self) -> Result<serde_json::Value> {
        serde_json::from_slice(&self.body)
            .with_context(|| format!("read the answer as JSON: `{}`", String::from_utf8_lossy(&self.body)))
    }
}

/// One server.
#[derive(Debug, Clone)]
pub struct Client {
    authority: String,
    authorization: Option<String>,
}

impl Client {
    /// For `http://host:port`; `authorization` is the header's value.
    pub fn new(url: &str, authorization: Option<String>) -> Result<Self> {
        let Some(rest) = url.strip_prefix("http://") else {
            bail!("`{url}` is no http:// address; this client has no TLS, give it a plain port");
        };
        Ok(Self { authority: rest.trim_end_matches('/').to_owned(), authorization })
    }

    /// Sends a request with a JSON body (or none) and reads the whole answer.
    pub fn send(&self, method: &str, target: &str, body: &[u8]) -> Result<Reply> {
        let doing = || format!("{method} http://{}{target}", self.authority);
        let mut stream = TcpStream::connect(&self.authority).with_context(doing)?;
        stream.set_read_timeout(Some(PATIENCE)).with_context(doing)?;
        let authorization = match &self.authorization {
            Some(value) => format!("Authorization: {value}\r\n"),
            None => String::new(),
        };
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{authorization}\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            self.authority,
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body].concat()).with_context(doing)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).with_context(doing)?;
        read(&answer).with_context(doing)
    }
}

fn read(answer: &[u8]) -> Result<Reply> {
    let end = memchr::memmem::find(answer, b"\r\n\r\n").context("the answer has no whole head")?;
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let status =
        head.split(' ').nth(1).and_then(|word| word.parse().ok()).context("the answer has no status")?;
    let rest = &answer[end + 4..];
    if head.contains("\r\ntransfer-encoding: chunked") {
        return Ok(Reply { status, body: joined(rest)? });
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map(str::parse::<usize>);
    match length {
        Some(Ok(length)) if rest.len() < length => {
            bail!("the answer ends after {} of {length} bytes", rest.len())
        }
        _ => Ok(Reply { status, body: rest.to_vec() }),
    }
}

fn joined(mut rest: &[u8]) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = memchr::memmem::find(rest, b"\r\n").context("the answer ends in a chunk size")?;
        let size = std::str::from_utf8(&rest[..end])?.trim();
        let size = usize::from_str_radix(size, 16).context("a chunk size is no number")?;
        if size == 0 {
            return Ok(body);
        }
        let chunk = rest.get(end + 2..end + 2 + size).context("the answer ends in a chunk")?;
        body.extend_from_slice(chunk);
        rest = rest.get(end + 4 + size..).context("the answer ends behind a chunk")?;
    }
}
