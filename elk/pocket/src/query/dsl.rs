//! The query DSL.

use super::limits::check_terms;
use super::lucene;
use crate::store::ApiError;
use serde_json::{Map, Value};

/// A query as it was written.
#[derive(Debug, Clone, PartialEq)]
pub enum Query {
    /// Every document.
    All,
    /// No document.
    None,
    /// One of these values.
    Terms {
        /// The field.
        field: String,
        /// Any of them.
        values: Vec<Value>,
        /// Upper and lower case are one.
        fold: bool,
    },
    /// Values between bounds.
    Range(Range),
    /// Words of a text.
    Match {
        /// The field.
        field: String,
        /// What to look for.
        value: Value,
        /// All words instead of any.
        all: bool,
        /// At least so many words.
        minimum: Option<i64>,
        /// Values the field cannot have match nothing instead of being an error.
        lenient: bool,
    },
    /// Words in order.
    Phrase {
        /// The field.
        field: String,
        /// What to look for.
        value: Value,
        /// How far words may be moved.
        slop: u32,
    },
    /// Any value.
    Exists(String),
    /// Beginning of a value.
    Prefix {
        /// The field.
        field: String,
        /// The beginning.
        text: String,
        /// Upper and lower case are one.
        fold: bool,
    },
    /// A pattern with `*` and `?`.
    Wildcard {
        /// The field.
        field: String,
        /// The pattern.
        pattern: String,
        /// Upper and lower case are one.
        fold: bool,
    },
    /// Ids.
    Ids(Vec<String>),
    /// Parts combined.
    Bool {
        /// All of them (`must` and `filter`).
        must: Vec<Query>,
        /// At least `minimum` of them.
        should: Vec<Query>,
        /// None of them.
        must_not: Vec<Query>,
        /// Least number of `should`.
        minimum: usize,
    },
}

/// A `range` query.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Range {
    /// The field.
    pub field: String,
    /// At least, or above where `exclusive`.
    pub low: Option<(Value, bool)>,
    /// At most, or below where exclusive.
    pub high: Option<(Value, bool)>,
    /// How its dates are written.
    pub format: Option<String>,
    /// The zone of its dates.
    pub time_zone: Option<String>,
}

/// Name of a field that stands for those of `index.query.default_field`.
pub(crate) const DEFAULT_FIELDS: &str = "";

const DEPTH_MAX: usize = 30;
const CLAUSES_MAX: usize = 4_096;

/// Reads a query.
pub fn parse(source: &Value) -> Result<Query, ApiError> {
    parse_at(source, 0)
}

fn parse_at(source: &Value, depth: usize) -> Result<Query, ApiError> {
    if depth > DEPTH_MAX {
        return Err(ApiError::illegal(format!(
            "The nested depth of the query exceeds the maximum nested depth for queries set in [indices.query.bool.max_nested_depth] of [{DEPTH_MAX}]"
        )));
    }
    let object = source
        .as_object()
        .ok_or_else(|| ApiError::parsing("[_na] query malformed, must start with start_object"))?;
    let mut entries = object.iter();
    let (name, body) = match (entries.next(), entries.next()) {
        (Some(entry), None) => entry,
        (None, _) => return Err(ApiError::illegal("query malformed, empty clause found")),
        (Some((first, _)), Some((second, _))) => {
            return Err(ApiError::parsing(format!(
                "[{first}] malformed query, expected [END_OBJECT] but found [FIELD_NAME]"
            ))
            .at_key(second));
        }
    };
    match name.as_str() {
        "match_all" => Ok(Query::All),
        "match_none" => Ok(Query::None),
        "term" => term(body),
        "terms" => terms(body),
        "range" => range(body),
        "match" => match_words(body),
        "match_phrase" => phrase(body),
        "multi_match" => multi_match(body),
        "exists" => Ok(Query::Exists(text(body, "exists", "field")?)),
        "prefix" => pattern(body, "prefix").map(|(field, text, fold)| Query::Prefix { field, text, fold }),
        "wildcard" => {
            pattern(body, "wildcard").map(|(field, pattern, fold)| Query::Wildcard { field, pattern, fold })
        }
        "ids" => ids(body),
        "query_string" => query_string(body),
        "bool" => bool_query(body, depth),
        "constant_score" => {
            let filter = body
                .get("filter")
                .ok_or_else(|| ApiError::parsing("[constant_score] requires a 'filter' element"))?;
            parse_at(filter, depth + 1)
        }
        "nested"
        | "fuzzy"
        | "regexp"
        | "function_score"
        | "script"
        | "script_score"
        | "match_phrase_prefix"
        | "simple_query_string"
        | "match_bool_prefix"
        | "dis_max"
        | "boosting"
        | "geo_distance"
        | "geo_bounding_box"
        | "has_child"
        | "has_parent"
        | "more_like_this"
        | "percolate"
        | "intervals"
        | "span_term"
        | "terms_set"
        | "knn"
        | "semantic" => Err(ApiError::unsupported(&format!("query [{name}]"))),
        unknown => {
            let error = ApiError::parsing(format!("unknown query [{unknown}]"));
            Err(error
                .caused_by("named_object_not_found_exception", &format!("unknown field [{unknown}]"))
                .at_value(unknown))
        }
    }
}

