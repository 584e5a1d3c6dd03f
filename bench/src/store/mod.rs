//! Stores filled by the agent with the same lines, one after the other, and asked the same.
//!
//! Per store: the set-up, then rounds of lines written, shipped (`blueox once`, HTTP and gzip) and removed again; a quiet
//! time for merges; a start over the data where the store is ours to start; then the board, cold and moved on by ten
//! seconds as a refresh does, and an aggregation that nobody has asked before.

mod asking;
mod node;
mod report;

pub use node::Place;
pub use report::Report;

use crate::http::Client;
use crate::line::{Format, Origin};
use crate::process::{self, Process};
use crate::writer::{Clock, LogWriter, Rotation};
use anyhow::{Context, Result, bail};
use asking::BoardTime;
use node::Node;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Lines of a round: what lies on the disk at once.
const ROUND: u64 = 500_000;
/// Longest time one round may take.
const PATIENCE: Duration = Duration::from_secs(1_200);

/// What is to be measured.
#[derive(Debug)]
pub struct Trial {
    /// The stores, in this order.
    pub places: Vec<Place>,
    /// The agent's program.
    pub blueox: PathBuf,
    /// The boards, as Kibana imports them.
    pub boards: PathBuf,
    /// Lines.
    pub events: u64,
    /// Seed of the lines.
    pub seed: u64,
    /// Where Pocket ELK's data is kept; what is there already is not filled again.
    pub kept: Option<PathBuf>,
}

/// What filling took.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Filling {
    /// From the first line shipped until all were found, the writing of lines included.
    pub wall_seconds: f64,
    /// User and system time of the store until its merges were through. The start and the set-up are in it.
    pub cpu_seconds: Option<f64>,
    /// Highest anonymous memory, in bytes.
    pub anonymous: Option<u64>,
}

/// Figures of one store; times in milliseconds.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Figures {
    /// Which.
    pub name: String,
    /// Nothing for a store that was full already.
    pub filling: Option<Filling>,
    /// Highest anonymous memory while answering, in bytes.
    pub anonymous_answering: Option<u64>,
    /// Bytes of the indices.
    pub disk: u64,
    /// From the start of the process over the data to its first answer.
    pub start: Option<f64>,
    /// terms × date_histogram × percentiles: first and second time.
    pub heavy: [f64; 2],
    /// The board's panels.
    pub board: BoardTime,
}

impl Trial {
    /// Measures each store; the first failure ends it.
    pub fn run(&self, directory: &Path) -> Result<Report> {
        let boards = asking::read(&self.boards)?;
        let mut rows = Vec::new();
        for (number, place) in self.places.iter().enumerate() {
            let kept = self.kept.as_ref().filter(|_| matches!(place, Place::Pocket(_)));
            let home = kept.cloned().unwrap_or_else(|| directory.join(number.to_string()));
            std::fs::create_dir_all(&home).with_context(|| format!("create `{}`", home.display()))?;
            rows.push(self.measure(place, &boards, &home).with_context(|| place.name().to_owned())?);
            // The next store has the disk for itself.
            if kept.is_none() {
                std::fs::remove_dir_all(&home).with_context(|| format!("remove `{}`", home.display()))?;
            }
        }
        Ok(Report {
            machine: process::machine(),
            load: process::load(),
            events: self.events,
            seed: self.seed,
            rows,
        })
    }

    fn measure(&self, place: &Place, boards: &dashboards::lens::Boards, home: &Path) -> Result<Figures> {
        let is_full = node::has_data(home);
        let mut node = Node::start(place, home)?;
        let filling = if is_full { None } else { Some(self.filled(&node, home)?) };
        let stored = good(&node.client()?, "GET", "/logs-*/_count", "")?["count"].as_u64();
        if stored != Some(self.events) {
            bail!("{} events were to be there, {stored:?} are", self.events);
        }
        let start = node.restart()?.map(|time| time.as_secs_f64() * 1_000.0);
        let watch = node.watch();
        let client = node.client()?;
        node.forget(&client)?;
        let (board, heavy) = (asking::board(&node, boards)?, asking::heavy(&client)?);
        good(&client, "POST", "/logs-*/_flush", "").ok();
        let disk =
            good(&client, "GET", "/logs-*/_stats/store", "")?["_all"]["total"]["store"]["size_in_bytes"]
                .as_u64()
                .context("the store does not say how large its indices are")?;
        let anonymous_answering = watch.and_then(node::Watch::peak);
        Ok(Figures { name: place.name().to_owned(), filling, anonymous_answering, disk, start, heavy, board })
    }

    /// Fills an empty store and waits until its merges are through.
    fn filled(&self, node: &Node, home: &Path) -> Result<Filling> {
        self.agent(&["setup", "--elasticsearch", node.url()], home)?;
        let watch = node.watch();
        let begun = Instant::now();
        self.fill(node, home)?;
        good(&node.client()?, "POST", "/logs-*/_refresh", "")?;
        let wall_seconds = begun.elapsed().as_secs_f64();
        let cpu_seconds = node.settled()?.map(|cpu| cpu.as_secs_f64());
        Ok(Filling { wall_seconds, cpu_seconds, anonymous: watch.and_then(node::Watch::peak) })
    }

    /// Writes and ships in rounds, so that lines of any number take little of the disk.
    fn fill(&self, node: &Node, home: &Path) -> Result<()> {
        let origin = Origin { seed: self.seed, writer: 1, format: Format::Tracing };
        let path = home.join("lines.log");
        let mut writer = LogWriter::open(&path, origin, Clock::SAMPLE, Rotation::Rename)?;
        let mut left = self.events;
        while left > 0 {
            let count = left.min(ROUND);
            writer.write(count)?;
            writer.rotate()?;
            let full = rotated(home)?;
            self.agent(&["once", &full.to_string_lossy(), "--to", node.url()], home)?;
            std::fs::remove_file(&full).with_context(|| format!("remove `{}`", full.display()))?;
            left -= count;
            eprintln!("{}: {} of {} shipped", node.name(), self.events - left, self.events);
        }
        Ok(())
    }

    fn agent(&self, arguments: &[&str], home: &Path) -> Result<()> {
        let mut command = Command::new(&self.blueox);
        command.args(arguments);
        let mut process = Process::start("blueox", command, &home.join("blueox.out"))?;
        let status = process.finish(PATIENCE)?;
        if !status.success() {
            bail!("blueox {} ended with {status}; its log ends:\n{}", arguments[0], process.log_tail());
        }
        Ok(())
    }
}

/// The one file that was rotated away.
fn rotated(home: &Path) -> Result<PathBuf> {
    let entries = std::fs::read_dir(home).with_context(|| format!("read `{}`", home.display()))?;
    let mut names = entries.flatten().map(|entry| entry.path());
    names
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("lines.log.")))
        .context("the rotated file is gone")
}

fn good(client: &Client, method: &str, target: &str, body: &str) -> Result<serde_json::Value> {
    let reply = client.send(method, target, body.as_bytes())?;
    let answer = reply.json()?;
    if reply.status >= 300 {
        bail!("{method} {target} was answered with {} {answer}", reply.status);
    }
    Ok(answer)
}
