//! What rotation does to the files of the real program: every line is stored once, whatever the files go through (P1, P2).

use crate::log_writer::LogFile;
use crate::tail::{Tail, append, copy_truncate, gzip, lines, pack, text};
use bench::fault::{Fault, Plan};
use bench::line::{Format, Origin};
use bench::writer::{Clock, LogWriter, Rotation};
use std::fs;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

const ORIGIN: Origin = Origin { seed: 39, writer: 1, format: Format::Tracing };

fn writer(tail: &Tail, rotation: Rotation) -> LogWriter {
    LogWriter::open(&tail.log("app.log"), ORIGIN, Clock::SAMPLE, rotation).expect("a log file")
}

/// 60 000 lines through three rotations. `caught_up`: the agent has read all before each of them.
fn rotate_three_times(rotation: Rotation, caught_up: bool) {
    let mut tail = Tail::new();
    let mut writer = writer(&tail, rotation);
    let mut agent = tail.site.run();
    for _ in 0..3 {
        writer.write(15_000).expect("written");
        if caught_up {
            tail.wait_stored(&mut agent, writer.entry().lines());
        }
        writer.rotate().expect("rotated");
    }
    writer.write(15_000).expect("written");
    tail.wait_stored(&mut agent, 60_000);
    tail.fence(&mut agent);
    tail.judge(&[&writer]);
    assert_eq!(tail.repeats(), 0, "no line went over the wire twice");
    assert_eq!(
        tail.lost_in_all(),
        0,
        "nothing was lost, so nothing may be reported lost:\n{}",
        tail.own_log()
    );
    assert!(agent.stop().success());
}

// F39, F41
#[test]
fn copytruncate_with_the_copies_in_the_glob_loses_and_repeats_nothing() {
    rotate_three_times(Rotation::CopyTruncate, true);
}

// F39, F41: the unread rest of each copy comes from the copy.
#[test]
fn copytruncate_of_a_file_that_is_not_read_to_its_end_loses_and_repeats_nothing() {
    rotate_three_times(Rotation::CopyTruncate, false);
}

// F43
#[test]
fn rename_and_create_loses_and_repeats_nothing() {
    rotate_three_times(Rotation::Rename, false);
}

// F43
#[test]
fn shifted_numbers_lose_and_repeat_nothing() {
    rotate_three_times(Rotation::Shift, false);
}

// F40: what was written between copy and truncation is in neither file. Everything else is stored once.
#[test]
fn copytruncate_under_a_busy_writer_loses_only_what_is_in_no_file() {
    let mut tail = Tail::new();
    let path = tail.log("app.log");
    let mut agent = tail.site.run();
    let stop = AtomicBool::new(false);
    let written = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut file = fs::OpenOptions::new().create(true).append(true).open(&path).expect("opened");
            let mut number = 0u32;
            while !stop.load(Ordering::Relaxed) {
                file.write_all(format!("busy {number:08} end\n").as_bytes()).expect("written");
                number += 1;
                if number.is_multiple_of(20) {
                    std::thread::sleep(std::time::Duration::from_millis(1));
                }
            }
            number
        });
        for round in 1..=20 {
            let before = tail.server.created();
            agent.wait("lines of this round are stored", || tail.server.created() >= before + 200);
            copy_truncate(&path, &tail.log(&format!("app.log.{round}")));
        }
        stop.store(true, Ordering::Relaxed);
        writer.join().expect("wrote")
    });
    let whole = |line: &str| line.len() == "busy 00000000 end".len() && line.ends_with(" end");
    let mut on_disk = std::collections::BTreeSet::new();
    for entry in fs::read_dir(tail.site.logs()).expect("listed") {
        let text = fs::read_to_string(entry.expect("listed").path()).expect("read");
        on_disk.extend(text.lines().filter(|line| whole(line)).map(str::to_owned));
    }
    assert!(on_disk.len() as u32 <= written);
    agent.wait("all that is in a file is stored", || {
        let stored = tail.stored();
        on_disk.iter().all(|line| stored.contains_key(line))
    });
    tail.fence(&mut agent);
    let stored = tail.stored();
    let twice: Vec<_> = stored.iter().filter(|(line, count)| whole(line) && **count != 1).take(10).collect();
    assert!(twice.is_empty(), "{twice:?}\nlog:\n{}", agent.log());
    let torn = stored.keys().filter(|line| !whole(line)).count();
    assert!(torn <= 40, "a copy or a truncation cuts a line in two at most: {torn} pieces");
    let lost = (0..written).filter(|number| !stored.contains_key(&format!("busy {number:08} end"))).count();
    println!("{written} written, {} in a file, {lost} lost between copy and truncation", on_disk.len());
    assert!(agent.stop().success());
}

