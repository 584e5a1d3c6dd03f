//! What the state directory says is saved outlives kill -9 at any moment (Q01, Q03, Q38, Q47).
//!
//! A child process saves checkpoints and dead letters as fast as it can and tells each one after the call has returned. It
//! is killed at a random moment, again and again on the same directory.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use blueox::ack::dead_letters::{self, DeadLetter, DeadLetters, Entry};
use blueox::checkpoint::{Checkpoint, KnownInput, Loaded, StateDirectory};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

const STATE: &str = "BLUEOX_TEST_STATE";
const FROM: &str = "BLUEOX_TEST_FROM";
const ROUNDS: u64 = 60;

fn checkpoint(number: u64) -> Checkpoint {
    let input = |identity: String| KnownInput { identity, first_start_unix_s: number };
    Checkpoint {
        inputs: (0..50).map(|place| input(format!("input-{place}"))).collect(),
        ..Checkpoint::default()
    }
}

fn letter(number: u64) -> DeadLetter {
    let text = || "text".to_owned();
    let letter = DeadLetter {
        time: text(),
        id: number.to_string(),
        index: text(),
        file: text(),
        offset: number,
        status: 400,
        kind: text(),
        reason: text(),
        document: String::new(),
        document_base64: None,
    };
    letter.with_document(&vec![b'x'; 1 + number as usize % 9000])
}

fn saved_number(loaded: &Loaded) -> u64 {
    match loaded {
        Loaded::Fresh => 0,
        Loaded::Found { checkpoint, damage } => {
            assert_eq!(*damage, None);
            checkpoint.inputs[0].first_start_unix_s
        }
        Loaded::Lost { damage } => panic!("lost: {damage:?}"),
    }
}

/// The child's part; does nothing in an ordinary run of the tests.
#[test]
fn child_that_saves_until_it_is_killed() {
    let Ok(path) = std::env::var(STATE) else { return };
    let from: u64 = std::env::var(FROM).unwrap().parse().unwrap();
    let state = StateDirectory::open(Path::new(&path)).unwrap();
    let (mut store, _) = state.checkpoints().unwrap();
    let mut letters =
        DeadLetters::open(state.subdirectory(dead_letters::DIRECTORY).unwrap(), 1 << 30).unwrap();
    for number in from.. {
        store.save(&checkpoint(number)).unwrap();
        tell('c', number);
        letters.append(&[letter(number)]).unwrap();
        tell('d', number);
    }
}

/// One write call each, so that a kill cuts no number in two unnoticed. The test harness has its own `stdout`.
fn tell(kind: char, number: u64) {
    let _ = std::io::stderr().write_all(format!("{kind}{number}\n").as_bytes());
}

#[test]
fn what_was_told_as_saved_is_found_after_a_kill() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("state");
    let seed: u64 = std::process::id().into();
    println!("seed {seed}");
    let (mut checkpointed, mut kept) = (0, 0);
    for round in 0..ROUNDS {
        // 1 to 25 reports, then the kill falls wherever the child is by then.
        let reports = 1 + (seed + round).wrapping_mul(0x9e37_79b9_7f4a_7c15) % 25;
        let from = checkpointed.max(kept) + 1;
        let told = run_and_kill(&path, from, reports as usize);
        for (kind, number) in told {
            match kind {
                'c' => checkpointed = number,
                _ => kept = number,
            }
        }
        let state = StateDirectory::open(&path).expect("a dead holder is no obstacle");
        let found = saved_number(&state.checkpoints().unwrap().1);
        assert!(
            found == checkpointed || found == checkpointed + 1,
            "round {round}: told {checkpointed}, found {found}"
        );
        DeadLetters::open(state.subdirectory(dead_letters::DIRECTORY).unwrap(), 1 << 30).unwrap();
        let ids = letters(&path.join(dead_letters::DIRECTORY));
        let newest = *ids.last().unwrap_or(&0);
        // The checkpoint of each number is saved before its letter is tried.
        assert!(kept <= newest && newest <= found, "round {round}: told {kept}, found {newest}");
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "round {round}: {ids:?}");
        (checkpointed, kept) = (found, newest);
    }
    assert!(checkpointed > ROUNDS, "the child got somewhere");
}

fn run_and_kill(path: &Path, from: u64, reports: usize) -> Vec<(char, u64)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_that_saves_until_it_is_killed", "--nocapture", "--quiet"])
        .env(STATE, path)
        .env(FROM, from.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut text = String::new();
    for _ in 0..reports {
        errors.read_line(&mut text).unwrap();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    errors.read_to_string(&mut text).unwrap();
    let told = |line: &str| {
        let (kind, number) = line.split_at(1);
        let number = number.parse().unwrap_or_else(|_| panic!("child failed: {text}"));
        (kind.chars().next().unwrap(), number)
    };
    text.lines().map(told).collect()
}

fn letters(path: &Path) -> Vec<u64> {
    let number = |entry: std::io::Result<Entry>| match entry.unwrap() {
        Entry::Letter(letter) => {
            assert_eq!(letter.document.len(), 1 + letter.offset as usize % 9000, "{}", letter.id);
            letter.offset
        }
        Entry::Unreadable { path, line } => panic!("{}:{line}", path.display()),
    };
    dead_letters::list(path).unwrap().map(number).collect()
}
