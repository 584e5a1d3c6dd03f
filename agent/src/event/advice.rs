//! What the author of an application should change so that its lines say more.

use super::explain::Explanation;
use super::{Format, Refusal};
use serde_json::Value;

/// Keys that hold a length of time in most programs.
const DURATIONS: [&str; 4] = ["took", "duration", "elapsed", "latency"];

/// Numbers or texts of a document beyond which its index suffers.
const MANY_LABELS: usize = 40;

/// Advice on one line, the most useful first. Empty if the line needs none.
pub(super) fn advice(line: &Explanation) -> Vec<String> {
    if line.outcome.format == Format::Text {
        return vec![on_text(line.outcome.refusal).to_owned()];
    }
    let document: Value = serde_json::from_str(&line.document).unwrap_or_default();
    let parts = [on_time, on_level, on_message, on_service, on_request, on_labels];
    let mut advice: Vec<String> = parts.iter().filter_map(|part| part(line, &document)).collect();
    advice.extend(line.left_over.iter().filter_map(|(key, label)| on_key(key, label)));
    advice
}

fn on_text(refusal: Option<Refusal>) -> &'static str {
    match refusal {
        None | Some(Refusal::NotAnObject) => {
            "write one JSON object a line: of text only the message can be searched, without level, service or duration"
        }
        Some(Refusal::Cut) => "write shorter lines, or raise `max_line`: what is cut is no JSON any more",
        Some(Refusal::Trailing(_)) => {
            "end each object with a line break: two objects on one line are kept as text"
        }
        Some(Refusal::Encoding) => "write UTF-8",
        Some(_) => "let a JSON library write the line: this one is not valid JSON, so it is kept as text",
    }
}

fn on_time(line: &Explanation, document: &Value) -> Option<String> {
    if line.outcome.timestamp.is_none() {
        return Some("add the time as RFC 3339, such as `\"timestamp\":\"2026-08-21T10:15:30.123Z\"`: without one the time of reading is taken".into());
    }
    if line.outcome.zone_assumed {
        return Some("write `Z` or an offset behind the time: without one the input's `timezone` is taken, which is wrong for an hour twice a year".into());
    }
    let written = document["@timestamp"].as_str().unwrap_or_default();
    (!written.contains('.')).then(|| {
        "write the time with milliseconds at least: lines of one second cannot be put in order otherwise"
            .into()
    })
}

fn on_level(_: &Explanation, document: &Value) -> Option<String> {
    document["log"]["level"]
        .is_null()
        .then(|| "add `level` (trace, debug, info, warn, error, fatal): errors are found by it".into())
}

fn on_message(line: &Explanation, _: &Value) -> Option<String> {
    let given = line.mapped.iter().any(|(_, field)| matches!(*field, "message" | "error.message"));
    (!given).then(|| "add a `message`: the whole line stands in for it".into())
}

fn on_service(_: &Explanation, document: &Value) -> Option<String> {
    document["service"]["name"].is_null().then(|| {
        "name the service: `service.name` in the line, `fields: {service.name: …}` of the input, or SERVICE_NAME in the agent's environment".into()
    })
}

/// Some parts of a finished request, but not all.
fn on_request(_: &Explanation, document: &Value) -> Option<String> {
    let http = &document["http"];
    let parts = [
        ("method", !http["request"]["method"].is_null()),
        ("status code", !http["response"]["status_code"].is_null()),
        ("duration", !document["event"]["duration"].is_null()),
    ];
    let missing: Vec<&str> = parts.iter().filter(|(_, given)| !given).map(|(name, _)| *name).collect();
    let is_end = parts[1].1 && !missing.is_empty();
    is_end.then(|| {
        format!(
            "add the {} to the line that ends a request: only method, status code and duration together count as one",
            missing.join(" and the ")
        )
    })
}

fn on_labels(line: &Explanation, _: &Value) -> Option<String> {
    let labels = line.left_over.len();
    (labels > MANY_LABELS).then(|| {
        format!("log fewer keys or nest less: {labels} keys of this line have no ECS name, and a stream learns 500 in all")
    })
}