// F42
#[test]
fn two_copytruncates_and_gzip_while_the_agent_is_down_lose_and_repeat_nothing() {
    let mut tail = Tail::new();
    let path = tail.log("app.log");
    append(&path, &text(&lines("a", 0..100)));
    let mut agent = tail.site.run();
    tail.wait_stored(&mut agent, 100);
    assert!(agent.stop().success());
    append(&path, &text(&lines("b", 0..100)));
    copy_truncate(&path, &tail.log("app.log.2"));
    append(&path, &text(&lines("c", 0..100)));
    copy_truncate(&path, &tail.log("app.log.1"));
    append(&path, &text(&lines("d", 0..100)));
    pack(&tail.log("app.log.2"));
    pack(&tail.log("app.log.1"));
    let mut agent = tail.site.run();
    let all = ["a", "b", "c", "d"].iter().flat_map(|who| lines(who, 0..100));
    tail.expect(&mut agent, all);
    assert_eq!(tail.repeats(), 0);
    assert!(agent.stop().success());
}

// F42: a kill at the worst moment, between copy and truncation.
#[test]
fn kill_between_copy_and_truncation_loses_and_repeats_nothing() {
    let mut tail = Tail::new();
    let (path, copy) = (tail.log("app.log"), tail.log("app.log.1"));
    append(&path, &text(&lines("a", 0..1_000)));
    let mut agent = tail.site.run();
    tail.wait_stored(&mut agent, 1_000);
    append(&path, &text(&lines("b", 0..1_000)));
    fs::copy(&path, &copy).expect("copied");
    agent.kill();
    fs::OpenOptions::new().write(true).open(&path).and_then(|file| file.set_len(0)).expect("truncated");
    append(&path, &text(&lines("c", 0..1_000)));
    let mut agent = tail.site.run();
    let all = ["a", "b", "c"].iter().flat_map(|who| lines(who, 0..1_000));
    tail.expect(&mut agent, all);
    assert!(agent.stop().success());
}

// F44
#[test]
fn a_writer_that_keeps_the_old_descriptor_is_read_to_the_end() {
    let mut tail = Tail::new();
    let mut log = LogFile::open(tail.log("app.log"));
    log.line("old 0");
    let mut agent = tail.site.run();
    tail.wait_stored(&mut agent, 1);
    log.rename_only("app.log.1");
    let mut new = LogFile::open(tail.log("app.log"));
    let mut all = vec!["old 0".to_owned()];
    for number in 1..=200 {
        log.line(&format!("old {number}"));
        new.line(&format!("new {number}"));
        all.extend([format!("old {number}"), format!("new {number}")]);
        if number % 50 == 0 {
            tail.wait_stored(&mut agent, 1 + 2 * number);
        }
    }
    tail.expect(&mut agent, all);
    assert_eq!(tail.repeats(), 0);
    assert!(agent.stop().success());
}

