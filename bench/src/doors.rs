//! The agent's two doors over the same lines: bulk requests and Lumberjack, each into a sink of its own.
//!
//! Both are filled by `blueox once`, in turns, so that what disturbs the machine disturbs both. Compare within one run only.

use crate::beats_sink::BeatsSink;
use crate::filling::{Course, Filling, Home};
use crate::process;
use crate::sink::{Items, Record, Sink, Totals};
use anyhow::{Context, Result};
use std::fmt;
use std::path::Path;
use std::process::Stdio;

/// A comparison.
#[derive(Debug)]
pub struct Doors {
    /// Program, lines and rounds.
    pub course: Course,
    /// Compression level of both; 0 is off.
    pub compression: u8,
}

/// Medians of both doors.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Report {
    /// Processor, cores, kernel.
    pub machine: String,
    /// Lines and rounds.
    #[serde(flatten)]
    pub course: Course,
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
        let load = directory.join("load.log");
        self.course.write(&load)?;
        let any = ([127, 0, 0, 1], 0).into();
        let (mut bulk, mut lumberjack) = (Vec::new(), Vec::new());
        for round in 0..self.course.rounds {
            let sink = Sink::start(any, &Record::Counts, Items::Real).context("start the sink")?;
            bulk.push(self.fill(&Door::Bulk(sink), &load, &directory.join(format!("bulk-{round}")))?);
            let sink = BeatsSink::start(any).context("start the Lumberjack sink")?;
            let home = directory.join(format!("lumberjack-{round}"));
            lumberjack.push(self.fill(&Door::Lumberjack(sink), &load, &home)?);
        }
        Ok(Report {
            machine: process::machine(),
            course: self.course.clone(),
            bulk: Filling::median(&bulk),
            lumberjack: Filling::median(&lumberjack),
        })
    }

    fn fill(&self, door: &Door, load: &Path, home: &Path) -> Result<Filling> {
        let input = format!("paths: [\"{}\"]", load.display());
        let home = Home::create(&self.course.blueox, home, &input, &door.output(self.compression))?;
        let run = home.start(&["once".as_ref(), load.as_os_str()], Stdio::null())?;
        run.to_its_end(self.course.lines, || door.totals())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { machine, course: Course { lines, format, seed, rounds, .. }, bulk, lumberjack } = self;
        writeln!(f, "{machine}; {lines} lines ({format:?}), seed {seed}, median of {rounds}")?;
        writeln!(f, "{:<14}{:>10}{:>12}{:>12}", "", "_bulk", "Lumberjack", "ratio")?;
        let figures: [(&str, Figure); 5] = [
            ("CPU s", |filling| filling.cpu_seconds),
            ("wall s", |filling| filling.wall_seconds),
            ("peak MiB", Filling::peak_mebibytes),
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
    use crate::line::Format;

    fn filling(seconds: f64) -> Filling {
        let load = Totals { events: 1, requests: 1, wire_bytes: 2_000_000, body_bytes: 1 };
        Filling { wall_seconds: seconds, cpu_seconds: 2.0 * seconds, peak_resident: 1 << 20, load }
    }

    #[test]
    fn lumberjack_is_compared_with_bulk() {
        let report = Report {
            machine: "m".into(),
            course: Course { blueox: "a".into(), lines: 1, format: Format::Tracing, seed: 1, rounds: 3 },
            bulk: filling(2.0),
            lumberjack: filling(3.0),
        };
        let text = report.to_string();
        assert!(text.contains("CPU s               4.00        6.00       1.50×"), "{text}");
    }
}
