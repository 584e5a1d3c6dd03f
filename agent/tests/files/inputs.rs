//! Which files are read, from where, and under which circumstances of names, times and neighbours.

use crate::agent::{Agent, Site};
use crate::log;
use crate::log_writer::LogFile;
use crate::server;
use crate::stored::{all, items_sent, messages};
use bench::fault::FaultServer;
use std::fs::{self, File, FileTimes};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The agent has looked at everything written before this: a line written now to another file is stored.
fn pass(agent: &mut Agent, server: &FaultServer, beacon: &mut LogFile) {
    let before = server.created();
    beacon.line("beacon");
    agent.wait("the beacon is stored", || server.created() > before);
}

fn touch(log: &LogFile, time: SystemTime) {
    let file = File::options().write(true).open(log.path()).expect("opened");
    file.set_times(FileTimes::new().set_modified(time)).expect("touched");
}

// F79
#[test]
fn odd_and_changing_file_times_neither_hide_nor_repeat_a_line() {
    let server = server();
    let site = Site::new(&server.url());
    let day = Duration::from_secs(24 * 3600);
    let times = [
        ("before-1970.log", UNIX_EPOCH - 30 * 365 * day),
        ("1970.log", UNIX_EPOCH),
        ("2099.log", UNIX_EPOCH + 129 * 365 * day),
    ];
    let mut logs: Vec<LogFile> = times.iter().map(|(name, _)| log(&site, name)).collect();
    let mut beacon = log(&site, "beacon.log");
    for (log, (_, time)) in logs.iter_mut().zip(times) {
        log.line("one");
        touch(log, time);
    }
    let mut agent = site.run();
    agent.wait("the lines are stored", || server.created() >= 3);
    for (log, (_, time)) in logs.iter_mut().zip(times) {
        touch(log, time + day);
    }
    pass(&mut agent, &server, &mut beacon);
    for (log, (_, time)) in logs.iter_mut().zip(times) {
        log.line("two");
        touch(log, time);
    }
    agent.wait("the later lines are stored", || server.created() >= 7);
    assert!(agent.stop().success());
    for log in &mut logs {
        touch(log, SystemTime::now());
    }
    let mut agent = site.run();
    pass(&mut agent, &server, &mut beacon);
    assert!(agent.stop().success());
    for (name, _) in times {
        assert_eq!(messages(&server, name), ["one", "two"], "{name}");
    }
    assert_eq!(items_sent(&server), 8, "no line was sent twice");
}

// F80: files are not chosen by age; the key is refused rather than ignored.
#[test]
fn choosing_files_by_age_is_a_refused_configuration() {
    let server = server();
    let site = crate::sites::with_inputs(&server.url(), |logs| {
        format!("  - paths: [{:?}]\n    ignore_older: 1h", logs.join("*"))
    });
    log(&site, "a.log").line("line");
    assert_eq!(site.run().finish().code(), Some(78));
    assert_eq!(server.request_count(), 0);
}

// F81
#[test]
fn read_from_end_holds_for_files_of_the_first_start_only() {
    let server = server();
    let site = crate::sites::with_inputs(&server.url(), |logs| {
        format!("  - paths: [{:?}]\n    read_from: end", logs.join("*"))
    });
    let mut old = log(&site, "old.log");
    old.raw(b"before\nha");
    let mut agent = site.run();
    agent.wait_status("the file is known", |status| status.files.iter().any(|file| file.read == 7));
    old.raw(b"lf\nlater\n");
    log(&site, "new.log").line("new");
    agent.wait("the new lines are stored", || server.created() >= 3);
    assert!(agent.stop().success());

    old.line("while down");
    log(&site, "newer.log").line("made while down");
    let mut agent = site.run();
    agent.wait("the lines written while down are stored", || server.created() >= 5);
    assert!(agent.stop().success());
    assert_eq!(messages(&server, "old.log"), ["half", "later", "while down"]);
    assert_eq!(messages(&server, "new.log"), ["new"]);
    assert_eq!(messages(&server, "newer.log"), ["made while down"]);
    assert_eq!(items_sent(&server), 5);
}

// F82
#[test]
fn smallest_files_ship_at_once_and_never_again() {
    let server = server();
    let site = Site::new(&server.url());
    log(&site, "five.log").raw(b"five\n");
    log(&site, "two.log").raw(b"2\n");
    let mut empty = log(&site, "empty.log");
    let mut agent = site.run();
    agent.wait("the lines are stored", || server.created() >= 2);
    log(&site, "made-later.log").raw(b"tiny\n");
    agent.wait("the file made later is stored", || server.created() >= 3);
    assert!(agent.stop().success());
    let mut agent = site.run();
    empty.raw(b"x\n");
    agent.wait("the empty file has got its line", || server.created() >= 4);
    assert!(agent.stop().success());
    let stored: Vec<(String, String)> =
        all(&server).into_iter().map(|stored| (stored.file, stored.message)).collect();
    let expected = [("empty.log", "x"), ("five.log", "five"), ("made-later.log", "tiny"), ("two.log", "2")];
    assert_eq!(stored, expected.map(|(file, message)| (file.to_owned(), message.to_owned())));
    assert_eq!(items_sent(&server), 4);
}

