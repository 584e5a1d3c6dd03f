//! Filters: what Kibana saves with a board, what controls choose, what a click adds.

use serde_json::{Value, json};

use super::fault::Unsupported;
use super::table::plain;
use super::time::{Millis, TimeRange, iso};

/// A condition beside the query.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    clause: Value,
    negated: bool,
}

/// What is chosen in a control: documents whose field has one of the values (or none of them).
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// The control's field.
    pub field: String,
    /// Chosen values; none chosen asks for nothing.
    pub values: Vec<Value>,
    /// Whether the values are those *not* wanted.
    pub exclude: bool,
}

impl Filter {
    /// The field has this value.
    pub fn is(field: &str, value: &Value) -> Self {
        Self::plain(json!({"match_phrase": {field: value}}))
    }

    /// The field has one of these values.
    pub fn is_one_of(field: &str, values: &[Value]) -> Self {
        let each: Vec<Value> = values.iter().map(|value| json!({"match_phrase": {field: value}})).collect();
        Self::plain(json!({"bool": {"should": each, "minimum_should_match": 1}}))
    }

    /// The field has any value.
    pub fn exists(field: &str) -> Self {
        Self::plain(json!({"exists": {"field": field}}))
    }

    /// The number in the field lies in a range: lower end included, upper end not.
    pub fn between(field: &str, from: Option<f64>, to: Option<f64>) -> Self {
        let mut bounds = serde_json::Map::new();
        bounds.extend(from.map(|from| ("gte".to_owned(), plain(from))));
        bounds.extend(to.map(|to| ("lt".to_owned(), plain(to))));
        Self::plain(json!({"range": {field: bounds}}))
    }

    /// The moment in the field lies in `start..end`.
    pub fn since(field: &str, start: Millis, end: Millis) -> Self {
        Self::plain(
            json!({"range": {field: {"gte": iso(start), "lt": iso(end), "format": "strict_date_optional_time"}}}),
        )
    }

    /// Any query DSL.
    pub fn plain(clause: Value) -> Self {
        Self { clause, negated: false }
    }

    /// The opposite.
    #[expect(clippy::should_implement_trait, reason = "reads as a part of a chain")]
    pub fn not(self) -> Self {
        Self { negated: !self.negated, ..self }
    }

    /// Reads a saved filter; `None` when it is disabled.
    pub(crate) fn read(saved: &Value) -> Result<Option<Self>, Unsupported> {
        let meta = &saved["meta"];
        if meta["disabled"] == true {
            return Ok(None);
        }
        if meta["type"] == "combined" {
            return Self::combined(meta).map(Some);
        }
        // Before 8.0 some kinds stood beside `meta` instead of in `query`.
        let older = ["exists", "range", "bool", "match_phrase", "query_string"];
        let beside = || older.iter().find_map(|kind| saved.get(*kind).map(|body| json!({*kind: body})));
        let clause = match saved.get("query").filter(|query| query.is_object()) {
            Some(query) => Some(phrase(query).unwrap_or_else(|| query.clone())),
            None => beside(),
        };
        let clause = clause.ok_or_else(|| Unsupported::new("a filter without a query"))?;
        Ok(Some(Self { clause, negated: meta["negate"] == true }))
    }

    fn combined(meta: &Value) -> Result<Self, Unsupported> {
        let mut all = Vec::new();
        for part in meta["params"].as_array().into_iter().flatten() {
            all.extend(Self::read(part)?.map(|filter| filter.to_dsl()));
        }
        let clause = match meta["relation"].as_str() {
            Some("OR") => json!({"bool": {"should": all, "minimum_should_match": 1}}),
            Some("AND") => json!({"bool": {"filter": all}}),
            _ => return Err(Unsupported::new("a filter combined of others in an unknown way")),
        };
        Ok(Self { clause, negated: meta["negate"] == true })
    }

    /// The condition as query DSL.
    pub fn to_dsl(&self) -> Value {
        match self.negated {
            true => json!({"bool": {"must_not": self.clause}}),
            false => self.clause.clone(),
        }
    }
}

/// Before 6.0 a phrase was `{"match": {field: {"query": …, "type": "phrase"}}}`, which no engine takes today.
fn phrase(query: &Value) -> Option<Value> {
    let (field, body) = query["match"].as_object()?.iter().next()?;
    (body["type"] == "phrase").then(|| json!({"match_phrase": {field: body["query"]}}))
}

impl Selection {
    /// `None` when nothing is chosen.
    pub(crate) fn filter(&self) -> Option<Filter> {
        let filter = match self.values.as_slice() {
            [] => return None,
            [value] => Filter::is(&self.field, value),
            values => Filter::is_one_of(&self.field, values),
        };
        Some(if self.exclude { filter.not() } else { filter })
    }
}

/// The condition that a document lies in the range.
pub(crate) fn within(field: &str, range: TimeRange) -> Value {
    let (from, to) = (iso(range.from()), iso(range.to()));
    json!({"range": {field: {"gte": from, "lte": to, "format": "strict_date_optional_time"}}})
}
