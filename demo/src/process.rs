//! This program started again as another.

use super::role::Role;
use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Between two looks at whether a process has ended.
const LOOK: Duration = Duration::from_millis(20);
/// Lines of its log that say why a process ended.
const LAST_WORDS: usize = 5;

/// A process, ended with this value.
pub(crate) struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts one; what it says on standard error is added to `log`.
    pub(crate) fn start(
        role: Role,
        name: &str,
        log: &Path,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Result<Self> {
        let (program, first) = role.program().context("this program is not found")?;
        let stderr = OpenOptions::new().create(true).append(true).open(log);
        let stderr = stderr.with_context(|| format!("cannot write `{}`", log.display()))?;
        let mut command = Command::new(&program);
        command.args(first).args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr);
        let child =
            command.spawn().with_context(|| format!("cannot run `{}` for {name}", program.display()))?;
        Ok(Self { name: name.to_owned(), child, log: log.to_owned() })
    }

    /// The next line it prints; none where it ends before.
    pub(crate) fn next_line(&mut self) -> Result<Option<String>> {
        let mut line = String::new();
        if let Some(output) = &mut self.child.stdout {
            BufReader::with_capacity(1, output)
                .read_line(&mut line)
                .with_context(|| format!("cannot read what {} prints", self.name))?;
        }
        Ok(line.ends_with('\n').then(|| line.trim_end().to_owned()))
    }

    /// An error where it has ended by itself.
    pub(crate) fn check(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => {
                bail!("{} ended by itself with {status}; its last words:\n{}", self.name, self.last_words())
            }
        }
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> Result<ExitStatus> {
        Ok(self.child.wait()?)
    }

    /// Ends it without a chance to say anything (SIGKILL).
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.child.kill().with_context(|| format!("cannot kill {}", self.name))?;
        self.child.wait().map(drop).with_context(|| format!("cannot wait for {}", self.name))
    }

    /// Ends it by SIGTERM, and by SIGKILL where that takes longer than `patience`.
    pub(crate) fn stop(&mut self, patience: Duration) -> Result<()> {
        // Not waited for so far, so its id belongs to no other process.
        if self.child.try_wait()?.is_none()
            && let Some(pid) = Pid::from_raw(self.child.id() as i32)
        {
            let _ended_meanwhile = kill_process(pid, Signal::TERM);
        }
        let until = Instant::now() + patience;
        while self.child.try_wait()?.is_none() {
            if Instant::now() > until {
                return self.kill();
            }
            sleep(LOOK);
        }
        Ok(())
    }

    /// The end of its log, for an error.
    pub(crate) fn last_words(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(LAST_WORDS)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ended_already = self.kill();
    }
}
