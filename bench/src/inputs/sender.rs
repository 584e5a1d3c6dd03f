//! Who writes or sends the lines to an input that reads no file.

use super::{Input, Load};
use crate::http::Client;
use crate::writer::Pace;
use anyhow::{Context, Result, ensure};
use std::fs::File;
use std::io::{self, BufWriter, PipeWriter, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};

/// Bytes of messages in one POST; `max_line` of the input bounds it.
const POST_BYTES: usize = 256 * 1024;

/// All lines into a pipe.
pub(super) fn pipe(load: &Load, mut pipe: PipeWriter) -> Result<()> {
    let mut file = File::open(load.file(Input::File)).context("open the lines")?;
    io::copy(&mut file, &mut pipe).context("write into the pipe")?;
    Ok(())
}

/// One connection with a message behind the other.
pub(super) fn stream(load: &Load, to: SocketAddr) -> Result<()> {
    let socket = TcpStream::connect(to).with_context(|| format!("connect to {to}"))?;
    let mut socket = BufWriter::with_capacity(64 * 1024, socket);
    let mut messages = Messages::default();
    for line in load.lines()? {
        socket.write_all(messages.counted(&line?)).context("send")?;
    }
    socket.flush().context("send")
}

/// POSTs of several messages, one after the other.
pub(super) fn post(load: &Load, to: SocketAddr) -> Result<()> {
    let client = Client::new(&format!("http://{to}"), None)?;
    let send = |body: &mut Vec<u8>| {
        let status = client.send("POST", "/", body)?.status;
        body.clear();
        ensure!(status == 204, "a POST of messages was answered {status}");
        Ok(())
    };
    let (mut body, mut messages) = (Vec::new(), Messages::default());
    for line in load.lines()? {
        body.extend_from_slice(messages.counted(&line?));
        if body.len() >= POST_BYTES {
            send(&mut body)?;
        }
    }
    if body.is_empty() { Ok(()) } else { send(&mut body) }
}

/// A datagram each, at most `rate` a second.
pub(super) fn datagrams(load: &Load, to: SocketAddr, rate: u64) -> Result<()> {
    let socket = UdpSocket::bind(("127.0.0.1", 0)).context("make a socket")?;
    socket.connect(to).context("connect a socket")?;
    let (mut pace, mut due, mut messages) = (Pace::new(rate), 0, Messages::default());
    for line in load.lines()? {
        while due == 0 {
            due = pace.wait();
        }
        due -= 1;
        socket.send(messages.plain(&line?)).context("send a datagram")?;
    }
    Ok(())
}

/// Makes syslog messages of lines, in one buffer.
#[derive(Default)]
struct Messages {
    message: Vec<u8>,
    counted: Vec<u8>,
}

impl Messages {
    fn plain(&mut self, line: &[u8]) -> &[u8] {
        self.message.clear();
        self.message.extend_from_slice(b"<14>1 2026-08-21T10:15:30.123456Z web-1 shop 1 - - ");
        self.message.extend_from_slice(line);
        &self.message
    }

    /// With its length before it, as RFC 6587 has it.
    fn counted(&mut self, line: &[u8]) -> &[u8] {
        let length = self.plain(line).len();
        self.counted.clear();
        self.counted.extend_from_slice(format!("{length} ").as_bytes());
        self.counted.extend_from_slice(&self.message);
        &self.counted
    }
}
