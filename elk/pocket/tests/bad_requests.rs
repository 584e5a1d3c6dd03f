//! Bad requests and their answers, status, headers and body, as Elasticsearch 8.19.8 gives them: Pocket gives the same
//! but for what `data/bad_requests.json` says of it. The data are held by the real engines themselves.
//!
//! What follows `caused_by` is the parser's own wording and is compared by its type only.

mod support;

use bench::engine::{self, Kind};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use support::Server;

/// Requests with answers; `opensearch` and `pocket` say why theirs are others.
fn cases() -> Vec<Value> {
    serde_json::from_str(include_str!("data/bad_requests.json")).expect("a list")
}

/// Status, the headers that belong to refusals, and what the body says of the error.
fn answer(address: &str, request: &Value, extra: &str) -> Value {
    let part = |at: usize| request[at].as_str().unwrap_or_default();
    let (method, target, kind, body) = (part(0), part(1), part(2), part(3));
    let kind = if kind.is_empty() { String::new() } else { format!("Content-Type: {kind}\r\n") };
    let mut stream = TcpStream::connect(address).expect("a connection");
    write!(
        stream,
        "{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{kind}{extra}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .expect("a request");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    let (head, body) = text.split_once("\r\n\r\n").expect("head and body");
    let header = |name: &str| -> Vec<&str> {
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
    };
    let allow: Vec<String> = header("allow").into_iter().map(|methods| in_order(methods, ",")).collect();
    let status: u16 = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let body: Value = serde_json::from_str(body).expect("JSON");
    json!({"status": status, "allow": allow, "authenticate": header("www-authenticate"), "body": told(body)})
}

/// Methods are a set to the engines: OpenSearch prints them in another order in each process.
fn in_order(methods: &str, separator: &str) -> String {
    let mut methods: Vec<&str> = methods.split(separator).collect();
    methods.sort_unstable();
    methods.join(separator)
}

/// The body with what is the parser's own left out, and allowed methods in one order.
fn told(mut body: Value) -> Value {
    if let Some((text, methods)) = body["error"].as_str().and_then(|text| text.split_once("allowed: [")) {
        let methods = in_order(methods.trim_end_matches(']'), ", ");
        body["error"] = Value::String(format!("{text}allowed: [{methods}]"));
    }
    if let Some(cause) = body.get_mut("error").and_then(|error| error.get_mut("caused_by")) {
        *cause = json!({"type": cause["type"]});
    }
    body
}

fn differences(address: &str, who: &str) -> Vec<String> {
    let mut found = Vec::new();
    for case in cases() {
        let (answer, expected) = (answer(address, &case["request"], ""), &case["answer"]);
        let declared = case.get(who).is_some();
        if (answer == *expected) == declared {
            found.push(format!(
                "{}\n  gives    {answer}\n  expected {expected}\n  {who}: {}",
                case["request"], case[who]
            ));
        }
    }
    found
}

fn address_of(url: &str) -> &str {
    url.trim_start_matches("http://").trim_end_matches('/')
}

#[test]
fn pocket_answers_as_recorded() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    server.good("PUT", "/there", &json!({}));
    let differences = differences(server.address(), "pocket");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(cases().iter().filter(|case| case.get("pocket").is_none()).count() >= 30);
}

#[test]
#[ignore = "needs Elasticsearch"]
fn elasticsearch_answers_as_recorded() {
    let engine = engine::own(Kind::Elasticsearch, &[], false);
    engine.call("PUT", "/there", "{}");
    let differences = differences(address_of(engine.url()), "elasticsearch");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
#[ignore = "needs OpenSearch"]
fn opensearch_answers_as_recorded_but_where_it_is_named() {
    let engine = engine::own(Kind::OpenSearch, &[], false);
    engine.call("PUT", "/there", "{}");
    let differences = differences(address_of(engine.url()), "opensearch");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// Without and with a wrong log-in.
fn refused_log_ins(address: &str) -> [Value; 2] {
    let request = json!(["GET", "/_search?q=x", "", ""]);
    let wrong = format!("Authorization: {}\r\n", engine::basic("elastic", "wrong"));
    [answer(address, &request, ""), answer(address, &request, &wrong)]
}

fn recorded_refusals() -> [Value; 2] {
    let offered = ["Basic realm=\"security\", charset=\"UTF-8\"", "ApiKey"];
    [
        "missing authentication credentials for REST request [/_search?q=x]",
        "unable to authenticate user [elastic] for REST request [/_search?q=x]",
    ]
    .map(|reason| {
        let error =
            json!({"type": "security_exception", "reason": reason, "header": {"WWW-Authenticate": offered}});
        let mut whole = error.clone();
        whole["root_cause"] = json!([error]);
        json!({"status": 401, "allow": [], "authenticate": offered, "body": {"error": whole, "status": 401}})
    })
}

#[test]
fn pocket_refuses_wrong_log_ins_as_recorded() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start_as(folder.path(), &[], &[("POCKET_ELK_PASSWORD", "right")]);
    assert_eq!(refused_log_ins(server.address()), recorded_refusals());
}

#[test]
#[ignore = "needs Elasticsearch"]
fn elasticsearch_refuses_wrong_log_ins_as_recorded() {
    let engine = engine::own(Kind::Elasticsearch, &[], true);
    assert_eq!(refused_log_ins(address_of(engine.url())), recorded_refusals());
}
