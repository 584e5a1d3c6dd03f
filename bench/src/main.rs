//! Command line of the bench.

mod command;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Measures the agent and its peers, and tries to make the agent lose or repeat a line.
#[derive(Debug, Parser)]
#[command(name = "bench", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write log lines into a file, at once or at a rate with rotation, and keep the ledger.
    Generate(command::Generate),
    /// Take bulk requests as cheaply as possible, and count.
    Sink(command::Sink),
    /// Take windows of Lumberjack version 2 as cheaply as possible, and count.
    BeatsSink(command::BeatsSink),
    /// Take bulk requests, store them, and misbehave by a seeded plan.
    FaultServer(command::FaultServer),
    /// Compare ledger and stored documents; exit code 1 unless every line is there once and unaltered.
    Judge(command::Judge),
    /// Kill the agent under load again and again, or rotate by copytruncate; then judge. Exit code 1 unless it passed.
    Torture(command::Torture),
    /// The agent and other shippers over the same lines into the same sink: speed, memory, wire, latency.
    Peers(command::Peers),
    /// The agent's `_bulk` and Lumberjack outputs over the same lines: speed, memory, wire.
    Doors(command::Doors),
    /// The same lines through each of the agent's inputs: speed, memory. Exit code 1 where one takes more memory than it may.
    Inputs(command::Inputs),
    /// Fill stores by the agent: speed, memory, disk, start, a heavy aggregation, a board.
    Store(command::Store),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Generate(generate) => generate.run(),
        Command::Sink(sink) => sink.run(),
        Command::BeatsSink(sink) => sink.run(),
        Command::FaultServer(server) => server.run(),
        Command::Judge(judge) => judge.run(),
        Command::Torture(torture) => torture.run(),
        Command::Peers(peers) => peers.run(),
        Command::Doors(doors) => doors.run(),
        Command::Inputs(inputs) => inputs.run(),
        Command::Store(store) => store.run(),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}
