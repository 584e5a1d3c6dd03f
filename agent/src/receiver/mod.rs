//! Messages from the network, each a line of a queue on disk.
//!
//! ```text
//! connection → message (octet count or line feed) → queue → (as any other file) → line → event → …
//! ```
//!
//! - Bounded: so many connections at once, so many bytes of each in memory; a full queue stops reading, and TCP stops the sender.
//! - Syslog over TCP acknowledges nothing. What is in the queue survives `kill -9`; what the system had taken from the network and
//!   the agent had not read yet is lost with the process.

mod framer;

mod stream;

mod tcp;

use crate::config::{Protocol, ServerTls};
use crate::queue::Queue;
use crate::tls::{TlsError, server_config};
use rustls::ServerConfig;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

/// Where messages come in: bound, and not yet served.
#[derive(Debug)]
pub struct Door(Bound);

#[derive(Debug)]
enum Bound {
    Tcp(TcpListener, Option<Arc<ServerConfig>>),
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

impl Door {
    /// Takes the address and reads the certificates. Senders may come from now on; they wait until it is served.
    pub fn open(address: SocketAddr, protocol: &Protocol) -> Result<Self, DoorError> {
        let failed = |source| DoorError::Listen { address, source };
        let bound = match protocol {
            Protocol::Tcp { tls } => {
                let tls = tls.as_ref().map(|tls| certified(address, tls)).transpose()?;
                Bound::Tcp(TcpListener::bind(address).map_err(failed)?, tls)
            }
        };
        Ok(Self(bound))
    }

    /// Starts what appends all that comes to `queue`, a message a line. It is never waited for.
    pub fn serve(self, queue: Arc<Queue>, max_message: usize) -> io::Result<()> {
        match self.0 {
            Bound::Tcp(listener, tls) => tcp::receive(listener, tls, queue, max_message),
        }
    }
}

fn certified(address: SocketAddr, tls: &ServerTls) -> Result<Arc<ServerConfig>, DoorError> {
    server_config(tls).map_err(|source| DoorError::Tls { address, source })
}
