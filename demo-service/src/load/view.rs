//! The run as it is watched: a table that stays in its place on a terminal, a line a second elsewhere.

use super::report::Progress;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

/// How progress is shown, on standard error.
#[derive(Debug)]
pub enum View {
    /// A table, drawn over the one before, which had so many lines.
    Table(usize),
    /// A line a second.
    Lines,
    /// Not at all.
    Silent,
}

impl View {
    /// For standard error as it is.
    pub fn of_stderr() -> Self {
        if io::stderr().is_terminal() { Self::Table(0) } else { Self::Lines }
    }

    /// Shows `progress` of a run of `duration`. A terminal that is gone does not end the run.
    pub fn show(&mut self, progress: &Progress, duration: Duration) {
        let Progress { phase, users, in_flight, second, report } = progress;
        let (profile, length, duration) = (report.profile.name(), report.length, duration.as_secs_f64());
        let heading = format!(
            "{profile}  {:.0} of {duration:.0} s  {phase}  {users:.0} users  {in_flight} in flight",
            length.min(duration)
        );
        let text = match self {
            Self::Silent => return,
            Self::Lines => {
                let (requests, errors, ms) = (second.requests, second.errors, &second.latency_ms);
                let [p50, p95, p99] = [ms.p50, ms.p95, ms.p99];
                format!(
                    "{heading}  {requests} req/s  p50 {p50} ms  p95 {p95} ms  p99 {p99} ms  {errors} errors\n"
                )
            }
            Self::Table(height) => {
                let table = [vec![heading, String::new()], report.table(Some(second))].concat();
                drawn(&table, std::mem::replace(height, table.len()))
            }
        };
        let _gone = io::stderr().write_all(text.as_bytes());
    }
}

/// The bytes that draw `table` over the one before, which had so many lines.
///
/// One write, line over line: nothing is ever blank, so nothing flickers. Lines are cut at the right edge (`?7l`),
/// else they would be more than there are rows to go up by.
pub fn drawn(table: &[String], height_before: usize) -> String {
    let up = if height_before > 0 { format!("\x1b[{height_before}A") } else { String::new() };
    let lines = table.iter().map(|line| format!("\r{line}\x1b[K\n"));
    format!("\x1b[?7l{up}{}\x1b[J\x1b[?7h", lines.collect::<String>())
}
