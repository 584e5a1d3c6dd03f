//! What the generator logs, as service `load`.
//!
//! None of it is a request event: a client's view beside the services' own would count every request twice. So no
//! line has a method, a status and a duration under names an agent knows.

use super::report::Progress;
use super::tally::Outcome;
use crate::log::field;
use std::time::Duration;
use tracing::info;

/// One line a request. The trace, empty where nothing was sent, is that of the service's own line; `times` from the
/// start of the run are when the request was due and when it was sent, and then from `due` to the end of the answer.
pub fn request(endpoint: &str, outcome: Outcome, trace_id: &str, times: [Duration; 3]) {
    let [due, sent, latency] = times.map(|time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    info!(
        { field::TRACE_ID } = Some(trace_id).filter(|id| !id.is_empty()),
        load_endpoint = endpoint,
        load_outcome = outcome.name(),
        load_due_ns = due,
        load_sent_ns = sent,
        load_latency_ns = latency,
        "request done"
    );
}

/// One line a second; a metric event by its first field.
pub fn interval(progress: &Progress) {
    let figures = &progress.second;
    info!(
        { field::metric::CLIENT_REQUESTS } = progress.in_flight,
        { field::LOAD_PROFILE } = progress.report.profile.name(),
        { field::LOAD_PHASE } = progress.phase,
        load_users = progress.users,
        load_requests = figures.requests,
        load_errors = figures.errors,
        load_p50_ms = figures.latency_ms.p50,
        load_p95_ms = figures.latency_ms.p95,
        load_p99_ms = figures.latency_ms.p99,
        load_max_ms = figures.latency_ms.max,
        "a second of load"
    );
}
