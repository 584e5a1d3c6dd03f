//! The documents: shaped like those of the agent, and with what trips stores: fields that are missing, null, empty or
//! hold several values, words in several cases and scripts, two changes of the clock.

use base64::Engine;
use bench::random::Dice;
use serde_json::{Map, Value, json};

/// The first moment of the events, 2026-03-01T00:00:00Z.
pub(crate) const START_MILLIS: i64 = 1_772_323_200_000;
/// 40 days: New York changes its clocks on 8 March, Berlin on the 29th.
pub(crate) const SPAN_MILLIS: i64 = 40 * 86_400_000;

const LEVELS: [&str; 5] = ["info", "info", "debug", "warn", "error"];
const SERVICES: [&str; 6] = ["shop", "payments", "search", "Shop-Admin", "größen", "mail_out"];
const METHODS: [&str; 4] = ["GET", "GET", "POST", "DELETE"];
const STATUS: [i64; 7] = [200, 200, 200, 201, 404, 500, 503];
const ROUTES: [&str; 5] = ["/cart/{id}", "/", "/api/items", "/api/items/{id}", "/login"];
const TAGS: [&str; 6] = ["beta", "canary", "eu-west", "Beta", "nightly", "x*y"];
pub(crate) const WORDS: [&str; 16] = [
    "payment",
    "refused",
    "Cart",
    "timeout",
    "after",
    "retry",
    "of",
    "the",
    "upstream",
    "größe",
    "order-7",
    "user_id",
    "3.14",
    "can't",
    "connection",
    "RESET",
];

/// The mapping: that of the project's own index template, and what the engines at hand ask for.
pub(crate) fn index(seed: u64) -> Value {
    let component: Value =
        serde_json::from_str(include_str!("../../../elasticsearch/mappings.json")).expect("JSON");
    let mut mappings = component["template"]["mappings"].clone();
    mappings["_meta"] = json!({"seed": seed});
    json!({
        "settings": {
            "index": {
                "number_of_shards": 1, "number_of_replicas": 0, "refresh_interval": "-1",
                "mapping": {"ignore_malformed": true},
                "query": {"default_field": ["message", "error.message", "service.name", "http.route"]},
            },
        },
        "mappings": mappings,
    })
}

/// Event number `number` of the run with `seed`, and its id.
pub(crate) fn event(seed: u64, number: u64) -> (String, Value) {
    let mut dice = Dice::new(bench::random::mix(seed, number));
    let mut event = base(&mut dice, number);
    if dice.chance(550) {
        merge(&mut event, request(&mut dice));
    }
    if dice.chance(150) {
        merge(&mut event, error(&mut dice));
    }
    if dice.chance(600) {
        merge(&mut event, leftovers(&mut dice));
    }
    (id(seed, number), Value::Object(event))
}