// F83
#[test]
fn a_hundred_files_with_one_header_are_never_confused() {
    let server = server();
    let site = Site::new(&server.url());
    let header = format!("# {}", "h".repeat(4096 - 3));
    let mut logs: Vec<LogFile> = (0..100).map(|number| log(&site, &format!("{number:02}.log"))).collect();
    for log in &mut logs {
        log.line(&header);
    }
    let mut agent = site.run();
    agent.wait("all headers are stored", || server.created() >= 100);
    for (number, log) in logs.iter_mut().enumerate() {
        log.line(&format!("first of {number:02}"));
    }
    agent.wait("all first lines are stored", || server.created() >= 200);
    assert!(agent.stop().success());
    for (number, log) in logs.iter_mut().enumerate() {
        log.line(&format!("second of {number:02}"));
        if number % 2 == 0 {
            log.rename_and_reopen(&format!("{number:02}.log.1"));
        }
    }
    let mut agent = site.run();
    agent.wait("all second lines are stored", || server.created() >= 300);
    assert!(agent.stop().success());
    let stored = all(&server);
    assert_eq!(stored.len(), 300);
    for lines in stored.chunk_by(|a, b| a.file[..2] == b.file[..2]) {
        let number = &lines[0].file[..2];
        let mut messages: Vec<&str> = lines.iter().map(|stored| stored.message.as_str()).collect();
        messages.sort_unstable();
        assert_eq!(messages, [&header, &format!("first of {number}"), &format!("second of {number}")]);
    }
    assert_eq!(items_sent(&server), 300, "no line was sent twice");
}

// F84
#[test]
fn a_file_keeps_its_identity_while_it_outgrows_what_identifies_it() {
    let server = server();
    let site = Site::new(&server.url());
    let (mut tiny, mut half, mut beacon) =
        (log(&site, "tiny.log"), log(&site, "half.log"), log(&site, "beacon.log"));
    tiny.raw(b"1\n");
    half.raw(b"an unfinished first line,");
    let mut agent = site.run();
    agent.wait("the tiny file is stored", || server.created() == 1);
    pass(&mut agent, &server, &mut beacon);
    assert!(agent.stop().success());

    let text = "x".repeat(700);
    tiny.line(&text);
    half.raw(text.as_bytes());
    let mut agent = site.run();
    agent.wait("the grown file is stored", || server.created() == 3);
    agent.kill();
    for _ in 0..3 {
        tiny.line(&text);
    }
    half.raw(format!("{text}\nsecond\n").as_bytes());
    let mut agent = site.run();
    agent.wait("all is stored", || server.created() >= 8);
    pass(&mut agent, &server, &mut beacon);
    assert!(agent.stop().success());
    assert_eq!(messages(&server, "tiny.log"), ["1", &text, &text, &text, &text]);
    let long = format!("an unfinished first line,{text}{text}");
    assert_eq!(messages(&server, "half.log"), [&long, "second"]);
    assert_eq!(server.created(), 9);
}

// F86, F87: each input reads what it matches, once; one warning says so; what is excluded is not read.
#[test]
fn a_file_of_two_inputs_is_read_once_by_each_and_warned_of() {
    for ids in [["    id: a\n", "    id: b\n"], ["", ""]] {
        let server = server();
        let site = crate::sites::with_inputs(&server.url(), |logs| {
            format!(
                "  - paths: [{:?}]\n{}    exclude: [\"*.tmp\"]\n    fields: {{input: one}}\n\
                 \x20 - paths: [{:?}]\n{}    fields: {{input: two}}",
                logs.join("*"),
                ids[0],
                logs.join("shared*.log"),
                ids[1],
            )
        });
        let mut shared = log(&site, "shared.log");
        shared.line("shared");
        log(&site, "own.log").line("own");
        log(&site, "excluded.tmp").line("excluded");
        let mut agent = site.run();
        agent.wait("each input has read its files", || server.created() >= 3);
        assert!(agent.stop().success());
        shared.line("later");
        let mut agent = site.run();
        agent.wait("each input has read the new line", || server.created() >= 5);
        assert!(agent.stop().success());
        let mut stored: Vec<(String, String)> = all(&server)
            .into_iter()
            .map(|stored| {
                let input = stored.document["labels"]["input"].as_str().expect("the field").to_owned();
                (stored.message, input)
            })
            .collect();
        stored.sort();
        let expected =
            [("later", "one"), ("later", "two"), ("own", "one"), ("shared", "one"), ("shared", "two")];
        assert_eq!(stored, expected.map(|(message, input)| (message.to_owned(), input.to_owned())));
        let own = fs::read_to_string(site.path("agent.log")).expect("the agent's log");
        let warnings = own.lines().filter(|line| line.contains("belongs to inputs")).count();
        assert_eq!(warnings, 2, "one for each run: {own}");
    }
}

// F89
#[test]
fn the_agents_own_log_among_the_files_feeds_no_loop() {
    let server = server();
    let site = crate::sites::with_inputs(&server.url(), |logs| {
        format!("  - paths: [{:?}, {:?}]", logs.join("*"), logs.join("../agent.log"))
    });
    let mut log = log(&site, "a.log");
    let mut agent = site.run();
    // Every round is a chance to log something that makes the next round.
    let rounds = 100;
    for round in 1..=rounds {
        log.line(&format!("line {round}"));
        agent.wait("the line is stored", || messages(&server, "a.log").len() == round);
    }
    assert!(agent.stop().success());
    let own = fs::read_to_string(site.path("agent.log")).expect("the agent's log");
    assert!(own.lines().count() < 30, "{own}");
    assert!(!messages(&server, "agent.log").is_empty(), "the agent's log is read like any other");
}

// F90: longer idle than the agent keeps buffers; it has only hints and scans to wake up by.
#[test]
fn a_line_after_a_long_silence_ships() {
    let server = server();
    let site = Site::new(&server.url());
    let mut log = log(&site, "a.log");
    log.line("before");
    let mut agent = site.run();
    agent.wait("the first line is stored", || server.created() == 1);
    std::thread::sleep(Duration::from_secs(7));
    log.line("after");
    agent.wait("the line is stored", || server.created() == 2);
    assert!(agent.stop().success());
    assert_eq!(items_sent(&server), 2);
}
