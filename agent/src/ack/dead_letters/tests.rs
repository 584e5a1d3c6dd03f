//! Dead letters on a real disk, torn at every byte, and on a disk that is full.

use super::*;
use crate::checkpoint::StateDirectory;
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

fn letter(number: u64) -> DeadLetter {
    DeadLetter {
        time: "2026-11-23T20:16:44Z".into(),
        id: format!("id-{number}"),
        index: "logs-app-default".into(),
        file: "/var/log/shop/app.log".into(),
        offset: number * 100,
        status: 400,
        kind: "document_parsing_exception".into(),
        reason: "failed to parse field [x] of type [long]".into(),
        document: String::new(),
        document_base64: None,
    }
    .with_document(format!("{{\"x\":\"{number}\"}}").as_bytes())
}

struct Place {
    temp: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { temp: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.temp.path().join(DIRECTORY)
    }

    fn segment(&self, number: u64) -> PathBuf {
        self.path().join(format!("{number:08}.ndjson"))
    }

    fn open(&self, limit: u64) -> DeadLetters {
        let state = StateDirectory::open(self.temp.path()).unwrap();
        DeadLetters::open(state.subdirectory(DIRECTORY).unwrap(), limit).unwrap()
    }

    fn ids(&self) -> Vec<String> {
        let id = |entry| match entry {
            Ok(Entry::Letter(letter)) => letter.id,
            other => panic!("{other:?}"),
        };
        list(&self.path()).unwrap().map(id).collect()
    }
}

