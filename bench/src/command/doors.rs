//! `bench doors`.

use anyhow::{Context, Result};
use bench::doors;
use clap::Args;
use std::process::ExitCode;

/// Arguments of `bench doors`.
#[derive(Debug, Args)]
pub(crate) struct Doors {
    #[command(flatten)]
    course: super::Course,
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
        let comparison = doors::Doors { course: self.course.chosen(), compression: self.compression };
        let report = comparison.run(directory.path())?;
        super::show(&report, self.json)?;
        Ok(ExitCode::SUCCESS)
    }
}
