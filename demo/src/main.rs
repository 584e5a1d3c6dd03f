//! What `cargo demo` runs: services under load, an agent beside each, a store, and the accounts of it all.
//!
//! - [`role`]: what this program is when it starts itself again; [`process`] starts and ends those.
//! - [`stage`]: services and users; [`agents`]: who ships their logs; [`cluster`]: where they go.
//! - [`tally`]: lines written and stored; [`memory`]: what it takes; [`picture`]: how it is shown.
//! - [`run`]: the demo from its start to the balance.

mod arguments;

mod role;

mod process;

mod port;

mod stage;

mod agents;

mod cluster;

mod tally;

mod memory;

mod picture;

mod run;

use arguments::Arguments;
use clap::Parser;
use role::Role;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let program = arguments.next().unwrap_or_default();
    let mut words = arguments.peekable();
    if let Some(role) = words.peek().and_then(|word| Role::called(word)) {
        return role.play(words.collect());
    }
    let arguments = Arguments::parse_from(std::iter::once(program).chain(words));
    let _set_before = rustls::crypto::ring::default_provider().install_default();
    match run::run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}
