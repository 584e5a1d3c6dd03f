//! The report as Prometheus text, exposition format 0.0.4.

use super::StatusReport;
use std::collections::BTreeMap;
use std::fmt::{Display, Write};

/// All metrics. Counters are those of this process; a restart begins at 0, as Prometheus expects.
pub(super) fn render(report: &StatusReport) -> String {
    let mut page = Page(String::with_capacity(4096));
    page.info(&report.version);
    page.gauge("blueox_uptime_seconds", "Time since the start", seconds(report.uptime_ms));
    page.gauge("blueox_ready", "1 where /readyz answers 200", u8::from(report.ready));
    let accounts = &report.accounts;
    page.counter(
        "blueox_read_events_total",
        "Events read; the sum of all other event accounts",
        accounts.read,
    );
    page.counter("blueox_delivered_events_total", "Events stored by the output", accounts.delivered);
    page.counter("blueox_duplicate_events_total", "Events the output had from before", accounts.duplicate);
    page.counter(
        "blueox_dead_lettered_events_total",
        "Events refused for good and kept on disk",
        accounts.dead_lettered,
    );
    page.counter(
        "blueox_filtered_events_total",
        "Events dropped by configured processors",
        accounts.filtered,
    );
    page.counter("blueox_lost_events_total", "Events lost, each logged with its reason", accounts.lost);
    page.gauge("blueox_pending_events", "Events without a verdict yet", accounts.pending);
    let bytes = &report.bytes;
    page.counter("blueox_read_bytes_total", "Bytes read from files", bytes.read);
    page.counter("blueox_sent_bytes_total", "Bytes of requests as they went over the wire", bytes.sent);
    page.counter("blueox_lost_bytes_total", "Bytes of files that were never read or sent", bytes.lost);
    page.gauge("blueox_dead_letters_bytes", "Dead letters on disk", bytes.dead_letters);
    page.counter(
        "blueox_id_collisions_total",
        "Events that shared an id with another one",
        report.id_collisions,
    );
    page.counter("blueox_output_retries_total", "Requests or items sent again", report.output.retries);
    page.gauge("blueox_output_requests", "Requests under way", report.output.in_flight);
    page.gauge("blueox_held_indices", "Indices nothing goes to until an operator acts", report.held.len());
    let lag = report.files.iter().map(|file| file.lag_ms).max().unwrap_or(0);
    page.gauge("blueox_lag_seconds", "Age of the oldest line without a verdict", seconds(lag));
    page.gauge("blueox_memory_used_bytes", "Resident memory", report.memory.used);
    page.gauge("blueox_memory_limit_bytes", "limits.memory", report.memory.limit);
    page.files(report);
    page.0
}

fn seconds(millis: u64) -> f64 {
    millis as f64 / 1000.0
}

struct Page(String);

impl Page {
    fn head(&mut self, name: &str, help: &str, kind: &str) {
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {kind}"));
    }

    fn line(&mut self, line: impl Display) {
        let written = writeln!(self.0, "{line}");
        debug_assert!(written.is_ok(), "writing to a string");
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.head(name, help, "counter");
        self.line(format_args!("{name} {value}"));
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.head(name, help, "gauge");
        self.line(format_args!("{name} {value}"));
    }

    fn info(&mut self, version: &str) {
        self.head("blueox_info", "Version of the agent", "gauge");
        self.line(format_args!("blueox_info{{version=\"{}\"}} 1", label(version)));
    }

    /// By state, not by path: as many series as there are states.
    fn files(&mut self, report: &StatusReport) {
        let mut states: BTreeMap<&str, u64> = BTreeMap::new();
        for file in &report.files {
            *states.entry(file.state.as_str()).or_default() += 1;
        }
        self.head("blueox_files", "Known files by state", "gauge");
        for (state, count) in states {
            self.line(format_args!("blueox_files{{state=\"{}\"}} {count}", label(state)));
        }
    }
}

fn label(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitoring::{Accounts, FileStatus};

    #[test]
    fn page_holds_every_account_and_the_worst_lag() {
        let file = |lag_ms, state: &str| FileStatus { lag_ms, state: state.into(), ..FileStatus::default() };
        let report = StatusReport {
            version: "1\"2".into(),
            accounts: Accounts {
                read: 7,
                delivered: 1,
                duplicate: 2,
                dead_lettered: 3,
                filtered: 0,
                lost: 0,
                pending: 1,
            },
            files: vec![file(10, "active"), file(2500, "active"), file(0, "held")],
            ..StatusReport::default()
        };
        let page = render(&report);
        for line in [
            "blueox_info{version=\"1\\\"2\"} 1",
            "blueox_read_events_total 7",
            "blueox_delivered_events_total 1",
            "blueox_duplicate_events_total 2",
            "blueox_dead_lettered_events_total 3",
            "blueox_pending_events 1",
            "blueox_lag_seconds 2.5",
            "blueox_files{state=\"active\"} 2",
            "blueox_files{state=\"held\"} 1",
        ] {
            assert!(page.lines().any(|found| found == line), "{line}\n{page}");
        }
    }

    #[test]
    fn every_metric_has_help_and_type_and_counters_end_in_total() {
        let page = render(&StatusReport { files: vec![FileStatus::default()], ..StatusReport::default() });
        for line in page.lines().filter(|line| !line.starts_with('#')) {
            let name = line.split(['{', ' ']).next().unwrap();
            assert!(page.contains(&format!("# HELP {name} ")), "{name}");
            let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
            assert!(page.contains(&format!("# TYPE {name} {kind}\n")), "{name}");
        }
    }
}
