//! `_search`, `_msearch`, `_count`, `_field_caps`.

use super::App;
use super::call::Call;
use super::reply::Reply;
use crate::mapping::{Field, Kind, Number};
use crate::query::{Query, parse as parse_query};
use crate::search::{Answer, Means, Request, Target, count as count_all, search as run};
use crate::store::ApiError;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::Instant;

#[derive(Serialize)]
struct Whole {
    took: u64,
    timed_out: bool,
    _shards: Value,
    #[serde(flatten)]
    answer: Answer,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
}

fn shards(count: usize) -> Value {
    json!({"total": count, "successful": count, "skipped": 0, "failed": 0})
}

/// The body with what the address adds to it.
fn body_of(call: &Call) -> Result<Value, ApiError> {
    let mut body = call.json()?;
    if body.is_null() {
        body = json!({});
    }
    let Some(map) = body.as_object_mut() else { return Err(ApiError::parsing("Expected [START_OBJECT]")) };
    for (key, value) in &call.parameters {
        match key.as_str() {
            "q" => {
                let and = call.parameter("default_operator").unwrap_or("or");
                let mut query = json!({"query": value, "default_operator": and});
                if let Some(field) = call.parameter("df") {
                    query["default_field"] = json!(field);
                }
                map.insert("query".to_owned(), json!({"query_string": query}));
            }
            "size" | "from" | "track_total_hits" | "_source" => drop(map.insert(key.clone(), json!(value))),
            "_source_includes" | "_source_excludes" => {
                let slot = map.entry("_source").or_insert(json!({}));
                slot[key.trim_start_matches("_source_")] = json!(value.split(',').collect::<Vec<_>>());
            }
            "sort" => {
                let rules = value.split(',').map(|rule| match rule.split_once(':') {
                    Some((field, order)) => json!({field: order}),
                    None => json!(rule),
                });
                map.insert("sort".to_owned(), Value::Array(rules.collect()));
            }
            "scroll" => return Err(ApiError::unsupported("[scroll]; search_after is, and it")),
            _ => {}
        }
    }
    Ok(body)
}

fn targets(
    app: &App,
    expression: &str,
    ignore_unavailable: bool,
    allow_none: bool,
) -> Result<Vec<Target>, ApiError> {
    let found = app.store.resolve(expression, ignore_unavailable)?;
    if found.is_empty() && !allow_none {
        return Err(ApiError::index_not_found(expression));
    }
    Ok(found.iter().map(|index| Target::of(index)).collect())
}

/// The answer to a search, as JSON; `change` comes before it is written.
fn answer(
    app: &App,
    expression: &str,
    body: &Value,
    lenient: (bool, bool),
    status: Option<u16>,
    change: impl FnOnce(&mut Whole),
) -> Result<Vec<u8>, ApiError> {
    let start = Instant::now();
    let request = Request::parse(body)?;
    let targets = targets(app, expression, lenient.0, lenient.1)?;
    let means = Means { memory: app.search_memory, threads: app.threads, cache: Some(&app.cache) };
    let turn = app.turn.lock().unwrap_or_else(PoisonError::into_inner);
    let answer = run(&targets, &request, means)?;
    let mut whole = Whole {
        took: start.elapsed().as_millis() as u64,
        timed_out: false,
        _shards: shards(targets.len()),
        answer,
        status,
    };
    change(&mut whole);
    // Within the turn: until it is dropped, what was found takes as much memory as its text.
    let text = serde_json::to_vec(&whole);
    drop((whole, turn));
    text.map_err(|error| ApiError::internal(error.to_string()))
}

fn leniency(call: &Call) -> (bool, bool) {
    (call.flag("ignore_unavailable"), call.parameter("allow_no_indices") != Some("false"))
}

pub(super) fn search(app: &App, call: &Call, expression: &str) -> Result<Reply, ApiError> {
    let body = body_of(call)?;
    if call.flag("typed_keys") {
        return Err(ApiError::unsupported("[typed_keys]"));
    }
    let shown = answer(app, expression, &body, leniency(call), None, |whole| {
        if call.flag("rest_total_hits_as_int") {
            let plain = whole.answer.hits.total.as_ref().and_then(|total| total.get("value").cloned());
            whole.answer.hits.total = plain;
        }
    })?;
    Ok(Reply::written(200, shown))
}

pub(super) fn many(app: &App, call: &Call, default: Option<&str>) -> Result<Reply, ApiError> {
    let start = Instant::now();
    let lines: Vec<&[u8]> = call
        .body
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.iter().all(u8::is_ascii_whitespace))
        .collect();
    if lines.is_empty() {
        return Err(ApiError::new(400, "parse_exception", "request body or source parameter is required"));
    }
    if !lines.len().is_multiple_of(2) {
        return Err(ApiError::new(
            400,
            "action_request_validation_exception",
            "Validation Failed: 1: no requests added;",
        ));
    }
    let mut text = b"{\"responses\":[".to_vec();
    let mut room = call.room.take(0)?;
    for (at, pair) in lines.chunks(2).enumerate() {
        let shown = one_of_many(app, call, default, pair[0], pair[1]).and_then(|shown| {
            room.merge(call.room.take(shown.len())?);
            Ok(shown)
        });
        text.extend((at > 0).then_some(b','));
        match shown {
            Ok(shown) => text.extend_from_slice(&shown),
            Err(error) => text.extend_from_slice(error.answer().to_string().as_bytes()),
        }
    }
    text.extend_from_slice(format!("],\"took\":{}}}", start.elapsed().as_millis()).as_bytes());
    Ok(Reply::written(200, text))
}

