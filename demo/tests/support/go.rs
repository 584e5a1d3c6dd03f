//! Checkers in deploy/tests that are written in Go, for the libraries inside Docker's own programs are.

use super::repository;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds deploy/tests/NAME; go itself knows when there is nothing to do.
pub fn program(name: &str) -> PathBuf {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let mut build = Command::new("go");
    build
        .current_dir(repository::path("deploy/tests").join(name))
        .args(["build", "-o"])
        .arg(&program)
        .arg(".");
    repository::succeed(&mut build);
    program
}
