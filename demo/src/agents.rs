//! The agents: one beside each service, each a process with a state of its own.

use super::port;
use super::process::Process;
use super::role::Role;
use anyhow::{Context, Result};
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
            let mut agent = Self {
                service,
                process: process(service, &config, &log, to)?,
                config: config.clone(),
                log: log.clone(),
                to: to.to_owned(),
                url: format!("http://{address}"),
            };
            match agent.answers() {
                Ok(()) => Ok(Some(agent)),
                Err(_) if port::is_taken(address) => Ok(None),
                Err(error) => Err(error),
            }
        })
    }

    fn answers(&mut self) -> Result<()> {
        let until = Instant::now() + START;
        loop {
            self.process.check()?;
            match status_of(&self.url) {
                Ok(_) => return self.process.check(),
                Err(error) if Instant::now() > until => {
                    return Err(error)
                        .with_context(|| format!("the agent of {} does not start", self.service));
                }
                Err(_) => sleep(LOOK),
            }
        }
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
