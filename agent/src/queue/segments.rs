//! The segments of one queue: appended by one writer, removed once delivered.

use super::ENDING;
use super::seam::{GRACE, seam, tail};
use crate::checkpoint::directory::Directory;
use crate::line::Framing;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tracing::{error, info, warn};

/// Most bytes of a segment, in parts of the queue's bound; at most [`SEGMENT_MAX`].
const SEGMENT_SHARE: u64 = 8;

/// Most bytes of a segment.
const SEGMENT_MAX: u64 = 16 << 20;

/// Between attempts to write to a full or failing disk.
const DISK_PATIENCE: Duration = Duration::from_secs(1);

/// What becomes of a last line that a crash has cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TornEnd {
    /// It is a line: what there is of a stream is delivered.
    Keep,
    /// It goes: its sender was not told that it was taken.
    Drop,
}

/// Why a queue does not take something at this moment. The log says more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It is at its bound.
    Full,
    /// The disk does not take it.
    Failing,
}

/// What a queue says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueFacts {
    /// Bytes on disk.
    pub bytes: u64,
    /// Bound of `bytes`.
    pub limit: u64,
    /// The writer waits for room, or is refused.
    pub is_full: bool,
    /// Nothing more will come.
    pub has_ended: bool,
}

/// One queue. Its writer, the tailer and the checkpoint thread share it.
#[derive(Debug)]
pub struct Queue {
    directory: Directory,
    limit: u64,
    segment_bytes: u64,
    /// How the lines of a stream become events.
    framing: Framing,
    state: Mutex<State>,
    room: Condvar,
}

#[derive(Debug)]
struct State {
    current: Option<Segment>,
    next: u64,
    bytes: u64,
    is_full: bool,
    /// What was offered last had no room.
    is_refusing: bool,
    /// What was offered last could not be written.
    is_failing: bool,
    has_ended: bool,
}

/// The segment that is being written.
#[derive(Debug)]
struct Segment {
    name: String,
    file: Arc<Synced>,
    len: u64,
    ends_line: bool,
}

/// A file that remembers that it could not be synced: the system tells of lost pages once, and calls the next sync done.
#[derive(Debug)]
struct Synced {
    file: File,
    has_failed: Mutex<bool>,
}