// F45: the output is down, so most is unread when the file leaves the glob.
#[test]
fn a_file_renamed_out_of_the_glob_is_drained() {
    let mut tail = Tail::new();
    tail.output_down();
    let path = tail.log("app.log");
    append(&path, &text(&lines("a", 0..100_000)));
    let mut agent = tail.site.run();
    agent.wait("the agent has begun", || tail.server.request_count() > 0);
    fs::rename(&path, tail.site.path("away.log")).expect("renamed");
    append(&path, &text(&lines("b", 0..10)));
    tail.output_up();
    tail.expect(&mut agent, lines("a", 0..100_000).into_iter().chain(lines("b", 0..10)));
    assert!(agent.stop().success());
}

// F46
#[test]
fn a_file_moved_to_another_directory_while_read_is_stored_once() {
    let mut tail = Tail::new();
    tail.output_down();
    let path = tail.log("app.log");
    append(&path, &text(&lines("a", 0..50_000)));
    let mut agent = tail.site.run();
    agent.wait("the agent has begun", || tail.server.request_count() > 0);
    fs::create_dir_all(tail.log("archive/2026")).expect("directory");
    fs::rename(&path, tail.log("archive/2026/app.log")).expect("moved");
    tail.output_up();
    tail.expect(&mut agent, lines("a", 0..50_000));
    assert_eq!(tail.repeats(), 0);
    assert!(agent.stop().success());
}

// F46: to another file system it is a copy and a removal.
#[test]
fn a_file_moved_to_another_file_system_while_read_is_stored_once() {
    let other = tempfile::tempdir_in("/dev/shm").expect("a directory in memory");
    let pattern = other.path().join("*.log");
    let mut tail = Tail::with(&["logs/**", &pattern.to_string_lossy()], "");
    tail.output_down();
    let path = tail.log("app.log");
    append(&path, &text(&lines("a", 0..50_000)));
    let mut agent = tail.site.run();
    agent.wait("the agent has begun", || tail.server.request_count() > 0);
    fs::copy(&path, other.path().join("app.log")).expect("copied");
    fs::remove_file(&path).expect("removed");
    tail.output_up();
    tail.expect(&mut agent, lines("a", 0..50_000));
    assert_eq!(tail.repeats(), 0);
    assert!(agent.stop().success());
}

/// Shifts `app.log.1` … up by one, drops what is above `keep`, and renames `app.log` to `app.log.1`.
fn shift(tail: &Tail, keep: u32) {
    let numbered = |number: u32| tail.log(&format!("app.log.{number}"));
    if numbered(keep).try_exists().expect("the directory can be read") {
        fs::remove_file(numbered(keep)).expect("removed");
    }
    for number in
        (1..keep).rev().filter(|number| numbered(*number).try_exists().expect("the directory can be read"))
    {
        fs::rename(numbered(number), numbered(number + 1)).expect("renamed");
    }
    fs::rename(tail.log("app.log"), numbered(1)).expect("renamed");
}

// F47
#[test]
fn ten_rotations_in_an_instant_are_all_stored_once() {
    let mut tail = Tail::new();
    append(&tail.log("app.log"), &text(&lines("g0", 0..50)));
    let mut agent = tail.site.run();
    tail.wait_stored(&mut agent, 50);
    for round in 1..=10 {
        append(&tail.log("app.log"), &text(&lines(&format!("g{round}"), 0..50)));
        shift(&tail, 20);
    }
    append(&tail.log("app.log"), &text(&lines("last", 0..50)));
    let all = (0..=10).flat_map(|round| lines(&format!("g{round}"), 0..50));
    tail.expect(&mut agent, all.chain(lines("last", 0..50)));
    assert_eq!((tail.repeats(), tail.lost_in_all()), (0, 0), "{}", tail.own_log());
    assert!(agent.stop().success());
}

// F47: the first line of all files is the same header.
#[test]
fn ten_rotations_with_one_header_are_all_stored_once() {
    let mut tail = Tail::new();
    let header = "#Fields: date time cs-method\n";
    let mut agent = tail.site.run();
    for round in 0..10 {
        append(&tail.log("app.log"), &format!("{header}{}", text(&lines(&format!("g{round}"), 0..50))));
        shift(&tail, 20);
    }
    let headers = (0..10).map(|_| header.trim_end().to_owned());
    tail.expect(&mut agent, (0..10).flat_map(|round| lines(&format!("g{round}"), 0..50)).chain(headers));
    assert_eq!((tail.repeats(), tail.lost_in_all()), (0, 0), "{}", tail.own_log());
    assert!(agent.stop().success());
}

