//! Columns → aggregations.
//!
//! The aggregation of a column is named by its place in the order of columns. Buckets nest in that order; metrics stand at the
//! innermost level, and once more where values are ordered by one.

use serde_json::{Map, Value as Json, json};

use crate::kql::Query;
use crate::lens::filter::within;
use crate::lens::format::DataType;
use crate::lens::layer::column::{Calculation, FieldFunction, Function, Metric, Terms};
use crate::lens::search::{Level, Part, Search};
use crate::lens::table::plain;
use crate::lens::time::TimeRange;
use crate::lens::time::interval::Interval;

/// What stands for documents without the field among texts.
pub(crate) const MISSING: &str = "__missing__";

impl Search {
    /// The aggregations of the levels from `from` on, innermost the metrics.
    pub(crate) fn aggregations(&self, from: usize) -> Map<String, Json> {
        let Some(level) = self.levels.get(from) else { return self.metrics() };
        let mut inner = self.aggregations(from + 1);
        let mut body = self.level(level);
        if let Some(metric) = self.ordering_metric(level).filter(|_| from + 1 < self.levels.len()) {
            inner.extend(self.metric(metric));
        }
        if !inner.is_empty() {
            body["aggs"] = Json::Object(inner);
        }
        Map::from_iter([(self.bucket_name(from), body)])
    }

    pub(crate) fn bucket_name(&self, level: usize) -> String {
        self.layer.buckets[level].head.position.to_string()
    }

    fn level(&self, level: &Level) -> Json {
        match level {
            Level::Time { field, interval, empty_rows, .. } => self.time(field, *interval, *empty_rows),
            Level::Terms { field, terms } => json!({"terms": self.terms(field, terms)}),
            Level::Parts(parts) => json!({"filters": {"filters": named(parts)}}),
            Level::Ranges { field, ranges } => {
                let ranges = ranges.iter().map(|range| {
                    let from = range.from.map(|from| ("from".to_owned(), plain(from)));
                    Json::Object(
                        from.into_iter().chain(range.to.map(|to| ("to".to_owned(), plain(to)))).collect(),
                    )
                });
                json!({"range": {"field": field, "ranges": ranges.collect::<Vec<_>>()}})
            }
            Level::Steps { field, width, empty_rows, .. } => {
                json!({"histogram": {"field": field, "interval": plain(*width), "min_doc_count": u8::from(!empty_rows)}})
            }
        }
    }

    fn time(&self, field: &str, interval: Interval, empty_rows: bool) -> Json {
        let (key, length) = interval.parameter();
        let mut body = json!({"field": field, key: length, "time_zone": self.time_zone, "min_doc_count": u8::from(!empty_rows)});
        // Only the time that the range is about has its ends there.
        if empty_rows && self.layer.data_view.time_field.as_deref() == Some(field) {
            body["extended_bounds"] = json!({"min": self.range.from(), "max": self.range.to()});
        }
        json!({"date_histogram": body})
    }

    fn terms(&self, field: &str, terms: &Terms) -> Json {
        let direction = if terms.ascending { "asc" } else { "desc" };
        let mut body = json!({"field": field, "size": terms.size, "order": {self.order(terms): direction}});
        match (terms.accurate, terms.size) {
            (true, size) => body["shard_size"] = json!((u64::from(size) * 3 / 2 + 10).max(1000)),
            (false, ..=10) => body["shard_size"] = json!(25),
            (false, _) => {}
        }
        if terms.missing {
            body["missing"] = json!(MISSING);
        }
        for (key, list) in [("include", &terms.include), ("exclude", &terms.exclude)] {
            if let Some(list) = list {
                body[key] = list.clone();
            }
        }
        body
    }

    /// What values are ordered by, as the engines name it.
    fn order(&self, terms: &Terms) -> String {
        let Some((index, metric)) = terms.order_by.as_deref().and_then(|id| self.layer.metric_of(id)) else {
            return "_key".to_owned();
        };
        let place = self.layer.measures[index].head.position;
        match (&metric.function, metric.is_filtered()) {
            (Function::Count, false) => "_count".to_owned(),
            // A count's own path would be refused by both engines; that of its filter means it.
            (Function::Count, true) => format!("{place}-filter"),
            (Function::Of(_, function), true) => {
                within_order(function, &format!("{place}-filter>{place}-metric"))
            }
            (Function::Of(_, function), false) => within_order(function, &self.place(index).to_string()),
        }
    }

    fn ordering_metric(&self, level: &Level) -> Option<usize> {
        let Level::Terms { terms, .. } = level else { return None };
        self.layer.metric_of(terms.order_by.as_deref()?).map(|(index, _)| index)
    }

    /// All metrics of this search's shift.
    fn metrics(&self) -> Map<String, Json> {
        let own = self.layer.metrics().filter(|(_, metric)| metric.shift == self.shift);
        own.flat_map(|(index, _)| self.metric(index)).collect()
    }

