//! Whole requests by grammar.

use super::draw::{Draw, KEYWORDS};
use super::{aggregation, query};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What a request has beside query and aggregations.
pub(crate) const OPTIONS: [&str; 10] = [
    "_count",
    "sort",
    "sort missing",
    "sort of several values",
    "from/size",
    "search_after",
    "_source",
    "fields",
    "track_total_hits",
    "highlight",
];

/// A request that is put to every store.
pub(crate) struct Case {
    pub(crate) number: u64,
    pub(crate) path: &'static str,
    pub(crate) body: Value,
    pub(crate) features: BTreeSet<&'static str>,
}

/// Case `number`: the features take turns at being the one that it must have.
pub(crate) fn case(seed: u64, events: u64, number: u64) -> Case {
    let mut draw = Draw::new(seed, events, number);
    let turn = number as usize % (query::KINDS.len() + aggregation::KINDS.len() + OPTIONS.len());
    let (path, body) = match turn.checked_sub(query::KINDS.len()) {
        None => queried(&mut draw, query::KINDS[turn]),
        Some(turn) => match turn.checked_sub(aggregation::KINDS.len()) {
            None => aggregated(&mut draw, aggregation::KINDS[turn]),
            Some(turn) => optioned(&mut draw, OPTIONS[turn]),
        },
    };
    Case { number, path, body, features: draw.features }
}

fn queried(draw: &mut Draw, kind: &'static str) -> (&'static str, Value) {
    let depth = 1 + draw.below(3);
    let query = query::of(draw, kind, depth);
    (
        "/events/_search",
        json!({"query": query, "size": 3, "sort": order(draw), "track_total_hits": true, "_source": ["log", "tags"]}),
    )
}

fn aggregated(draw: &mut Draw, kind: &'static str) -> (&'static str, Value) {
    let aggregations = aggregation::level(draw, kind, 3);
    let mut body = json!({"size": 0, "aggs": aggregations, "track_total_hits": true});
    if draw.chance(600) {
        body["query"] = query::any(draw, 2);
    }
    ("/events/_search", body)
}

fn optioned(draw: &mut Draw, option: &'static str) -> (&'static str, Value) {
    draw.uses(option);
    let query = query::any(draw, 2);
    if option == "_count" {
        return ("/events/_count", json!({"query": query}));
    }
    let mut body =
        json!({"query": query, "size": 1 + draw.below(20), "sort": order(draw), "track_total_hits": true});
    match option {
        "sort missing" => {
            body["sort"] = json!([{"event.duration": {"order": draw.pick(&["asc", "desc"]), "missing": draw.pick(&["_first", "_last"])}}, {"log.offset": "asc"}])
        }
        "sort of several values" => {
            let field = draw.pick(&["tags", "labels.team", "numeric_labels.items", "user.roles"]);
            body["sort"] = json!([{field: draw.pick(&["asc", "desc"])}, {"log.offset": "desc"}]);
        }
        "from/size" => {
            body["from"] = json!(draw.below(300));
            body["size"] = json!(draw.below(40));
        }
        "search_after" => search_after(draw, &mut body),
        "_source" => body["_source"] = source(draw),
        "fields" => {
            body["_source"] = json!(false);
            body["fields"] = json!(["service.*", "http.response.status_code", {"field": "@timestamp", "format": "yyyy-MM-dd HH:mm"}, "tags", "numeric_labels.items"]);
        }
        "track_total_hits" => {
            body["track_total_hits"] =
                draw.pick(&[json!(true), json!(false), json!(100), json!(0), Value::Null])
        }
        "highlight" => highlight(draw, &mut body),
        _ => {}
    }
    if body["track_total_hits"].is_null() {
        drop(body.as_object_mut().and_then(|body| body.remove("track_total_hits")));
    }
    ("/events/_search", body)
}

/// An order without ties: the offset is another one in every event.
pub(crate) fn order(draw: &mut Draw) -> Value {
    let direction = draw.pick(&["asc", "desc"]);
    match draw.below(5) {
        0 => json!([{"@timestamp": direction}, {"log.offset": "asc"}]),
        1 => {
            json!([{"@timestamp": {"order": direction, "format": "strict_date_optional_time"}}, {"log.offset": {"order": "desc"}}])
        }
        2 => {
            let field = draw.pick(&KEYWORDS);
            json!([{field: {"order": direction}}, {"log.offset": "asc"}])
        }
        3 => {
            let field = draw.number();
            json!([{field: direction}, "log.offset"])
        }
        _ => json!({"log.offset": direction}),
    }
}

pub(crate) fn source(draw: &mut Draw) -> Value {
    draw.pick(&[
        json!(false),
        json!("log.*"),
        json!(["service.name", "http.*.body", "tags"]),
        json!({"includes": ["*.name", "message"], "excludes": ["host"]}),
        json!({"excludes": ["message", "*.ip", "numeric_labels"]}),
        json!([]),
    ])
}

fn search_after(draw: &mut Draw, body: &mut Value) {
    let offset = draw.dice.below(draw.events) * 181;
    (body["sort"], body["search_after"]) = match draw.below(4) {
        0 => (json!([{"@timestamp": "desc"}, {"log.offset": "asc"}]), json!([draw.millis(), offset])),
        1 => (json!([{"service.name": "desc"}, {"log.offset": "asc"}]), json!(["search", offset])),
        2 => (json!([{"numeric_labels.price": "asc"}, {"log.offset": "desc"}]), json!([512.25, offset])),
        _ => (
            json!([{"@timestamp": {"order": "asc", "format": "strict_date_optional_time"}}, {"log.offset": "asc"}]),
            json!(["2026-03-11T12:30:00.000Z", offset]),
        ),
    };
}

fn highlight(draw: &mut Draw, body: &mut Value) {
    let kind = draw.pick(&["match", "match_phrase", "query_string"]);
    body["query"] = query::of(draw, kind, 1);
    let fields = json!({"message": {}, "error.message": {}});
    body["highlight"] =
        json!({"fields": fields, "number_of_fragments": 0, "pre_tags": ["<mark>"], "post_tags": ["</mark>"]});
}
