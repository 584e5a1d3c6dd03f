//! The outputs, each against servers that misbehave and against real ones: batches in, settlements out.

#![allow(clippy::unwrap_used, reason = "a test ends where something unexpected comes")]

#[path = "../support/certificates.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared with other tests, each using its part")]
mod certificates;
#[path = "../support/scripted_server.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared with other tests, each using its part")]
mod scripted_server;

mod beats_server;
mod harness;
mod http_output;
mod logstash_output;
mod output_engines;
mod output_faults;
mod output_tls;
mod syslog_output;
