//! The program.

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    pocket_elk::command::run(pocket_elk::command::Arguments::parse())
}
