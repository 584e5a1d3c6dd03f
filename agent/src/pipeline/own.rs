//! The agent's own metric event, every ten seconds.

use super::report::{cpu_seconds, resident_bytes};
use super::settle::OWN;
use super::tailer::Tailer;
use crate::batch::EventMeta;
use crate::event::Environment;
use crate::event::own_metrics::{self, DATASET, OwnMetrics, Value};
use crate::file::Lineage;
use crate::file::identity::checksum;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::{Duration, Instant};
use xxhash_rust::xxh3::xxh3_64;

/// Between two events.
const EVERY: Duration = Duration::from_secs(10);

/// What the agent says of itself in its own data stream.
///
/// These events are in no account and no checkpoint; their ids are made of `host.id`, start time and a counter.
pub(super) struct OwnEvents {
    environment: Environment,
    index: Arc<str>,
    lineage: Lineage,
    count: u64,
    next: Instant,
    last_cpu: f64,
    last_at: Instant,
}

impl OwnEvents {
    /// The first event comes after one interval.
    pub(super) fn new(host_id: &str, environment: &Environment) -> Self {
        let now = Instant::now();
        let name = format!("{host_id}\0{}", Timestamp::now().as_nanosecond());
        let [_, _, low @ ..] = xxh3_64(name.as_bytes()).to_be_bytes();
        Self {
            environment: environment.clone(),
            index: format!("logs-{DATASET}-default").into(),
            lineage: Lineage(low),
            count: 0,
            next: now + EVERY,
            last_cpu: cpu_seconds(),
            last_at: now,
        }
    }

    /// Share of one core since the last call.
    fn cpu_share(&mut self, now: Instant) -> f64 {
        let cpu = cpu_seconds();
        let wall = (now - self.last_at).as_secs_f64();
        let share = if wall > 0.0 { (cpu - self.last_cpu) / wall } else { 0.0 };
        (self.last_cpu, self.last_at) = (cpu, now);
        share
    }
}

impl Tailer {
    /// Sends the event when it is due.
    pub(super) fn send_own_event(&mut self, now: Instant) {
        let Some(mut own) = self.parts.own_events.take_if(|own| now >= own.next) else { return };
        own.next = now + EVERY;
        let values = self.own_values(&mut own, now);
        let metrics = OwnMetrics {
            at: Timestamp::now(),
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION"),
            values: &values,
        };
        let mut document = Vec::new();
        own_metrics::write(&metrics, &own.environment, &mut document);
        let event = EventMeta {
            file: OWN,
            lineage: own.lineage,
            start: own.count,
            end: own.count + 1,
            checksum: checksum(&document),
            uncertain: false,
        };
        own.count += 1;
        self.parts.intake.take_own(&own.index, event, &document, now);
        self.parts.own_events = Some(own);
    }

    fn own_values(&self, own: &mut OwnEvents, now: Instant) -> Vec<(&'static str, Value)> {
        let counts = self.parts.accounts.snapshot();
        let output = self.parts.output.snapshot();
        let unread: u64 = self.parts.table.files().map(|file| file.unread()).sum();
        let whole = [
            ("blueox.events.read", counts.read),
            ("blueox.events.delivered", counts.delivered),
            ("blueox.events.duplicate", counts.duplicate),
            ("blueox.events.dead_lettered", counts.dead_lettered),
            ("blueox.events.filtered", counts.filtered),
            ("blueox.events.lost", counts.lost_events()),
            ("blueox.events.pending", counts.pending),
            ("blueox.bytes.read", counts.bytes_read),
            ("blueox.bytes.sent", output.bytes_sent),
            ("blueox.bytes.lost", counts.lost_bytes()),
            ("blueox.dead_letters.size", self.dead_letter_bytes()),
            ("blueox.id_collisions", counts.id_collisions),
            ("blueox.output.retries", output.retries),
            ("blueox.output.in_flight", output.in_flight),
            ("blueox.output.held", output.held.len() as u64),
            ("blueox.files.open", self.parts.table.open_count() as u64),
            ("blueox.files.known", self.parts.table.files().count() as u64),
            ("blueox.lag.max_ms", self.lag(now).as_millis() as u64),
            ("blueox.lag.bytes", unread),
            ("blueox.memory.limit", self.parts.limits.memory),
            ("process.memory.usage", resident_bytes()),
        ];
        let mut values: Vec<_> = whole.map(|(name, value)| (name, Value::Whole(value))).to_vec();
        values.push(("process.cpu.utilization", Value::Fraction(own.cpu_share(now))));
        values.push(("process.cpu.time", Value::Fraction(own.last_cpu)));
        values.push(("process.uptime", Value::Fraction((now - self.started).as_secs_f64())));
        values
    }
}
