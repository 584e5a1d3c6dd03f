//! The report as metrics, in the text format 0.0.4 of Prometheus
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>).
//!
//! Counters are named `blueox_<noun>_<unit>_total`. No label holds a path: the number of series stays small however many
//! files there are.

use super::{ListenerStatus, StatusReport};
use std::collections::BTreeMap;
use std::fmt::{self, Write};

/// `Content-Type` of the page.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The whole page.
pub(super) fn render(report: &StatusReport) -> String {
    let mut page = Page(String::with_capacity(4096));
    counters(&mut page, report);
    gauges(&mut page, report);
    page.0
}

fn counters(page: &mut Page, report: &StatusReport) {
    let (events, bytes) = (&report.accounts, &report.bytes);
    page.counter(
        "read_events",
        "Events read: the sum of delivered, duplicate, dead-lettered, filtered, lost, pending.",
        events.read,
    );
    page.counter("delivered_events", "Events stored by the output.", events.delivered);
    page.counter("duplicate_events", "Events the output held already.", events.duplicate);
    page.counter(
        "dead_lettered_events",
        "Events refused for good and kept in the dead-letter files.",
        events.dead_lettered,
    );
    page.counter("filtered_events", "Events dropped by configured processors.", events.filtered);
    if !report.processors.is_empty() {
        let help = "Events dropped, by the processor and its place in the configured list.";
        page.head("filtered_by_processor_events_total", help, "counter");
    }
    for of in &report.processors {
        let labels = [("number", &*of.number.to_string()), ("processor", &of.processor)];
        page.sample("filtered_by_processor_events_total", &labels, &of.filtered);
    }
    page.counter("lost_events", "Events lost, each reported in the log with its reason.", events.lost);
    page.counter("read_bytes", "Bytes read from files.", bytes.read);
    page.counter("sent_bytes", "Bytes sent to the output, repeats included.", bytes.sent);
    page.counter("lost_bytes", "Bytes lost, also those never cut into events.", bytes.lost);
    page.head("lost_by_reason_bytes_total", "Bytes lost, by reason.", "counter");
    for loss in &report.losses {
        page.sample("lost_by_reason_bytes_total", &[("reason", &loss.reason)], &loss.bytes);
    }
    page.counter("cut_lines", "Lines cut at max_line.", report.oddities.cut_lines);
    page.counter(
        "invalid_utf8_lines",
        "Lines with bytes that are not UTF-8; they were replaced.",
        report.oddities.invalid_utf8_lines,
    );
    page.counter(
        "skipped_nul_bytes",
        "NUL bytes of holes in files that were passed over.",
        report.oddities.nul_bytes,
    );
    page.counter("output_retries", "Requests or items sent again.", report.output.retries);
    page.counter(
        "id_collisions",
        "Events sent again because another event had their id.",
        report.id_collisions,
    );
    listeners(page, report);
}

fn listeners(page: &mut Page, report: &StatusReport) {
    type Value = fn(&ListenerStatus) -> u64;
    let families: [(&str, &str, &str, Value); 7] = [
        ("listener_open_connections", "Connections of senders.", "gauge", |of| of.connections_open),
        (
            "listener_refused_connections_total",
            "Connections closed before anything was read.",
            "counter",
            |of| of.connections_refused,
        ),
        ("listener_refused_requests_total", "Requests not answered 2xx.", "counter", |of| {
            of.requests_refused
        }),
        ("listener_received_messages_total", "Messages taken into the queue.", "counter", |of| of.messages),
        ("listener_cut_messages_total", "Messages cut at max_line.", "counter", |of| of.messages_cut),
        (
            "listener_dropped_messages_total",
            "Messages lost: no room in the queue, or no end.",
            "counter",
            |of| of.messages_dropped,
        ),
        (
            "listener_dropped_datagrams_total",
            "Datagrams the system dropped before they were read.",
            "counter",
            |of| of.datagrams_dropped,
        ),
    ];
    for (name, help, kind, value) in families {
        if !report.listeners.is_empty() {
            page.head(name, help, kind);
        }
        for listener in &report.listeners {
            let labels = [("address", &listener.address[..]), ("protocol", &listener.protocol)];
            page.sample(name, &labels, &value(listener));
        }
    }
}

