//! What processors leave out, change and keep on the way from a file to the server.

use crate::agent::Site;
use crate::log_writer::LogFile;
use crate::server;
use crate::stored::{all, items_sent, messages};
use bench::fault::FaultServer;
use serde_json::json;

fn site(server: &FaultServer, processors: &str) -> Site {
    Site::with_settings(&server.url(), "*", "max_line: 1KiB", &format!("processors:\n{processors}"))
}

fn line(level: &str, message: &str) -> String {
    format!(r#"{{"time":"2026-08-21T10:15:30.5Z","level":"{level}","message":"{message}"}}"#)
}

// I04
#[test]
fn dropped_lines_are_filtered_settled_and_never_read_again() {
    let server = server();
    let site = site(&server, "  - drop: {field: log.level, is: [debug]}");
    let mut log = LogFile::open(site.logs().join("a.log"));
    let mut agent = site.run();
    // A line longer than the reader's buffer goes another way through it.
    let long = format!("debug {}", "x".repeat(300_000));
    for number in 0..100 {
        log.line(&line("debug", &format!("debug {number}")));
        log.line(&line("info", &format!("info {number}")));
    }
    log.line(&line("debug", &long));
    log.line(&line("debug", "last"));
    let report = agent.wait_status("all lines have met their fate", |status| {
        status.accounts.read == 202 && status.accounts.pending == 0
    });
    assert_eq!((report.accounts.delivered, report.accounts.filtered), (101, 101));
    let by: Vec<_> =
        report.processors.iter().map(|of| (of.number, of.processor.as_str(), of.filtered)).collect();
    assert_eq!(by, [(1, "drop", 101)]);
    let size = std::fs::metadata(log.path()).expect("the log").len();
    agent.wait_status("the checkpoint is behind the dropped lines", |status| {
        status.files.iter().all(|file| file.settled == size && file.checkpointed == size)
    });
    agent.kill();
    let mut agent = site.run();
    log.line(&line("info", "after the restart"));
    agent.wait("the new line is stored", || server.created() == 102);
    let report = agent.wait_status("nothing is pending", |status| status.accounts.pending == 0);
    assert_eq!((report.accounts.read, report.accounts.filtered), (1, 0));
    assert_eq!(items_sent(&server), 102);
    // What is cut at `max_line` is text, has no level and so is not dropped.
    let cut: Vec<_> = all(&server).into_iter().filter(|stored| stored.flags() == ["truncated"]).collect();
    assert_eq!(cut.len(), 1);
    assert!(messages(&server, "a.log").contains(&"info 99".to_owned()));
    agent.stop();
}

#[test]
fn processors_act_in_their_order_on_what_is_sent() {
    let server = server();
    let site = site(
        &server,
        "  - rename: {from: usr.nm, to: user.name}\n  \
           - rename: {from: odd, to: process.pid}\n  \
           - redact: {patterns: ['password=(\\S+)']}\n  \
           - keep: {field: user.name, matches: '^[ab]'}\n  \
           - sample: {one_in: 1}",
    );
    let mut log = LogFile::open(site.logs().join("a.log"));
    log.line(r#"{"message":"in password=hunter2 4111-1111-1111-1111","usr":{"nm":"ann","id":7},"odd":"no number"}"#);
    log.line(r#"{"message":"other","usr":{"nm":"zoe"}}"#);
    let mut agent = site.run();
    let report = agent
        .wait_status("both are settled", |status| status.accounts.read == 2 && status.accounts.pending == 0);
    assert_eq!((report.accounts.delivered, report.accounts.filtered), (1, 1));
    let stored = all(&server).remove(0).document;
    assert_eq!(stored["message"], "in password=*** ***");
    assert_eq!(stored["user"]["name"], "ann");
    assert_eq!(stored["labels"], json!({"process_pid": "no number"}));
    assert_eq!(stored["numeric_labels"], json!({"usr_id": 7, "sample_rate": 1}));
    agent.stop();
}
