//! A full disk: writes are refused in Elasticsearch's words, nothing that was answered is lost, and it goes on by itself.

mod support;

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use support::Server;

/// A file system of a size, unmounted with the test.
struct Small(PathBuf);

impl Small {
    fn mount(place: &Path, mebibytes: u64) -> Self {
        let size = format!("size={mebibytes}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "none"]).arg(place).status();
        assert!(mounted.expect("mount runs").success(), "mounting needs root");
        Self(place.to_owned())
    }

    /// Takes room until only `left` bytes are free, as another program would.
    fn fill(&self, left: u64) {
        let free = free(&self.0);
        let ballast =
            std::fs::OpenOptions::new().create(true).append(true).open(self.ballast()).expect("a file");
        let mut rest = free.saturating_sub(left);
        let block = vec![7; 1 << 20];
        while rest > 0 {
            let piece = &block[..rest.min(1 << 20) as usize];
            // The store writes at the same time: the disk may be full before.
            if std::io::Write::write_all(&mut &ballast, piece).is_err() {
                break;
            }
            rest -= piece.len() as u64;
        }
    }

    fn clear(&self) {
        std::fs::remove_file(self.ballast()).expect("the ballast");
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn free(place: &Path) -> u64 {
    let output = Command::new("df").args(["--output=avail", "-B1"]).arg(place).output().expect("df runs");
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().last().and_then(|line| line.trim().parse().ok()).expect("a number")
}

fn bulk(server: &Server, batch: u64) -> (u16, Value) {
    let body: String = (0..200)
        .map(|number| {
            let head = json!({"create": {"_index": "logs-full-default", "_id": format!("{batch}-{number}")}});
            let document =
                json!({"@timestamp": "2026-01-01T00:00:00Z", "batch": batch, "text": "x".repeat(300)});
            format!("{head}\n{document}\n")
        })
        .collect();
    server.send("POST", "/_bulk", &body)
}

/// How many items were answered as stored; the others must be 429 as Elasticsearch says it.
fn stored((status, answer): &(u16, Value)) -> u64 {
    assert_eq!(*status, 200, "{answer}");
    let mut stored = 0;
    for item in answer["items"].as_array().expect("items") {
        let item = &item["create"];
        match item["status"].as_u64() {
            Some(201) => stored += 1,
            Some(429) => {
                let error = &item["error"];
                assert!(error["type"].is_string() && error["reason"].is_string(), "{item}");
            }
            _ => panic!("{item}"),
        }
    }
    stored
}

fn start(data: &Path) -> Server {
    let server = Server::start(data);
    let template = json!({"index_patterns": ["logs-full-*"], "data_stream": {}, "priority": 200, "template": {"mappings": {"properties": {"batch": {"type": "long"}}}}});
    server.good("PUT", "/_index_template/full", &template);
    server
}

fn count(server: &Server) -> Value {
    server.good("POST", "/logs-full-default/_refresh", &Value::Null);
    server.good("GET", "/logs-full-default/_count", &Value::Null)["count"].clone()
}

#[test]
#[ignore = "needs root"]
fn a_full_disk_refuses_writes_loses_nothing_and_recovers() {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = Small::mount(folder.path(), 256);
    let data = folder.path().join("data");
    let server = start(&data);
    let mut written: u64 = (0..20).map(|batch| stored(&bulk(&server, batch))).sum();
    assert_eq!(written, 4_000);

    // Below the least that has to be free.
    disk.fill(100 << 20);
    let refused = bulk(&server, 20);
    assert_eq!(stored(&refused), 0, "{refused:?}");
    assert_eq!(count(&server), written, "what was answered is found while the disk is nearly full");

    disk.clear();
    written += stored(&bulk(&server, 20));
    assert_eq!((written, count(&server)), (4_200, json!(4_200)), "it goes on by itself");

    // Answered, and not yet committed when not a byte is left: the commit fails, the log has them.
    let mut batch = 21;
    let last = std::thread::scope(|scope| {
        let filling = scope.spawn(|| disk.fill(0));
        let mut last = 0;
        while !filling.is_finished() {
            last += stored(&bulk(&server, batch));
            batch += 1;
        }
        last
    });
    written += last;
    assert_eq!(stored(&bulk(&server, batch)), 0);
    assert_eq!(server.send("GET", "/", "").0, 200, "it lives");
    let (status, answer) = server.send("POST", "/logs-full-default/_refresh", "");
    assert!(status == 200 || answer["error"]["type"].is_string(), "{status} {answer}");

    // Killed on the full disk, and started again with room.
    drop(server);
    disk.clear();
    let server = start(&data);
    assert_eq!(count(&server), written, "nothing that was answered is lost");
    // Nothing that was refused is there: it can be written now.
    written += stored(&bulk(&server, batch));
    assert_eq!(count(&server), written);
    drop(server);
    let server = Server::start(&data);
    assert_eq!(count(&server), written);
    drop(server);
}
