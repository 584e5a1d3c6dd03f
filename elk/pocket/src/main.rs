//! The program.

mod allocator;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    allocator::give_back_soon();
    pocket_elk::command::run(pocket_elk::command::Arguments::parse())
}
