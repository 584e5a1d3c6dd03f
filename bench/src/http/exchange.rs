//! One request and what is answered to it, step by step.

use super::head::{BodyLength, HEAD_MAX, Head, broken};
use flate2::bufread::MultiGzDecoder;
use memchr::memmem;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

/// Read in one call.
const READ: usize = 16 << 10;

/// Whether the client is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// As far as one can see.
    Present,
    /// It has closed or reset the connection.
    Gone,
}

/// A body as received.
#[derive(Debug)]
pub struct Body {
    /// Bytes on the wire.
    pub wire: usize,
    /// Bytes after inflating.
    pub bytes: Vec<u8>,
}

/// How an answer is delimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// `Content-Length`, as OpenSearch answers.
    Length,
    /// Chunked, as Elasticsearch answers to `_bulk`.
    Chunked,
}

/// One request on a connection.
///
/// A service that leaves the body unread gets it drained before its answer; one that resets or cuts ends the connection.
#[derive(Debug)]
pub struct Exchange<'a> {
    /// The request's head.
    pub head: Head,
    /// When its first byte was there.
    pub started: Instant,
    stream: &'a TcpStream,
    carry: &'a mut Vec<u8>,
    body_max: usize,
    body_read: bool,
    open: bool,
}

impl<'a> Exchange<'a> {
    /// Waits for the next head; `None` where the client ended the connection between requests.
    pub(super) fn next(
        stream: &'a TcpStream,
        carry: &'a mut Vec<u8>,
        body_max: usize,
    ) -> io::Result<Option<Self>> {
        let mut started = (!carry.is_empty()).then(Instant::now);
        let end = loop {
            if let Some(at) = memmem::find(carry, b"\r\n\r\n") {
                break at + 4;
            }
            if carry.len() > HEAD_MAX {
                return Err(broken("head is too long"));
            }
            let read = read_more(stream, carry)?;
            if read == 0 && carry.is_empty() {
                return Ok(None);
            }
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            started.get_or_insert_with(Instant::now);
        };
        let head = Head::parse(&carry[..end])?;
        carry.drain(..end);
        let started = started.unwrap_or_else(Instant::now);
        let open = !head.close;
        Ok(Some(Self { head, started, stream, carry, body_max, body_read: false, open }))
    }

    /// Reads the body, inflated. Fails where the client goes away before its end, where it is too long or no gzip.
    pub fn body(&mut self) -> io::Result<Body> {
        let raw = self.raw_body()?;
        let wire = raw.len();
        if !self.head.gzip {
            return Ok(Body { wire, bytes: raw });
        }
        let mut bytes = Vec::with_capacity(raw.len().saturating_mul(8).min(self.body_max));
        MultiGzDecoder::new(raw.as_slice()).take(self.body_max as u64 + 1).read_to_end(&mut bytes)?;
        if bytes.len() > self.body_max {
            return Err(broken("body is too long when inflated"));
        }
        Ok(Body { wire, bytes })
    }

    /// Answers with a JSON body.
    pub fn respond(&mut self, status: u16, framing: Framing, body: &[u8]) -> io::Result<()> {
        self.drain()?;
        self.send(&frame(status, framing, self.head.method == "HEAD", body))
    }

    /// Answers, but stops after half of the bytes and ends the connection.
    pub fn respond_cut(&mut self, status: u16, framing: Framing, body: &[u8]) -> io::Result<()> {
        self.drain()?;
        let answer = frame(status, framing, false, body);
        self.send(&answer[..answer.len() / 2])?;
        self.open = false;
        self.stream.shutdown(Shutdown::Both)
    }

    /// Resets the connection: the client sees `ECONNRESET`.
    pub fn reset(&mut self) -> io::Result<()> {
        self.open = false;
        rustix::net::sockopt::set_socket_linger(self.stream, Some(Duration::ZERO))?;
        Ok(())
    }

    /// Ends the connection without an answer, in order (FIN).
    pub fn close(&mut self) -> io::Result<()> {
        self.open = false;
        self.stream.shutdown(Shutdown::Both)
    }

