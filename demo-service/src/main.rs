//! The command.

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    demo_service::run(demo_service::Arguments::parse())
}
