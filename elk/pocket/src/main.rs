//! The program.

use clap::Parser;
use std::process::ExitCode;

/// Documents are parsed on some threads and freed on others, and `--memory` is a bound on what is resident: this one
/// gives pages back that glibc's keeps in one arena a thread.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    pocket_elk::command::run(pocket_elk::command::Arguments::parse())
}
