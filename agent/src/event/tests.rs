//! Promises of the whole stage.

use super::scan::{Kind, Tape};
use super::*;
use crate::config::{FieldValue, Input, ReadFrom};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::path::Path;

pub(super) fn input() -> Input {
    Input {
        source: crate::config::Source::Files,
        id: None,
        paths: vec![],
        exclude: vec![],
        format: None,
        read_from: ReadFrom::Beginning,
        max_line: 1 << 20,
        timezone: jiff::tz::TimeZone::UTC,
        fields: vec![],
        dataset: "app".into(),
        container: crate::line::Container::None,
        multiline: None,
        namespace: "default".into(),
    }
}

fn environment() -> Environment {
    Environment { host_name: "agent-host".into(), ..Environment::default() }
}

fn stream() -> Stream {
    Stream::new(&input(), &environment()).unwrap()
}

fn line(bytes: &[u8]) -> Line<'_> {
    Line { bytes, offset: 0, end: LineEnd::Terminated, read_at: "2026-08-21T10:15:33Z".parse().unwrap() }
}

fn map_line(line: &Line<'_>, stream: &mut Stream) -> (String, Mapped) {
    let mut out = b"before".to_vec();
    let file = FileMemory::new(Path::new("/a.log"));
    let mapped = Mapper::new().map(line, stream, &file, &mut out);
    (String::from_utf8(out.split_off(6)).unwrap(), mapped)
}

fn map(bytes: &[u8]) -> (Value, Mapped) {
    let (text, mapped) = map_line(&line(bytes), &mut stream());
    (serde_json::from_str(&text).unwrap(), mapped)
}

/// Panics if any object of the document has a key twice, or the document is no single line.
fn assert_sound(document: &str) {
    assert!(!document.contains('\n'), "{document}");
    let mut tape = Tape::default();
    tape.scan(document.as_bytes()).unwrap_or_else(|refusal| panic!("{refusal}: {document}"));
    let nodes = tape.nodes();
    let check = |first: usize, end: usize| {
        let mut keys = Vec::new();
        let mut at = first;
        while at < end {
            let key = &document[nodes[at].key_range()];
            assert!(!keys.contains(&key), "`{key}` stands twice in {document}");
            keys.push(key);
            at = nodes[at].next as usize;
        }
    };
    check(0, nodes.len());
    for (at, node) in nodes.iter().enumerate().filter(|(_, node)| node.kind == Kind::Object) {
        check(at + 1, node.next as usize);
    }
}

