//! Who a service says it is, and mistakes in its arguments.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/service.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared by several tests, each using its part")]
mod service;

use service::{Line, Service, program};

const VCAP: &str =
    r#"{"application_name":"shop","application_version":"a1","space_name":"prod","instance_index":2}"#;

/// The four of the first line.
fn identity(variables: &[(&str, &str)], arguments: &[&str]) -> [Option<String>; 4] {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("service.log");
    let mut command = program();
    command.args(["--port", "0", "--log"]).arg(&log).args(arguments).envs(variables.iter().copied());
    let line: Line = Service::spawn(&mut command, &log).stop().remove(0);
    ["name", "service.version", "service.environment", "service.node.name"]
        .map(|key| line.get(key).and_then(|value| value.as_str()).map(str::to_owned))
}

fn texts(texts: [&str; 4]) -> [Option<String>; 4] {
    texts.map(|text| Some(text.to_owned()))
}

#[test]
fn flags_come_before_variables_and_those_before_cloud_foundry() {
    let own = [Some("demo-service".to_owned()), Some(env!("CARGO_PKG_VERSION").to_owned()), None, None];
    assert_eq!(identity(&[], &[]), own);
    assert_eq!(identity(&[("VCAP_APPLICATION", "{"), ("SERVICE_NAME", "")], &[]), own);
    assert_eq!(identity(&[("VCAP_APPLICATION", VCAP)], &[]), texts(["shop", "a1", "prod", "shop/2"]));
    let variables = [
        ("VCAP_APPLICATION", VCAP),
        ("SERVICE_NAME", "cart"),
        ("VERSION", "1"),
        ("SERVICE_ENVIRONMENT", "test"),
        ("SERVICE_NODE_NAME", "n"),
    ];
    assert_eq!(identity(&variables, &[]), texts(["cart", "1", "test", "n"]));
    assert_eq!(identity(&[("SERVICE_VERSION", "2"), ("VERSION", "1")], &[])[1].as_deref(), Some("2"));
    let flags = ["--name", "a", "--version", "b", "--environment", "c", "--instance", "d"];
    assert_eq!(identity(&variables, &flags), texts(["a", "b", "c", "d"]));
    assert_eq!(identity(&variables, &["--name", "a"])[0].as_deref(), Some("a"));
}

#[test]
fn the_word_serve_may_be_left_out_or_not() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("service.log");
    let mut command = program();
    command.args(["serve", "--port", "0", "--name", "shop", "--log"]).arg(&log).env("SERVICE_VERSION", "3");
    let lines = Service::spawn(&mut command, &log).stop();
    assert_eq!((&lines[0]["name"], &lines[0]["service.version"]), (&"shop".into(), &"3".into()));
}

#[test]
fn mistakes_end_the_start() {
    for (arguments, code, told) in [
        (&["--port", "70000"][..], 2, "70000"),
        (&["--upstream", "https://host"], 2, "http://host:port"),
        (&["--upstream", "http://host/path"], 2, "http://host:port"),
        (&["--pool-size", "0"], 2, "--pool-size"),
        (&["--log-keep", "0"], 2, "--log-keep"),
        (&["--log-level", "loud"], 2, "--log-level"),
        (&["--listen", "192.0.2.1", "--log", "/dev/null"], 1, "cannot serve on 192.0.2.1:8080"),
    ] {
        let output = program().args(arguments).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(code) && errors.contains(told), "{arguments:?}: {errors}");
    }
}
