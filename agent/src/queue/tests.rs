//! One queue, without a tailer.

use super::seam::GRACE;
use super::segments::SYNCS;
use super::{Queue, Refusal, TornEnd, feed};
use crate::checkpoint::StateDirectory;
use crate::line::{Blocks, Container, Ending, Flow, Framing, Piece, frame_events};
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

struct Place {
    temp: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { temp: tempfile::tempdir().unwrap() }
    }

    fn open(&self, limit: u64, torn: TornEnd) -> Queue {
        self.open_framed(limit, torn, Framing::Lines)
    }

    fn open_framed(&self, limit: u64, torn: TornEnd, framing: Framing) -> Queue {
        let state = StateDirectory::open(&self.temp.path().join("state")).unwrap();
        Queue::open(state.subdirectory("q").unwrap(), limit, torn, framing).unwrap()
    }

    fn segments(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.temp.path().join("state/q")).unwrap();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    }

    /// What lies in all segments, their first lines excluded.
    fn text(&self) -> String {
        self.segments().iter().map(|path| text_of(path)).collect()
    }
}

fn text_of(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    text.split_once('\n').unwrap().1.to_owned()
}

fn remove(queue: &Queue, path: &Path) {
    let size = std::fs::metadata(path).unwrap().len();
    queue.remove(path.file_name().unwrap().to_str().unwrap(), size);
}

const LIMIT: u64 = 16 << 20;

#[test]
fn a_stream_lies_there_whole_and_its_last_line_ends() {
    let place = Place::new();
    let queue = place.open(LIMIT, TornEnd::Keep);
    let text = "line\n".repeat(100_000) + "no end";
    feed::feed(&mut Cursor::new(&text), &queue);
    assert_eq!(place.text(), text + "\n");
    assert!(queue.facts().has_ended && !queue.is_drained());
}

// What is read from a pipe ends within a line, nearly always.
#[test]
fn every_segment_ends_with_a_whole_line() {
    let place = Place::new();
    let queue = place.open(LIMIT, TornEnd::Keep);
    let line = "0123456789abcdefg\n";
    let text = line.repeat((14 << 20) / line.len());
    feed::feed(&mut Cursor::new(&text), &queue);
    let segments = place.segments();
    assert!(segments.len() > 5, "{segments:?}");
    assert!(segments.iter().all(|path| text_of(path).lines().all(|found| found.len() + 1 == line.len())));
    assert_eq!(place.text(), text);
}

/// The last one may wait for more of its block in vain.
fn events(text: &str, framing: &Framing) -> Vec<String> {
    let mut events = Vec::new();
    let framed = frame_events(text.as_bytes(), 0, framing, Ending::Ended, |piece| {
        if let Piece::Line { bytes, .. } = piece {
            events.push(String::from_utf8(bytes.to_vec()).unwrap());
        }
        Flow::Continue
    });
    let rest = text[framed.consumed..].trim_end_matches('\n');
    events.extend((!rest.is_empty()).then(|| rest.to_owned()));
    events
}

