//! What several boards share: filters, measures, terms, the row of links.

use crate::model::board::Row;
use crate::model::field::{EVENT_DURATION, SERVICE_NAME, SERVICE_NODE_NAME};
use crate::model::measure::{Color, Format, Function, Measure, Per};
use crate::model::panel::{Drawing, Panel, Terms};

/// Ends of requests: the only events with method, status and duration.
pub(super) const REQUESTS: &str = r#"event.category: "web""#;
/// Requests that failed: status 5xx, or an error on the event.
pub(super) const FAILED: &str = r#"event.category: "web" and event.outcome: "failure""#;
/// Lines that report an error.
pub(super) const ERRORS: &str = r#"log.level: ("error" or "fatal")"#;
/// What services say of themselves every ten seconds. The agents' own events are not among them.
pub(super) const SERVICE_METRICS: &str = r#"event.kind: "metric" and not event.dataset: "app.agent""#;
/// What the agents say of themselves.
pub(super) const AGENT_METRICS: &str = r#"event.dataset: "app.agent""#;

/// From one failure in a hundred on something is wrong, from one in twenty on it is an incident.
const ERROR_RATE_WARNING: f64 = 0.01;
const ERROR_RATE_BAD: f64 = 0.05;

pub(super) const SERVICE: Terms = Terms::top(10, "Service", SERVICE_NAME);
pub(super) const INSTANCE: Terms = Terms::top(10, "Instance", SERVICE_NODE_NAME);

pub(super) fn links() -> Row {
    Row::equal(3, vec![Panel::new("links", "Boards", "", Drawing::Links)])
}

pub(super) fn requests_per_second() -> Measure {
    Measure::rate("Requests/s", Per::Second, None)
}

/// Of panels over [`FAILED`].
pub(super) fn failed_per_second() -> Measure {
    Measure::rate("Failed/s", Per::Second, None).color(Color::Bad)
}

pub(super) fn error_rate() -> Measure {
    Measure::formula("Error rate", r#"count(kql='event.outcome: "failure"') / count()"#, Format::Percent(2))
        .thresholds(ERROR_RATE_WARNING, ERROR_RATE_BAD)
}

pub(super) fn p50() -> Measure {
    Measure::of("p50", Function::Percentile(EVENT_DURATION, 50))
}

pub(super) fn p95() -> Measure {
    Measure::of("p95", Function::Percentile(EVENT_DURATION, 95))
}

pub(super) fn p99() -> Measure {
    Measure::of("p99", Function::Percentile(EVENT_DURATION, 99))
}
