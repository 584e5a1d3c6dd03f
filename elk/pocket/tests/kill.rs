//! An answered `_bulk` survives kill -9, and a repeated one is told apart from a new one.

mod support;

use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Mutex;
use support::Server;

/// Small numbers from a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

const BATCH: u64 = 50;

fn bulk_body(batch: u64) -> String {
    (batch * BATCH..(batch + 1) * BATCH)
        .map(|number| {
            let head = json!({"create": {"_index": "logs-kill-default", "_id": format!("n{number}")}});
            let document =
                json!({"@timestamp": "2026-01-01T00:00:00Z", "number": number, "text": "x".repeat(200)});
            format!("{head}\n{document}\n")
        })
        .collect()
}

/// Ids the server confirmed as stored, each checked to be 201 or, where it may have been sent before, 409.
fn confirmed(answer: &Value, sent_before: bool) -> Vec<String> {
    let items = answer["items"].as_array().expect("items");
    items
        .iter()
        .map(|item| {
            let item = &item["create"];
            let status = item["status"].as_u64().expect("a status");
            assert!(status == 201 || (sent_before && status == 409), "{item}");
            item["_id"].as_str().expect("an id").to_owned()
        })
        .collect()
}

/// Writers send batches, each again until it is answered, while the server is killed under them.
fn kill_under_load(kills: u64, seed: u64) {
    println!("seed {seed}");
    let folder = tempfile::tempdir().expect("a folder");
    let template = json!({"index_patterns": ["logs-kill-*"], "data_stream": {}, "priority": 200, "template": {"mappings": {"properties": {"number": {"type": "long"}}}}});
    Server::start(folder.path()).good("PUT", "/_index_template/kill", &template);
    let mut random = Random(seed);
    let answered: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let (mut next, mut unknown): (u64, Vec<u64>) = (0, Vec::new());
    for _ in 0..kills {
        let server = Server::start(folder.path());
        let lives_for = 1 + random.below(6);
        let mut sent = 0;
        // Before the kill: some batches answered, one on its way at the moment of the kill.
        let retried: Vec<u64> = std::mem::take(&mut unknown);
        for batch in retried {
            let (_, answer) = server.send("POST", "/_bulk", &bulk_body(batch));
            answered.lock().expect("a lock").extend(confirmed(&answer, true));
        }
        while sent < lives_for {
            let (_, answer) = server.send("POST", "/_bulk", &bulk_body(next));
            answered.lock().expect("a lock").extend(confirmed(&answer, false));
            next += 1;
            sent += 1;
        }
        let flying = next;
        next += 1;
        std::thread::scope(|scope| {
            let request = scope.spawn(|| server.try_send("POST", "/_bulk", &bulk_body(flying)));
            for _ in 0..random.below(2_000) {
                std::thread::yield_now();
            }
            // The process ends by its own id; the request sees its connection break, or was quicker.
            let killed = std::process::Command::new("kill").args(["-9", &server.id().to_string()]).status();
            assert!(killed.expect("kill runs").success());
            match request.join().expect("the request's thread") {
                Ok((_, answer)) => answered.lock().expect("a lock").extend(confirmed(&answer, false)),
                Err(_) => unknown.push(flying),
            }
        });
    }
    let server = Server::start(folder.path());
    for batch in unknown {
        let (_, answer) = server.send("POST", "/_bulk", &bulk_body(batch));
        answered.lock().expect("a lock").extend(confirmed(&answer, true));
    }
    server.good("POST", "/logs-kill-default/_refresh", &Value::Null);
    let count = server.good("GET", "/logs-kill-default/_count", &Value::Null);
    let answered = answered.into_inner().expect("a lock");
    assert_eq!(answered.len() as u64, next * BATCH, "every batch was answered in the end");
    assert_eq!(count["count"], answered.len(), "stored once each, none missing");
    let request = json!({"size": 0, "aggs": {"different": {"terms": {"field": "number", "size": 65_000, "order": {"_count": "desc"}}}}});
    let found = server.good("POST", "/logs-kill-default/_search", &request);
    let buckets = found["aggregations"]["different"]["buckets"].as_array().expect("buckets").clone();
    assert_eq!(buckets.len(), answered.len());
    assert!(buckets.iter().all(|bucket| bucket["doc_count"] == 1), "a number was stored twice");
}

#[test]
fn answered_documents_survive_kill_9() {
    kill_under_load(6, 7);
}

#[test]
#[ignore = "needs a few minutes"]
fn answered_documents_survive_a_hundred_kills() {
    kill_under_load(100, 11);
}

#[test]
fn a_folder_has_one_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let _first = Server::start(folder.path());
    let second = std::process::Command::new(env!("CARGO_BIN_EXE_pocket-elk"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(folder.path())
        .output()
        .expect("the binary runs");
    let message = String::from_utf8_lossy(&second.stderr);
    assert!(!second.status.success() && message.contains("in use by another process"), "{message}");
}
