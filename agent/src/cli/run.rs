//! `run` and `once`: from arguments to the pipeline.

use super::progress::Progress;
use super::{Exit, Source, refuse};
use crate::config::{Checked, Config, ConfigError, Environment};
use crate::output::OutputError;
use crate::pipeline::{self, RunError};
use crate::receiver::DoorError;
use crate::telemetry::chain;
use rustix::fs::FileType;
use tracing::{error, warn};

pub(super) fn run(source: &Source) -> Exit {
    let config = match configuration(source).map(logged) {
        Ok(config) => config,
        Err(error) => return refuse(&error),
    };
    match pipeline::run(&config) {
        Ok(exit) => ended(exit),
        Err(error) => failed(&error),
    }
}

pub(super) fn once(source: &Source) -> Exit {
    let config = match once_configuration(source).map(logged) {
        Ok(config) => config,
        Err(error) => return refuse(&error),
    };
    let mut progress = Progress::start();
    let result = pipeline::once(&config, &mut |now| progress.show(&now));
    match result {
        Ok((exit, last)) => {
            progress.finish(&last);
            ended(exit)
        }
        Err(error) => {
            progress.abandon();
            failed(&error)
        }
    }
}

/// Files named without wildcards must be there: a run over nothing would call itself done.
fn once_configuration(source: &Source) -> Result<Checked, ConfigError> {
    if source.paths.is_empty() {
        return Err(usage("name at least one PATH to read, such as `blueox once app.log --to URL`"));
    }
    for path in &source.paths {
        let literal = !path.contains(['*', '?', '[', '{', '\\']);
        if literal && std::fs::metadata(path).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
        {
            return Err(usage(&format!("{}: no such file; check the path", crate::config::shown(path))));
        }
    }
    configuration(source)
}

fn configuration(source: &Source) -> Result<Checked, ConfigError> {
    let environment = Environment::of_process();
    match (&source.config, &source.to) {
        (Some(file), None) if source.paths.is_empty() => Config::load(file, &environment),
        (Some(file), to) => Config::load_with(file, &source.paths, to.as_deref(), &environment),
        (None, Some(to)) if !source.paths.is_empty() || is_stdin_given() => {
            Config::from_arguments(&source.paths, to, &environment)
        }
        (None, Some(_)) => Err(usage("name a PATH, or pipe lines into standard input")),
        (None, None) => Err(usage("name a configuration with `-c FILE`, or where to send with `--to URL`")),
    }
}

/// Whether somebody has put lines there: neither a terminal nor `/dev/null`, which services get.
fn is_stdin_given() -> bool {
    rustix::fs::fstat(std::io::stdin()).is_ok_and(|stat| {
        matches!(
            FileType::from_raw_mode(stat.st_mode),
            FileType::Fifo | FileType::Socket | FileType::RegularFile
        )
    })
}

fn usage(text: &str) -> ConfigError {
    ConfigError::Usage(text.to_owned())
}

/// Warnings belong into the log of each start.
fn logged(checked: Checked) -> Config {
    for warning in &checked.warnings {
        warn!(place = %warning, "the configuration is valid but unwise");
    }
    checked.config
}

fn ended(exit: pipeline::Exit) -> Exit {
    match exit {
        pipeline::Exit::Done => Exit::Done,
        pipeline::Exit::Failed => Exit::Failed,
        pipeline::Exit::Undelivered => Exit::Unavailable,
    }
}

fn failed(error: &RunError) -> Exit {
    error!(error = chain(error), "cannot run");
    match error {
        // What the check at the start let pass: certificates only the TLS library can judge.
        RunError::Output(OutputError::Elasticsearch(_) | OutputError::Http(_) | OutputError::Tls(_))
        | RunError::Door(DoorError::Tls { .. }) => Exit::Invalid,
        _ => Exit::Failed,
    }
}
