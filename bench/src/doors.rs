//! The agent's two doors over the same lines: bulk requests and Lumberjack, each into a sink of its own.
//!
//! Both are filled by `blueox once`, in turns, so that what disturbs the machine disturbs both. Compare within one run only.

use crate::beats_sink::BeatsSink;
use crate::line::{Format, Origin};
use crate::process::{self, Process};
use crate::sink::{Items, Record, Sink, Totals};
use crate::writer::{Clock, LogWriter, Rotation};
use anyhow::{Context, Result, bail, ensure};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// How long one filling may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// A comparison.
#[derive(Debug)]
pub struct Doors {
    /// The agent's program.
    pub blueox: PathBuf,
    /// Lines of the file.
    pub lines: u64,
    /// Shape of the lines.
    pub format: Format,
    /// Seed of the lines.
    pub seed: u64,
    /// How often each door is filled; the median counts.
    pub rounds: usize,
    /// Compression level of both; 0 is off.
    pub compression: u8,
}

/// Figures of one filling.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Filling {
    /// Seconds from start to end of the program.
    pub wall_seconds: f64,
    /// Its user and system seconds.
    pub cpu_seconds: f64,
    /// Its highest resident memory in bytes, as seen every few milliseconds.
    pub peak_resident: u64,
    /// What the sink took.
    pub load: Totals,
}

/// Medians of both doors.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Report {
    /// Processor, cores, kernel.
    pub machine: String,
    /// Lines of the file.
    pub lines: u64,
    /// Shape of the lines.
    pub format: Format,
    /// Seed of the lines.
    pub seed: u64,
    /// Fillings of each door.
    pub rounds: usize,
    /// `_bulk` requests.
    pub bulk: Filling,
    /// Lumberjack windows.
    pub lumberjack: Filling,
}

type Figure = fn(&Filling) -> f64;

/// Where one filling goes.
enum Door {
    Bulk(Sink),
    Lumberjack(BeatsSink),
}

impl Door {
    fn output(&self, compression: u8) -> String {
        match self {
            Self::Bulk(sink) => {
                format!("elasticsearch: {{hosts: [\"{}\"], compression: {compression}}}", sink.url())
            }
            Self::Lumberjack(sink) => {
                format!("logstash: {{hosts: [\"{}\"], compression: {compression}}}", sink.address())
            }
        }
    }

    fn totals(&self) -> Totals {
        match self {
            Self::Bulk(sink) => sink.totals(),
            Self::Lumberjack(sink) => sink.totals(),
        }
    }
}

impl Doors {
    /// Writes the lines and fills both doors.
    pub fn run(&self, directory: &Path) -> Result<Report> {
        ensure!(self.rounds > 0, "without a round there is nothing to compare; ask for at least one");
        let load = directory.join("load.log");
        let origin = Origin { seed: self.seed, writer: 1, format: self.format };
        LogWriter::open(&load, origin, Clock::SAMPLE, Rotation::None)?.write(self.lines)?;
        let any = ([127, 0, 0, 1], 0).into();
        let (mut bulk, mut lumberjack) = (Vec::new(), Vec::new());
        for round in 0..self.rounds {
            let sink = Sink::start(any, &Record::Counts, Items::Real).context("start the sink")?;
            bulk.push(self.fill(&Door::Bulk(sink), &load, &directory.join(format!("bulk-{round}")))?);
            let sink = BeatsSink::start(any).context("start the Lumberjack sink")?;
            let home = directory.join(format!("lumberjack-{round}"));
            lumberjack.push(self.fill(&Door::Lumberjack(sink), &load, &home)?);
        }
        Ok(Report {
            machine: process::machine(),
            lines: self.lines,
            format: self.format,
            seed: self.seed,
            rounds: self.rounds,
            bulk: median(&bulk),
            lumberjack: median(&lumberjack),
        })
    }

