//! Hostile requests against the default `--memory`: right answers or refusals in Elasticsearch's shape, and memory within
//! its bound.

mod support;

use serde_json::{Value, json};
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use support::Server;

/// The default of `--memory`.
const MEMORY: u64 = 256 << 20;
const EVENTS: u64 = 30_000;

/// Anonymous resident memory of a process.
fn anonymous(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap_or("0");
    line.split_whitespace().next().and_then(|number| number.parse::<u64>().ok()).unwrap_or(0) << 10
}

fn fill(server: &Server) {
    let mappings = json!({"mappings": {"properties": {
        "@timestamp": {"type": "date"}, "unique": {"type": "keyword"}, "number": {"type": "long"}, "text": {"type": "text"}}}});
    server.good("PUT", "/hostile", &mappings);
    for first in (0..EVENTS).step_by(5_000) {
        let body: String = (first..first + 5_000)
            .map(|number| {
                let unique = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
                let event = json!({"@timestamp": 1_767_225_600_000u64 + number * 1_000, "number": number,
                    "unique": format!("{unique:016x}-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), "text": format!("line {number} of many")});
                format!("{{\"create\":{{\"_id\":\"{number}\"}}}}\n{event}\n")
            })
            .collect();
        let (status, answer) = server.send("POST", "/hostile/_bulk", &body);
        assert!(status == 200 && answer["errors"] == false, "{status}");
    }
    server.good("POST", "/hostile/_refresh", &Value::Null);
}

/// `levels` aggregations of one kind inside each other.
fn nested(levels: usize, kind: &Value) -> Value {
    (1..levels).fold(json!({"a": kind}), |inner, _| {
        let mut outer = kind.clone();
        outer["aggs"] = inner;
        json!({"a": outer})
    })
}

/// Bodies of `_search`, each with what it attacks.
fn searches() -> Vec<(&'static str, String)> {
    let by_unique = json!({"terms": {"field": "unique", "size": 65_535}});
    let by_second = json!({"date_histogram": {"field": "@timestamp", "fixed_interval": "1s"}});
    let aggs = |aggs: Value| json!({"size": 0, "aggs": aggs}).to_string();
    let query = |query: Value| json!({"size": 10, "query": query}).to_string();
    vec![
        ("terms of every document", aggs(json!({"a": by_unique}))),
        (
            "terms beyond every bound",
            aggs(json!({"a": {"terms": {"field": "unique", "size": 2_147_483_647}}})),
        ),
        ("a bucket a second", aggs(json!({"a": by_second}))),
        (
            "a bucket a millisecond",
            aggs(json!({"a": {"date_histogram": {"field": "@timestamp", "fixed_interval": "1ms"}}})),
        ),
        (
            "a histogram of no width",
            aggs(json!({"a": {"histogram": {"field": "number", "interval": 1e-300}}})),
        ),
        (
            "bounds over all time",
            aggs(
                json!({"a": {"date_histogram": {"field": "@timestamp", "fixed_interval": "1s", "min_doc_count": 0,
            "extended_bounds": {"min": "0001-01-01", "max": "9999-01-01"}}}}),
            ),
        ),
        ("two hundred levels", aggs(nested(200, &json!({"terms": {"field": "number"}})))),
        (
            "a hundred thousand terms",
            query(json!({"terms": {"unique": (0..100_000).map(|at| at.to_string()).collect::<Vec<_>>()}})),
        ),
        (
            "wildcards over every keyword",
            query(json!({"wildcard": {"unique": {"value": format!("*{}", "a*".repeat(30))}}})),
        ),
        (
            "a wildcard longer than all",
            query(json!({"wildcard": {"unique": {"value": "a*".repeat(50_000)}}})),
        ),
        ("stars", query(json!({"wildcard": {"unique": {"value": "*".repeat(100_000)}}}))),
    ]
}

/// An answer, or a refusal that a client of Elasticsearch understands.
fn check(what: &str, (status, answer): &(u16, Value)) {
    let short: String = answer.to_string().chars().take(300).collect();
    match status {
        200 => assert!(answer["hits"].is_object() && answer["error"].is_null(), "{what}: {short}"),
        400 | 413 | 429 => {
            assert!(
                answer["error"]["type"].is_string() && answer["status"] == *status,
                "{what}: {status} {short}"
            )
        }
        _ => panic!("{what}: {status} {short}"),
    }
}

/// Watches the memory of `server` while `work` runs; the highest.
fn watched(server: &Server, work: impl FnOnce()) -> u64 {
    let (peak, done) = (AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                peak.fetch_max(anonymous(server.id()), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        // The watcher ends also where the work fails.
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        done.store(true, Ordering::Relaxed);
        if let Err(failure) = outcome {
            std::panic::resume_unwind(failure);
        }
    });
    peak.into_inner()
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(plain).expect("memory");
    encoder.finish().expect("memory")
}

#[test]
fn hostile_searches_stay_within_the_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    fill(&server);
    let mut larger = Vec::new();
    for (what, body) in searches() {
        let peak = watched(&server, || check(what, &server.send("POST", "/hostile/_search", &body)));
        println!("{what}: {} MiB", peak >> 20);
        larger.extend((peak > MEMORY).then(|| format!("{what}: {} MiB", peak >> 20)));
    }
    assert!(larger.is_empty(), "{larger:?}");
    let all = server.good("POST", "/hostile/_search", &json!({"size": 0, "track_total_hits": true}));
    assert_eq!(all["hits"]["total"]["value"], EVENTS, "it answers as before");
}

#[test]
fn bodies_that_grow_are_refused_within_the_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    let bomb = gzip(&vec![b' '; 400 << 20]);
    let document = json!({"number": 1});
    let deep = format!(
        "{{\"index\":{{\"_index\":\"deep\"}}}}\n{}1{}\n",
        "{\"a\":".repeat(100_000),
        "}".repeat(100_000)
    );
    let wide: String = (0..20_000).map(|at| format!("\"f{at}\":1,")).collect();
    let peak = watched(&server, || {
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let (status, _) = server
                        .send_bytes("POST", "/_bulk", &bomb, "Content-Encoding: gzip\r\n")
                        .expect("an answer");
                    assert!(status == 413 || status == 429, "{status}");
                });
            }
        });
        for body in [&deep, &format!("{{\"index\":{{\"_index\":\"wide\"}}}}\n{{{wide}\"z\":1}}\n")] {
            let (status, answer) = server.send("POST", "/_bulk", body);
            let item = &answer["items"][0]["index"];
            assert!(
                status == 200 && item["status"] == 400 && item["error"]["type"].is_string(),
                "{status} {answer}"
            );
        }
    });
    println!("bodies: {} MiB", peak >> 20);
    assert!(peak <= MEMORY, "{} MiB", peak >> 20);
    assert_eq!(server.send("POST", "/fine/_doc/1", &document.to_string()).0, 201);
}
