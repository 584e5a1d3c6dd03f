//! The comparison as a table, or as JSON.

use super::Measurement;
use crate::line::Format;
use std::fmt;

/// All measurements of one run.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Report {
    /// Processor, cores, kernel.
    pub machine: String,
    /// Lines of the file all read.
    pub lines: u64,
    /// Shape of the lines.
    pub format: Format,
    /// Seed of the lines.
    pub seed: u64,
    /// One each.
    pub rows: Vec<Measurement>,
    /// Peers that could not be measured, and why.
    pub failures: Vec<String>,
}

impl Report {
    /// How many times the events per CPU second of `row` this project's agent reaches, compression on or off alike.
    pub fn ratio(&self, row: &Measurement) -> Option<f64> {
        let own = self.rows.iter().find(|other| other.blueox && other.compressed == row.compressed)?;
        Some(own.events_per_cpu_second / row.events_per_cpu_second)
    }
}

const HEAD: [&str; 11] = [
    "shipper",
    "wire",
    "events/CPU s",
    "blueox is",
    "wall s",
    "wire B/event",
    "peak MiB",
    "idle MiB",
    "anon MiB",
    "p50 ms",
    "p99 ms",
];

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}; {} lines ({:?}), seed {}", self.machine, self.lines, self.format, self.seed)?;
        let mut table = vec![HEAD.map(str::to_owned)];
        table.extend(self.rows.iter().map(|row| self.cells(row)));
        let widths: Vec<usize> = (0..HEAD.len())
            .map(|column| table.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
            .collect();
        for row in &table {
            write!(f, "{:<width$}", row[0], width = widths[0])?;
            for (cell, width) in row.iter().zip(&widths).skip(1) {
                write!(f, "  {cell:>width$}")?;
            }
            writeln!(f)?;
        }
        for row in self.rows.iter().filter(|row| row.latency.is_some_and(|latency| latency.missing > 0)) {
            writeln!(
                f,
                "{}: {} live lines never came",
                row.name,
                row.latency.map_or(0, |latency| latency.missing)
            )?;
        }
        for failure in &self.failures {
            writeln!(f, "not measured: {failure}")?;
        }
        Ok(())
    }
}

impl Report {
    fn cells(&self, row: &Measurement) -> [String; 11] {
        let dash = || "–".to_owned();
        [
            row.name.clone(),
            if row.compressed { "gzip" } else { "plain" }.to_owned(),
            format!("{:.0}", row.events_per_cpu_second),
            self.ratio(row).map_or_else(dash, |ratio| format!("{ratio:.2}×")),
            format!("{:.2}", row.wall_seconds),
            format!("{:.1}", row.wire_bytes_per_event),
            mebibytes(row.peak_resident),
            mebibytes(row.idle.resident),
            mebibytes(row.idle.anonymous),
            row.latency.map_or_else(dash, |latency| format!("{:.1}", latency.p50)),
            row.latency.map_or_else(dash, |latency| format!("{:.1}", latency.p99)),
        ]
    }
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / f64::from(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Memory;
    use crate::sink::Totals;

    fn row(name: &str, blueox: bool, compressed: bool, speed: f64) -> Measurement {
        Measurement {
            name: name.to_owned(),
            blueox,
            compressed,
            load: Totals::default(),
            wall_seconds: 1.0,
            cpu_seconds: 1.0,
            events_per_cpu_second: speed,
            wire_bytes_per_event: 1.0,
            peak_resident: 1 << 20,
            idle: Memory::default(),
            idle_cpu_percent: 0.0,
            latency: None,
        }
    }

    #[test]
    fn peers_are_compared_with_the_agent_at_the_same_compression() {
        let rows = vec![
            row("own", true, true, 400.0),
            row("own", true, false, 900.0),
            row("a", false, true, 100.0),
            row("b", false, false, 300.0),
        ];
        let report = Report {
            machine: "m".into(),
            lines: 1,
            format: Format::Tracing,
            seed: 1,
            rows,
            failures: vec!["c: no".into()],
        };
        assert_eq!(report.ratio(&report.rows[2]), Some(4.0));
        assert_eq!(report.ratio(&report.rows[3]), Some(3.0));
        let text = report.to_string();
        assert!(text.contains("4.00×") && text.contains("not measured: c: no"), "{text}");
    }
}