fn gauges(page: &mut Page, report: &StatusReport) {
    let lag_ms = report.files.iter().map(|file| file.lag_ms).max().unwrap_or(0);
    page.gauge("pending_events", "Events read that have no verdict yet.", report.accounts.pending);
    page.gauge("held_indices", "Indices nothing goes to until an operator acts.", report.held.len());
    page.gauge(
        "ready",
        "1 while the agent makes progress or is idle, 0 while it is stuck or held.",
        u8::from(report.ready),
    );
    page.gauge("lag_seconds", "Age of the oldest event without verdict, over all files.", seconds(lag_ms));
    page.gauge("output_in_flight_requests", "Requests under way.", report.output.in_flight);
    page.gauge("dead_letters_bytes", "Size of the dead-letter files.", report.bytes.dead_letters);
    page.gauge("memory_bytes", "Resident memory of the agent.", report.memory.used);
    page.gauge("memory_limit_bytes", "Configured bound of the agent's own memory.", report.memory.limit);
    page.gauge("uptime_seconds", "Time since the agent started.", seconds(report.uptime_ms));
    if !report.queues.is_empty() {
        page.head("queue_bytes", "Bytes of a stream on disk that are not delivered.", "gauge");
    }
    for queue in &report.queues {
        page.sample("queue_bytes", &[("queue", &queue.name)], &queue.bytes);
    }
    page.head("files", "Known files by state.", "gauge");
    for (state, count) in by_state(report) {
        page.sample("files", &[("state", state)], &count);
    }
    page.head("build_info", "Version of the agent; the value is always 1.", "gauge");
    page.sample("build_info", &[("version", &report.version)], &1);
}

fn by_state(report: &StatusReport) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for file in &report.files {
        *counts.entry(file.state.as_str()).or_insert(0) += 1;
    }
    counts
}

fn seconds(milliseconds: u64) -> f64 {
    milliseconds as f64 / 1e3
}

struct Page(String);

impl Page {
    fn counter(&mut self, name: &str, help: &str, value: u64) {
        let name = format!("{name}_total");
        self.head(&name, help, "counter");
        self.sample(&name, &[], &value);
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl fmt::Display) {
        self.head(name, help, "gauge");
        self.sample(name, &[], &value);
    }

    fn head(&mut self, name: &str, help: &str, kind: &str) {
        self.line(format_args!("# HELP blueox_{name} {help}"));
        self.line(format_args!("# TYPE blueox_{name} {kind}"));
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: &dyn fmt::Display) {
        self.line(format_args!("blueox_{name}{} {value}", Labels(labels)));
    }

    fn line(&mut self, line: fmt::Arguments<'_>) {
        writeln!(self.0, "{line}").expect("a string takes any text");
    }
}

/// `{name="value",…}`, nothing where there are none; backslash, quote and line feed of a value are escaped.
struct Labels<'a>(&'a [(&'a str, &'a str)]);

