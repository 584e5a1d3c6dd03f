//! Messages as senders write them, and what becomes of them.

use super::super::tests::input;
use super::super::{Around, Environment, FileMemory, Line, LineEnd, Mapper, Stream, Unwrapper};
use crate::config::{Input, Protocol, Source};
use proptest::prelude::*;
use serde_json::{Value, json};

fn document(message: &[u8]) -> Value {
    let source =
        Source::Syslog { listen: ([127, 0, 0, 1], 5514).into(), protocol: Protocol::Tcp { tls: None } };
    let environment = Environment {
        host_name: "agent-host".into(),
        service_name: Some("agent".into()),
        ..Environment::default()
    };
    let mut stream = Stream::new(&Input { source, ..input() }, &environment).unwrap();
    let mut unwrapper = Unwrapper::default();
    let (bytes, header) = unwrapper.message(message);
    let line =
        Line { bytes, offset: 0, end: LineEnd::Terminated, read_at: "2026-08-21T10:15:33Z".parse().unwrap() };
    let mut out = Vec::new();
    let file = FileMemory::unnamed();
    match header {
        Some(header) => {
            Mapper::new().map_unwrapped(&line, Around::Syslog(header), &mut stream, &file, &mut out)
        }
        None => Mapper::new().map(&line, &mut stream, &file, &mut out),
    };
    serde_json::from_slice(&out).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&out)))
}

fn text_of(message: &str) -> (Value, Value, Value, Value) {
    let found = document(message.as_bytes());
    let at = |pointer: &str| found.pointer(pointer).cloned().unwrap_or_default();
    (at("/@timestamp"), at("/host/name"), at("/process/name"), at("/message"))
}

