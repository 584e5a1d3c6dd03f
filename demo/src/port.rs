//! Ports on loopback.

use anyhow::{Context, Result};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// How many ports are tried.
const TRIES: u16 = 100;

/// The free ports from `first` on. Another process may take one before it is used.
pub(crate) fn free(first: u16) -> impl Iterator<Item = SocketAddr> {
    let addresses =
        (first..first.saturating_add(TRIES)).map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    addresses.filter(|address| TcpListener::bind(address).is_ok())
}

/// Tries `start` on one free port after the other, from `first` on. `None` from it means that the port was taken meanwhile.
pub(crate) fn on_free<T>(first: u16, mut start: impl FnMut(SocketAddr) -> Result<Option<T>>) -> Result<T> {
    for address in free(first) {
        if let Some(started) = start(address)? {
            return Ok(started);
        }
    }
    let last = first.saturating_add(TRIES - 1);
    None.with_context(|| {
        format!("no port from {first} to {last} is free; end one of the programs that have them")
    })
}

/// Whether somebody listens there.
pub(crate) fn is_taken(address: SocketAddr) -> bool {
    TcpListener::bind(address).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_passed_over() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = taken.local_addr().unwrap();
        assert!(is_taken(address));
        assert!(free(address.port()).all(|other| other.port() > address.port()));
        let mut tried = Vec::new();
        let started = on_free(address.port(), |other| {
            tried.push(other);
            Ok((tried.len() == 2).then_some(other))
        });
        assert_eq!(started.unwrap(), tried[1]);
    }

    #[test]
    fn no_free_port_is_an_error_with_a_remedy() {
        let error = on_free(60_000, |_| Ok(None::<()>)).unwrap_err().to_string();
        assert!(error.contains("from 60000 to 60099"), "{error}");
    }
}