fn id(seed: u64, number: u64) -> String {
    if number.is_multiple_of(3) {
        return format!("event-{number}");
    }
    let mut bytes = [0; 15];
    bytes[..8].copy_from_slice(&bench::random::mix(seed, !number).to_be_bytes());
    bytes[8..12].copy_from_slice(&(number as u32).to_be_bytes());
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

fn pick<T: Copy>(dice: &mut Dice, of: &[T]) -> T {
    of[dice.below(of.len() as u64) as usize]
}

fn merge(event: &mut Map<String, Value>, more: Value) {
    if let Value::Object(more) = more {
        event.extend(more);
    }
}

/// Up to `most` different ones of `of`.
fn some(dice: &mut Dice, of: &[&str], most: u64) -> Vec<String> {
    let mut chosen: Vec<String> = (0..dice.below(most + 1)).map(|_| pick(dice, of).to_owned()).collect();
    chosen.sort();
    chosen.dedup();
    chosen
}

fn base(dice: &mut Dice, number: u64) -> Map<String, Value> {
    let step = SPAN_MILLIS / 200_000;
    let millis = START_MILLIS + number as i64 * step + dice.below(600_000) as i64;
    let stamp = jiff::Timestamp::from_millisecond(millis).expect("a moment");
    let words: Vec<&str> = (0..dice.below(9)).map(|_| pick(dice, &WORDS)).collect();
    let service = pick(dice, &SERVICES);
    let mut event = json!({
        "@timestamp": format!("{stamp:.3}"),
        "message": words.join(" "),
        "ecs": {"version": "8.17.0"},
        "log": {"level": pick(dice, &LEVELS), "offset": number * 181},
        "event": {"dataset": if service == "shop" { "app.shop" } else { "app" }},
        "service": {"name": service, "node": {"name": format!("{service}-{}", dice.below(4))}},
        "host": {"name": format!("web-{}", dice.below(12)), "ip": addresses(dice)},
        "process": {"pid": 100 + dice.below(40)},
        "tags": some(dice, &TAGS, 3),
    });
    if dice.chance(500) {
        event["log"]["logger"] = json!(format!("app::{}", pick(dice, &["db", "http", "cache", ""])));
    }
    if dice.chance(400) {
        event["user"] = json!({"id": format!("u{}", dice.below(40_000)), "roles": some(dice, &["admin", "buyer", "Guest"], 2)});
    }
    if dice.chance(300) {
        event["faas"] = json!({"coldstart": dice.chance(200)});
    }
    if dice.chance(50) {
        event["tags"] = Value::Null;
    }
    match event {
        Value::Object(event) => event,
        _ => Map::new(),
    }
}

fn addresses(dice: &mut Dice) -> Vec<String> {
    let one = |dice: &mut Dice| format!("10.{}.{}.{}", dice.below(3), dice.below(4), dice.below(250));
    let mut found: Vec<String> = (0..dice.below(3)).map(|_| one(dice)).collect();
    if dice.chance(100) {
        found.push(format!("2001:db8::{:x}", dice.below(64)));
    }
    found
}

fn request(dice: &mut Dice) -> Value {
    let status = pick(dice, &STATUS);
    let route = pick(dice, &ROUTES);
    let categories = &["web", "network"][..1 + dice.below(2) as usize];
    // From microseconds to tens of seconds, most of it at the low end.
    let duration = 50_000 + (dice.below(1 << 20) << dice.below(16));
    json!({
        "event": {
            "dataset": "app", "category": categories, "duration": duration,
            "outcome": if status >= 500 { "failure" } else { "success" },
        },
        "http": {
            "request": {"method": pick(dice, &METHODS)},
            "response": {"status_code": status, "body": {"bytes": dice.below(60) * 512}},
            "route": route,
        },
        "url": {"path": route.replace("{id}", &dice.below(900).to_string())},
        "client": {"ip": format!("192.168.{}.{}", dice.below(8), dice.below(256))},
        "trace": {"id": format!("{:016x}", dice.roll())},
    })
}

fn error(dice: &mut Dice) -> Value {
    let words: Vec<&str> = (0..2 + dice.below(3)).map(|_| pick(dice, &WORDS)).collect();
    json!({"error": {"type": pick(dice, &["IoError", "ioError", "Timeout"]), "message": words.join(" ")}})
}

fn leftovers(dice: &mut Dice) -> Value {
    let items: Vec<f64> = (0..dice.below(4)).map(|_| dice.below(2_000) as f64 / 8.0 - 60.0).collect();
    let mut numbers = json!({"items": items, "price": dice.below(100_000) as f64 / 100.0});
    if dice.chance(20) {
        numbers["odd"] = json!("not a number");
    } else if dice.chance(100) {
        numbers["odd"] = json!(dice.below(10));
    }
    json!({"labels": {"team": some(dice, &["red", "blue", "green"], 2), "cached": if dice.chance(500) { "true" } else { "" }}, "numeric_labels": numbers})
}
