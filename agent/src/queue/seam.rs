//! Where a full segment of a stream ends: before a line that begins an event, so that no event lies over two of them.

use crate::line::{Ending, Flow, Framing, GROUP_BYTES, frame_events};
use memchr::memchr;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// How far back the events of a segment are followed. Twice the longest one of several lines, so that the one in which this
/// begins ends before the end of the segment.
const LOOK_BACK: u64 = 2 * GROUP_BYTES as u64;

/// How much longer than its size a segment gets for the sake of an event. Only lines too long to look back at need all of it.
pub(super) const GRACE: u64 = 2 * LOOK_BACK;

/// The end of a segment of `len` bytes.
pub(super) fn tail(file: &File, len: u64) -> io::Result<Vec<u8>> {
    let start = len.saturating_sub(LOOK_BACK);
    let mut tail = vec![0; (len - start) as usize];
    file.read_exact_at(&mut tail, start)?;
    Ok(tail)
}

/// How many of the `next` bytes are the last of the segment that ends with `tail`. `None`: no event ends among them.
pub(super) fn seam(tail: &[u8], next: &[u8], framing: &Framing) -> Option<usize> {
    let text = [tail, next].concat();
    let from = memchr(b'\n', &text)? + 1;
    // Where in the file this is matters only at its beginning.
    let framed = frame_events(&text[from..], from as u64, framing, Ending::Growing, |_| Flow::Continue);
    let ends_event = framed.consumed > 0;
    (from + framed.consumed).checked_sub(tail.len()).filter(|_| ends_event)
}
