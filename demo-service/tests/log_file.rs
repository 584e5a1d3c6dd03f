//! The log file: rotation, a disk that stands still or is full, what a killed process left, and mistakes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/service.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared by several tests, each using its part")]
mod service;

use rustix::fs::{FileType, Mode, mknodat};
use service::{Line, Service, parse, program, rotated, sequences};
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Command;

fn all(log: &Path) -> Vec<Line> {
    rotated(log).iter().flat_map(|path| parse(&fs::read_to_string(path).unwrap())).collect()
}

fn counted_from_one(lines: &[Line]) {
    assert_eq!(sequences(lines), (1..=lines.len() as u64).collect::<Vec<_>>());
}

/// A log that takes what a pipe holds until somebody reads.
fn pipe(log: &Path) -> File {
    mknodat(rustix::fs::CWD, log, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    // Open for both, as the service has it, so that neither waits for the other.
    File::options().read(true).write(true).open(log).unwrap()
}

#[test]
fn a_rotated_log_is_complete_and_each_file_has_its_size() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("service.log");
    let service = Service::logging_to(&log, &["--log-max-size", "20000", "--log-keep", "100"]);
    for _ in 0..200 {
        service.get("/simple");
    }
    service.stop();
    let files = rotated(&log);
    assert!(files.len() > 5, "{files:?}");
    for path in &files {
        let size = fs::metadata(path).unwrap().len();
        assert!(size <= 20_000, "{}: {size}", path.display());
    }
    let lines = all(&log);
    counted_from_one(&lines);
    assert_eq!(lines.iter().filter(|line| service::is_request(line)).count(), 200);
}

#[test]
fn only_so_many_rotated_files_are_kept() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("service.log");
    let service = Service::logging_to(&log, &["--log-max-size", "2000", "--log-keep", "2"]);
    for _ in 0..50 {
        service.get("/simple");
    }
    service.stop();
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 3);
    let kept = sequences(&all(&log));
    let last = *kept.last().unwrap();
    assert!(kept.len() < 20 && kept == (last + 1 - kept.len() as u64..=last).collect::<Vec<_>>(), "{kept:?}");
}

#[test]
fn a_line_that_was_cut_by_a_kill_does_not_spoil_the_next() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("service.log");
    fs::write(&log, "{\"v\":0,\"na").unwrap();
    Service::logging_to(&log, &[]).end();
    let text = fs::read_to_string(&log).unwrap();
    let (cut, rest) = text.split_once('\n').unwrap();
    assert_eq!(cut, "{\"v\":0,\"na");
    counted_from_one(&parse(rest));
}

#[test]
fn a_log_that_stands_still_does_not_stop_serving_and_tells_what_it_dropped() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("service.log");
    let pipe = pipe(&log);
    let service = Service::logging_to(&log, &["--metrics-interval", "1", "--fault", "noisy:50000"]);
    for _ in 0..40 {
        assert_eq!(service.get("/wait?ms=100").status, 200);
    }
    service.set_fault("noisy", "off");
    let mut lines = Vec::new();
    let mut told = None;
    for line in BufReader::new(pipe).lines() {
        let line = parse(&line.unwrap()).remove(0);
        told = line.get("log_dropped").cloned().or(told);
        lines.push(line);
        if told.is_some() {
            break;
        }
    }
    counted_from_one(&lines);
    assert!(
        told.and_then(|dropped| dropped.as_u64()).is_some_and(|dropped| dropped > 1000),
        "{:?}",
        lines.last()
    );
}

#[test]
fn a_log_that_stands_still_does_not_keep_the_process_from_ending() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("service.log");
    let pipe = pipe(&log);
    let service = Service::logging_to(&log, &["--fault", "noisy:20000"]);
    assert_eq!(service.get("/wait?ms=1000").status, 200);
    service.end();
    drop(pipe);
}

#[test]
fn a_device_without_room_does_not_stop_serving_nor_ending() {
    let service = Service::logging_to(Path::new("/dev/full"), &[]);
    for _ in 0..20 {
        assert_eq!(service.get("/simple").status, 200);
    }
    service.end();
}

#[test]
fn a_log_that_cannot_be_written_ends_the_start_with_path_and_reason() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("missing/service.log");
    let output = program().args(["--port", "0", "--log"]).arg(&log).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(78), "{errors}");
    assert!(
        errors.contains(log.to_str().unwrap()) && errors.contains("No such file or directory"),
        "{errors}"
    );
}

#[test]
fn without_a_file_the_log_goes_to_standard_output() {
    let mut child = program().args(["--port", "0"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = parse(&lines.next().unwrap().unwrap()).remove(0);
    assert!(
        first["msg"] == "listening" && first["server.port"].as_u64().is_some_and(|port| port > 0),
        "{first:?}"
    );
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_level_of_off_writes_nothing() {
    let service = Service::start(&["--log-level", "off", "--fault", "noisy:1000"]);
    assert_eq!(service.get("/fail").status, 500);
    assert_eq!(service.stop(), Vec::<Line>::new());
}

/// Memory with a size for a file system. Unmounted when dropped.
struct Tmpfs<'a>(&'a Path);

impl Tmpfs<'_> {
    fn mount(&self, options: &str) {
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(self.0)
            .status()
            .expect("mount");
        assert!(status.success(), "{status}");
    }
}

impl Drop for Tmpfs<'_> {
    fn drop(&mut self) {
        let status = Command::new("umount").arg("--lazy").arg(self.0).status();
        assert!(std::thread::panicking() || status.is_ok_and(|status| status.success()));
    }
}

#[test]
#[ignore = "needs root"]
fn a_disk_that_was_full_gets_the_rest_of_the_very_line() {
    let directory = tempfile::tempdir().unwrap();
    let disk = Tmpfs(directory.path());
    disk.mount("size=64k");
    let log = directory.path().join("service.log");
    let service = Service::logging_to(&log, &[]);
    for _ in 0..300 {
        assert_eq!(service.get("/simple").status, 200);
    }
    let full = fs::read(&log).unwrap();
    assert!(full.len() >= 60_000 && full.last() != Some(&b'\n'), "{} bytes, cut within a line", full.len());
    disk.mount("remount,size=64m");
    let lines = service.stop();
    counted_from_one(&lines);
    assert_eq!(lines.iter().filter(|line| service::is_request(line)).count(), 300);
}

#[test]
fn what_was_there_stays() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("service.log");
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(&log)
        .unwrap()
        .write_all(b"{\"before\":true}\n")
        .unwrap();
    let lines = Service::logging_to(&log, &[]).stop();
    assert!(lines[0].contains_key("before") && lines.len() == 4, "{lines:?}");
}