/// Streams whose events are longer than what is read of a pipe in one go, nearly; and what makes events of them.
fn long_events() -> [(&'static str, Framing, String); 4] {
    let start = regex::bytes::Regex::new(r"^\d+ INFO").unwrap();
    let pieces = format!("2026-08-21T10:15:30Z stdout P {}\n", "x".repeat(9_000)).repeat(6);
    [
        (
            "traces",
            Framing::Lines,
            "1 ERROR a\nx.Error: b\n".to_owned() + &"\tat a.B.c(B.java:3)\n".repeat(2000),
        ),
        (
            "panics",
            Framing::Lines,
            "thread 'main' panicked at a.rs:1:2:\n".to_owned() + &"x".repeat(60_000) + "\nstack backtrace:\n",
        ),
        (
            "blocks",
            Framing::Blocks(Blocks::Start(start)),
            "1 INFO a\n".to_owned() + &"and more\n\n".repeat(5000),
        ),
        ("pieces", Framing::Container(Container::Cri), pieces + "2026-08-21T10:15:30Z stdout F end\n"),
    ]
}

// I09
#[test]
fn no_event_lies_over_two_segments() {
    for (name, framing, event) in long_events() {
        let text = event.repeat((7 << 20) / event.len());
        for read_bytes in [64 * 1024, 777] {
            let place = Place::new();
            let queue = place.open_framed(LIMIT, TornEnd::Keep, framing.clone());
            text.as_bytes().chunks(read_bytes).for_each(|bytes| queue.append(bytes));
            let segments = place.segments();
            assert!(segments.len() > 3, "{name}: {segments:?}");
            let found: Vec<String> =
                segments.iter().flat_map(|path| events(&text_of(path), &framing)).collect();
            let lengths = |events: &[String]| events.iter().map(String::len).collect::<Vec<_>>();
            assert!(
                found == events(&text, &framing),
                "{name} in reads of {read_bytes}: {:?}",
                lengths(&found)
            );
            assert_eq!(place.text(), text);
        }
    }
}

#[test]
fn lines_too_long_to_look_back_at_end_a_segment_as_well() {
    let place = Place::new();
    let queue = place.open(LIMIT, TornEnd::Keep);
    let line = format!("{{\"a\":\"{}\"}}\n", "x".repeat(300_000));
    feed::feed(&mut Cursor::new(line.repeat(40)), &queue);
    let segments = place.segments();
    let longest = LIMIT / 8 + GRACE + line.len() as u64;
    assert!(
        segments
            .iter()
            .all(|path| text_of(path).ends_with("}\n") && std::fs::metadata(path).unwrap().len() <= longest)
    );
    assert_eq!(place.text(), line.repeat(40));
}

// A line without end can fill the queue as well.
#[test]
fn a_line_without_end_is_cut_before_it_fills_the_queue() {
    let place = Place::new();
    let queue = place.open(LIMIT, TornEnd::Keep);
    feed::feed(&mut Cursor::new("x".repeat(10 << 20)), &queue);
    assert_eq!(place.text().lines().map(str::len).collect::<Vec<_>>(), [4 << 20, 4 << 20, 2 << 20]);
}

// Q35
#[test]
fn delivered_segments_go_and_nothing_stays() {
    let place = Place::new();
    let queue = place.open(LIMIT, TornEnd::Keep);
    queue.append("x\n".repeat(3 << 20).as_bytes());
    queue.append(b"y\n");
    queue.append(b"z\n");
    let [full, current] = &place.segments()[..] else { panic!("{:?}", place.segments()) };
    remove(&queue, current);
    assert!(current.try_exists().unwrap(), "it is still written to");
    queue.remove(full.file_name().unwrap().to_str().unwrap(), 5);
    assert!(full.try_exists().unwrap(), "not all of it is delivered");
    remove(&queue, full);
    queue.end();
    remove(&queue, current);
    assert_eq!((place.segments().len(), queue.facts().bytes), (0, 0));
    assert!(queue.is_drained());
}

// Q32, Q33
#[test]
fn a_full_queue_holds_its_writer_and_never_more_than_its_bound() {
    let place = Place::new();
    let queue = Arc::new(place.open(LIMIT, TornEnd::Keep));
    let writer = std::thread::spawn({
        let queue = queue.clone();
        let lines = "0123456789abcde\n".repeat(4 << 20);
        move || feed::feed(&mut Cursor::new(lines), &queue)
    });
    let mut delivered = 0;
    while !queue.is_drained() {
        while !queue.facts().is_full && !queue.facts().has_ended {
            std::thread::yield_now();
        }
        let facts = queue.facts();
        assert!(facts.bytes <= facts.limit, "{facts:?}");
        if let Some(oldest) = place.segments().first() {
            let len = text_of(oldest).len();
            remove(&queue, oldest);
            // It stays while it is written to.
            delivered += if oldest.try_exists().unwrap() { 0 } else { len };
        }
    }
    writer.join().unwrap();
    assert_eq!(delivered, 64 << 20);
}

#[test]
fn what_is_offered_is_taken_or_refused_at_once() {
    let place = Place::new();
    let queue = place.open(LIMIT, TornEnd::Drop);
    let megabyte = "x".repeat((1 << 20) - 1) + "\n";
    while queue.offer(megabyte.as_bytes()) == Ok(()) {}
    let taken = place.text().len();
    assert!(taken > 14 << 20 && queue.facts().is_full && queue.facts().bytes <= LIMIT, "{:?}", queue.facts());
    let outcomes = queue.store_each([megabyte.as_bytes(), b"short\n"].into_iter());
    assert_eq!(outcomes, [Err(Refusal::Full), Ok(())]);
    assert!(place.text().len() == taken + 6 && place.text().ends_with("\nshort\n"));
    // Room comes with the first segment that goes, not with the next message.
    assert_eq!(queue.offer(megabyte.as_bytes()), Err(Refusal::Full));
    remove(&queue, &place.segments()[0]);
    assert!(!queue.facts().is_full);
    assert_eq!(queue.offer(megabyte.as_bytes()), Ok(()));
}

#[test]
fn one_sync_serves_a_group() {
    let place = Place::new();
    let queue = place.open(LIMIT, TornEnd::Drop);
    let outcomes = queue.store_each([&b"a\n"[..]; 100].into_iter());
    assert_eq!((outcomes.len(), SYNCS.get()), (100, 1));
    assert!(queue.offer(b"b\n").is_ok() && SYNCS.get() == 1, "a datagram waits for no disk");
}

#[test]
fn a_group_is_stored_in_its_order_over_several_segments() {
    let place = Place::new();
    let queue = place.open(LIMIT, TornEnd::Drop);
    let groups: Vec<String> = (0..20).map(|number| format!("{number} {}\n", "x".repeat(400_000))).collect();
    let outcomes = queue.store_each(groups.iter().map(String::as_bytes));
    assert!(outcomes.iter().all(Result::is_ok) && outcomes.len() == groups.len());
    assert!(place.segments().len() > 2);
    assert_eq!(place.text(), groups.concat());
}

#[test]
fn a_queue_whose_disk_takes_nothing_refuses() {
    let place = Place::new();
    let queue = place.open(LIMIT, TornEnd::Drop);
    let (there, away) = (place.temp.path().join("state/q"), place.temp.path().join("away"));
    std::fs::rename(&there, &away).unwrap();
    std::fs::remove_dir(&away).unwrap();
    assert_eq!(queue.offer(b"a\n"), Err(Refusal::Failing));
    assert_eq!(queue.store_each([&b"b\n"[..]].into_iter()), [Err(Refusal::Failing)]);
    assert_eq!(queue.facts().bytes, 0);
}

// Q05, Q06, Q11, Q12
#[test]
fn what_a_crash_cut_is_ended_or_dropped_at_every_length() {
    for torn in [TornEnd::Keep, TornEnd::Drop] {
        let whole = {
            let place = Place::new();
            place.open(LIMIT, torn).append(b"one\ntwo\n");
            std::fs::read(&place.segments()[0]).unwrap()
        };
        let header = whole.len() - b"one\ntwo\n".len();
        for len in 0..=whole.len() {
            let place = Place::new();
            drop(place.open(LIMIT, torn));
            let path = place.temp.path().join("state/q/000000000007.lines");
            std::fs::write(&path, &whole[..len]).unwrap();
            let queue = place.open(LIMIT, torn);
            let expected = match (len.checked_sub(header), torn) {
                (None, _) => "".to_owned(),
                (Some(len), TornEnd::Keep) => match &"one\ntwo\n"[..len] {
                    "" => "".to_owned(),
                    cut if cut.ends_with('\n') => cut.to_owned(),
                    cut => format!("{cut}\n"),
                },
                (Some(0..4), TornEnd::Drop) => "".to_owned(),
                (Some(4..8), TornEnd::Drop) => "one\n".to_owned(),
                (Some(_), TornEnd::Drop) => "one\ntwo\n".to_owned(),
            };
            assert_eq!(place.text(), expected, "{len} bytes");
            let bytes: u64 = place.segments().iter().map(|path| std::fs::metadata(path).unwrap().len()).sum();
            assert_eq!(queue.facts().bytes, bytes);
            queue.append(b"new\n");
            assert!(place.text().ends_with("new\n"));
        }
    }
}

// Q20
#[test]
fn unknown_files_are_left_alone() {
    let place = Place::new();
    drop(place.open(LIMIT, TornEnd::Keep));
    for name in ["x.tmp", "x.lines", ".lines", "99999999999999999999999.lines"] {
        std::fs::write(place.temp.path().join("state/q").join(name), "text").unwrap();
    }
    let queue = place.open(LIMIT, TornEnd::Keep);
    assert_eq!(queue.facts().bytes, 0);
    queue.append(b"a\n");
    assert_eq!(place.segments().len(), 5);
}
