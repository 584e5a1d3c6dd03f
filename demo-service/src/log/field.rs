//! Every name a line can have beside those of bunyan itself.
//!
//! Names of ECS where it has one; `app_kind`, `load_profile`, `load_phase` and the like become `labels.*`. A field called as
//! one of bunyan's own (`name`, `msg`, `time` …) would vanish, and one called `file`, `line` or `target` would stand twice.

/// Number of the line in this process, from 1 without a gap.
pub const SEQUENCE: &str = "event.sequence";
/// Lines dropped since the start because the queue was full.
pub const LOG_DROPPED: &str = "log_dropped";
/// What the formatter adds to ends of spans: whole milliseconds, too coarse, not written.
pub const ELAPSED_MS: &str = "elapsed_milliseconds";

/// Version of the service.
pub const SERVICE_VERSION: &str = "service.version";
/// Where it runs: prod, test …
pub const SERVICE_ENVIRONMENT: &str = "service.environment";
/// The instance; host and process id say it where nobody named one.
pub const SERVICE_NODE: &str = "service.node.name";

/// `GET`, … or `_OTHER`.
pub const METHOD: &str = "http.request.method";
/// Pattern of the route, or `unmatched`.
pub const ROUTE: &str = "http.route";
/// Path without query.
pub const PATH: &str = "url.path";
/// Status sent; 499 where the client left first.
pub const STATUS: &str = "http.response.status_code";
/// Nanoseconds.
pub const DURATION: &str = "event.duration";
/// `success`, `failure` from 500 on, `unknown` where the client left.
pub const OUTCOME: &str = "event.outcome";
/// Why the request was refused.
pub const REASON: &str = "event.reason";
/// Bytes of the request's body that were read.
pub const BYTES_IN: &str = "http.request.body.bytes";
/// Bytes of the response's body.
pub const BYTES_OUT: &str = "http.response.body.bytes";
/// W3C trace id, 32 hexadecimal digits.
pub const TRACE_ID: &str = "trace.id";
/// This request's span in the trace, 16 hexadecimal digits.
pub const SPAN_ID: &str = "span.id";
/// From `x-request-id`, else made here.
pub const REQUEST_ID: &str = "http.request.id";
/// Which of the apps answered.
pub const APP_KIND: &str = "app_kind";
/// From `x-load-profile`.
pub const LOAD_PROFILE: &str = "load_profile";
/// From `x-load-phase`.
pub const LOAD_PHASE: &str = "load_phase";

/// Kind of the error.
pub const ERROR_TYPE: &str = "error.type";
/// What went wrong.
pub const ERROR_MESSAGE: &str = "error.message";
/// The chain of causes, or the stack of a panic.
pub const ERROR_STACK: &str = "error.stack_trace";

/// `metric` on runtime events.
pub const KIND: &str = "event.kind";
/// Address served.
pub const SERVER_ADDRESS: &str = "server.address";
/// Port served.
pub const SERVER_PORT: &str = "server.port";
/// A fault that was set, as on the command line.
pub const FAULT: &str = "fault";
/// What the noisy logger talks about.
pub const CACHE_KEY: &str = "cache_key";

/// Names of the metrics of a runtime event.
pub mod metric {
    /// Requests being answered.
    pub const ACTIVE_REQUESTS: &str = "http.server.active_requests";
    /// Requests answered since the start.
    pub const REQUESTS: &str = "http.server.request.count";
    /// Requests to the dependency being waited for.
    pub const CLIENT_REQUESTS: &str = "http.client.active_requests";
    /// Connections in use.
    pub const POOL_USED: &str = "db.client.connection.count";
    /// Connections there are.
    pub const POOL_SIZE: &str = "db.client.connection.max";
    /// Requests that wait for a connection.
    pub const POOL_WAITING: &str = "db.client.connection.pending_requests";
    /// The same as a queue.
    pub const QUEUE_DEPTH: &str = "queue.depth";
    /// How many may wait.
    pub const QUEUE_LIMIT: &str = "queue.limit";
    /// Resident memory.
    pub const MEMORY: &str = "process.memory.usage";
    /// Virtual memory.
    pub const MEMORY_VIRTUAL: &str = "process.memory.virtual";
    /// CPU seconds since the start.
    pub const CPU_TIME: &str = "process.cpu.time";
    /// Share of one CPU since the last event; two busy CPUs are 2.
    pub const CPU_UTILIZATION: &str = "process.cpu.utilization";
    /// Threads.
    pub const THREADS: &str = "process.thread.count";
    /// Open descriptors.
    pub const DESCRIPTORS: &str = "process.open_file_descriptor.count";
    /// Seconds since the start.
    pub const UPTIME: &str = "process.uptime";
    /// CPUs the cgroup may use.
    pub const CPU_LIMIT: &str = "container.cpu.limit";
    /// Enforcement periods.
    pub const CPU_PERIODS: &str = "container.cpu.throttling.periods";
    /// Those in which the cgroup was held back.
    pub const CPU_THROTTLED: &str = "container.cpu.throttling.throttled_periods";
    /// Seconds it was held back.
    pub const CPU_THROTTLED_TIME: &str = "container.cpu.throttling.throttled_time";
    /// Memory of the cgroup.
    pub const CONTAINER_MEMORY: &str = "container.memory.usage";
    /// Memory it may use.
    pub const CONTAINER_MEMORY_LIMIT: &str = "container.memory.limit";
    /// Worker threads of the runtime.
    pub const WORKERS: &str = "tokio.runtime.workers";
    /// Tasks.
    pub const TASKS: &str = "tokio.runtime.alive_tasks";
    /// Tasks in the queue all workers share.
    pub const TASK_QUEUE: &str = "tokio.runtime.global_queue.depth";
    /// Seconds the workers were busy.
    pub const BUSY_TIME: &str = "tokio.runtime.busy_time";
}
