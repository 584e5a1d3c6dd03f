//! The thread that writes.

use super::field;
use super::file::RotatedFile;
use super::queue::Queue;
use std::io::{self, Write};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tracing::warn;

/// How long lines gather; a wake-up for each would cost more than writing it. Lines younger than this die with a killed process.
const LINGER: Duration = Duration::from_millis(5);
/// Between two tries to write to a full disk.
const RETRY: Duration = Duration::from_millis(200);

/// Writes what is queued until the queue is closed and empty.
pub(super) fn start(
    queue: Arc<Queue>,
    mut file: Option<RotatedFile>,
    stdout: bool,
) -> io::Result<JoinHandle<()>> {
    let mut stdout = stdout.then(io::stdout);
    thread::Builder::new().name("log".to_owned()).spawn(move || {
        let (mut lines, mut told) = (Vec::new(), 0);
        while queue.take(&mut lines) {
            tell_dropped(&queue, &mut told);
            if let Some(file) = &mut file {
                write_to_file(file, &lines);
            }
            // Nobody reads any more: the file, if there is one, goes on.
            if stdout.as_mut().is_some_and(|stdout| stdout.write_all(&lines).is_err()) {
                stdout = None;
            }
            thread::sleep(LINGER);
        }
    })
}

/// The total, so a line that is dropped itself is made up for by the next.
fn tell_dropped(queue: &Queue, told: &mut u64) {
    let dropped = queue.dropped();
    if dropped > *told {
        *told = dropped;
        warn!({ field::LOG_DROPPED } = dropped, "log lines dropped, the disk or standard output is too slow");
    }
}

/// Until all is written, however long that takes.
fn write_to_file(file: &mut RotatedFile, mut lines: &[u8]) {
    let mut told = false;
    while !lines.is_empty() {
        match file.write(lines) {
            Ok(written) => lines = &lines[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                if !told {
                    eprintln!("demo-service: {error}; serving goes on, lines wait and then are dropped");
                }
                told = true;
                thread::sleep(RETRY);
            }
        }
    }
}
