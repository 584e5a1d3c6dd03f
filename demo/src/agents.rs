//! The agents: one beside each service, each a process with a state of its own.

use super::port;
use super::process::Process;
use super::role::Role;
use anyhow::{Context, Result, ensure};
use blueox::cli::status_of;
use blueox::monitoring::{Accounts, StatusReport};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Port of the first agent's status page, where `blueox status` looks; the others take the next ones.
const FIRST_PORT: u16 = 5066;
/// How long an agent may take until its status page answers.
const START: Duration = Duration::from_secs(20);
/// How long an agent may take to end; it drains for 5 s.
const END: Duration = Duration::from_secs(10);
/// Between two looks at a starting agent.
const LOOK: Duration = Duration::from_millis(50);

/// The agent of a service.
pub(crate) struct Agent {
    service: &'static str,
    process: Process,
    config: PathBuf,
    log: PathBuf,
    to: String,
    url: String,
}

/// What all agents report together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fleet {
    /// Events since each agent's last start.
    pub(crate) accounts: Accounts,
    /// Age of the oldest line without a verdict.
    pub(crate) lag_ms: u64,
    /// How many answer.
    pub(crate) answering: usize,
    /// Whether all of them answer, and every byte there is has its verdict.
    pub(crate) idle: bool,
    /// What stands in the way of one, in its own words.
    pub(crate) complaint: Option<String>,
}

impl Agent {
    /// Starts the agent of `service`, which ships its logs and those of its users from `logs` to the cluster at `to`.
    pub(crate) fn start(service: &'static str, logs: &Path, folder: &Path, to: &str) -> Result<Self> {
        let config = folder.join(format!("{service}.yaml"));
        let log = folder.join(format!("{service}.log"));
        port::on_free(FIRST_PORT, |address| {
            let text = configuration(service, logs, folder, address)?;
            fs::write(&config, text).with_context(|| format!("cannot write `{}`", config.display()))?;
            let begin = fs::metadata(&log).map_or(0, |log| log.len());
            let mut agent = Self {
                service,
                process: process(service, &config, &log, to)?,
                config: config.clone(),
                log: log.clone(),
                to: to.to_owned(),
                url: format!("http://{address}"),
            };
            match agent.answers(address, begin) {
                Ok(()) => Ok(Some(agent)),
                Err(_) if port::is_taken(address) => Ok(None),
                Err(error) => Err(error),
            }
        })
    }

    /// Waits until its log, from `begin` on, says that it has the port: another demo's agent may be the one that answers there.
    fn answers(&mut self, address: SocketAddr, begin: u64) -> Result<()> {
        let until = Instant::now() + START;
        while !listens(&self.log, address, begin)? {
            self.process.check()?;
            ensure!(
                Instant::now() < until,
                "the agent of {} does not start; its last words:\n{}",
                self.service,
                self.process.last_words()
            );
            sleep(LOOK);
        }
        Ok(())
    }

    /// An error where it has ended by itself.
    pub(crate) fn check(&mut self) -> Result<()> {
        self.process.check()
    }

    /// Kills it and starts it again, with nothing but its state directory.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.process.kill()?;
        self.process = process(self.service, &self.config, &self.log, &self.to)?;
        Ok(())
    }

    /// Ends it.
    pub(crate) fn stop(&mut self) -> Result<()> {
        self.process.stop(END)
    }

    /// Whose agent it is.
    pub(crate) fn service(&self) -> &'static str {
        self.service
    }

    /// Its status page.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

/// Whether the log says, behind `begin`, that the status pages have this address.
fn listens(log: &Path, address: SocketAddr, begin: u64) -> Result<bool> {
    let text = fs::read(log).with_context(|| format!("cannot read `{}`", log.display()))?;
    let own = text.get(usize::try_from(begin)?..).unwrap_or_default();
    let (words, address) = (b"status pages listen".as_slice(), address.to_string());
    let says = |line: &[u8]| contains(line, words) && contains(line, address.as_bytes());
    Ok(own.split(|byte| *byte == b'\n').any(says))
}

fn contains(line: &[u8], words: &[u8]) -> bool {
    line.windows(words.len()).any(|part| part == words)
}

fn process(service: &str, config: &Path, log: &Path, to: &str) -> Result<Process> {
    let arguments = ["run".as_ref(), "-c".as_ref(), config.as_os_str(), "--to".as_ref(), to.as_ref()];
    Process::start(Role::Agent, &format!("the agent of {service}"), log, arguments)
}

fn configuration(service: &str, logs: &Path, folder: &Path, address: SocketAddr) -> Result<String> {
    let quoted = |path: PathBuf| -> Result<String> {
        let text = path
            .to_str()
            .with_context(|| format!("`{}` is not UTF-8; choose another --data", path.display()))?;
        Ok(serde_json::to_string(text)?)
    };
    let own = quoted(logs.join(format!("{service}-*.log*")))?;
    let users = quoted(logs.join(format!("load-{service}.log*")))?;
    let state = quoted(folder.join(service))?;
    Ok(format!(
        "inputs:\n  - id: {service}\n    paths: [{own}, {users}]\nstate: {{path: {state}}}\nmonitoring: {{listen: \"{address}\"}}\n"
    ))
}

/// Asks all agents. One that is just starting does not answer.
pub(crate) fn ask(agents: &[Agent]) -> Fleet {
    let reports: Vec<StatusReport> = agents.iter().filter_map(|agent| status_of(&agent.url).ok()).collect();
    let mut fleet =
        Fleet { answering: reports.len(), idle: reports.len() == agents.len(), ..Fleet::default() };
    for report in &reports {
        fleet.add(report);
    }
    fleet
}

impl Fleet {
    fn add(&mut self, report: &StatusReport) {
        let (sum, one) = (&mut self.accounts, &report.accounts);
        sum.read += one.read;
        sum.delivered += one.delivered;
        sum.duplicate += one.duplicate;
        sum.dead_lettered += one.dead_lettered;
        sum.filtered += one.filtered;
        sum.lost += one.lost;
        sum.pending += one.pending;
        let lag = report.files.iter().map(|file| file.lag_ms).max();
        self.lag_ms = self.lag_ms.max(lag.unwrap_or(0));
        self.idle &= one.pending == 0 && report.files.iter().all(|file| file.settled == file.size);
        let held = report.held.first().map(|held| format!("{} is held: {}", held.index, held.reason));
        self.complaint = self.complaint.take().or(held).or_else(|| report.output.last_error.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_agents_own_log_says_that_it_listens() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("agent.log");
        let before = "INFO status pages listen address=127.0.0.1:5066\n";
        fs::write(&log, format!("{before}ERROR address 127.0.0.1:5067 is in use\nINFO status pages listen address=127.0.0.1:5068\n")).unwrap();
        let begin = before.len() as u64;
        let has = |port: u16, begin| listens(&log, SocketAddr::from(([127, 0, 0, 1], port)), begin).unwrap();
        assert!(has(5066, 0) && has(5068, begin));
        // An earlier run's line, a failure, and a log that was cut since.
        assert!(!has(5066, begin) && !has(5067, begin) && !has(5068, 10_000));
    }
}
