//! Syslog over UDP: a datagram is a message. Nothing holds its sender, so what has no room is dropped and counted.

use super::Sink;
use super::framer::{Put, put};
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
    let (mut buffer, mut line) = (vec![0; DATAGRAM], Vec::new());
    loop {
        match socket.recv_from(&mut buffer) {
            Ok((len, _)) => take(&buffer[..len], &mut line, sink),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                warn!(queue = sink.queue.name(), error = %error, "cannot read syslog datagrams");
                thread::sleep(READ_PAUSE);
            }
        }
    }
}

fn take(datagram: &[u8], line: &mut Vec<u8>, sink: &Sink) {
    line.clear();
    let put = put(datagram, datagram.len() as u64, sink.max_message, line);
    if put == Put::Nothing {
        return;
    }
    match sink.queue.offer(line) {
        Ok(()) => sink.counters.taken(1, u64::from(put == Put::Cut)),
        Err(_) => sink.counters.dropped(),
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
