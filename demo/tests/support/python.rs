//! Checkers that are Python packages, in an environment of their own.

use super::repository;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// What is installed; deploy/tests/requirements.txt pins it.
const REQUIREMENTS: &str = "deploy/tests/requirements.txt";

/// The environment's folder; made at the first use, kept in the target folder.
pub fn environment() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("checkers");
        repository::succeed(Command::new("python3").args(["-m", "venv"]).arg(&folder));
        let mut install = Command::new(folder.join("bin/pip"));
        install
            .args(["install", "--quiet", "--disable-pip-version-check", "-r"])
            .arg(repository::path(REQUIREMENTS));
        repository::succeed(&mut install);
        folder
    })
}