/// Advice on a key that became a label.
fn on_key(key: &str, label: &str) -> Option<String> {
    let last = key.rsplit('.').next().unwrap_or(key);
    if DURATIONS.contains(&last) && label.starts_with("numeric_labels.") {
        return Some(format!(
            "name the unit in the key, `{last}_ms` or `{last}_ns`: a number under `{key}` says not what it counts, so it is no `event.duration`"
        ));
    }
    let plain = last.to_ascii_lowercase().replace(['_', '-'], "");
    if ["traceid", "oteltraceid", "spanid", "otelspanid"].contains(&plain.as_str()) {
        return Some(format!(
            "write `{key}` as W3C ids are, 32 hexadecimal digits for a trace and 16 for a span: other ids are labels and link nothing"
        ));
    }
    let base = label.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let repeated = base.len() < label.len() && base.ends_with('_') && !key.ends_with(&label[base.len()..]);
    repeated.then(|| {
        format!(
            "write `{key}` once: the line says it several times, and only the first is kept under its name"
        )
    })
}

#[cfg(test)]
mod tests {
    use crate::event::{Environment, Explainer, Line, LineEnd};
    use std::path::Path;

    fn advice(text: &str) -> Vec<String> {
        let input = crate::event::tests::input();
        let read_at = "2026-08-21T10:15:33Z".parse().unwrap();
        let line = Line { bytes: text.as_bytes(), offset: 0, end: LineEnd::Terminated, read_at };
        let mut explainer =
            Explainer::new(&input, &Environment::default(), &[], Path::new("/a.log")).unwrap();
        explainer.explain(line, 1).advice()
    }

    #[test]
    fn each_shortcoming_has_its_advice() {
        let cases = [
            ("plain text", "one JSON object a line"),
            (r#"{"a":1}{"b":2}"#, "two objects on one line"),
            (r#"{"a":1,}"#, "let a JSON library write"),
            (r#"{"level":"info","msg":"x"}"#, "add the time"),
            (r#"{"time":"2026-08-21T10:15:30.5","level":"info","msg":"x"}"#, "`Z` or an offset"),
            (r#"{"time":"2026-08-21T10:15:30Z","level":"info","msg":"x"}"#, "with milliseconds"),
            (r#"{"time":"2026-08-21T10:15:30.5Z","msg":"x"}"#, "add `level`"),
            (r#"{"time":"2026-08-21T10:15:30.5Z","level":"info","a":1}"#, "add a `message`"),
            (r#"{"time":"2026-08-21T10:15:30.5Z","level":"info","msg":"x"}"#, "name the service"),
            (r#"{"time":"2026-08-21T10:15:30.5Z","method":"GET","status":200}"#, "add the duration"),
            (r#"{"timestamp":"2026-08-21T10:15:30.5Z","level":"info","message":"x","took":3}"#, "`took_ms`"),
            (r#"{"time":"2026-08-21T10:15:30.5Z","msg":"x","trace_id":"7"}"#, "32 hexadecimal digits"),
            (r#"{"time":"2026-08-21T10:15:30.5Z","msg":"x","a":"1","a":"2"}"#, "write `a` once"),
        ];
        for (line, wanted) in cases {
            let found = advice(line);
            assert!(found.iter().any(|advice| advice.contains(wanted)), "{line}: {found:?}");
        }
    }

    #[test]
    fn a_good_line_gets_no_advice() {
        let line = r#"{"v":0,"name":"shop","msg":"[REQUEST - END]","level":30,"hostname":"web-1","pid":7,"time":"2026-08-21T10:15:30.079Z","target":"shop::http","line":41,"file":"src/http.rs","http.method":"GET","http.status_code":200,"elapsed_milliseconds":12,"item_2":"x"}"#;
        assert_eq!(advice(line), Vec::<String>::new());
    }
}
