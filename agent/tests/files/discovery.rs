//! Finding files through what happens to directories, links and odd things beside the logs: the real program, real hints.

use crate::tail::{Tail, append, lines, text};
use std::fs::{self, File};
use std::os::unix::fs::{FileTypeExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

fn fifo(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status().expect("mkfifo runs");
    assert!(made.success() && fs::symlink_metadata(path).expect("made").file_type().is_fifo());
}

// F53, F54, F55
#[test]
fn directories_and_files_renamed_and_removed_under_every_scan_keep_their_offsets() {
    let mut tail = Tail::with(&["logs/**/*.log*", "logs/fence*"], "");
    let directory = |name: &str| tail.log(name);
    for name in ["a", "b", "c"] {
        fs::create_dir_all(directory(name).join("deep/er")).expect("directories");
        append(&directory(name).join("deep/er/app.log"), &text(&lines(name, 0..20)));
    }
    let mut agent = tail.site.run();
    tail.wait_stored(&mut agent, 60);
    let mut written = 60;
    for round in 1..=40u32 {
        // The three directories change places in a ring; every name is free for a moment.
        for (from, to) in [("a", "aside"), ("b", "a"), ("c", "b"), ("aside", "c")] {
            fs::rename(directory(from), directory(to)).expect("renamed");
        }
        let home = ["a", "b", "c"][((3 - round % 3) % 3) as usize];
        append(&directory(home).join("deep/er/app.log"), &text(&lines("a", round * 20..round * 20 + 20)));
        written += 20;
        let passing = directory("a").join(format!("passing{round}.log"));
        append(&passing, "");
        fs::remove_file(&passing).expect("removed");
        if round % 10 == 0 {
            tail.wait_stored(&mut agent, written);
        }
    }
    let all = [lines("a", 0..820), lines("b", 0..20), lines("c", 0..20)];
    tail.expect(&mut agent, all.into_iter().flatten());
    assert_eq!((tail.repeats(), tail.lost_in_all()), (0, 0), "{}", tail.own_log());
    assert!(agent.stop().success());
}

// F62
#[test]
fn both_targets_of_a_link_that_is_swapped_are_drained() {
    let mut tail = Tail::with(&["logs/*"], "");
    let (old, new) = (tail.site.path("old"), tail.site.path("new"));
    append(&old, &text(&lines("old", 0..100)));
    append(&new, &text(&lines("new", 0..100)));
    symlink(&old, tail.log("current")).expect("linked");
    let mut agent = tail.site.run();
    tail.wait_stored(&mut agent, 100);
    append(&old, &text(&lines("old", 100..150)));
    symlink(&new, tail.log("next")).expect("linked");
    fs::rename(tail.log("next"), tail.log("current")).expect("renamed over");
    append(&old, &text(&lines("old", 150..200)));
    tail.wait_stored(&mut agent, 300);
    append(&new, &text(&lines("new", 100..200)));
    tail.expect(&mut agent, lines("old", 0..200).into_iter().chain(lines("new", 0..200)));
    assert_eq!((tail.repeats(), tail.lost_in_all()), (0, 0), "{}", tail.own_log());
    assert!(agent.stop().success());
}

// F63
#[test]
fn a_dangling_link_is_followed_once_its_target_is_there_and_again_after_it_came_back() {
    let mut tail = Tail::with(&["logs/*"], "");
    let target = tail.site.path("target");
    symlink(&target, tail.log("current")).expect("linked");
    let mut agent = tail.site.run();
    tail.fence(&mut agent);
    append(&target, &text(&lines("first", 0..50)));
    tail.wait_stored(&mut agent, 50);
    fs::remove_file(&target).expect("removed");
    append(&target, &text(&lines("second", 0..50)));
    tail.expect(&mut agent, lines("first", 0..50).into_iter().chain(lines("second", 0..50)));
    assert!(agent.stop().success());
}

// F64
#[test]
fn a_file_with_four_names_is_stored_once_and_told_of_once() {
    let mut tail = Tail::new();
    let path = tail.log("app.log");
    append(&path, &text(&lines("a", 0..50)));
    symlink(&path, tail.log("aaa")).expect("linked");
    symlink("app.log", tail.log("zzz")).expect("linked");
    fs::hard_link(&path, tail.log("hard")).expect("linked");
    let mut agent = tail.site.run();
    tail.wait_stored(&mut agent, 50);
    append(&tail.log("hard"), &text(&lines("a", 50..100)));
    tail.wait_stored(&mut agent, 100);
    // The name it is known under goes; the file does not.
    fs::remove_file(&path).expect("removed");
    append(&tail.log("hard"), &text(&lines("a", 100..150)));
    tail.expect(&mut agent, lines("a", 0..150));
    assert_eq!((tail.repeats(), tail.lost_in_all()), (0, 0), "{}", tail.own_log());
    let told = tail.told("are one file").len();
    assert!((1..=3).contains(&told), "once for each further name, not once a scan:\n{}", tail.own_log());
    assert!(agent.stop().success());
}

// F65
#[test]
fn links_that_lead_back_end_the_walk_with_one_warning_each() {
    let mut tail = Tail::new();
    fs::create_dir_all(tail.log("one/two")).expect("directories");
    append(&tail.log("one/two/app.log"), &text(&lines("a", 0..20)));
    symlink(tail.site.logs(), tail.log("one/two/up")).expect("linked");
    symlink("self", tail.log("self")).expect("linked");
    let mut agent = tail.site.run();
    tail.wait_stored(&mut agent, 20);
    append(&tail.log("one/two/app.log"), &text(&lines("a", 20..40)));
    tail.expect(&mut agent, lines("a", 0..40));
    let told = tail.told("leads back into itself");
    assert_eq!(told.len(), 1, "{}", tail.own_log());
    assert!(agent.stop().success());
}

// F66
#[test]
fn things_that_are_no_files_are_told_of_once_and_never_opened() {
    let mut tail = Tail::with(&["logs/*"], "");
    fifo(&tail.log("pipe"));
    let _socket = UnixListener::bind(tail.log("socket")).expect("bound");
    fs::create_dir(tail.log("directory.log")).expect("directory");
    symlink("/dev/zero", tail.log("device")).expect("linked");
    append(&tail.log("app.log"), &text(&lines("a", 0..20)));
    let mut agent = tail.site.run();
    tail.wait_stored(&mut agent, 20);
    // A file that turns into a FIFO under the same name.
    append(&tail.log("turns"), &text(&lines("b", 0..5)));
    tail.wait_stored(&mut agent, 25);
    fs::remove_file(tail.log("turns")).expect("removed");
    fifo(&tail.log("turns"));
    append(&tail.log("app.log"), &text(&lines("a", 20..40)));
    tail.expect(&mut agent, lines("a", 0..40).into_iter().chain(lines("b", 0..5)));
    let open = agent.open_files();
    assert!(!open.iter().any(|file| file.ends_with("/pipe") || file.ends_with("/dev/zero")), "{open:?}");
    for name in ["pipe", "socket", "directory.log", "device"] {
        let shown = format!("{name}`");
        assert_eq!(tail.told(&shown).len(), 1, "`{name}`:\n{}", tail.own_log());
    }
    assert!(agent.stop().success());
}

// F72
#[test]
fn files_in_directories_made_a_moment_ago_are_found() {
    let mut tail = Tail::with(&["logs/**/*.log", "logs/fence*"], "");
    let mut agent = tail.site.run();
    tail.fence(&mut agent);
    let mut all = Vec::new();
    for round in 0..20 {
        let directory = tail.log(&format!("{round}/a/b/c"));
        fs::create_dir_all(&directory).expect("directories");
        append(&directory.join("app.log"), &text(&lines(&format!("first{round}"), 0..5)));
        all.extend(lines(&format!("first{round}"), 0..5));
    }
    tail.wait_stored(&mut agent, all.len() as u64);
    for round in 0..20 {
        append(&tail.log(&format!("{round}/a/b/c/app.log")), &text(&lines(&format!("more{round}"), 0..5)));
        all.extend(lines(&format!("more{round}"), 0..5));
    }
    tail.expect(&mut agent, all);
    assert!(agent.stop().success());
}

// F74: bounded in CPU, not in time, so that a busy machine does not matter.
#[test]
fn many_entries_that_do_not_match_cost_next_to_nothing() {
    let mut tail = Tail::with(&["logs/*.log", "logs/fence*"], "");
    for number in 0..20_000 {
        File::create(tail.log(&format!("other-{number}"))).expect("created");
    }
    append(&tail.log("app.log"), "one\n");
    let mut agent = tail.site.run();
    tail.wait_stored(&mut agent, 1);
    let before = agent.process().cpu().expect("a running agent");
    tail.fence(&mut agent);
    tail.fence(&mut agent);
    let spent = agent.process().cpu().expect("a running agent") - before;
    // Both fences wait for eight seconds together.
    let bound = if cfg!(debug_assertions) { 1600 } else { 160 };
    assert!(spent < Duration::from_millis(bound), "{spent:?}");
    assert!(agent.stop().success());
}

// F79
#[test]
fn odd_modification_times_and_touching_neither_lose_nor_repeat() {
    let mut tail = Tail::new();
    let path = tail.log("app.log");
    append(&path, &text(&lines("a", 0..50)));
    let mut agent = tail.site.run();
    tail.wait_stored(&mut agent, 50);
    let year = Duration::from_secs(365 * 24 * 3600);
    let times = [SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH - year, SystemTime::now() + 73 * year];
    let mut written = 50;
    for (round, time) in (1..).zip(times) {
        let file = fs::OpenOptions::new().append(true).open(&path).expect("opened");
        file.set_modified(time).expect("touched");
        tail.fence(&mut agent);
        append(&path, &text(&lines("a", written..written + 10)));
        file.set_modified(time).expect("touched");
        written += 10;
        tail.wait_stored(&mut agent, 50 + round * 10);
        file.set_modified(time).expect("touched");
    }
    tail.expect(&mut agent, lines("a", 0..written));
    assert_eq!((tail.repeats(), tail.lost_in_all()), (0, 0), "{}", tail.own_log());
    assert!(agent.stop().success());
}
