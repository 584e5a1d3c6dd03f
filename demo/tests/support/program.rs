//! What the programs in our images understand: their own definitions of flags and variables.

use clap::{CommandFactory, Parser};
use std::collections::BTreeSet;

/// Checks arguments against the definition of the program they are for; the first word is its path in the image.
pub fn understands(words: &[String]) -> Result<(), String> {
    let parsed = match words[0].as_str() {
        "/usr/bin/blueox" => blueox::cli::Arguments::try_parse_from(words).map(drop),
        "/usr/bin/demo-service" => demo_service::Arguments::try_parse_from(words).map(drop),
        other => return Err(format!("{other} is no program of these images")),
    };
    parsed.map_err(|error| format!("{words:?}: {error}"))
}

/// Variables that demo-service takes its arguments from.
pub fn service_variables() -> BTreeSet<String> {
    let command = demo_service::Arguments::command();
    let arguments =
        command.get_arguments().chain(command.get_subcommands().flat_map(|sub| sub.get_arguments()));
    arguments.filter_map(|argument| Some(argument.get_env()?.to_str()?.to_owned())).collect()
}