fn bytes_below(path: &std::path::Path) -> u64 {
    let entries = fs::read_dir(path).expect("listed").map(|entry| entry.expect("listed"));
    entries
        .map(|entry| match entry.file_type().expect("known").is_dir() {
            true => bytes_below(&entry.path()),
            false => entry.metadata().map_or(0, |facts| facts.len()),
        })
        .sum()
}

// F48
#[test]
fn fifty_shifts_lose_nothing_and_state_and_descriptors_stay_bounded() {
    let mut tail = Tail::new();
    let mut agent = tail.site.run();
    let mut at_half = 0;
    for round in 1..=50 {
        append(&tail.log("app.log"), &text(&lines(&format!("g{round}"), 0..20)));
        tail.wait_stored(&mut agent, round * 20);
        shift(&tail, 3);
        if round == 25 {
            at_half = bytes_below(&tail.site.path("state"));
        }
    }
    tail.expect(&mut agent, (1..=50).flat_map(|round| lines(&format!("g{round}"), 0..20)));
    assert_eq!((tail.repeats(), tail.lost_in_all()), (0, 0), "{}", tail.own_log());
    wait_until_deleted_files_are_closed(&mut agent);
    assert!(agent.stop().success());
    let state = bytes_below(&tail.site.path("state"));
    assert!(state < 2 * at_half + 32 * 1024, "{state} bytes of state after {at_half} at half time");
}