    fn metric(&self, index: usize) -> Option<(String, Json)> {
        let Calculation::Metric(metric) = &self.layer.measures[index].calculation else { return None };
        let place = self.place(index);
        let data_type = self.layer.measures[index].head.data_type;
        let body = match &metric.function {
            Function::Count => None,
            Function::Of(field, FieldFunction::Percentile(_)) if !metric.is_filtered() => {
                Some(json!({"percentiles": {"field": field, "percents": self.percents(index)}}))
            }
            Function::Of(field, function) => Some(of_field(field, function, data_type)),
        };
        if !metric.is_filtered() {
            return body.map(|body| (place.to_string(), body));
        }
        let mut filter = json!({"filter": self.filter(metric)});
        if let Some(body) = body {
            filter["aggs"] = json!({format!("{place}-metric"): body});
        }
        Some((format!("{place}-filter"), filter))
    }

    /// Where the metric's aggregation stands: percentiles of one field share the first one's place.
    pub(crate) fn place(&self, index: usize) -> usize {
        let first = self.sharing(index).next().unwrap_or(index);
        self.layer.measures[first].head.position
    }

    fn percents(&self, index: usize) -> Vec<Json> {
        let percents = self.sharing(index).filter_map(|index| self.layer.percentile(index));
        let mut percents: Vec<f64> = percents.map(|(_, percent)| percent).collect();
        percents.sort_by(f64::total_cmp);
        percents.dedup();
        percents.into_iter().map(plain).collect()
    }

    /// Percentiles without a filter, of the same field and time as this one.
    fn sharing(&self, index: usize) -> impl Iterator<Item = usize> {
        let own = self.layer.percentile(index);
        let same = move |other: &usize| {
            own.is_some() && self.layer.percentile(*other).map(|found| found.0) == own.map(|found| found.0)
        };
        (0..self.layer.measures.len()).filter(same)
    }

    /// Filter and reduced time range of a metric.
    fn filter(&self, metric: &Metric) -> Json {
        let reduced = metric.reduced.zip(self.layer.data_view.time_field.as_ref()).map(|(reduced, field)| {
            within(field, TimeRange::between(self.range.to() - reduced.millis(), self.range.to()))
        });
        match (metric.filter == Query::All, reduced) {
            (_, None) => metric.filter.to_dsl(),
            (true, Some(reduced)) => reduced,
            (false, Some(reduced)) => json!({"bool": {"filter": [metric.filter.to_dsl(), reduced]}}),
        }
    }
}

impl Metric {
    /// Whether it is wrapped into a filter of its own.
    pub(crate) fn is_filtered(&self) -> bool {
        self.filter != Query::All || self.reduced.is_some()
    }
}

/// Filters named by their place.
pub(crate) fn named(parts: &[Part]) -> Map<String, Json> {
    parts.iter().enumerate().map(|(place, part)| (place.to_string(), part.condition.clone())).collect()
}

fn of_field(field: &str, function: &FieldFunction, data_type: DataType) -> Json {
    match function {
        FieldFunction::ValueCount => json!({"value_count": {"field": field}}),
        FieldFunction::Sum => json!({"sum": {"field": field}}),
        FieldFunction::Average => json!({"avg": {"field": field}}),
        FieldFunction::Min => json!({"min": {"field": field}}),
        FieldFunction::Max => json!({"max": {"field": field}}),
        FieldFunction::Percentile(percent) => {
            json!({"percentiles": {"field": field, "percents": [plain(*percent)]}})
        }
        FieldFunction::PercentileRank(value) => {
            json!({"percentile_ranks": {"field": field, "values": [plain(*value)]}})
        }
        FieldFunction::StandardDeviation => json!({"extended_stats": {"field": field}}),
        FieldFunction::UniqueCount => json!({"cardinality": {"field": field}}),
        FieldFunction::LastValue { sort_field } => {
            let value = match data_type {
                DataType::Date => json!({"field": field, "format": "epoch_millis"}),
                _ => json!({"field": field}),
            };
            json!({"top_hits": {"size": 1, "_source": false, "docvalue_fields": [value], "sort": [{sort_field.as_str(): {"order": "desc"}}]}})
        }
    }
}

/// The order by the number of a function that has several.
fn within_order(function: &FieldFunction, path: &str) -> String {
    match function {
        // A dot in the number would be read as a step of the path.
        FieldFunction::Percentile(number) | FieldFunction::PercentileRank(number)
            if number.fract() != 0.0 =>
        {
            "_key".to_owned()
        }
        FieldFunction::Percentile(number) | FieldFunction::PercentileRank(number) => {
            format!("{path}.{number}")
        }
        FieldFunction::StandardDeviation => format!("{path}.std_deviation"),
        _ => path.to_owned(),
    }
}
