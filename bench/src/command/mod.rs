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
use bench::line::Format;
use clap::Args;
use std::fmt::Display;

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

/// Prints a report: a table, or JSON.
fn show(report: &(impl serde::Serialize + Display), json: bool) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(report)?);
    } else {
        print!("{report}");
    }
    Ok(())
}
