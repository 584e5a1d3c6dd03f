//! What every route answers, bad input included, and what its event says.

#[path = "support/service.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared by several tests, each using its part")]
mod service;

use serde_json::{Value, json};
use service::{Answer, Line, Service, is_request, text};
use std::io::Write;

const JSON: (&str, &str) = ("content-type", "application/json");

fn json_of(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
}

/// Sends one request to a service of its own; its answer and its event.
fn once(send: impl FnOnce(&Service) -> Answer) -> (Answer, Line) {
    let service = Service::start(&[]);
    let answer = send(&service);
    let lines = service.stop();
    let mut requests = lines.into_iter().filter(is_request);
    let event = requests.next().expect("an event");
    assert_eq!(requests.next(), None, "one event a request");
    assert_eq!(event["http.response.status_code"], answer.status);
    assert_eq!(event["http.response.body.bytes"], answer.body.len());
    (answer, event)
}

fn refused(send: impl FnOnce(&Service) -> Answer, status: u16, reason: &str, route: &str) -> Line {
    let (answer, event) = once(send);
    assert_eq!(answer.status, status, "{answer:?}");
    assert!(json_of(&answer)["error"].as_str().is_some_and(|text| text.contains(reason)), "{answer:?}");
    assert!(text(&event, "event.reason").contains(reason), "{event:?}");
    assert_eq!((text(&event, "http.route"), text(&event, "event.outcome")), (route, "success"));
    event
}

#[test]
fn simple_is_a_constant() {
    let (answer, event) = once(|service| service.get("/simple"));
    assert_eq!((answer.status, answer.body.as_str()), (200, "simple\n"));
    assert_eq!(text(&event, "app_kind"), "simple");
    assert_eq!(answer.headers["x-request-id"], text(&event, "http.request.id"));
}

#[test]
fn compute_returns_the_entries_with_a() {
    let body = r#"{"a":1,"Abc":{"b":[2]},"b":3,"ä":4,"":5}"#;
    let (answer, event) = once(|service| service.post_json("/compute?rounds=7", body));
    assert_eq!(json_of(&answer), json!({"a": 1, "Abc": {"b": [2]}}));
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(event["http.request.body.bytes"], body.len());
    assert_eq!((text(&event, "app_kind"), text(&event, "http.route")), ("compute", "/compute"));
}

#[test]
fn more_rounds_take_longer() {
    let service = Service::start(&[]);
    let body = json!({ "a": vec![1; 20_000] }).to_string();
    assert_eq!(service.post_json("/compute", &body).status, 200);
    assert_eq!(service.post_json("/compute?rounds=100", &body).status, 200);
    let durations: Vec<u64> = service
        .stop()
        .iter()
        .filter(|line| is_request(line))
        .filter_map(|line| line["event.duration"].as_u64())
        .collect();
    assert!(durations[0] > 0 && durations[1] > durations[0], "{durations:?}");
}

#[test]
fn compute_refuses_what_is_no_json_object() {
    refused(|service| service.post_json("/compute", "{\"a\":1,"), 400, "not JSON", "/compute");
    refused(|service| service.post_json("/compute", ""), 400, "not JSON", "/compute");
    refused(|service| service.post_json("/compute", &"[".repeat(1000)), 400, "not JSON", "/compute");
    refused(|service| service.post_json("/compute", "[1]"), 400, "no JSON object", "/compute");
    refused(|service| service.post_json("/compute", "null"), 400, "no JSON object", "/compute");
    refused(
        |service| service.send("POST", "/compute", &[JSON], b"{\"a\":\"\xff\"}"),
        400,
        "not JSON",
        "/compute",
    );
}

#[test]
fn compute_refuses_other_types_and_too_much() {
    for headers in [&[][..], &[("content-type", "text/plain")], &[("content-type", "application/jsonp")]] {
        refused(|service| service.send("POST", "/compute", headers, b"{}"), 415, "content type", "/compute");
    }
    let headers = [("content-type", "application/json; charset=utf-8")];
    assert_eq!(once(|service| service.send("POST", "/compute", &headers, b"{}")).0.status, 200);
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(1 << 20));
    refused(|service| service.post_json("/compute", &long), 413, "longer than 1048576", "/compute");
    for rounds in ["0", "100001"] {
        let target = format!("/compute?rounds={rounds}");
        refused(|service| service.post_json(&target, "{}"), 400, "`rounds` is out of range", "/compute");
    }
    refused(|service| service.post_json("/compute?rounds=-1", "{}"), 400, "cannot be read", "/compute");
}

