//! Started programs: their end, their log, what the kernel says of their use of the machine.

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, OpenOptions};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Lines of a log shown with a failure.
const LOG_TAIL: usize = 20;

/// A running program. Killed, and waited for, when dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

/// Memory of a process in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Memory {
    /// Resident.
    pub resident: u64,
    /// Resident and private to it: heap, stacks, written data.
    pub anonymous: u64,
}

/// What the kernel says of a process, ours or not.
#[derive(Debug, Clone, Copy)]
pub struct Usage(
    /// Its process id.
    pub u32,
);

impl Usage {
    /// User and system time of all its threads so far. Resolution 10 ms.
    pub fn cpu(self) -> Result<Duration> {
        let stat = self.read("stat")?;
        let fields = stat.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
        let ticks: u64 =
            fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
        Ok(Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second()))
    }

    /// Highest resident memory so far, in bytes.
    pub fn peak_resident(self) -> Result<u64> {
        Ok(kibibytes(&self.read("status")?, "VmHWM:"))
    }

    /// Resident memory that no file backs, now, in bytes: heap and stacks. Cheap, unlike [`Usage::memory`].
    pub fn anonymous(self) -> Result<u64> {
        Ok(kibibytes(&self.read("status")?, "RssAnon:"))
    }

    /// Memory now.
    pub fn memory(self) -> Result<Memory> {
        let rollup = self.read("smaps_rollup")?;
        Ok(Memory { resident: kibibytes(&rollup, "Rss:"), anonymous: kibibytes(&rollup, "Anonymous:") })
    }

    fn read(self, file: &str) -> Result<String> {
        let path = format!("/proc/{}/{file}", self.0);
        fs::read_to_string(&path).with_context(|| format!("read `{path}`"))
    }
}

impl Process {
    /// Starts `command`; both its outputs are appended to `log`.
    pub fn start(name: &str, command: Command, log: &Path) -> Result<Self> {
        Self::start_reading(name, command, Stdio::null(), log)
    }

