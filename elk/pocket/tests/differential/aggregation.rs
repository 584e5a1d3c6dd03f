//! Aggregations by grammar.

use super::draw::{Draw, KEYWORDS};
use super::query;
use serde_json::{Map, Value, json};

/// Every kind of aggregation.
pub(crate) const KINDS: [&str; 24] = [
    "date_histogram fixed",
    "date_histogram calendar",
    "date_histogram time_zone",
    "date_histogram min_doc_count",
    "date_histogram extended_bounds",
    "histogram",
    "range",
    "filters",
    "filter",
    "terms",
    "terms by sub-aggregation",
    "terms missing",
    "terms include/exclude",
    "terms of numbers",
    "percentiles",
    "avg",
    "sum",
    "min",
    "max",
    "stats",
    "value_count",
    "cardinality",
    "cardinality above 3000",
    "top_hits",
];
const BUCKETS: [&str; 13] = [
    "date_histogram calendar",
    "date_histogram time_zone",
    "date_histogram min_doc_count",
    "histogram",
    "range",
    "filters",
    "filter",
    "terms",
    "terms by sub-aggregation",
    "terms missing",
    "terms include/exclude",
    "terms of numbers",
    "date_histogram fixed",
];

/// The object under `aggs`: one aggregation of `kind` and perhaps others beside it.
pub(crate) fn level(draw: &mut Draw, kind: &'static str, depth: usize) -> Value {
    let mut parts = Map::new();
    parts.insert("first".to_owned(), of(draw, kind, depth));
    if draw.chance(400) {
        let kind = draw.pick(&KINDS);
        parts.insert("second".to_owned(), of(draw, kind, depth.saturating_sub(1)));
    }
    Value::Object(parts)
}

/// The object under `aggs` of a bucket.
fn inner(draw: &mut Draw, depth: usize) -> Option<Value> {
    if depth == 0 || draw.chance(150) {
        return None;
    }
    let kind = if depth > 1 && draw.chance(600) { draw.pick(&BUCKETS) } else { draw.pick(&KINDS) };
    if depth == 1 {
        draw.uses("aggregations 3 deep");
    }
    Some(level(draw, kind, depth - 1))
}

/// One aggregation of this kind, with others inside while `depth` lasts.
pub(crate) fn of(draw: &mut Draw, kind: &'static str, depth: usize) -> Value {
    // What takes much memory in each bucket stands where buckets are few.
    let kind = match kind {
        "cardinality above 3000" if depth < 3 => "cardinality",
        "percentiles" if depth == 0 => "stats",
        kind => kind,
    };
    draw.uses(kind);
    let mut whole = body(draw, kind, depth);
    if BUCKETS.contains(&kind) || kind == "date_histogram extended_bounds" {
        let depth = if is_wide(&whole) { depth.min(1) } else { depth };
        if let Some(more) = inner(draw, depth) {
            match whole.get_mut("aggs").and_then(Value::as_object_mut) {
                Some(inside) => inside.extend(more.as_object().cloned().unwrap_or_default()),
                None => whole["aggs"] = more,
            }
        }
    }
    whole
}

/// Whether it has so many buckets that the engines have no memory for many more inside each.
fn is_wide(whole: &Value) -> bool {
    let interval = whole["date_histogram"]["calendar_interval"].as_str().unwrap_or_default();
    whole["terms"]["field"] == "numeric_labels.items" || interval == "1h" || interval == "hour"
}

fn body(draw: &mut Draw, kind: &'static str, depth: usize) -> Value {
    match kind {
        "histogram" => histogram(draw),
        "range" => range(draw),
        "filters" => filters(draw),
        "filter" => json!({"filter": query::any(draw, 1)}),
        "terms" => json!({"terms": terms(draw)}),
        "terms by sub-aggregation" => terms_by_metric(draw),
        "terms missing" => terms_missing(draw),
        "terms include/exclude" => terms_filtered(draw),
        "terms of numbers" => terms_of_numbers(draw, depth),
        "percentiles" => percentiles(draw),
        "avg" | "sum" | "min" | "max" | "stats" => metric(draw, kind),
        "value_count" => json!({"value_count": {"field": any_field(draw)}}),
        "cardinality" => {
            let field = if depth == 3 { any_field(draw) } else { draw.pick(&KEYWORDS) };
            json!({"cardinality": {"field": field}})
        }
        "cardinality above 3000" => {
            json!({"cardinality": {"field": draw.pick(&["user.id", "trace.id", "event.duration", "log.offset"])}})
        }
        "top_hits" => top_hits(draw),
        _ => date_histogram(draw, kind, depth),
    }
}

fn any_field(draw: &mut Draw) -> &'static str {
    match draw.below(5) {
        0 | 1 => draw.number(),
        2 => draw.pick(&["@timestamp", "faas.coldstart", "client.ip", "host.ip"]),
        _ => draw.pick(&KEYWORDS),
    }
}

