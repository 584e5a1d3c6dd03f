use super::*;
use crate::config::{Condition, RateLimit, Redact, Sample, Secrets, Test};
use proptest::prelude::*;
use regex::Regex;
use serde_json::{Value, json};
use std::time::Duration;

fn apply(processors: &[Processor], document: &Value) -> Option<Value> {
    let mut bytes = document.to_string().into_bytes();
    let fate = Process::new(processors).unwrap().apply(&mut bytes, b"id", Instant::now());
    (fate == Fate::Kept).then(|| serde_json::from_slice(&bytes).unwrap())
}

fn is(field: &str, values: &[&str]) -> Condition {
    Condition {
        field: field.into(),
        test: Test::Is(values.iter().map(|value| (*value).to_owned()).collect()),
    }
}

fn matches(field: &str, pattern: &str) -> Condition {
    Condition { field: field.into(), test: Test::Matches(Regex::new(pattern).unwrap()) }
}

fn redact(patterns: &[&str]) -> Vec<Processor> {
    let patterns = patterns.iter().map(|pattern| Regex::new(pattern).unwrap()).collect();
    vec![Processor::Redact(Redact { secrets: Secrets::ALL.to_vec(), patterns, with: "***".into() })]
}

#[test]
fn nothing_configured_is_nothing_to_do() {
    assert!(Process::new(&[]).is_none());
    assert!(Process::new(&[Processor::Rename { from: "a".into(), to: "b".into() }]).is_none());
}

#[test]
fn events_are_dropped_and_kept_by_a_field() {
    let debug = json!({"log": {"level": "debug"}, "url": {"path": "/health\"z"}, "tags": ["a", "b"], "n": 7});
    let cases = [
        (is("log.level", &["debug", "trace"]), true),
        (is("log.level", &["info"]), false),
        (is("log", &["debug"]), false),
        (is("log.level.deeper", &["debug"]), false),
        (is("missing", &[""]), false),
        (is("tags", &["b"]), true),
        (is("n", &["7"]), true),
        (matches("url.path", "^/health\"z$"), true),
        (matches("url.path", "^health"), false),
    ];
    for (condition, holds) in cases {
        let name = format!("{condition:?}");
        assert_eq!(apply(&[Processor::Drop(condition.clone())], &debug).is_none(), holds, "{name}");
        assert_eq!(apply(&[Processor::Keep(condition)], &debug).is_some(), holds, "{name}");
    }
}

// I05
#[test]
fn secrets_are_replaced_wherever_a_value_holds_one() {
    let document = json!({
        "message": "key AKIAIOSFODNN7EXAMPLE \"quoted\"",
        "labels": {
            "auth": "Authorization: Bearer eyJhbGciOi.J9-_x~y==, next",
            "card": "4111 1111 1111 1111",
            "list": ["ok", "5500000000000004"],
            "env": "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "mail": "a@example.com wrote",
        },
        "numeric_labels": {"card": 4111111111111111u64, "id": 1787307330123456789u64},
    });
    let expected = json!({
        "message": "key *** \"quoted\"",
        "labels": {
            "auth": "Authorization: Bearer ***, next",
            "card": "***",
            "list": ["ok", "***"],
            "env": "aws_secret_access_key = ***",
            "mail": "*** wrote",
        },
        "numeric_labels": {"card": 0, "id": 1787307330123456789u64},
    });
    assert_eq!(apply(&redact(&[r"\S+@\S+"]), &document), Some(expected));
}

#[test]
fn of_an_own_pattern_with_a_group_the_group_is_replaced() {
    let document = json!({"message": "password=hunter2\\ user=a"});
    let expected = json!({"message": "password=*** user=a"});
    assert_eq!(apply(&redact(&[r"password=(\S+)"]), &document), Some(expected));
}

