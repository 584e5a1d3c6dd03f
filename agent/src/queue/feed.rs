//! Standard input into its queue.

use super::Queue;
use std::io::{self, ErrorKind, Read};
use std::sync::Arc;
use tracing::{error, info};

/// Read at once: what a pipe of the kernel holds.
const CHUNK: usize = 64 * 1024;

/// Starts the thread that appends standard input to `queue` until it ends, and calls `ended` then.
///
/// It is never waited for: a read may take for ever, and what was read before is in the queue already.
pub fn feed_stdin(queue: Arc<Queue>, ended: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let thread = std::thread::Builder::new().name("stdin".into()).stack_size(256 * 1024);
    thread.spawn(move || {
        feed(&mut io::stdin().lock(), &queue);
        ended();
    })?;
    Ok(())
}

/// Appends all of `stream`. Nothing waits in memory: what was read has its room already, and is appended before the next read.
pub(super) fn feed(stream: &mut impl Read, queue: &Queue) {
    let mut buffer = vec![0; CHUNK];
    loop {
        queue.await_room(CHUNK as u64);
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => queue.append(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                error!(error = %error, "standard input cannot be read, taking it for ended");
                break;
            }
        }
    }
    queue.end();
    info!("standard input has ended");
}
