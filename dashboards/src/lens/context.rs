//! What the reader of a board has set: time, query, filters, controls.

use super::filter::{Filter, Selection};
use super::time::interval::IntervalRule;
use super::time::{Millis, TimeRange};
use crate::kql::Query;

/// Everything outside a panel that decides what it shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Context {
    /// The time shown.
    pub range: TimeRange,
    /// The moment of asking; panels with a time range of their own count from it.
    pub now: Millis,
    /// Where days begin: a name such as `Europe/Berlin` or an offset such as `+02:00`.
    pub time_zone: String,
    /// The query bar.
    pub query: Query,
    /// The filter bar.
    pub filters: Vec<Filter>,
    /// What is chosen in the controls.
    pub selections: Vec<Selection>,
    /// How automatic intervals are chosen.
    pub interval_rule: IntervalRule,
}

impl Context {
    /// The time, and nothing asked for besides; UTC.
    pub fn new(range: TimeRange, now: Millis) -> Self {
        Self {
            range,
            now,
            time_zone: "UTC".to_owned(),
            query: Query::All,
            filters: Vec::new(),
            selections: Vec::new(),
            interval_rule: IntervalRule::default(),
        }
    }
}
