//! `bench generate`.

use anyhow::Result;
use bench::ledger;
use bench::line::{Format, Origin};
use bench::random::fresh_seed;
use bench::writer::{Clock, LogWriter, Pace, Rotation};
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// Arguments of `bench generate`.
#[derive(Debug, Args)]
pub(crate) struct Generate {
    /// File to append to.
    path: PathBuf,
    /// How many lines.
    #[arg(long, default_value_t = 1_000_000)]
    lines: u64,
    /// Shape of the lines.
    #[arg(long, value_enum, default_value_t = Format::Tracing)]
    format: Format,
    /// Number of this writer; must differ among the writers of one ledger.
    #[arg(long, default_value_t = 1)]
    writer: u32,
    /// Seed; printed where none is given.
    #[arg(long)]
    seed: Option<u64>,
    /// Lines a second, stamped with the time of day. Without it: as fast as possible, with times that follow from the seed.
    #[arg(long)]
    rate: Option<u64>,
    /// How to rotate.
    #[arg(long, value_enum, default_value_t = Rotation::None)]
    rotation: Rotation,
    /// Rotate after this many lines.
    #[arg(long, default_value_t = 100_000)]
    rotate_every: u64,
    /// Append to this ledger what was written.
    #[arg(long)]
    ledger: Option<PathBuf>,
}

impl Generate {
    /// Writes the lines, then the ledger.
    pub(crate) fn run(self) -> Result<ExitCode> {
        let seed = self.seed.unwrap_or_else(fresh_seed);
        let origin = Origin { seed, writer: self.writer, format: self.format };
        let clock = if self.rate.is_some() { Clock::System } else { Clock::SAMPLE };
        let mut writer = LogWriter::open(&self.path, origin, clock, self.rotation)?;
        let started = Instant::now();
        let written = self.write(&mut writer);
        // Whatever went wrong, the ledger tells what is in the files.
        if let Some(path) = &self.ledger {
            ledger::append(path, &writer.entry())?;
        }
        written?;
        eprintln!("{} lines in {:.3?}, seed {seed}", writer.entry().lines(), started.elapsed());
        Ok(ExitCode::SUCCESS)
    }

    fn write(&self, writer: &mut LogWriter) -> Result<()> {
        let mut pace = self.rate.map(Pace::new);
        let mut left = self.lines;
        let mut until_rotation = self.rotate_every;
        while left > 0 {
            let due = pace.as_mut().map_or(left, Pace::wait);
            let count = match self.rotation {
                Rotation::None => due.min(left),
                _ => due.min(left).min(until_rotation),
            };
            writer.write(count)?;
            left -= count;
            until_rotation = until_rotation.saturating_sub(count);
            if until_rotation == 0 && self.rotation != Rotation::None && left > 0 {
                writer.rotate()?;
                until_rotation = self.rotate_every.max(1);
            }
        }
        Ok(())
    }
}
