//! `bench torture`.

use anyhow::{Context, Result};
use bench::random::fresh_seed;
use bench::torture::{CopyTruncate, Kills, Report};
use clap::Args;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Arguments of `bench torture`.
#[derive(Debug, Args)]
pub(crate) struct Torture {
    /// The agent's program.
    #[arg(long, default_value = "target/release/blueox")]
    blueox: PathBuf,
    /// How often to kill it.
    #[arg(long, default_value_t = 100, conflicts_with = "copytruncate")]
    kills: u32,
    /// Roll the data stream over while fates are unknown.
    #[arg(long, conflicts_with = "copytruncate")]
    rollover: bool,
    /// Instead of killing: rotate this often by copying and truncating, with the copies in the agent's glob.
    #[arg(long, value_name = "ROTATIONS")]
    copytruncate: Option<u64>,
    /// Lines of a copytruncate run.
    #[arg(long, default_value_t = 60_000, requires = "copytruncate")]
    lines: u64,
    /// Lines a second of a copytruncate run.
    #[arg(long, default_value_t = 10_000, requires = "copytruncate")]
    rate: u64,
    /// Seed; printed where none is given.
    #[arg(long)]
    seed: Option<u64>,
    /// Work in this directory and leave everything there. Without it a temporary one is used, kept only after a failure.
    #[arg(long)]
    keep: Option<PathBuf>,
}

impl Torture {
    /// Runs, judges, prints.
    pub(crate) fn run(self) -> Result<ExitCode> {
        let seed = self.seed.unwrap_or_else(fresh_seed);
        eprintln!("seed {seed}");
        let Some(keep) = &self.keep else { return self.run_in_temporary(seed) };
        std::fs::create_dir_all(keep).with_context(|| format!("create `{}`", keep.display()))?;
        let keep = keep.canonicalize().with_context(|| format!("find `{}`", keep.display()))?;
        Ok(code(&self.torture(seed, &keep)?))
    }

    fn run_in_temporary(&self, seed: u64) -> Result<ExitCode> {
        let directory = tempfile::tempdir().context("create a temporary directory")?;
        let outcome = self.torture(seed, directory.path());
        if !outcome.as_ref().is_ok_and(Report::passed) {
            eprintln!("all files are kept in `{}`", directory.keep().display());
        }
        Ok(code(&outcome?))
    }

    fn torture(&self, seed: u64, directory: &Path) -> Result<Report> {
        let report = match self.copytruncate {
            Some(rotations) => CopyTruncate { rotations, lines: self.lines, rate: self.rate, seed }
                .run(directory, &self.blueox),
            None => Kills { kills: self.kills, seed, roll_over: self.rollover }.run(directory, &self.blueox),
        }?;
        println!("{report}");
        Ok(report)
    }
}

fn code(report: &Report) -> ExitCode {
    if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
