//! The agent: arguments → configuration → run → exit code.

use blueox::cli::{self, Arguments, Exit};
use blueox::telemetry;
use clap::Parser;
use std::process::ExitCode;
use tracing::level_filters::LevelFilter;

fn main() -> ExitCode {
    blueox::memory::share_arena();
    // Prints help and version to standard output (0), wrong usage to standard error (2).
    let arguments = Arguments::parse();
    if let Err(error) = telemetry::init(LevelFilter::INFO) {
        eprintln!("{error}");
        return Exit::Invalid.into();
    }
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        tracing::error!("the cryptography provider is set already");
        return Exit::Failed.into();
    }
    let exit = cli::execute(arguments);
    telemetry::flush();
    exit.into()
}
