//! The body of a search.

use super::highlight::Highlight;
use super::source::SourceFilter;
use crate::query::{Query, parse};
use crate::store::ApiError;
use serde_json::Value;

/// A search, read.
#[derive(Debug, Clone)]
pub struct Request {
    /// Which documents.
    pub query: Query,
    /// The aggregations as they were written.
    pub aggregations: Option<Value>,
    /// Most documents shown.
    pub size: usize,
    /// Documents passed over first.
    pub from: usize,
    /// The order as it was written.
    pub sort: Option<Value>,
    /// Only documents behind these values.
    pub search_after: Option<Value>,
    /// Which parts of documents.
    pub source: SourceFilter,
    /// Values from columns: field pattern and format.
    pub docvalue_fields: Vec<(String, Option<String>)>,
    /// Values of fields, from wherever they are kept.
    pub fields: Vec<(String, Option<String>)>,
    /// How far hits are counted.
    pub track_total: TrackTotal,
    /// Show `_version`.
    pub version: bool,
    /// Show `_seq_no` and `_primary_term`.
    pub sequence: bool,
    pub(super) highlight: Option<Highlight>,
}

/// How far hits are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrackTotal {
    /// Not at all.
    No,
    /// Up to here.
    UpTo(u64),
    /// All of them.
    Exactly,
}

/// `index.max_result_window`
const WINDOW: usize = 10_000;

impl Request {
    /// Reads a body; an empty one searches for everything.
    pub fn parse(body: &Value) -> Result<Self, ApiError> {
        let empty = serde_json::Map::new();
        let body = match body {
            Value::Null => &empty,
            Value::Object(map) => map,
            _ => return Err(ApiError::parsing("Expected [START_OBJECT]")),
        };
        for (key, value) in body {
            check_key(key, value)?;
        }
        let number = |key: &str, default: usize| match body.get(key) {
            None | Some(Value::Null) => Ok(default),
            Some(value) => value
                .as_u64()
                .or_else(|| value.as_str()?.parse().ok())
                .map(|number| number as usize)
                .ok_or_else(|| {
                    let found = if key == "from" { " but was" } else { ", found" };
                    ApiError::illegal(format!("[{key}] parameter cannot be negative{found} [{value}]"))
                }),
        };
        let (from, size) = (number("from", 0)?, number("size", 10)?);
        if from.saturating_add(size) > WINDOW {
            let reason = format!(
                "Result window is too large, from + size must be less than or equal to: [{WINDOW}] but was [{}]. See the scroll api for a more efficient way to request large data sets. This limit can be set by changing the [index.max_result_window] index level setting.",
                from.saturating_add(size)
            );
            return Err(ApiError::illegal(reason));
        }
        if body.contains_key("search_after") && from > 0 {
            return Err(ApiError::illegal("`from` parameter must be set to 0 when `search_after` is used"));
        }
        let flag = |key: &str| body.get(key) == Some(&Value::Bool(true));
        Ok(Self {
            query: body.get("query").map_or(Ok(Query::All), parse)?,
            aggregations: body.get("aggs").or_else(|| body.get("aggregations")).cloned(),
            size,
            from,
            sort: body.get("sort").cloned(),
            search_after: body.get("search_after").cloned(),
            source: SourceFilter::parse(body.get("_source"))?,
            docvalue_fields: field_list(body.get("docvalue_fields")),
            fields: field_list(body.get("fields")),
            track_total: track_total(body.get("track_total_hits"))?,
            version: flag("version"),
            sequence: flag("seq_no_primary_term"),
            highlight: body.get("highlight").map(Highlight::parse).transpose()?,
        })
    }
}

fn check_key(key: &str, value: &Value) -> Result<(), ApiError> {
    let is_empty = || {
        value.as_object().is_some_and(serde_json::Map::is_empty)
            || value.as_array().is_some_and(Vec::is_empty)
    };
    match key {
        "query" if !value.is_object() => Err(unknown_key(key, value)),
        "query"
        | "aggs"
        | "aggregations"
        | "size"
        | "from"
        | "sort"
        | "search_after"
        | "_source"
        | "docvalue_fields"
        | "fields"
        | "track_total_hits"
        | "highlight"
        | "version"
        | "seq_no_primary_term"
        | "timeout"
        | "track_scores"
        | "stored_fields" => Ok(()),
        "runtime_mappings" | "script_fields" | "ext" | "indices_boost" | "stats" if is_empty() => Ok(()),
        "explain" | "profile" if value == &Value::Bool(false) => Ok(()),
        "post_filter" | "min_score" | "collapse" | "suggest" | "rescore" | "script_fields"
        | "runtime_mappings" | "pit" | "slice" | "knn" | "terminate_after" | "explain" | "profile"
        | "indices_boost" | "retriever" | "rank" | "stats" | "ext" => {
            Err(ApiError::unsupported(&format!("[{key}] in a search")))
        }
        unknown => Err(unknown_key(unknown, value)),
    }
}

fn unknown_key(key: &str, value: &Value) -> ApiError {
    ApiError::parsing(format!("Unknown key for a {} in [{key}].", token(value))).at_value(key)
}

/// A beginning of a value as Elasticsearch's parser names it.
fn token(value: &Value) -> &'static str {
    match value {
        Value::Null => "VALUE_NULL",
        Value::Bool(_) => "VALUE_BOOLEAN",
        Value::Number(_) => "VALUE_NUMBER",
        Value::String(_) => "VALUE_STRING",
        Value::Array(_) => "START_ARRAY",
        Value::Object(_) => "START_OBJECT",
    }
}

pub(super) fn field_list(value: Option<&Value>) -> Vec<(String, Option<String>)> {
    let one = |value: &Value| match value {
        Value::String(name) => Some((name.clone(), None)),
        value => Some((value["field"].as_str()?.to_owned(), value["format"].as_str().map(str::to_owned))),
    };
    value.and_then(Value::as_array).into_iter().flatten().filter_map(one).collect()
}

fn track_total(value: Option<&Value>) -> Result<TrackTotal, ApiError> {
    match value {
        None | Some(Value::Null) => Ok(TrackTotal::UpTo(10_000)),
        Some(Value::Bool(true)) => Ok(TrackTotal::Exactly),
        Some(Value::Bool(false)) => Ok(TrackTotal::No),
        Some(Value::String(text)) if text == "true" => Ok(TrackTotal::Exactly),
        Some(Value::String(text)) if text == "false" => Ok(TrackTotal::No),
        Some(value) => match value.as_i64().or_else(|| value.as_str()?.parse().ok()) {
            Some(limit) if limit >= 0 => Ok(TrackTotal::UpTo(limit as u64)),
            Some(-1) => Ok(TrackTotal::Exactly),
            _ => Err(ApiError::illegal(format!(
                "[track_total_hits] parameter must be positive or equals to -1, got {value}"
            ))),
        },
    }
}
