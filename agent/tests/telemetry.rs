//! The log of a whole process. Each test starts this file's own binary again, as the process that logs.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use blueox::telemetry;
use serde_json::Value;
use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;
use tracing::level_filters::LevelFilter;
use tracing::{error, info, warn};

/// Names the part the started process plays.
const PART: &str = "BLUEOX_TEST_PART";

/// Not a test of its own: the started process runs only this one.
#[test]
fn part() {
    let Ok(part) = std::env::var(PART) else { return };
    if let Err(error) = telemetry::init(LevelFilter::INFO) {
        println!("refused: {error}");
        return;
    }
    match part.as_str() {
        "speak" => {
            info!(target: "blueox::test", file = "/var/log/a", "opened");
            let twice = telemetry::init(LevelFilter::INFO).unwrap_err();
            error!(error = %telemetry::chain(&twice), "second set-up");
        }
        "flood" => {
            for number in 0..1000 {
                warn!(number, "flood");
            }
            telemetry::flush();
        }
        "flood and wait" => {
            for number in 0..1000 {
                warn!(number, "flood");
            }
            thread::park();
        }
        "panic" => panic_in_a_thread(),
        "panic with full stderr" => {
            thread::spawn(|| while std::io::stderr().write_all(&[b'.'; 4096]).is_ok() {});
            panic_in_a_thread();
        }
        "panic in a field" => {
            struct Broken;
            impl std::fmt::Display for Broken {
                fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    panic!("broken field")
                }
            }
            warn!(field = %Broken, "never written");
        }
        other => println!("unknown part {other}"),
    }
}

fn panic_in_a_thread() {
    let reader = thread::Builder::new().name("reader".into());
    reader.spawn(|| panic!("broken\ninvariant {}", 7)).unwrap();
    // Half-dead: the other threads would go on for ever.
    loop {
        thread::sleep(Duration::from_secs(3600));
    }
}

fn process(part: &str, level: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "part", "--nocapture"]);
    command.env(PART, part).env("BLUEOX_LOG", level).env_remove("RUST_BACKTRACE");
    command.stdin(Stdio::null());
    command
}

fn play(part: &str, level: &str) -> Output {
    process(part, level).output().unwrap()
}

fn records(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect()
}

/// The test binary itself also ends with 101 where a test fails, but only after this line.
fn ended_by_itself(output: &Output) -> bool {
    String::from_utf8_lossy(&output.stdout).contains("test result:")
}

#[test]
fn log_into_a_pipe_is_bunyan_json() {
    let records = records(&play("speak", ""));
    assert_eq!(records.len(), 2, "{records:?}");
    let opened = &records[0];
    assert_eq!(opened["v"], 0);
    assert_eq!(opened["name"], "blueox");
    assert_eq!(opened["level"], 30);
    assert_eq!(opened["msg"], "opened");
    assert_eq!(opened["file"], "/var/log/a");
    assert!(opened["time"].is_string() && opened["hostname"].is_string() && opened["pid"].is_u64());
    assert_eq!(records[1]["error"], "the log of this process is already set up");
}

#[test]
fn level_comes_from_the_environment_and_an_unknown_word_is_refused() {
    assert_eq!(records(&play("speak", "error")).len(), 1);
    assert_eq!(records(&play("speak", "off")).len(), 0);
    let refused = play("speak", "loud");
    let said = String::from_utf8_lossy(&refused.stdout).into_owned();
    assert!(said.contains("refused: BLUEOX_LOG is `loud`, which is no level"), "{said}");
}

#[test]
fn flood_becomes_twenty_records_and_one_that_counts_the_rest() {
    let records = records(&play("flood", "info"));
    let (flood, rest): (Vec<&Value>, Vec<&Value>) =
        records.iter().partition(|record| record["msg"] == "flood");
    assert_eq!(flood.len(), 20);
    assert_eq!(rest.len(), 1, "{rest:?}");
    assert_eq!(rest[0]["msg"], "repeated records suppressed");
    assert_eq!((&rest[0]["repeated"], &rest[0]["suppressed"]), (&"flood".into(), &980.into()));
    assert_eq!(rest[0]["level"], 40);
    assert!(rest[0]["at"].as_str().unwrap().contains("telemetry.rs:"), "{rest:?}");
}

#[test]
fn rest_of_a_flood_is_counted_even_if_nothing_is_logged_afterwards() {
    use std::io::{BufRead, BufReader};
    let mut child =
        process("flood and wait", "info").stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let summary = lines.map(Result::unwrap).find(|line| line.contains("repeated records suppressed"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(summary.unwrap().contains("\"suppressed\":980"));
}

#[test]
fn panic_in_any_thread_is_one_error_record_and_ends_the_process() {
    let output = play("panic", "info");
    assert_eq!(output.status.code(), Some(101));
    assert!(!ended_by_itself(&output), "{output:?}");
    let records = records(&output);
    assert_eq!(records.len(), 1, "{records:?}");
    assert_eq!(records[0]["level"], 50);
    assert_eq!(records[0]["panic"], "broken\\ninvariant 7");
    assert_eq!(records[0]["thread"], "reader");
    assert!(records[0]["at"].as_str().unwrap().contains("tests/telemetry.rs:"), "{records:?}");
}

#[test]
fn panic_while_a_record_is_written_ends_the_process_too() {
    let output = play("panic in a field", "info");
    assert_eq!(output.status.code(), Some(101));
    assert!(!ended_by_itself(&output), "{output:?}");
    let records = records(&output);
    assert_eq!(records.len(), 1, "{records:?}");
    assert_eq!(records[0]["panic"], "broken field");
}

#[test]
fn panic_ends_the_process_even_if_nobody_reads_its_log() {
    let mut child = process("panic with full stderr", "info")
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // The pipe stays open and unread until the process is gone.
    let unread = child.stderr.take();
    let output = child.wait_with_output().unwrap();
    drop(unread);
    assert_eq!(output.status.code(), Some(101));
    assert!(!ended_by_itself(&output), "{output:?}");
}
