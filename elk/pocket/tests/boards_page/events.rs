//! Events of two services and an agent, such that every panel of every board has something to draw.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// Requests of each service; one every six seconds.
const REQUESTS: i64 = 140;

fn ago(seconds: i64) -> String {
    (Timestamp::now() - SignedDuration::from_secs(seconds)).to_string()
}

/// The events of the last fourteen minutes.
pub(crate) fn quarter_of_an_hour() -> Vec<Value> {
    let mut events = Vec::new();
    for at in 0..REQUESTS {
        let failed = at % 10 == 0;
        events.push(request("shop", at * 6, if failed { 500 } else { 200 }));
        events.push(request("stock", at * 6, if at % 7 == 0 { 404 } else { 200 }));
        if failed {
            events.push(error("shop", at * 6));
        }
        if at % 2 == 0 {
            events.push(report("shop", at * 6, at));
            events.push(agent(at * 6, at));
        }
    }
    events
}

/// The end of a request.
pub(crate) fn request(service: &str, seconds: i64, status: u16) -> Value {
    let outcome = if status >= 500 { "failure" } else { "success" };
    json!({
        "@timestamp": ago(seconds + 2),
        "message": "REQUEST - END",
        "log": {"logger": "shop::http", "level": if status >= 500 { "error" } else { "info" }},
        "service": {"name": service, "version": if seconds > 400 { "1.4.0" } else { "1.5.0" }, "environment": "demo", "node": {"name": format!("{service}-1")}},
        "event": {
            "category": "web", "outcome": outcome, "duration": 1_000_000 * (1 + seconds % 700),
            "sequence": 10_000 - seconds, "ingest_lag_ms": 20 + seconds % 50,
        },
        "http": {"request": {"method": "GET"}, "response": {"status_code": status}, "route": "/cart"},
        "url": {"path": "/cart"},
        "process": {"pid": 7},
        "trace": {"id": format!("{seconds:032x}")},
    })
}

fn error(service: &str, seconds: i64) -> Value {
    let mut event = request(service, seconds, 500);
    event["event"].as_object_mut().expect("an object").remove("category");
    event["message"] = json!("cart lost");
    event["error"] = json!({"type": "CartError", "message": "no such cart"});
    event["log"] =
        json!({"level": "error", "logger": "shop::cart", "origin": {"file": {"name": "cart.rs", "line": 7}}});
    event
}

/// What a service says of itself every ten seconds.
fn report(service: &str, seconds: i64, number: i64) -> Value {
    json!({
        "@timestamp": ago(seconds),
        "message": "metrics",
        "service": {"name": service, "version": "1.5.0", "environment": "demo", "node": {"name": format!("{service}-1")}},
        "event": {"kind": "metric", "dataset": "app"},
        "http": {"server": {"active_requests": number % 5}},
        "db": {"client": {"connection": {"count": number % 4, "max": 8, "pending_requests": number % 3}}},
        "process": {"pid": 7, "cpu": {"utilization": 0.2}, "memory": {"usage": 50_000_000}, "open_file_descriptor": {"count": 30}},
    })
}

/// What an agent says of itself.
fn agent(seconds: i64, number: i64) -> Value {
    json!({
        "@timestamp": ago(seconds),
        "message": "metrics",
        "service": {"name": "blueox", "node": {"name": "web-1:9"}},
        "event": {"kind": "metric", "dataset": "app.agent"},
        "blueox": {
            "lag": {"max_ms": 40 + number % 9},
            "output": {"retries": 0, "held": 0},
            "events": {"delivered": 5000 - seconds, "pending": number % 6, "dead_lettered": 0, "lost": 0},
        },
        "process": {"memory": {"usage": 12_000_000}, "cpu": {"utilization": 0.02}},
    })
}

/// A failed request all of whose names are this text.
pub(crate) fn hostile(text: &str, seconds: i64) -> Value {
    let mut event = request("shop", seconds, 500);
    event["message"] = json!(text);
    event["service"] = json!({"name": text, "version": text, "environment": text, "node": {"name": text}});
    event["error"] = json!({"type": text, "message": text});
    event["log"] = json!({"level": "error", "logger": text, "origin": {"file": {"name": text}}});
    event["http"]["route"] = json!(text);
    event["http"]["request"]["method"] = json!(text);
    event["url"]["path"] = json!(text);
    event["trace"]["id"] = json!(text);
    event
}
