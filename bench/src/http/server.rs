//! One thread a connection; ended, with all its connections, when dropped.

use super::exchange::Exchange;
use std::collections::HashMap;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// Answers requests. An error ends the connection.
pub trait Service: Send + Sync + 'static {
    /// Handles one request.
    fn serve(&self, exchange: &mut Exchange<'_>) -> io::Result<()>;
}

/// A listening server.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    stopping: AtomicBool,
    body_max: usize,
    connections: Mutex<HashMap<u64, TcpStream>>,
}

impl Server {
    /// Listens on `address` (port 0: any) and serves bodies of up to `body_max` bytes, also when inflated.
    pub fn start(address: SocketAddr, body_max: usize, service: Arc<dyn Service>) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let shared =
            Arc::new(Shared { stopping: AtomicBool::new(false), body_max, connections: Mutex::default() });
        let acceptor = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared, &service)
        });
        Ok(Self { address, shared, acceptor: Some(acceptor) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://…`, without trailing slash.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        // Wakes the acceptor; where that fails it is awake already.
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
        for stream in self.shared.connections.lock().unwrap_or_else(PoisonError::into_inner).values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>, service: &Arc<dyn Service>) {
    for (number, stream) in (0u64..).zip(listener.incoming()) {
        if shared.stopping.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let Ok(handle) = stream.try_clone() else { continue };
        lock(shared).insert(number, handle);
        let shared = Arc::clone(shared);
        let service = Arc::clone(service);
        std::thread::spawn(move || {
            // Its own clone goes first: a reset needs the last handle to close with the linger time set.
            let outcome = serve(&stream, &shared, &*service);
            lock(&shared).remove(&number);
            drop(stream);
            outcome
        });
    }
}

/// Serves one connection to its end; what ended it is of no interest to anyone but the client.
fn serve(stream: &TcpStream, shared: &Shared, service: &dyn Service) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut carry = Vec::new();
    while !shared.stopping.load(Ordering::SeqCst) {
        let Some(mut exchange) = Exchange::next(stream, &mut carry, shared.body_max)? else { return Ok(()) };
        service.serve(&mut exchange)?;
        if !exchange.stays_open() {
            return Ok(());
        }
    }
    Ok(())
}

fn lock(shared: &Shared) -> std::sync::MutexGuard<'_, HashMap<u64, TcpStream>> {
    shared.connections.lock().unwrap_or_else(PoisonError::into_inner)
}
