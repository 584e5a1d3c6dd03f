//! Arguments and commands.

mod check;

mod dead_letters;

mod explain;

mod progress;

mod run;

mod selftest;

#[cfg(feature = "setup")]
mod setup;

mod status;

mod table;

#[cfg(feature = "setup")]
pub use setup::connect;
pub use status::status_of;

use crate::config::{Checked, Config, ConfigError, Environment};
use clap::{Args, Parser, Subcommand};
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

/// Ships log files to Elasticsearch, Logstash or Logsearch: every line once, as ECS
#[derive(Debug, Parser)]
#[command(
    name = "blueox",
    version,
    arg_required_else_help = true,
    after_help = "Exit codes: 0 done, 1 run failed, 2 wrong usage, 75 not reachable, not ready or not everything \
                  delivered, 78 configuration invalid"
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Tail files until SIGTERM or SIGINT; without PATH ship standard input until it ends and is delivered
    Run(Source),
    /// Read files to their end (also .gz and .zst), then exit; 0 only if all is stored
    Once(Source),
    /// Validate a configuration; touches neither state nor, without --output, the network
    Check {
        /// Configuration file
        #[arg(short, long, value_name = "FILE")]
        config: PathBuf,
        /// Also connect, log in, and name data streams without our index template
        #[arg(long)]
        output: bool,
    },
    /// Show what each line becomes and why
    Explain {
        /// Log file, or - for standard input
        #[arg(default_value = "-", value_name = "PATH")]
        path: PathBuf,
        /// Take lines for this format in place of detecting it
        #[arg(long, value_name = "FORMAT")]
        format: Option<String>,
        /// Say in place of that what the application should write differently
        #[arg(long)]
        advice: bool,
    },
    /// Show accounts, files and lag of a running agent; 0 only when it is ready, else 75
    Status {
        /// Status page of the agent (a token comes from BLUEOX_TOKEN or BLUEOX_TOKEN_FILE)
        #[arg(long, default_value = "http://127.0.0.1:5066")]
        url: String,
    },
    /// Send a line with a random id and, given an Elasticsearch, wait until it can be found there
    Selftest {
        /// Where to send it, as for `run`
        #[arg(long, value_name = "URL")]
        to: String,
        /// Where to look for it; an http(s) URL of --to is looked in by itself
        #[arg(long, value_name = "URL")]
        elasticsearch: Option<String>,
    },
    /// Set a cluster up: templates, retention, role, boards
    #[cfg(feature = "setup")]
    Setup(setup::SetupArguments),
    /// Events the server refused for good
    DeadLetters {
        #[command(subcommand)]
        command: DeadLettersCommand,
    },
}

/// What to read and where to send it.
#[derive(Debug, Args)]
#[command(
    after_help = "--to takes http(s)://HOST:PORT (Elasticsearch, OpenSearch), logstash(s)://HOST:PORT, \
    syslog+tcp://HOST:PORT (or tls, udp), file:PATH or stdout:\n\
    Its log-in comes from BLUEOX_API_KEY, or BLUEOX_USERNAME and BLUEOX_PASSWORD, its authority from BLUEOX_CA;\n\
    each also as ..._FILE"
)]
struct Source {
    /// Configuration file
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Files or globs to read; in place of those of the configuration. Without them and -c: standard input
    #[arg(value_name = "PATH")]
    paths: Vec<String>,
    /// Where to send events; in place of the output of the configuration
    #[arg(long, value_name = "URL")]
    to: Option<String>,
}

#[derive(Debug, Subcommand)]
enum DeadLettersCommand {
    /// List them, oldest first
    List {
        /// Configuration file
        #[arg(short, long, value_name = "FILE")]
        config: PathBuf,
    },
}

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0.
    Done,
    /// 1: the run failed.
    Failed,
    /// 2: wrong usage.
    Usage,
    /// 75: not reachable, not ready, or not everything delivered.
    Unavailable,
    /// 78: the configuration is invalid.
    Invalid,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Unavailable => 75,
            Exit::Invalid => 78,
        })
    }
}

/// Runs one command to its end.
pub fn execute(arguments: Arguments) -> Exit {
    match arguments.command {
        Command::Run(source) => run::run(&source),
        Command::Once(source) => run::once(&source),
        Command::Check { config, output } => check::check(&config, output),
        Command::Explain { path, format, advice } => explain::explain(&path, format, advice),
        Command::Status { url } => status::status(&url),
        Command::Selftest { to, elasticsearch } => selftest::selftest(&to, elasticsearch.as_deref()),
        #[cfg(feature = "setup")]
        Command::Setup(arguments) => setup::setup(&arguments),
        Command::DeadLetters { command: DeadLettersCommand::List { config } } => dead_letters::list(&config),
    }
}

/// The configuration of a file, with every mistake or warning printed.
fn load(file: &std::path::Path) -> Result<Config, Exit> {
    checked(Config::load(file, &Environment::of_process()))
}

/// Prints what is wrong or unwise, one a line, to standard error.
fn checked(result: Result<Checked, ConfigError>) -> Result<Config, Exit> {
    match result {
        Ok(checked) => {
            for warning in &checked.warnings {
                eprintln!("warning: {warning}");
            }
            Ok(checked.config)
        }
        Err(error) => Err(refuse(&error)),
    }
}

fn refuse(error: &ConfigError) -> Exit {
    eprintln!("{error}");
    match error {
        ConfigError::Usage(_) => Exit::Usage,
        ConfigError::Invalid(_) => Exit::Invalid,
    }
}

/// How a command ends that could not print all it had: a reader that has seen enough (`| head`) is no failure.
fn printed(result: io::Result<()>, exit: Exit) -> Exit {
    match result {
        Ok(()) => exit,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => exit,
        Err(error) => {
            eprintln!("cannot write to standard output: {error}");
            Exit::Failed
        }
    }
}
