//! One search of a layer: which documents, in which buckets, at which time.

pub(crate) mod aggregations;

pub(crate) mod others;

pub(crate) mod shifts;

pub(crate) mod run;

use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::kql::Query;
use crate::lens::board::DataView;
use crate::lens::context::Context;
use crate::lens::filter::{Filter, Selection, within};
use crate::lens::layer::Layer;
use crate::lens::layer::column::{Function, Grouping, Metric, Shift, Terms};
use crate::lens::plan::Request;
use crate::lens::table::Value;
use crate::lens::time::TimeRange;
use crate::lens::time::interval::Interval;

/// A layer at a time, with everything chosen that the columns left open.
#[derive(Debug, Clone)]
pub(crate) struct Search {
    pub(crate) layer: Arc<Layer>,
    pub(crate) levels: Vec<Level>,
    pub(crate) range: TimeRange,
    /// Metrics with this shift are asked for; the range is shifted already.
    pub(crate) shift: Option<Shift>,
    pub(crate) time_zone: String,
    /// Conditions besides the time.
    pub(crate) conditions: Vec<Json>,
}

/// One level of buckets.
#[derive(Debug, Clone)]
pub(crate) enum Level {
    Time {
        field: String,
        interval: Interval,
        empty_rows: bool,
        drop_partials: bool,
    },
    Terms {
        field: String,
        terms: Terms,
    },
    /// Each key with the condition for it.
    Parts(Vec<Part>),
    Ranges {
        field: String,
        ranges: Vec<crate::lens::layer::column::Range>,
    },
    Steps {
        field: String,
        bars: u32,
        width: f64,
        empty_rows: bool,
    },
}

/// A bucket of which key and condition are known.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) key: Value,
    pub(crate) condition: Json,
}

impl Search {
    pub(crate) fn new(layer: Arc<Layer>, context: &Context) -> Self {
        let board = (!layer.ignores_board).then_some(context);
        let conditions = conditions_besides_time(board, &layer.query, &layer.filters);
        let levels = layer.buckets.iter().map(|bucket| {
            let field = bucket.head.field.clone().unwrap_or_default();
            Level::new(field, &bucket.grouping, context)
        });
        Self {
            levels: levels.collect(),
            range: context.range,
            shift: None,
            time_zone: context.time_zone.clone(),
            conditions,
            layer,
        }
    }

    /// The request with these aggregations.
    pub(crate) fn request(&self, aggregations: Json) -> Request {
        let view = &self.layer.data_view;
        let time = view.time_field.iter().map(|field| within(field, self.range));
        let clauses: Vec<Json> = time.chain(self.conditions.iter().cloned()).collect();
        let mut body = json!({
            "size": 0,
            "track_total_hits": self.counts_hits(),
            "query": {"bool": {"filter": clauses}},
        });
        if aggregations.as_object().is_some_and(|aggregations| !aggregations.is_empty()) {
            body["aggs"] = aggregations;
        }
        Request { path: search_path(&view.title), body }
    }
}

impl Search {
    /// Whether the number of all hits is read: where documents are counted and no bucket counts them.
    fn counts_hits(&self) -> bool {
        let plain_count = |metric: &Metric| {
            metric.function == Function::Count && !metric.is_filtered() && metric.shift == self.shift
        };
        self.levels.is_empty() && self.layer.metrics().any(|(_, metric)| plain_count(metric))
    }
}

impl Level {
    pub(crate) fn is_time(&self) -> bool {
        matches!(self, Self::Time { .. })
    }

    fn new(field: String, grouping: &Grouping, context: &Context) -> Self {
        match grouping {
            Grouping::Time { interval, least, empty_rows, drop_partials } => Self::Time {
                field,
                interval: Interval::choose(*interval, *least, context.range, context.interval_rule),
                empty_rows: *empty_rows,
                drop_partials: *drop_partials,
            },
            Grouping::Terms(terms) => Self::Terms { field, terms: terms.clone() },
            Grouping::Ranges(ranges) => Self::Ranges { field, ranges: ranges.clone() },
            Grouping::Steps { bars, empty_rows } => {
                Self::Steps { field, bars: *bars, width: 1.0, empty_rows: *empty_rows }
            }
            Grouping::Filters(filters) => Self::Parts(
                filters
                    .iter()
                    .map(|filter| Part {
                        key: Value::Text(filter.label.clone()),
                        condition: filter.query.to_dsl(),
                    })
                    .collect(),
            ),
        }
    }
}

/// All conditions on documents: time, board, own.
pub(crate) fn conditions(
    view: &DataView,
    range: TimeRange,
    board: Option<&Context>,
    query: &Query,
    filters: &[Filter],
) -> Vec<Json> {
    let time = view.time_field.iter().map(|field| within(field, range));
    time.chain(conditions_besides_time(board, query, filters)).collect()
}

fn conditions_besides_time(board: Option<&Context>, query: &Query, filters: &[Filter]) -> Vec<Json> {
    let asked = |query: &Query| (*query != Query::All).then(|| query.to_dsl());
    let mut clauses = Vec::new();
    if let Some(board) = board {
        clauses.extend(asked(&board.query));
        clauses.extend(board.filters.iter().map(Filter::to_dsl));
        clauses.extend(board.selections.iter().filter_map(Selection::filter).map(|filter| filter.to_dsl()));
    }
    clauses.extend(asked(query));
    clauses.extend(filters.iter().map(Filter::to_dsl));
    clauses
}

/// Where to search an index expression; absent indices are no error.
pub(crate) fn search_path(index: &str) -> String {
    let mut path = String::from("/");
    for byte in index.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' | b',' => {
                path.push(char::from(byte))
            }
            other => path.push_str(&format!("%{other:02X}")),
        }
    }
    path + "/_search?ignore_unavailable=true&allow_no_indices=true"
}
