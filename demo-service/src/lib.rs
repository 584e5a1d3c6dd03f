//! Three apps under three loads, with logs worth watching.
//!
//! - [`app`]: the services.
//! - [`log`]: what they write.
//! - [`load`]: the load generator.
//! - [`scene`]: services and load that tell a story.

pub mod app;

pub mod log;

pub mod load;

pub mod scene;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// What the command line asks for.
#[derive(Debug, Parser)]
#[command(name = "demo-service", about = "Three apps under three loads, with logs worth watching")]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: app::Arguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve; the same without this word
    Serve(app::Arguments),
    /// Put services under load and report what their users see
    Load(load::plan::Arguments),
    /// Play a story: services and load, and something that goes wrong
    Scene(scene::Arguments),
}

/// Does what the arguments ask for; mistakes and failures go to standard error.
pub fn run(arguments: Arguments) -> ExitCode {
    match arguments.command {
        None => app::run(arguments.serve),
        Some(Command::Serve(serve)) => app::run(serve),
        Some(Command::Load(load)) => load::execute(load),
        Some(Command::Scene(scene)) => scene::execute(scene),
    }
}
