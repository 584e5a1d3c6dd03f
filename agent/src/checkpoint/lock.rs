//! One process a state directory.
//!
//! The lock is the kernel's (`flock`) and goes with the process, so a file left behind by kill -9 is no obstacle whatever
//! process has the number by now. The text in the file only serves the message of a second process.

use super::directory::{Directory, StateError};
use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};

/// Name of the lock file.
pub const LOCK: &str = "lock";

/// Holds the state directory until dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock at once or says who holds it.
    pub fn take(directory: &Directory) -> Result<Self, StateError> {
        directory.check_plain(LOCK)?;
        let failed = |source| StateError::Lock { path: directory.path_of(LOCK), source };
        let mut file = directory.open_or_create(LOCK).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StateError::InUse { path: directory.path().into(), holder: holder(&mut file) });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        // A full disk must not keep the agent from starting: it then merely cannot be named.
        let _ = sign(&mut file);
        Ok(Self { _file: file })
    }
}

fn sign(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "process {}, started {:.0}", std::process::id(), jiff::Timestamp::now())
}

/// What the holder wrote of itself, made safe to print.
fn holder(file: &mut File) -> String {
    let mut text = Vec::new();
    let _ = file.take(200).read_to_end(&mut text);
    let text = String::from_utf8_lossy(&text);
    match text.lines().next().map(str::trim) {
        Some(line) if !line.is_empty() => line.chars().filter(|c| !c.is_control()).collect(),
        _ => "another process".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::StateDirectory;
    use super::*;

    // Q37, C10. `flock` belongs to the open file, so a second opening in this process stands for a second process.
    #[test]
    fn a_second_agent_is_told_who_holds_the_directory() {
        let temp = tempfile::tempdir().unwrap();
        let first = StateDirectory::open(temp.path()).unwrap();
        let text = StateDirectory::open(temp.path()).unwrap_err().to_string();
        let expected = format!("process {}, started 2", std::process::id());
        assert!(text.contains(&expected) && text.contains("in use"), "{text}");
        drop(first);
        StateDirectory::open(temp.path()).unwrap();
    }

    #[test]
    fn a_store_keeps_the_directory_locked() {
        let temp = tempfile::tempdir().unwrap();
        let state = StateDirectory::open(temp.path()).unwrap();
        let store = state.checkpoints().unwrap();
        let letters = state.subdirectory("dead-letters").unwrap();
        drop(state);
        assert!(StateDirectory::open(temp.path()).is_err());
        drop(store);
        assert!(StateDirectory::open(temp.path()).is_err());
        drop(letters);
        assert!(StateDirectory::open(temp.path()).is_ok());
    }

    // Q38: the number of a living process in the file means nothing without the lock.
    #[test]
    fn a_lock_file_left_behind_is_no_obstacle() {
        let temp = tempfile::tempdir().unwrap();
        std::fs::write(temp.path().join(LOCK), "process 1, started 1970-01-01T00:00:00Z\nmore\n").unwrap();
        let _held = StateDirectory::open(temp.path()).unwrap();
        let text = std::fs::read_to_string(temp.path().join(LOCK)).unwrap();
        assert!(text.starts_with(&format!("process {},", std::process::id())) && text.lines().count() == 1);
    }
}