#[test]
fn a_body_without_a_length_is_counted_as_it_is_read() {
    let (answer, event) = once(|service| {
        let headers = [JSON, ("transfer-encoding", "chunked")];
        let body = b"5\r\n{\"a\":\r\n2\r\n1}\r\n0\r\n\r\n";
        // A length beside the encoding is not allowed, so this one is written by hand.
        let mut stream = std::net::TcpStream::connect(service.url().trim_start_matches("http://")).unwrap();
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        write!(stream, "POST /compute HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{headers}\r\n").unwrap();
        stream.write_all(body).unwrap();
        service::read(stream)
    });
    assert_eq!((answer.status, json_of(&answer)), (200, json!({"a": 1})));
    assert_eq!(event["http.request.body.bytes"], 7);
}

#[test]
fn slow_asks_the_database() {
    let (answer, event) = once(|service| service.get("/slow?rows=5000"));
    let best = json_of(&answer);
    let turnovers: Vec<_> =
        best.as_array().unwrap().iter().map(|row| row["cents"].as_u64().unwrap()).collect();
    assert_eq!(best[0]["orders"], 50, "5 000 orders of 100 customers");
    assert!(turnovers.is_sorted_by(|a, b| a >= b) && turnovers[2] > 0, "{best}");
    assert_eq!(text(&event, "app_kind"), "slow");
    refused(|service| service.get("/slow?rows=0"), 400, "`rows` is out of range", "/slow");
    refused(|service| service.get("/slow?rows=many"), 400, "cannot be read", "/slow");
}

#[test]
fn wait_waits() {
    let (answer, event) = once(|service| service.get("/wait?ms=30"));
    assert_eq!(answer.status, 200);
    assert!(event["event.duration"].as_u64().unwrap() >= 30_000_000, "{event:?}");
    refused(|service| service.get("/wait?ms=600001"), 400, "`ms` is out of range", "/wait");
}

#[test]
fn unknown_routes_and_methods_have_no_label_of_their_own() {
    let event = refused(|service| service.get("/shop/7?token=s3cret"), 404, "no such route", "unmatched");
    assert_eq!((text(&event, "url.path"), text(&event, "app_kind")), ("/shop/7", "none"));
    let event =
        refused(|service| service.send("DELETE", "/simple", &[], b""), 405, "no such method", "/simple");
    assert_eq!(text(&event, "http.request.method"), "DELETE");
    let event =
        refused(|service| service.send("BREW", "/simple", &[], b""), 405, "no such method", "/simple");
    assert_eq!(text(&event, "http.request.method"), "_OTHER");
    let event =
        refused(|service| service.get(&format!("/{}", "x".repeat(2000))), 404, "no such route", "unmatched");
    assert_eq!(text(&event, "url.path").len(), 256);
}

#[test]
fn failures_are_errors_with_their_causes() {
    let service = Service::start(&[]);
    assert_eq!(service.get("/fail?rate=0").status, 200);
    let answer = service.get("/fail");
    assert_eq!(answer.status, 500);
    assert_eq!(service.get("/fail?rate=1.5").status, 400);
    assert_eq!(service.get("/fail?kind=other").status, 400);
    let lines = service.stop();
    let error = lines.iter().find(|line| line["level"] == 50).expect("an error");
    assert_eq!(
        (text(error, "error.type"), text(error, "error.message")),
        ("PriceError", "the order cannot be priced")
    );
    assert_eq!(
        text(error, "error.stack_trace"),
        "the order cannot be priced\n\
         caused by: the price list holds `12,50` where a number belongs\n\
         caused by: invalid digit found in string"
    );
    let id = &answer.headers["x-request-id"];
    let of_request: Vec<_> =
        lines.iter().filter(|line| line.get("http.request.id") == Some(&json!(id))).collect();
    assert_eq!(of_request.len(), 2, "the error and the event");
    assert_eq!(of_request[0]["trace.id"], of_request[1]["trace.id"]);
    assert_eq!(of_request[1]["event.outcome"], "failure");
}

#[test]
fn a_panic_is_answered_and_logged_with_its_stack() {
    let service = Service::start(&[]);
    assert_eq!(service.get("/fail?kind=panic").status, 500);
    assert_eq!(service.get("/simple").status, 200, "it goes on");
    let lines = service.stop();
    let errors: Vec<_> = lines.iter().filter(|line| line["level"] == 50).collect();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(
        (text(errors[0], "error.type"), text(errors[0], "error.message")),
        ("panic", "asked to panic")
    );
    assert!(text(errors[0], "error.stack_trace").contains("endpoints::fail"), "{errors:?}");
    assert_eq!(text(errors[0], "http.route"), "/fail");
    let event = lines.iter().find(|line| is_request(line)).unwrap();
    assert_eq!(event["http.response.status_code"], 500);
}

