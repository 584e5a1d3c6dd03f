//! Retention by age and by disk removes backing indices, also across restarts, and never the one that is written to.

mod support;

use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};
use support::Server;

const STREAM: &str = "logs-old-default";

/// Documents of random words, so that they do not shrink on the disk.
fn write(server: &Server, batch: u64, documents: u64) {
    let mut random = batch + 1;
    let body: String = (0..documents)
        .map(|number| {
            let words: Vec<String> = (0..40)
                .map(|_| {
                    random = random
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    format!("{random:016x}")
                })
                .collect();
            let head = json!({"create": {"_index": STREAM, "_id": format!("{batch}-{number}")}});
            let document =
                json!({"@timestamp": "2026-01-01T00:00:00Z", "batch": batch, "message": words.join(" ")});
            format!("{head}\n{document}\n")
        })
        .collect();
    let (status, answer) = server.send("POST", "/_bulk?refresh=true", &body);
    assert!(status == 200 && answer["errors"] == false, "{status} {answer}");
}

/// Three backing indices with documents; a stream of its own age.
fn fill(data: &Path, lifecycle: &Value, documents: u64) {
    let server = Server::start(data);
    let template = json!({"index_patterns": ["logs-old-*"], "data_stream": {}, "priority": 200, "template": {
        "lifecycle": lifecycle, "mappings": {"properties": {"batch": {"type": "long"}, "message": {"type": "text"}}}}});
    server.good("PUT", "/_index_template/old", &template);
    for batch in 0..3 {
        if batch > 0 {
            server.good("POST", &format!("/{STREAM}/_rollover"), &Value::Null);
        }
        write(&server, batch, documents);
    }
    assert_eq!(backing(&server).len(), 3);
    assert_eq!(count(&server), 3 * documents);
}

fn backing(server: &Server) -> Vec<String> {
    let streams = server.good("GET", &format!("/_data_stream/{STREAM}"), &Value::Null);
    let indices = streams["data_streams"][0]["indices"].as_array().expect("indices").clone();
    indices.iter().map(|index| index["index_name"].as_str().expect("a name").to_owned()).collect()
}

fn count(server: &Server) -> u64 {
    server.good("GET", &format!("/{STREAM}/_count"), &Value::Null)["count"].as_u64().expect("a number")
}

/// House is kept right after a start; waits for what it does.
fn wait_for(server: &Server, indices: usize) -> Vec<String> {
    let begun = Instant::now();
    loop {
        let left = backing(server);
        if left.len() == indices {
            return left;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "still there: {left:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn old_backing_indices_are_removed_at_the_next_start() {
    let folder = tempfile::tempdir().expect("a folder");
    fill(folder.path(), &json!({"data_retention": "1ms"}), 20);
    let server = Server::start(folder.path());
    let left = wait_for(&server, 1);
    assert!(left[0].ends_with("000003"), "{left:?}");
    // What is written to stays, and takes more.
    assert_eq!(count(&server), 20);
    write(&server, 3, 5);
    drop(server);
    // Killed without a word: what was removed does not come back, what was answered is there.
    let server = Server::start(folder.path());
    assert_eq!((backing(&server), count(&server)), (left, 25));
    let removed = server.send("GET", "/.ds-logs-old-default-*-000001/_count", "");
    assert_eq!(removed.1["count"], json!(0), "{removed:?}");
}

#[test]
fn indices_within_their_age_stay() {
    let folder = tempfile::tempdir().expect("a folder");
    fill(folder.path(), &json!({"data_retention": "1d"}), 20);
    let server = Server::start(folder.path());
    // A house that is kept has removed nothing; a second start asks it again.
    drop(server);
    let server = Server::start_with(folder.path(), &["--disk", "1000"]);
    assert_eq!((backing(&server).len(), count(&server)), (3, 60));
}

#[test]
fn the_oldest_go_while_all_are_larger_than_the_disk_cap() {
    let folder = tempfile::tempdir().expect("a folder");
    fill(folder.path(), &json!({}), 2_500);
    let sizes = |server: &Server| {
        let stats = server.good("GET", "/_stats", &Value::Null);
        stats["_all"]["total"]["store"]["size_in_bytes"].as_u64().expect("bytes")
    };
    // Two of three fit.
    let server = Server::start(folder.path());
    let cap = (sizes(&server) * 5 / 6) >> 20;
    assert!(cap >= 2, "the indices are too small for a cap in MiB: {cap}");
    drop(server);
    let server = Server::start_with(folder.path(), &["--disk", &cap.to_string()]);
    let left = wait_for(&server, 2);
    assert!(left[0].ends_with("000002") && left[1].ends_with("000003"), "{left:?}");
    assert!(sizes(&server) <= cap << 20);
    drop(server);
    // A cap that not even one index fits in leaves the one that is written to.
    let server = Server::start_with(folder.path(), &["--disk", "1"]);
    let left = wait_for(&server, 1);
    assert!(left[0].ends_with("000003"), "{left:?}");
    assert_eq!(count(&server), 2_500);
}
