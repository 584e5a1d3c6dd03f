//! The real program, killed and stopped at bad moments, must store every line once (P2, P7).

use crate::agent::Site;
use crate::log_writer::LogFile;
use bench::fault::{Fault, FaultServer, Options, Plan};
use bench::judge::Judge;
use bench::line::{Format, Origin};
use bench::writer::{Clock, LogWriter, Rotation};
use std::time::Duration;

const ORIGIN: Origin = Origin { seed: 20, writer: 1, format: Format::Tracing };

fn server(plan: Plan) -> FaultServer {
    FaultServer::start(Options::new(plan)).expect("a server on loopback")
}

fn writer(site: &Site, rotation: Rotation) -> LogWriter {
    LogWriter::open(&site.logs().join("app.log"), ORIGIN, Clock::SAMPLE, rotation).expect("a log file")
}

/// Panics unless every line written is stored once and unaltered, and nothing else is.
fn judge(server: &FaultServer, writer: &LogWriter) {
    let mut judge = Judge::new(&[writer.entry()]).expect("one writer");
    for document in server.documents() {
        judge
            .take(&format!("{}/{}", document.index, document.id), &String::from_utf8_lossy(&document.source));
    }
    let verdict = judge.verdict();
    assert!(verdict.clean(), "{verdict}");
}

/// The requests of the first run are stored and never answered: all of them are of unknown fate when it dies.
#[test]
fn restart_after_kill_stores_every_line_once() {
    let server = server(Plan::Script(vec![Fault::Hang(Duration::from_secs(30)); 4]));
    let site = Site::new(&server.url());
    let mut writer = writer(&site, Rotation::Rename);
    writer.write(5_000).expect("written");

    let mut agent = site.run();
    agent.wait("a request is stored and not answered", || server.created() > 0);
    agent.kill();
    writer.rotate().expect("rotated");
    writer.write(5_000).expect("written");

    server.set_plan(Plan::Calm);
    let mut agent = site.run();
    agent.wait("all lines are stored", || server.created() >= 10_000);
    assert!(agent.stop().success());
    judge(&server, &writer);
    assert!(server.traffic().items().contains_key(&409), "the repeat was refused, not avoided by chance");
}

#[test]
fn a_stop_and_a_start_repeat_no_line() {
    let server = server(Plan::Calm);
    let site = Site::new(&server.url());
    let mut writer = writer(&site, Rotation::Shift);
    writer.write(1_000).expect("written");
    let mut agent = site.run();
    agent.wait("the first lines are stored", || server.created() >= 1_000);
    assert!(agent.stop().success());

    writer.write(1_000).expect("written");
    writer.rotate().expect("rotated");
    writer.write(1_000).expect("written");
    let mut agent = site.run();
    agent.wait("all lines are stored", || server.created() >= 3_000);
    let status = agent.wait_status("nothing is pending", |status| status.accounts.pending == 0);
    assert_eq!(status.accounts.read, 2_000, "the second run reads only what is new: {status:#?}");
    assert_eq!(status.accounts.duplicate, 0, "{status:#?}");
    assert!(agent.stop().success());
    judge(&server, &writer);
}

/// F02: the half line is completed while nobody looks.
#[test]
fn half_a_line_at_the_stop_is_one_event_after_the_start() {
    let server = server(Plan::Calm);
    let site = Site::new(&server.url());
    let mut log = LogFile::open(site.logs().join("app.log"));
    log.line(r#"{"message":"whole"}"#);
    log.raw(br#"{"message":"be"#);
    let mut agent = site.run();
    agent.wait("the whole line is stored", || server.created() == 1);
    agent.kill();
    log.raw(b"gun\"}\n");
    log.line(r#"{"message":"last"}"#);
    let mut agent = site.run();
    agent.wait("all lines are stored", || server.created() >= 3);
    assert!(agent.stop().success());
    let mut messages: Vec<String> = server
        .documents()
        .iter()
        .map(|document| serde_json::from_slice(&document.source).expect("JSON"))
        .map(|document: serde_json::Value| document["message"].as_str().expect("a message").to_owned())
        .collect();
    messages.sort();
    assert_eq!(messages, ["begun", "last", "whole"]);
}

#[test]
fn faults_of_all_kinds_lose_and_repeat_nothing() {
    let script = [
        Fault::Refuse(429),
        Fault::RefuseItems(429),
        Fault::LoseAnswer,
        Fault::RefuseItems(503),
        Fault::CutAnswer,
        Fault::Refuse(503),
        Fault::WrongCount,
        Fault::ResetBeforeReading,
        Fault::RefuseItems(500),
        Fault::Hang(Duration::ZERO),
    ];
    let server = server(Plan::Script(script.to_vec()));
    let site = Site::new(&server.url());
    let mut writer = writer(&site, Rotation::CopyTruncate);
    let mut agent = site.run();
    for part in 1..=4 {
        writer.write(2_000).expect("written");
        agent.wait("half of the lines so far are stored", || server.created() >= part * 1_000);
        writer.rotate().expect("rotated");
    }
    agent.wait("all lines are stored", || server.created() >= 8_000);
    agent.wait("the script is played to its end", || {
        writer.write(1).expect("written");
        server.request_count() > script.len()
    });
    let status = agent.wait_status("nothing is pending", |status| {
        let accounts = status.accounts;
        accounts.pending == 0 && accounts.read == writer.entry().lines()
    });
    assert_eq!((status.accounts.lost, status.accounts.dead_lettered), (0, 0), "{status:#?}");
    assert!(agent.stop().success());
    judge(&server, &writer);
}

/// Ids are unique per backing index only: what was stored before the rollover must be found there, not sent again.
#[test]
fn a_rollover_while_the_first_answer_is_lost_repeats_nothing() {
    let server = server(Plan::Script(vec![Fault::LoseAnswerAndRollOver]));
    let site = Site::new(&server.url());
    let mut writer = writer(&site, Rotation::None);
    writer.write(12_000).expect("written");
    let mut agent = site.run();
    agent.wait("all lines are stored", || server.created() >= 12_000);
    agent.wait_status("nothing is pending", |status| {
        status.accounts.pending == 0 && status.accounts.read == writer.entry().lines()
    });
    assert!(agent.stop().success());
    judge(&server, &writer);
}
