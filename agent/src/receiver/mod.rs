//! Messages from the network, each a line of a queue on disk.
//!
//! ```text
//! connection, request or datagram → message → queue → (as any other file) → line → event → …
//! ```
//!
//! - Bounded: so many connections at once, so many bytes of each in memory, and one amount for all long messages together.
//! - A full queue stops reading from TCP, which stops the sender; answers a request with 503; drops a datagram and counts it.
//! - Syslog over TCP and UDP acknowledges nothing. What is in the queue survives `kill -9`; what the system had taken from the
//!   network and the agent had not read yet is lost with the process. Over HTTP a 2xx means that the messages are on disk.

mod framer;

mod body;

mod memory;

mod counters;

mod socket;

mod stream;

mod tcp;

mod http;

mod udp;

use crate::config::{Config, Protocol, ServerTls, Source};
use crate::monitoring::ListenerStatus;
use crate::queue::Queue;
use crate::tls::{TlsError, server_config};
use counters::Counters;
use memory::Memory;
use rustls::ServerConfig;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;

/// Connections of one listener at once where memory allows; further ones wait in its backlog.
const CONNECTIONS: usize = 64;

/// What a connection takes besides its share of the common memory: buffers, TLS, its stack.
const CONNECTION_BYTES: usize = 80 * 1024;

/// Connections of all listeners, in parts of `limits.memory`.
const CONNECTIONS_SHARE: usize = 4;

/// Messages that are not whole yet, in parts of `limits.memory`.
const MESSAGES_SHARE: usize = 8;

/// Where messages come in: bound, and not yet served.
#[derive(Debug)]
pub struct Door {
    bound: Bound,
    listener: Listener,
    bounds: Bounds,
}

/// One listener, for reports.
#[derive(Debug, Clone)]
pub struct Listener {
    address: SocketAddr,
    protocol: &'static str,
    counters: Arc<Counters>,
    /// Inode of the socket of a listener whose losses the system counts.
    datagrams: Option<u64>,
}

#[derive(Debug)]
enum Bound {
    Tcp(TcpListener, Option<Arc<ServerConfig>>),
    Http(TcpListener, Option<Arc<ServerConfig>>),
    Udp(UdpSocket),
}

/// What the listeners of one agent share.
#[derive(Debug, Clone)]
struct Bounds {
    connections: usize,
    memory: Arc<Memory>,
}

/// Where the messages of one listener go, and within which bounds.
#[derive(Debug)]
struct Sink {
    queue: Arc<Queue>,
    max_message: usize,
    connections: usize,
    memory: Arc<Memory>,
    counters: Arc<Counters>,
}

/// Why messages cannot come in.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// The address.
    #[error(
        "cannot listen on {address} for syslog; choose another `listen` of the input, or end what listens there"
    )]
    Listen {
        /// Configured address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The certificates.
    #[error("cannot use the certificates of the syslog input that listens on {address}")]
    Tls {
        /// Configured address.
        address: SocketAddr,
        /// Why not.
        source: TlsError,
    },
}

/// Takes the addresses of all inputs, in their order, and reads the certificates; none for those that listen nowhere.
///
/// Senders may come from now on; they wait until they are served.
pub fn open_all(config: &Config) -> Result<Vec<Option<Door>>, DoorError> {
    let bounds = Bounds::of(config);
    let open = |source: &Source| match source {
        Source::Syslog { listen, protocol } => Door::open(*listen, protocol, &bounds).map(Some),
        Source::Files | Source::Stdin => Ok(None),
    };
    config.inputs.iter().map(|input| open(&input.source)).collect()
}

impl Bounds {
    fn of(config: &Config) -> Self {
        let memory = usize::try_from(config.limits.memory).unwrap_or(usize::MAX);
        let received = || config.inputs.iter().filter(|input| matches!(input.source, Source::Syslog { .. }));
        let longest = received().map(|input| tcp::share_bytes(input.max_line)).max().unwrap_or(0);
        let each = memory / CONNECTIONS_SHARE / CONNECTION_BYTES / received().count().max(1);
        Self {
            connections: each.clamp(4, CONNECTIONS),
            // One message of the greatest length always fits.
            memory: Arc::new(Memory::new((memory / MESSAGES_SHARE).max(longest))),
        }
    }
}

impl Door {
    fn open(address: SocketAddr, protocol: &Protocol, bounds: &Bounds) -> Result<Self, DoorError> {
        let failed = |source| DoorError::Listen { address, source };
        let certified = |tls: &Option<ServerTls>| match tls {
            None => Ok(None),
            Some(tls) => server_config(tls).map(Some).map_err(|source| DoorError::Tls { address, source }),
        };
        let listen = || TcpListener::bind(address).map_err(failed);
        let bound = match protocol {
            Protocol::Tcp { tls } => Bound::Tcp(listen()?, certified(tls)?),
            Protocol::Http { tls } => Bound::Http(listen()?, certified(tls)?),
            Protocol::Udp => Bound::Udp(udp::bind(address).map_err(failed)?),
        };
        let datagrams = match &bound {
            Bound::Udp(socket) => Some(udp::inode(socket)),
            Bound::Tcp(..) | Bound::Http(..) => None,
        };
        let listener = Listener { address, protocol: protocol.name(), counters: Arc::default(), datagrams };
        Ok(Self { bound, listener, bounds: bounds.clone() })
    }

    /// What comes in here, for reports.
    pub fn listener(&self) -> Listener {
        self.listener.clone()
    }

    /// Starts what appends all that comes to `queue`, a message a line. It is never waited for.
    pub fn serve(self, queue: Arc<Queue>, max_message: usize) -> io::Result<()> {
        let Bounds { connections, memory } = self.bounds;
        let sink =
            Arc::new(Sink { queue, max_message, connections, memory, counters: self.listener.counters });
        match self.bound {
            Bound::Tcp(listener, tls) => tcp::receive(listener, tls, sink),
            Bound::Http(listener, tls) => http::receive(listener, tls, sink),
            Bound::Udp(socket) => udp::receive(socket, sink),
        }
    }
}

impl Listener {
    /// What came in, and what did not.
    pub fn report(&self) -> ListenerStatus {
        ListenerStatus {
            address: self.address.to_string(),
            protocol: self.protocol.into(),
            datagrams_dropped: self.datagrams.and_then(udp::dropped_by_system).unwrap_or(0),
            ..self.counters.report()
        }
    }
}