    /// Waits, but no longer than the client does.
    pub fn pause(&mut self, time: Duration) -> io::Result<Peer> {
        let until = Instant::now() + time;
        let mut peer = Peer::Present;
        while peer == Peer::Present && Instant::now() < until {
            let left = until.saturating_duration_since(Instant::now());
            self.stream
                .set_read_timeout(Some(left.clamp(Duration::from_millis(1), Duration::from_millis(50))))?;
            peer = match self.stream.peek(&mut [0]) {
                Ok(0) => Peer::Gone,
                // The next request is there already: nothing more can be learnt by peeking.
                Ok(_) => {
                    std::thread::sleep(until.saturating_duration_since(Instant::now()));
                    Peer::Present
                }
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    Peer::Present
                }
                Err(_) => Peer::Gone,
            };
        }
        self.stream.set_read_timeout(None)?;
        Ok(peer)
    }

    /// Whether another request may follow.
    pub(super) fn stays_open(&self) -> bool {
        self.open
    }

    fn drain(&mut self) -> io::Result<()> {
        if !self.body_read {
            self.raw_body()?;
        }
        Ok(())
    }

    fn raw_body(&mut self) -> io::Result<Vec<u8>> {
        self.body_read = true;
        if self.head.expects_continue {
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        match self.head.length {
            BodyLength::Known(length) => self.take(length),
            BodyLength::Chunked => self.chunks(),
        }
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let size = self.chunk_size()?;
            if size > self.body_max - body.len() {
                return Err(broken("body is too long"));
            }
            let chunk = self.take(size + 2)?;
            if !chunk.ends_with(b"\r\n") {
                return Err(broken("chunk does not end with CR LF"));
            }
            if size == 0 {
                return Ok(body);
            }
            body.extend_from_slice(&chunk[..size]);
        }
    }

    fn chunk_size(&mut self) -> io::Result<usize> {
        let end = loop {
            if let Some(at) = memmem::find(self.carry, b"\r\n") {
                break at;
            }
            if self.carry.len() > HEAD_MAX || read_more(self.stream, self.carry)? == 0 {
                return Err(broken("chunk size does not end"));
            }
        };
        let line = String::from_utf8_lossy(&self.carry[..end]);
        let digits = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(digits, 16).map_err(|_| broken("chunk size is no number"))?;
        self.carry.drain(..end + 2);
        Ok(size)
    }

    /// Takes exactly `length` bytes off the connection.
    fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        if length > self.body_max.saturating_add(2) {
            return Err(broken("body is too long"));
        }
        let at_hand = length.min(self.carry.len());
        let mut taken = Vec::with_capacity(length);
        taken.extend(self.carry.drain(..at_hand));
        let missing = (length - at_hand) as u64;
        (&mut self.stream).take(missing).read_to_end(&mut taken)?;
        if taken.len() < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(taken)
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        (&mut self.stream).write_all(bytes)
    }
}

fn read_more(mut stream: &TcpStream, carry: &mut Vec<u8>) -> io::Result<usize> {
    let filled = carry.len();
    carry.resize(filled + READ, 0);
    let read = stream.read(&mut carry[filled..]);
    carry.truncate(filled + *read.as_ref().unwrap_or(&0));
    read
}

/// Bytes of an answer. The headers are those a client may look for.
fn frame(status: u16, framing: Framing, head_only: bool, body: &[u8]) -> Vec<u8> {
    let reason = reason(status);
    let mut answer = Vec::with_capacity(body.len() + 256);
    let head = format!(
        "HTTP/1.1 {status} {reason}\r\nX-elastic-product: Elasticsearch\r\ncontent-type: application/json\r\n"
    );
    answer.extend_from_slice(head.as_bytes());
    if head_only {
        answer.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
        return answer;
    }
    match framing {
        Framing::Length => {
            answer.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
            answer.extend_from_slice(body);
        }
        Framing::Chunked => {
            answer.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
            for chunk in body.chunks(8 << 10) {
                answer.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                answer.extend_from_slice(chunk);
                answer.extend_from_slice(b"\r\n");
            }
            answer.extend_from_slice(b"0\r\n\r\n");
        }
    }
    answer
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        413 => "Request Entity Too Large",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Status",
    }
}
