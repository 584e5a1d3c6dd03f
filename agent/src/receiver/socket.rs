//! A sender that is gone without a word gives its place back.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

/// A connection at rest is asked for its other end after so long …
const IDLE: Duration = Duration::from_secs(60);

/// … so often …
const PROBES: u32 = 4;

/// … at this distance.
const BETWEEN: Duration = Duration::from_secs(15);

/// Most time that bytes of ours may lie unread at the other end.
#[cfg(target_os = "linux")]
const UNREAD: Duration = Duration::from_secs(60);

/// Ends reads and writes of this connection at most two minutes after its other end has gone.
pub(super) fn watch(socket: impl AsFd) -> io::Result<()> {
    use rustix::net::sockopt;
    sockopt::set_socket_keepalive(&socket, true)?;
    sockopt::set_tcp_keepidle(&socket, IDLE)?;
    sockopt::set_tcp_keepcnt(&socket, PROBES)?;
    sockopt::set_tcp_keepintvl(&socket, BETWEEN)?;
    #[cfg(target_os = "linux")]
    sockopt::set_tcp_user_timeout(&socket, UNREAD.as_millis() as u32)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn an_accepted_connection_is_watched() {
        use rustix::net::sockopt;
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let _sender = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (socket, _) = listener.accept().unwrap();
        watch(&socket).unwrap();
        assert!(sockopt::socket_keepalive(&socket).unwrap());
        assert_eq!(sockopt::tcp_keepidle(&socket).unwrap(), IDLE);
    }
}
