//! Lines that a container runtime has wrapped and cut, from its files to the server.

use crate::agent::Site;
use crate::log_writer::LogFile;
use crate::server;
use crate::stored::all;
use bench::fault::FaultServer;
use serde_json::json;

fn site(server: &FaultServer, paths: &str, container: &str) -> Site {
    Site::with_settings(&server.url(), paths, &format!("container: {container}"), "processors: []")
}

// I02
#[test]
fn a_line_of_a_pod_is_joined_timed_and_named_once_over_restarts() {
    let server = server();
    let site = site(&server, "pods/*/*/*.log", "cri");
    let directory = site.logs().join("pods/prod_shop-7f_1-2-3/web");
    std::fs::create_dir_all(&directory).expect("the pod's directory");
    let mut log = LogFile::open(directory.join("0.log"));
    log.line("2026-08-21T10:15:30.25Z stdout F plain text");
    log.line(r#"2026-08-21T10:15:31.5Z stderr P {"level":"error","mess"#);
    let mut agent = site.run();
    agent.wait("the whole line is stored", || server.created() == 1);
    // Half a line is not in the checkpoint: it is read again from its first byte.
    agent.kill();
    log.line(r#"2026-08-21T10:15:31.6Z stderr F age":"joined","request_id":"r-1"}"#);
    let mut agent = site.run();
    agent.wait("the joined line is stored", || server.created() == 2);
    let stored = all(&server);
    let (plain, joined) = (&stored[0].document, &stored[1].document);
    assert_eq!(plain["message"], "plain text");
    assert_eq!(plain["@timestamp"], "2026-08-21T10:15:30.250Z");
    assert_eq!(plain["labels"], json!({"stream": "stdout"}));
    let orchestrator = json!({
        "type": "kubernetes", "namespace": "prod", "resource": {"type": "pod", "name": "shop-7f"},
    });
    assert_eq!(plain["orchestrator"], orchestrator);
    assert_eq!(plain["container"]["name"], "web");
    assert_eq!(joined["message"], "joined");
    assert_eq!(joined["log"]["level"], "error");
    assert_eq!(joined["@timestamp"], "2026-08-21T10:15:31.500Z");
    assert_eq!(joined["labels"], json!({"stream": "stderr"}));
    assert_eq!(stored.len(), 2);
    agent.stop();
}

// I02
#[test]
fn a_docker_line_is_unpacked_and_its_pieces_joined() {
    let server = server();
    let id = "0123456789abcdef".repeat(4);
    let site = site(&server, "containers/*/*-json.log", "docker");
    let directory = site.logs().join("containers").join(&id);
    std::fs::create_dir_all(&directory).expect("the container's directory");
    let mut log = LogFile::open(directory.join(format!("{id}-json.log")));
    log.line(r#"{"log":"{\"level\":30,\"time\":1787307330123,\"pid\":9,","stream":"stdout","time":"2026-08-21T10:15:30.2Z"}"#);
    log.line(r#"{"log":"\"hostname\":\"web-1\",\"msg\":\"hello\"}\n","stream":"stdout","time":"2026-08-21T10:15:30.3Z"}"#);
    log.line(r#"{"log":"\n","stream":"stdout","time":"2026-08-21T10:15:30.4Z"}"#);
    log.line("not of docker");
    let mut agent = site.run();
    let report = agent.wait_status("all is settled", |status| {
        status.accounts.read == 2 && status.accounts.pending == 0 && status.accounts.delivered == 2
    });
    assert_eq!(report.accounts.filtered, 0);
    let stored = all(&server);
    assert_eq!(stored[0].message, "hello");
    assert_eq!(stored[0].document["@timestamp"], "2026-08-21T10:15:30.123Z");
    assert_eq!(stored[0].document["container"]["id"], id);
    assert_eq!(stored[1].message, "not of docker");
    agent.stop();
}

// I03
#[test]
fn half_lines_for_ever_ship_in_bounded_parts_and_lose_nothing() {
    let server = server();
    let site = site(&server, "*", "cri");
    let mut log = LogFile::open(site.logs().join("a.log"));
    let piece = "0123456789".repeat(1600);
    for _ in 0..100 {
        log.line(&format!("2026-08-21T10:15:30Z stdout P {piece}"));
    }
    log.line("2026-08-21T10:15:30Z stdout F end");
    let mut agent = site.run();
    agent.wait("all parts are stored", || {
        all(&server).iter().map(|stored| stored.message.len()).sum::<usize>() == 100 * piece.len() + 3
    });
    let stored = all(&server);
    assert!(stored.len() > 20 && stored.iter().all(|stored| stored.message.len() <= 64 * 1024));
    let (last, parts) = stored.split_last().expect("events");
    assert!(parts.iter().all(|stored| stored.flags() == ["partial"]) && last.message.ends_with("end"));
    agent.stop();
}