/// Nothing needs to happen for that but time.
fn wait_until_deleted_files_are_closed(agent: &mut crate::agent::Agent) {
    let until = std::time::Instant::now() + crate::agent::DEADLINE;
    while agent.open_files().iter().any(|file| file.ends_with("(deleted)")) {
        assert!(std::time::Instant::now() < until, "deleted files stay open: {:?}", agent.open_files());
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

// F49
#[test]
fn renamed_while_stopped_with_lines_added_to_both_resumes_both() {
    for kill in [false, true] {
        let mut tail = Tail::new();
        append(&tail.log("app.log"), &text(&lines("old", 0..500)));
        let mut agent = tail.site.run();
        tail.wait_stored(&mut agent, 500);
        match kill {
            true => agent.kill(),
            false => assert!(agent.stop().success()),
        }
        fs::rename(tail.log("app.log"), tail.log("app.log.1")).expect("renamed");
        append(&tail.log("app.log.1"), &text(&lines("old", 500..600)));
        append(&tail.log("app.log"), &text(&lines("new", 0..100)));
        let mut agent = tail.site.run();
        tail.expect(&mut agent, lines("old", 0..600).into_iter().chain(lines("new", 0..100)));
        assert!(kill || tail.repeats() == 0);
        assert!(agent.stop().success());
    }
}

// F51
#[test]
fn packed_files_that_are_being_written_cut_or_spoilt_ship_their_valid_part_once() {
    let mut tail = Tail::new();
    let mut agent = tail.site.run();
    let growing = gzip(text(&lines("growing", 0..2_000)).as_bytes());
    let mut file = fs::File::create(tail.log("growing.gz")).expect("created");
    let pieces = growing.chunks(growing.len() / 4 + 1);
    for piece in pieces {
        file.write_all(piece).expect("written");
        file.sync_all().expect("synced");
        std::thread::sleep(std::time::Duration::from_millis(300));
    }
    let spoilt = [gzip(text(&lines("spoilt", 0..500)).as_bytes()), b"no gzip at all".to_vec()].concat();
    fs::write(tail.log("spoilt.gz"), spoilt).expect("written");
    let cut = gzip(text(&lines("cut", 0..500)).as_bytes());
    fs::write(tail.log("cut.gz"), &cut[..cut.len() - 8]).expect("written");
    let all = [lines("growing", 0..2_000), lines("spoilt", 0..500), lines("cut", 0..500)];
    tail.expect(&mut agent, all.into_iter().flatten());
    agent.wait("damage is told", || {
        let told = tail.told("packed file is damaged");
        let names = |name: &str| {
            told.iter()
                .filter(|record| record["file"].as_str().is_some_and(|file| file.ends_with(name)))
                .count()
        };
        names("spoilt.gz") == 1 && names("cut.gz") == 1
    });
    assert_eq!(tail.repeats(), 0);
    let before = agent.process().cpu().expect("a running agent");
    tail.fence(&mut agent);
    let spent = agent.process().cpu().expect("a running agent") - before;
    // The fence takes four seconds of waiting at least.
    assert!(spent < std::time::Duration::from_secs(1), "damaged files keep the agent busy: {spent:?}");
    assert_eq!(tail.told("packed file is damaged").len(), 2, "told once each:\n{}", tail.own_log());
    assert!(agent.stop().success());
}

// F52
#[test]
fn two_files_that_swap_names_go_on_at_their_own_offsets() {
    let mut tail = Tail::new();
    let (one, two, aside) = (tail.log("one.log"), tail.log("two.log"), tail.site.path("aside"));
    append(&one, &text(&lines("a", 0..100)));
    append(&two, &text(&lines("b", 0..300)));
    let mut agent = tail.site.run();
    tail.wait_stored(&mut agent, 400);
    for round in 0..20u32 {
        fs::rename(&one, &aside).expect("renamed");
        fs::rename(&two, &one).expect("renamed");
        fs::rename(&aside, &two).expect("renamed");
        append(&one, &text(&lines("x", round * 10..round * 10 + 10)));
        append(&two, &text(&lines("y", round * 10..round * 10 + 10)));
    }
    let all = [lines("a", 0..100), lines("b", 0..300), lines("x", 0..200), lines("y", 0..200)];
    tail.expect(&mut agent, all.into_iter().flatten());
    assert_eq!((tail.repeats(), tail.lost_in_all()), (0, 0), "{}", tail.own_log());
    assert!(agent.stop().success());
}

// F56
#[test]
fn atomic_replacement_by_shorter_or_longer_text_ships_both() {
    for count in [10, 1_000] {
        let mut tail = Tail::new();
        let path = tail.log("app.log");
        append(&path, &text(&lines("old", 0..100)));
        let mut agent = tail.site.run();
        tail.wait_stored(&mut agent, 100);
        append(&path, &text(&lines("old", 100..120)));
        let aside = tail.site.path("aside");
        append(&aside, &text(&lines("new", 0..count)));
        fs::rename(&aside, &path).expect("renamed");
        tail.expect(&mut agent, lines("old", 0..120).into_iter().chain(lines("new", 0..count)));
        assert_eq!((tail.repeats(), tail.lost_in_all()), (0, 0), "{}", tail.own_log());
        assert!(agent.stop().success());
    }
}

// F56: an editor that saves, `sed -i`: the same lines in a new file, and more.
#[test]
fn atomic_replacement_by_the_same_text_ships_only_what_is_more() {
    let mut tail = Tail::new();
    let path = tail.log("app.log");
    append(&path, &text(&lines("a", 0..100)));
    let mut agent = tail.site.run();
    tail.wait_stored(&mut agent, 100);
    let aside = tail.site.path("aside");
    append(&aside, &text(&lines("a", 0..110)));
    fs::rename(&aside, &path).expect("renamed");
    append(&path, &text(&lines("a", 110..120)));
    tail.expect(&mut agent, lines("a", 0..120));
    assert!(agent.stop().success());
}

// F57, F58
#[test]
fn deleted_and_recreated_files_are_drained_and_closed() {
    let mut tail = Tail::new();
    let path = tail.log("app.log");
    let mut agent = tail.site.run();
    for round in 0..5u32 {
        append(&path, &text(&lines("a", round * 10..round * 10 + 5)));
        tail.wait_stored(&mut agent, u64::from(round) * 10 + 5);
        append(&path, &text(&lines("a", round * 10 + 5..round * 10 + 10)));
        fs::remove_file(&path).expect("removed");
        tail.wait_stored(&mut agent, u64::from(round) * 10 + 10);
    }
    append(&path, &text(&lines("last", 0..10)));
    tail.expect(&mut agent, lines("a", 0..50).into_iter().chain(lines("last", 0..10)));
    wait_until_deleted_files_are_closed(&mut agent);
    assert_eq!((tail.repeats(), tail.lost_in_all()), (0, 0), "{}", tail.own_log());
    assert!(agent.stop().success());
}

// F60
#[test]
fn a_file_deleted_while_the_output_is_down_is_stored_when_it_is_back() {
    let mut tail = Tail::new();
    tail.output_down();
    let path = tail.log("app.log");
    append(&path, &text(&lines("a", 0..100_000)));
    let mut agent = tail.site.run();
    agent.wait("the agent has begun", || tail.server.request_count() > 0);
    fs::remove_file(&path).expect("removed");
    append(&path, &text(&lines("b", 0..10)));
    agent.wait("sending was tried again", || tail.server.request_count() > 4);
    tail.output_up();
    tail.expect(&mut agent, lines("a", 0..100_000).into_iter().chain(lines("b", 0..10)));
    assert_eq!(tail.lost_in_all(), 0, "{}", tail.own_log());
    assert!(agent.stop().success());
}

// F60: what only the descriptor held is gone with the process; that must be said.
#[test]
fn unsent_lines_of_a_deleted_file_are_counted_as_lost_after_a_restart() {
    let tail = Tail::new();
    tail.output_down();
    let path = tail.log("app.log");
    let lost = text(&lines("a", 0..100_000));
    append(&path, &lost);
    let mut agent = tail.site.run();
    agent.wait("the agent has begun", || tail.server.request_count() > 0);
    fs::remove_file(&path).expect("removed");
    agent.kill();
    tail.output_up();
    append(&path, &text(&lines("b", 0..10)));
    let mut agent = tail.site.run();
    tail.wait_stored(&mut agent, 10);
    agent.wait_status("the loss is counted", |status| status.bytes.lost == lost.len() as u64);
    assert!(agent.stop().success());
}

/// Everything at once, by chance: writes, rotations of all kinds, swaps, packing, faults of the server, stops and kills.
struct Storm {
    tail: Tail,
    dice: bench::random::Dice,
    agent: Option<crate::agent::Agent>,
    written: Vec<String>,
    rotations: u32,
    packed: u32,
    story: Vec<String>,
}

const LOGS: [&str; 3] = ["one.log", "two.log", "three.log"];

impl Storm {
    fn new(seed: u64) -> Self {
        let tail = Tail::new();
        let agent = Some(tail.site.run());
        let dice = bench::random::Dice::new(seed);
        Self {
            tail,
            dice,
            agent,
            written: Vec::new(),
            rotations: 0,
            packed: 0,
            story: vec![format!("seed {seed}")],
        }
    }

    fn act(&mut self) {
        let log = LOGS[self.dice.below(3) as usize];
        let path = self.tail.log(log);
        match self.dice.below(16) {
            0..=5 => self.write(log),
            6 | 7 if path.try_exists().expect("the directory can be read") => {
                self.rotated("rename", log, |path, name| fs::rename(path, name).expect("renamed"))
            }
            8..=10 if path.try_exists().expect("the directory can be read") => {
                self.rotated("copytruncate", log, copy_truncate)
            }
            11 => self.swap(),
            12 => self.pack_one(),
            13 => self.restart(),
            14 => self.misbehave(),
            _ => std::thread::sleep(std::time::Duration::from_millis(self.dice.below(400))),
        }
    }

    fn write(&mut self, log: &str) {
        let count = 1 + self.dice.below(200) as usize;
        let from = self.written.len();
        let new: Vec<String> = (from..from + count).map(|number| format!("storm {number} {log}")).collect();
        append(&self.tail.log(log), &text(&new));
        self.story.push(format!("{log}: lines from {from} to {}", from + count));
        self.written.extend(new);
    }

    fn rotated(&mut self, what: &str, log: &str, rotate: impl Fn(&std::path::Path, &std::path::Path)) {
        self.rotations += 1;
        let name = format!("{log}.{}", self.rotations);
        rotate(&self.tail.log(log), &self.tail.log(&name));
        self.story.push(format!("{what} to {name}"));
    }

    fn swap(&mut self) {
        let (one, two, aside) =
            (self.tail.log(LOGS[0]), self.tail.log(LOGS[1]), self.tail.site.path("aside"));
        if one.try_exists().expect("the directory can be read")
            && two.try_exists().expect("the directory can be read")
        {
            fs::rename(&one, &aside).expect("renamed");
            fs::rename(&two, &one).expect("renamed");
            fs::rename(&aside, &two).expect("renamed");
            self.story.push("swapped one and two".into());
        }
    }

    /// Packs the oldest rotated file that is not packed yet, as `logrotate` does with `delaycompress`.
    fn pack_one(&mut self) {
        for number in self.packed + 1..self.rotations {
            let rotated = LOGS.map(|log| self.tail.log(&format!("{log}.{number}")));
            self.packed = number;
            if let Some(path) =
                rotated.iter().find(|path| path.try_exists().expect("the directory can be read"))
            {
                pack(path);
                self.story.push(format!("packed {number}"));
                return;
            }
        }
    }

    fn restart(&mut self) {
        let mut agent = self.agent.take().expect("it runs");
        let kill = self.dice.chance(500);
        if kill {
            agent.kill();
        } else {
            // Before it serves its status it may not listen to signals yet.
            agent.wait_status("it is up", |_| true);
            assert!(agent.stop().success());
        }
        self.story.push(if kill { "killed".into() } else { "stopped".into() });
        // What happens to files while nobody looks.
        for _ in 0..self.dice.below(4) {
            match self.dice.below(3) {
                0 => self.write(LOGS[0]),
                1 if self.tail.log(LOGS[1]).try_exists().expect("the directory can be read") => {
                    self.rotated("copytruncate", LOGS[1], copy_truncate)
                }
                _ => self.pack_one(),
            }
        }
        self.agent = Some(self.tail.site.run());
        self.story.push("started".into());
    }

    fn misbehave(&mut self) {
        let faults = [
            Fault::LoseAnswer,
            Fault::Refuse(503),
            Fault::RefuseItems(429),
            Fault::CutAnswer,
            Fault::Refuse(429),
        ];
        let fault = faults[self.dice.below(5) as usize];
        self.tail.server.set_plan(Plan::Script(vec![fault; 3]));
        self.story.push(format!("server: {}", fault.name()));
    }

    fn finish(mut self) {
        self.tail.output_up();
        let mut agent = self.agent.take().expect("it runs");
        let written = std::mem::take(&mut self.written);
        let story = self.story;
        let tail = &mut self.tail;
        let ended =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| tail.expect(&mut agent, written)));
        if let Err(cause) = ended {
            println!("{story:#?}");
            println!("{}", tail.own_log());
            std::panic::resume_unwind(cause);
        }
        assert!(agent.stop().success());
    }
}

// F31, F32, F39, F42, F43, F49, F52 in all their mixtures.
#[test]
fn a_storm_of_rotations_restarts_and_faults_loses_and_repeats_nothing() {
    let seeds = std::env::var("BLUEOX_STORM_SEEDS").unwrap_or("1,2,3,4".into());
    std::thread::scope(|scope| {
        for seed in seeds.split(',').map(|seed| seed.parse::<u64>().expect("a number")) {
            scope.spawn(move || {
                let mut storm = Storm::new(seed);
                for _ in 0..60 {
                    storm.act();
                }
                storm.finish();
            });
        }
    });
}
