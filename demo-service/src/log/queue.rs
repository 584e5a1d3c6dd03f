//! Lines on their way to the writer.

use super::field;
use std::io::{self, Write};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Most bytes that wait. At a kilobyte a line and 20 000 lines a second: 400 ms of a disk that stands still.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// Takes records from any thread and numbers them; never waits for the writer.
#[derive(Debug, Default)]
pub(super) struct Queue {
    lines: Mutex<Lines>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Lines {
    bytes: Vec<u8>,
    sequence: u64,
    dropped: u64,
    closed: bool,
}

impl Queue {
    /// Waits for lines and swaps them for `taken`, which is emptied. False once closed and empty.
    pub(super) fn take(&self, taken: &mut Vec<u8>) -> bool {
        taken.clear();
        let mut lines = self.lock();
        while lines.bytes.is_empty() && !lines.closed {
            lines = self.changed.wait(lines).unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::swap(&mut lines.bytes, taken);
        !taken.is_empty()
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    pub(super) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// Nothing panics while it holds the lock, and half a line cannot be left by what does not.
    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The bunyan layer hands over each record in one call, line feed included.
impl Write for &Queue {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        let members = record.strip_suffix(b"}\n").ok_or(io::ErrorKind::InvalidData)?;
        let mut lines = self.lock();
        if lines.bytes.len() + record.len() > MAX_BYTES {
            lines.dropped += 1;
            return Ok(record.len());
        }
        lines.sequence += 1;
        let sequence = lines.sequence;
        lines.bytes.extend_from_slice(members);
        writeln!(lines.bytes, ",\"{}\":{sequence}}}", field::SEQUENCE)?;
        drop(lines);
        self.changed.notify_one();
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
