//! `dead-letters list`: what the server refused for good.

use super::{Exit, load, printed, table};
use crate::ack::dead_letters::{self, DIRECTORY, DeadLetter, Entry};
use crate::config::shown;
use std::io;
use std::path::Path;

/// Longest reason shown, in characters; the file has all of it.
const REASON_CHARS: usize = 120;

pub(super) fn list(file: &Path) -> Exit {
    let config = match load(file) {
        Ok(config) => config,
        Err(exit) => return exit,
    };
    let directory = config.state.path.join(DIRECTORY);
    match rows(&directory) {
        Ok(rows) if rows.len() == 1 => {
            eprintln!("no dead letters in {}", shown(&directory.to_string_lossy()));
            Exit::Done
        }
        Ok(rows) => printed(table::write(&mut io::stdout().lock(), &rows), Exit::Done),
        Err(error) => {
            eprintln!(
                "{}: cannot be read: {error}; run as the agent's user",
                shown(&directory.to_string_lossy())
            );
            Exit::Failed
        }
    }
}

fn rows(directory: &Path) -> io::Result<Vec<Vec<String>>> {
    let heading = ["TIME", "INDEX", "FILE", "OFFSET", "STATUS", "TYPE", "REASON"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for entry in dead_letters::list(directory)? {
        match entry? {
            Entry::Letter(letter) => rows.push(row(*letter)),
            // A torn last line was never settled: its event comes again.
            Entry::Unreadable { path, line } => {
                eprintln!("{}: line {line} is no dead letter, left out", shown(&path.to_string_lossy()));
            }
        }
    }
    Ok(rows)
}

fn row(letter: DeadLetter) -> Vec<String> {
    let mut reason: String = letter.reason.chars().take(REASON_CHARS).collect();
    if reason.len() < letter.reason.len() {
        reason.push('…');
    }
    let (offset, status) = (letter.offset.to_string(), letter.status.to_string());
    vec![letter.time, letter.index, letter.file, offset, status, letter.kind, reason]
}
