//! The agent.

use blueox::config::{Config, Environment};
use blueox::pipeline::{self, Exit};
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let level = tracing::level_filters::LevelFilter::INFO;
    tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).with_ansi(false).init();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| Some(arguments.get(arguments.iter().position(|it| it == name)? + 1)?.as_str());
    let paths: Vec<String> = arguments
        .iter()
        .enumerate()
        .skip(1)
        .filter(|(at, it)| !it.starts_with('-') && !["-c", "--to"].contains(&arguments[at - 1].as_str()))
        .map(|(_, it)| it.clone())
        .collect();
    let environment = Environment::of_process();
    let checked = match (value("-c"), value("--to")) {
        (Some(file), to) => Config::load_with(Path::new(file), &paths, to, &environment),
        (None, to) => Config::from_arguments(&paths, to.unwrap_or("stdout:"), &environment),
    };
    let config = match checked {
        Ok(checked) => checked.config,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(78);
        }
    };
    let exit = match arguments.first().map(String::as_str) {
        Some("run") => pipeline::run(&config),
        Some("once") => pipeline::once(&config, &mut |_| {}).map(|(exit, _)| exit),
        _ => return ExitCode::from(2),
    };
    match exit {
        Ok(Exit::Done) => ExitCode::SUCCESS,
        Ok(Exit::Failed) => ExitCode::from(1),
        Ok(Exit::Undelivered) => ExitCode::from(75),
        Err(error) => {
            eprintln!("{}", blueox::telemetry::chain(&error));
            ExitCode::from(1)
        }
    }
}