/// The field and its parameters: `{"field": {…}}` or `{"field": value}`; a bare value is `{short: value}`.
fn field_of<'a>(body: &'a Value, query: &str) -> Result<(&'a str, &'a Value), ApiError> {
    let object = body.as_object().ok_or_else(|| {
        ApiError::parsing(format!("[{query}] query malformed, no start_object after query name"))
    })?;
    let mut fields = object.iter().filter(|(key, _)| !matches!(key.as_str(), "boost" | "_name"));
    match (fields.next(), fields.next()) {
        (Some((field, value)), None) => Ok((field, value)),
        (None, _) => Err(ApiError::illegal(format!("[{query}] query requires a field name"))),
        (Some((a, _)), Some((b, _))) => Err(ApiError::parsing(format!(
            "[{query}] query doesn't support multiple fields, found [{a}] and [{b}]"
        ))
        .at_value(b)),
    }
}

fn known(parameters: &Map<String, Value>, query: &str, names: &[&str]) -> Result<(), ApiError> {
    let unknown = parameters
        .keys()
        .find(|key| !names.contains(&key.as_str()) && !matches!(key.as_str(), "boost" | "_name"));
    let refused = |key: &String| match query {
        "bool" => ApiError::new(400, "x_content_parse_exception", format!("[bool] unknown field [{key}]"))
            .at_key(key),
        query => ApiError::parsing(format!("[{query}] query does not support [{key}]")).at_value(key),
    };
    unknown.map_or(Ok(()), |key| Err(refused(key)))
}

fn text(body: &Value, query: &str, key: &str) -> Result<String, ApiError> {
    body.get(key)
        .and_then(Value::as_str)
        .map(str::to_owned)
        .ok_or_else(|| ApiError::illegal(format!("[{query}] must be provided with a [{key}]")))
}

fn is_true(value: Option<&Value>) -> bool {
    value == Some(&Value::Bool(true)) || value.and_then(Value::as_str) == Some("true")
}

fn scalar(value: &Value, query: &str) -> Result<Value, ApiError> {
    match value {
        Value::Object(_) | Value::Array(_) => {
            Err(ApiError::parsing(format!("[{query}] query does not support array or object of values")))
        }
        Value::Null => Err(ApiError::illegal("value cannot be null")),
        scalar => Ok(scalar.clone()),
    }
}

fn term(body: &Value) -> Result<Query, ApiError> {
    let (field, value) = field_of(body, "term")?;
    let (value, fold) = match value {
        Value::Object(parameters) => {
            known(parameters, "term", &["value", "case_insensitive"])?;
            (parameters.get("value").unwrap_or(&Value::Null), is_true(parameters.get("case_insensitive")))
        }
        value => (value, false),
    };
    Ok(Query::Terms { field: field.to_owned(), values: vec![scalar(value, "term")?], fold })
}

fn terms(body: &Value) -> Result<Query, ApiError> {
    let (field, values) = field_of(body, "terms")?;
    let values = values.as_array().ok_or_else(|| ApiError::unsupported("[terms] query with a lookup"))?;
    check_terms(values.len())?;
    let values = values.iter().map(|value| scalar(value, "terms")).collect::<Result<_, _>>()?;
    Ok(Query::Terms { field: field.to_owned(), values, fold: false })
}

