//! Lines from a pipe: the queue on disk between it and the server.

#[path = "support/agent.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared by several tests, each using its part")]
mod agent;

use agent::Site;
use bench::fault::{Fault, FaultServer, Options, Plan};
use serde_json::Value;
use std::fs;
use std::io::{PipeReader, Write};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

/// Resident memory the agent may have: `limits.memory`. The unoptimised program alone maps far more.
const MEMORY: u64 = if cfg!(debug_assertions) { 64 << 20 } else { 24 << 20 };

fn server() -> FaultServer {
    FaultServer::start(Options::new(Plan::Calm)).expect("a server on loopback")
}

fn site(url: &str, limits: &str) -> Site {
    Site::with_config(|site| {
        format!(
            "host: {{id: test}}\ninputs:\n  - type: stdin\nlimits: {limits}\n\
             output:\n  elasticsearch:\n    hosts: [{url:?}]\n    bulk: {{linger: 20ms}}\n\
             state: {{path: {:?}}}\nmonitoring: {{listen: {:?}, events: false}}\n",
            site.path("state"),
            site.status_address().to_string()
        )
    })
}

/// The stored messages, in the order they were stored.
fn messages(server: &FaultServer) -> Vec<String> {
    let parsed = server.documents().into_iter().map(|document| {
        let document: Value = serde_json::from_slice(&document.source).expect("valid JSON on the wire");
        assert!(document["log"]["file"].is_null(), "the segment is no file of the user: {document}");
        document["message"].as_str().expect("message").to_owned()
    });
    parsed.collect()
}

/// What lies in the segments of the queue, their first lines excluded.
fn queued_bytes(site: &Site) -> u64 {
    let Ok(entries) = fs::read_dir(site.path("state/queue/stdin")) else { return 0 };
    entries.filter_map(|entry| entry.ok()?.metadata().ok()).map(|facts| facts.len()).sum()
}

fn line(number: u64) -> String {
    format!("{{\"level\":30,\"time\":\"2026-08-21T10:15:30Z\",\"msg\":\"line {number:07}\"}}\n")
}

/// The number of a line that arrived as it was written.
fn number(message: &str) -> Option<u64> {
    message.strip_prefix("line ").filter(|rest| rest.len() == 7)?.parse().ok()
}

#[test]
fn a_pipe_is_delivered_and_the_agent_ends_with_it() {
    let server = server();
    let site = site(&server.url(), "{}");
    let (input, mut pipe) = std::io::pipe().expect("a pipe");
    let agent = site.run_reading(input.into());
    pipe.write_all(b"one\n{\"msg\":\"two\",\"level\":30,\"time\":\"2026-08-21T10:15:30Z\"}\n\nno end")
        .expect("written");
    drop(pipe);
    assert_eq!(agent.finish().code(), Some(0));
    assert_eq!(messages(&server), ["one", "two", "no end"]);
    assert_eq!(queued_bytes(&site), 0, "nothing stays");
}

// The same line again is another line, in the next run as in this one: a segment is never taken for a copy of one that is gone.
#[test]
fn the_same_text_in_two_runs_is_delivered_twice() {
    let server = server();
    let site = site(&server.url(), "{}");
    for _ in 0..3 {
        let (input, mut pipe) = std::io::pipe().expect("a pipe");
        let agent = site.run_reading(input.into());
        pipe.write_all(b"same\nsame\n").expect("written");
        drop(pipe);
        assert_eq!(agent.finish().code(), Some(0));
    }
    assert_eq!(messages(&server), ["same"; 6]);
}

#[test]
fn without_a_path_lines_come_from_standard_input() {
    let server = server();
    let site = site(&server.url(), "{}");
    let (input, mut pipe) = std::io::pipe().expect("a pipe");
    let out = site.path("out.ndjson");
    let to = format!("file:{}", out.display());
    let agent = site.start_reading(&["run".as_ref(), "--to".as_ref(), to.as_ref()], input.into());
    pipe.write_all(b"one\ntwo\n").expect("written");
    drop(pipe);
    // Another agent of this machine may hold the port of the status page, which no argument moves.
    if agent.finish().success() {
        assert_eq!(fs::read_to_string(out).expect("the output").lines().count(), 2);
    } else {
        assert!(fs::read_to_string(site.path("agent.log")).expect("a log").contains("cannot listen"));
    }
}

/// A site with the smallest queue, whose segments have 2 MiB, and a file for its output.
fn site_into_file() -> Site {
    Site::with_config(|site| {
        format!(
            "host: {{id: test}}\ninputs:\n  - type: stdin\nlimits: {{queue: 16MiB}}\noutput:\n  file: {{path: {:?}}}\n\
             state: {{path: {:?}}}\nmonitoring: {{listen: {:?}, events: false}}\n",
            site.path("out.ndjson"),
            site.path("state"),
            site.status_address().to_string()
        )
    })
}

/// The messages in that file.
fn written_messages(site: &Site) -> Vec<String> {
    let out = fs::read_to_string(site.path("out.ndjson")).expect("the output");
    let messages = out.lines().map(|line| {
        let document: Value = serde_json::from_str(line).expect("JSON");
        document["message"].as_str().expect("message").to_owned()
    });
    messages.collect()
}

// A stream keeps its order over the segments of a backlog.
#[test]
fn segments_are_read_one_after_the_other() {
    const LINES: u64 = 150_000;
    let site = site_into_file();
    let (input, _, writer) = filled_pipe(LINES);
    assert_eq!(site.run_reading(input.into()).finish().code(), Some(0));
    writer.join().expect("all lines were written");
    let messages = written_messages(&site);
    assert!(messages.iter().map(|message| number(message).expect("a whole line")).eq(0..LINES));
}

