//! The figures as a table, or as JSON.

use super::Figures;
use std::fmt;

/// All measurements of one run.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Report {
    /// Processor, cores, kernel.
    pub machine: String,
    /// Load of the machine over the last 1, 5 and 15 minutes, at the end.
    pub load: String,
    /// Lines.
    pub events: u64,
    /// Seed of the lines.
    pub seed: u64,
    /// One a store.
    pub rows: Vec<Figures>,
}

impl Figures {
    fn board(&self) -> (f64, f64) {
        self.panels.iter().fold((0.0, 0.0), |(cold, again), panel| (cold + panel.cold, again + panel.refresh))
    }

    fn lines(&self, events: u64) -> Vec<(&'static str, String)> {
        let (cold, again) = self.board();
        let unknown = || "unknown".to_owned();
        let mebibytes = |bytes: Option<u64>| bytes.map_or_else(unknown, |bytes| (bytes >> 20).to_string());
        let events = events as f64;
        vec![
            ("events/s wall", format!("{:.0}", events / self.wall_seconds)),
            (
                "events/CPU s of the store",
                self.cpu_seconds.map_or_else(unknown, |cpu| format!("{:.0}", events / cpu)),
            ),
            ("anonymous MiB, filling", mebibytes(self.anonymous_filling)),
            ("anonymous MiB, answering", mebibytes(self.anonymous_answering)),
            ("disk B/event", format!("{:.0}", self.disk as f64 / events)),
            ("start ms", self.start.map_or_else(unknown, |start| format!("{start:.0}"))),
            ("board cold ms", format!("{cold:.0}")),
            ("board refresh ms", format!("{again:.0}")),
            ("heavy aggregation cold ms", format!("{:.0}", self.heavy[0])),
            ("heavy aggregation again ms", format!("{:.0}", self.heavy[1])),
        ]
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}; load {}; {} events, seed {}", self.machine, self.load, self.events, self.seed)?;
        for row in &self.rows {
            writeln!(f, "\n{}", row.name)?;
            for (name, value) in row.lines(self.events) {
                writeln!(f, "  {name:<28}{value:>12}")?;
            }
            writeln!(f, "  {} panels, cold and refresh ms:", row.panels.len())?;
            for panel in &row.panels {
                writeln!(f, "    {:<44}{:>8.0}{:>8.0}", panel.title, panel.cold, panel.refresh)?;
            }
        }
        if let [one, other] = &self.rows[..] {
            writeln!(f, "\ndisk: {:.2} × {}", one.disk as f64 / other.disk as f64, other.name)?;
        }
        Ok(())
    }
}