fn range(body: &Value) -> Result<Query, ApiError> {
    let (field, parameters) = field_of(body, "range")?;
    let parameters = parameters
        .as_object()
        .ok_or_else(|| ApiError::parsing("[range] query malformed, no start_object after query name"))?;
    known(
        parameters,
        "range",
        &[
            "gt",
            "gte",
            "lt",
            "lte",
            "from",
            "to",
            "include_lower",
            "include_upper",
            "format",
            "time_zone",
            "relation",
        ],
    )?;
    let bound = |open: &str, closed: &str, old: &str, include: &str| -> Option<(Value, bool)> {
        let old_is_open = parameters.get(include) == Some(&Value::Bool(false));
        [(open, true), (closed, false), (old, old_is_open)].into_iter().find_map(|(key, exclusive)| {
            Some((parameters.get(key).filter(|value| !value.is_null())?.clone(), exclusive))
        })
    };
    let words = |key: &str| parameters.get(key).and_then(Value::as_str).map(str::to_owned);
    Ok(Query::Range(Range {
        field: field.to_owned(),
        low: bound("gt", "gte", "from", "include_lower"),
        high: bound("lt", "lte", "to", "include_upper"),
        format: words("format"),
        time_zone: words("time_zone"),
    }))
}

fn match_words(body: &Value) -> Result<Query, ApiError> {
    let (field, value) = field_of(body, "match")?;
    let Value::Object(parameters) = value else {
        return Ok(Query::Match {
            field: field.to_owned(),
            value: scalar(value, "match")?,
            all: false,
            minimum: None,
            lenient: false,
        });
    };
    known(
        parameters,
        "match",
        &[
            "query",
            "operator",
            "minimum_should_match",
            "lenient",
            "zero_terms_query",
            "auto_generate_synonyms_phrase_query",
        ],
    )?;
    Ok(Query::Match {
        field: field.to_owned(),
        value: scalar(parameters.get("query").unwrap_or(&Value::Null), "match")?,
        all: parameters
            .get("operator")
            .and_then(Value::as_str)
            .is_some_and(|word| word.eq_ignore_ascii_case("and")),
        minimum: minimum(parameters.get("minimum_should_match"))?,
        lenient: is_true(parameters.get("lenient")),
    })
}

fn minimum(value: Option<&Value>) -> Result<Option<i64>, ApiError> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => Ok(number.as_i64()),
        Some(Value::String(text)) => text
            .parse()
            .map(Some)
            .map_err(|_| ApiError::unsupported(&format!("[minimum_should_match] of [{text}]"))),
        Some(other) => Err(ApiError::parsing(format!("[minimum_should_match] cannot be [{other}]"))),
    }
}

fn phrase(body: &Value) -> Result<Query, ApiError> {
    let (field, value) = field_of(body, "match_phrase")?;
    let (value, slop) = match value {
        Value::Object(parameters) => {
            known(parameters, "match_phrase", &["query", "slop", "zero_terms_query"])?;
            let slop = parameters.get("slop").and_then(Value::as_u64).unwrap_or(0);
            (parameters.get("query").unwrap_or(&Value::Null), slop as u32)
        }
        value => (value, 0),
    };
    Ok(Query::Phrase { field: field.to_owned(), value: scalar(value, "match_phrase")?, slop })
}

fn multi_match(body: &Value) -> Result<Query, ApiError> {
    let parameters = body.as_object().ok_or_else(|| ApiError::parsing("[multi_match] malformed query"))?;
    known(parameters, "multi_match", &["query", "fields", "type", "operator", "lenient"])?;
    let kind = parameters.get("type").and_then(Value::as_str).unwrap_or("best_fields");
    let value = scalar(parameters.get("query").unwrap_or(&Value::Null), "multi_match")?;
    let fields: Vec<String> = match parameters.get("fields") {
        Some(Value::Array(fields)) => fields.iter().filter_map(Value::as_str).map(without_boost).collect(),
        _ => vec![DEFAULT_FIELDS.to_owned()],
    };
    let all = parameters
        .get("operator")
        .and_then(Value::as_str)
        .is_some_and(|word| word.eq_ignore_ascii_case("and"));
    let part = |field: String| match kind {
        "best_fields" | "most_fields" => {
            Ok(Query::Match { field, value: value.clone(), all, minimum: None, lenient: true })
        }
        "phrase" => Ok(Query::Phrase { field, value: value.clone(), slop: 0 }),
        other => Err(ApiError::unsupported(&format!("[multi_match] of type [{other}]"))),
    };
    let should = fields.into_iter().map(part).collect::<Result<Vec<_>, _>>()?;
    Ok(Query::Bool { must: Vec::new(), should, must_not: Vec::new(), minimum: 1 })
}

fn without_boost(field: &str) -> String {
    field.split('^').next().unwrap_or(field).to_owned()
}

