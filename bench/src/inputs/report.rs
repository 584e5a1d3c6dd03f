//! The comparison as a table, or as JSON.

use crate::filling::{Course, Filling};
use std::fmt;

/// Most resident memory of the agent, whatever it reads.
pub const MEMORY_LIMIT: u64 = 24 << 20;

/// All inputs of one run.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Report {
    /// Processor, cores, kernel.
    pub machine: String,
    /// Lines and rounds.
    #[serde(flatten)]
    pub course: Course,
    /// One each, the plain file first.
    pub rows: Vec<Row>,
}

/// One input.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Row {
    /// Its name.
    pub input: &'static str,
    /// Events that came in all rounds.
    pub arrived: u64,
    /// Datagrams that agent and system count as dropped, in all rounds.
    pub dropped: u64,
    /// Medians.
    pub filling: Filling,
}

impl Row {
    fn cpu_per_million(&self) -> f64 {
        self.filling.cpu_seconds * 1e6 / (self.filling.load.events as f64).max(1.0)
    }
}

impl Report {
    /// Whether no input took more than [`MEMORY_LIMIT`].
    pub fn is_within_limit(&self) -> bool {
        self.rows.iter().all(|row| row.filling.peak_resident <= MEMORY_LIMIT)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { machine, course: Course { lines, format, seed, rounds, .. }, rows } = self;
        writeln!(f, "{machine}; {lines} events ({format:?}) a round, seed {seed}, median of {rounds}")?;
        let limit = MEMORY_LIMIT >> 20;
        writeln!(
            f,
            "{:<16}{:>10}{:>9}{:>12}{:>10}{:>10}  at most {limit}",
            "", "arrived", "dropped", "CPU s / M", "of file", "peak MiB"
        )?;
        let file = rows.first().map_or(0.0, Row::cpu_per_million).max(f64::MIN_POSITIVE);
        for row in rows {
            let (cpu, peak) = (row.cpu_per_million(), row.filling.peak_mebibytes());
            let verdict = if row.filling.peak_resident > MEMORY_LIMIT { "TOO MUCH" } else { "yes" };
            let Row { input, arrived, dropped, .. } = row;
            let of_file = cpu / file;
            writeln!(
                f,
                "{input:<16}{arrived:>10}{dropped:>9}{cpu:>12.2}{of_file:>9.2}×{peak:>10.1}  {verdict}"
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::Format;
    use crate::sink::Totals;

    fn row(input: &'static str, cpu_seconds: f64, peak_resident: u64) -> Row {
        let load = Totals { events: 500_000, ..Totals::default() };
        let filling = Filling { wall_seconds: 1.0, cpu_seconds, peak_resident, load };
        Row { input, arrived: 500_000, dropped: 0, filling }
    }

    #[test]
    fn inputs_are_compared_with_the_plain_file_and_held_against_the_limit() {
        let mut report = Report {
            machine: "m".into(),
            course: Course {
                blueox: "a".into(),
                lines: 500_000,
                format: Format::Tracing,
                seed: 1,
                rounds: 1,
            },
            rows: vec![row("file", 1.0, 12 << 20), row("file, gz", 1.5, MEMORY_LIMIT)],
        };
        assert!(report.is_within_limit());
        report.rows.push(row("stdin", 1.0, MEMORY_LIMIT + 1));
        assert!(!report.is_within_limit());
        let text = report.to_string();
        assert!(text.contains("3.00     1.50×      24.0  yes") && text.contains("24.0  TOO MUCH"), "{text}");
    }
}
