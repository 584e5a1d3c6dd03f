//! What stands on stderr.

use super::*;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use tracing::{debug, error, info, info_span, warn};

/// Everything a terminal or a line reader would obey instead of showing.
const HOSTILE: &str = "a\x1b[31m\r\n\u{2028}\u{2029}\u{202e}\u{2066}\u{9b}\u{7f}\u{85}z";

#[derive(Debug, Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn records(&self) -> Vec<serde_json::Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Buffer {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn as_json(level: LevelFilter, act: impl FnOnce()) -> Buffer {
    let buffer = Buffer::default();
    let base = tracing_subscriber::registry().with(targets(level)).with(RepeatLayer::default());
    tracing::subscriber::with_default(json_log(base, buffer.clone()), act);
    buffer
}

fn as_text(colour: bool, act: impl FnOnce()) -> String {
    let buffer = Buffer::default();
    let base = tracing_subscriber::registry().with(targets(LevelFilter::TRACE));
    tracing::subscriber::with_default(base.with(text::layer(buffer.clone(), colour)), act);
    buffer.text()
}

fn hostile_records() {
    let span = info_span!("output", host = HOSTILE);
    let _inside = span.enter();
    error!(shown = %HOSTILE, quoted = HOSTILE, debugged = ?HOSTILE, "{HOSTILE}");
}

fn assert_one_harmless_line(text: &str) {
    let line = text.strip_suffix('\n').unwrap();
    assert_eq!(line.chars().find(|character| is_dangerous(*character)), None, "{line}");
}

#[test]
fn hostile_text_stays_on_one_line_in_json_and_reads_back_unchanged() {
    let log = as_json(LevelFilter::INFO, hostile_records);
    assert_one_harmless_line(&log.text());
    let record = &log.records()[0];
    for field in ["shown", "quoted", "host"] {
        assert_eq!(record[field], HOSTILE, "{field}");
    }
    assert_eq!(record["msg"], format!("[OUTPUT - EVENT] {HOSTILE}"));
    assert_eq!((&record["name"], &record["v"], &record["level"]), (&"blueox".into(), &0.into(), &50.into()));
}

#[test]
fn hostile_text_stays_on_one_line_on_a_terminal() {
    let text = as_text(false, hostile_records);
    assert_one_harmless_line(&text);
    assert!(
        text.contains(r"shown=a\u{1b}[31m\r\n\u{2028}\u{2029}\u{202e}\u{2066}\u{9b}\u{7f}\u{85}z"),
        "{text}"
    );
}

#[test]
fn colour_comes_from_the_log_itself_only() {
    let colours = |text: &str| text.matches('\x1b').count();
    let harmless = as_text(true, || warn!(file = "a", "line cut"));
    let hostile = as_text(true, || warn!(file = %HOSTILE, "line cut"));
    assert!(colours(&harmless) > 0, "{harmless:?}");
    assert_eq!(colours(&harmless), colours(&hostile), "{hostile:?}");
    assert_eq!(hostile.lines().count(), 1);
}

#[test]
fn spans_give_fields_and_write_nothing_themselves() {
    let log = as_json(LevelFilter::TRACE, || {
        info_span!("file", path = "/var/log/a").in_scope(|| info!(bytes = 7, "opened"));
    });
    let records = log.records();
    assert_eq!(records.len(), 1, "{records:?}");
    assert_eq!((&records[0]["path"], &records[0]["bytes"]), (&"/var/log/a".into(), &7.into()));
}

#[test]
fn each_key_stands_once_and_the_event_comes_before_the_span() {
    let log = as_json(LevelFilter::INFO, || {
        info_span!("file", file = "of the span", status = 1, only = true).in_scope(|| {
            warn!(file = "/var/log/a", status = 2, "line cut");
        });
    });
    let text = log.text();
    for key in ["file", "status", "line", "target"] {
        assert_eq!(text.matches(&format!("\"{key}\":")).count(), 1, "{text}");
    }
    assert!(text.starts_with("{\"v\":0,\"name\":\"blueox\",\"msg\":"), "{text}");
    let record = &log.records()[0];
    assert_eq!((&record["file"], &record["status"]), (&"/var/log/a".into(), &2.into()));
    assert_eq!((&record["only"], record["line"].is_u64()), (&true.into(), true));
}

