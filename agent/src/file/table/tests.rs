//! Rotation, copies, rewrites and restarts on a real file system, with time passed in.

use super::*;
use crate::event::LineEnd;
use crate::file::identity::{checksum, event_id};
use crate::file::prefix::{Mark, tail_hash};
use crate::file::reader::{self, ReadBuffer, TurnEnd, TurnLimits};
use crate::file::tailed::Awaits;
use crate::line::{Flow, Framing};
use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;

/// A directory, a table that tails it, and a server that keeps every id once.
struct World {
    directory: tempfile::TempDir,
    table: Table,
    buffer: ReadBuffer,
    now: Instant,
    /// Every accepted event: id, text and whether it was flagged partial.
    server: Vec<([u8; 20], String, bool)>,
    repeats: usize,
    settle: bool,
    withheld: Vec<(FileKey, u64, u64)>,
    notices: Vec<Notice>,
}

fn settings() -> Settings {
    Settings {
        host_id: "web-1".into(),
        inputs: vec![InputRules { id: None, identity: String::new(), from_end: false, is_queue: false }],
        open_files: 64,
        held_bytes: 1 << 30,
        retention: Duration::from_secs(3600),
        once: false,
    }
}

impl World {
    fn new() -> Self {
        Self::with(settings())
    }

    fn with(settings: Settings) -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            table: Table::new(settings, Vec::new(), true),
            buffer: ReadBuffer::default(),
            now: Instant::now(),
            server: Vec::new(),
            repeats: 0,
            settle: true,
            withheld: Vec::new(),
            notices: Vec::new(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn append(&self, name: &str, text: &str) {
        let mut file = fs::File::options().append(true).create(true).open(self.path(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    /// copytruncate as logrotate does it.
    fn copy_truncate(&self, from: &str, to: &str) {
        fs::copy(self.path(from), self.path(to)).unwrap();
        fs::File::options().write(true).open(self.path(from)).unwrap().set_len(0).unwrap();
    }

    fn found(&self) -> Vec<Found> {
        let mut files: Vec<Found> = fs::read_dir(self.directory.path())
            .unwrap()
            .map(|entry| entry.unwrap())
            .filter(|entry| !entry.file_name().to_string_lossy().ends_with(".hidden"))
            .map(|entry| {
                let facts = entry.metadata().unwrap();
                let physical = Physical::of(&facts);
                Found {
                    path: entry.path().into(),
                    modified_ns: modified_ns(&facts),
                    device: facts.dev(),
                    inode: facts.ino(),
                    birth_ns: physical.birth_ns,
                    size: facts.len(),
                    input: 0,
                }
            })
            .collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files
    }

    /// A scan, and everything there is to read.
    fn look(&mut self) {
        let found = self.found();
        self.table.observe(found, &[], self.now);
        self.read();
    }

    /// Time passes, with a scan and a tick each quarter of a second.
    fn wait(&mut self, seconds: u64) {
        for _ in 0..seconds * 4 {
            self.now += Duration::from_millis(250);
            self.table.tick(self.now);
            self.look();
        }
    }

    fn read(&mut self) {
        while let Some(key) = self.table.next_ready() {
            if self.table.file(key).is_some_and(|file| file.awaits_checkpoint != Awaits::Nothing) {
                self.table.checkpoint_begun();
                self.table.checkpointed(&[]);
            }
            match self.table.open(key) {
                Ok(()) => self.turn(key),
                Err(OpenError::Moved) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
        self.notices.extend(self.table.take_notices());
    }

    fn turn(&mut self, key: FileKey) {
        let limits = TurnLimits { bytes: 1 << 20, max_line: 1 << 20, framing: &Framing::Lines };
        let mut events = Vec::new();
        let Some((file, source)) = self.table.pair(key) else { return };
        let lineage = file.lineage().unwrap();
        let end = reader::turn(file, source, &mut self.buffer, limits, self.now, |_, line| {
            let id = event_id(lineage, line.start, line.checksum);
            let text = String::from_utf8_lossy(line.bytes).into_owned();
            events.push((id, text, line.ended == LineEnd::Partial, line.start, line.end));
            Flow::Continue
        });
        for (id, text, partial, start, end) in events {
            match self.server.iter().any(|(known, _, _)| *known == id) {
                true => self.repeats += 1,
                false => self.server.push((id, text, partial)),
            }
            self.withheld.push((key, start, end));
        }
        match end.unwrap() {
            TurnEnd::CaughtUp => {}
            TurnEnd::More | TurnEnd::Full => self.table.enqueue(key),
            TurnEnd::Overwritten => self.table.overwrite(key, self.now),
        }
        if self.settle {
            self.settle_withheld();
        }
    }

    fn settle_withheld(&mut self) {
        for (key, start, end) in std::mem::take(&mut self.withheld) {
            if let Some(file) = self.table.file_mut(key) {
                file.settle(start, end);
            }
        }
    }

    /// A new process with the records of the last one.
    fn restart(&mut self) {
        self.withheld.clear();
        let records = self.table.records(1_790_000_000);
        self.table = Table::new(settings(), records, false);
    }

    fn texts(&self) -> Vec<&str> {
        self.server.iter().map(|(_, text, _)| text.as_str()).collect()
    }

    fn lost(&self) -> u64 {
        let lost = self.notices.iter().map(|notice| match notice {
            Notice::Lost { bytes, .. } => *bytes,
            _ => 0,
        });
        lost.sum()
    }
}

// F43, F58
#[test]
fn rename_and_create_ships_both_files_once() {
    let mut world = World::new();
    world.append("a.log", "1\n2\n");
    world.look();
    world.append("a.log", "3\n");
    world.rename("a.log", "a.log.1");
    world.append("a.log", "4\n");
    world.look();
    assert_eq!(world.texts(), ["1", "2", "3", "4"]);
    world.wait(15);
    assert_eq!((world.server.len(), world.repeats, world.lost()), (4, 0, 0));
}

// F48: many rounds of number shift; the state stays bounded by what exists.
#[test]
fn number_shift_keeps_every_file_apart() {
    let mut world = World::new();
    let mut expected = Vec::new();
    for round in 0..50 {
        for number in (0..3).rev() {
            let name = if number == 0 { "a.log".into() } else { format!("a.log.{number}") };
            if fs::metadata(world.path(&name)).is_ok() {
                world.rename(&name, &format!("a.log.{}", number + 1));
            }
        }
        world.append("a.log", &format!("round {round}\n"));
        expected.push(format!("round {round}"));
        world.look();
        world.wait(1);
    }
    assert_eq!(world.texts(), expected);
    assert_eq!(world.repeats, 0);
}

// F39, F41
#[test]
fn copy_of_a_truncated_file_is_not_shipped_again() {
    let mut world = World::new();
    world.append("a.log", "1\n2\n");
    world.look();
    world.append("a.log", "3\n");
    world.copy_truncate("a.log", "a.log.1");
    world.append("a.log", "4\n");
    world.look();
    world.wait(12);
    let mut texts = world.texts();
    texts.sort_unstable();
    assert_eq!(texts, ["1", "2", "3", "4"]);
    assert_eq!((world.repeats, world.lost()), (0, 0));
}

// F41: between the look that gave a file its identity and its first read, it was copied and truncated, and written again.
// Read under that identity, the new text came once more from its own copy.
#[test]
fn a_text_is_never_read_under_the_identity_of_the_one_before_it() {
    let mut world = World::new();
    world.append("a.log", "1\n2\n");
    world.table.observe(world.found(), &[], world.now);
    world.copy_truncate("a.log", "a.log.1");
    world.append("a.log", "3\n4\n");
    world.read();
    world.look();
    world.copy_truncate("a.log", "a.log.2");
    world.append("a.log", "5\n");
    world.wait(12);
    let mut texts = world.texts();
    texts.sort_unstable();
    assert_eq!(texts, ["1", "2", "3", "4", "5"]);
    assert_eq!((world.repeats, world.lost()), (0, 0));
}

// F41: the copy is seen before the truncation.
#[test]
fn copy_waits_for_the_truncation() {
    let mut world = World::new();
    world.append("a.log", "1\n2\n");
    world.look();
    fs::copy(world.path("a.log"), world.path("a.log.1")).unwrap();
    world.look();
    world.wait(1);
    fs::File::options().write(true).open(world.path("a.log")).unwrap().set_len(0).unwrap();
    world.append("a.log", "3\n");
    world.wait(12);
    assert_eq!(world.texts(), ["1", "2", "3"]);
    assert_eq!((world.repeats, world.lost()), (0, 0));
}

// F40: lines that came between the copy and the truncation were read already; the copy is shorter than what was read.
#[test]
fn copy_that_is_shorter_than_what_was_read_is_recognised() {
    let mut world = World::new();
    world.append("a.log", "1\n2\n");
    world.look();
    fs::copy(world.path("a.log"), world.path("a.log.1.hidden")).unwrap();
    world.now += Duration::from_millis(200);
    world.append("a.log", "3\n");
    world.look();
    world.rename("a.log.1.hidden", "a.log.1");
    fs::File::options().write(true).open(world.path("a.log")).unwrap().set_len(0).unwrap();
    world.append("a.log", "4\n");
    world.wait(12);
    assert_eq!(world.texts(), ["1", "2", "3", "4"]);
    assert_eq!((world.repeats, world.lost()), (0, 0));
}

// F33: two jobs that write the same text are two files.
#[test]
fn twin_ships_whole_after_the_wait() {
    let mut world = World::new();
    world.append("a.log", "same\nlines\n");
    world.look();
    world.append("b.log", "same\nlines\n");
    world.look();
    assert_eq!(world.texts(), ["same", "lines"]);
    world.wait(3);
    assert_eq!(world.texts(), ["same", "lines", "same", "lines"]);
    world.append("a.log", "more\n");
    world.append("b.log", "more\n");
    world.look();
    assert_eq!(world.server.len(), 6);
    assert_eq!(world.repeats, 0);
}

// F31, F32
#[test]
fn truncated_file_is_read_from_its_beginning() {
    let mut world = World::new();
    world.append("a.log", "header\n1\n");
    world.look();
    fs::write(world.path("a.log"), "header\n2\n").unwrap();
    world.look();
    assert_eq!(world.texts(), ["header", "1", "header", "2"]);
    fs::write(world.path("a.log"), "").unwrap();
    world.look();
    world.restart();
    world.append("a.log", "header\n3\n");
    world.look();
    assert_eq!(world.texts()[4..], ["header", "3"]);
    world.wait(12);
    assert_eq!((world.server.len(), world.repeats), (6, 0));
}

// F37: what was not read before the truncation is counted, once no copy has shown up.
#[test]
fn unread_bytes_of_a_truncated_file_are_counted() {
    let mut world = World::new();
    world.append("a.log", "1\n");
    world.look();
    world.append("a.log", "22\n");
    let found = world.found();
    world.table.observe(found, &[], world.now);
    fs::write(world.path("a.log"), "3\n").unwrap();
    let found = world.found();
    world.table.observe(found, &[], world.now);
    world.read();
    world.wait(12);
    assert_eq!(world.texts(), ["1", "3"]);
    assert_eq!(world.lost(), 3);
}

// F42: copytruncate twice while nobody looks; the rest of the copies is shipped, and only that.
#[test]
fn copies_made_while_down_are_continued() {
    let mut world = World::new();
    world.append("a.log", "1\n2\n");
    world.look();
    world.append("a.log", "3\n");
    world.copy_truncate("a.log", "a.log.2");
    world.append("a.log", "4\n");
    world.copy_truncate("a.log", "a.log.1");
    world.append("a.log", "5\n");
    world.restart();
    world.look();
    world.wait(12);
    let mut texts = world.texts();
    texts.sort_unstable();
    assert_eq!(texts, ["1", "2", "3", "4", "5"]);
    assert_eq!((world.repeats, world.lost()), (0, 0));
}

// F50: gzip of a rotated file.
#[test]
fn packed_copy_of_a_shipped_file_is_not_shipped_again() {
    for packed_while_down in [false, true] {
        let mut world = World::new();
        world.append("a.log", "1\n2\n");
        world.look();
        world.rename("a.log", "a.log.1");
        world.append("a.log", "3\n");
        if !packed_while_down {
            world.look();
        }
        let text = fs::read(world.path("a.log.1")).unwrap();
        let gz = fs::File::create(world.path("a.log.1.gz")).unwrap();
        let mut encoder = flate2::write::GzEncoder::new(gz, flate2::Compression::fast());
        encoder.write_all(&text).unwrap();
        encoder.finish().unwrap();
        fs::remove_file(world.path("a.log.1")).unwrap();
        if packed_while_down {
            world.restart();
        }
        world.look();
        world.wait(20);
        assert_eq!(world.texts(), ["1", "2", "3"], "packed while down: {packed_while_down}");
        assert_eq!((world.repeats, world.lost()), (0, 0));
    }
}

// F49
#[test]
fn renamed_while_down_goes_on_at_the_right_offset() {
    let mut world = World::new();
    world.append("a.log", "1\n");
    world.look();
    world.append("a.log", "2\n");
    world.rename("a.log", "a.log.1");
    world.append("a.log.1", "3\n");
    world.append("a.log", "4\n");
    world.restart();
    world.look();
    assert_eq!(world.texts(), ["1", "2", "3", "4"]);
    assert_eq!(world.repeats, 0);
}

// F69: the same file system under another device number.
#[test]
fn a_file_whose_device_number_changed_while_down_goes_on_where_it_was() {
    let mut world = World::new();
    world.append("a.log", "1\n2\n");
    world.look();
    let mut records = world.table.records(1_790_000_000);
    records[0].device += 1;
    world.table = Table::new(settings(), records, false);
    world.append("a.log", "3\n");
    world.look();
    world.wait(3);
    assert_eq!(world.texts(), ["1", "2", "3"]);
    assert_eq!((world.repeats, world.lost()), (0, 0));
    assert_eq!(world.table.records(1_790_000_000)[0].settled, 6);
}

// F69: the directory cannot be looked at for a while, and the file is another device's when it comes back.
#[test]
fn a_mount_that_goes_and_comes_back_repeats_and_loses_nothing() {
    let mut world = World::new();
    world.append("a.log", "1\n");
    world.look();
    let away = world.directory.path().to_path_buf();
    world.table.observe(Vec::new(), &[away], world.now);
    world.wait(1);
    // Then it looks empty, for so long that only the memory of the file is left.
    world.rename("a.log", "a.log.hidden");
    world.wait(70);
    assert_eq!(world.table.files().count(), 0);
    world.rename("a.log.hidden", "a.log");
    world.append("a.log", "2\n");
    world.look();
    world.wait(3);
    assert_eq!(world.texts(), ["1", "2"]);
    assert_eq!((world.repeats, world.lost()), (0, 0));
}

// F01, F06
#[test]
fn unterminated_tail_waits_for_its_newline() {
    let mut world = World::new();
    world.append("a.log", "one\nha");
    world.look();
    world.wait(20);
    assert_eq!(world.texts(), ["one"]);
    world.restart();
    world.look();
    world.append("a.log", "lf\n");
    world.look();
    assert_eq!(world.texts(), ["one", "half"]);
}

// F04, F05
#[test]
fn tail_of_a_renamed_file_is_finished_when_quiet() {
    let mut world = World::new();
    world.append("a.log", "one\nha");
    world.look();
    world.rename("a.log", "a.log.1");
    world.wait(2);
    world.append("a.log.1", "lf\nta");
    world.wait(4);
    assert_eq!(world.texts(), ["one", "half"]);
    world.append("a.log.1", "il");
    world.wait(8);
    assert_eq!(world.texts(), ["one", "half", "tail"]);
    assert!(world.server[2].2, "the tail is flagged");
    world.restart();
    world.look();
    world.wait(8);
    assert_eq!((world.server.len(), world.repeats), (3, 0));
}

// F05: the only line of a file that never ends.
#[test]
fn file_with_nothing_but_an_unterminated_line_is_finished_after_rotation() {
    let mut world = World::new();
    world.append("a.log", "alone");
    world.look();
    world.rename("a.log", "a.log.1");
    world.wait(8);
    assert_eq!(world.texts(), ["alone"]);
}

// F57, F56
#[test]
fn deleted_and_replaced_files_are_drained_through_the_descriptor() {
    let mut world = World::new();
    world.append("a.log", "1\n");
    world.look();
    world.append("a.log", "2\n");
    world.append("b.tmp.hidden", "3\n");
    world.rename("b.tmp.hidden", "a.log");
    world.look();
    world.wait(1);
    fs::remove_file(world.path("a.log")).unwrap();
    world.look();
    world.wait(10);
    assert_eq!(world.texts(), ["1", "3", "2"]);
    assert_eq!((world.lost(), world.table.open_count()), (0, 0));
}

// F44
#[test]
fn a_writer_that_keeps_the_renamed_file_and_its_successor_are_both_read() {
    let mut world = World::new();
    world.append("a.log", "1\n");
    world.look();
    world.rename("a.log", "a.log.1");
    for second in 0..10 {
        world.append("a.log.1", &format!("old {second}\n"));
        world.append("a.log", &format!("new {second}\n"));
        world.wait(1);
    }
    assert_eq!(world.server.len(), 21);
    assert_eq!((world.repeats, world.lost()), (0, 0));
}

// F46: to another file system a move is a copy and a removal.
#[test]
fn a_file_moved_in_the_middle_of_reading_goes_on_where_it_was() {
    for to_another_file_system in [false, true] {
        let mut world = World::new();
        world.append("a.log", "1\n2\n");
        world.look();
        world.append("a.log", "3\n4\n");
        if to_another_file_system {
            fs::copy(world.path("a.log"), world.path("moved.log")).unwrap();
            fs::remove_file(world.path("a.log")).unwrap();
        } else {
            world.rename("a.log", "moved.log");
        }
        world.look();
        world.append("moved.log", "5\n");
        world.wait(15);
        assert_eq!(world.texts(), ["1", "2", "3", "4", "5"], "{to_another_file_system}");
        assert_eq!((world.repeats, world.lost()), (0, 0));
    }
}

// F47
#[test]
fn ten_rotations_between_two_looks_ship_every_generation_once() {
    let mut world = World::new();
    world.append("a.log", "header\nfirst\n");
    world.look();
    for round in 0..10 {
        for number in (1..=round).rev() {
            world.rename(&format!("a.log.{number}"), &format!("a.log.{}", number + 1));
        }
        world.rename("a.log", "a.log.1");
        world.append("a.log", &format!("header\nround {round}\n"));
    }
    world.look();
    world.wait(15);
    assert_eq!(world.server.len(), 22);
    assert_eq!((world.repeats, world.lost()), (0, 0));
}

// F78
#[test]
fn more_files_than_descriptors_take_turns() {
    let mut world = World::with(Settings { open_files: 8, ..settings() });
    for round in 0..3 {
        for number in 0..50 {
            world.append(&format!("{number:02}.log"), &format!("{number:02} in round {round}\n"));
        }
        world.look();
        assert!(world.table.open_count() <= 8);
    }
    assert_eq!((world.server.len(), world.repeats, world.lost()), (150, 0, 0));
}

// F45
#[test]
fn file_renamed_out_of_the_globs_is_drained() {
    let mut world = World::new();
    world.append("a.log", "1\n");
    world.look();
    world.append("a.log", "2\n");
    world.rename("a.log", "a.log.hidden");
    world.look();
    world.append("a.log.hidden", "3\n");
    world.wait(3);
    assert_eq!(world.texts(), ["1", "2", "3"]);
}

// F52
#[test]
fn swapped_names_keep_their_offsets() {
    let mut world = World::new();
    world.append("a.log", "a1\n");
    world.append("b.log", "b1\n");
    world.look();
    world.rename("a.log", "c");
    world.rename("b.log", "a.log");
    world.rename("c", "b.log");
    world.append("a.log", "b2\n");
    world.append("b.log", "a2\n");
    world.look();
    assert_eq!(world.texts(), ["a1", "b1", "b2", "a2"]);
}

// F83
#[test]
fn files_with_the_same_beginning_are_never_confused() {
    let mut world = World::new();
    let header = format!("{}\n", "h".repeat(4096));
    for number in 0..20 {
        world.append(&format!("{number:02}.log"), &header);
    }
    world.look();
    world.wait(3);
    for number in 0..20 {
        world.append(&format!("{number:02}.log"), &format!("line of {number}\n"));
    }
    world.restart();
    world.look();
    world.wait(3);
    assert_eq!((world.server.len(), world.repeats, world.lost()), (40, 0, 0));
}

// F82, F12, F13
#[test]
fn tiny_files_ship_at_once_and_empty_lines_only_move_the_offset() {
    let mut world = World::new();
    world.append("a.log", "tiny\n");
    world.append("b.log", "\n\n\n");
    world.append("c.log", "");
    world.look();
    assert_eq!(world.texts(), ["tiny"]);
    let blank = world.table.files().find(|file| file.path.ends_with("b.log")).unwrap();
    assert_eq!((blank.ledger.settled(), blank.unread()), (3, 0));
    world.restart();
    world.look();
    assert_eq!((world.server.len(), world.repeats), (1, 0));
}

// F15
#[test]
fn lines_longer_than_the_buffer_arrive_whole_and_neighbours_intact() {
    let mut world = World::new();
    let long = "x".repeat(700_000);
    world.append("a.log", &format!("before\r\n{long}\r\nafter\n"));
    world.look();
    assert_eq!(world.texts(), ["before", &long, "after"]);
    world.append("a.log", &"y".repeat(300_000));
    world.look();
    world.append("a.log", &format!("{}\nend\n", "y".repeat(300_000)));
    world.look();
    assert_eq!(world.texts()[3].len(), 600_000);
    assert_eq!(world.texts()[4], "end");
}

// F30: what lies before is a hole, settled by an earlier process.
#[test]
fn offsets_around_two_and_four_gibibytes_are_right() {
    for border in [1u64 << 31, 1 << 32] {
        let mut world = World::new();
        world.append("a.log", "first\n");
        world.look();
        let settled = border - 3;
        let log = fs::File::options().write(true).open(world.path("a.log")).unwrap();
        log.set_len(settled - 1).unwrap();
        world.append("a.log", "\n");
        let tail = tail_hash(&[[0; 1023].as_slice(), b"\n"].concat());
        let mut records = world.table.records(1_790_000_000);
        records[0].settled = settled;
        records[0].mark = Mark { offset: settled, tail, ..records[0].mark };
        let lineage = records[0].lineage;
        world.table = Table::new(settings(), records, false);

        world.append("a.log", "over\nbehind\n");
        world.look();
        assert_eq!(world.texts(), ["first", "over", "behind"]);
        let ids: Vec<_> = world.server.iter().map(|(id, _, _)| *id).collect();
        assert_eq!(ids[1], event_id(lineage, settled, checksum(b"over")));
        assert_eq!(ids[2], event_id(lineage, settled + 5, checksum(b"behind")));
        assert_eq!(world.table.records(1_790_000_000)[0].settled, border + 9);
        assert_eq!((world.repeats, world.lost()), (0, 0));
    }
}

// F81
#[test]
fn start_at_the_end_applies_to_files_of_the_first_start_only() {
    let mut world = World::with(Settings {
        inputs: vec![InputRules { id: None, identity: String::new(), from_end: true, is_queue: false }],
        ..settings()
    });
    world.append("a.log", "old\nhal");
    world.look();
    world.append("a.log", "f\n");
    world.append("b.log", "new\n");
    world.look();
    assert_eq!(world.texts(), ["half", "new"]);
}

// F60, F61: what deleted files hold is bounded, and what is given up is counted.
#[test]
fn deleted_files_hold_no_more_than_allowed() {
    let mut world = World::with(Settings { held_bytes: 100, ..settings() });
    for number in 0..5 {
        let name = format!("{number}.log");
        world.append(&name, &format!("{number}{}\n", "x".repeat(38)));
        let found = world.found();
        world.table.observe(found, &[], world.now);
        fs::remove_file(world.path(&name)).unwrap();
        let found = world.found();
        world.table.observe(found, &[], world.now);
        world.now += Duration::from_millis(10);
    }
    world.table.tick(world.now);
    world.read();
    assert_eq!(world.server.len(), 2);
    assert_eq!(world.lost(), 120);
}

#[test]
fn nothing_settles_while_the_output_is_down_and_all_does_after() {
    let mut world = World::new();
    world.settle = false;
    world.append("a.log", "1\n2\n");
    world.look();
    world.copy_truncate("a.log", "a.log.1");
    world.append("a.log", "3\n");
    world.wait(15);
    world.settle_withheld();
    world.wait(15);
    world.restart();
    world.look();
    world.wait(5);
    assert_eq!(world.texts(), ["1", "2", "3"]);
    assert_eq!((world.repeats, world.lost()), (0, 0));
}

// P2: a crash before anything settled repeats the same ids.
#[test]
fn restart_before_any_verdict_repeats_the_same_ids() {
    let mut world = World::new();
    world.settle = false;
    world.append("a.log", "1\n2\n");
    world.look();
    world.restart();
    world.look();
    assert_eq!((world.server.len(), world.repeats), (2, 2));
}

// An id that is taken: the file goes on where it was settled, under another lineage, and is not taken for rewritten.
#[test]
fn collided_file_goes_on_at_its_settled_offset_under_a_new_generation() {
    let mut world = World::new();
    world.append("a.log", "1\n2\n");
    world.look();
    world.settle = false;
    world.append("a.log", "3\n4\n");
    world.look();
    let key = world.table.files().next().unwrap().key;
    let before = world.table.file(key).unwrap().lineage();
    world.withheld.clear();
    world.table.file_mut(key).unwrap().collided = true;
    world.table.regenerate(key);
    world.settle = true;
    world.look();
    let file = world.table.file(key).unwrap();
    assert_ne!(file.lineage(), before);
    assert_eq!(file.known().unwrap().generation, 1);
    assert_eq!(world.texts()[4..], ["3", "4"]);
    assert!(!world.notices.iter().any(|notice| matches!(notice, Notice::Rewritten(_))));
}

// A rename during the first scan hides a file from it; what an earlier process sent of it is still no surprise.
#[test]
fn file_of_the_checkpoint_that_is_found_late_may_have_been_sent_before() {
    let mut world = World::new();
    world.append("a.log", "1\n");
    world.look();
    world.append("a.log", "2\n");
    world.rename("a.log", "a.hidden");
    world.restart();
    world.look();
    world.rename("a.hidden", "a.log");
    let found = world.found();
    world.table.observe(found, &[], world.now);
    let file = world.table.files().next().unwrap();
    assert_eq!((file.framed(), file.fresh_from), (2, 4));
}

// The same where the power went with the checkpoint that knew the file: it is older than this process.
#[test]
fn file_older_than_the_process_may_have_been_sent_before_whenever_it_is_found() {
    let mut world = World::new();
    world.append("a.hidden", "1\n2\n");
    world.restart();
    world.look();
    world.rename("a.hidden", "a.log");
    // File systems stamp births by a clock that ticks every few milliseconds.
    std::thread::sleep(Duration::from_millis(20));
    world.append("b.log", "3\n");
    world.look();
    let fresh = |name: &str| world.table.files().find(|file| file.path.ends_with(name)).unwrap().fresh_from;
    assert_eq!((fresh("a.log"), fresh("b.log")), (4, 0));
}

/// What happens to a log directory.
#[derive(Debug, Clone)]
enum Action {
    /// Lines are appended, terminated or not.
    Append {
        lines: usize,
        half: bool,
    },
    Look,
    Wait,
    /// a → a.1 → a.2 …, a new one is made by the next append.
    Rename,
    /// The copy stays in the globs.
    CopyTruncate,
    /// The newest rotated file is packed.
    Pack,
    /// The process dies; what was not settled is sent again.
    Crash,
    /// The output goes down, or comes back.
    Output {
        up: bool,
    },
}

fn actions() -> impl proptest::strategy::Strategy<Value = Vec<Action>> {
    use proptest::prelude::*;
    let action = prop_oneof![
        5 => (1usize..5, any::<bool>()).prop_map(|(lines, half)| Action::Append { lines, half }),
        4 => Just(Action::Look),
        2 => Just(Action::Wait),
        2 => Just(Action::Rename),
        1 => Just(Action::CopyTruncate),
        1 => Just(Action::Pack),
        1 => Just(Action::Crash),
        1 => any::<bool>().prop_map(|up| Action::Output { up }),
    ];
    proptest::collection::vec(action, 1..40)
}

/// A directory as a writer and logrotate see it.
#[derive(Default)]
struct Writer {
    written: Vec<String>,
    half: Option<String>,
    rotated: usize,
}

impl Writer {
    fn act(&mut self, world: &mut World, action: &Action) {
        match action {
            Action::Append { lines, half } => self.append(world, *lines, *half),
            Action::Look => world.look(),
            Action::Wait => world.wait(1),
            Action::Rename => self.rotate(world, |world, to| world.rename("a.log", to)),
            Action::CopyTruncate => self.rotate(world, |world, to| world.copy_truncate("a.log", to)),
            Action::Pack => self.pack(world),
            Action::Crash => world.restart(),
            Action::Output { up } => {
                world.settle = *up;
                if *up {
                    world.settle_withheld();
                }
            }
        }
    }

    fn append(&mut self, world: &World, lines: usize, half: bool) {
        if let Some(half) = self.half.take() {
            world.append("a.log", "-end\n");
            self.written.push(format!("{half}-end"));
        }
        for _ in 0..lines {
            let line = format!("line {}", self.written.len());
            world.append("a.log", &format!("{line}\n"));
            self.written.push(line);
        }
        if half {
            let line = format!("half {}", self.written.len());
            world.append("a.log", &line);
            self.half = Some(line);
        }
    }

    /// A writer terminates its line before it rotates.
    fn rotate(&mut self, world: &World, how: impl Fn(&World, &str)) {
        if let Some(half) = self.half.take() {
            world.append("a.log", "\n");
            self.written.push(half);
        }
        if fs::metadata(world.path("a.log")).is_ok_and(|facts| facts.len() > 0) {
            self.rotated += 1;
            how(world, &format!("a.log.{}", self.rotated));
        }
    }

    fn pack(&mut self, world: &World) {
        let name = format!("a.log.{}", self.rotated);
        let Ok(text) = fs::read(world.path(&name)) else { return };
        let gz = fs::File::create(world.path(&format!("{name}.gz"))).unwrap();
        let mut encoder = flate2::write::GzEncoder::new(gz, flate2::Compression::fast());
        encoder.write_all(&text).unwrap();
        encoder.finish().unwrap();
        fs::remove_file(world.path(&name)).unwrap();
    }
}

proptest::proptest! {
    /// Whatever happens to the directory and to the process: every line once, nothing lost.
    #[test]
    fn every_line_arrives_once_whatever_happens(actions in actions()) {
        let mut world = World::new();
        let mut writer = Writer::default();
        for action in &actions {
            writer.act(&mut world, action);
        }
        writer.append(&world, 1, false);
        world.settle = true;
        world.settle_withheld();
        world.wait(40);
        let mut texts = world.texts();
        texts.sort_unstable();
        let mut written = writer.written.clone();
        written.sort_unstable();
        proptest::prop_assert_eq!(texts, written);
        // A file that was packed before anybody looked into it counts as lost, though the packed one brings its lines.
        if !actions.iter().any(|action| matches!(action, Action::Pack)) {
            proptest::prop_assert_eq!(world.lost(), 0);
        }
    }
}
