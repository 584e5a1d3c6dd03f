//! Files that are cut: no line that could be read is lost, and what could not is counted.

use crate::agent::Site;
use crate::log;
use crate::log_writer::LogFile;
use crate::server;
use crate::stored::{all, items_sent, of_file};
use bench::fault::{Fault, FaultServer, Options, Plan};
use std::collections::HashSet;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::time::Duration;

fn cut(log: &LogFile, size: u64) {
    File::options().write(true).open(log.path()).and_then(|file| file.set_len(size)).expect("cut");
}

/// Sorted, for offsets begin anew with each cut.
fn messages(server: &FaultServer, name: &str) -> Vec<String> {
    let mut messages: Vec<String> = of_file(server, name).into_iter().map(|stored| stored.message).collect();
    messages.sort();
    messages
}

// F31
#[test]
fn a_file_emptied_at_its_end_is_read_from_its_beginning() {
    let server = server();
    let site = Site::new(&server.url());
    let mut log = log(&site, "a.log");
    log.raw(b"old 1\nold 2\n");
    let mut agent = site.run();
    agent.wait("the old lines are stored", || server.created() == 2);
    cut(&log, 0);
    log.line("new 1");
    agent.wait("the new line is stored", || server.created() >= 3);
    // Emptied and written past the offset before anyone can look.
    cut(&log, 0);
    log.raw(b"newer 1\nnewer 2\nnewer 3\n");
    agent.wait("the newer lines are stored", || server.created() >= 6);
    assert!(agent.stop().success());
    assert_eq!(messages(&server, "a.log"), ["new 1", "newer 1", "newer 2", "newer 3", "old 1", "old 2"]);
    assert_eq!(items_sent(&server), 6);
}

// F32: shorter, as long as before, and longer than what was read before.
#[test]
fn a_file_rewritten_while_the_agent_is_down_ships_its_new_text_once() {
    for new in [&["x"][..], &["new line"], &["new line", "second", "third"]] {
        let server = server();
        let site = Site::new(&server.url());
        let mut log = log(&site, "a.log");
        log.line("old line");
        let mut agent = site.run();
        agent.wait("the old line is stored", || server.created() == 1);
        assert!(agent.stop().success());
        cut(&log, 0);
        new.iter().for_each(|line| log.line(line));
        let mut agent = site.run();
        agent.wait("the new lines are stored", || server.created() > new.len() as u64);
        assert!(agent.stop().success());
        log.line("z");
        let mut agent = site.run();
        agent.wait("the last line is stored", || server.created() > new.len() as u64 + 1);
        assert!(agent.stop().success());
        let mut expected = new.to_vec();
        expected.extend(["old line", "z"]);
        expected.sort_unstable();
        assert_eq!(messages(&server, "a.log"), expected);
        assert_eq!(items_sent(&server), expected.len() as u64);
    }
}

// F35: what is kept cannot be told from a new text that begins alike, so it is read again rather than perhaps lost.
#[test]
fn a_file_cut_in_mid_line_is_never_read_from_mid_line() {
    let server = server();
    let site = Site::new(&server.url());
    let mut log = log(&site, "a.log");
    log.raw(b"first\nsecond\nthird\n");
    let mut agent = site.run();
    agent.wait("the lines are stored", || server.created() == 3);
    cut(&log, 9);
    log.raw(b" half\nfourth\n");
    agent.wait("the new lines are stored", || messages(&server, "a.log").contains(&"fourth".to_owned()));
    assert!(agent.stop().success());
    assert_eq!(
        messages(&server, "a.log"),
        ["first", "first", "fourth", "sec half", "second", "third"],
        "the kept line is there again, under another id"
    );
    let ids: HashSet<String> = server.documents().into_iter().map(|document| document.id).collect();
    assert_eq!(ids.len(), 6);
}

