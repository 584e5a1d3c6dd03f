//! Hostile requests against the default `--memory`: right answers or refusals in Elasticsearch's shape, and memory within
//! its bound.

#[path = "../support/mod.rs"]
mod support;

mod searches;

use bench::process::Usage;
use searches::{Hostile, searches};
use serde_json::{Value, json};
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use support::Server;

/// The default of `--memory`.
const MEMORY: u64 = 256 << 20;
const EVENTS: u64 = 30_000;
/// Clients that attack at once.
const CLIENTS: usize = 4;
/// Documents of the second index, and bytes of each.
const LARGE: (usize, usize) = (10_000, 8 << 10);

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

/// Documents that are large and, but for a number, not looked into.
fn fill_large(server: &Server) {
    let mappings = json!({"mappings": {"dynamic": false, "properties": {"number": {"type": "long"}}}});
    server.good("PUT", "/large", &mappings);
    let padding = "large ".repeat(LARGE.1 / 6);
    for first in (0..LARGE.0).step_by(1_000) {
        let body: String = (first..first + 1_000)
            .map(|number| {
                format!(
                    "{{\"create\":{{\"_id\":\"{number}\"}}}}\n{}\n",
                    json!({"number": number, "padding": padding})
                )
            })
            .collect();
        let (status, answer) = server.send("POST", "/large/_bulk", &body);
        assert!(status == 200 && answer["errors"] == false, "{status}");
    }
    server.good("POST", "/large/_refresh", &Value::Null);
}

/// An answer, or a refusal that a client of Elasticsearch understands.
fn check(what: &str, (status, answer): &(u16, Value)) {
    let short: String = answer.to_string().chars().take(300).collect();
    match status {
        200 if answer["responses"].is_array() => {
            for one in answer["responses"].as_array().into_iter().flatten() {
                let status = one["status"].as_u64().unwrap_or_default();
                check(what, &(status as u16, one.clone()));
            }
        }
        200 => assert!(answer["error"].is_null(), "{what}: {short}"),
        // As Elasticsearch answers it: without a body.
        413 if answer == "" => {}
        400 | 413 | 429 => {
            assert!(
                answer["error"]["type"].is_string() && answer["status"] == *status,
                "{what}: {status} {short}"
            )
        }
        _ => panic!("{what}: {status} {short}"),
    }
}

fn ask(server: &Server, search: &Hostile) -> u16 {
    let answer = server.send("POST", search.target, &search.body);
    check(search.what, &answer);
    answer.0
}

/// Watches the memory of `server` while `work` runs; the highest.
fn watched(server: &Server, work: impl FnOnce()) -> u64 {
    let (peak, done) = (AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                peak.fetch_max(Usage(server.id()).anonymous().unwrap_or(0), Ordering::Relaxed);
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
    fill_large(&server);
    let mut larger = Vec::new();
    for search in &searches() {
        let mut status = 0;
        let peak = watched(&server, || status = ask(&server, search));
        println!("{}: {status}, {} MiB", search.what, peak >> 20);
        larger.extend((peak > MEMORY).then(|| format!("{}: {} MiB", search.what, peak >> 20)));
    }
    assert!(larger.is_empty(), "{larger:?}");
    let all = server.good("POST", "/hostile/_search", &json!({"size": 0, "track_total_hits": true}));
    assert_eq!(all["hits"]["total"]["value"], EVENTS, "it answers as before");
}

#[test]
fn hostile_clients_at_once_stay_within_the_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    fill(&server);
    fill_large(&server);
    let searches = searches();
    let peak = watched(&server, || {
        std::thread::scope(|scope| {
            for client in 0..CLIENTS {
                let (server, searches) = (&server, &searches);
                let own = searches.iter().skip(client).step_by(CLIENTS);
                scope.spawn(move || {
                    for search in own {
                        ask(server, search);
                    }
                });
            }
        });
    });
    println!("{CLIENTS} clients: {} MiB", peak >> 20);
    assert!(peak <= MEMORY, "{} MiB", peak >> 20);
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
