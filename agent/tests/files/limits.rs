//! Few descriptors, many files, much held back: the real program stays within its limits and loses nothing uncounted (P4).

use crate::tail::{Tail, append, gzip, lines, text};
use std::fs;

const MIB: u64 = 1 << 20;

// F78
#[test]
fn five_hundred_files_with_sixty_four_descriptors_are_all_stored_once() {
    let mut tail = Tail::new();
    let name = |number: u32| format!("{number:03}.log");
    for number in 0..500 {
        append(&tail.log(&name(number)), &text(&lines(&name(number), 0..10)));
    }
    let mut agent = tail.site.run_under(&["prlimit", "--nofile=64:64"]);
    tail.wait_stored(&mut agent, 5_000);
    let mut most = agent.open_files().len();
    for round in 1..=3 {
        for number in 0..500 {
            append(&tail.log(&name(number)), &text(&lines(&name(number), round * 10..round * 10 + 10)));
        }
        most = most.max(agent.open_files().len());
        tail.wait_stored(&mut agent, u64::from(round + 1) * 5_000);
        most = most.max(agent.open_files().len());
    }
    // All of them are renamed, nearly all while closed.
    for number in 0..500 {
        fs::rename(tail.log(&name(number)), tail.log(&format!("{}.1", name(number)))).expect("renamed");
        append(&tail.log(&format!("{}.1", name(number))), &text(&lines(&name(number), 40..50)));
    }
    tail.expect(&mut agent, (0..500).flat_map(|number| lines(&name(number), 0..50)));
    assert!(most <= 64, "{most} descriptors");
    assert_eq!((tail.repeats(), tail.lost_in_all()), (0, 0), "{}", tail.own_log());
    assert!(agent.stop().success());
}

// F78: a packed file needs no more descriptors than a plain one, and gives back its memory.
#[test]
fn packed_files_with_sixty_four_descriptors_are_all_stored_once() {
    let mut tail = Tail::new();
    let name = |number: u32| format!("{number:03}.gz");
    for number in 0..300 {
        fs::write(tail.log(&name(number)), gzip(text(&lines(&name(number), 0..10)).as_bytes()))
            .expect("written");
    }
    let mut agent = tail.site.run_under(&["prlimit", "--nofile=64:64"]);
    tail.expect(&mut agent, (0..300).flat_map(|number| lines(&name(number), 0..10)));
    assert_eq!((tail.repeats(), tail.lost_in_all()), (0, 0), "{}", tail.own_log());
    assert!(tail.told("cannot read file").is_empty(), "{}", tail.own_log());
    assert!(agent.stop().success());
}

// F61: some are held by descriptor, the rest is given up and counted to the byte.
#[test]
fn rotated_and_deleted_files_while_the_output_is_down_stay_within_the_caps_and_are_counted() {
    const OPEN: usize = 64;
    let mut tail = Tail::with(&["logs/**"], &format!("limits: {{open_files: {OPEN}}}\n"));
    tail.output_down();
    let path = tail.log("app.log");
    let shown = path.to_string_lossy().into_owned();
    let mut agent = tail.site.run();
    let mut written = 0;
    let mut most = 0;
    for number in 0..200 {
        let content = text(&lines(&format!("f{number:03}"), 0..1_000));
        append(&path, &content);
        written += content.len() as u64;
        wait_until_open(&agent, &shown);
        most = most.max(agent.open_files().len());
        fs::remove_file(&path).expect("removed");
    }
    assert!(most <= OPEN + 24, "{most} descriptors");
    let deleted = |agent: &crate::agent::Agent| {
        agent.open_files().iter().filter(|file| file.ends_with("(deleted)")).count()
    };
    let process = &agent;
    let until = std::time::Instant::now() + crate::agent::DEADLINE;
    while deleted(process) > OPEN / 4 * 3 {
        assert!(std::time::Instant::now() < until, "{:?}", process.open_files());
    }
    tail.output_up();
    tail.fence(&mut agent);
    let status = agent.wait_status("nothing is pending", |status| {
        let plain = status.files.iter().filter(|file| !file.path.ends_with(".gz"));
        status.accounts.pending == 0 && plain.map(|file| file.size - file.read).sum::<u64>() == 0
    });
    let stored: u64 = tail.stored().keys().map(|line| line.len() as u64 + 1).sum();
    assert_eq!((stored + status.bytes.lost) as i64 - written as i64, 0, "{status:#?}\n{}", tail.own_log());
    assert!(
        stored >= written / 200 * (OPEN as u64 / 4 * 3),
        "what was held is stored: {stored} of {written}"
    );
    assert!(tail.stored().values().all(|count| *count == 1));
    assert_eq!(tail.repeats(), 0);
    assert!(agent.stop().success());
}

