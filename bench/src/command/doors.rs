//! `bench doors`.

use anyhow::{Context, Result};
use bench::doors;
use bench::random::fresh_seed;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `bench doors`.
#[derive(Debug, Args)]
pub(crate) struct Doors {
    /// The agent's program.
    #[arg(long, default_value = "target/release/blueox")]
    blueox: PathBuf,
    #[command(flatten)]
    load: super::Load,
    /// How often each door is filled; the median counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Compression level of both; 0 is off.
    #[arg(long, default_value_t = 1)]
    compression: u8,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
}

impl Doors {
    /// Measures and prints.
    pub(crate) fn run(self) -> Result<ExitCode> {
        let directory = tempfile::tempdir().context("create a temporary directory")?;
        let comparison = doors::Doors {
            blueox: self.blueox,
            lines: self.load.lines,
            format: self.load.format,
            seed: self.load.seed.unwrap_or_else(fresh_seed),
            rounds: self.rounds,
            compression: self.compression,
        };
        let report = comparison.run(directory.path())?;
        super::show(&report, self.json)?;
        Ok(ExitCode::SUCCESS)
    }
}
