//! The program.

use clap::Parser;
use std::process::ExitCode;

/// The GNU allocator keeps what threads free: after a large search that was as much again as `--memory` counts.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    pocket_elk::command::run(pocket_elk::command::Arguments::parse())
}
