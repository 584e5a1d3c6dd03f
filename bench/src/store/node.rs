//! A store that runs: started here, or elsewhere.

use super::good;
use crate::engine;
use crate::http::Client;
use crate::process::{Process, Usage};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Longest wait for a start, and for merges to end.
const PATIENCE: Duration = Duration::from_secs(180);
/// A store that uses less than a tenth of a core for this long has no merges to do.
const QUIET: Duration = Duration::from_secs(2);
/// Pocket ELK's data, in the directory it is measured in.
const DATA: &str = "data";
/// Elasticsearch's script, in its folder.
const SCRIPT: &str = "elasticsearch.sh";

/// Where a store comes from.
#[derive(Debug, Clone)]
pub enum Place {
    /// Pocket ELK's program.
    Pocket(PathBuf),
    /// A folder whose `elasticsearch.sh` takes `start 0 DIRECTORY`, prints the URL, and writes `DIRECTORY/pid`.
    Script(PathBuf),
    /// One that runs and is empty of `logs-*`; its processor time and memory stay unknown.
    Url(String),
}

impl Place {
    /// Name in the report.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pocket(_) => "Pocket ELK",
            Self::Script(_) | Self::Url(_) => "Elasticsearch",
        }
    }
}

/// Whether Pocket ELK has been at home here before.
pub(super) fn has_data(home: &Path) -> bool {
    home.join(DATA).is_dir()
}

/// A running store, ended when dropped if it was started here.
pub(super) struct Node {
    place: Place,
    home: PathBuf,
    url: String,
    process: Option<Process>,
    usage: Option<Usage>,
}

impl Node {
    pub(super) fn start(place: &Place, home: &Path) -> Result<Self> {
        let mut node = Self {
            place: place.clone(),
            home: home.to_owned(),
            url: String::new(),
            process: None,
            usage: None,
        };
        match place {
            Place::Pocket(program) => node.start_pocket(program)?,
            Place::Script(folder) => node.start_script(folder)?,
            Place::Url(url) => node.url = url.trim_end_matches('/').to_owned(),
        }
        Ok(node)
    }

    fn start_pocket(&mut self, program: &Path) -> Result<()> {
        let log = self.home.join("pocket-elk.out");
        std::fs::write(&log, "").with_context(|| format!("write `{}`", log.display()))?;
        let mut command = Command::new(program);
        command.args(["serve", "--listen", "127.0.0.1:0", "--view-port", "0", "--data"]);
        command.arg(self.home.join(DATA));
        let mut process = Process::start("pocket-elk", command, &log)?;
        let begun = Instant::now();
        self.url = loop {
            process.alive()?;
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            let line = text.lines().find(|line| line.starts_with("http://")).map(str::to_owned);
            if let Some(line) = line.filter(|_| text.ends_with('\n')) {
                break line;
            }
            if begun.elapsed() > PATIENCE {
                bail!("pocket-elk says no address");
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        self.usage = Some(process.usage());
        self.process = Some(process);
        Ok(())
    }

    fn start_script(&mut self, folder: &Path) -> Result<()> {
        let data = self.home.join("node");
        let mut start = engine::script(&folder.join(SCRIPT), "start");
        start.arg("0").arg(&data);
        let url = engine::url_of(start)?;
        let pid = std::fs::read_to_string(data.join("pid")).context("read the node's process id")?;
        self.usage = Some(Usage(pid.trim().parse().context("read the node's process id")?));
        self.url = url;
        Ok(())
    }

    pub(super) fn name(&self) -> &'static str {
        self.place.name()
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn client(&self) -> Result<Client> {
        Client::new(&self.url, None)
    }

    /// Processor time so far; `None` of a store that runs elsewhere.
    pub(super) fn cpu(&self) -> Result<Option<Duration>> {
        self.usage.map(Usage::cpu).transpose()
    }

    /// Processor time so far, once nothing goes on any more.
    pub(super) fn settled(&self) -> Result<Option<Duration>> {
        let Some(usage) = self.usage else { return Ok(None) };
        let begun = Instant::now();
        let mut before = usage.cpu()?;
        while begun.elapsed() < PATIENCE {
            std::thread::sleep(QUIET);
            let now = usage.cpu()?;
            if now - before < QUIET / 10 {
                break;
            }
            before = now;
        }
        Ok(Some(usage.cpu()?))
    }

    /// Ends Pocket ELK and starts it over its data: the time until it answers.
    pub(super) fn restart(&mut self) -> Result<Option<Duration>> {
        let (Place::Pocket(program), Some(mut process)) = (self.place.clone(), self.process.take()) else {
            return Ok(None);
        };
        process.stop(PATIENCE)?;
        let begun = Instant::now();
        self.start_pocket(&program)?;
        good(&self.client()?, "GET", "/", "")?;
        Ok(Some(begun.elapsed()))
    }

    /// Drops answers it has kept; one that was just started has none.
    pub(super) fn forget(&self, client: &Client) -> Result<()> {
        if !matches!(self.place, Place::Pocket(_)) {
            good(client, "POST", "/logs-*/_cache/clear", "")?;
        }
        Ok(())
    }

    /// Looks at its memory from now on.
    pub(super) fn watch(&self) -> Option<Watch> {
        self.usage.map(Watch::start)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Place::Script(folder) = &self.place {
            // A node that is gone already needs no end.
            let _ = engine::script(&folder.join(SCRIPT), "stop").arg(self.home.join("node")).output();
        }
    }
}

/// The highest anonymous memory of a process, looked at every 50 ms.
pub(super) struct Watch {
    peak: Arc<AtomicU64>,
    stopped: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Watch {
    fn start(usage: Usage) -> Self {
        let (peak, stopped) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (highest, end) = (Arc::clone(&peak), Arc::clone(&stopped));
        let thread = std::thread::spawn(move || {
            while !end.load(Ordering::Relaxed) {
                highest.fetch_max(usage.anonymous().unwrap_or(0), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        Self { peak, stopped, thread }
    }

    pub(super) fn peak(self) -> Option<u64> {
        self.stopped.store(true, Ordering::Relaxed);
        self.thread.join().ok()?;
        Some(self.peak.load(Ordering::Relaxed)).filter(|peak| *peak > 0)
    }
}
