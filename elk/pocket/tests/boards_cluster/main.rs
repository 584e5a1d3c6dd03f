//! The boards over a cluster that is reached by HTTP: the same figures as over the store itself.

#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "shared with the other tests of the binary")]
mod support;

#[path = "../boards_page/events.rs"]
#[allow(dead_code, reason = "shared with the suite in a browser")]
mod events;

#[path = "../logs_page/browser.rs"]
#[allow(dead_code, clippy::unwrap_used, reason = "shared with the suites in a browser")]
mod browser;

#[path = "../../../../agent/tests/support/certificates.rs"]
#[allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "shared with the tests of the agent")]
mod certificates;

mod cable;

mod engines;

mod page;

mod tls;

use cable::Cable;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use support::Server;

/// A running `pocket-elk view`; ended with the test.
struct Viewer {
    child: Child,
    address: String,
}

impl Viewer {
    fn of(cluster: &str) -> Self {
        Self::with(cluster, &[])
    }

    fn with(cluster: &str, environment: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_pocket-elk"))
            .args(["view", "--view-port", "0", "--elasticsearch", cluster])
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the binary starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("its address");
        Self { child, address: line.trim().trim_start_matches("http://").to_owned() }
    }

    fn panel(&self, board: &str, panel: &str) -> (u16, Value) {
        self.get(&format!("/api/boards/{board}/panels/{panel}?asked=%7B%7D"))
    }

    fn get(&self, target: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(&self.address).expect("the viewer listens");
        write!(stream, "GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, serde_json::from_str(body).expect("JSON"))
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What `blueox setup` puts, in one.
fn template() -> Value {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../elasticsearch/mappings.json");
    let file: Value = serde_json::from_slice(&std::fs::read(file).expect("the mappings")).expect("JSON");
    json!({"index_patterns": ["logs-app-*"], "data_stream": {}, "priority": 200, "template": file["template"]})
}

fn filled() -> (tempfile::TempDir, Server) {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    server.good("PUT", "/_index_template/logs-app", &template());
    let now = jiff::Timestamp::now();
    let event = |at: i64| {
        let time = now - jiff::SignedDuration::from_secs(at * 5);
        json!({
            "@timestamp": time.to_string(), "message": "REQUEST - END",
            "service": {"name": if at % 3 == 0 { "shop" } else { "stock" }},
            "event": {"category": "web", "outcome": if at % 9 == 0 { "failure" } else { "success" }, "duration": at * 1_000_000},
        })
    };
    let body: String = (0..90).map(|at| format!("{{\"create\":{{}}}}\n{}\n", event(at))).collect();
    let (status, answer) = server.send("POST", "/logs-app-default/_bulk?refresh=true", &body);
    assert_eq!((status, &answer["errors"]), (200, &json!(false)), "{answer}");
    (folder, server)
}

#[test]
fn a_cluster_gives_the_figures_of_its_events_and_its_lines() {
    let (_folder, server) = filled();
    let viewer = Viewer::of(&format!("http://{}", server.address()));
    let (status, table) = viewer.panel("app-service-overview", "services");
    assert_eq!(status, 200, "{table}");
    // 30 requests of `shop`, a third of them failed; 60 of `stock`, none.
    let row = |at: usize| [&table["cells"][at][0]["v"], &table["cells"][at][2]["v"]];
    assert_eq!(row(0)[0], "shop", "{table}");
    assert!((row(0)[1].as_f64().expect("a rate") - 1.0 / 3.0).abs() < 1e-9, "{table}");
    assert_eq!(row(1), [&json!("stock"), &json!(0.0)]);
    let (status, lines) = viewer.get("/api/logs/lines?size=10");
    assert_eq!((status, lines["lines"].as_array().map(Vec::len)), (200, Some(10)), "{lines}");
}

#[test]
fn a_cluster_that_is_gone_is_said_by_each_panel_and_the_page_lives() {
    let (_folder, server) = filled();
    let viewer = Viewer::of(&format!("http://{}", server.address()));
    assert_eq!(viewer.panel("app-errors", "errors-by-type").0, 200);
    let address = server.address().to_owned();
    drop(server);
    let (status, told) = viewer.panel("app-errors", "errors-by-type");
    assert_eq!(status, 503, "{told}");
    let reason = told["error"]["reason"].as_str().expect("a reason");
    assert!(reason.contains(&format!("no answer from http://{address}")), "{reason}");
    assert_eq!(viewer.get("/api/boards/app-errors").0, 200);
}

/// In the middle of a refresh: each panel says so, the page lives, and the next refresh finds the cluster again.
fn breaks_and_comes_back(viewer: &Viewer, cable: &Cable) {
    let panels = [("app-service-overview", "services"), ("app-service-overview", "error-rate")];
    let before = panels.map(|(board, panel)| viewer.panel(board, panel).0);
    cable.break_off();
    for (board, panel) in panels {
        let (status, told) = viewer.panel(board, panel);
        assert_eq!((status, &told["error"]["kind"]), (503, &json!("store")), "{told}");
        let reason = told["error"]["reason"].as_str().expect("a reason");
        assert!(reason.contains(&format!("no answer from {}", cable.url)), "{reason}");
        assert_eq!(viewer.get(&format!("/api/boards/{board}")).0, 200);
    }
    cable.mend();
    let after = panels.map(|(board, panel)| viewer.panel(board, panel).0);
    assert_eq!((before, after), ([200; 2], [200; 2]));
}

#[test]
fn a_cluster_that_breaks_off_in_an_answer_is_found_again() {
    let (_folder, server) = filled();
    let cable = Cable::to(server.address());
    breaks_and_comes_back(&Viewer::of(&cable.url), &cable);
}

#[test]
fn what_is_no_cluster_is_refused_without_its_password() {
    let output = Command::new(env!("CARGO_BIN_EXE_pocket-elk"))
        .args(["view", "--view-port", "0", "--elasticsearch", "https://user:secret@host:9200"])
        .output()
        .expect("the binary starts");
    assert!(!output.status.success());
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("without a log-in") && !told.contains("secret"), "{told}");
}
