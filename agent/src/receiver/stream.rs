//! The bytes of a sender, whether they come in the clear or by TLS.

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Time for the whole TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Time for the little that TLS has to write later.
const WRITE: Duration = Duration::from_secs(10);

/// How a TLS connection begins: a handshake record, version 3.x.
const CLIENT_HELLO: [u8; 2] = [0x16, 0x03];

/// Why a sender is not let in.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error(
        "the sender speaks TLS and this listener does not; give it `tls`, or let the sender use syslog://"
    )]
    SpeaksTls,
    #[error(
        "the sender does not speak TLS and this listener does; let it use syslog-tls://, or remove `tls` here"
    )]
    SpeaksNoTls,
    #[error("the TLS handshake failed")]
    Handshake(#[source] io::Error),
    #[error("the connection broke before anything came")]
    Broken(#[source] io::Error),
}

/// A connection whose sender was let in.
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Stream {
    /// Lets the sender in. Waits for its first bytes, at most `idle` where they come in the clear.
    pub(super) fn accept(
        socket: TcpStream,
        tls: Option<&Arc<ServerConfig>>,
        idle: Duration,
    ) -> Result<Self, Refused> {
        super::socket::watch(&socket).map_err(Refused::Broken)?;
        let stream = match tls {
            None => Self::plain(socket, idle)?,
            Some(config) => Self::shake_hands(socket, config)?,
        };
        stream.socket().set_write_timeout(Some(WRITE)).map_err(Refused::Broken)?;
        stream.set_idle(idle).map_err(Refused::Broken)?;
        Ok(stream)
    }

    /// How long a read waits.
    pub(super) fn set_idle(&self, idle: Duration) -> io::Result<()> {
        self.socket().set_read_timeout(Some(idle))
    }

    fn plain(socket: TcpStream, idle: Duration) -> Result<Self, Refused> {
        socket.set_read_timeout(Some(idle)).map_err(Refused::Broken)?;
        let mut first = [0; CLIENT_HELLO.len()];
        // One byte alone tells nothing, and it is not worth waiting for the second.
        let count = socket.peek(&mut first).map_err(Refused::Broken)?;
        match first[..count] == CLIENT_HELLO {
            true => Err(Refused::SpeaksTls),
            false => Ok(Self::Plain(socket)),
        }
    }

    fn shake_hands(socket: TcpStream, config: &Arc<ServerConfig>) -> Result<Self, Refused> {
        let broken = |error: rustls::Error| Refused::Broken(io::Error::other(error));
        let mut connection = ServerConnection::new(config.clone()).map_err(broken)?;
        let mut timed = Timed { socket: &socket, until: Instant::now() + HANDSHAKE };
        while connection.is_handshaking() {
            connection.complete_io(&mut timed).map_err(|error| match is_no_tls(&error) {
                true => Refused::SpeaksNoTls,
                false => Refused::Handshake(error),
            })?;
        }
        Ok(Self::Tls(Box::new(StreamOwned::new(connection, socket))))
    }

    fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => &stream.sock,
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(buffer),
            // Many senders close without TLS's own good-bye. The framing tells whether a message is missing its end.
            Self::Tls(stream) => match stream.read(buffer) {
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(0),
                read => read,
            },
        }
    }
}

fn is_no_tls(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(inner, Some(rustls::Error::InvalidMessage(_)))
}

/// A socket on which nothing takes longer than until a moment, however slowly bytes trickle.
struct Timed<'a> {
    socket: &'a TcpStream,
    until: Instant,
}

impl Timed<'_> {
    fn left(&self) -> io::Result<Option<Duration>> {
        match self.until.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(io::Error::from(ErrorKind::TimedOut)),
            left => Ok(Some(left)),
        }
    }
}

impl Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(self.left()?)?;
        self.socket.read(buffer)
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(self.left()?)?;
        self.socket.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
