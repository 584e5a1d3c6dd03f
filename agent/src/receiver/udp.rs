//! Syslog over UDP: a datagram is a message. Nothing holds its sender, so what has no room is dropped and counted.

use super::Sink;
use super::framer::{Put, put};
use rustix::net::{RecvFlags, recv};
use std::io::{self, ErrorKind};
use std::net::UdpSocket;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tracing::warn;

/// More than any datagram has.
const DATAGRAM: usize = 64 * 1024;

/// What the system is asked to keep while the queue is being written. It may give less.
const KEPT_BYTES: usize = 4 << 20;

/// Datagrams are gathered for so long, and up to so many bytes, for one append to the queue: each costs the agent a write and
/// a look at the file. The system keeps far more than comes in this time.
const GATHERING: Duration = Duration::from_millis(1);
const GATHERED_BYTES: usize = 64 * 1024;

/// Pause after a read that failed.
const READ_PAUSE: Duration = Duration::from_millis(100);

/// Takes the address.
pub(super) fn bind(address: std::net::SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(address)?;
    // With the usual buffer it works as well, and drops sooner.
    let _usual = rustix::net::sockopt::set_socket_recv_buffer_size(&socket, KEPT_BYTES);
    Ok(socket)
}

/// Starts the thread that appends what comes to `socket` to the queue. It is never waited for.
pub(super) fn receive(socket: UdpSocket, sink: Arc<Sink>) -> io::Result<()> {
    let thread = thread::Builder::new().name(sink.queue.name()).stack_size(256 * 1024);
    thread.spawn(move || read(&socket, &sink))?;
    Ok(())
}

fn read(socket: &UdpSocket, sink: &Sink) {
    let (mut buffer, mut gathered) = (vec![0; DATAGRAM], Gathered::default());
    loop {
        match socket.recv_from(&mut buffer) {
            Ok((len, _)) => {
                gathered.add(&buffer[..len], sink.max_message);
                gathered.add_waiting(socket, &mut buffer, sink.max_message);
                gathered.append(sink);
                thread::sleep(GATHERING);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                warn!(queue = sink.queue.name(), error = %error, "cannot read syslog datagrams");
                thread::sleep(READ_PAUSE);
            }
        }
    }
}

/// Messages on their way into the queue.
#[derive(Default)]
struct Gathered {
    lines: Vec<u8>,
    messages: u64,
    cut: u64,
}

impl Gathered {
    fn add(&mut self, datagram: &[u8], max_message: usize) {
        let put = put(datagram, datagram.len() as u64, max_message, &mut self.lines);
        self.messages += u64::from(put != Put::Nothing);
        self.cut += u64::from(put == Put::Cut);
    }

    /// Adds what has come, without waiting for more.
    fn add_waiting(&mut self, socket: &UdpSocket, buffer: &mut [u8], max_message: usize) {
        while self.lines.len() < GATHERED_BYTES {
            // Whatever is wrong is met again by the read that waits.
            let Ok((len, _)) = recv(socket, &mut *buffer, RecvFlags::DONTWAIT) else { return };
            self.add(&buffer[..len], max_message);
        }
    }

    fn append(&mut self, sink: &Sink) {
        let Self { mut lines, messages, cut } = std::mem::take(self);
        if messages > 0 {
            match sink.queue.offer(&lines) {
                Ok(()) => sink.counters.taken(messages, cut),
                Err(_) => sink.counters.dropped(messages),
            }
        }
        lines.clear();
        self.lines = lines;
    }
}

/// Datagrams that the system has dropped because this process did not read them in time. `None`: it does not tell.
pub(super) fn dropped_by_system(inode: u64) -> Option<u64> {
    let tables = ["/proc/self/net/udp", "/proc/self/net/udp6"];
    tables.iter().find_map(|table| drops(&std::fs::read_to_string(table).ok()?, inode))
}

/// Inode of a socket: what the system's table knows it by.
pub(super) fn inode(socket: &UdpSocket) -> u64 {
    rustix::fs::fstat(socket).map_or(0, |stat| stat.st_ino)
}

/// The last column of the socket's row in such a table; its tenth column is the inode.
fn drops(table: &str, inode: u64) -> Option<u64> {
    let mut rows = table.lines().skip(1).map(|row| row.split_ascii_whitespace());
    rows.find_map(|mut row| {
        let is_it = row.nth(9)?.parse() == Ok(inode);
        is_it.then(|| row.last()?.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_tells_what_it_dropped() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
            1: 0100007F:158A 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 41 2 0000000000000000 0\n\
            2: 0100007F:158B 00000000:0000 07 00000000:00034300 00:00000000 00000000     0        0 42 2 0000000000000000 7\n";
        assert_eq!((drops(table, 41), drops(table, 42), drops(table, 43)), (Some(0), Some(7), None));
        assert_eq!(drops("", 42), None);
        let socket = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
        if cfg!(target_os = "linux") {
            assert_eq!(dropped_by_system(inode(&socket)), Some(0));
        }
    }
}
