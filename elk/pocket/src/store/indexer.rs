//! The thread that moves what is durable from the log into the indices.

use super::Index;
use crate::index::Pending;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Batches that wait at most; the log waits then.
const QUEUE: usize = 8;
/// Longest time from the first uncommitted document to the commit that shows it.
const COMMIT_AFTER: Duration = Duration::from_millis(500);
/// A writer that got nothing for this long gives its memory back.
const IDLE: Duration = Duration::from_secs(10);
/// Writers that are open at once; the least used ones are closed.
const WRITERS: usize = 3;

/// Changes of one index, durable in the log.
pub(super) struct Batch {
    pub(super) index: Arc<Index>,
    pub(super) changes: Vec<Pending>,
}

enum Job {
    Batch(Batch, u64),
    Refresh(SyncSender<Result<(), String>>),
}

/// A handle to the thread.
pub(super) struct Indexer {
    queue: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

/// What the indexer needs of the log: to read it again after a failed commit, and to drop what is committed.
pub(super) trait Source: Send + 'static {
    /// Reads the changes of an index after its committed position, up to `until`.
    fn changes(
        &self,
        index: &Arc<Index>,
        until: u64,
        apply: &mut dyn FnMut(Vec<Pending>, u64) -> tantivy::Result<()>,
    ) -> tantivy::Result<()>;
    /// Everything up to `position` is committed.
    fn release(&self, position: u64);
}

impl Indexer {
    pub(super) fn start(source: impl Source) -> std::io::Result<Self> {
        let (queue, jobs) = sync_channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("indexer".to_owned())
            .spawn(move || Work { source, dirty: None, writers: HashMap::new(), position: 0 }.run(&jobs))?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// What the log hands on.
    pub(super) fn inlet(&self) -> impl FnMut(Batch, u64) + Send + 'static + use<> {
        let queue = self.queue.clone();
        move |batch, position| {
            if let Some(queue) = &queue {
                // Fails only while stopping; the batch is in the log and comes back at the next start.
                let _ = queue.send(Job::Batch(batch, position));
            }
        }
    }

    /// Commits all that was handed on so far.
    pub(super) fn refresh(&self) -> Result<(), String> {
        let (done, answer) = sync_channel(1);
        let stopped = || "the indexer has stopped".to_owned();
        self.queue.as_ref().and_then(|queue| queue.send(Job::Refresh(done)).ok()).ok_or_else(stopped)?;
        answer.recv().map_err(|_| stopped())?
    }
}

impl Drop for Indexer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Work<S> {
    source: S,
    /// Since when something waits for a commit.
    dirty: Option<Instant>,
    writers: HashMap<u32, Writer>,
    position: u64,
}

struct Writer {
    index: Arc<Index>,
    used: Instant,
    dirty: bool,
    /// It failed: what it had not committed, and what comes now, is read from the log at the next try.
    stale: bool,
}

impl<S: Source> Work<S> {
    fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            let wait = self
                .dirty
                .map_or(Duration::from_secs(1), |since| COMMIT_AFTER.saturating_sub(since.elapsed()));
            match jobs.recv_timeout(wait) {
                Ok(Job::Batch(batch, position)) => self.add(batch, position),
                Ok(Job::Refresh(done)) => {
                    let _ = done.send(self.commit());
                }
                Err(RecvTimeoutError::Timeout) => self.rest(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.dirty.is_some_and(|since| since.elapsed() >= COMMIT_AFTER) {
                self.commit_or_say();
            }
        }
        self.commit_or_say();
        for writer in self.writers.values() {
            let _ = writer.index.shelf.close_writer();
        }
    }

    fn add(&mut self, batch: Batch, position: u64) {
        let Batch { index, changes } = batch;
        self.position = position;
        if index.is_removed() {
            return;
        }
        self.dirty.get_or_insert_with(Instant::now);
        let writer = self.writers.entry(index.meta.number).or_insert_with(|| Writer {
            index: Arc::clone(&index),
            used: Instant::now(),
            dirty: false,
            stale: false,
        });
        writer.used = Instant::now();
        writer.dirty = true;
        if !writer.stale
            && let Err(error) = index.shelf.add(changes, position)
        {
            tracing::warn!(index = index.meta.name, %error, "documents could not be indexed; they are in the log and will be tried again");
            writer.stale = true;
        }
        if self.writers.len() > WRITERS {
            self.commit_or_say();
            self.close_least_used();
        }
    }

    fn commit_or_say(&mut self) {
        if let Err(error) = self.commit() {
            tracing::error!(%error, "commit failed; documents stay in the log and are tried again");
        }
    }

    /// Commits every writer; a failed one is opened again and fed from the log at the next try.
    fn commit(&mut self) -> Result<(), String> {
        self.writers.retain(|_, writer| !writer.index.is_removed());
        let mut failure = None;
        for writer in self.writers.values_mut().filter(|writer| writer.dirty) {
            match commit_one(&self.source, writer, self.position) {
                Ok(()) => (writer.dirty, writer.stale) = (false, false),
                Err(error) => failure = Some(format!("index [{}]: {error}", writer.index.meta.name)),
            }
        }
        match failure {
            None => {
                self.dirty = None;
                self.source.release(self.position);
                Ok(())
            }
            Some(failure) => {
                self.dirty = Some(Instant::now());
                Err(failure)
            }
        }
    }

    fn rest(&mut self) {
        if self.dirty.is_some() {
            return;
        }
        for writer in self.writers.values() {
            // Merges that ended in the meantime replace their parts.
            if let Err(error) = writer.index.shelf.publish() {
                tracing::warn!(index = writer.index.meta.name, %error, "merged segments could not be opened");
            }
        }
        self.writers.retain(|_, writer| {
            let idle = writer.used.elapsed() >= IDLE;
            if idle {
                close(&writer.index);
            }
            !idle
        });
    }

    fn close_least_used(&mut self) {
        let oldest =
            self.writers.iter().filter(|(_, writer)| !writer.dirty).min_by_key(|(_, writer)| writer.used);
        if let Some(number) = oldest.map(|(number, _)| *number)
            && let Some(writer) = self.writers.remove(&number)
        {
            close(&writer.index);
        }
    }
}

fn close(index: &Index) {
    let closed = index.shelf.close_writer().and_then(|()| index.shelf.publish());
    if let Err(error) = closed {
        tracing::warn!(index = index.meta.name, %error, "an idle writer ended with an error");
    }
}

fn commit_one(source: &impl Source, writer: &mut Writer, until: u64) -> tantivy::Result<()> {
    let index = &writer.index;
    if writer.stale {
        index.shelf.abandon_writer();
        source.changes(index, until, &mut |changes, position| index.shelf.add(changes, position))?;
    }
    writer.stale = true;
    index.shelf.commit()
}

/// The log's folder.
pub(super) struct LogReader {
    pub(super) folder: std::path::PathBuf,
}

impl Source for LogReader {
    fn changes(
        &self,
        index: &Arc<Index>,
        until: u64,
        apply: &mut dyn FnMut(Vec<Pending>, u64) -> tantivy::Result<()>,
    ) -> tantivy::Result<()> {
        let from = index.shelf.committed()?;
        crate::log::read(&self.folder, from, |entry, position| {
            if entry.index != index.meta.number || position > until {
                return Ok(());
            }
            apply(entry.records.into_iter().map(|record| index.revive(record)).collect(), position)
        })
    }

    fn release(&self, position: u64) {
        if let Err(error) = crate::log::release(&self.folder, position) {
            tracing::warn!(%error, "old files of the log could not be removed");
        }
    }
}
