//! The aggregations of a request, read and bound to fields.

mod buckets;

mod dates;

mod parameters;

mod request;

pub use self::request::parse;

use super::rounding::Rounding;
use crate::query::Query;
use crate::store::ApiError;
use crate::time::calendar::Unit;
use crate::time::format::DateFormat;
use serde_json::Value;

/// Aggregations by name, in the order of their names.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// Name, aggregation and what is inside its buckets.
    pub parts: Vec<(String, Aggregation, Plan)>,
}

/// One aggregation.
#[derive(Debug, Clone, PartialEq)]
pub enum Aggregation {
    /// `terms`
    Terms {
        /// The field.
        field: String,
        /// Most buckets.
        size: usize,
        /// How buckets are ordered, the first rule first; by key where all are equal.
        order: Vec<Order>,
        /// Least documents of a bucket.
        minimum: u64,
        /// The value of documents without one.
        missing: Option<Value>,
        /// Only these: exact values or one regular expression.
        include: Option<Filter>,
        /// Not these.
        exclude: Option<Filter>,
    },
    /// `date_histogram`
    DateHistogram {
        /// The field.
        field: String,
        /// Where buckets begin.
        rounding: Rounding,
        /// How keys are printed.
        format: Option<DateFormat>,
        /// Least documents of a bucket; 0 fills gaps.
        minimum: u64,
        /// Buckets there are even without documents, in milliseconds.
        extended: Option<(i64, i64)>,
        /// Buckets by key instead of a list.
        keyed: bool,
    },
    /// `histogram`
    Histogram {
        /// The field.
        field: String,
        /// Length of a bucket.
        interval: f64,
        /// By how much beginnings are moved.
        offset: f64,
        /// Least documents of a bucket; 0 fills gaps.
        minimum: u64,
        /// Buckets there are even without documents.
        extended: Option<(f64, f64)>,
        /// Buckets by key instead of a list.
        keyed: bool,
    },
    /// `range`: key, from, to
    Range {
        /// The field.
        field: String,
        /// The ranges.
        ranges: Vec<(Option<String>, Option<f64>, Option<f64>)>,
        /// Buckets by key instead of a list.
        keyed: bool,
    },
    /// `filters`
    Filters {
        /// Name and query.
        filters: Vec<(String, Query)>,
        /// Buckets by name instead of a list.
        keyed: bool,
    },
    /// `filter`
    Filter(Query),
    /// `avg`, `sum`, `min`, `max`, `stats`
    Stats {
        /// Which of them.
        shown: Shown,
        /// The field.
        field: String,
        /// The value of documents without one.
        missing: Option<f64>,
    },
    /// `value_count`
    ValueCount(String),
    /// `percentiles`
    Percentiles {
        /// The field.
        field: String,
        /// Which ones.
        percents: Vec<f64>,
        /// By key instead of a list.
        keyed: bool,
    },
    /// `cardinality`
    Cardinality(String),
    /// `top_hits`
    TopHits(TopHits),
}

/// The documents of a `top_hits`.
#[derive(Debug, Clone, PartialEq)]
pub struct TopHits {
    /// Most documents.
    pub size: usize,
    /// The whole request, for sorting and for what is shown of each document.
    pub request: Value,
}

/// Which numbers of [`Aggregation::Stats`] are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// `avg`
    Avg,
    /// `sum`
    Sum,
    /// `min`
    Min,
    /// `max`
    Max,
    /// All of them.
    All,
}

/// Length of a date bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interval {
    /// Milliseconds.
    Fixed(i64),
    /// A unit of the calendar.
    Calendar(Unit),
}

/// One rule of order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// `_count`, `_key`, or a path to a metric.
    pub by: String,
    /// Smallest first.
    pub ascending: bool,
}

/// Values that are let through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// These.
    Values(Vec<String>),
    /// Those that fit the whole pattern.
    Pattern(String),
}

impl Aggregation {
    /// Whether it makes buckets that hold further aggregations.
    pub fn has_buckets(&self) -> bool {
        matches!(
            self,
            Self::Terms { .. }
                | Self::DateHistogram { .. }
                | Self::Histogram { .. }
                | Self::Range { .. }
                | Self::Filters { .. }
                | Self::Filter(_)
        )
    }

    fn has_property(&self, property: &str) -> bool {
        match self {
            Self::Filter(_) => matches!(property, "" | "doc_count"),
            Self::Stats { shown: Shown::All, .. } => {
                matches!(property, "count" | "min" | "max" | "avg" | "sum")
            }
            Self::Stats { .. } | Self::ValueCount(_) | Self::Cardinality(_) => {
                matches!(property, "" | "value")
            }
            Self::Percentiles { percents, .. } => {
                property.parse::<f64>().is_ok_and(|wanted| percents.contains(&wanted))
            }
            _ => false,
        }
    }
}

impl Plan {
    fn check_orders(&self) -> Result<(), ApiError> {
        for (_, aggregation, inner) in &self.parts {
            let Aggregation::Terms { order, .. } = aggregation else { continue };
            for rule in order.iter().filter(|rule| !matches!(rule.by.as_str(), "_count" | "_key")) {
                if !inner.has_metric(&rule.by) {
                    return Err(ApiError::new(
                        400,
                        "aggregation_execution_exception",
                        format!(
                            "Invalid aggregation order path [{}]. The provided aggregation either does not exist, or is a pipeline aggregation and cannot be used to sort the buckets.",
                            rule.by
                        ),
                    ));
                }
            }
        }
        Ok(())
    }

    /// Whether a path like `a`, `a.95`, `a>b` or `a>b.max` leads to a number.
    fn has_metric(&self, path: &str) -> bool {
        match path.split_once('>') {
            Some((name, rest)) => self.parts.iter().any(|(part, aggregation, inner)| {
                part == name && matches!(aggregation, Aggregation::Filter(_)) && inner.has_metric(rest)
            }),
            None => self.parts.iter().any(|(part, aggregation, _)| {
                let property = if path == part {
                    Some("")
                } else {
                    path.strip_prefix(part).and_then(|rest| rest.strip_prefix('.'))
                };
                property.is_some_and(|property| aggregation.has_property(property))
            }),
        }
    }

    /// The plan without what only finishing looks at, so that a window in time that moves leaves it as it is.
    pub fn without_bounds(&self) -> Self {
        let mut plan = self.clone();
        for (_, aggregation, inner) in &mut plan.parts {
            if let Aggregation::DateHistogram { extended, .. } = aggregation {
                *extended = None;
            }
            *inner = inner.without_bounds();
        }
        plan
    }
}
