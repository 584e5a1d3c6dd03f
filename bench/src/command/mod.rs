//! One file a command: its arguments and how it is run.

mod doors;
mod generate;
mod inputs;
mod judge;
mod peers;
mod serve;
mod store;
mod torture;

use anyhow::Result;
use bench::filling;
use bench::line::Format;
use bench::random::fresh_seed;
use clap::Args;
use std::fmt::Display;
use std::path::PathBuf;

pub(crate) use doors::Doors;
pub(crate) use generate::Generate;
pub(crate) use inputs::Inputs;
pub(crate) use judge::Judge;
pub(crate) use peers::Peers;
pub(crate) use serve::{BeatsSink, FaultServer, Sink};
pub(crate) use store::Store;
pub(crate) use torture::Torture;

/// The file that is shipped.
#[derive(Debug, Args)]
struct Load {
    /// Lines of the file.
    #[arg(long, default_value_t = 1_000_000)]
    lines: u64,
    /// Shape of the lines.
    #[arg(long, value_enum, default_value_t = Format::Tracing)]
    format: Format,
    /// Seed of the lines; printed where none is given.
    #[arg(long)]
    seed: Option<u64>,
}

/// What is measured, and how often.
#[derive(Debug, Args)]
struct Course {
    /// The agent's program.
    #[arg(long, default_value = "target/release/blueox")]
    blueox: PathBuf,
    #[command(flatten)]
    load: Load,
    /// How often each is measured; the median counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

impl Course {
    /// With a seed where none is given.
    fn chosen(self) -> filling::Course {
        let Self { blueox, load: Load { lines, format, seed }, rounds } = self;
        filling::Course { blueox, lines, format, seed: seed.unwrap_or_else(fresh_seed), rounds }
    }
}

/// Prints a report: a table, or JSON.
fn show(report: &(impl serde::Serialize + Display), json: bool) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(report)?);
    } else {
        print!("{report}");
    }
    Ok(())
}
