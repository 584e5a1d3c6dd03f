//! An answer → a tree of groups with the readings of metrics.

pub(crate) mod rows;

pub(crate) mod series;

pub(crate) mod sorting;

use serde_json::Value as Json;

use crate::lens::fault::AnswerError;
use crate::lens::format::DataType;
use crate::lens::layer::column::{Calculation, FieldFunction, Function, Metric, Range};
use crate::lens::search::aggregations::MISSING;
use crate::lens::search::{Level, Search};
use crate::lens::table::Value;
use crate::lens::time::{FIRST, LAST, Millis};

/// Most rows of a panel; what the engines allow buckets in one answer.
pub(crate) const ROWS_MAX: usize = 65_536;

/// Documents that share the keys of the groups around.
#[derive(Debug, Clone, Default)]
pub(crate) struct Node {
    /// At the innermost level one for each measure, null where the measure is no metric.
    pub(crate) readings: Vec<Value>,
    /// Groups of the next level.
    pub(crate) groups: Vec<Group>,
    /// Documents in values that are not listed.
    pub(crate) beyond: u64,
}

/// A group of documents.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) key: Value,
    pub(crate) node: Node,
    /// Of an "other" group: what its documents fulfil.
    pub(crate) conditions: Vec<Json>,
}

/// Refuses an answer that is an error.
pub(crate) fn accepted(answer: &Json) -> Result<(), AnswerError> {
    let Some(error) = answer.get("error") else {
        return match answer.get("hits") {
            Some(_) => Ok(()),
            None => Err(AnswerError::unexpected("hits", answer)),
        };
    };
    // The first root cause says more than "all shards failed".
    let cause = error["root_cause"].get(0).unwrap_or(error);
    let text = |json: &Json, key: &str| json[key].as_str().unwrap_or_default().to_owned();
    Err(match error {
        Json::String(reason) => AnswerError::Refused { kind: "error".to_owned(), reason: reason.clone() },
        _ => AnswerError::Refused { kind: text(cause, "type"), reason: text(cause, "reason") },
    })
}

/// Why an answer may not be about all documents.
pub(crate) fn partial(answer: &Json) -> Option<String> {
    let shards = &answer["_shards"];
    let failed = shards["failed"].as_u64().unwrap_or_default();
    if failed > 0 {
        let reason = shards["failures"][0]["reason"]["reason"].as_str().unwrap_or("no reason given");
        return Some(format!("{failed} of {} shards failed: {reason}", shards["total"]));
    }
    (answer["timed_out"] == true).then(|| "the search ran out of time".to_owned())
}

/// Reads the answer to all aggregations of a search.
pub(crate) fn read(search: &Search, answer: &Json) -> Result<Node, AnswerError> {
    accepted(answer)?;
    let mut reader = Reader { search, rows: 0 };
    if answer.get("aggregations").is_none() && answer["_shards"]["total"] == 0 {
        return Ok(reader.without_index());
    }
    let documents = answer["hits"]["total"]["value"].as_u64().unwrap_or_default();
    reader.node(&answer["aggregations"], documents, 0)
}

/// Reads the buckets of a level that were asked for by themselves.
pub(crate) fn read_bucket(search: &Search, bucket: &Json, level: usize) -> Result<Node, AnswerError> {
    Reader { search, rows: 0 }.node(bucket, count(bucket)?, level)
}

struct Reader<'s> {
    search: &'s Search,
    rows: usize,
}