// The form is frozen: users' scripts hold on to it.
#[test]
fn a_dead_letter_is_one_json_object_a_line() {
    let place = Place::new();
    place.open(10_000).append(&[letter(3)]).unwrap();
    let expected = concat!(
        r#"{"time":"2026-11-23T20:16:44Z","id":"id-3","index":"logs-app-default","#,
        r#""file":"/var/log/shop/app.log","offset":300,"status":400,"type":"document_parsing_exception","#,
        r#""reason":"failed to parse field [x] of type [long]","document":"{\"x\":\"3\"}"}"#,
        "\n"
    );
    assert_eq!(std::fs::read_to_string(place.segment(1)).unwrap(), expected);
    assert_eq!(place.segment(1).metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_line_that_is_not_utf_8_survives_byte_for_byte() {
    let place = Place::new();
    let raw = b"caf\xe9 \x00 \"quoted\"";
    place.open(10_000).append(&[letter(1).with_document(raw)]).unwrap();
    let Some(Ok(Entry::Letter(letter))) = list(&place.path()).unwrap().next() else { panic!("not read") };
    assert_eq!(letter.document, "caf\u{fffd} \0 \"quoted\"");
    assert_eq!(letter.raw_document(), raw);
}

#[test]
fn letters_outlast_restarts_in_order() {
    let place = Place::new();
    for number in 0..4 {
        place.open(10_000).append(&[letter(2 * number), letter(2 * number + 1)]).unwrap();
    }
    assert_eq!(place.ids(), (0..8).map(|number| format!("id-{number}")).collect::<Vec<_>>());
    assert_eq!(place.open(10_000).bytes(), place.segment(1).metadata().unwrap().len());
    assert!(!place.segment(2).try_exists().unwrap(), "a start needs no segment of its own");
}

#[test]
fn a_full_segment_is_followed_by_the_next() {
    let place = Place::new();
    let mut letters = place.open(1 << 30);
    let large = letter(1).with_document(&vec![b'x'; SEGMENT_BYTES as usize - 1000]);
    for letter in [large, letter(2), letter(3), letter(4), letter(5), letter(6)] {
        letters.append(&[letter]).unwrap();
    }
    assert!(place.segment(1).metadata().unwrap().len() >= SEGMENT_BYTES);
    assert!(place.segment(2).try_exists().unwrap());
    assert_eq!(place.ids().len(), 6);
    let counted = letters.bytes();
    drop(letters);
    assert_eq!(place.open(1 << 30).bytes(), counted);
}

// Q46, Q33: full is an error that names the way out; nothing is written, and room made is seen after the next start.
#[test]
fn the_limit_holds_to_the_byte() {
    let place = Place::new();
    let mut letters = place.open(10_000);
    letters.append(&[letter(1)]).unwrap();
    let one = letters.bytes();
    letters.append(&[letter(1).with_document(&vec![b'x'; 20_000])]).unwrap_err();
    drop(letters);

    let mut letters = place.open(3 * one);
    letters.append(&[letter(2), letter(3)]).unwrap();
    let error = letters.append(&[letter(4)]).unwrap_err();
    assert!(
        matches!(&error, DeadLetterError::Full { used, limit, .. } if *used == 3 * one && *limit == 3 * one)
    );
    let text = error.to_string();
    assert!(text.contains("replay") && text.contains("limits.dead_letters"), "{text}");
    assert_eq!((place.ids().len(), letters.bytes()), (3, 3 * one));

    std::fs::remove_file(place.segment(1)).unwrap();
    letters.append(&[letter(4)]).unwrap();
    assert_eq!((place.ids(), letters.bytes()), (vec!["id-4".to_owned()], one));
}

#[test]
fn a_segment_moved_away_under_a_running_agent_takes_nothing_along() {
    let place = Place::new();
    let mut letters = place.open(100_000);
    letters.append(&[letter(1)]).unwrap();
    std::fs::remove_file(place.segment(1)).unwrap();
    letters.append(&[letter(2)]).unwrap();
    letters.append(&[letter(3)]).unwrap();
    assert_eq!(place.ids(), ["id-2", "id-3"]);
}

// Q47: the writer killed at every byte of an entry; Q12: whatever is left of it is cut off.
#[test]
fn an_entry_torn_at_any_byte_is_cut_off_and_the_others_stay() {
    let place = Place::new();
    place.open(100_000).append(&[letter(1), letter(2)]).unwrap();
    let whole = std::fs::read(place.segment(1)).unwrap();
    let one = whole.len() / 2;
    for cut in 0..=whole.len() {
        std::fs::write(place.segment(1), &whole[..cut]).unwrap();
        let mut letters = place.open(100_000);
        let kept = cut / one;
        assert_eq!((place.ids().len(), letters.bytes()), (kept, (kept * one) as u64), "cut at {cut}");
        letters.append(&[letter(3)]).unwrap();
        assert_eq!((place.ids().len(), &*place.ids()[kept]), (kept + 1, "id-3"), "cut at {cut}");
    }
}

// A power cut can leave the length without the content.
#[test]
fn zeros_behind_the_last_entry_are_cut_off() {
    let place = Place::new();
    place.open(100_000).append(&[letter(1)]).unwrap();
    let mut bytes = std::fs::read(place.segment(1)).unwrap();
    bytes.resize(bytes.len() + 10_000, 0);
    std::fs::write(place.segment(1), &bytes).unwrap();
    let mut letters = place.open(100_000);
    letters.append(&[letter(2)]).unwrap();
    assert_eq!(place.ids(), ["id-1", "id-2"]);
}

#[test]
fn readers_tell_what_they_cannot_read_and_go_on() {
    let place = Place::new();
    assert_eq!(list(&place.path()).unwrap().count(), 0, "no directory, no letters");
    place.open(100_000).append(&[letter(1)]).unwrap();
    let mut bytes = b"{\"time\":\"torn\n\xff\n".to_vec();
    bytes.extend(std::fs::read(place.segment(1)).unwrap());
    bytes.extend(b"{\"half");
    std::fs::write(place.segment(1), bytes).unwrap();
    std::fs::write(place.path().join("notes.txt"), "mine").unwrap();
    std::fs::create_dir(place.path().join("7.ndjson")).unwrap();
    let seen: Vec<String> = list(&place.path())
        .unwrap()
        .map(|entry| match entry.unwrap() {
            Entry::Letter(letter) => letter.id,
            Entry::Unreadable { path, line } => format!("{}:{line}", path.file_name().unwrap().display()),
        })
        .collect();
    assert_eq!(seen, ["00000001.ndjson:1", "00000001.ndjson:2", "id-1", "00000001.ndjson:4"]);
}

// Q27.
#[test]
fn a_link_in_place_of_a_segment_is_refused_by_name() {
    let place = Place::new();
    place.open(100_000);
    let outside = place.temp.path().join("outside");
    std::fs::write(&outside, "precious, no line end").unwrap();
    std::os::unix::fs::symlink(&outside, place.segment(1)).unwrap();
    let state = StateDirectory::open(place.temp.path()).unwrap();
    let error = DeadLetters::open(state.subdirectory(DIRECTORY).unwrap(), 1000).unwrap_err().to_string();
    assert!(error.contains("00000001.ndjson") && error.contains("symbolic link"), "{error}");
    assert_eq!(std::fs::read(&outside).unwrap(), b"precious, no line end");
}

// Q29. `/dev/full` stands for a full disk: it opens, and every write fails.
#[test]
#[cfg(target_os = "linux")]
fn a_failed_write_settles_nothing_and_the_next_goes_to_a_new_segment() {
    let place = Place::new();
    let mut letters = place.open(100_000);
    letters.append(&[letter(1)]).unwrap();
    let before = letters.bytes();
    let full = File::options().write(true).open("/dev/full").unwrap();
    letters.open.as_mut().unwrap().file = full;
    let error = letters.append(&[letter(2)]).unwrap_err();
    assert!(error.to_string().contains("write dead-letter file"), "{error}");
    assert!(
        matches!(&error, DeadLetterError::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull)
    );
    assert!(letters.bytes() <= before, "the double has no bytes");
    letters.append(&[letter(2)]).unwrap();
    assert_eq!(place.ids(), ["id-1", "id-2"]);
    assert!(place.segment(2).try_exists().unwrap());
}

// Part of a batch on disk, then no more: what was written is cut off again.
#[test]
fn giving_up_cuts_off_what_was_written() {
    let place = Place::new();
    let mut letters = place.open(100_000);
    letters.append(&[letter(1)]).unwrap();
    let before = letters.bytes();
    let mut segment = letters.segment().unwrap();
    segment.file.write_all(b"{\"time\":\"ha").unwrap();
    letters.give_up(segment);
    assert_eq!((letters.bytes(), place.segment(1).metadata().unwrap().len()), (before, before));
    letters.append(&[letter(2)]).unwrap();
    assert_eq!(place.ids(), ["id-1", "id-2"]);
}