// I06
#[test]
fn errors_failures_and_slow_requests_survive_every_sample() {
    let never = Processor::Sample(Sample { one_in: u64::MAX, slow: Duration::from_secs(1) });
    let matter = [
        json!({"log": {"level": "error"}}),
        json!({"log": {"level": "fatal"}}),
        json!({"event": {"outcome": "failure"}}),
        json!({"event": {"duration": 1_000_000_000}}),
    ];
    for document in matter {
        let kept = apply(std::slice::from_ref(&never), &document).unwrap();
        assert_eq!(kept["numeric_labels"]["sample_rate"], 1, "{document}");
    }
    assert_eq!(apply(&[never], &json!({"event": {"duration": 999_999_999}})), None);
}

// I06
#[test]
fn a_sample_holds_its_share_and_says_what_each_event_stands_for() {
    let mut process = Process::new(&[Processor::Sample(Sample { one_in: 10, slow: Duration::MAX })]).unwrap();
    let mut stands_for = 0;
    for number in 0..10_000u32 {
        let mut document = br#"{"a":1,"numeric_labels":{"b":2}}"#.to_vec();
        if process.apply(&mut document, &number.to_be_bytes(), Instant::now()) == Fate::Kept {
            let document: Value = serde_json::from_slice(&document).unwrap();
            stands_for += document["numeric_labels"]["sample_rate"].as_u64().unwrap();
        }
    }
    assert!((9_000..11_000).contains(&stands_for), "{stands_for}");
}

#[test]
fn events_of_one_trace_meet_one_fate() {
    let mut process = Process::new(&[Processor::Sample(Sample { one_in: 2, slow: Duration::MAX })]).unwrap();
    for trace in 0..50 {
        let fates: Vec<Fate> = (0..5u8)
            .map(|id| {
                let mut document = format!("{{\"trace\":{{\"id\":\"{trace:032x}\"}}}}").into_bytes();
                process.apply(&mut document, &[id], Instant::now())
            })
            .collect();
        assert!(fates.iter().all(|fate| *fate == fates[0]));
    }
}

#[test]
fn a_rate_is_limited_for_each_value_and_starts_anew_with_the_next_window() {
    let limit = RateLimit { events: 2, per: Duration::from_secs(1), by: Some("service.name".into()) };
    let mut process = Process::new(&[Processor::RateLimit(limit)]).unwrap();
    let began = Instant::now();
    let mut admit = |service: &str, after_ms: u64| {
        let mut document = json!({"service": {"name": service}}).to_string().into_bytes();
        process.apply(&mut document, b"", began + Duration::from_millis(after_ms)) == Fate::Kept
    };
    assert_eq!([admit("a", 0), admit("a", 1), admit("a", 2), admit("b", 3)], [true, true, false, true]);
    assert_eq!(
        [admit("a", 999), admit("a", 1000), admit("a", 1001), admit("a", 1002)],
        [false, true, true, false]
    );
    for service in 0..3000 {
        admit(&service.to_string(), 1003);
    }
    assert!(!admit("one more", 1004), "values beyond the bound share one count");
}

#[test]
fn each_processor_counts_what_ends_at_it_under_its_place_in_the_list() {
    let processors = [
        Processor::Rename { from: "a".into(), to: "b".into() },
        Processor::Drop(is("level", &["debug"])),
        redact(&[]).remove(0),
        Processor::RateLimit(RateLimit { events: 2, per: Duration::from_secs(1), by: None }),
    ];
    let mut process = Process::new(&processors).unwrap();
    let now = Instant::now();
    for level in ["debug", "info", "debug", "info", "info", "debug", "info", "warn"] {
        process.apply(&mut json!({"level": level}).to_string().into_bytes(), b"", now);
    }
    let counted: Vec<_> = process.filtered().map(|of| (of.number, of.processor, of.events)).collect();
    assert_eq!(counted, [(2, "drop", 3), (4, "rate_limit", 3)]);
}

proptest! {
    #[test]
    fn redaction_keeps_a_document_sound_and_leaves_other_values_alone(text: String, number: i64) {
        let document = json!({"message": text, "labels": {"a": [text, true]}, "n": number});
        let patterns = ["[^a-z]", "\\\\.", "\""];
        let found = apply(&redact(&patterns), &document).unwrap();
        prop_assert_eq!(&found["labels"]["a"][1], &json!(true));
        prop_assert!(!found["message"].as_str().unwrap().contains('"'));
    }
}
