//! Queries by grammar.

use super::draw::{Draw, KEYWORDS, TEXTS};
use super::events::WORDS;
use serde_json::{Map, Value, json};

/// Every kind of query.
pub(crate) const KINDS: [&str; 15] = [
    "match_all",
    "term",
    "terms",
    "range",
    "range date math",
    "match",
    "match_phrase",
    "exists",
    "prefix",
    "wildcard",
    "ids",
    "query_string",
    "bool",
    "constant_score",
    "term ip",
];

/// A query of a kind picked by the dice, at most `depth` levels deep.
pub(crate) fn any(draw: &mut Draw, depth: usize) -> Value {
    let kind = draw.pick(&KINDS);
    of(draw, kind, depth)
}

/// A query of this kind.
pub(crate) fn of(draw: &mut Draw, kind: &'static str, depth: usize) -> Value {
    let kind = if depth == 0 && matches!(kind, "bool" | "constant_score") { "term" } else { kind };
    draw.uses(kind);
    match kind {
        "match_all" => json!({"match_all": {}}),
        "term" => term(draw),
        "terms" => terms(draw),
        "range" => range(draw),
        "range date math" => moments(draw),
        "match" => words(draw),
        "match_phrase" => phrase(draw),
        "exists" => exists(draw),
        "prefix" => prefix(draw),
        "wildcard" => wildcard(draw),
        "ids" => ids(draw),
        "query_string" => query_string(draw),
        "constant_score" => json!({"constant_score": {"filter": any(draw, depth - 1)}}),
        "term ip" => address(draw),
        _ => combined(draw, depth),
    }
}

fn of_field(name: &str, field: &str, value: Value) -> Value {
    let mut body = Map::new();
    body.insert(field.to_owned(), value);
    json!({name: body})
}

fn keyword(draw: &mut Draw) -> &'static str {
    draw.pick(&KEYWORDS)
}

fn term(draw: &mut Draw) -> Value {
    match draw.below(6) {
        0 => {
            let field = draw.number();
            let value = draw.value(field);
            of_field("term", field, value)
        }
        1 => of_field("term", "faas.coldstart", draw.pick(&[json!(true), json!("false")])),
        2 => of_field(
            "term",
            "message",
            draw.pick(&[json!("cart"), json!("Cart"), json!("order"), json!("can't")]),
        ),
        3 => {
            let field = keyword(draw);
            let value = draw.value(field).as_str().unwrap_or_default().to_uppercase();
            of_field("term", field, json!({"value": value, "case_insensitive": true}))
        }
        _ => {
            let field = keyword(draw);
            let value = draw.value(field);
            of_field("term", field, if draw.chance(300) { json!({"value": value}) } else { value })
        }
    }
}

fn terms(draw: &mut Draw) -> Value {
    let field = if draw.chance(700) { keyword(draw) } else { draw.number() };
    let values: Vec<Value> = (0..draw.below(5)).map(|_| draw.value(field)).collect();
    let values: Vec<Value> =
        values.into_iter().filter(|value| field != "event.duration" || value.is_number()).collect();
    if draw.below(3) == 0 && field == "log.level" {
        return json!({"terms": {"log.level": ["nothing", ""]}});
    }
    let numeric = !KEYWORDS.contains(&field);
    let values = values.into_iter().filter(|value| !numeric || value.is_number()).collect::<Vec<_>>();
    of_field("terms", field, Value::Array(values))
}

fn bounds(draw: &mut Draw, one: impl Fn(&mut Draw) -> Value) -> Map<String, Value> {
    let mut bounds = Map::new();
    let (low, high) = (draw.below(4), draw.below(4));
    if low < 2 {
        let value = one(draw);
        bounds.insert(["gte", "gt"][low].to_owned(), value);
    }
    if high < 2 || bounds.is_empty() {
        let value = one(draw);
        bounds.insert(["lt", "lte"][high % 2].to_owned(), value);
    }
    bounds
}