// F37
#[test]
fn bytes_cut_before_they_could_be_read_are_counted() {
    let server = FaultServer::start(Options::new(Plan::Script(vec![Fault::Refuse(503); 100_000])))
        .expect("a server on loopback");
    let site = crate::sites::with(&server.url(), "{linger: 20ms, max_bytes: 64KiB, in_flight: 1}", |logs| {
        format!("  - paths: [{:?}]", logs.join("*"))
    });
    let mut log = log(&site, "a.log");
    let line = |number: usize| format!("old {number:05} {}", "x".repeat(89));
    let count = 10_000;
    let text: String = (0..count).map(|number| line(number) + "\n").collect();
    log.raw(text.as_bytes());
    let mut agent = site.run();
    agent.wait("a request is refused", || server.request_count() > 0);
    agent.wait_status("the reader waits for the output", |status| {
        status.files.iter().any(|file| file.size == text.len() as u64 && file.read > 0)
    });
    cut(&log, 0);
    for number in 0..10 {
        log.line(&format!("new {number}"));
    }
    agent.wait_status("the cut is seen", |status| status.files.iter().any(|file| file.state == "truncated"));
    server.set_plan(Plan::Calm);
    agent.wait("the new lines are stored", || {
        of_file(&server, "a.log").iter().filter(|stored| stored.message.starts_with("new")).count() == 10
    });
    let status = agent.wait_status("the rest is counted", |status| status.bytes.lost > 0);
    assert_eq!(status.accounts.pending, 0, "{status:#?}");
    assert!(agent.stop().success());

    let old: Vec<String> =
        messages(&server, "a.log").into_iter().filter(|message| message.starts_with("old")).collect();
    assert!(old.len() < count, "all was read, which is not what this is about");
    assert_eq!(old, (0..old.len()).map(line).collect::<Vec<_>>(), "what was read is a prefix");
    assert_eq!(status.bytes.lost as usize, text.len() - old.len() * (line(0).len() + 1));
    assert_eq!(server.created() as usize, old.len() + 10, "nothing is stored twice");
    let own = fs::read_to_string(site.path("agent.log")).expect("the agent's log");
    assert!(own.contains("truncated_unread"), "{own}");
}

// F38: every text is as long as the one before, so only its bytes tell them apart.
#[test]
fn twenty_truncations_under_load_lose_nothing_that_could_be_read() {
    let server = server();
    let site = Site::new(&server.url());
    let (mut log, mut busy) = (log(&site, "a.log"), log(&site, "busy.log"));
    let mut agent = site.run();
    let (rounds, lines) = (21, 50);
    for round in 0..rounds {
        if round > 0 {
            cut(&log, 0);
        }
        for number in 0..lines {
            log.line(&format!("{{\"message\":\"round {round:02} line {number:02}\"}}"));
            busy.raw(format!("busy {round:02} {number:02} a\nbusy {round:02} {number:02} b\n").as_bytes());
        }
        agent.wait("the reader is at the end", || server.created() >= (round + 1) * lines * 3);
    }
    assert!(agent.stop().success());
    let expected: Vec<String> = (0..rounds)
        .flat_map(|round| (0..lines).map(move |number| format!("round {round:02} line {number:02}")))
        .collect();
    assert_eq!(messages(&server, "a.log"), expected);
    assert_eq!(messages(&server, "busy.log").len() as u64, rounds * lines * 2);
    assert_eq!(items_sent(&server), rounds * lines * 3);
}

// F18: a writer that does not append goes on at its old offset.
#[test]
fn the_hole_a_stale_writer_leaves_is_passed_over() {
    let server = server();
    let site = Site::new(&server.url());
    let path = site.logs().join("a.log");
    let file = File::create(&path).expect("created");
    let mut at = 0;
    let mut write = |text: String| {
        file.write_all_at(text.as_bytes(), at).expect("written");
        at += text.len() as u64;
    };
    (0..500).for_each(|number| write(format!("old {number:03}\n")));
    let mut agent = site.run();
    agent.wait("the old lines are stored", || server.created() == 500);
    file.set_len(0).expect("cut");
    (0..5).for_each(|number| write(format!("new {number}\n")));
    agent.wait("the new lines are stored", || server.created() >= 505);
    assert!(agent.stop().success());
    let new: Vec<(u64, String)> = all(&server)
        .into_iter()
        .filter(|stored| stored.message.contains("new"))
        .map(|stored| (stored.offset, stored.message))
        .collect();
    let expected: Vec<(u64, String)> =
        (0..5).map(|number| (4000 + 6 * number, format!("new {number}"))).collect();
    assert_eq!(new, expected);

    let mut agent = site.run();
    log(&site, "b.log").line("beacon");
    agent.wait("the beacon is stored", || server.created() >= 506);
    assert!(agent.stop().success());
    assert_eq!(items_sent(&server), 506);
}

// F37: lines that were read but have no verdict when their file is cut are shipped all the same.
#[test]
fn lines_read_before_the_cut_survive_an_outage() {
    let server = FaultServer::start(Options::new(Plan::Script(vec![Fault::Hang(Duration::from_secs(1)); 2])))
        .expect("a server on loopback");
    let site = Site::new(&server.url());
    let mut log = log(&site, "a.log");
    (0..100).for_each(|number| log.line(&format!("old {number:02}")));
    let mut agent = site.run();
    agent.wait("a request hangs", || server.request_count() > 0);
    cut(&log, 0);
    (0..100).for_each(|number| log.line(&format!("new {number:02}")));
    agent.wait("all lines are stored", || server.created() >= 200);
    assert!(agent.stop().success());
    let expected: Vec<String> = ["new", "old"]
        .iter()
        .flat_map(|age| (0..100).map(move |number| format!("{age} {number:02}")))
        .collect();
    assert_eq!(messages(&server, "a.log"), expected);
}
