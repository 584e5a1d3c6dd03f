//! A hit as a line of the page.

use serde_json::{Map, Value, json};

pub(super) const TIMESTAMP: &str = "@timestamp";
pub(super) const LEVEL: &str = "log.level";
pub(super) const SERVICE: &str = "service.name";
pub(super) const FILE: &str = "log.file.path";
pub(super) const HOST: &str = "host.name";
const MESSAGE: &str = "message";
const ERROR: &str = "error.message";
const OFFSET: &str = "log.offset";
const STATUS: &str = "http.response.status_code";
const DURATION: &str = "event.duration";
const METHOD: &str = "http.request.method";
const ROUTE: &str = "http.route";
const PATH: &str = "url.path";

/// Stand around words that were looked for; the page turns them into marks.
const MARKS: (&str, &str) = ("\u{e000}", "\u{e001}");
/// Longest message in a list, in bytes; the document has it whole.
const MESSAGE_MAX: usize = 2048;
/// Longest of the other texts in a list, in bytes.
const VALUE_MAX: usize = 256;

/// Newest or oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    NewestFirst,
    OldestFirst,
}

/// What every search for lines has: order, fields, marks.
pub(super) fn search(query: &Value, order: Order, size: usize) -> Value {
    let order = match order {
        Order::NewestFirst => "desc",
        Order::OldestFirst => "asc",
    };
    let shown = [LEVEL, SERVICE, MESSAGE, ERROR, STATUS, DURATION, METHOD, ROUTE, PATH, FILE, HOST];
    let mut fields = vec![json!({"field": TIMESTAMP, "format": "strict_date_optional_time"})];
    fields.extend(shown.map(|field| json!(field)));
    json!({
        "size": size,
        "track_total_hits": false,
        "query": query,
        // Lines of one file within a millisecond stay in its order.
        "sort": [
            {TIMESTAMP: {"order": order, "unmapped_type": "date"}},
            {OFFSET: {"order": order, "unmapped_type": "long"}},
            {"_doc": order},
        ],
        "_source": false,
        "fields": fields,
        "highlight": {
            "fields": {MESSAGE: {}},
            "number_of_fragments": 0,
            "require_field_match": false,
            "pre_tags": [MARKS.0],
            "post_tags": [MARKS.1],
        },
    })
}

/// The lines of an answer.
pub(super) fn lines(answer: &Value) -> Vec<Value> {
    hits(answer).map(line).collect()
}

/// The hits of an answer.
pub(super) fn hits(answer: &Value) -> impl Iterator<Item = &Value> {
    answer["hits"]["hits"].as_array().into_iter().flatten()
}

/// One hit as the page lists it.
pub(super) fn line(hit: &Value) -> Value {
    let fields = &hit["fields"];
    let marked = hit["highlight"][MESSAGE][0].as_str();
    let message = marked.or_else(|| fields[MESSAGE][0].as_str()).or_else(|| fields[ERROR][0].as_str());
    let message = message.unwrap_or_default();
    let mut line = Map::new();
    line.insert("id".to_owned(), hit["_id"].clone());
    line.insert("index".to_owned(), hit["_index"].clone());
    line.insert("sort".to_owned(), hit["sort"].clone());
    line.insert("message".to_owned(), json!(start_of(message, MESSAGE_MAX)));
    if message.len() > MESSAGE_MAX {
        line.insert("bytes".to_owned(), json!(message.len()));
    }
    let shown = [
        ("time", TIMESTAMP),
        ("level", LEVEL),
        ("service", SERVICE),
        ("status", STATUS),
        ("duration", DURATION),
        ("method", METHOD),
        ("route", ROUTE),
        ("path", PATH),
        ("error", ERROR),
    ];
    for (key, field) in shown {
        if let Some(value) = fields[field].get(0) {
            line.insert(key.to_owned(), short(value));
        }
    }
    Value::Object(line)
}

fn short(value: &Value) -> Value {
    value.as_str().map_or_else(|| value.clone(), |text| json!(start_of(text, VALUE_MAX)))
}

/// The first bytes of a text, up to a whole character.
fn start_of(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    &text[..end.unwrap_or(0)]
}
