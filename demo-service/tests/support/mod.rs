//! Services and load as processes, and the lines they leave behind.

use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

pub(crate) fn demo_service() -> Command {
    Command::new(env!("CARGO_BIN_EXE_demo-service"))
}

/// A service on a port of the kernel's choice; killed when dropped.
pub(crate) struct Service {
    child: Child,
    pub(crate) url: String,
    pub(crate) log: PathBuf,
}

impl Service {
    pub(crate) fn start(name: &str, directory: &Path) -> Self {
        let log = directory.join(format!("{name}.log"));
        let mut command = demo_service();
        command.args(["serve", "--port", "0", "--name", name, "--log"]).arg(&log);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("start the service");
        let mut ready = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        stdout.read_line(&mut ready).expect("the first line of standard output");
        let ready: Value =
            serde_json::from_str(&ready).unwrap_or_else(|error| panic!("{error} in `{ready}`"));
        Self { child, url: ready["url"].as_str().expect("a URL").to_owned(), log }
    }

    /// Ends the service and gives its lines.
    pub(crate) fn lines(mut self) -> Vec<Value> {
        terminate(&self.child);
        self.child.wait().expect("the end of the service");
        lines(&self.log)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn terminate(child: &Child) {
    let pid = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("send the signal");
}

/// Every line of a log, its rotated files left out.
pub(crate) fn lines(log: &Path) -> Vec<Value> {
    let text = fs::read_to_string(log).unwrap_or_else(|error| panic!("{}: {error}", log.display()));
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in `{line}`"));
    text.lines().map(parse).collect()
}

/// Runs `load` with these arguments, separated by blanks, to its end.
pub(crate) fn load(arguments: &str) -> Output {
    demo_service().arg("load").args(arguments.split(' ')).output().expect("run the load generator")
}

/// The same with `--json`: its report.
pub(crate) fn report(arguments: &str) -> Value {
    let Output { status, stdout, stderr } = load(&format!("--json {arguments}"));
    assert!(status.success(), "{status}: {}", String::from_utf8_lossy(&stderr));
    serde_json::from_slice(&stdout).expect("a report in JSON")
}

/// A duration in nanoseconds under `key`.
pub(crate) fn nanoseconds(line: &Value, key: &str) -> Duration {
    Duration::from_nanos(line[key].as_u64().unwrap_or_else(|| panic!("no `{key}` in {line}")))
}
