//! Faults make worse what they say, and end.

#[path = "support/service.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared by several tests, each using its part")]
mod service;

use serde_json::json;
use service::{Service, is_request, program, text};

#[test]
fn a_slowdown_multiplies_the_rounds() {
    let service = Service::start(&["--fault", "slow-compute:100"]);
    let body = json!({ "a": vec![1; 20_000] }).to_string();
    assert_eq!(service.post_json("/compute", &body).status, 200);
    service.set_fault("slow-compute", "off");
    assert_eq!(service.post_json("/compute", &body).status, 200);
    let lines = service.stop();
    let durations: Vec<_> =
        lines.iter().filter(|line| is_request(line)).map(|line| line["event.duration"].as_u64()).collect();
    assert!(durations[0] > durations[1], "{durations:?}");
}

#[test]
fn an_error_rate_is_of_one_route() {
    let service = Service::start(&["--fault", "error-rate:/simple=1"]);
    assert_eq!(service.get("/simple").status, 500);
    assert_eq!(service.get("/version").status, 200);
    service.set_fault("error-rate", "/simple=off");
    assert_eq!(service.get("/simple").status, 200);
    service.set_fault("error-rate", "/simple=0.5");
    let failed = (0..200).filter(|_| service.get("/simple").status == 500).count();
    assert!((50..=150).contains(&failed), "{failed} of 200; less likely than one in a billion by chance");
}

#[test]
fn a_dependency_that_is_down_refuses_or_hangs() {
    let behind = Service::start(&[]);
    let service = Service::start(&["--upstream", &behind.url(), "--fault", "upstream-down:refuse"]);
    assert_eq!(service.get("/chain").status, 502);
    service.set_fault("upstream-down", "hang");
    assert_eq!(service.get("/chain").status, 504);
    service.set_fault("upstream-down", "off");
    assert_eq!(service.get("/chain").status, 200);
    let lines = service.stop();
    let errors: Vec<_> =
        lines.iter().filter(|line| line["level"] == 50).map(|line| text(line, "error.type")).collect();
    assert_eq!(errors, ["DependencyError", "Timeout"]);
    let refused = lines.iter().find(|line| line["level"] == 50).unwrap();
    assert!(text(refused, "error.stack_trace").contains("Connection refused"), "{refused:?}");
}

#[test]
fn a_dependency_that_fails_is_a_bad_gateway() {
    let behind = Service::start(&["--fault", "error-rate:/simple=1"]);
    let service = Service::start(&["--upstream", &behind.url()]);
    assert_eq!(service.get("/chain").status, 502);
    drop(behind);
    assert_eq!(service.get("/chain").status, 502);
    let lines = service.stop();
    let errors: Vec<_> =
        lines.iter().filter(|line| line["level"] == 50).map(|line| text(line, "error.message")).collect();
    assert_eq!(errors, ["the dependency answered 500", "the dependency cannot be reached"]);
}

#[test]
fn leaked_connections_are_in_use_until_they_come_back() {
    let service = Service::start(&["--pool-size", "4", "--fault", "pool:1", "--metrics-interval", "1"]);
    let used = |number: u64| {
        move |line: &service::Line| line.get("db.client.connection.count") == Some(&json!(number))
    };
    service.wait_for(used(3));
    assert_eq!(service.get("/slow?rows=1").status, 200);
    service.set_fault("pool", 2);
    service.wait_for(used(2));
    service.set_fault("pool", "off");
    service.wait_for(used(0));
}

#[test]
fn the_noisy_logger_writes_at_debug_whatever_the_level() {
    let service = Service::start(&["--log-level", "error", "--fault", "noisy:100"]);
    let line = service.wait_for(|line| line["msg"] == "entry looked at");
    assert_eq!((text(&line, "target"), &line["level"]), ("demo_service::app::noise", &json!(20)));
}

#[test]
fn a_fault_that_is_none_is_refused() {
    for fault in [
        "",
        "pool",
        "pool:-1",
        "pool:many",
        "slow-compute:1001",
        "error-rate:/simple=2",
        "error-rate:simple=1",
        "upstream-down:1",
        "nap:1",
    ] {
        let output = program().args(["--port", "0", "--fault", fault]).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.code() == Some(2) && errors.contains("is no fault; use slow-compute:FACTOR"),
            "{fault}: {errors}"
        );
    }
    let service = Service::start(&[]);
    for body in [r#"{"kind":"nap","value":1}"#, r#"{"kind":"pool"}"#, "{", r#"{"kind":"noisy","value":[1]}"#]
    {
        let answer = service.post_json("/fault", body);
        assert_eq!(answer.status, 400, "{body}: {answer:?}");
    }
    assert_eq!(service.send("POST", "/fault", &[], br#"{"kind":"noisy","value":1}"#).status, 415);
    assert!(service.stop().iter().all(|line| line["msg"] != "fault set"));
}