#[test]
fn a_whole_header_of_rfc_5424_has_its_fields() {
    let found = document(
        br#"<165>1 2026-08-21T10:15:30.123456Z web-1 shop 4711 ID47 [ex@32473 a="1" b="q\" \] \\ \n"][x] text"#,
    );
    let expected = json!({
        "level": "info", "offset": 0,
        "syslog": {
            "priority": 165, "version": "1", "facility": {"code": 20, "name": "local4"},
            "severity": {"code": 5, "name": "Notice"},
            "hostname": "web-1", "appname": "shop", "procid": "4711", "msgid": "ID47",
        },
    });
    assert_eq!(found["log"], expected);
    assert_eq!(found["@timestamp"], "2026-08-21T10:15:30.123456Z");
    assert_eq!(found["process"], json!({"name": "shop", "pid": 4711}));
    assert_eq!((&found["host"]["name"], &found["message"]), (&json!("web-1"), &json!("text")));
    assert_eq!(found["labels"], json!({"ex_a": "1", "ex_b": r#"q" ] \ \n"#}));
}

#[test]
fn the_text_is_understood_as_any_line_and_beats_the_header() {
    let found = document(
        br#"<14>1 2026-08-21T10:15:30Z web-1 shop 1 - - {"timestamp":"2026-08-21T10:15:29Z","level":"ERROR","message":"gone","request_id":"r-1"}"#,
    );
    assert_eq!((&found["message"], &found["log"]["level"]), (&json!("gone"), &json!("error")));
    assert_eq!(found["@timestamp"].as_str().unwrap()[..19], *"2026-08-21T10:15:29");
    assert_eq!(found["http"]["request"]["id"], "r-1");
    assert_eq!(found["log"]["syslog"]["severity"]["code"], 6);
}

#[test]
fn cloud_foundry_says_whose_message_it_is() {
    let found = document(
        br#"<11>1 2026-08-21T10:15:30.1+00:00 demo.dev.shop 7c1f0a54 [APP/PROC/WEB/2] - [tags@47450 app_name="shop" app_id="7c1f0a54" instance_id="2" organization_name="demo" space_name="dev"] boom"#,
    );
    let service = json!({"name": "shop", "environment": "dev", "node": {"name": "shop/2"}});
    assert_eq!((&found["service"], &found["log"]["level"]), (&service, &json!("error")));
    assert_eq!((&found["process"], &found["organization"]["name"]), (&Value::Null, &json!("demo")));
    assert_eq!(found["log"]["syslog"]["procid"], "[APP/PROC/WEB/2]");
    assert_eq!((&found["labels"]["tags_app_id"], &found["message"]), (&json!("7c1f0a54"), &json!("boom")));
}

#[test]
fn old_and_odd_headers_give_what_they_have() {
    let at = |day: &str| json!(format!("{day}.000Z"));
    let none = Value::Null;
    let read = at("2026-08-21T10:15:33");
    let cases = [
        (
            "<11>Aug 21 10:15:30 web-1 shop[4711]: down",
            at("2026-08-21T10:15:30"),
            json!("web-1"),
            json!("shop"),
            "down",
        ),
        (
            "<11>Aug  1 10:15:30 web-1 shop: a: b",
            at("2026-08-01T10:15:30"),
            json!("web-1"),
            json!("shop"),
            "a: b",
        ),
        // Of last year, for it would be months ahead.
        (
            "<11>Dec 31 23:59:59 shop: own host",
            at("2025-12-31T23:59:59"),
            none.clone(),
            json!("shop"),
            "own host",
        ),
        (
            "<14> 2026-08-21T10:15:30Z web-1 doppler[4711]: x",
            at("2026-08-21T10:15:30"),
            json!("web-1"),
            json!("doppler"),
            "x",
        ),
        (
            "<13>Aug 21 10:15:30 web-1 no tag here",
            at("2026-08-21T10:15:30"),
            json!("web-1"),
            none.clone(),
            "no tag here",
        ),
        ("<13>Feb 30 10:15:30 web-1 shop: x", read.clone(), json!("web-1"), json!("shop"), "x"),
        ("<13>just text", read.clone(), none.clone(), none.clone(), "just text"),
        ("<13>", read.clone(), none.clone(), none.clone(), ""),
        ("<13>1 - - - - - - \u{feff}marked", read.clone(), none.clone(), none.clone(), "marked"),
        ("<13>1 - - shop - - -", read.clone(), none.clone(), json!("shop"), ""),
        ("<13>1 - - shop - - no data", read.clone(), none.clone(), json!("shop"), "no data"),
        ("<13>1 - - shop - - [never ends", read.clone(), none.clone(), json!("shop"), "[never ends"),
        ("<13>1 - - shop - - [- job=x index=n] t", read.clone(), none.clone(), json!("shop"), "t"),
        ("<13>1 - a_b shop - - - - dash", read.clone(), json!("a_b"), json!("shop"), "- dash"),
        // No syslog at all.
        ("<192>x", read.clone(), none.clone(), none.clone(), "<192>x"),
        ("<>x", read.clone(), none.clone(), none.clone(), "<>x"),
        ("plain", read.clone(), none.clone(), none.clone(), "plain"),
    ];
    for (message, time, host, process, text) in cases {
        assert_eq!(text_of(message), (time, host, process, json!(text)), "{message}");
    }
}

#[test]
fn line_breaks_come_back_and_the_agents_own_names_stay_away() {
    let mut line = Vec::new();
    crate::line::encode_message(b"<13>1 - - - - - - a\nb", &mut line);
    let found = document(line.strip_suffix(b"\n").unwrap());
    assert_eq!(found["message"], "a\nb");
    assert!(found["host"].is_null() && found["service"].is_null(), "{found}");
}

#[test]
fn names_of_parameters_that_are_no_text_become_text() {
    let found = document(b"<13>1 - - - - - [x\xff@1 a\xfe=\"\xfd\"] t");
    assert_eq!(found["labels"], json!({"x\u{fffd}_a\u{fffd}": "\u{fffd}"}));
}

proptest! {
    /// Whatever is sent gives one sound document.
    #[test]
    fn every_message_gives_a_document(
        head in prop_oneof![Just("<13>"), Just("<13>1 "), Just("<13>1 - h a p m [x a=\""), Just("<13>Aug 21 10:15:30 "), Just("")],
        tail in proptest::collection::vec(prop_oneof![
            Just(b'['), Just(b']'), Just(b'"'), Just(b'\\'), Just(b' '), Just(b'='), Just(b'-'), Just(b'a'), any::<u8>()
        ], 0..40),
    ) {
        document(&[head.as_bytes(), &tail].concat());
    }
}