fn wait_until_open(agent: &crate::agent::Agent, path: &str) {
    let until = std::time::Instant::now() + crate::agent::DEADLINE;
    while !agent.open_files().iter().any(|file| file == path) {
        assert!(std::time::Instant::now() < until, "{:?}\n{}", agent.open_files(), agent.log());
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}

// F78: a decoder lives only as long as its file is being read.
#[test]
fn four_hundred_packed_files_need_bounded_memory() {
    let mut tail = Tail::new();
    for number in 0..400 {
        let text = text(&lines(&format!("f{number:03}"), 0..100));
        fs::write(tail.log(&format!("{number}.gz")), gzip(text.as_bytes())).expect("written");
    }
    let mut agent = tail.site.run();
    tail.wait_stored(&mut agent, 40_000);
    tail.fence(&mut agent);
    let peak = agent.process().peak_resident().expect("a running agent");
    println!("peak resident: {} KiB", peak / 1024);
    assert!(peak <= 48 * MIB, "{} KiB", peak / 1024);
    assert_eq!(tail.stored().len(), 40_000);
    assert_eq!(tail.repeats(), 0);
    assert!(agent.stop().success());
}

/// What a packed file of zeros unpacks to.
const UNPACKED: u64 = 1 << 30;

/// A hole of [`UNPACKED`] NUL bytes and one line, as gzip members of 64 MiB.
fn gzip_of_zeros(behind: &str) -> Vec<u8> {
    let member = gzip(&vec![0; 64 << 20]);
    [member.repeat((UNPACKED >> 26) as usize), gzip(behind.as_bytes())].concat()
}

/// A line of [`UNPACKED`] characters `0` and one more, as a zstd frame of blocks of one repeated byte.
fn zstd_of_zeros(behind: &str) -> Vec<u8> {
    const BLOCK: u32 = 128 << 10;
    let head =
        |is_last: u32, kind: u32, size: u32| (is_last | kind << 1 | size << 3).to_le_bytes()[..3].to_vec();
    // Magic number, a descriptor without options, a window of one block.
    let frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 7 << 3];
    let zeros = [head(0, 1, BLOCK), b"0".to_vec()].concat().repeat((UNPACKED / u64::from(BLOCK)) as usize);
    let text = format!("\n{behind}");
    [frame, zeros, head(1, 0, text.len() as u32), text.into_bytes()].concat()
}

