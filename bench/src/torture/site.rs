//! Directory, configuration and servers of one run.

use crate::fault::{FaultServer, Keep, Options, Plan};
use crate::judge::{self, Verdict};
use crate::ledger::{self, Entry};
use crate::line::{Format, Origin};
use crate::process::Process;
use crate::writer::{Clock, LogWriter, Rotation};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Longest time without any progress while something is due.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// Silence after which nothing more is expected.
const REST: Duration = Duration::from_secs(3);

/// Writer of the one line that shows the agent alive at the end.
const LAST_WRITER: u32 = 1000;

/// Where a run takes place.
#[derive(Debug)]
pub(super) struct Site {
    directory: PathBuf,
    agent: PathBuf,
    seed: u64,
    pub(super) server: FaultServer,
}

impl Site {
    /// Lays out `directory` and starts the server.
    pub(super) fn new(directory: &Path, agent: &Path, seed: u64, plan: Plan) -> Result<Self> {
        let agent =
            agent.canonicalize().with_context(|| format!("find the agent at `{}`", agent.display()))?;
        fs::create_dir_all(directory.join("logs")).context("create the directory of the logs")?;
        let journal = Some(directory.join("journal.ndjson"));
        let server = FaultServer::start(Options { journal, keep: Keep::Ids, ..Options::new(plan) })?;
        let site = Self { directory: directory.to_owned(), agent, seed, server };
        fs::write(site.config(), site.config_text()).context("write the agent's configuration")?;
        Ok(site)
    }

    /// Small requests and a short linger: there is always a request to hit.
    fn config_text(&self) -> String {
        let directory = self.directory.display();
        format!(
            "host: {{id: bench}}\n\
             inputs:\n  - paths: [\"{directory}/logs/*\"]\n    max_line: 16KiB\n\
             output:\n  elasticsearch:\n    hosts: [\"{}\"]\n    bulk: {{max_bytes: 128KiB, linger: 20ms, in_flight: 2}}\n\
             state: {{path: \"{directory}/state\"}}\n\
             monitoring: {{listen: null, events: false}}\n",
            self.server.url()
        )
    }

    fn config(&self) -> PathBuf {
        self.directory.join("blueox.yml")
    }

    /// Opens the file of writer `number`.
    pub(super) fn writer(&self, number: u32, rotation: Rotation) -> Result<LogWriter> {
        let path = self.directory.join("logs").join(format!("service-{number}.log"));
        let origin = Origin { seed: self.seed, writer: number, format: Format::Tracing };
        LogWriter::open(&path, origin, Clock::System, rotation)
    }

    /// Starts the agent.
    pub(super) fn start_agent(&self) -> Result<Process> {
        let mut command = Command::new(&self.agent);
        command.arg("run").arg("-c").arg(self.config());
        Process::start("the agent", command, &self.directory.join("agent.log"))
    }

    /// Waits until `done`; fails where the agent ends, or where neither requests nor documents come for a minute.
    pub(super) fn wait(&self, agent: &mut Process, what: &str, done: impl Fn() -> bool) -> Result<()> {
        let mut seen = (0, 0);
        let mut since = Instant::now();
        while !done() {
            agent.alive()?;
            let now = (self.server.request_count(), self.server.created());
            if now != seen {
                (seen, since) = (now, Instant::now());
            }
            if since.elapsed() > PATIENCE {
                bail!(
                    "nothing came for {PATIENCE:?} while waiting until {what}; {} documents are stored; the agent's log ends:\n{}",
                    now.1,
                    agent.log_tail()
                );
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Faults end; waits until as many documents are stored as lines were written, restarts the agent in order, and sees a
    /// fresh line arrive. Returns the ledger and how long the fresh line took.
    ///
    /// Not draining is no error here: the judge will name what is missing.
    pub(super) fn settle(&self, mut ledger: Vec<Entry>) -> Result<(Vec<Entry>, Option<Duration>)> {
        self.server.set_plan(Plan::Calm);
        let written: u64 = ledger.iter().map(Entry::lines).sum();
        let mut agent = self.start_agent()?;
        let drained = self.wait(&mut agent, "all lines are stored", || self.server.created() >= written);
        if let Err(error) = drained {
            eprintln!("{error:#}");
            return Ok((ledger, None));
        }
        self.rest();
        agent.stop(PATIENCE)?;

        let mut agent = self.start_agent()?;
        let before = self.server.created();
        let mut writer = self.writer(LAST_WRITER, Rotation::None)?;
        writer.write(1)?;
        let wrote = Instant::now();
        ledger.push(writer.entry());
        let arrived = self.wait(&mut agent, "a fresh line is stored", || self.server.created() > before);
        let fresh = wrote.elapsed();
        agent.stop(PATIENCE)?;
        if let Err(error) = arrived {
            eprintln!("{error:#}");
            return Ok((ledger, None));
        }
        Ok((ledger, Some(fresh)))
    }

    /// Waits until no request has come for a while: with doubles, documents are as many as lines before the last line is in,
    /// and the judge would call the rest lost.
    fn rest(&self) {
        let mut seen = usize::MAX;
        while seen != self.server.request_count() {
            seen = self.server.request_count();
            std::thread::sleep(REST);
        }
    }

    /// Keeps the ledger beside the journal and judges.
    pub(super) fn judge(&self, entries: &[Entry]) -> Result<Verdict> {
        for entry in entries {
            ledger::append(&self.directory.join("ledger.ndjson"), entry)?;
        }
        judge::of_journal(entries, &self.directory.join("journal.ndjson"))
    }
}
