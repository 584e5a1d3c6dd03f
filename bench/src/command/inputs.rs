//! `bench inputs`.

use anyhow::{Context, Result};
use bench::inputs;
use clap::Args;
use std::process::ExitCode;

/// Arguments of `bench inputs`.
#[derive(Debug, Args)]
pub(crate) struct Inputs {
    #[command(flatten)]
    course: super::Course,
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
        let comparison = inputs::Inputs { course: self.course.chosen(), udp_rate: self.udp_rate };
        let report = comparison.run(directory.path())?;
        super::show(&report, self.json)?;
        Ok(if report.is_within_limit() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
