//! Counts and latencies of a stretch of time.

use hdrhistogram::Histogram;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// Latencies are kept in nanoseconds from 1 µs to 10 min, three digits exact; beyond, they count as the bound.
const LOWEST_NS: u64 = 1_000;
const HIGHEST_NS: u64 = 600_000_000_000;

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Answered in whole, with this status.
    Status(u16),
    /// Nothing listens there, or the connection could not be made.
    Refused,
    /// The connection broke before the answer was complete.
    Broken,
    /// Not answered in whole in time.
    Timeout,
    /// Not sent: as many requests as allowed were in flight already.
    Dropped,
}

impl Outcome {
    /// Everything but an answer below 400.
    pub fn is_error(self) -> bool {
        !matches!(self, Self::Status(..400))
    }

    /// Whether a user waited for something: a refusal in no time would brighten the latency of an outage.
    fn has_latency(self) -> bool {
        matches!(self, Self::Status(_) | Self::Timeout)
    }

    /// `200`, `timeout` …
    pub fn name(self) -> String {
        match self {
            Self::Status(status) => status.to_string(),
            other => format!("{other:?}").to_lowercase(),
        }
    }
}

/// Requests that came to an end.
#[derive(Debug, Clone)]
pub struct Tally {
    latency: Histogram<u64>,
    outcomes: BTreeMap<Outcome, u64>,
}

impl Default for Tally {
    fn default() -> Self {
        let latency = Histogram::new_with_bounds(LOWEST_NS, HIGHEST_NS, 3).expect("the bounds are valid");
        Self { latency, outcomes: BTreeMap::new() }
    }
}

impl Tally {
    /// Counts one request.
    pub fn record(&mut self, outcome: Outcome, latency: Duration) {
        *self.outcomes.entry(outcome).or_default() += 1;
        if outcome.has_latency() {
            self.latency.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
        }
    }

    /// Adds what `other` counted.
    pub fn add(&mut self, other: &Self) {
        self.latency.add(&other.latency).expect("all tallies have the same bounds");
        for (outcome, count) in &other.outcomes {
            *self.outcomes.entry(*outcome).or_default() += count;
        }
    }

    /// All of them together.
    pub fn sum(tallies: &[Self]) -> Self {
        tallies.iter().fold(Self::default(), |mut sum, tally| {
            sum.add(tally);
            sum
        })
    }

    /// Sums it up; `length` is the time it was taken over.
    pub fn figures(&self, length: Duration) -> Figures {
        let milliseconds = |nanoseconds: f64| (nanoseconds / 1e3).round() / 1e3;
        let at = |quantile| milliseconds(self.latency.value_at_quantile(quantile) as f64);
        let requests = self.outcomes.values().sum();
        let errors = self.outcomes.iter().filter(|(outcome, _)| outcome.is_error()).map(|(_, n)| n).sum();
        Figures {
            requests,
            per_second: (requests as f64 / length.as_secs_f64() * 10.0).round() / 10.0,
            errors,
            latency_ms: Latency {
                min: milliseconds(self.latency.min() as f64),
                mean: milliseconds(self.latency.mean()),
                p50: at(0.5),
                p75: at(0.75),
                p95: at(0.95),
                p99: at(0.99),
                max: milliseconds(self.latency.max() as f64),
            },
            outcomes: self.outcomes.iter().map(|(outcome, count)| (outcome.name(), *count)).collect(),
        }
    }
}

/// A tally summed up: the figures of live view, log and report alike.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// Requests due, sent or not.
    pub requests: u64,
    /// Of them a second.
    pub per_second: f64,
    /// Answers from 400 on, and everything without answer.
    pub errors: u64,
    /// Of answers and timeouts.
    pub latency_ms: Latency,
    /// Requests by status or reason.
    pub outcomes: BTreeMap<String, u64>,
}

/// Milliseconds, in steps of a microsecond. All 0 where nothing was measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Latency {
    pub min: f64,
    pub mean: f64,
    pub p50: f64,
    pub p75: f64,
    pub p95: f64,
    pub p99: f64,
    pub max: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_hold_what_was_recorded() {
        let mut tally = Tally::default();
        for milliseconds in 1..=100 {
            tally.record(Outcome::Status(200), Duration::from_millis(milliseconds));
        }
        let mut other = Tally::default();
        other.record(Outcome::Status(503), Duration::from_millis(1));
        other.record(Outcome::Refused, Duration::from_secs(5));
        other.record(Outcome::Dropped, Duration::ZERO);
        tally.add(&other);
        let figures = tally.figures(Duration::from_secs(10));
        assert_eq!((figures.requests, figures.errors, figures.per_second), (103, 3, 10.3));
        let expected = [("200", 100), ("503", 1), ("dropped", 1), ("refused", 1)];
        assert!(figures.outcomes.iter().map(|(name, count)| (name.as_str(), *count)).eq(expected));
        let near = |value: f64, expected: f64| assert!((value / expected - 1.0).abs() < 0.001, "{value}");
        near(figures.latency_ms.p50, 50.0);
        near(figures.latency_ms.p99, 99.0);
        // A refused connection after 5 s is not a latency.
        near(figures.latency_ms.max, 100.0);
    }

    #[test]
    fn nothing_and_the_unbelievable_have_figures_too() {
        let mut tally = Tally::default();
        assert_eq!(tally.figures(Duration::from_secs(1)).latency_ms.max, 0.0);
        tally.record(Outcome::Timeout, Duration::MAX);
        assert!(tally.figures(Duration::from_secs(1)).latency_ms.max >= 600_000.0);
    }
}
