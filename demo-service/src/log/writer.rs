//! The thread that writes.

use super::field;
use super::file::RotatedFile;
use super::queue::Queue;
use std::io::{self, Write};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tracing::warn;

/// How long lines gather; a wake-up for each would cost more than writing it. Lines younger than this die with a killed process.
const LINGER: Duration = Duration::from_millis(5);
/// Between two tries to write to a full disk.
const RETRY: Duration = Duration::from_millis(200);
/// How long the end of the process waits for a full disk.
const PATIENCE: Duration = Duration::from_secs(1);

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
                write_to_file(file, &lines, &queue);
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

fn write_to_file(file: &mut RotatedFile, mut lines: &[u8], queue: &Queue) {
    let mut failing_since = None;
    while !lines.is_empty() {
        match file.write(lines) {
            Ok(written) => lines = &lines[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                let since = *failing_since.get_or_insert_with(|| {
                    eprintln!("demo-service: {error}; serving goes on, lines wait and then are dropped");
                    Instant::now()
                });
                if queue.is_closed() && since.elapsed() > PATIENCE {
                    eprintln!("demo-service: {} bytes of log could not be written", lines.len());
                    return;
                }
                thread::sleep(RETRY);
            }
        }
    }
}