    fn fill(&self, door: &Door, load: &Path, home: &Path) -> Result<Filling> {
        fs::create_dir(home).with_context(|| format!("create `{}`", home.display()))?;
        let (config, output) = (home.join("blueox.yml"), door.output(self.compression));
        let text = format!(
            "host: {{id: bench}}\ninputs:\n  - paths: [\"{}\"]\noutput:\n  {output}\nstate: {{path: \"{}/state\"}}\n",
            load.display(),
            home.display()
        );
        fs::write(&config, text).with_context(|| format!("write `{}`", config.display()))?;
        let mut command = Command::new(&self.blueox);
        command.arg("once").arg(load).arg("-c").arg(config);
        let started = Instant::now();
        let mut process = Process::start("blueox", command, &home.join("log"))?;
        let peak_resident = watch(&process, started)?;
        let wall_seconds = started.elapsed().as_secs_f64();
        // What has ended but was not waited for still tells its time.
        let cpu_seconds = process.cpu()?.as_secs_f64();
        let status = process.finish(PATIENCE)?;
        let load = door.totals();
        if !status.success() || load.events != self.lines {
            bail!(
                "blueox ended with {status}, {} of {} lines came; its log ends:\n{}",
                load.events,
                self.lines,
                process.log_tail()
            );
        }
        Ok(Filling { wall_seconds, cpu_seconds, peak_resident, load })
    }
}

/// Waits until the program has ended, and returns the highest memory seen.
fn watch(process: &Process, started: Instant) -> Result<u64> {
    let mut peak = 0;
    while started.elapsed() < PATIENCE {
        // The kernel takes the memory first.
        match process.peak_resident()? {
            0 => return Ok(peak),
            now => peak = now,
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    bail!("blueox did not end within {PATIENCE:?}; its log ends:\n{}", process.log_tail())
}

/// The filling with the middle figures, each for itself.
fn median(fillings: &[Filling]) -> Filling {
    let middle = |figure: Figure| {
        let mut figures: Vec<f64> = fillings.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        figures[figures.len() / 2]
    };
    Filling {
        wall_seconds: middle(|filling| filling.wall_seconds),
        cpu_seconds: middle(|filling| filling.cpu_seconds),
        peak_resident: middle(|filling| filling.peak_resident as f64) as u64,
        load: fillings[0].load,
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { machine, lines, format, seed, rounds, bulk, lumberjack } = self;
        writeln!(f, "{machine}; {lines} lines ({format:?}), seed {seed}, median of {rounds}")?;
        writeln!(f, "{:<14}{:>10}{:>12}{:>12}", "", "_bulk", "Lumberjack", "ratio")?;
        let figures: [(&str, Figure); 5] = [
            ("CPU s", |filling| filling.cpu_seconds),
            ("wall s", |filling| filling.wall_seconds),
            ("peak MiB", |filling| filling.peak_resident as f64 / f64::from(1 << 20)),
            ("wire MB", |filling| filling.load.wire_bytes as f64 / 1e6),
            ("requests", |filling| filling.load.requests as f64),
        ];
        for (name, figure) in figures {
            let (bulk, lumberjack) = (figure(bulk), figure(lumberjack));
            let ratio = lumberjack / bulk.max(f64::MIN_POSITIVE);
            writeln!(f, "{name:<14}{bulk:>10.2}{lumberjack:>12.2}{ratio:>11.2}×")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filling(seconds: f64) -> Filling {
        let load = Totals { events: 1, requests: 1, wire_bytes: 2_000_000, body_bytes: 1 };
        Filling { wall_seconds: seconds, cpu_seconds: 2.0 * seconds, peak_resident: 1 << 20, load }
    }

    #[test]
    fn the_median_is_compared() {
        let bulk = median(&[filling(9.0), filling(1.0), filling(2.0)]);
        assert_eq!((bulk.wall_seconds, bulk.cpu_seconds), (2.0, 4.0));
        let report = Report {
            machine: "m".into(),
            lines: 1,
            format: Format::Tracing,
            seed: 1,
            rounds: 3,
            bulk,
            lumberjack: filling(3.0),
        };
        let text = report.to_string();
        assert!(text.contains("CPU s               4.00        6.00       1.50×"), "{text}");
    }

    #[test]
    fn the_use_of_a_program_is_known_after_its_end() {
        let directory = tempfile::tempdir().expect("directory");
        let mut command = Command::new("sh");
        command.args(["-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"]);
        let mut process = Process::start("sh", command, &directory.path().join("log")).expect("started");
        let peak = watch(&process, Instant::now()).expect("watched");
        assert!(peak > 0 && process.cpu().expect("a time") > Duration::ZERO, "{peak}");
        assert!(process.finish(PATIENCE).expect("ended").success());
    }
}
