//! HTTP/1.1 by hand on blocking sockets: a fault server must be able to stop at any byte, and a measuring sink must cost little.

mod client;
mod exchange;
mod head;
mod server;

pub use client::{Client, Reply};
pub use exchange::{Body, Exchange, Framing, Peer};
pub use head::{BodyLength, Head};
pub use server::{Server, Service};
