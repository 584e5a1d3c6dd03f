//! Files of this repository.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A file or folder, from the root of the repository.
pub fn path(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the root").join(relative)
}

/// The text of a file.
pub fn text(relative: &str) -> String {
    std::fs::read_to_string(path(relative)).unwrap_or_else(|error| panic!("{relative}: {error}"))
}

/// Runs a command to its end; it has to exist.
pub fn output(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?} cannot be run: {error}"))
}

/// As [`output`]; it has to succeed. Its standard output.
pub fn succeed(command: &mut Command) -> String {
    let output = output(command);
    let error = String::from_utf8_lossy(&output.stderr);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?} ended with {}:\n{text}{error}", output.status);
    text
}

/// Names of all `${NAME}` and `${NAME:-default}` in `text`.
pub fn variables(text: &str) -> Vec<&str> {
    let name =
        |rest: &'_ str| rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
    text.split("${").skip(1).map(|rest| &rest[..name(rest)]).collect()
}