fn range(draw: &mut Draw) -> Value {
    if draw.chance(150) {
        let field = keyword(draw);
        let bounds = bounds(draw, |draw| draw.value(field));
        return of_field("range", field, Value::Object(bounds));
    }
    let field = draw.number();
    let bounds = bounds(draw, |draw| match draw.value(field) {
        value if !value.is_number() => json!(1),
        value if draw.chance(200) => json!(value.as_f64().unwrap_or_default() + 0.5),
        value if draw.chance(200) => json!(value.to_string()),
        value => value,
    });
    of_field("range", field, Value::Object(bounds))
}

fn moments(draw: &mut Draw) -> Value {
    let mut bounds = match draw.below(5) {
        // Far enough from now that all engines mean the same day.
        0 => json!({"gte": "now-20y/y", "lt": "now+1y/d"}).as_object().cloned().unwrap_or_default(),
        1 => {
            let low = draw.millis();
            let high = draw.millis();
            json!({"from": low.min(high), "to": low.max(high), "include_lower": draw.chance(500)})
                .as_object()
                .cloned()
                .unwrap_or_default()
        }
        2 => {
            let day = 1 + draw.below(30);
            json!({"gte": format!("{day:02}/03/2026"), "lte": format!("{day:02}/03/2026||+3d/d"), "format": "dd/MM/yyyy||yyyy"}).as_object().cloned().unwrap_or_default()
        }
        _ => bounds(draw, |draw| json!(draw.stamp())),
    };
    if draw.chance(400) && !bounds.contains_key("from") {
        bounds.insert("time_zone".to_owned(), json!(draw.zone()));
    }
    of_field("range", "@timestamp", Value::Object(bounds))
}

fn few_words(draw: &mut Draw, count: usize) -> String {
    let words: Vec<&str> = (0..count).map(|_| draw.pick(&WORDS)).collect();
    words.join(" ")
}

fn words(draw: &mut Draw) -> Value {
    let field = draw.pick(&TEXTS);
    let count = 1 + draw.below(3);
    let text = few_words(draw, count);
    match draw.below(4) {
        0 => of_field("match", field, json!(text)),
        1 => of_field("match", field, json!({"query": text, "operator": "and"})),
        2 => of_field("match", field, json!({"query": text.to_uppercase(), "minimum_should_match": 2})),
        _ => {
            let field = keyword(draw);
            let value = draw.value(field);
            of_field("match", field, json!({"query": value}))
        }
    }
}

fn phrase(draw: &mut Draw) -> Value {
    let field = draw.pick(&TEXTS);
    let count = 1 + draw.below(3);
    let text = few_words(draw, count);
    match draw.below(3) {
        // With more words Pocket refuses it.
        0 if count <= 2 => of_field("match_phrase", field, json!({"query": text, "slop": draw.below(3)})),
        _ => of_field("match_phrase", field, json!(text)),
    }
}

fn exists(draw: &mut Draw) -> Value {
    let field = match draw.below(5) {
        0 => draw.pick(&["http", "numeric_labels", "nowhere", "numeric_labels.odd", "labels"]),
        1 => draw.pick(&TEXTS),
        2 => draw.number(),
        _ => keyword(draw),
    };
    json!({"exists": {"field": field}})
}

fn prefix(draw: &mut Draw) -> Value {
    let field = keyword(draw);
    let value = draw.value(field).as_str().unwrap_or_default().to_owned();
    let length = 1 + draw.below(3);
    let text: String = value.chars().take(length).collect();
    match draw.below(4) {
        0 => of_field("prefix", field, json!({"value": text.to_uppercase(), "case_insensitive": true})),
        1 => of_field("prefix", "message", json!(draw.pick(&["pay", "re", "Re", "gr"]))),
        _ => of_field("prefix", field, json!(text)),
    }
}

