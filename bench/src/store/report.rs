//! The figures as a table, or as JSON.

use super::asking::PanelTime;
use super::{Figures, Filling};
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

impl Filling {
    fn lines(&self, events: f64) -> Vec<(&'static str, String)> {
        vec![
            ("events/s wall", format!("{:.0}", events / self.wall_seconds)),
            (
                "events/CPU s of the store",
                self.cpu_seconds.map_or_else(unknown, |cpu| format!("{:.0}", events / cpu)),
            ),
            ("anonymous MiB, filling", mebibytes(self.anonymous)),
        ]
    }
}

impl Figures {
    fn lines(&self, events: u64) -> Vec<(&'static str, String)> {
        let events = events as f64;
        let sum = |time: fn(&PanelTime) -> f64| self.board.panels.iter().map(time).sum::<f64>();
        let mut lines = self.filling.as_ref().map(|filling| filling.lines(events)).unwrap_or_default();
        lines.extend([
            ("anonymous MiB, answering", mebibytes(self.anonymous_answering)),
            ("disk B/event", format!("{:.0}", self.disk as f64 / events)),
            ("start ms", self.start.map_or_else(unknown, |start| format!("{start:.0}"))),
            ("board cold ms", format!("{:.0}", sum(|panel| panel.cold))),
            ("board first refresh ms", format!("{:.0}", sum(|panel| panel.first_refresh))),
            ("board refresh ms", format!("{:.0}", sum(|panel| panel.refresh))),
            ("heavy aggregation cold ms", format!("{:.0}", self.heavy[0])),
            ("heavy aggregation again ms", format!("{:.0}", self.heavy[1])),
        ]);
        lines
    }
}

fn unknown() -> String {
    "unknown".to_owned()
}

fn mebibytes(bytes: Option<u64>) -> String {
    bytes.map_or_else(unknown, |bytes| (bytes >> 20).to_string())
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}; load {}; {} events, seed {}", self.machine, self.load, self.events, self.seed)?;
        for row in &self.rows {
            writeln!(f, "\n{}", row.name)?;
            for (name, value) in row.lines(self.events) {
                writeln!(f, "  {name:<28}{value:>12}")?;
            }
            let (all, asking) = (row.board.all, row.board.panels.len());
            writeln!(
                f,
                "  `{}`: {all} panels, {asking} of them ask; cold, first and later refresh ms:",
                row.board.id
            )?;
            if let Some([cold, first, later]) = row.board.cpu {
                writeln!(
                    f,
                    "    {:<64}{cold:>8.0}{first:>8.0}{later:>8.0}",
                    "processor time of the store, all panels"
                )?;
            }
            for panel in &row.board.panels {
                let PanelTime { title, cold, first_refresh, refresh } = panel;
                writeln!(f, "    {title:<64}{cold:>8.0}{first_refresh:>8.0}{refresh:>8.0}")?;
            }
        }
        if let [one, other] = &self.rows[..] {
            writeln!(f, "\ndisk: {:.2} × {}", one.disk as f64 / other.disk as f64, other.name)?;
        }
        Ok(())
    }
}
