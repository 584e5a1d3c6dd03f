//! `cargo demo` itself: services, agents and the store as processes, and what it says of them.

#[path = "support/running.rs"]
#[allow(unreachable_pub, reason = "as the other support files")]
mod running;

use blueox::cli::connect;
use elk_setup::transport::{Method, Request, Transport};
use running::Running;
use rustix::process::Signal;
use std::collections::HashMap;
use std::fs;
use std::net::TcpListener;
use std::time::Duration;

#[test]
fn agents_are_killed_again_and_again_and_every_line_is_stored_once() {
    let ended = Running::start(&["--kill-agent", "--duration", "15s"]).end();
    assert!(ended.status.success(), "{}", ended.said);
    let killed = ended
        .said
        .lines()
        .rev()
        .find_map(|line| line.split("  ").find_map(|part| part.strip_suffix(" agents killed")));
    assert!(killed.is_some_and(|times| times.parse::<u32>().unwrap() >= 2), "{}", ended.said);
    let (written, stored) = ended.balance();
    assert_eq!(written, stored, "{}", ended.said);
    assert!(written > 300, "{}", ended.said);
    for memory in ["Pocket ELK", "agent of shop", "agent of pricing", "agent of stock", "all together"] {
        assert!(
            ended.said.lines().any(|line| line.starts_with(memory) && line.contains(" MiB")),
            "{}",
            ended.said
        );
    }
    assert_eq!(ended.left, 0);
}

#[test]
fn a_taken_port_is_passed_over_and_ctrl_c_drains() {
    // Whoever has them, they are taken.
    let _taken = [9200, 5066].map(|port| TcpListener::bind(("127.0.0.1", port)));
    let mut demo = Running::start(&[]);
    let store = demo.store();
    let port: u16 = store.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    assert!(port > 9200, "{store}");
    let status =
        demo.wait_for(|line| Some(line.strip_prefix("agent")?.split_whitespace().next()?.to_owned()));
    assert!(!status.contains(":5066/"), "{status}");
    demo.wait_for_lines();
    demo.signal(Signal::INT);
    let ended = demo.end();
    assert!(ended.status.success(), "{}", ended.said);
    let (written, stored) = ended.balance();
    assert!(written == stored && written > 0, "{}", ended.said);
}

#[test]
fn a_store_that_lost_a_line_is_found_out() {
    let mut demo = Running::start(&[]);
    let store = demo.store();
    demo.wait_for_lines();
    lose_a_line(&store);
    demo.signal(Signal::INT);
    let ended = demo.end();
    assert_eq!(ended.status.code(), Some(1), "{}", ended.said);
    let (written, stored) = ended.balance();
    assert_eq!(written, stored + 1, "{}", ended.said);
    assert!(ended.said.contains("1 missing"), "{}", ended.said);
}

fn lose_a_line(store: &str) {
    let _set_before = rustls::crypto::ring::default_provider().install_default();
    let mut store = connect("--elasticsearch", store, Duration::from_secs(10)).expect("a connection");
    let line = serde_json::json!({"size": 1, "query": {"term": {"service.name": "shop"}}});
    let found =
        store.send(&Request::new(Method::Post, "/logs-app-default/_search").json(&line)).expect("an answer");
    let found = found.json();
    let hit = &found["hits"]["hits"][0];
    let (index, id) = (hit["_index"].as_str().expect("an index"), hit["_id"].as_str().expect("an id"));
    let gone = store.send(&Request::new(Method::Delete, format!("/{index}/_doc/{id}"))).expect("an answer");
    assert!(gone.is_success(), "{}", gone.reason());
}

#[test]
#[cfg(target_os = "linux")]
fn nothing_goes_on_where_the_demo_is_killed() {
    let mut demo = Running::start(&[]);
    demo.wait_for_lines();
    let children = children(demo.pid().as_raw_nonzero().get());
    // A store, three agents, four services, users of three.
    assert_eq!(children.len(), 11, "{children:?}");
    demo.signal(Signal::KILL);
    drop(demo);
    while children.iter().any(|(pid, started)| is_alive(*pid) == Some(*started)) {
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The processes started by one, each with its start, which tells it from a later one with the same id.
#[cfg(target_os = "linux")]
fn children(parent: i32) -> HashMap<i32, u64> {
    let tasks = fs::read_dir(format!("/proc/{parent}/task")).expect("its threads");
    let of = |task: fs::DirEntry| fs::read_to_string(task.path().join("children")).unwrap_or_default();
    let ids: String = tasks.map(|task| of(task.expect("a thread"))).collect();
    ids.split_whitespace().filter_map(|id| Some((id.parse().ok()?, is_alive(id.parse().ok()?)?))).collect()
}

/// When a process started, unless it has ended.
#[cfg(target_os = "linux")]
fn is_alive(pid: i32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    if fields[0] == "Z" { None } else { fields[19].parse().ok() }
}

#[test]
fn wrong_usage_is_told_before_anything_starts() {
    for (arguments, remedy) in [
        (["--scene", "none"], "deploy-regression"),
        (["--profile", "flat"], "steady-peaks"),
        (["--duration", "60"], "`60s`"),
    ] {
        let output =
            std::process::Command::new(env!("CARGO_BIN_EXE_blueox-demo")).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains(remedy), "{output:?}");
    }
}
