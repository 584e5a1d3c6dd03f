//! The thread that appends.

use super::Entry;
use super::files::{self, HEADER};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use tokio::sync::oneshot;

const FILE_SIZE: u64 = 64 << 20;
/// Frames that wait at most; senders then wait too.
const QUEUE: usize = 64;
/// Bytes written with one sync at most, so that the first frames of a burst are not held up by the last.
const GROUP_BYTES: usize = 8 << 20;

/// Why a frame is not in the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the log could not be written: {0}")]
pub struct Failure(pub String);

/// A frame handed over: resolves when it is durable, with the position after it.
pub type Ticket = oneshot::Receiver<Result<u64, Failure>>;

struct Job<T> {
    body: Vec<u8>,
    payload: Option<T>,
    done: oneshot::Sender<Result<u64, Failure>>,
}

/// The log, open for appending. What is durable is handed on with its payload, in the order of the log.
pub struct Log<T> {
    queue: Option<SyncSender<Job<T>>>,
    failures: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl<T: Send + 'static> Log<T> {
    /// Opens the log for frames from position `end` on (as [`super::replay`] found it). `hand_on` gets the payload of
    /// every durable frame and the position after it; while it blocks, nothing more is written.
    pub fn open(folder: &Path, end: u64, hand_on: impl FnMut(T, u64) + Send + 'static) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let appender = Appender::begin(folder, end)?;
        let (queue, jobs) = sync_channel(QUEUE);
        let failures = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&failures);
        let thread = std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || run(appender, &jobs, hand_on, &counted))?;
        Ok(Self { queue: Some(queue), failures, thread: Some(thread) })
    }

    /// Hands a frame over. An entry without records is a barrier: it is done when all before it is.
    ///
    /// Blocks while the queue is full.
    pub fn append(&self, entry: &Entry, payload: Option<T>) -> Ticket {
        let (done, ticket) = oneshot::channel();
        let mut body = Vec::new();
        if !entry.records.is_empty() {
            body.extend([0; HEADER]);
            entry.encode(&mut body);
            seal(&mut body);
        }
        if let Some(queue) = &self.queue {
            // A send fails only after the thread ended; the ticket then says so.
            let _ = queue.send(Job { body, payload, done });
        }
        ticket
    }
}

impl<T> Log<T> {
    /// How often frames were given up.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::SeqCst)
    }
}

impl<T> Drop for Log<T> {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn seal(frame: &mut [u8]) {
    let (header, body) = frame.split_at_mut(HEADER);
    header[..4].copy_from_slice(&(body.len() as u32).to_le_bytes());
    header[4..].copy_from_slice(&crc32fast::hash(body).to_le_bytes());
}

fn run<T>(
    mut appender: Appender,
    jobs: &Receiver<Job<T>>,
    mut hand_on: impl FnMut(T, u64),
    failures: &AtomicU64,
) {
    while let Ok(first) = jobs.recv() {
        let mut size = first.body.len();
        let mut group = vec![first];
        while size < GROUP_BYTES {
            let Ok(job) = jobs.try_recv() else { break };
            size += job.body.len();
            group.push(job);
        }
        let outcome = appender.append(group.iter().map(|job| job.body.as_slice()));
        let outcome = outcome.map_err(|error| Failure(error.to_string()));
        failures.fetch_add(u64::from(outcome.is_err()), Ordering::SeqCst);
        let mut position = appender.end - if outcome.is_ok() { size as u64 } else { 0 };
        for job in group {
            position += job.body.len() as u64;
            // A requester that is gone has no use for the answer.
            let _ = job.done.send(outcome.clone());
            if let (Ok(_), Some(payload)) = (&outcome, job.payload) {
                hand_on(payload, position);
            }
        }
        appender.roll();
    }
}

struct Appender {
    folder: PathBuf,
    file: File,
    start: u64,
    end: u64,
}

impl Appender {
    fn begin(folder: &Path, position: u64) -> io::Result<Self> {
        let path = files::path_of(folder, position);
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        File::open(folder)?.sync_all()?;
        Ok(Self { folder: folder.to_owned(), file, start: position, end: position })
    }

    fn append<'a>(&mut self, frames: impl Iterator<Item = &'a [u8]>) -> io::Result<u64> {
        let mut written = self.end;
        let outcome = frames
            .filter(|frame| !frame.is_empty())
            .try_for_each(|frame| {
                self.file.write_all(frame)?;
                written += frame.len() as u64;
                Ok(())
            })
            .and_then(|()| if written > self.end { self.file.sync_data() } else { Ok(()) });
        match outcome {
            Ok(()) => {
                self.end = written;
                Ok(written)
            }
            Err(error) => {
                self.take_back();
                Err(error)
            }
        }
    }

