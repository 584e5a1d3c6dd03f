//! Metric names the agent maps as they are: the one table that agent, index template, boards and demo-service read.
//!
//! Names are those of OpenTelemetry's semantic conventions where there is one (process, system, container, http and
//! database metrics); what they lack (`container.cpu.throttling.*` for the cgroup counters, `tokio.runtime.*`,
//! `blueox.*`) is named in their manner. A line that carries one of them and is no request is an `event.kind: metric`.

/// How a metric is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricType {
    /// A whole number that goes up and down; `long`.
    Gauge,
    /// A whole number that only grows while the process lives; `long`.
    Counter,
    /// A fraction or a time in seconds that goes up and down; `double`.
    FloatGauge,
    /// A time in seconds that only grows; `double`.
    FloatCounter,
}

impl MetricType {
    /// The Elasticsearch field type.
    pub const fn field_type(self) -> &'static str {
        match self {
            Self::Gauge | Self::Counter => "long",
            Self::FloatGauge | Self::FloatCounter => "double",
        }
    }
}

/// One metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// Field name.
    pub name: &'static str,
    /// How it is stored.
    pub kind: MetricType,
    /// Unit in UCUM, as the conventions write it: `By`, `s`, `1`, `{request}` …
    pub unit: &'static str,
}

const fn gauge(name: &'static str, unit: &'static str) -> Metric {
    Metric { name, kind: MetricType::Gauge, unit }
}

const fn counter(name: &'static str, unit: &'static str) -> Metric {
    Metric { name, kind: MetricType::Counter, unit }
}

const fn float(name: &'static str, unit: &'static str) -> Metric {
    Metric { name, kind: MetricType::FloatGauge, unit }
}

const fn float_counter(name: &'static str, unit: &'static str) -> Metric {
    Metric { name, kind: MetricType::FloatCounter, unit }
}

/// Every known metric.
pub const METRICS: &[Metric] = &[
    gauge("process.memory.usage", "By"),
    gauge("process.memory.virtual", "By"),
    float_counter("process.cpu.time", "s"),
    float("process.cpu.utilization", "1"),
    gauge("process.thread.count", "{thread}"),
    gauge("process.open_file_descriptor.count", "{file_descriptor}"),
    counter("process.context_switches", "{context_switch}"),
    counter("process.paging.faults", "{fault}"),
    counter("process.disk.io", "By"),
    float_counter("process.uptime", "s"),
    gauge("system.memory.usage", "By"),
    gauge("system.memory.limit", "By"),
    float("system.memory.utilization", "1"),
    float("system.cpu.utilization", "1"),
    float("system.cpu.load_average.1m", "{thread}"),
    float("container.cpu.usage", "{cpu}"),
    float_counter("container.cpu.time", "s"),
    float("container.cpu.limit", "{cpu}"),
    counter("container.cpu.throttling.periods", "{period}"),
    counter("container.cpu.throttling.throttled_periods", "{period}"),
    float_counter("container.cpu.throttling.throttled_time", "s"),
    gauge("container.memory.usage", "By"),
    gauge("container.memory.limit", "By"),
    gauge("http.server.active_requests", "{request}"),
    counter("http.server.request.count", "{request}"),
    gauge("http.client.active_requests", "{request}"),
    gauge("http.client.open_connections", "{connection}"),
    gauge("db.client.connection.count", "{connection}"),
    gauge("db.client.connection.max", "{connection}"),
    gauge("db.client.connection.idle.max", "{connection}"),
    gauge("db.client.connection.pending_requests", "{request}"),
    counter("db.client.connection.timeouts", "{timeout}"),
    gauge("tokio.runtime.workers", "{thread}"),
    gauge("tokio.runtime.alive_tasks", "{task}"),
    gauge("tokio.runtime.global_queue.depth", "{task}"),
    gauge("tokio.runtime.blocking_threads", "{thread}"),
    float_counter("tokio.runtime.busy_time", "s"),
    gauge("queue.depth", "{item}"),
    gauge("queue.limit", "{item}"),
    counter("blueox.events.read", "{event}"),
    counter("blueox.events.delivered", "{event}"),
    counter("blueox.events.duplicate", "{event}"),
    counter("blueox.events.dead_lettered", "{event}"),
    counter("blueox.events.filtered", "{event}"),
    counter("blueox.events.lost", "{event}"),
    gauge("blueox.events.pending", "{event}"),
    counter("blueox.events.invalid_json", "{event}"),
    counter("blueox.bytes.read", "By"),
    counter("blueox.bytes.sent", "By"),
    counter("blueox.bytes.lost", "By"),
    gauge("blueox.dead_letters.size", "By"),
    counter("blueox.id_collisions", "{event}"),
    counter("blueox.output.retries", "{retry}"),
    gauge("blueox.output.in_flight", "{request}"),
    gauge("blueox.output.held", "{index}"),
    gauge("blueox.files.open", "{file}"),
    gauge("blueox.files.known", "{file}"),
    gauge("blueox.lag.max_ms", "ms"),
    gauge("blueox.lag.bytes", "By"),
    gauge("blueox.memory.limit", "By"),
];