impl Reader<'_> {
    /// What no index at all answers: no group, or nothing counted.
    fn without_index(&self) -> Node {
        let reading = |measure: &crate::lens::layer::column::Measure| match &measure.calculation {
            Calculation::Metric(metric) => metric.empty(),
            _ => Value::Null,
        };
        let readings = self.search.layer.measures.iter().map(reading);
        Node {
            readings: if self.search.levels.is_empty() { readings.collect() } else { Vec::new() },
            ..Node::default()
        }
    }

    fn node(&mut self, json: &Json, documents: u64, depth: usize) -> Result<Node, AnswerError> {
        let Some(level) = self.search.levels.get(depth) else {
            self.rows += 1;
            if self.rows > ROWS_MAX {
                return Err(AnswerError::TooMany { limit: ROWS_MAX });
            }
            let readings =
                (0..self.search.layer.measures.len()).map(|index| self.reading(json, documents, index));
            return Ok(Node { readings: readings.collect::<Result<_, _>>()?, ..Node::default() });
        };
        let name = self.search.bucket_name(depth);
        let data_type = self.search.layer.buckets[depth].head.data_type;
        let aggregation = &json[&name];
        let mut groups = Vec::new();
        for (key, bucket) in buckets(level, data_type, aggregation, &name)? {
            groups.push(Group {
                key,
                node: self.node(bucket, count(bucket)?, depth + 1)?,
                conditions: Vec::new(),
            });
        }
        Ok(Node {
            groups,
            beyond: aggregation["sum_other_doc_count"].as_u64().unwrap_or_default(),
            ..Node::default()
        })
    }

    fn reading(&self, json: &Json, documents: u64, index: usize) -> Result<Value, AnswerError> {
        let measure = &self.search.layer.measures[index];
        let metric = match &measure.calculation {
            Calculation::Metric(metric) if metric.shift == self.search.shift => metric,
            _ => return Ok(Value::Null),
        };
        let place = self.search.place(index);
        let filtered = metric.is_filtered();
        let (holder, name) = match filtered {
            true => (&json[format!("{place}-filter")], format!("{place}-metric")),
            false => (json, place.to_string()),
        };
        let value = match &metric.function {
            Function::Count if filtered => number(count(holder)?),
            Function::Count => number(documents),
            Function::Of(field, function) => {
                let found = function.read(&holder[&name], field);
                found.map_err(|part| {
                    AnswerError::unexpected(format!("{part} of aggregation `{name}`"), &holder[&name])
                })?
            }
        };
        Ok(metric.shown(typed(value, measure.head.data_type)))
    }
}

impl Metric {
    /// The value over no documents.
    fn empty(&self) -> Value {
        let counts = match &self.function {
            Function::Count => true,
            Function::Of(_, function) => {
                matches!(
                    function,
                    FieldFunction::ValueCount | FieldFunction::Sum | FieldFunction::UniqueCount
                )
            }
        };
        if counts { self.shown(Value::Number(0.0)) } else { Value::Null }
    }

    fn shown(&self, value: Value) -> Value {
        match value {
            Value::Number(0.0) if self.empty_as_null => Value::Null,
            value => value,
        }
    }
}

impl FieldFunction {
    /// The number (or last value) in an aggregation's answer; the error names the part that lacks.
    fn read(&self, answer: &Json, field: &str) -> Result<Value, &'static str> {
        match self {
            Self::Percentile(percent) => keyed(&answer["values"], *percent),
            // As a ratio, like every other percentage.
            Self::PercentileRank(value) => keyed(&answer["values"], *value).map(|rank| match rank {
                Value::Number(rank) => Value::Number(rank / 100.0),
                rank => rank,
            }),
            Self::StandardDeviation => finite(answer.get("std_deviation")),
            Self::LastValue { .. } => last(answer, field),
            Self::ValueCount | Self::Sum | Self::Average | Self::Min | Self::Max | Self::UniqueCount => {
                finite(answer.get("value"))
            }
        }
    }
}

/// A number; null and the texts that stand for no finite one are nothing.
fn finite(json: Option<&Json>) -> Result<Value, &'static str> {
    match json {
        Some(Json::Null | Json::String(_)) => Ok(Value::Null),
        Some(Json::Number(number)) => Ok(number.as_f64().map_or(Value::Null, Value::number)),
        _ => Err("value"),
    }
}

/// The value beside a number that is a key: `"95.0"`.
fn keyed(values: &Json, wanted: f64) -> Result<Value, &'static str> {
    let values = values.as_object().ok_or("values")?;
    let close = |key: &str| key.parse::<f64>().is_ok_and(|key| (key - wanted).abs() <= wanted.abs() * 1e-9);
    finite(values.iter().find(|(key, _)| close(key)).map(|(_, value)| value))
}