// I09. A segment that ended with any line cut the trace that lay over its end.
#[test]
fn a_stack_trace_over_the_end_of_a_segment_is_one_event() {
    const TRACES: usize = 200;
    let site = site_into_file();
    let (input, mut pipe) = std::io::pipe().expect("a pipe");
    let frames = "\tat shop.Orders.take(Orders.java:30)\n".repeat(1000);
    let trace = |number: usize| format!("{number} ERROR failed\njava.io.IOException: no\n{frames}");
    let writer = std::thread::spawn({
        let text: String = (0..TRACES).map(trace).collect();
        move || pipe.write_all(text.as_bytes()).expect("this test holds the other end")
    });
    assert_eq!(site.run_reading(input.into()).finish().code(), Some(0));
    writer.join().expect("all traces were written");
    let messages = written_messages(&site);
    let lines = |message: &String| message.lines().count();
    assert!(
        messages.iter().all(|message| lines(message) == 1002),
        "{:?}",
        messages.iter().map(lines).collect::<Vec<_>>()
    );
    assert_eq!(messages.len(), TRACES);
}

/// A pipe into which a thread writes so many lines; the number counts those the pipe took.
fn filled_pipe(lines: u64) -> (PipeReader, Arc<AtomicU64>, JoinHandle<()>) {
    let (input, mut pipe) = std::io::pipe().expect("a pipe");
    let written = Arc::new(AtomicU64::new(0));
    let count = written.clone();
    let writer = std::thread::spawn(move || {
        for number in 0..lines {
            pipe.write_all(line(number).as_bytes()).expect("this test holds the other end");
            count.store(number + 1, Ordering::Relaxed);
        }
    });
    (input, written, writer)
}

// Q01: what the queue has taken is delivered once. What a killed process had just read out of the pipe, at most one read of
// 64 KiB, is lost by nature; a line it had read half of arrives in two pieces.
#[test]
fn kill_nine_loses_nothing_the_queue_has_taken() {
    const LINES: u64 = 200_000;
    const KILLS: u64 = 9;
    let server = server();
    let site = site(&server.url(), "{}");
    let (input, written, writer) = filled_pipe(LINES);
    let again = || Stdio::from(input.try_clone().expect("the pipe"));
    for kill in 1..=KILLS {
        let mut agent = site.run_reading(again());
        let due = LINES * kill / (KILLS + 1);
        agent.wait("part of the lines are read", || written.load(Ordering::Relaxed) >= due);
        agent.kill();
    }
    let agent = site.run_reading(again());
    drop(input);
    assert_eq!(agent.finish().code(), Some(0));
    writer.join().expect("all lines were written");

    let messages = messages(&server);
    let mut numbers: Vec<u64> = messages.iter().filter_map(|message| number(message)).collect();
    let pieces = messages.len() - numbers.len();
    numbers.sort_unstable();
    assert!(numbers.is_sorted_by(|a, b| a < b), "no line twice");
    assert!(pieces as u64 <= 2 * KILLS, "{pieces} pieces of lines");
    let lost = LINES - numbers.len() as u64;
    let at_most = KILLS * (64 * 1024 / line(0).len() as u64 + 2);
    assert!(lost <= at_most, "{lost} lines lost, the reads of {KILLS} killed processes hold {at_most}");
    assert_eq!(queued_bytes(&site), 0);
}

// Q32, Q35: output down, the queue fills to its bound, the writer waits; a restart ships what is queued, then all arrives.
#[test]
fn a_dead_output_fills_the_queue_and_then_holds_the_writer() {
    const LIMIT: u64 = 16 << 20;
    const LINES: u64 = 400_000;
    let server = server();
    server.set_plan(Plan::Script(vec![Fault::Refuse(503); 1_000_000]));
    let site = site(&server.url(), "{queue: 16MiB}");
    let (input, written, writer) = filled_pipe(LINES);
    let mut agent = site.run_reading(input.try_clone().expect("the pipe").into());
    let full = agent
        .wait_status("the queue is full", |status| status.queues.iter().any(|queue| queue.state == "full"));
    assert!(full.queues[0].bytes <= LIMIT && full.queues[0].bytes > LIMIT - (1 << 20), "{:?}", full.queues);
    assert!(written.load(Ordering::Relaxed) < LINES, "the writer waits");
    assert!(queued_bytes(&site) <= LIMIT);
    assert_eq!(server.created(), 0);
    let memory = agent.process().peak_resident().expect("the agent runs");
    // It had nothing in hand: it takes out of the pipe what has room.
    agent.stop();

    server.set_plan(Plan::Calm);
    let queued = queued_bytes(&site) / line(0).len() as u64;
    let mut agent = site.run_reading(input.into());
    agent.wait("what was queued is stored", || server.created() >= queued);
    assert!(agent.finish().success());
    writer.join().expect("all lines were written");
    let mut numbers: Vec<u64> = messages(&server).iter().filter_map(|message| number(message)).collect();
    numbers.sort_unstable();
    assert!(numbers.is_sorted_by(|a, b| a < b), "no line twice");
    let pieces = messages(&server).len() - numbers.len();
    assert!(pieces == 0 || pieces == 2, "{pieces}: the line at the stop may arrive in two pieces");
    assert_eq!(numbers.len() as u64, LINES - pieces as u64 / 2, "no line is lost by a stop");
    println!("{} MiB resident at most, {} lines", memory >> 20, numbers.len());
    assert!(memory <= MEMORY, "{memory} bytes resident at most");
}
