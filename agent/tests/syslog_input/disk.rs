//! What the disk of the queue does to senders that come by HTTP.

use super::http::{line, numbers, post_message};
use super::small_disk::Disk;
use super::{Receiver, server};
use bench::fault::{Fault, Plan};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

const HTTP: &str = "protocol: http";

/// Lets the agent keep its state there.
fn keep_state(receiver: &Receiver, before: &Path, state: &Path) {
    let config = std::fs::read_to_string(receiver.site.config()).expect("it was written");
    let moved = config.replace(&format!("{before:?}"), &format!("{state:?}"));
    assert_ne!(moved, config, "the state was elsewhere");
    std::fs::write(receiver.site.config(), moved).expect("written");
}

/// The server takes nothing before the cut, so that each message is in the queue and nowhere else.
// I20
#[test]
#[ignore = "needs root"]
fn a_power_cut_loses_no_message_that_was_answered() {
    const SENDERS: usize = 8;
    let (server, disk) = (server(), Disk::new(32));
    server.set_plan(Plan::Script(vec![Fault::Refuse(503); 1_000_000]));
    let receiver = Receiver::with(&server, |_| HTTP.into(), "memory: 64MiB");
    let state = disk.path().join("state");
    keep_state(&receiver, &receiver.site.path("state"), &state);
    let mut agent = receiver.site.run();
    drop(receiver.connect(&mut agent));
    let (next, answered) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let send = || {
        let mut own = BTreeSet::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            match post_message(receiver.address, &line(number)) {
                Ok(204) => _ = own.insert(number),
                Ok(other) => panic!("answered {other}"),
                Err(_) => return own,
            }
            answered.fetch_add(1, Ordering::Relaxed);
        }
    };
    let (left, acknowledged) = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..SENDERS).map(|_| scope.spawn(send)).collect();
        agent.wait("some are answered", || answered.load(Ordering::Relaxed) > 2000);
        stop(agent.process().id());
        let left = disk.after_power_cut();
        agent.kill();
        let each = senders.into_iter().map(|sender| sender.join().expect("no panic"));
        (left, each.flatten().collect::<BTreeSet<usize>>())
    });
    assert_eq!(server.created(), 0);
    keep_state(&receiver, &state, &left.path().join("state"));
    server.set_plan(Plan::Calm);
    let mut agent = receiver.site.run();
    agent.wait("all that was answered is stored", || numbers(&server).is_superset(&acknowledged));
    assert!(agent.stop().success());
    println!("{} answered before the cut, {} stored", acknowledged.len(), server.created());
}

#[test]
#[ignore = "needs root"]
fn a_full_disk_is_answered_503_until_there_is_space() {
    let (server, disk) = (server(), Disk::new(14));
    let receiver = Receiver::with(&server, |_| HTTP.into(), "memory: 64MiB");
    keep_state(&receiver, &receiver.site.path("state"), &disk.path().join("state"));
    let mut agent = receiver.site.run();
    drop(receiver.connect(&mut agent));
    assert_eq!(post_message(receiver.address, &line(0)).expect("answered"), 204);
    disk.fill(0);
    // What the block of the file's end still takes is taken.
    let mut taken = 1;
    let refusal = loop {
        match post_message(receiver.address, &line(taken)).expect("answered") {
            204 => taken += 1,
            other => break other,
        }
    };
    assert_eq!(refusal, 503);
    agent.wait("what was taken is stored", || server.created() >= taken as u64);
    disk.free();
    agent.wait("there is space", || {
        post_message(receiver.address, &line(taken)).is_ok_and(|status| status == 204)
    });
    agent.wait("the last is stored", || server.created() > taken as u64);
    assert!(agent.stop().success());
    assert_eq!(numbers(&server), (0..=taken).collect());
}

/// No thread is within a call when this returns.
fn stop(process: u32) {
    kill_process(Pid::from_raw(process as i32).expect("a process"), Signal::STOP).expect("stopped");
    let is_stopped = |task: std::path::PathBuf| {
        let stat = std::fs::read_to_string(task.join("stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('T'))
    };
    let tasks = || std::fs::read_dir(format!("/proc/{process}/task")).expect("its threads").flatten();
    while !tasks().all(|task| is_stopped(task.path())) {
        std::thread::yield_now();
    }
}
