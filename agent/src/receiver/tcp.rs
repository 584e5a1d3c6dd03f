//! Syslog over TCP and TLS: a thread for each connection, which waits where the queue is full.

use super::Sink;
use super::counters::{Counters, Open};
use super::framer::{Facts, Framer};
use super::memory::{SMALL, Share};
use super::stream::{Refused, Stream};
use rustls::ServerConfig;
use std::io::{self, ErrorKind, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use tracing::{debug, warn};

/// Read at once.
const CHUNK: usize = 8 * 1024;

/// A connection over which nothing comes for so long is closed.
const IDLE: Duration = Duration::from_secs(3600);

/// The same, for one that holds so much of an unfinished message that others may have to wait for it.
const IDLE_WITHIN: Duration = Duration::from_secs(60);

/// Pause after an accept that failed, for example because no descriptor is free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

const STACK: usize = 256 * 1024;

/// Starts the thread that appends what comes to `listener` to the queue, a message a line. It is never waited for.
pub(super) fn receive(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    sink: Arc<Sink>,
) -> io::Result<()> {
    let name = sink.queue.name();
    let free = Mutex::new(sink.connections);
    let receiver = Arc::new(Receiver { sink, tls, free, left: Condvar::new() });
    thread::Builder::new().name(name).stack_size(STACK).spawn(move || receiver.accept(&listener))?;
    Ok(())
}

/// What a message of the greatest length may take: as it came, its beginning once it is too long, and as a line of the queue.
pub(super) fn share_bytes(max_message: usize) -> usize {
    3 * (max_message + CHUNK)
}

struct Receiver {
    sink: Arc<Sink>,
    tls: Option<Arc<ServerConfig>>,
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
                    warn!(queue = self.sink.queue.name(), error = %error, "cannot accept a syslog connection");
                    thread::sleep(ACCEPT_PAUSE);
                }
            }
        }
    }

    fn await_free(&self) {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        if *free == 0 {
            warn!(
                queue = self.sink.queue.name(),
                connections = self.sink.connections,
                "all syslog connections are taken, further senders wait"
            );
        }
        drop(self.left.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner));
    }

    fn start(self: &Arc<Self>, socket: TcpStream, peer: SocketAddr) {
        let slot = Slot::take(self.clone());
        let talk = move || slot.0.talk(socket, peer);
        if let Err(error) = thread::Builder::new().name("syslog".into()).stack_size(STACK).spawn(talk) {
            Counters::add(&self.sink.counters.refused_connections);
            warn!(%peer, error = %error, "no thread for a syslog connection, closed it");
        }
    }

    fn talk(&self, socket: TcpStream, peer: SocketAddr) {
        let _open = Open::count(&self.sink.counters);
        match Stream::accept(socket, self.tls.as_ref(), IDLE) {
            Ok(stream) => Talk::new(&self.sink, stream).run(peer),
            Err(refused) => self.turn_away(peer, &refused),
        }
    }

    fn turn_away(&self, peer: SocketAddr, refused: &Refused) {
        let error = crate::telemetry::chain(refused);
        if let Refused::Broken(_) = refused {
            // Probes and scanners; nothing was sent.
            debug!(%peer, error, "a syslog connection was closed");
            return;
        }
        Counters::add(&self.sink.counters.refused_connections);
        warn!(%peer, error, "closed a syslog connection");
    }
}

/// One connection.
struct Talk<'a> {
    sink: &'a Sink,
    stream: Stream,
    framer: Framer,
    /// Finished messages, which have room in the queue.
    lines: Vec<u8>,
    /// Memory for a message of any length, while there is a long one.
    share: Option<Share>,
    counted: Facts,
}

impl<'a> Talk<'a> {
    fn new(sink: &'a Sink, stream: Stream) -> Self {
        let framer = Framer::new(sink.max_message);
        Self { sink, stream, framer, lines: Vec::new(), share: None, counted: Facts::default() }
    }

    fn run(mut self, peer: SocketAddr) {
        let error = self.read().err();
        self.framer.end(&mut self.lines);
        self.append();
        report(peer, self.counted, error);
    }

    /// Nothing waits in memory but half a message: what is read has its room already.
    fn read(&mut self) -> io::Result<()> {
        let mut buffer = vec![0; CHUNK];
        loop {
            self.fit_memory()?;
            self.sink.queue.await_room(CHUNK as u64);
            match self.stream.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => self.framer.feed(&buffer[..count], &mut self.lines),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            self.append();
        }
    }

    /// Waits for memory before more of a long message is read, and gives it back behind it.
    fn fit_memory(&mut self) -> io::Result<()> {
        match (self.framer.held() > SMALL, self.share.is_some()) {
            (true, false) => {
                self.share = Some(self.sink.memory.take(share_bytes(self.sink.max_message)));
                self.framer.reserve(CHUNK);
                self.stream.set_idle(IDLE_WITHIN)
            }
            (false, true) => {
                self.framer.shrink(SMALL);
                self.share = None;
                self.stream.set_idle(IDLE)
            }
            _ => Ok(()),
        }
    }

    fn append(&mut self) {
        if !self.lines.is_empty() {
            self.sink.queue.append(&self.lines);
            self.lines.clear();
            self.lines.shrink_to(SMALL);
        }
        let facts = self.framer.facts();
        self.sink.counters.advanced(self.counted, facts);
        self.counted = facts;
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
        Some(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            warn!(%peer, messages, "closed a syslog connection over which nothing came for too long")
        }
        Some(error) => warn!(%peer, messages, error = %error, "a syslog connection broke"),
    }
}
