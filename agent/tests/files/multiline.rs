//! Texts of several lines, from a file to the server.

use crate::agent::Site;
use crate::log_writer::LogFile;
use crate::server;
use crate::stored::{all, messages};
use bench::fault::FaultServer;

fn site(server: &FaultServer) -> Site {
    Site::with_settings(&server.url(), "*", r"multiline: {start: '^\d{4}-'}", "processors: []")
}

// I07
#[test]
fn a_stack_trace_is_one_event_and_the_last_block_ends_by_quiet_the_same_after_a_kill() {
    let server = server();
    let site = site(&server);
    let mut log = LogFile::open(site.logs().join("a.log"));
    let trace = ["2026-08-21 failed", "java.io.IOException: no", "\tat a.B.c(B.java:3)", "", "Caused by: x"];
    trace.iter().for_each(|line| log.line(line));
    log.line("2026-08-21 last");
    log.line("  with more");
    let mut agent = site.run();
    agent.wait("both blocks are stored", || server.created() == 2);
    agent.kill();
    // What comes later is an event of its own: the end that was decided stays.
    log.line("  later");
    log.line("2026-08-21 next");
    let mut agent = site.run();
    agent.wait("the later blocks are stored", || server.created() == 4);
    let expected = [&trace.join("\n"), "2026-08-21 last\n  with more", "  later", "2026-08-21 next"];
    assert_eq!(messages(&server, "a.log"), expected);
    assert!(all(&server).iter().all(|stored| stored.flags().is_empty()));
    agent.stop();
}

// I08
#[test]
fn half_a_line_behind_a_block_is_not_torn_when_the_block_ends_by_quiet() {
    let server = server();
    let site = site(&server);
    let mut log = LogFile::open(site.logs().join("a.log"));
    let mut beacon = LogFile::open(site.logs().join("b.log"));
    log.line("2026-08-21 one");
    log.raw(b"  half of");
    let mut agent = site.run();
    // A block of another file, begun later, has ended by quiet: this one has had its time.
    for number in 0..2 {
        beacon.line(&format!("2026-08-21 beacon {number}"));
        agent.wait("the beacon is stored", || messages(&server, "b.log").len() > number);
    }
    log.raw(b" a line\n2026-08-21 two\n");
    agent.wait("both blocks are stored", || messages(&server, "a.log").len() == 2);
    assert_eq!(messages(&server, "a.log"), ["2026-08-21 one\n  half of a line", "2026-08-21 two"]);
    agent.stop();
}

// I09
#[test]
fn a_trace_needs_no_pattern_and_a_kill_in_its_middle_changes_nothing() {
    let server = server();
    let site = Site::with_settings(&server.url(), "*", "container: none", "processors: []");
    let mut log = LogFile::open(site.logs().join("a.log"));
    let trace = [
        "10:15:30 ERROR order failed",
        "java.io.IOException: no",
        "\tat a.B.c(B.java:3)",
        "Caused by: a.Gone: x",
        "\t... 1 more",
    ];
    log.line("10:15:29 INFO before");
    log.line(trace[0]);
    let mut agent = site.run();
    agent.wait("the line before is stored", || server.created() == 1);
    // Each line of the trace finds another process.
    for line in &trace[1..] {
        agent.kill();
        log.line(line);
        agent = site.run();
        agent.wait_status("it is ready", |_| true);
    }
    log.line("10:15:31 INFO after");
    log.line(r#"{"level":"error","message":"alone"}"#);
    // On a slow machine a second of quiet may have ended the trace in its middle; it is whole and without repeats still.
    let lines = || messages(&server, "a.log").iter().map(|message| message.lines().count()).sum::<usize>();
    agent.wait("all is stored", || lines() >= 8);
    let written = ["10:15:29 INFO before", &trace.join("\n"), "10:15:31 INFO after", "alone"].join("\n");
    assert_eq!(messages(&server, "a.log").join("\n"), written);
    // Written at once it is one event, the last one of its file too.
    let mut other = LogFile::open(site.logs().join("b.log"));
    other.line(&trace.join("\n"));
    agent.wait("the last trace is stored", || !messages(&server, "b.log").is_empty());
    assert_eq!(messages(&server, "b.log"), [trace.join("\n")]);
    agent.stop();
}

// I09
#[test]
fn rotation_in_the_middle_of_a_trace_tears_it_in_two_and_loses_no_line() {
    let server = server();
    let site = Site::with_settings(&server.url(), "*", "container: none", "processors: []");
    let mut log = LogFile::open(site.logs().join("a.log"));
    let mut agent = site.run();
    log.line("10:15:29 INFO before");
    agent.wait("the line before is stored", || server.created() == 1);
    let (head, rest) =
        ("10:15:30 ERROR x\njava.io.IOException: no\n\tat a.B.c(B.java:3)", "\tat a.B.d(B.java:4)");
    log.line(head);
    log.rename_and_reopen("a.log.1");
    log.line(rest);
    log.line("Caused by: a.Gone: x");
    log.line("\tat a.C.d(C.java:5)");
    log.line("10:15:31 INFO after");
    log.line(r#"{"message":"alone"}"#);
    let lines = || {
        let messages = [messages(&server, "a.log.1"), messages(&server, "a.log")].concat();
        messages.iter().map(|message| message.lines().count()).sum::<usize>()
    };
    agent.wait("all lines are stored", || lines() >= 9);
    // The old name, or the new one, by when it was read.
    let stored: Vec<String> = all(&server).into_iter().map(|stored| stored.message).collect();
    let whole = |text: &str| stored.iter().filter(|message| *message == text).count();
    assert_eq!(whole(head), 1, "{stored:#?}");
    assert_eq!(
        whole("10:15:31 INFO after") + whole("alone") + whole("10:15:29 INFO before"),
        3,
        "{stored:#?}"
    );
    let of_rest = [rest, "Caused by: a.Gone: x", "\tat a.C.d(C.java:5)"].join("\n");
    let of_rest =
        stored.iter().filter(|message| of_rest.contains(message.as_str())).map(|text| text.lines().count());
    assert_eq!(of_rest.sum::<usize>(), 3, "{stored:#?}");
    assert!(all(&server).iter().all(|stored| stored.flags().is_empty()), "{stored:#?}");
    assert_eq!(crate::stored::items_sent(&server), stored.len() as u64);
    agent.stop();
}