#[cfg(test)]
thread_local! {
    /// Syncs of this thread.
    pub(super) static SYNCS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

impl Synced {
    /// Whatever happened before.
    fn sync(&self) -> io::Result<()> {
        self.sync_noting(&mut self.lock())
    }

    /// Fails as well where any sync has failed before.
    fn sync_surely(&self) -> io::Result<()> {
        let mut has_failed = self.lock();
        match *has_failed {
            true => Err(io::Error::other("an earlier sync of this segment failed")),
            false => self.sync_noting(&mut has_failed),
        }
    }

    fn sync_noting(&self, has_failed: &mut bool) -> io::Result<()> {
        #[cfg(test)]
        SYNCS.set(SYNCS.get() + 1);
        self.file.sync_data().inspect_err(|_| *has_failed = true)
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.has_failed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_failed(&self) -> bool {
        *self.lock()
    }
}

impl State {
    /// An empty queue takes anything: nothing would ever make more room.
    fn has_room(&self, wanted: u64, limit: u64) -> bool {
        self.bytes == 0 || self.bytes + wanted <= limit
    }
}

impl Queue {
    /// Takes up what an earlier run has left in `directory`; new lines go to a new segment.
    pub fn open(directory: Directory, limit: u64, torn: TornEnd, framing: Framing) -> io::Result<Self> {
        let mut segments: Vec<(u64, String)> =
            directory.names()?.into_iter().filter_map(|name| Some((number(&name)?, name))).collect();
        segments.sort_unstable();
        let mut bytes = 0;
        for (position, (_, name)) in segments.iter().enumerate() {
            bytes += match position + 1 == segments.len() {
                true => repair(&directory, name, torn)?,
                false => directory.length_of(name)?,
            };
        }
        let next = segments.last().map_or(0, |(number, _)| number + 1);
        let state = State {
            current: None,
            next,
            bytes,
            is_full: false,
            is_refusing: false,
            is_failing: false,
            has_ended: false,
        };
        let segment_bytes = (limit / SEGMENT_SHARE).min(SEGMENT_MAX);
        Ok(Self { directory, limit, segment_bytes, framing, state: Mutex::new(state), room: Condvar::new() })
    }

    /// Its name.
    pub fn name(&self) -> String {
        self.directory.path().file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// What it says of itself.
    pub fn facts(&self) -> QueueFacts {
        let state = self.lock();
        QueueFacts {
            bytes: state.bytes,
            limit: self.limit,
            is_full: state.is_full || state.is_refusing,
            has_ended: state.has_ended,
        }
    }

    /// Whether nothing more comes and all of it is delivered.
    pub fn is_drained(&self) -> bool {
        let state = self.lock();
        state.has_ended && state.bytes == 0
    }

    /// Appends bytes of the stream, after waiting for room and for a disk that takes them.
    pub fn append(&self, bytes: &[u8]) {
        let mut state = self.wait_for_room(bytes.len() as u64);
        let end = self.end_of_segment(&state, bytes);
        let (last, first) = bytes.split_at(end.unwrap_or(bytes.len()));
        if !last.is_empty() {
            state = self.append_surely(state, last);
        }
        match end {
            Some(_) => self.seal(&mut state),
            None => self.cut_line_without_end(&mut state),
        }
        if !first.is_empty() {
            drop(self.append_surely(state, first));
        }
    }

    /// How many of these bytes are the last of the segment under way. `None`: it goes on behind them.
    fn end_of_segment(&self, state: &State, bytes: &[u8]) -> Option<usize> {
        let segment = state.current.as_ref()?;
        let len = segment.len + bytes.len() as u64;
        if len < self.segment_bytes {
            return None;
        }
        // What cannot be read back now can be at the next bytes.
        let file = self.directory.open_existing(&segment.name);
        let tail = file.and_then(|file| tail(&file, segment.len));
        let end = tail.ok().and_then(|tail| seam(&tail, bytes, &self.framing));
        let any_line = || memchr::memrchr(b'\n', bytes).map(|at| at + 1);
        end.or_else(|| any_line().filter(|_| len >= self.segment_bytes + GRACE))
    }

    fn append_surely<'s>(&'s self, mut state: MutexGuard<'s, State>, bytes: &[u8]) -> MutexGuard<'s, State> {
        let mut is_failing = false;
        while let Err(error) = self.try_append(&mut state, bytes) {
            if !std::mem::replace(&mut is_failing, true) {
                let queue = self.directory.path().display();
                error!(%queue, error = %error, "cannot write to the queue, trying again each second; whoever writes to it waits");
            }
            state = self.room.wait_timeout(state, DISK_PATIENCE).unwrap_or_else(PoisonError::into_inner).0;
        }
        if is_failing {
            info!(queue = %self.directory.path().display(), "the queue is written again");
        }
        state
    }

    /// Appends whole lines, or refuses them at once. What it took survives a kill, and from the next checkpoint on a power cut.
    pub fn offer(&self, lines: &[u8]) -> Result<(), Refusal> {
        self.try_offer(lines).map(|_| ())
    }

    /// Appends each of these groups of whole lines or refuses it; what is taken survives a power cut once this returns. One
    /// sync serves all.
    pub fn store_each<'a>(&self, groups: impl Iterator<Item = &'a [u8]>) -> Vec<Result<(), Refusal>> {
        let written: Vec<Result<Arc<Synced>, Refusal>> = groups.map(|lines| self.try_offer(lines)).collect();
        let mut last: Option<(&Arc<Synced>, Result<(), Refusal>)> = None;
        let mut outcomes = Vec::with_capacity(written.len());
        for file in &written {
            let outcome = match (file, last) {
                (Err(refusal), _) => Err(*refusal),
                (Ok(file), Some((synced, outcome))) if Arc::ptr_eq(file, synced) => outcome,
                (Ok(file), _) => {
                    let outcome =
                        file.sync_surely().map_err(|error| self.refuse_failing(&mut self.lock(), &error));
                    last = Some((file, outcome));
                    outcome
                }
            };
            outcomes.push(outcome);
        }
        outcomes
    }

    fn try_offer(&self, lines: &[u8]) -> Result<Arc<Synced>, Refusal> {
        let mut state = self.lock();
        if !state.has_room(lines.len() as u64, self.limit) {
            self.seal(&mut state);
            if !std::mem::replace(&mut state.is_refusing, true) {
                warn!(
                    queue = %self.directory.path().display(), bytes = state.bytes, limit = self.limit,
                    "the queue is full, what comes is refused; repair the output, or raise limits.queue"
                );
            }
            return Err(Refusal::Full);
        }
        let file = match self.try_append(&mut state, lines) {
            Ok(file) => file,
            Err(error) => return Err(self.refuse_failing(&mut state, &error)),
        };
        if state.current.as_ref().is_some_and(|segment| segment.len >= self.segment_bytes) {
            self.seal(&mut state);
        }
        if std::mem::take(&mut state.is_failing) {
            info!(queue = %self.directory.path().display(), "the queue is written again");
        }
        Ok(file)
    }

    fn refuse_failing(&self, state: &mut State, error: &io::Error) -> Refusal {
        if !std::mem::replace(&mut state.is_failing, true) {
            let queue = self.directory.path().display();
            error!(%queue, error = %error, "cannot write to the queue, what comes is refused; give its disk room, or repair it");
        }
        Refusal::Failing
    }

    /// Waits until `wanted` bytes have room. The one writer that asks before it takes something out of its stream has nothing
    /// in hand that a stop would lose.
    pub fn await_room(&self, wanted: u64) {
        drop(self.wait_for_room(wanted));
    }

    fn wait_for_room(&self, wanted: u64) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        while !state.has_room(wanted, self.limit) {
            // The segment under way goes on, as an event may lie over its end: room comes with those before it.
            if !std::mem::replace(&mut state.is_full, true) {
                warn!(
                    queue = %self.directory.path().display(), bytes = state.bytes, limit = self.limit,
                    "the queue is full, whoever writes to it waits; repair the output, or raise limits.queue"
                );
            }
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if std::mem::take(&mut state.is_full) {
            info!(queue = %self.directory.path().display(), "the queue has room again");
        }
        state
    }

    /// Returns the file that the bytes are in.
    fn try_append(&self, state: &mut State, bytes: &[u8]) -> io::Result<Arc<Synced>> {
        // What is written behind lost pages could not be told from them.
        state.current.take_if(|segment| segment.ends_line && segment.file.has_failed());
        if state.current.is_none() {
            let segment = self.begin(state.next)?;
            state.next += 1;
            state.bytes += segment.len;
            state.current = Some(segment);
        }
        let segment = state.current.as_mut().expect("there is one now");
        let file = segment.file.clone();
        if let Err(error) = (&file.file).write_all(bytes) {
            // No half of it stays; the next attempt writes all of it.
            file.file.set_len(segment.len)?;
            (&file.file).seek(SeekFrom::Start(segment.len))?;
            return Err(error);
        }
        segment.len += bytes.len() as u64;
        segment.ends_line = bytes.ends_with(b"\n");
        state.bytes += bytes.len() as u64;
        Ok(file)
    }

    fn begin(&self, number: u64) -> io::Result<Segment> {
        let name = format!("{number:012}{ENDING}");
        let file = self.directory.create_new(&name)?;
        let header = format!("blueox queue 1, segment {number}, {:032x}\n", fresh());
        if let Err(error) = (&file).write_all(header.as_bytes()) {
            self.directory.remove(&name)?;
            return Err(error);
        }
        self.directory.sync()?;
        let file = Arc::new(Synced { file, has_failed: Mutex::new(false) });
        Ok(Segment { name, file, len: header.len() as u64, ends_line: true })
    }

    /// Ends a line that is as long as two segments, and the segment with it.
    fn cut_line_without_end(&self, state: &mut State) {
        let Some(segment) = &mut state.current else { return };
        if segment.ends_line
            || segment.len < 2 * self.segment_bytes
            || (&segment.file.file).write_all(b"\n").is_err()
        {
            return;
        }
        warn!(file = %self.directory.path_of(&segment.name).display(), len = segment.len, "cut a line without end");
        segment.len += 1;
        segment.ends_line = true;
        state.bytes += 1;
        self.seal(state);
    }

    /// Finishes the segment under way, if it ends with a line.
    fn seal(&self, state: &mut State) {
        let Some(segment) = state.current.take_if(|segment| segment.ends_line) else { return };
        if let Err(error) = segment.file.sync() {
            error!(file = %self.directory.path_of(&segment.name).display(), error = %error, "cannot sync the queue");
        }
    }

    /// Makes all that was appended survive a power cut.
    pub fn sync(&self) -> io::Result<()> {
        let current = self.lock().current.as_ref().map(|segment| segment.file.clone());
        current.map_or(Ok(()), |file| file.sync())
    }

    /// The stream has ended: its last line ends here, whether it has a terminator or not.
    pub fn end(&self) {
        let is_open = self.lock().current.as_ref().is_some_and(|segment| !segment.ends_line);
        if is_open {
            self.append(b"\n");
        }
        let mut state = self.lock();
        self.seal(&mut state);
        state.has_ended = true;
    }

    /// Removes a segment of which the checkpoint says that all its `size` bytes are delivered, unless it is still written to.
    pub fn remove(&self, name: &str, size: u64) {
        let mut state = self.lock();
        if state.current.as_ref().is_some_and(|segment| segment.name == name) {
            return;
        }
        if self.directory.length_of(name).is_ok_and(|len| len == size) && self.directory.remove(name).is_ok()
        {
            state.bytes = state.bytes.saturating_sub(size);
            if std::mem::take(&mut state.is_refusing) {
                info!(queue = %self.directory.path().display(), "the queue has room again");
            }
            self.room.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Differs for all segments ever made.
fn fresh() -> u128 {
    let now = crate::file::table::unix_time().as_nanos();
    now << 32 | u128::from(std::process::id())
}

fn number(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(ENDING)?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// Ends the last line of the segment a crash has left; returns its length. Without a first line there is nothing in it.
fn repair(directory: &Directory, name: &str, torn: TornEnd) -> io::Result<u64> {
    let mut file = directory.open_or_create(name)?;
    let len = file.metadata()?.len();
    let whole = whole_lines(&mut file, len)?;
    match (whole, torn) {
        (0, _) => {
            directory.remove(name)?;
            return Ok(0);
        }
        _ if whole == len => return Ok(len),
        (_, TornEnd::Keep) => {
            file.seek(SeekFrom::Start(len))?;
            file.write_all(b"\n")?;
        }
        (_, TornEnd::Drop) => {
            warn!(file = %directory.path_of(name).display(), bytes = len - whole, "dropped a message that was written in part at the last stop; its sender was not told it was taken");
            file.set_len(whole)?;
        }
    }
    file.sync_data()?;
    file.metadata().map(|facts| facts.len())
}

/// Where the last line break of a file ends.
fn whole_lines(file: &mut File, len: u64) -> io::Result<u64> {
    let mut buffer = vec![0; 64 * 1024];
    let mut end = len;
    while end > 0 {
        let from = end.saturating_sub(buffer.len() as u64);
        let part = &mut buffer[..(end - from) as usize];
        file.seek(SeekFrom::Start(from))?;
        file.read_exact(part)?;
        if let Some(at) = memchr::memrchr(b'\n', part) {
            return Ok(from + at as u64 + 1);
        }
        end = from;
    }
    Ok(0)
}
