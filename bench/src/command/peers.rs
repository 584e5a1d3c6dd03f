//! `bench peers`.

use anyhow::{Context, Result};
use bench::peers::{Comparison, Peer};
use bench::random::fresh_seed;
use bench::sink::Items;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Arguments of `bench peers`.
#[derive(Debug, Args)]
pub(crate) struct Peers {
    /// This project's agent; measured with and without gzip.
    #[arg(long, default_value = "target/release/blueox")]
    blueox: PathBuf,
    /// Leave this project's agent out.
    #[arg(long)]
    without_blueox: bool,
    /// `rsyslogd`.
    #[arg(long)]
    rsyslog: Option<PathBuf>,
    /// `omelasticsearch.so`, where it is not in rsyslog's own directory.
    #[arg(long, requires = "rsyslog")]
    omelasticsearch: Option<PathBuf>,
    /// A Filebeat of 7.17 or newer.
    #[arg(long)]
    filebeat: Option<PathBuf>,
    /// Any other shipper: a name and a script that configures and `exec`s it.
    #[arg(long, value_name = "NAME=PATH", value_parser = other)]
    peer: Vec<Peer>,
    #[command(flatten)]
    load: super::Load,
    /// Seconds of quiet before idle memory is read.
    #[arg(long, default_value_t = 30)]
    idle: u64,
    /// Seconds of live lines for the latency.
    #[arg(long, default_value_t = 20)]
    live: u64,
    /// Live lines a second.
    #[arg(long, default_value_t = 1000)]
    live_rate: u64,
    /// Let the sink answer with statuses only.
    #[arg(long)]
    short: bool,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
}

impl Peers {
    /// Measures and prints.
    pub(crate) fn run(self) -> Result<ExitCode> {
        let directory = tempfile::tempdir().context("create a temporary directory")?;
        let comparison = Comparison {
            peers: self.participants(),
            lines: self.load.lines,
            format: self.load.format,
            seed: self.load.seed.unwrap_or_else(fresh_seed),
            items: if self.short { Items::Short } else { Items::Real },
            idle: Duration::from_secs(self.idle),
            live: Duration::from_secs(self.live),
            live_rate: self.live_rate,
        };
        let report = comparison.run(directory.path())?;
        super::show(&report, self.json)?;
        Ok(if report.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn participants(&self) -> Vec<Peer> {
        let mut peers = Vec::new();
        if !self.without_blueox {
            peers
                .extend([1, 0].map(|compression| Peer::Blueox { program: self.blueox.clone(), compression }));
        }
        if let Some(program) = &self.rsyslog {
            peers.push(Peer::Rsyslog { program: program.clone(), module: self.omelasticsearch.clone() });
        }
        if let Some(program) = &self.filebeat {
            peers.push(Peer::Filebeat { program: program.clone() });
        }
        peers.extend(self.peer.iter().cloned());
        peers
    }
}

fn other(text: &str) -> Result<Peer, String> {
    match text.split_once('=') {
        Some((name, program)) if !name.is_empty() && !program.is_empty() => {
            Ok(Peer::Other { name: name.to_owned(), program: program.into() })
        }
        _ => Err("expected NAME=PATH".to_owned()),
    }
}