/// Buckets of days below the top, so that an answer stays readable.
fn date_histogram(draw: &mut Draw, kind: &'static str, depth: usize) -> Value {
    let mut body = json!({"field": "@timestamp"});
    match kind {
        "date_histogram fixed" if depth > 2 => {
            body["fixed_interval"] = json!(draw.pick(&["6h", "450m", "12h", "1d"]))
        }
        "date_histogram fixed" | "date_histogram min_doc_count" => {
            body["fixed_interval"] = json!(draw.pick(&["2d", "7d", "36h"]));
        }
        "date_histogram calendar" => {
            body["calendar_interval"] = json!(draw.pick(&["day", "1w", "month", "1q", "1y", "week"]));
        }
        _ if depth < 2 => body["calendar_interval"] = json!(draw.pick(&["1w", "1M"])),
        _ if depth > 2 && draw.chance(300) => body["calendar_interval"] = json!(draw.pick(&["1h", "hour"])),
        _ => body["calendar_interval"] = json!(draw.pick(&["1d", "1w", "1M"])),
    }
    if kind == "date_histogram time_zone" || draw.chance(150) {
        body["time_zone"] = json!(draw.zone());
    }
    if kind == "date_histogram min_doc_count" {
        body["min_doc_count"] = json!(1 + draw.below(200));
    }
    if kind == "date_histogram extended_bounds" {
        body["extended_bounds"] = match draw.below(3) {
            0 => json!({"min": "2026-02-20", "max": "2026-04-14"}),
            1 => json!({"min": "2026-03-01||-2d", "max": "2026-03-01"}),
            _ => json!({"min": 1_772_000_000_000i64, "max": 1_776_000_000_000i64}),
        };
        body["min_doc_count"] = json!(0);
        if !body["extended_bounds"]["min"].is_number() && draw.chance(300) {
            body["format"] = json!("yyyy-MM-dd");
        }
    } else if draw.chance(250) {
        body["format"] = json!(draw.pick(&[
            "yyyy-MM-dd",
            "epoch_millis",
            "yyyy-MM-dd HH:mm:ss",
            "strict_date_time",
            "MM/dd HH:mm"
        ]));
    }
    if draw.chance(150) {
        body["offset"] = json!(draw.pick(&["+6h", "-1h", "30m"]));
    }
    // Two hours of one name would be one key where a format says less than the buckets tell apart.
    if draw.chance(100) && body.get("format").is_none() {
        body["keyed"] = json!(true);
    }
    json!({"date_histogram": body})
}

fn histogram(draw: &mut Draw) -> Value {
    let (field, interval) = draw.pick(&[
        ("http.response.status_code", json!(100)),
        ("http.response.status_code", json!(50.0)),
        ("numeric_labels.price", json!(100)),
        ("numeric_labels.items", json!(12.5)),
        ("http.response.body.bytes", json!(5000)),
        ("event.duration", json!(4_000_000_000i64)),
    ]);
    let mut body = json!({"field": field, "interval": interval});
    if draw.chance(300) {
        body["offset"] = json!(draw.pick(&[json!(5), json!(12.5)]));
    }
    if draw.chance(400) {
        body["min_doc_count"] = json!(draw.pick(&[0, 1, 40]));
    }
    if draw.chance(250) && body.get("min_doc_count").is_none() {
        body["extended_bounds"] = json!({"min": -100, "max": 1500});
        if field == "event.duration" || field == "http.response.body.bytes" {
            body["extended_bounds"] = json!({"min": 0, "max": 50_000});
        }
    }
    if draw.chance(150) {
        body["keyed"] = json!(true);
    }
    json!({"histogram": body})
}

fn range(draw: &mut Draw) -> Value {
    let (field, ranges) = draw.pick(&[
        ("http.response.status_code", json!([{"to": 300}, {"from": 300, "to": 500}, {"from": 500}])),
        (
            "event.duration",
            json!([{"to": 1e6}, {"from": 1e6, "to": 5e7}, {"from": 5e7, "key": "slow"}, {"from": 0}]),
        ),
        (
            "numeric_labels.items",
            json!([{"from": -10, "to": 10}, {"from": 0.5, "to": 100.25}, {"to": -59.5}]),
        ),
        ("numeric_labels.price", json!([{"key": "cheap", "to": 9.99}, {"key": "dear", "from": 9.99}])),
    ]);
    let mut body = json!({"field": field, "ranges": ranges});
    if draw.chance(300) {
        body["keyed"] = json!(true);
    }
    json!({"range": body})
}