fn last(answer: &Json, field: &str) -> Result<Value, &'static str> {
    let hits = answer["hits"]["hits"].as_array().ok_or("hits")?;
    let values =
        hits.first().and_then(|hit| hit["fields"][field].as_array()).map(Vec::as_slice).unwrap_or_default();
    match values {
        [] => Ok(Value::Null),
        [value] => scalar(value).ok_or("scalar"),
        several => {
            let texts: Option<Vec<String>> =
                several.iter().map(|value| scalar(value).map(|value| value.to_string())).collect();
            Ok(Value::Text(texts.ok_or("scalars")?.join(", ")))
        }
    }
}

fn scalar(json: &Json) -> Option<Value> {
    match json {
        Json::Null => Some(Value::Null),
        Json::Bool(value) => Some(Value::Boolean(*value)),
        Json::Number(number) => number.as_f64().map(Value::number),
        Json::String(text) => Some(Value::Text(text.clone())),
        Json::Array(_) | Json::Object(_) => None,
    }
}

/// Moments come as numbers, also written as text.
fn typed(value: Value, data_type: DataType) -> Value {
    match (data_type, value) {
        (DataType::Date, Value::Number(number)) => moment(number),
        (DataType::Date, Value::Text(text)) => text.parse().map_or(Value::Text(text), moment),
        (_, value) => value,
    }
}

/// A moment, kept within the years that have four digits.
#[expect(clippy::cast_possible_truncation, reason = "saturates")]
fn moment(number: f64) -> Value {
    Value::Date((number as Millis).clamp(FIRST, LAST))
}

#[expect(clippy::cast_precision_loss, reason = "a count above 2^53 is not to be had")]
fn number(count: u64) -> Value {
    Value::Number(count as f64)
}

pub(crate) fn count(bucket: &Json) -> Result<u64, AnswerError> {
    bucket["doc_count"].as_u64().ok_or_else(|| AnswerError::unexpected("`doc_count`", bucket))
}

/// The buckets of a level with their keys, in the order shown.
fn buckets<'j>(
    level: &Level,
    data_type: DataType,
    aggregation: &'j Json,
    name: &str,
) -> Result<Vec<(Value, &'j Json)>, AnswerError> {
    let buckets = &aggregation["buckets"];
    let fault =
        |part: &str, found: &Json| AnswerError::unexpected(format!("{part} of aggregation `{name}`"), found);
    if let Level::Parts(parts) = level {
        let named = parts.iter().enumerate().map(|(place, part)| {
            let bucket = buckets.get(place.to_string());
            bucket.map(|bucket| (part.key.clone(), bucket)).ok_or_else(|| fault("named buckets", aggregation))
        });
        return named.collect();
    }
    let list = buckets.as_array().ok_or_else(|| fault("buckets", aggregation))?;
    if list.len() > ROWS_MAX {
        return Err(AnswerError::TooMany { limit: ROWS_MAX });
    }
    list.iter()
        .map(|bucket| Ok((key(level, data_type, bucket).ok_or_else(|| fault("key", bucket))?, bucket)))
        .collect()
}

fn key(level: &Level, data_type: DataType, bucket: &Json) -> Option<Value> {
    let key = &bucket["key"];
    match level {
        Level::Time { .. } => key.as_f64().map(moment),
        Level::Steps { width, .. } => key.as_f64().map(|from| Value::Range {
            from: Some(from),
            to: Some(from + width),
            label: String::new(),
        }),
        Level::Ranges { ranges, .. } => Some(range(ranges, bucket["from"].as_f64(), bucket["to"].as_f64())),
        Level::Terms { terms, .. } if terms.missing && key == MISSING => Some(Value::Missing),
        Level::Terms { .. } => term(key, data_type),
        Level::Parts(_) => None,
    }
}

/// The range as it was written, with its label.
fn range(ranges: &[Range], from: Option<f64>, to: Option<f64>) -> Value {
    let written = ranges.iter().find(|range| range.from == from && range.to == to);
    Value::Range { from, to, label: written.map(|range| range.label.clone()).unwrap_or_default() }
}

fn term(key: &Json, data_type: DataType) -> Option<Value> {
    match (data_type, scalar(key)?) {
        (_, Value::Null) => None,
        // Booleans are 0 and 1 among keys.
        (DataType::Boolean, Value::Number(number)) => Some(Value::Boolean(number != 0.0)),
        (data_type, value) => Some(typed(value, data_type)),
    }
}