// F78: a few MiB on disk that are two GiB of text.
#[test]
#[ignore = "takes half a minute of processor time in a debug build; needs nothing else"]
fn packed_zeros_are_passed_over_or_cut_in_bounded_memory_and_counted() {
    let mut tail = Tail::new();
    fs::write(tail.log("a.gz"), gzip_of_zeros("behind the hole\n")).expect("written");
    fs::write(tail.log("b.zst"), zstd_of_zeros("behind the line\n")).expect("written");
    append(&tail.log("c.log"), "next file\n");
    let on_disk: u64 =
        ["a.gz", "b.zst"].iter().map(|name| fs::metadata(tail.log(name)).expect("there").len()).sum();
    assert!(on_disk < 16 * MIB, "{on_disk} bytes");
    let mut agent = tail.site.run();
    tail.wait_stored(&mut agent, 4);
    let report = agent.wait_status("all is settled", |status| status.accounts.pending == 0);
    let peak = agent.process().peak_resident().expect("a running agent");
    println!("peak resident: {} KiB", peak / 1024);
    assert!(peak <= 48 * MIB, "{} KiB", peak / 1024);
    assert_eq!((report.oddities.nul_bytes, report.oddities.cut_lines), (UNPACKED, 1), "{report:#?}");
    assert_eq!((report.accounts.delivered, report.bytes.lost), (4, 0));
    tail.fence(&mut agent);
    let stored = tail.stored();
    for line in ["behind the hole", "behind the line", "next file", &"0".repeat(MIB as usize)] {
        assert_eq!(stored.get(line), Some(&1), "{}", &line[..9]);
    }
    assert_eq!((stored.len(), tail.repeats()), (4, 0));
    let flagged = |document: &bench::fault::Document| {
        memchr::memmem::find(&document.source, br#""flags":["truncated"]"#).is_some()
    };
    assert_eq!(tail.server.documents().iter().filter(|document| flagged(document)).count(), 1);
    assert!(agent.stop().success());
}

// F73
#[test]
fn ten_thousand_files_of_which_a_hundred_are_active_need_bounded_memory_and_descriptors() {
    let mut tail = Tail::new();
    let path = |tail: &Tail, number: u32| tail.log(&format!("{}/{number}.log", number % 100));
    for directory in 0..100 {
        fs::create_dir(tail.log(&directory.to_string())).expect("directory");
    }
    let header = "#Version: 1.0\n";
    for number in 0..10_000 {
        append(&path(&tail, number), &format!("{header}{}", text(&lines(&format!("file{number}"), 0..1))));
    }
    let mut agent = tail.site.run();
    tail.wait_stored(&mut agent, 20_000);
    let mut halves = Vec::new();
    for half in 0..2 {
        for round in 0..10 {
            let at = 1 + half * 10 + round;
            for number in 0..100 {
                let number = number * 97;
                append(&path(&tail, number), &text(&lines(&format!("file{number}"), at..at + 1)));
            }
            tail.wait_stored(&mut agent, 20_000 + u64::from(at) * 100);
            assert!(agent.open_files().len() <= 600, "{} descriptors", agent.open_files().len());
        }
        halves.push(agent.process().peak_resident().expect("a running agent"));
    }
    assert!(halves[1] < halves[0] + 2 * MIB, "memory grows with time: {halves:?}");
    let bound = if cfg!(debug_assertions) { 64 * MIB } else { 24 * MIB };
    println!("peak resident: {} KiB", halves[1] / 1024);
    assert!(halves[1] <= bound, "{} KiB", halves[1] / 1024);
    tail.fence(&mut agent);
    let stored = tail.stored();
    assert_eq!(stored.get(header.trim_end()), Some(&10_000), "each has its own header");
    let once = stored.iter().filter(|(line, count)| *line != header.trim_end() && **count == 1).count();
    assert_eq!((once, stored.len()), (12_000, 12_001));
    assert_eq!(tail.repeats(), 0);
    assert!(agent.stop().success());

    let mut agent = tail.site.run();
    append(&path(&tail, 0), "after the restart\n");
    tail.wait_stored(&mut agent, 22_001);
    tail.fence(&mut agent);
    assert_eq!(tail.stored().values().sum::<usize>(), 22_001);
    assert_eq!(tail.repeats(), 0, "the restart repeats nothing");
    assert!(agent.stop().success());
}

// F75: the live lines are there while most of the backlog is not.
#[test]
fn live_files_are_not_held_up_by_a_backlog() {
    let tail = Tail::new();
    let line = format!("backlog {}\n", "x".repeat(990));
    let mut file = fs::File::create(tail.log("backlog.log")).expect("created");
    for _ in 0..200 {
        std::io::Write::write_all(&mut file, line.repeat(1_000).as_bytes()).expect("written");
    }
    let mut agent = tail.site.run();
    agent.wait("the backlog is being sent", || tail.server.created() > 1_000);
    for number in 0..50 {
        append(&tail.log(&format!("live{number}.log")), &text(&lines(&format!("live{number}"), 0..1)));
    }
    let live = || {
        let documents = tail.server.documents();
        documents
            .iter()
            .filter(|document| memchr::memmem::find(&document.source, b"says 0").is_some())
            .count()
    };
    agent.wait("all live lines are stored", || live() == 50);
    let stored = tail.server.created();
    assert!(stored < 100_000, "{stored} lines were stored before the live ones");
    tail.output_down();
    assert!(agent.stop().success());
}