#[test]
fn a_client_that_leaves_is_an_event_too() {
    let service = Service::start(&["--metrics-interval", "1"]);
    let client = service.open("GET", "/wait?ms=60000", &[], 0);
    service.wait_for(|line| line.get("http.server.active_requests") == Some(&json!(1)));
    drop(client);
    let event = service.wait_for(is_request);
    assert_eq!(
        (&event["http.response.status_code"], text(&event, "event.outcome")),
        (&json!(499), "unknown")
    );
    assert_eq!(text(&event, "http.route"), "/wait");
}

#[test]
fn requests_that_take_too_long_do_not_keep_the_process_from_ending() {
    let service = Service::start(&["--metrics-interval", "1"]);
    let clients =
        ["/wait?ms=600000", "/slow?rows=50000000"].map(|target| service.open("GET", target, &[], 0));
    service.wait_for(|line| line.get("http.server.active_requests") == Some(&json!(2)));
    let lines = service.stop();
    drop(clients);
    let event = lines.iter().find(|line| line.get("http.route") == Some(&json!("/wait"))).unwrap();
    assert_eq!(event["http.response.status_code"], 499);
}

#[test]
fn chain_calls_the_other_instance_in_the_same_trace() {
    let behind = Service::start(&["--name", "behind"]);
    let front = Service::start(&["--upstream", &behind.url()]);
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    let headers = [
        ("traceparent", parent.as_str()),
        ("x-request-id", "r-17"),
        ("x-load-profile", "ramp"),
        ("x-load-phase", "peak"),
    ];
    let answer = front.send("GET", "/chain", &headers, b"");
    assert_eq!((answer.status, answer.body.as_str()), (200, "simple\n"));
    assert_eq!(answer.headers["x-request-id"], "r-17");
    let (front, behind) = (front.stop(), behind.stop());
    let [front, behind] = [front, behind].map(|lines| lines.into_iter().find(is_request).unwrap());
    assert_eq!((text(&front, "http.route"), text(&behind, "http.route")), ("/chain", "/simple"));
    for event in [&front, &behind] {
        assert_eq!((text(event, "trace.id"), text(event, "http.request.id")), (trace, "r-17"));
        assert_eq!((text(event, "load_profile"), text(event, "load_phase")), ("ramp", "peak"));
    }
    assert_ne!(front["span.id"], behind["span.id"]);
}

#[test]
fn headers_that_make_no_sense_count_as_absent() {
    for traceparent in [
        "",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f35-00f067aa0ba902b7-01",
    ] {
        let (blank, long) = ("a b", "x".repeat(65));
        let headers = [
            ("traceparent", traceparent),
            ("x-request-id", blank),
            ("x-load-profile", &long),
            ("x-load-phase", "\""),
        ];
        let (_, event) = once(|service| service.send("GET", "/simple", &headers, b""));
        let trace = text(&event, "trace.id");
        assert!(trace.len() == 32 && !traceparent.contains(trace), "{trace}");
        assert!(text(&event, "http.request.id").len() == 16, "{event:?}");
        assert!(!event.contains_key("load_profile") && !event.contains_key("load_phase"), "{event:?}");
    }
}

#[test]
fn a_full_pool_queues_and_then_refuses() {
    let service = Service::start(&[
        "--pool-size",
        "1",
        "--pool-queue",
        "1",
        "--fault",
        "pool:0",
        "--metrics-interval",
        "1",
    ]);
    let waiting = service.open("GET", "/slow?rows=1", &[], 0);
    service.wait_for(|line| line.get("db.client.connection.pending_requests") == Some(&json!(1)));
    let refused = service.get("/slow?rows=1");
    assert_eq!((refused.status, refused.headers["retry-after"].as_str()), (503, "1"));
    service.set_fault("pool", "off");
    assert_eq!(service::read(waiting).status, 200, "who waited gets the connection");
    assert_eq!(service.get("/slow?rows=1").status, 200);
    let lines = service.stop();
    let error = lines.iter().find(|line| line["level"] == 50).unwrap();
    assert_eq!((text(error, "error.type"), text(error, "http.route")), ("PoolFull", "/slow"));
}

#[test]
fn version_says_who_answers_and_health_is_not_logged() {
    let service =
        Service::start(&["--name", "shop", "--version", "1.2", "--environment", "test", "--instance", "i-1"]);
    assert_eq!(service.get("/healthz").status, 200);
    let answer = json_of(&service.get("/version"));
    assert_eq!(answer, json!({"name": "shop", "version": "1.2", "environment": "test", "instance": "i-1"}));
    let lines = service.stop();
    let requests: Vec<_> = lines.iter().filter(|line| is_request(line)).collect();
    assert_eq!(requests.len(), 1);
    for (key, value) in [
        ("name", "shop"),
        ("service.version", "1.2"),
        ("service.environment", "test"),
        ("service.node.name", "i-1"),
    ] {
        assert_eq!(text(requests[0], key), value);
    }
}