    /// As [`Process::start`], with `input` as its standard input.
    pub fn start_reading(name: &str, mut command: Command, input: Stdio, log: &Path) -> Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(log);
        let file = file.with_context(|| format!("open the log `{}`", log.display()))?;
        let errors = file.try_clone().with_context(|| format!("open the log `{}`", log.display()))?;
        command.stdin(input).stdout(file).stderr(errors);
        let child =
            command.spawn().with_context(|| format!("start {name} as `{:?}`", command.get_program()))?;
        Ok(Self { name: name.to_owned(), child, log: log.to_owned() })
    }

    /// Fails, with the end of its log, where it has ended by itself.
    pub fn alive(&mut self) -> Result<()> {
        match self.child.try_wait().with_context(|| format!("look after {}", self.name))? {
            None => Ok(()),
            Some(status) => {
                bail!("{} ended by itself with {status}; its log ends:\n{}", self.name, self.log_tail())
            }
        }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9` and wait.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill().and_then(|()| self.child.wait()).with_context(|| format!("kill {}", self.name))?;
        Ok(())
    }

    /// SIGTERM, then waits up to `patience` for its end.
    pub fn stop(&mut self, patience: Duration) -> Result<ExitStatus> {
        let doing = || format!("stop {}", self.name);
        if let Some(pid) = Pid::from_raw(self.child.id() as i32) {
            kill_process(pid, Signal::TERM).with_context(doing)?;
        }
        self.ended(patience)?.with_context(|| self.overdue(patience, "SIGTERM"))
    }

    /// Waits up to `patience` for a program that ends by itself.
    pub fn finish(&mut self, patience: Duration) -> Result<ExitStatus> {
        self.ended(patience)?.with_context(|| self.overdue(patience, "its start"))
    }

    fn ended(&mut self, patience: Duration) -> Result<Option<ExitStatus>> {
        let until = Instant::now() + patience;
        loop {
            let status = self.child.try_wait().with_context(|| format!("wait for {}", self.name))?;
            if status.is_some() || Instant::now() > until {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn overdue(&self, patience: Duration, event: &str) -> String {
        format!(
            "{} did not end within {patience:?} of {event}; its log ends:\n{}",
            self.name,
            self.log_tail()
        )
    }

    /// What the kernel says of it.
    pub fn usage(&self) -> Usage {
        Usage(self.id())
    }

    /// User and system time of all its threads so far. Resolution 10 ms.
    pub fn cpu(&self) -> Result<Duration> {
        self.usage().cpu().with_context(|| format!("look at {}", self.name))
    }

    /// Highest resident memory so far, in bytes.
    pub fn peak_resident(&self) -> Result<u64> {
        self.usage().peak_resident().with_context(|| format!("look at {}", self.name))
    }

    /// Memory now.
    pub fn memory(&self) -> Result<Memory> {
        self.usage().memory().with_context(|| format!("look at {}", self.name))
    }

    /// The end of its log.
    pub fn log_tail(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(LOG_TAIL)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already; then both calls have nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn kibibytes(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// An address for a program that is started, or started again, later. A port of 127.0.0.1 that was free once may be given to
/// another listener or connection meanwhile; this one has a loopback host of its own, where nobody asks for a port.
pub fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((own_loopback_host(), 0)).context("find a free port")?;
    listener.local_addr().context("find a free port")
}

/// 127.A.B.C: B.C are the low bits of the process id, A counts the hosts given, from 1 to 254 and round again.
/// Linux answers at all of 127.0.0.0/8.
fn own_loopback_host() -> Ipv4Addr {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let count = GIVEN.fetch_add(1, Ordering::Relaxed) % 254 + 1;
    Ipv4Addr::from_bits(127 << 24 | count << 16 | std::process::id() & 0xffff)
}

/// What ran the measurement: `2 × AMD EPYC, Linux 6.18.5`.
pub fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": ").map(|(_, name)| name));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{cores} × {}, Linux {}", model.unwrap_or("unknown processor").trim(), kernel.trim())
}

/// Load of the machine over the last 1, 5 and 15 minutes.
pub fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(program: &str, arguments: &[&str], directory: &Path) -> Process {
        let mut command = Command::new(program);
        command.args(arguments);
        Process::start(program, command, &directory.join("log")).expect("start")
    }

    #[test]
    fn a_program_that_ends_by_itself_is_an_error_with_its_last_words() {
        let directory = tempfile::tempdir().expect("directory");
        let mut process = start("sh", &["-c", "echo 'no such host' >&2; exit 3"], directory.path());
        let error = loop {
            if let Err(error) = process.alive() {
                break format!("{error:#}");
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        assert!(error.contains("no such host") && error.contains('3'), "{error}");
    }

    #[test]
    fn use_of_cpu_and_memory_is_read_from_the_kernel() {
        let directory = tempfile::tempdir().expect("directory");
        let process = start("sh", &["-c", "while :; do :; done"], directory.path());
        while process.cpu().expect("stat") < Duration::from_millis(50) {
            std::thread::sleep(Duration::from_millis(5));
        }
        let memory = process.memory().expect("smaps_rollup");
        assert!(memory.anonymous > 0 && memory.resident >= memory.anonymous, "{memory:?}");
        assert!(process.peak_resident().expect("status") >= memory.anonymous);
    }

    #[test]
    fn stop_ends_a_program_that_listens_to_sigterm() {
        let directory = tempfile::tempdir().expect("directory");
        let mut process = start("sleep", &["1000"], directory.path());
        let status = process.stop(Duration::from_secs(60)).expect("stopped");
        assert!(!status.success());
    }

    #[test]
    fn each_free_address_has_a_loopback_host_of_its_own() {
        let given: Vec<SocketAddr> = (0..10).map(|_| free_address().expect("free")).collect();
        let hosts: std::collections::HashSet<_> = given.iter().map(SocketAddr::ip).collect();
        assert_eq!(hosts.len(), given.len(), "{given:?}");
        assert!(hosts.iter().all(std::net::IpAddr::is_loopback), "{given:?}");
        let _all: Vec<_> =
            given.iter().map(|address| TcpListener::bind(address).expect("free still")).collect();
    }
}