fn wildcard(draw: &mut Draw) -> Value {
    let field = keyword(draw);
    let value = draw.value(field).as_str().unwrap_or_default().to_owned();
    let letters: Vec<char> = value.chars().collect();
    let cut = draw.below(letters.len().max(1));
    let (head, tail): (String, String) =
        (letters[..cut].iter().collect(), letters[cut..].iter().skip(1).collect());
    match draw.below(5) {
        0 => of_field("wildcard", field, json!({"value": format!("{head}*")})),
        1 => of_field("wildcard", field, json!(format!("*{tail}"))),
        2 => of_field("wildcard", "tags", json!("x\\*?")),
        3 => of_field(
            "wildcard",
            field,
            json!({"value": format!("{}?{tail}", head.to_uppercase()), "case_insensitive": true}),
        ),
        _ => of_field("wildcard", field, json!(format!("{head}?{tail}"))),
    }
}

fn ids(draw: &mut Draw) -> Value {
    let mut ids: Vec<String> = (0..draw.below(6)).map(|_| draw.id()).collect();
    ids.push("nobody".to_owned());
    json!({"ids": {"values": ids}})
}

fn query_string(draw: &mut Draw) -> Value {
    let mut word =
        || draw.pick(&["payment", "refused", "cart", "Timeout", "retry", "upstream", "connection"]);
    let (a, b, c) = (word(), word(), word());
    let text = match draw.below(12) {
        0 => a.to_owned(),
        1 => format!("{a} AND {b}"),
        2 => format!("message:({a} OR {b}) AND NOT log.level:debug"),
        3 => format!("message:\"{a} {b}\""),
        4 => format!("+message:{a} -message:{b}"),
        5 => "http.response.status_code:>=500".to_owned(),
        6 => "http.response.status_code:[200 TO 404} OR log.level:err*".to_owned(),
        7 => format!("_exists_:error.type OR message:{c}"),
        8 => "service.name:sh?p AND @timestamp:[2026-03-05 TO 2026-03-20]".to_owned(),
        9 => "http.route:\\/cart* OR tags:x\\*y".to_owned(),
        10 => format!("({a} {b}) OR NOT {c}"),
        _ => format!("{a} {b} AND log.level:info"),
    };
    let mut body = json!({"query": text});
    if draw.chance(300) {
        body["default_operator"] = json!("AND");
    }
    if draw.chance(300) {
        body["default_field"] = json!("message");
    }
    json!({"query_string": body})
}

fn address(draw: &mut Draw) -> Value {
    let field = draw.pick(&["client.ip", "host.ip"]);
    match draw.below(4) {
        0 => {
            let value = draw.value(field);
            of_field("term", field, value)
        }
        1 => of_field(
            "term",
            field,
            json!(draw.pick(&["192.168.3.0/24", "10.1.0.0/16", "2001:db8::/32", "10.2.3.64/26"])),
        ),
        2 => of_field("range", field, json!({"gte": "10.0.3.0", "lt": "192.168.2.9"})),
        _ => of_field("terms", field, json!(["192.168.1.0/25", "10.0.0.7"])),
    }
}

fn combined(draw: &mut Draw, depth: usize) -> Value {
    let mut body = Map::new();
    for clause in ["must", "filter", "should", "must_not"] {
        let count = [0, 0, 1, 1, 2][draw.below(5)];
        let parts: Vec<Value> = (0..count).map(|_| any(draw, depth - 1)).collect();
        match parts.as_slice() {
            [] => {}
            [one] if draw.chance(300) => drop(body.insert(clause.to_owned(), one.clone())),
            _ => drop(body.insert(clause.to_owned(), Value::Array(parts))),
        }
    }
    if body.contains_key("should") && draw.chance(400) {
        let least = [json!(1), json!(0), json!(2), json!(-1)];
        body.insert("minimum_should_match".to_owned(), draw.pick(&least));
    }
    json!({"bool": body})
}