    /// Cuts off what a failed append left. After a failed sync the page cache is not to be trusted either, so a new
    /// file follows; its name says where the good frames ended.
    fn take_back(&mut self) {
        let cut = self.file.set_len(self.end - self.start).and_then(|()| self.file.sync_all());
        if cut.is_ok()
            && self.end > self.start
            && let Ok(next) = Self::begin(&self.folder, self.end)
        {
            *self = next;
        }
    }

    /// Begins a new file where this one is full. Without room for it this one goes on growing.
    fn roll(&mut self) {
        if self.end - self.start >= FILE_SIZE
            && let Ok(next) = Self::begin(&self.folder, self.end)
        {
            *self = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Operation, Record, Replay, replay};
    use super::*;
    use crate::document::DocKey;
    use bytes::Bytes;
    use proptest::prelude::*;

    fn entry(number: u64, size: usize) -> Entry {
        let record = Record {
            operation: Operation::Add,
            key: DocKey::of(&number.to_string()),
            id: Some(number.to_string().into()),
            sequence: number,
            version: 1,
            source: Bytes::from(vec![b'x'; size]),
        };
        Entry { index: 7, records: vec![record] }
    }

    fn write(folder: &Path, end: u64, numbers: std::ops::Range<u64>) -> Vec<u64> {
        let log = Log::open(folder, end, |(), _| ()).unwrap();
        numbers
            .map(|number| log.append(&entry(number, 100), None).blocking_recv().unwrap().unwrap())
            .collect()
    }

    fn read(folder: &Path, from: u64) -> (Vec<u64>, Replay) {
        let mut found = Vec::new();
        let replay =
            replay::<io::Error>(&folder.join("log"), &folder.join("quarantine"), from, |entry, _| {
                found.extend(entry.records.iter().map(|record| record.sequence));
                Ok(())
            });
        (found, replay.unwrap())
    }

    #[test]
    fn frames_are_read_back_from_any_position() {
        let folder = tempfile::tempdir().unwrap();
        let ends = write(&folder.path().join("log"), 0, 0..5);
        let (found, replay) = read(folder.path(), 0);
        assert_eq!((found, replay.end, replay.damages.len()), (vec![0, 1, 2, 3, 4], ends[4], 0));
        assert_eq!(read(folder.path(), ends[2]).0, [3, 4]);
        write(&folder.path().join("log"), replay.end, 5..7);
        assert_eq!(read(folder.path(), ends[4]).0, [5, 6]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn any_cut_keeps_the_whole_frames_before_it(cut in 0u64..700) {
            let folder = tempfile::tempdir().unwrap();
            let ends = write(&folder.path().join("log"), 0, 0..4);
            let path = files::path_of(&folder.path().join("log"), 0);
            OpenOptions::new().write(true).open(&path).unwrap().set_len(cut.min(ends[3])).unwrap();
            let (found, replay) = read(folder.path(), 0);
            let whole = ends.iter().filter(|end| **end <= cut).count() as u64;
            prop_assert_eq!(found, (0..whole).collect::<Vec<_>>());
            prop_assert!(replay.damages.is_empty());
            write(&folder.path().join("log"), replay.end, 9..10);
            let (found, replay) = read(folder.path(), 0);
            prop_assert_eq!(found.last(), Some(&9));
            prop_assert!(replay.damages.is_empty());
        }
    }

    #[test]
    fn a_damaged_frame_is_kept_aside_and_later_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let ends = write(&log, 0, 0..3);
        let path = files::path_of(&log, 0);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[ends[0] as usize + 50] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        write(&log, ends[2], 3..5);
        let (found, replay) = read(folder.path(), 0);
        assert_eq!(found, [0, 3, 4]);
        assert_eq!(replay.damages.len(), 1);
        assert_eq!(replay.damages[0].from, ends[0]);
        assert!(replay.damages[0].kept_as.starts_with(folder.path().join("quarantine")));
    }

    #[test]
    fn released_files_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let first = write(folder.path(), 0, 0..1)[0];
        let second = write(folder.path(), first, 1..2)[0];
        let _log = Log::open(folder.path(), second, |(), _| ()).unwrap();
        files::release(folder.path(), first).unwrap();
        assert_eq!(files::list(folder.path()).unwrap(), [first, second]);
    }
}
