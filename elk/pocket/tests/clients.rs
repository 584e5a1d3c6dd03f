//! The official clients, doing over the real binary what their users do: store, be refused, search, change, take back.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use support::Server;

/// Where the programs stand.
fn program(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(path)
}

/// A folder that outlasts the run, for what is installed.
fn installed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients").join(name)
}

fn succeed(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(output.status.success(), "{command:?}: {}\n{said}", output.status);
}

fn with_store(run: impl FnOnce(&str)) {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    run(&format!("http://{}", server.address()));
}

#[test]
#[ignore = "needs Python"]
fn the_python_client_is_served() {
    let folder = installed("python");
    succeed(Command::new("python3").args(["-m", "venv"]).arg(&folder));
    let mut install = Command::new(folder.join("bin/pip"));
    install.args(["install", "--quiet", "--disable-pip-version-check", "-r"]);
    succeed(install.arg(program("python/requirements.txt")));
    with_store(|url| {
        succeed(Command::new(folder.join("bin/python")).arg(program("python/main.py")).arg(url));
    });
}

#[test]
#[ignore = "needs Node"]
fn the_javascript_client_is_served() {
    let folder = installed("javascript");
    std::fs::create_dir_all(&folder).expect("a folder");
    for file in ["package.json", "package-lock.json", "main.js"] {
        std::fs::copy(program("javascript").join(file), folder.join(file)).expect("a copy");
    }
    succeed(Command::new("npm").args(["ci", "--silent"]).current_dir(&folder));
    with_store(|url| succeed(Command::new("node").arg(folder.join("main.js")).arg(url)));
}
