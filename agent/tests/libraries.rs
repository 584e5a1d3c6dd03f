//! What real libraries wrote becomes documents with the right level, time and unit.
//!
//! The programs in `tests/make-samples` say in the message what the document has to hold: `said at warn`, `took 3 ms`, `failed`
//! (with the error `db timeout`); `said_ms` is the clock right before the call. Their output is
//! `tests/data/formats/<format>/made_*.log`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/mapping.rs"]
mod mapping;

use blueox::event::{LineEnd, Mapped};
use mapping::{Pipeline, environment, input, samples};
use serde_json::Value;

const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
/// Some libraries write whole seconds.
const COARSEST_MS: i64 = 1_000;

/// Every library whose output is held against what it was told to say, and its folder of samples.
const LIBRARIES: [&str; 28] = [
    "ecs/made_java",
    "ecs/made_pino",
    "ecs/made_python",
    "ecs/made_winston",
    "log4rs/made_json",
    "logback/made_encoder",
    "logrus/made_caller",
    "logrus/made_plain",
    "node-bunyan/made_default",
    "node-bunyan/made_slog",
    "pino/made_default",
    "pino/made_iso_and_words",
    "python/made_asctime",
    "python/made_timestamp",
    "slog/made_plain",
    "slog/made_source",
    "slog-rust/made_json",
    "structlog/made_epoch_and_dicts",
    "structlog/made_iso",
    "tracing/made_flat",
    "tracing/made_nested",
    "tracing-bunyan/made_default",
    "winston/made_json",
    "winston/made_timestamp",
    "zap/made_development",
    "zap/made_production",
    "zerolog/made_default",
    "zerolog/made_unix_ms",
];

/// What one line has to become; the differences in words.
fn wrong(document: &Value, mapped: &Mapped, is_ecs: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut expect = |name: &str, found: &Value, wanted: Value| {
        if *found != wanted {
            wrong.push(format!("{name} is {found}, not {wanted}"));
        }
    };
    let message = document["message"].as_str().unwrap();
    if let Some(level) = message.strip_prefix("said at ") {
        expect("log.level", &document["log"]["level"], level.into());
        expect("error", &document["error"]["message"], Value::Null);
    }
    if message == "said at info" && !document["trace"].is_null() {
        expect("trace.id", &document["trace"]["id"], TRACE_ID.into());
    }
    // ECS lines state their durations under its own name or not at all.
    if message == "took 3 ms" && !is_ecs {
        expect("event.duration", &document["event"]["duration"], 3_000_000.into());
    }
    if message == "failed" {
        expect("error.message", &document["error"]["message"], "db timeout".into());
        expect("log.level", &document["log"]["level"], "error".into());
    }
    let said = [&document["numeric_labels"]["said_ms"], &document["labels"]["said_ms"]];
    let said = said.iter().find_map(|said| said.as_i64().or_else(|| said.as_str()?.parse().ok()));
    if let (Some(said), Some(_)) = (said, mapped.timestamp) {
        let time: jiff::Timestamp = document["@timestamp"].as_str().unwrap().parse().unwrap();
        let late = time.as_millisecond() - said;
        if !(-COARSEST_MS..=COARSEST_MS).contains(&late) {
            wrong.push(format!("@timestamp is {late} ms after `said_ms`"));
        }
    }
    wrong
}

// I01
#[test]
fn every_library_maps_without_a_wrong_level_time_or_unit() {
    let mut complaints = Vec::new();
    let mut seen = Vec::new();
    for (format, path) in samples().into_iter().filter(|(_, path)| is_made(path)) {
        let name = format!("{format}/{}", path.file_stem().unwrap().to_str().unwrap());
        let mut pipeline = Pipeline::new(&input(None), &environment());
        let text = std::fs::read_to_string(&path).unwrap();
        let (mut levels, mut traced, mut failed) = (0, 0, 0);
        for line in text.lines() {
            let (document, mapped) = pipeline.map(line, LineEnd::Terminated);
            // winston writes a time only if asked.
            let untimed = mapped.timestamp.is_none() && !name.ends_with("winston/made_json");
            let found = wrong(&document, &mapped, format == "ecs");
            if untimed || !found.is_empty() {
                complaints.push(format!(
                    "{name}: {} (timed: {})\n  {line}\n  {document}",
                    found.join("; "),
                    !untimed
                ));
            }
            let message = document["message"].as_str().unwrap();
            levels += u32::from(message.starts_with("said at "));
            traced += u32::from(document["trace"]["id"] == TRACE_ID);
            failed += u32::from(message == "failed");
        }
        if name != "pino/made_http" {
            assert!(
                levels >= 4 && (traced > 0 || format == "ecs") && failed >= 1,
                "{name}: {levels} levels, traced: {traced}, {failed} errors"
            );
        }
        seen.push(name);
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    for library in LIBRARIES {
        assert!(seen.iter().any(|name| name == library), "no sample of {library}");
    }
}

fn is_made(path: &std::path::Path) -> bool {
    path.file_stem().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("made_"))
}
