//! The agent and its peers over the same lines into the same sink, one after the other.
//!
//! Counted per processor second of the shipper's own process, so that sink and generator may share the machine. Figures
//! of two runs, or of two machines, do not compare; the ratios within one run do.

mod measure;
mod peer;
mod report;

pub use measure::{Latency, Measurement};
pub use peer::Peer;
pub use report::Report;

use crate::line::{Format, Origin};
use crate::process;
use crate::sink::Items;
use crate::writer::{Clock, LogWriter, Rotation};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A comparison.
#[derive(Debug)]
pub struct Comparison {
    /// Who takes part, in this order.
    pub peers: Vec<Peer>,
    /// Lines of the file all of them read.
    pub lines: u64,
    /// Shape of the lines.
    pub format: Format,
    /// Seed of the lines.
    pub seed: u64,
    /// How the sink answers.
    pub items: Items,
    /// Quiet time before idle memory is read.
    pub idle: Duration,
    /// How long lines are written for the latency.
    pub live: Duration,
    /// Lines a second meanwhile.
    pub live_rate: u64,
}

/// What a peer reads and where it keeps its things.
#[derive(Debug, Clone)]
pub struct Course {
    /// The large file, the same for all.
    pub load: PathBuf,
    /// The file written live; there from the start.
    pub live: PathBuf,
    /// The peer's own directory: configuration, state, log.
    pub home: PathBuf,
}

impl Comparison {
    /// Writes the lines and measures each peer. A peer that fails is reported and does not stop the others.
    pub fn run(&self, directory: &Path) -> Result<Report> {
        let load = directory.join("load.log");
        let origin = Origin { seed: self.seed, writer: 1, format: self.format };
        LogWriter::open(&load, origin, Clock::SAMPLE, Rotation::None)?.write(self.lines)?;
        let mut rows = Vec::new();
        let mut failures = Vec::new();
        for (number, peer) in self.peers.iter().enumerate() {
            eprintln!("{} …", peer.name());
            let home = directory.join(format!("{number}"));
            std::fs::create_dir(&home).with_context(|| format!("create `{}`", home.display()))?;
            let course = Course { load: load.clone(), live: home.join("live.log"), home };
            match measure::measure(self, peer, &course) {
                Ok(measurement) => rows.push(measurement),
                Err(error) => {
                    eprintln!("{}: {error:#}", peer.name());
                    failures.push(format!("{}: {error:#}", peer.name()));
                }
            }
        }
        Ok(Report {
            machine: process::machine(),
            lines: self.lines,
            format: self.format,
            seed: self.seed,
            rows,
            failures,
        })
    }
}
