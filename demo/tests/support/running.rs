//! The demo as a process whose words are read.

use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tempfile::TempDir;

/// A demo is a dozen processes; one at a time.
static MACHINE: Mutex<()> = Mutex::new(());

/// A demo at work; killed when dropped.
pub struct Running {
    child: Child,
    output: BufReader<ChildStdout>,
    said: String,
    temporary: TempDir,
    _alone: MutexGuard<'static, ()>,
}

/// A demo that has ended.
pub struct Ended {
    pub status: ExitStatus,
    /// Everything it said.
    pub said: String,
    /// What is left in its folder for temporary files.
    pub left: usize,
}

impl Running {
    pub fn start(arguments: &[&str]) -> Self {
        let alone = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
        let temporary = tempfile::tempdir().expect("a temporary folder");
        let mut command = Command::new(env!("CARGO_BIN_EXE_blueox-demo"));
        for name in ["BLUEOX_API_KEY", "BLUEOX_USERNAME", "BLUEOX_PASSWORD", "BLUEOX_CA"] {
            command.env_remove(name);
        }
        command.args(arguments).env("TMPDIR", temporary.path()).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the demo");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, output, said: String::new(), temporary, _alone: alone }
    }

    /// Reads on until a line has what `wanted` finds.
    pub fn wait_for<T>(&mut self, wanted: impl Fn(&str) -> Option<T>) -> T {
        loop {
            let mut line = String::new();
            let bytes = self.output.read_line(&mut line).expect("its words");
            assert!(bytes > 0, "it ended before: {}", self.said);
            self.said.push_str(&line);
            if let Some(found) = wanted(line.trim_end()) {
                return found;
            }
        }
    }

    /// The address of the store.
    pub fn store(&mut self) -> String {
        self.wait_for(|line| Some(line.strip_prefix("store")?.trim().to_owned()))
    }

    /// Waits until lines are stored.
    pub fn wait_for_lines(&mut self) {
        self.wait_for(|line| {
            let stored: u64 = line.split(" stored ").nth(1)?.split_whitespace().next()?.parse().ok()?;
            (stored > 0).then_some(())
        });
    }

    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("a signal");
    }

    pub fn end(mut self) -> Ended {
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).expect("its words");
        let status = self.child.wait().expect("its end");
        let left = std::fs::read_dir(self.temporary.path()).expect("the folder").count();
        Ended { status, said: std::mem::take(&mut self.said) + &rest, left }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ended_already = self.child.wait();
    }
}

impl Ended {
    /// Lines written and stored, from the last line of the balance.
    pub fn balance(&self) -> (u64, u64) {
        let row = self.said.lines().rev().find(|line| line.starts_with("all ") && line.contains("written"));
        let numbers = row.unwrap_or_else(|| panic!("no balance: {}", self.said)).split_whitespace();
        let numbers: Vec<u64> = numbers.filter_map(|word| word.parse().ok()).collect();
        (numbers[0], numbers[1])
    }
}
