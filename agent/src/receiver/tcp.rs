//! Syslog over TCP and TLS: a thread for each connection, which waits where the queue is full.

use super::framer::{Facts, Framer};
use super::stream::{Refused, Stream};
use crate::queue::Queue;
use rustls::ServerConfig;
use std::io::{self, ErrorKind, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use tracing::{debug, warn};

/// Connections at once; further ones wait in the backlog of the listener.
const CONNECTIONS: usize = 64;

/// Read at once.
const CHUNK: usize = 16 * 1024;

/// A connection over which nothing comes for so long is closed: its sender may be gone.
const IDLE: Duration = Duration::from_secs(3600);

/// Pause after an accept that failed, for example because no descriptor is free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

const STACK: usize = 256 * 1024;

/// Starts the thread that appends what comes to `listener` to `queue`, a message a line. It is never waited for.
pub(super) fn receive(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    queue: Arc<Queue>,
    max_message: usize,
) -> io::Result<()> {
    let receiver =
        Arc::new(Receiver { queue, tls, max_message, free: Mutex::new(CONNECTIONS), left: Condvar::new() });
    let name = receiver.queue.name();
    thread::Builder::new().name(name).stack_size(STACK).spawn(move || receiver.accept(&listener))?;
    Ok(())
}

struct Receiver {
    queue: Arc<Queue>,
    tls: Option<Arc<ServerConfig>>,
    max_message: usize,
    /// Connections that may still come.
    free: Mutex<usize>,
    left: Condvar,
}

impl Receiver {
    fn accept(self: Arc<Self>, listener: &TcpListener) {
        loop {
            self.await_free();
            match listener.accept() {
                Ok((socket, peer)) => self.start(socket, peer),
                Err(error) => {
                    warn!(queue = self.queue.name(), error = %error, "cannot accept a syslog connection");
                    thread::sleep(ACCEPT_PAUSE);
                }
            }
        }
    }

    fn await_free(&self) {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        if *free == 0 {
            warn!(
                queue = self.queue.name(),
                connections = CONNECTIONS,
                "all syslog connections are taken, further senders wait"
            );
        }
        drop(self.left.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner));
    }

    fn start(self: &Arc<Self>, socket: TcpStream, peer: SocketAddr) {
        let slot = Slot::take(self.clone());
        let talk = move || slot.0.talk(socket, peer);
        if let Err(error) = thread::Builder::new().name("syslog".into()).stack_size(STACK).spawn(talk) {
            warn!(%peer, error = %error, "no thread for a syslog connection, closed it");
        }
    }

    fn talk(&self, socket: TcpStream, peer: SocketAddr) {
        let mut stream = match Stream::accept(socket, self.tls.as_ref(), IDLE) {
            Ok(stream) => stream,
            Err(refused) => return turned_away(peer, &refused),
        };
        let (mut framer, mut lines) = (Framer::new(self.max_message), Vec::new());
        let error = self.read(&mut stream, &mut framer, &mut lines).err();
        let facts = framer.end(&mut lines);
        self.append(&mut lines);
        report(peer, facts, error);
    }

    /// Nothing waits in memory but half a message: what is read has its room already.
    fn read(&self, stream: &mut Stream, framer: &mut Framer, lines: &mut Vec<u8>) -> io::Result<()> {
        let mut buffer = vec![0; CHUNK];
        loop {
            self.queue.await_room(CHUNK as u64);
            match stream.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => framer.feed(&buffer[..count], lines),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            self.append(lines);
        }
    }

    fn append(&self, lines: &mut Vec<u8>) {
        if !lines.is_empty() {
            self.queue.append(lines);
            lines.clear();
            lines.shrink_to(2 * CHUNK);
        }
    }
}

/// The place of one connection.
struct Slot(Arc<Receiver>);

impl Slot {
    fn take(receiver: Arc<Receiver>) -> Self {
        *receiver.free.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        Self(receiver)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.left.notify_one();
    }
}

fn turned_away(peer: SocketAddr, refused: &Refused) {
    let error = crate::telemetry::chain(refused);
    match refused {
        // Probes and scanners; nothing was sent.
        Refused::Broken(_) => debug!(%peer, error, "a syslog connection was closed"),
        _ => warn!(%peer, error, "closed a syslog connection"),
    }
}

fn report(peer: SocketAddr, facts: Facts, error: Option<io::Error>) {
    let Facts { messages, cut, has_half } = facts;
    if has_half {
        warn!(%peer, "dropped a syslog message whose count promised more than came before the connection ended");
    }
    if cut > 0 {
        warn!(%peer, cut, "cut syslog messages that are longer than max_line");
    }
    match error {
        None => debug!(%peer, messages, "a syslog connection has ended"),
        Some(error) => {
            warn!(%peer, messages, error = %error, "a syslog connection broke, or was idle for an hour")
        }
    }
}