fn filters(draw: &mut Draw) -> Value {
    let (a, b) = (query::any(draw, 1), query::any(draw, 1));
    if draw.chance(400) {
        return json!({"filters": {"filters": [a, b]}});
    }
    json!({"filters": {"filters": {"left": a, "right": b, "5xx": {"range": {"http.response.status_code": {"gte": 500}}}}}})
}

fn terms(draw: &mut Draw) -> Value {
    let mut body = json!({"field": draw.pick(&KEYWORDS)});
    if draw.chance(500) {
        body["size"] = json!(1 + draw.below(8));
        // Without it a shard cuts first, and the count of the rest is a guess of the real ones.
        body["shard_size"] = json!(1000);
    }
    match draw.below(6) {
        0 => body["order"] = json!({"_key": "desc"}),
        1 => body["order"] = json!({"_count": "asc"}),
        2 => body["order"] = json!([{"_count": "desc"}, {"_key": "asc"}]),
        3 => body["min_doc_count"] = json!(1 + draw.below(500)),
        _ => {}
    }
    body
}

fn terms_by_metric(draw: &mut Draw) -> Value {
    let field = draw.pick(&KEYWORDS);
    let number = draw.number();
    let direction = draw.pick(&["asc", "desc"]);
    let (order, inside) = match draw.below(6) {
        0 => ("m", json!({"m": {"avg": {"field": number}}})),
        1 => ("m", json!({"m": {"max": {"field": number}}})),
        2 => ("m.sum", json!({"m": {"stats": {"field": number}}})),
        3 => (
            "m>n",
            json!({"m": {"filter": {"exists": {"field": "http.route"}}, "aggs": {"n": {"sum": {"field": number}}}}}),
        ),
        4 => ("m", json!({"m": {"cardinality": {"field": "http.route"}}})),
        _ => ("m", json!({"m": {"value_count": {"field": number}}})),
    };
    json!({"terms": {"field": field, "size": 4 + draw.below(10), "shard_size": 1000, "order": {order: direction}}, "aggs": inside})
}

fn terms_missing(draw: &mut Draw) -> Value {
    match draw.below(3) {
        0 => json!({"terms": {"field": "http.response.status_code", "missing": draw.pick(&[-1, 200])}}),
        _ => {
            let mut body = terms(draw);
            body["missing"] = json!(draw.pick(&["(none)", "info", ""]));
            json!({"terms": body})
        }
    }
}

fn terms_filtered(draw: &mut Draw) -> Value {
    let mut body = terms(draw);
    match draw.below(4) {
        0 => {
            body["include"] = json!([draw.value("log.level"), draw.value("service.name"), draw.value("tags")])
        }
        1 => body["exclude"] = json!(["info", "GET", "shop", "beta"]),
        2 => body["include"] = json!(draw.pick(&[".*e.*", "[a-m].*", "(shop|beta|GET|error)", "web-[0-5]"])),
        _ => {
            body["include"] = json!(".*[a-z]");
            body["exclude"] = json!("(b|s).*");
        }
    }
    json!({"terms": body})
}

fn terms_of_numbers(draw: &mut Draw, depth: usize) -> Value {
    let mut fields = vec![
        "http.response.status_code",
        "process.pid",
        "numeric_labels.odd",
        "faas.coldstart",
        "http.response.body.bytes",
    ];
    if depth == 3 {
        fields.push("numeric_labels.items");
    }
    let field = draw.pick(&fields);
    let mut body = json!({"field": field, "size": 5 + draw.below(30), "shard_size": 2000});
    if draw.chance(300) {
        body["order"] = json!({"_key": "asc"});
    }
    if field == "http.response.status_code" && draw.chance(300) {
        body["exclude"] = json!([200, 404]);
    }
    json!({"terms": body})
}

fn percentiles(draw: &mut Draw) -> Value {
    let mut body = json!({"field": draw.number()});
    match draw.below(4) {
        0 => body["percents"] = json!([50, 95, 99.9]),
        1 => body["percents"] = json!([0, 12.5, 100]),
        _ => {}
    }
    if draw.chance(200) {
        body["keyed"] = json!(false);
    }
    json!({"percentiles": body})
}

fn metric(draw: &mut Draw, kind: &str) -> Value {
    let field = match draw.below(8) {
        0 => "faas.coldstart",
        1 => "@timestamp",
        2 => "numeric_labels.nowhere",
        _ => draw.number(),
    };
    let mut body = json!({"field": field});
    if draw.chance(200) && field != "@timestamp" && field != "faas.coldstart" {
        body["missing"] = json!(draw.pick(&[json!(0), json!(7.5), json!(-100)]));
    }
    json!({kind: body})
}

fn top_hits(draw: &mut Draw) -> Value {
    let mut body = json!({"size": 1 + draw.below(3), "sort": super::request::order(draw)});
    if draw.chance(500) {
        body["_source"] = super::request::source(draw);
    }
    json!({"top_hits": body})
}
