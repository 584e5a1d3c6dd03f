//! File systems that fail for a while, or give a file another face.

use crate::agent::Site;
use crate::log_writer::LogFile;
use crate::server;
use crate::stored::{items_sent, messages};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Makes every `pread64` of a process fail until dropped.
struct Injection(Child);

impl Injection {
    fn attach(pid: u32, error: &str, log: &Path) -> Self {
        let words = fs::File::create(log).expect("created");
        let child = Command::new("strace")
            .args(["-f", "-qqq", "-o", "/dev/null", "-e", "trace=pread64"])
            .args(["-e", &format!("inject=pread64:error={error}"), "-p", &pid.to_string()])
            .stdin(Stdio::null())
            .stderr(words)
            .spawn()
            .expect("strace");
        let mut injection = Self(child);
        loop {
            if let Ok(Some(status)) = injection.0.try_wait() {
                panic!("strace ended with {status}: {}", fs::read_to_string(log).unwrap_or_default());
            }
            if threads(pid).iter().all(|status| is_traced(status, injection.0.id())) {
                return injection;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
}

/// What the kernel says of each thread.
fn threads(pid: u32) -> Vec<String> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("the process lives");
    tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("status")).ok()).collect()
}

fn is_traced(status: &str, by: u32) -> bool {
    let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:"));
    tracer.is_some_and(|tracer| tracer.trim() == by.to_string())
}

impl Drop for Injection {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

// F70
#[test]
#[ignore = "needs strace"]
fn read_errors_that_pass_cost_nothing_but_time() {
    for error in ["EIO", "ESTALE"] {
        let server = server();
        let site = Site::new(&server.url());
        let mut log = LogFile::open(site.logs().join("a.log"));
        log.line("before");
        let mut agent = site.run();
        agent.wait("the first line is stored", || server.created() == 1);
        let injection = Injection::attach(agent.process().id(), error, &site.path("strace.log"));
        log.line("meanwhile");
        agent.wait_status("the file is unreadable", |status| status.files[0].state == "unreadable");
        assert_eq!(server.created(), 1);
        drop(injection);
        agent.wait("the line is stored", || server.created() == 2);
        let status = agent.wait_status("it is idle again", |status| status.files[0].state == "idle");
        assert_eq!((status.accounts.lost, status.bytes.lost), (0, 0));
        log.line("after");
        agent.wait("the last line is stored", || server.created() == 3);
        assert!(agent.stop().success());
        assert_eq!(messages(&server, "a.log"), ["before", "meanwhile", "after"]);
        assert_eq!(items_sent(&server), 3);
        let own = fs::read_to_string(site.path("agent.log")).expect("the agent's log");
        assert_eq!(own.lines().filter(|line| line.contains("cannot read file")).count(), 1, "{own}");
    }
}

/// An overlay whose lower layer holds files already. Unmounted when dropped.
struct Overlay(PathBuf);

impl Overlay {
    fn mount(lower: &Path, work: &Path, at: &Path) -> Self {
        let (upper, scratch) = (work.join("upper"), work.join("scratch"));
        for directory in [&upper, &scratch] {
            fs::create_dir_all(directory).expect("a directory");
        }
        let options = format!(
            "lowerdir={},upperdir={},workdir={}",
            lower.display(),
            upper.display(),
            scratch.display()
        );
        let mut command = Command::new("mount");
        command.args(["-t", "overlay", "overlay", "-o", &options]).arg(at);
        assert!(command.status().is_ok_and(|status| status.success()), "an overlay can be mounted");
        Self(at.to_owned())
    }
}

impl Drop for Overlay {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

// F71: the first write moves a file to the upper layer: another birth, on some systems another inode.
#[test]
#[ignore = "needs root"]
fn a_file_that_is_copied_up_by_its_first_write_goes_on_where_it_was() {
    for restarted in [false, true] {
        let server = server();
        let site = Site::new(&server.url());
        let lower = site.path("lower");
        fs::create_dir(&lower).expect("a directory");
        fs::write(lower.join("a.log"), "one\ntwo\n").expect("written");
        let _overlay = Overlay::mount(&lower, &site.path("work"), &site.logs());
        let mut agent = site.run();
        agent.wait("the lines are stored", || server.created() == 2);
        if restarted {
            assert!(agent.stop().success());
            LogFile::open(site.logs().join("a.log")).line("three");
            agent = site.run();
        } else {
            LogFile::open(site.logs().join("a.log")).line("three");
        }
        agent.wait("the written line is stored", || server.created() >= 3);
        LogFile::open(site.logs().join("a.log")).line("four");
        agent.wait("the last line is stored", || messages(&server, "a.log").contains(&"four".into()));
        assert!(agent.stop().success());
        assert_eq!(messages(&server, "a.log"), ["one", "two", "three", "four"], "restarted: {restarted}");
        assert_eq!(items_sent(&server), 4);
    }
}
