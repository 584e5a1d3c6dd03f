//! One column of a layer: a bucket or a measure.

use serde_json::Value as Json;

use crate::kql::Query;
use crate::lens::format::{DataType, Format};
use crate::lens::layer::formula::Expression;
use crate::lens::table::ColumnKind;
use crate::lens::time::interval::{Interval, Unit};

/// What bucket and measure have in common.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Head {
    pub(crate) id: String,
    pub(crate) label: String,
    pub(crate) data_type: DataType,
    pub(crate) format: Format,
    pub(crate) field: Option<String>,
    /// Place in the order of columns: the name of its aggregation.
    pub(crate) position: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bucket {
    pub(crate) head: Head,
    pub(crate) grouping: Grouping,
}

/// How documents are put into buckets.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Grouping {
    Time {
        interval: Option<Interval>,
        /// An automatic interval is no shorter.
        least: Option<Interval>,
        empty_rows: bool,
        drop_partials: bool,
    },
    Terms(Terms),
    Filters(Vec<NamedFilter>),
    Ranges(Vec<Range>),
    /// Equal steps, at most this many.
    Steps {
        bars: u32,
        empty_rows: bool,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Terms {
    pub(crate) size: u32,
    /// Order by the column with this id, else by the term itself.
    pub(crate) order_by: Option<String>,
    pub(crate) ascending: bool,
    pub(crate) other: bool,
    pub(crate) missing: bool,
    pub(crate) include: Option<Json>,
    pub(crate) exclude: Option<Json>,
    pub(crate) accurate: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NamedFilter {
    pub(crate) label: String,
    pub(crate) query: Query,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Range {
    pub(crate) from: Option<f64>,
    pub(crate) to: Option<f64>,
    pub(crate) label: String,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Measure {
    pub(crate) head: Head,
    pub(crate) calculation: Calculation,
    /// Shown per this much time.
    pub(crate) time_scale: Option<Unit>,
    /// A part of a formula.
    pub(crate) hidden: bool,
}

/// Where a measure's value comes from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Calculation {
    Metric(Metric),
    /// Arithmetic over measures with smaller indices.
    Math(Expression<usize>),
    /// Along the time buckets of a group, from a metric or a measure with a smaller index.
    Series(Along, usize),
    /// The value of another measure, which is no formula itself.
    Formula(usize),
    Static(f64),
}

/// What is computed along the time buckets of a group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Along {
    /// By how much a counter grew; where it began anew, its value.
    CounterRate,
    CumulativeSum,
    /// From the bucket before; a gap after a gap.
    Difference,
    /// From the last bucket with a value, where it is set per this much of the time between: the engines' `derivative`.
    Derivative(Option<Interval>),
}

/// A number that the engine computes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Metric {
    pub(crate) function: Function,
    pub(crate) filter: Query,
    pub(crate) shift: Option<Shift>,
    pub(crate) reduced: Option<Interval>,
    pub(crate) empty_as_null: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Function {
    Count,
    /// Every function of a field's values.
    Of(String, FieldFunction),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum FieldFunction {
    ValueCount,
    Sum,
    Average,
    Min,
    Max,
    Percentile(f64),
    PercentileRank(f64),
    StandardDeviation,
    UniqueCount,
    LastValue { sort_field: String },
}

/// A comparison with an earlier time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shift {
    By(Interval),
    /// By the length of the range.
    Previous,
}

impl ColumnKind {
    /// `interval` is what was chosen for a time bucket.
    pub(crate) fn of(grouping: &Grouping, interval: Option<Interval>) -> Self {
        match (grouping, interval) {
            (Grouping::Time { .. }, interval) => {
                Self::Time(interval.unwrap_or(Interval::one(Unit::Millisecond)))
            }
            (Grouping::Terms(_), _) => Self::Terms,
            (Grouping::Filters(_), _) => Self::Filters,
            (Grouping::Ranges(_) | Grouping::Steps { .. }, _) => Self::Ranges,
        }
    }
}