#[test]
fn long_value_is_cut_and_the_record_stays_json() {
    let long = "é\n".repeat(100_000);
    let log = as_json(LevelFilter::INFO, || warn!(error = %long, status = 500, "refused"));
    let record = &log.records()[0];
    let kept = record["error"].as_str().unwrap();
    assert!(
        kept.len() <= MAX_VALUE + 3 && kept.starts_with("é\né\n") && kept.ends_with('…'),
        "{}",
        kept.len()
    );
    assert_eq!((&record["status"], &record["msg"]), (&500.into(), &"refused".into()));

    let text = as_text(false, || warn!(error = %long, "refused"));
    assert!(text.len() < MAX_VALUE + 200, "{}", text.len());
}

#[test]
fn records_of_other_crates_pass_from_warn_on() {
    let log = as_json(LevelFilter::DEBUG, || {
        debug!("own");
        info!(target: "hyper::proto", "noise");
        warn!(target: "notify", "trouble");
    });
    let messages: Vec<_> = log.records().iter().map(|record| record["msg"].clone()).collect();
    assert_eq!(messages, ["own", "trouble"]);

    let quiet = as_json(LevelFilter::ERROR, || warn!(target: "notify", "trouble"));
    assert_eq!(quiet.text(), "");
}

#[test]
fn noisy_place_does_not_keep_others_from_the_log() {
    let log = as_json(LevelFilter::INFO, || {
        for line in 0..1000 {
            warn!(line_number = line, "noise");
        }
        error!("important");
    });
    let records = log.records();
    let important = records.iter().filter(|record| record["msg"] == "important").count();
    assert_eq!((records.len(), important), (21, 1));
}

#[test]
fn level_is_one_of_the_known_words() {
    for (word, expected) in [
        ("", LevelFilter::WARN),
        ("off", LevelFilter::OFF),
        ("error", LevelFilter::ERROR),
        ("warn", LevelFilter::WARN),
        ("INFO", LevelFilter::INFO),
        (" debug ", LevelFilter::DEBUG),
        ("trace", LevelFilter::TRACE),
    ] {
        assert_eq!(level(Some(word.into()), LevelFilter::WARN).unwrap(), expected, "{word}");
    }
    assert_eq!(level(None, LevelFilter::INFO).unwrap(), LevelFilter::INFO);
    for word in ["verbose", "3", "blueox=debug", "info\x1b[31m"] {
        let error = level(Some(word.into()), LevelFilter::INFO).unwrap_err().to_string();
        assert!(error.contains(&format!("`{}`", escaped(word))), "{error}");
        assert!(error.contains("off, error, warn, info, debug or trace"), "{error}");
    }
}

#[test]
fn chain_joins_causes_on_one_bounded_line() {
    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Failure {
        text: String,
        source: Option<Box<Self>>,
    }
    let failure =
        |text: &str, source: Option<Failure>| Failure { text: text.into(), source: source.map(Box::new) };

    let error =
        failure("cannot send", Some(failure("refused\n\x1b[31m", Some(failure("os error 111", None)))));
    assert_eq!(chain(&error), r"cannot send: refused\n\u{1b}[31m: os error 111");
    assert_eq!(chain(&failure("alone", None)), "alone");

    let deep = (0..100).fold(failure("x", None), |inner, _| failure(&"y".repeat(500), Some(inner)));
    let line = chain(&deep);
    assert!(line.len() <= MAX_CHAIN + 3 && line.ends_with('…'), "{}", line.len());
}
