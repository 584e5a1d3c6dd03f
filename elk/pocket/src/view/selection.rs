//! Which lines the page is about: what its address says, as clauses of the query DSL.

use super::fault::Fault;
use super::line::{LEVEL, SERVICE, TIMESTAMP};
use dashboards::kql::Query;
use dashboards::lens::{TimeRange, iso};
use serde::Deserialize;
use serde_json::{Value, json};

/// Stands for documents without a level or service.
pub(super) const NONE: &str = "(none)";
/// Longest search text, in bytes.
const QUERY_MAX: usize = 4096;
/// Most values of a filter.
const VALUES_MAX: usize = 64;

/// What the browser asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Asked {
    /// KQL.
    pub(super) q: String,
    /// Levels, each after a comma; none: all.
    pub(super) level: String,
    /// Services, as `level`.
    pub(super) service: String,
    /// `now-15m`, or a moment.
    pub(super) from: String,
    /// `now`, or a moment.
    pub(super) to: String,
    /// How many lines.
    pub(super) size: Option<usize>,
    /// The sort values of the last line shown, as JSON.
    pub(super) after: Option<String>,
}

/// Lines, selected.
#[derive(Debug)]
pub(super) struct Selection {
    pub(super) range: TimeRange,
    query: Value,
    levels: Vec<String>,
    services: Vec<String>,
}

/// A filter that can be left out, to count what it hides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Facet {
    Level,
    Service,
}

impl Selection {
    /// Reads what was asked; `now` in milliseconds.
    pub(super) fn read(asked: &Asked, now: i64) -> Result<Self, Fault> {
        if asked.q.len() > QUERY_MAX {
            return Err(Fault::Parameter(format!(
                "the search text is {} bytes long, of {QUERY_MAX} at most; make it shorter",
                asked.q.len()
            )));
        }
        let or = |text: &str, default: &str| if text.is_empty() { default } else { text }.to_owned();
        let range = TimeRange::parse(&or(&asked.from, "now-15m"), &or(&asked.to, "now"), now)?;
        let query = Query::parse(&asked.q).map_err(|error| Fault::Query(asked.q.clone(), error))?;
        let mut clauses = vec![query.to_dsl()];
        // Services report what they use every ten seconds; who searches for that gets it.
        if !asked.q.contains("event.kind") {
            clauses.push(json!({"bool": {"must_not": {"term": {"event.kind": "metric"}}}}));
        }
        Ok(Self {
            range,
            query: json!({"bool": {"filter": clauses}}),
            levels: values(&asked.level)?,
            services: values(&asked.service)?,
        })
    }

    /// The query of time and search text, without the filters.
    pub(super) fn base(&self) -> Value {
        let (from, to) = (iso(self.range.from()), iso(self.range.to()));
        let time = json!({"range": {TIMESTAMP: {"gte": from, "lte": to}}});
        json!({"bool": {"filter": [time, self.query]}})
    }

    /// The whole query.
    pub(super) fn query(&self) -> Value {
        json!({"bool": {"filter": [self.base(), self.filter(None)]}})
    }

    /// The filters, without the one on `hidden`.
    pub(super) fn filter(&self, hidden: Option<Facet>) -> Value {
        let facets = [(Facet::Level, LEVEL, &self.levels), (Facet::Service, SERVICE, &self.services)];
        let clauses: Vec<Value> = facets
            .into_iter()
            .filter(|(facet, _, values)| Some(*facet) != hidden && !values.is_empty())
            .map(|(_, field, values)| one_of(field, values))
            .collect();
        json!({"bool": {"filter": clauses}})
    }
}

fn values(text: &str) -> Result<Vec<String>, Fault> {
    let values: Vec<String> = text.split(',').filter(|value| !value.is_empty()).map(str::to_owned).collect();
    match values.len() {
        0..=VALUES_MAX => Ok(values),
        count => Err(Fault::Parameter(format!("a filter has {count} values, of {VALUES_MAX} at most"))),
    }
}

fn one_of(field: &str, values: &[String]) -> Value {
    let (none, some): (Vec<&String>, Vec<&String>) = values.iter().partition(|value| *value == NONE);
    let mut any = vec![json!({"terms": {field: some}})];
    if !none.is_empty() {
        any.push(json!({"bool": {"must_not": {"exists": {"field": field}}}}));
    }
    json!({"bool": {"should": any, "minimum_should_match": 1}})
}