// R7 of the house rules
#[test]
fn numbers_and_escapes_stay_as_they_are_written() {
    let written = r#"{"a":123456789012345678901234567890.10,"b":1E+2,"c":-0.0,"d":"\u00e9\/\ud83d\ude00 é","e":[1.0,2e0]}"#;
    let (document, _) = map_line(&line(written.as_bytes()), &mut stream());
    let numbers =
        r#""numeric_labels":{"a":123456789012345678901234567890.10,"b":1E+2,"c":-0.0,"e":[1.0,2e0]}"#;
    assert!(document.contains(numbers), "{document}");
    assert!(document.contains(r#""labels":{"d":"\u00e9\/\ud83d\ude00 é"}"#), "{document}");
}

#[test]
fn a_line_break_between_values_stays_out_of_the_document() {
    let (document, mapped) = map_line(&line(b"{\n\"tags\":[\"a\",\n\"b\"],\n\"x\":[1,\n2]}"), &mut stream());
    assert_eq!(mapped.format, Format::Generic);
    assert_sound(&document);
    assert!(document.contains(r#""tags":["a","b"]"#), "{document}");
}

#[test]
fn a_number_no_double_can_hold_becomes_text() {
    let (document, _) = map(br#"{"a":1e400,"b":[1,1e400]}"#);
    assert_eq!(document["labels"], json!({"a": "1e400", "b": ["1", "1e400"]}));
}

#[test]
fn configuration_beats_line_beats_environment_beats_host() {
    let mut input = input();
    input.fields = vec![
        ("service.name".into(), FieldValue::Text("configured".into())),
        ("service.name".into(), FieldValue::Text("configured last".into())),
        ("team".into(), FieldValue::Text("a".into())),
        ("labels.shift".into(), FieldValue::Text("late".into())),
        ("cost".into(), FieldValue::Number("1.50".into())),
        ("process.pid".into(), FieldValue::Text("no number".into())),
    ];
    let environment = Environment {
        service_name: Some("environment".into()),
        service_version: Some("env-1".into()),
        service_environment: Some("prod".into()),
        ..environment()
    };
    let mut stream = Stream::new(&input, &environment).unwrap();
    let written = br#"{"service":"line","service_version":"line-2","hostname":"web-1","team":"b","pid":7,"message":"x"}"#;
    for _ in 0..2 {
        let (document, _) = map_line(&line(written), &mut stream);
        assert_sound(&document);
        let document: Value = serde_json::from_str(&document).unwrap();
        let service = json!({
            "name": "configured last", "version": "line-2", "environment": "prod", "node": {"name": "web-1:7"},
        });
        assert_eq!(document["service"], service);
        let labels = json!({
            "team": "a", "shift": "late", "process_pid": "no number", "service": "line", "team_2": "b",
        });
        assert_eq!(document["labels"], labels);
        assert_eq!(document["numeric_labels"]["cost"].to_string(), "1.5");
        assert_eq!(document["host"]["name"], "web-1");
    }
}

// E52
#[test]
fn a_time_that_is_not_usable_is_kept_and_the_read_time_taken() {
    for time in ["\"soon\"", "\"1969-12-31T23:59:59Z\"", "\"2100-01-01T00:00:00Z\"", "-5", "true"] {
        let (document, mapped) = map(format!("{{\"time\":{time},\"msg\":\"x\"}}").as_bytes());
        assert_eq!(mapped.timestamp, None);
        assert_eq!(document["@timestamp"], "2026-08-21T10:15:33.000Z");
        let kept = [&document["labels"]["time"], &document["numeric_labels"]["time"]];
        assert!(kept.iter().any(|kept| !kept.is_null()), "{document}");
    }
    let (_, mapped) = map(br#"{"time":"2026-08-21T10:15:30.5+02:00","msg":"x"}"#);
    assert_eq!(mapped.timestamp, Some(1_787_300_130_500));
}

#[test]
fn the_second_alias_serves_where_the_first_is_not_usable() {
    let (document, mapped) = map(br#"{"timestamp":"soon","time":"2026-08-21T10:15:30Z","msg":"x"}"#);
    assert_eq!(document["@timestamp"], "2026-08-21T10:15:30Z");
    assert_eq!(document["labels"]["timestamp"], "soon");
    assert!(mapped.timestamp.is_some());
}

// F15, F20
#[test]
fn what_is_wrong_with_a_line_is_said_in_its_document() {
    let cut = Line { end: LineEnd::Cut { original_len: 5000 }, ..line(br#"{"a":"b"}"#) };
    let (document, mapped) = map_line(&cut, &mut stream());
    let document: Value = serde_json::from_str(&document).unwrap();
    assert!(mapped.cut && mapped.refusal == Some(Refusal::Cut));
    assert_eq!(document["log"]["flags"], json!(["truncated"]));
    assert_eq!(document["numeric_labels"]["original_bytes"], 5000);
    assert_eq!(document["tags"], json!(["_jsonparsefailure"]));

    let partial = Line { end: LineEnd::Partial, ..line(br#"{"msg":"last"}"#) };
    let (document, mapped) = map_line(&partial, &mut stream());
    assert!(mapped.partial && mapped.refusal.is_none());
    assert!(document.contains(r#""flags":["partial"]"#) && document.contains(r#""message":"last""#));

    let (document, mapped) = map(b"a\xffb");
    assert!(mapped.invalid_utf8 && !mapped.invalid_json());
    assert_eq!(document["message"], "a\u{fffd}b");
    assert_eq!(document["log"]["flags"], json!(["invalid_utf8"]));
    assert_eq!(document.get("tags"), None);

    let (document, mapped) = map(b"{\"a\":\"\xff\"}");
    assert!(mapped.invalid_utf8 && mapped.invalid_json());
    assert_eq!(document["tags"], json!(["_jsonparsefailure"]));
}

#[test]
fn a_forced_format_needs_no_signature() {
    let with = |format: &str| {
        Stream::new(&Input { format: Some(format.into()), ..input() }, &environment()).unwrap()
    };
    let written = br#"{"msg":"[A - END]","level":40}"#;
    let (document, mapped) = map_line(&line(written), &mut with("bunyan"));
    assert_eq!(mapped.format, Format::TracingBunyan);
    assert!(document.contains(r#""level":"warn""#) && document.contains(r#""action":"end""#), "{document}");

    let (document, mapped) = map_line(&line(written), &mut with("text"));
    assert_eq!(mapped.format, Format::Text);
    assert!(document.contains(r#""message":"{\"msg\":\"[A - END]\",\"level\":40}""#));
    assert!(!mapped.invalid_json() && !document.contains("tags"));

    assert!(Stream::new(&Input { format: Some("ini".into()), ..input() }, &environment()).is_err());
}

#[test]
fn a_full_stream_names_further_keys_in_more() {
    let mut stream = stream();
    let many: Vec<_> = (0..MAX_KEYS).map(|number| format!("\"k{number}\":{number}")).collect();
    map_line(&line(format!("{{{}}}", many.join(",")).as_bytes()), &mut stream);
    assert_eq!(stream.revision(), MAX_KEYS as u64);
    let (document, mapped) =
        map_line(&line(br#"{"k1":1,"new.key":"a \"b\"","n":1.50,"more":[1],"message":"x"}"#), &mut stream);
    assert_sound(&document);
    assert_eq!((mapped.more, mapped.dropped), (3, 0));
    assert!(document.contains(r#""labels":{"more":["new_key=a \"b\"","n=1.50","more=[1]"]}"#), "{document}");
    assert!(document.contains(r#""numeric_labels":{"k1":1}"#), "{document}");

    let flood: Vec<_> = (0..100).map(|number| format!("\"x{number}\":\"{}\"", "ü".repeat(300))).collect();
    let (document, mapped) = map_line(&line(format!("{{{}}}", flood.join(",")).as_bytes()), &mut stream);
    assert_sound(&document);
    assert_eq!((mapped.more, mapped.dropped, mapped.cut_values), (64, 36, 64));
}

#[test]
fn a_key_that_repeats_without_end_goes_to_more() {
    let same: Vec<_> = (0..1000).map(|number| format!("\"x\":{number}")).collect();
    let (document, mapped) = map_line(&line(format!("{{{}}}", same.join(",")).as_bytes()), &mut stream());
    assert_sound(&document);
    assert_eq!((mapped.more, mapped.dropped), (64, 1000 - 32 - 64));
    assert!(document.contains("\"x_32\":31}"), "{document}");
}

#[test]
fn learned_keys_survive_a_restart() {
    let mut first = stream();
    map_line(&line(br#"{"a":1,"b":"x"}"#), &mut first);
    let exported: Vec<_> = first.leftover_keys().export().collect();
    let mut second = stream();
    second.leftover_keys_mut().import(exported.iter().map(String::as_str));
    assert_eq!(second.revision(), first.revision());
    map_line(&line(br#"{"a":2,"b":"y"}"#), &mut second);
    assert_eq!(second.revision(), first.revision(), "nothing new was learned");
}

#[test]
fn long_label_texts_are_cut_and_counted() {
    let written = format!(r#"{{"a":"{}","message":"{}"}}"#, "é".repeat(9000), "m".repeat(40_000));
    let (document, mapped) = map(written.as_bytes());
    assert_eq!(mapped.cut_values, 1);
    assert_eq!(document["labels"]["a"], "é".repeat(4096));
    assert_eq!(document["message"], "m".repeat(40_000));
}

#[test]
fn an_explanation_names_every_key() {
    let written = br#"{"v":0,"name":"shop","msg":"[A - END]","level":30,"hostname":"h","pid":1,"time":"2026-08-21T10:15:31Z","target":"t","line":1,"duration_ms":2,"elapsed_milliseconds":3,"x.y":true}"#;
    let explanation =
        explain(&mut Mapper::new(), &line(written), &mut stream(), &FileMemory::new(Path::new("a")));
    assert_eq!(explanation.format, "tracing-bunyan");
    assert!(explanation.mapped.contains(&("duration_ms".into(), "event.duration")));
    assert!(explanation.mapped.contains(&("msg".into(), "message")));
    let elapsed = ("elapsed_milliseconds".to_owned(), "numeric_labels.elapsed_milliseconds".to_owned());
    assert!(explanation.left_over.contains(&elapsed));
    assert!(explanation.left_over.contains(&("x.y".into(), "labels.x_y".into())));
    assert_eq!(explanation.dropped, ["v"]);
    assert!(explanation.to_string().contains("mapped    duration_ms → event.duration"));
}

#[test]
fn one_mapper_serves_lines_of_all_sizes_without_remembering_them() {
    let (mut mapper, mut stream) = (Mapper::new(), stream());
    let file = FileMemory::new(Path::new("/a.log"));
    let long =
        format!(r#"{{"message":"x","a":[{}],"b":"{}"}}"#, vec!["\"y\""; 999].join(","), "z".repeat(99_999));
    for written in [r#"{"message":"x","pid":1}"#, &long, "text", r#"{"message":"x","pid":1}"#] {
        let mut fresh = Vec::new();
        Mapper::new().map(&line(written.as_bytes()), &mut stream.clone(), &file, &mut fresh);
        let mut used = Vec::new();
        mapper.map(&line(written.as_bytes()), &mut stream, &file, &mut used);
        assert_eq!(String::from_utf8(used), String::from_utf8(fresh));
    }
}

/// Keys some table knows, keys that need care, and any others.
fn any_key() -> impl Strategy<Value = String> {
    let known: Vec<_> = [
        "v",
        "name",
        "msg",
        "message",
        "level",
        "hostname",
        "pid",
        "time",
        "timestamp",
        "@timestamp",
        "target",
        "line",
        "file",
        "fields",
        "span",
        "spans",
        "err",
        "error",
        "error.message",
        "stack",
        "log",
        "log.level",
        "ecs",
        "event",
        "http",
        "http.method",
        "method",
        "status",
        "http.status_code",
        "duration_ns",
        "duration_ms",
        "labels",
        "more",
        "labels.a",
        "numeric_labels",
        "a",
        "b",
        "a.b",
        "a_b",
        "a b",
        "a_b_2",
        "process",
        "process.memory.usage",
        "tags",
        "host",
        "ip",
        "host.ip",
        "trace_id",
        "uri",
        "client_ip",
        "threadId",
        "caller",
        "exc_info",
        "time.busy",
        "elapsed_milliseconds",
        "span_name",
        "data_stream",
        "_id",
        "",
        "Level",
        "req",
        "res",
        "src",
        "stack_trace",
    ]
    .map(str::to_owned)
    .to_vec();
    prop_oneof![4 => prop::sample::select(known), 1 => "\\PC{0,6}", 1 => any::<String>()]
}

fn any_scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>().prop_map(|text| Value::String(text).to_string()),
        "(\\[A - (START|END)\\]|\\[A - EVENT\\] x|GET|/p\\?q|2026-08-21T10:15:30Z|\"q\"|12ms|10\\.0\\.0\\.1|E: m\nat)"
            .prop_map(|text| Value::String(text).to_string()),
        r#""(\\\\n|\\n|\\\\|\\u00e9|\\ud83d\\ude00|:|[0-9a-f]){0,34}""#,
        "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,4})?([eE][+-]?[0-9]{1,3})?",
        Just("true".to_owned()),
        Just("false".to_owned()),
        Just("null".to_owned()),
    ]
}

fn object(value: BoxedStrategy<String>) -> impl Strategy<Value = String> {
    prop::collection::vec((any_key(), value), 0..8).prop_map(|members| {
        let members: Vec<_> =
            members.iter().map(|(key, value)| format!("{}:{value}", Value::String(key.clone()))).collect();
        format!("{{{}}}", members.join(","))
    })
}

fn any_object() -> impl Strategy<Value = String> {
    let value = any_scalar().boxed().prop_recursive(4, 32, 6, |inner| {
        let array =
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(" , ")));
        prop_oneof![array, object(inner)]
    });
    object(value.boxed())
}

/// Every number behind a key no table knows, and every text, each told apart by its content.
fn numbered_object() -> impl Strategy<Value = (String, Vec<String>)> {
    let member = (any_key(), prop::bool::ANY, 0..3usize);
    prop::collection::vec(member, 1..20).prop_map(|members| {
        let mut marks = Vec::new();
        let mut text = String::from("{");
        for (at, (key, is_text, depth)) in members.iter().enumerate() {
            let mark = if *is_text { format!("\"mark-{at}-\"") } else { format!("7777{at}.250") };
            let key = if *is_text { key.clone() } else { format!("unknown {key}") };
            let value = format!("{}{mark}{}", "{\"sub\":".repeat(*depth), "}".repeat(*depth));
            text += &format!("{}{}:{value}", if at == 0 { "" } else { "," }, Value::String(key.clone()));
            // The marks of a format itself are the only keys whose values do not matter.
            let says_nothing = ["v", "ecs"].contains(&key.as_str());
            if !says_nothing {
                marks.push(mark.trim_matches('"').to_owned());
            }
        }
        (text + "}", marks)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_become_one_document_with_a_message(bytes: Vec<u8>) {
        let (document, mapped) = map_line(&line(&bytes), &mut stream());
        assert_sound(&document);
        let value: Value = serde_json::from_str(&document).unwrap();
        prop_assert!(value["message"].is_string());
        if mapped.format == Format::Text {
            prop_assert_eq!(value["message"].as_str(), Some(&*String::from_utf8_lossy(&bytes)));
        }
    }

    // E50
    #[test]
    fn any_object_becomes_one_sound_document(object in any_object()) {
        let mut stream = stream();
        for format in ["auto", "ecs", "bunyan", "tracing", "pino"] {
            stream.choice = format::choice(format).unwrap();
            let (document, mapped) = map_line(&line(object.as_bytes()), &mut stream);
            prop_assert_ne!(mapped.format, Format::Text);
            assert_sound(&document);
            let value: Value = serde_json::from_str(&document).unwrap();
            prop_assert!(value["message"].is_string(), "{}", document);
            prop_assert!(value["@timestamp"].is_string(), "{}", document);
            prop_assert!(value.get("data_stream").is_none());
        }
    }

    #[test]
    fn no_scalar_is_lost((object, marks) in numbered_object()) {
        let mut stream = stream();
        for format in ["auto", "ecs", "bunyan", "tracing", "pino"] {
            stream.choice = format::choice(format).unwrap();
            let (document, mapped) = map_line(&line(object.as_bytes()), &mut stream);
            prop_assert_eq!(mapped.dropped, 0);
            for mark in &marks {
                prop_assert!(document.contains(mark.as_str()), "{} of {} is not in {}", mark, object, document);
            }
        }
    }
}

/// An object with keys that Logstash or Elasticsearch refuse or read as their own, and a mark in each scalar.
fn odd_object() -> impl Strategy<Value = (String, Vec<String>)> {
    const KEYS: [&str; 18] = [
        "[tags][x]",
        "a]b",
        "[",
        "event",
        "host",
        "log",
        "error",
        "labels",
        "@metadata",
        "@version",
        "process",
        "http",
        "",
        "a.b",
        "event.[x]",
        "log.level.x",
        " x",
        "e\u{301}",
    ];
    let member = (0..KEYS.len(), 0..4usize, 0..KEYS.len());
    proptest::collection::vec(member, 1..12).prop_map(|members| {
        let mut marks = Vec::new();
        let mut mark = || {
            marks.push(format!("\"mark-{}-\"", marks.len()));
            marks[marks.len() - 1].clone()
        };
        let member = |(key, shape, inner): (usize, usize, usize)| {
            let inner = serde_json::to_string(KEYS[inner]).unwrap();
            let value = match shape {
                0 | 1 => mark(),
                2 => format!("{{{inner}:{}}}", mark()),
                _ => format!("{{{inner}:{{{inner}:[{},{}]}},{inner}:{}}}", mark(), mark(), mark()),
            };
            format!("{}:{value}", serde_json::to_string(KEYS[key]).unwrap())
        };
        let text = members.into_iter().map(member).collect::<Vec<_>>().join(",");
        (format!("{{{text}}}"), marks.iter().map(|mark| mark.trim_matches('"').to_owned()).collect())
    })
}

/// Panics at a key with a bracket, which Logstash takes for a path.
fn assert_no_brackets(value: &Value, document: &str) {
    match value {
        Value::Object(members) => members.iter().for_each(|(key, value)| {
            assert!(!key.contains(['[', ']']), "`{key}` in {document}");
            assert_no_brackets(value, document);
        }),
        Value::Array(elements) => elements.iter().for_each(|value| assert_no_brackets(value, document)),
        _ => {}
    }
}

proptest! {
    #[test]
    fn what_logstash_would_stumble_over_is_sanitised_and_not_lost((object, marks) in odd_object()) {
        let mut stream = stream();
        for format in ["auto", "ecs", "bunyan", "tracing", "pino"] {
            stream.choice = format::choice(format).unwrap();
            let (document, mapped) = map_line(&line(object.as_bytes()), &mut stream);
            assert_sound(&document);
            let value: Value = serde_json::from_str(&document).unwrap();
            assert_no_brackets(&value, &document);
            prop_assert!(value.get("@metadata").is_none(), "{}", document);
            for name in ["event", "host", "log", "error", "labels", "numeric_labels", "process", "http", "service", "url"] {
                prop_assert!(value.get(name).is_none_or(Value::is_object), "{} in {}", name, document);
            }
            prop_assert_eq!(mapped.dropped, 0);
            for mark in &marks {
                prop_assert!(document.contains(mark.as_str()), "{} of {} is not in {}", mark, object, document);
            }
        }
    }
}
