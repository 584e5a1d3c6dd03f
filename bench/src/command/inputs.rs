//! `bench inputs`.

use anyhow::{Context, Result};
use bench::inputs;
use bench::random::fresh_seed;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `bench inputs`.
#[derive(Debug, Args)]
pub(crate) struct Inputs {
    /// The agent's program.
    #[arg(long, default_value = "target/release/blueox")]
    blueox: PathBuf,
    #[command(flatten)]
    load: super::Load,
    /// How often each input is used; the median counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Datagrams a second.
    #[arg(long, default_value_t = 20_000)]
    udp_rate: u64,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
}

impl Inputs {
    /// Measures and prints.
    pub(crate) fn run(self) -> Result<ExitCode> {
        let directory = tempfile::tempdir().context("create a temporary directory")?;
        let comparison = inputs::Inputs {
            blueox: self.blueox,
            lines: self.load.lines,
            format: self.load.format,
            seed: self.load.seed.unwrap_or_else(fresh_seed),
            rounds: self.rounds,
            udp_rate: self.udp_rate,
        };
        let report = comparison.run(directory.path())?;
        super::show(&report, self.json)?;
        Ok(if report.is_within_limit() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
