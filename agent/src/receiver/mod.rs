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

mod tcp;

pub use tcp::receive_tcp;
