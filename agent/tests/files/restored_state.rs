//! A state directory that is older than what was sent, or empty, repeats ids and so no event.

use crate::agent::Site;
use crate::log_writer::LogFile;
use crate::server;
use crate::stored::{all, items_sent};
use bench::fault::FaultServer;
use std::fs;
use std::path::Path;

fn copy_files(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        if entry.file_type().expect("its type").is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
        }
    }
}

fn messages(server: &FaultServer) -> Vec<String> {
    let mut messages: Vec<String> = all(server).into_iter().map(|stored| stored.message).collect();
    messages.sort();
    messages
}

// Q39: what was sent since the copy was made is sent again under the same ids.
#[test]
fn a_state_restored_from_an_older_copy_loses_and_doubles_nothing() {
    let server = server();
    let site = Site::new(&server.url());
    let mut log = LogFile::open(site.logs().join("a.log"));
    (0..100).for_each(|number| log.line(&format!("day 1 line {number:02}")));
    let mut agent = site.run();
    agent.wait("the first day is stored", || server.created() == 100);
    assert!(agent.stop().success());
    copy_files(&site.path("state"), &site.path("copy"));

    (0..100).for_each(|number| log.line(&format!("day 2 line {number:02}")));
    log.rename_and_reopen("a.log.1");
    (0..100).for_each(|number| log.line(&format!("day 3 line {number:02}")));
    let mut agent = site.run();
    agent.wait("the other days are stored", || server.created() == 300);
    assert!(agent.stop().success());

    fs::remove_dir_all(site.path("state")).expect("removed");
    copy_files(&site.path("copy"), &site.path("state"));
    log.line("day 4");
    let mut agent = site.run();
    agent.wait("the line after the restoration is stored", || server.created() > 300);
    agent.wait("all that the copy does not know is sent again", || items_sent(&server) >= 501);
    let status = agent.wait_status("nothing is pending", |status| status.accounts.pending == 0);
    assert!(agent.stop().success());
    assert_eq!((status.accounts.duplicate, status.id_collisions), (200, 0), "{status:#?}");
    let mut expected: Vec<String> =
        (1..=3).flat_map(|day| (0..100).map(move |line| format!("day {day} line {line:02}"))).collect();
    expected.push("day 4".into());
    assert_eq!(messages(&server), expected);
}

// Q24: without a checkpoint everything there is counts as never sent; the ids know better.
#[test]
fn a_lost_checkpoint_beside_dead_letters_means_reading_from_the_beginning() {
    let server = server();
    let site = Site::new(&server.url());
    let mut log = LogFile::open(site.logs().join("a.log"));
    (0..100).for_each(|number| log.line(&format!("line {number:02}")));
    let mut agent = site.run();
    agent.wait("the lines are stored", || server.created() == 100);
    assert!(agent.stop().success());
    for entry in fs::read_dir(site.path("state")).expect("the state") {
        let entry = entry.expect("an entry");
        if entry.file_type().expect("its type").is_file() {
            fs::remove_file(entry.path()).expect("removed");
        }
    }
    log.line("line 99+1");
    let mut agent = site.run();
    agent.wait("the new line is stored", || server.created() > 100);
    agent.wait("all lines are sent again", || items_sent(&server) >= 201);
    let status = agent.wait_status("nothing is pending", |status| status.accounts.pending == 0);
    assert!(agent.stop().success());
    assert_eq!((status.accounts.duplicate, status.accounts.read), (100, 101), "{status:#?}");
    let mut expected: Vec<String> = (0..100).map(|number| format!("line {number:02}")).collect();
    expected.push("line 99+1".into());
    assert_eq!(messages(&server), expected);
}
