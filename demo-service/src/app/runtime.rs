//! An event about the process every few seconds.

use super::App;
use super::cgroup::Cgroup;
use super::process::{self, Usage};
use crate::log::field::{self, metric};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tracing::info;

/// Logs what the process uses, for ever.
pub(super) async fn report(app: Arc<App>, every: Duration) {
    let started = Instant::now();
    let (mut cpu_before, mut at_before) = (process::cpu_seconds(), started);
    let mut ticks = tokio::time::interval_at((started + every).into(), every);
    loop {
        ticks.tick().await;
        let (cpu, at) = (process::cpu_seconds(), Instant::now());
        let utilization = (cpu - cpu_before) / (at - at_before).as_secs_f64();
        log(&app, cpu, utilization, at - started);
        (cpu_before, at_before) = (cpu, at);
    }
}

/// What the system does not tell is left out.
fn log(app: &App, cpu_seconds: f64, cpu_utilization: f64, uptime: Duration) {
    let (usage, cgroup) = (Usage::read(), Cgroup::read(Path::new("/")));
    let tokio = Handle::current().metrics();
    let busy: Duration =
        (0..tokio.num_workers()).map(|worker| tokio.worker_total_busy_duration(worker)).sum();
    info!(
        { field::KIND } = "metric",
        { metric::ACTIVE_REQUESTS } = app.active.value(),
        { metric::REQUESTS } = app.answered.load(Relaxed),
        { metric::CLIENT_REQUESTS } = app.upstream.active(),
        { metric::POOL_USED } = app.pool.used(),
        { metric::POOL_SIZE } = app.pool.size(),
        { metric::POOL_WAITING } = app.pool.waiting(),
        { metric::QUEUE_DEPTH } = app.pool.waiting(),
        { metric::QUEUE_LIMIT } = app.pool.queue(),
        { metric::CPU_TIME } = cpu_seconds,
        { metric::CPU_UTILIZATION } = cpu_utilization,
        { metric::UPTIME } = uptime.as_secs_f64(),
        { metric::MEMORY } = usage.memory,
        { metric::MEMORY_VIRTUAL } = usage.memory_virtual,
        { metric::THREADS } = usage.threads,
        { metric::DESCRIPTORS } = usage.descriptors,
        { metric::CPU_LIMIT } = cgroup.cpu_limit,
        { metric::CPU_PERIODS } = cgroup.periods,
        { metric::CPU_THROTTLED } = cgroup.throttled_periods,
        { metric::CPU_THROTTLED_TIME } = cgroup.throttled_seconds,
        { metric::CONTAINER_MEMORY } = cgroup.memory,
        { metric::CONTAINER_MEMORY_LIMIT } = cgroup.memory_limit,
        { metric::WORKERS } = tokio.num_workers(),
        { metric::TASKS } = tokio.num_alive_tasks(),
        { metric::TASK_QUEUE } = tokio.global_queue_depth(),
        { metric::BUSY_TIME } = busy.as_secs_f64(),
        "process"
    );
}