fn pattern(body: &Value, query: &str) -> Result<(String, String, bool), ApiError> {
    let (field, value) = field_of(body, query)?;
    let (value, fold) = match value {
        Value::Object(parameters) => {
            known(parameters, query, &["value", "wildcard", "prefix", "case_insensitive", "rewrite"])?;
            let value = ["value", "wildcard", "prefix"].iter().find_map(|key| parameters.get(*key));
            (value.unwrap_or(&Value::Null), is_true(parameters.get("case_insensitive")))
        }
        value => (value, false),
    };
    let text = match scalar(value, query)? {
        Value::String(text) => text,
        other => other.to_string(),
    };
    Ok((field.to_owned(), text, fold))
}

fn ids(body: &Value) -> Result<Query, ApiError> {
    let values =
        body.get("values").ok_or_else(|| ApiError::parsing("[ids] requires providing a [values] array"))?;
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Ok(Query::Ids(match values {
        Value::Array(values) => values.iter().map(text).collect(),
        one => vec![text(one)],
    }))
}

fn query_string(body: &Value) -> Result<Query, ApiError> {
    let parameters = body.as_object().ok_or_else(|| ApiError::parsing("[query_string] malformed query"))?;
    let taken = [
        "query",
        "default_field",
        "fields",
        "default_operator",
        "lenient",
        "analyze_wildcard",
        "time_zone",
        "allow_leading_wildcard",
    ];
    known(parameters, "query_string", &taken)?;
    let fields = match (parameters.get("fields"), parameters.get("default_field")) {
        (Some(Value::Array(fields)), _) => {
            fields.iter().filter_map(Value::as_str).map(without_boost).collect()
        }
        (_, Some(Value::String(field))) => vec![field.clone()],
        _ => vec![DEFAULT_FIELDS.to_owned()],
    };
    let and = parameters
        .get("default_operator")
        .and_then(Value::as_str)
        .is_some_and(|word| word.eq_ignore_ascii_case("and"));
    let text = text(body, "query_string", "query")?;
    lucene::parse(&text, &fields, and).map_err(|reason| {
        ApiError::new(400, "query_shard_exception", format!("Failed to parse query [{text}]"))
            .caused_by("parse_exception", &reason)
    })
}

fn bool_query(body: &Value, depth: usize) -> Result<Query, ApiError> {
    let parameters = body
        .as_object()
        .ok_or_else(|| ApiError::parsing("[bool] query malformed, no start_object after query name"))?;
    known(
        parameters,
        "bool",
        &["must", "filter", "should", "must_not", "minimum_should_match", "adjust_pure_negative"],
    )?;
    let clauses = |key: &str| -> Result<Vec<Query>, ApiError> {
        match parameters.get(key) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(many)) if many.len() > CLAUSES_MAX => Err(ApiError::new(
                400,
                "too_many_nested_clauses",
                format!("Query contains too many clauses; maximum is {CLAUSES_MAX}"),
            )),
            Some(Value::Array(many)) => many.iter().map(|clause| parse_at(clause, depth + 1)).collect(),
            Some(one) => Ok(vec![parse_at(one, depth + 1)?]),
        }
    };
    let mut must = clauses("must")?;
    must.extend(clauses("filter")?);
    let should = clauses("should")?;
    let default = usize::from(must.is_empty() && !should.is_empty());
    let minimum = match minimum(parameters.get("minimum_should_match"))? {
        None => default,
        Some(number) if number < 0 => should.len().saturating_sub(number.unsigned_abs() as usize),
        Some(number) => number as usize,
    };
    Ok(Query::Bool { must, should, must_not: clauses("must_not")?, minimum })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_not_supported_is_named() {
        for (query, expected) in [
            (json!({"nope": {}}), "unknown query [nope]"),
            (json!({"fuzzy": {"a": "b"}}), "query [fuzzy] is not supported by this store"),
            (json!({"term": {"a": {"value": 1, "x": 2}}}), "[term] query does not support [x]"),
            (json!({"bool": {"mustt": []}}), "[bool] unknown field [mustt]"),
            (json!({}), "query malformed, empty clause found"),
            (
                json!({"range": {"a": {"gte": 1}, "b": {}}}),
                "[range] query doesn't support multiple fields, found [a] and [b]",
            ),
        ] {
            assert_eq!(parse(&query).unwrap_err().reason, expected, "{query}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let mut query = json!({"match_all": {}});
        for _ in 0..40 {
            query = json!({"bool": {"must": query}});
        }
        assert_eq!(parse(&query).unwrap_err().status, 400);
    }
}