impl fmt::Display for Labels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(last) = self.0.len().checked_sub(1) else { return Ok(()) };
        f.write_char('{')?;
        for (place, (name, value)) in self.0.iter().enumerate() {
            let value = value.replace('\\', r"\\").replace('"', r#"\""#).replace('\n', r"\n");
            write!(f, "{name}=\"{value}\"{}", if place == last { "" } else { "," })?;
        }
        f.write_char('}')
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitoring::{
        Accounts, Bytes, FileStatus, Held, ListenerStatus, Loss, Memory, Oddities, OutputStatus,
        ProcessorStatus, QueueStatus,
    };

    fn report() -> StatusReport {
        let file = |state: &str, lag_ms| FileStatus {
            path: "/a".into(),
            state: state.into(),
            lag_ms,
            ..Default::default()
        };
        let listener = ListenerStatus {
            address: "127.0.0.1:5514".into(),
            protocol: "tcp".into(),
            connections_open: 41,
            connections_refused: 42,
            requests_refused: 43,
            messages: 44,
            messages_cut: 45,
            messages_dropped: 46,
            datagrams_dropped: 47,
        };
        StatusReport {
            processors: vec![ProcessorStatus { number: 2, processor: "drop".into(), filtered: 4 }],
            listeners: vec![listener],
            queues: vec![QueueStatus { name: "stdin".into(), bytes: 14, ..Default::default() }],
            version: "1.2.3".into(),
            uptime_ms: 1500,
            ready: true,
            held: vec![Held::default()],
            accounts: Accounts {
                read: 21,
                delivered: 1,
                duplicate: 2,
                dead_lettered: 3,
                filtered: 4,
                lost: 5,
                pending: 6,
            },
            bytes: Bytes { read: 10, sent: 11, lost: 12, dead_letters: 13 },
            losses: vec![Loss { reason: "held_files_limit".into(), times: 1, events: 5, bytes: 12 }],
            oddities: Oddities { cut_lines: 31, invalid_utf8_lines: 32, nul_bytes: 33 },
            id_collisions: 7,
            files: vec![file("idle", 0), file("a\\b\"c\nd", 2500), file("idle", 20)],
            output: OutputStatus { in_flight: 8, retries: 9, ..Default::default() },
            memory: Memory { used: 100, limit: 200 },
        }
    }

    #[test]
    fn every_number_of_the_report_is_a_sample_of_its_own_name() {
        let page = render(&report());
        for line in [
            "blueox_read_events_total 21",
            "blueox_delivered_events_total 1",
            "blueox_duplicate_events_total 2",
            "blueox_dead_lettered_events_total 3",
            "blueox_filtered_events_total 4",
            r#"blueox_filtered_by_processor_events_total{number="2",processor="drop"} 4"#,
            "blueox_lost_events_total 5",
            "blueox_pending_events 6",
            "blueox_read_bytes_total 10",
            "blueox_sent_bytes_total 11",
            "blueox_lost_bytes_total 12",
            r#"blueox_lost_by_reason_bytes_total{reason="held_files_limit"} 12"#,
            "blueox_cut_lines_total 31",
            "blueox_invalid_utf8_lines_total 32",
            "blueox_skipped_nul_bytes_total 33",
            "blueox_dead_letters_bytes 13",
            "blueox_id_collisions_total 7",
            "blueox_output_in_flight_requests 8",
            "blueox_output_retries_total 9",
            "blueox_held_indices 1",
            "blueox_ready 1",
            "blueox_lag_seconds 2.5",
            "blueox_uptime_seconds 1.5",
            "blueox_memory_bytes 100",
            "blueox_memory_limit_bytes 200",
            r#"blueox_listener_open_connections{address="127.0.0.1:5514",protocol="tcp"} 41"#,
            r#"blueox_listener_refused_connections_total{address="127.0.0.1:5514",protocol="tcp"} 42"#,
            r#"blueox_listener_refused_requests_total{address="127.0.0.1:5514",protocol="tcp"} 43"#,
            r#"blueox_listener_received_messages_total{address="127.0.0.1:5514",protocol="tcp"} 44"#,
            r#"blueox_listener_cut_messages_total{address="127.0.0.1:5514",protocol="tcp"} 45"#,
            r#"blueox_listener_dropped_messages_total{address="127.0.0.1:5514",protocol="tcp"} 46"#,
            r#"blueox_listener_dropped_datagrams_total{address="127.0.0.1:5514",protocol="tcp"} 47"#,
            r#"blueox_files{state="idle"} 2"#,
            r#"blueox_build_info{version="1.2.3"} 1"#,
        ] {
            assert!(page.lines().any(|found| found == line), "{line} is missing in\n{page}");
        }
    }

    #[test]
    fn label_values_are_escaped() {
        assert!(render(&report()).contains("blueox_files{state=\"a\\\\b\\\"c\\nd\"} 1\n"));
        assert_eq!(Labels(&[("a", "1"), ("b", "2")]).to_string(), r#"{a="1",b="2"}"#);
    }

    #[test]
    fn each_sample_follows_its_help_and_type_and_no_name_comes_twice() {
        let page = render(&report());
        assert!(page.ends_with('\n'));
        let mut families = Vec::new();
        let mut lines = page.lines().peekable();
        while let Some(help) = lines.next() {
            let name = help.strip_prefix("# HELP ").and_then(|rest| rest.split(' ').next()).unwrap();
            let kind = lines.next().and_then(|line| line.strip_prefix(&format!("# TYPE {name} "))).unwrap();
            assert_eq!(kind == "counter", name.ends_with("_total"), "{name}");
            let is_sample = |line: &&str| line.split(['{', ' ']).next() == Some(name);
            let mut samples = 0;
            while let Some(line) = lines.next_if(is_sample) {
                line.rsplit(' ').next().unwrap().parse::<f64>().unwrap();
                samples += 1;
            }
            assert!(samples > 0, "{name}");
            assert!(!families.contains(&name), "{name}");
            families.push(name);
        }
        assert_eq!(families.len(), 35);
    }
}
