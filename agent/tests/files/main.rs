//! The real program over files: what happens to them, what lies in them, and how the agent is ended meanwhile.

#[path = "../support/agent.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared with other tests, each using its part")]
mod agent;
#[path = "../support/log_writer.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared with other tests, each using its part")]
mod log_writer;
#[path = "../support/tail.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared with other tests, each using its part")]
mod tail;

mod containers;
mod discovery;
mod file_systems;
mod inputs;
mod limits;
mod multiline;
mod processing;
mod reading;
mod restart;
mod restored_state;
mod rotation;
mod sites;
mod stored;
mod truncation;

use agent::Site;
use bench::fault::{FaultServer, Options, Plan};
use log_writer::LogFile;

/// Stores everything and never fails.
fn server() -> FaultServer {
    FaultServer::start(Options::new(Plan::Calm)).expect("a server on loopback")
}

fn log(site: &Site, name: &str) -> LogFile {
    LogFile::open(site.logs().join(name))
}
