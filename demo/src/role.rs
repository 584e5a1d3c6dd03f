//! What this program is when it starts itself again: one build, separate processes.

use clap::Parser;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use tracing::level_filters::LevelFilter;

/// A program that is linked into this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// `blueox`.
    Agent,
    /// `demo-service`.
    Service,
    /// `pocket-elk`.
    Store,
}

impl Role {
    /// The word that makes this program play it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Agent => "blueox",
            Self::Service => "demo-service",
            Self::Store => "pocket-elk",
        }
    }

    /// The role with this word.
    pub(crate) fn called(word: &OsStr) -> Option<Self> {
        [Self::Agent, Self::Service, Self::Store].into_iter().find(|role| role.word() == word)
    }

    /// This program and the arguments that make it play the role, for this process as its parent.
    pub(crate) fn program(self) -> io::Result<(PathBuf, Vec<OsString>)> {
        let parent = std::process::id().to_string();
        Ok((std::env::current_exe()?, vec![self.word().into(), parent.into()]))
    }

    /// Plays it; `words` are those of [`Self::program`] and the arguments of the role.
    pub(crate) fn play(self, mut words: Vec<OsString>) -> ExitCode {
        let parent = words.get(1).and_then(|word| word.to_str()?.parse().ok());
        let Some(parent) = parent else {
            eprintln!("{}: only the demo itself starts this program so", self.word());
            return ExitCode::from(2);
        };
        if let Err(error) = follow(parent) {
            eprintln!("{}: cannot be tied to its parent: {error}", self.word());
            return ExitCode::FAILURE;
        }
        words.remove(1);
        match self {
            Self::Agent => agent(words),
            Self::Service => demo_service::run(demo_service::Arguments::parse_from(words)),
            Self::Store => pocket_elk::command::run(pocket_elk::command::Arguments::parse_from(words)),
        }
    }
}

fn agent(words: Vec<OsString>) -> ExitCode {
    blueox::memory::share_arena();
    let arguments = blueox::cli::Arguments::parse_from(words);
    if let Err(error) = blueox::telemetry::init(LevelFilter::INFO) {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    let _set_before = rustls::crypto::ring::default_provider().install_default();
    let exit = blueox::cli::execute(arguments);
    blueox::telemetry::flush();
    exit.into()
}

/// Ends this process with its parent, however that ends, and keeps the terminal's Ctrl-C from it: the parent ends everything
/// in an order in which no line is left behind.
fn follow(parent: i32) -> io::Result<()> {
    let _leads_one_already = rustix::process::setpgid(None, None);
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    // It may have ended before it could be followed.
    match rustix::process::getppid().is_some_and(|now| now.as_raw_nonzero().get() == parent) {
        true => Ok(()),
        false => Err(io::Error::other("it has ended")),
    }
}