fn one_of_many(
    app: &App,
    call: &Call,
    default: Option<&str>,
    head: &[u8],
    body: &[u8],
) -> Result<Vec<u8>, ApiError> {
    let read = |line: &[u8]| {
        serde_json::from_slice::<Value>(line)
            .map_err(|error| ApiError::new(400, "x_content_parse_exception", error.to_string()))
    };
    let (head, body) = (read(head)?, read(body)?);
    let expression = match &head["index"] {
        Value::String(one) => one.clone(),
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
        _ => default.unwrap_or("_all").to_owned(),
    };
    let lenient = match head["ignore_unavailable"].as_bool() {
        Some(ignore) => (ignore, head["allow_no_indices"].as_bool().unwrap_or(true)),
        None => leniency(call),
    };
    answer(app, &expression, &body, lenient, Some(200), |_| {})
}

pub(super) fn count(app: &App, call: &Call, expression: &str) -> Result<Reply, ApiError> {
    let body = body_of(call)?;
    if let Some(key) = body.as_object().and_then(|body| body.keys().find(|key| *key != "query")) {
        return Err(ApiError::parsing(format!("request does not support [{key}]")).at_key(key));
    }
    let query = body.get("query").map_or(Ok(Query::All), parse_query)?;
    let (ignore, allow) = leniency(call);
    let targets = targets(app, expression, ignore, allow)?;
    Ok(Reply::ok(&json!({"count": count_all(&targets, &query)?, "_shards": shards(targets.len())})))
}

pub(super) fn field_caps(app: &App, call: &Call, expression: &str) -> Result<Reply, ApiError> {
    let body = call.json()?;
    let patterns: Vec<String> = match (call.parameter("fields"), &body["fields"]) {
        (Some(text), _) => text.split(',').map(str::to_owned).collect(),
        (None, Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        (None, Value::String(one)) => vec![one.clone()],
        _ => {
            return Err(ApiError::new(
                400,
                "action_request_validation_exception",
                "Validation Failed: 1: no fields specified;",
            ));
        }
    };
    capabilities(app, expression, &patterns, leniency(call)).map(|found| Reply::ok(&found))
}

/// The fields of indices whose names match a pattern.
pub(crate) fn capabilities(
    app: &App,
    expression: &str,
    patterns: &[String],
    (ignore, allow): (bool, bool),
) -> Result<Value, ApiError> {
    let targets = targets(app, expression, ignore, allow)?;
    let mut fields: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for target in &targets {
        for (path, field) in patterns.iter().flat_map(|pattern| target.mapping.names(pattern)) {
            let name = family(field);
            let aggregatable = !matches!(field.kind, Kind::Text | Kind::Unindexed);
            let searchable = !matches!(field.kind, Kind::Unindexed);
            let caps = json!({"type": name, "metadata_field": false, "searchable": searchable, "aggregatable": aggregatable});
            fields.entry(path.to_owned()).or_default().insert(name.to_owned(), caps);
            for (at, _) in path.match_indices('.') {
                let above = &path[..at];
                if target.mapping.field(above).is_none()
                    && patterns.iter().any(|pattern| crate::pattern::matches(pattern, above))
                {
                    let caps = json!({"type": "object", "metadata_field": false, "searchable": false, "aggregatable": false});
                    fields.entry(above.to_owned()).or_default().insert("object".to_owned(), caps);
                }
            }
        }
    }
    for name in ["_id", "_index", "_source", "_ignored"] {
        if patterns.iter().any(|pattern| crate::pattern::matches(pattern, name)) {
            let caps = json!({"type": name, "metadata_field": true, "searchable": name != "_source", "aggregatable": name == "_ignored"});
            fields.entry(name.to_owned()).or_default().insert(name.to_owned(), caps);
        }
    }
    let names: Vec<&str> = targets.iter().map(|target| target.name.as_str()).collect();
    Ok(json!({"indices": names, "fields": fields}))
}

/// The type as field capabilities name it.
fn family(field: &Field) -> &str {
    match &field.kind {
        Kind::Number(Number::Scaled(_)) => "scaled_float",
        _ => match field.parameters.get("type").and_then(Value::as_str) {
            Some("match_only_text") => "text",
            Some("constant_keyword" | "wildcard") => "keyword",
            Some(name) => name,
            None => "object",
        },
    }
}
