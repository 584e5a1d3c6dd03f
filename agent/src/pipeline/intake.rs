//! Lines become batches: mapping, the open batch of each index, and the slots of the output.

use super::dated::DatedIndex;
use crate::batch::{Batch, Compressor, EventMeta, Form, OpenBatch};
use crate::event::{Around, Fate, FileMemory, Filtered, Line, Mapped, Mapper, Process, Stream, Unwrapper};
use crate::file::identity::event_id;
use crate::file::reader::RawLine;
use crate::file::{FileKey, Lineage};
use crate::line::Flow;
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Most bytes of open, uncompressed batches of all indices together, in parts of the memory limit.
const OPEN_SHARE: u64 = 4;

/// Least room for open batches.
const OPEN_MIN: u64 = 1024 * 1024;

/// Empty buffers kept for reuse.
const MAX_IDLE_TARGETS: usize = 8;

/// Where events of one input go.
pub(super) enum Route {
    /// One data stream or index.
    Fixed(Arc<str>),
    /// An index named after the event's own day.
    Dated(DatedIndex),
}

/// How batches are cut.
#[derive(Debug, Clone, Copy)]
pub(super) struct BatchRules {
    /// Body before compression.
    pub(super) max_bytes: usize,
    /// How long an event waits for company.
    pub(super) linger: Duration,
    /// Batches out at once, for each index.
    pub(super) in_flight: usize,
    /// With action lines, or documents alone.
    pub(super) form: Form,
}

/// The facts of the file a line comes from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin {
    /// Its key.
    pub(super) file: FileKey,
    /// Its lineage.
    pub(super) lineage: Lineage,
    /// Its input.
    pub(super) input: usize,
    /// Events before this offset may have been sent by an earlier process.
    pub(super) fresh_from: u64,
}

struct Target {
    open: OpenBatch,
    since: Option<Instant>,
    out: usize,
    /// The backing index that took the last event, until the batches sent before that was known have returned: one of them
    /// may lie in the index before, and a restart has to look for it there. Nothing leaves until then.
    rolled_over_to: Option<String>,
}

/// Mapping and batching.
pub(super) struct Intake {
    mapper: Mapper,
    streams: Vec<Stream>,
    unwrapper: Unwrapper,
    /// None where nothing is configured.
    process: Option<Process>,
    routes: Vec<Route>,
    targets: HashMap<Arc<str>, Target>,
    rules: BatchRules,
    compression: u8,
    compressor: Option<Compressor>,
    sender: Option<mpsc::Sender<Batch>>,
    out: usize,
    max_out: usize,
    max_open: u64,
    scratch: Vec<u8>,
    /// Events and bytes taken since the last call of [`Intake::take_counts`].
    counts: Counts,
    /// No batch may leave (dead letters cannot be written).
    pub(super) blocked: bool,
}

/// What was taken.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    /// Lines that became events.
    pub(super) events: u64,
    /// Their bytes, terminators included.
    pub(super) bytes: u64,
    /// Lines that a processor took out.
    pub(super) filtered: u64,
    /// Lines whose bytes were not UTF-8.
    pub invalid_utf8: u64,
    /// Lines over the limit.
    pub(super) cut: u64,
}

impl Intake {
    /// Sends batches to `sender`, which holds `max_out` of them.
    pub(super) fn new(
        streams: Vec<Stream>,
        process: Option<Process>,
        routes: Vec<Route>,
        rules: BatchRules,
        compression: u8,
        memory: u64,
        sender: mpsc::Sender<Batch>,
    ) -> Self {
        let max_out = sender.max_capacity();
        Self {
            mapper: Mapper::new(),
            streams,
            unwrapper: Unwrapper::default(),
            process,
            routes,
            targets: HashMap::new(),
            rules,
            compression,
            compressor: None,
            sender: Some(sender),
            out: 0,
            max_out,
            max_open: (memory / OPEN_SHARE).max(OPEN_MIN),
            scratch: Vec::new(),
            counts: Counts::default(),
            blocked: false,
        }
    }

    /// The streams, for the checkpoint.
    pub(super) fn streams(&self) -> &[Stream] {
        &self.streams
    }

    /// What each processor has taken out.
    pub(super) fn filtered(&self) -> impl Iterator<Item = Filtered> {
        self.process.iter().flat_map(Process::filtered)
    }

    /// How many batches are out.
    pub(super) fn out(&self) -> usize {
        self.out
    }

    /// Events in open batches.
    pub(super) fn is_empty(&self) -> bool {
        self.targets.values().all(|target| target.open.is_empty())
    }

    /// What was taken since the last call.
    pub(super) fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }

    /// Whether a line of this input finds room. A full batch that may leave does so first, or it would grow by one more event.
    pub(super) fn has_room(&mut self, input: usize) -> bool {
        let only = match &self.routes[input] {
            Route::Fixed(index) => Some(index),
            Route::Dated(_) => None,
        };
        let concerns = |index: &Arc<str>| only.is_none_or(|only| only == index);
        let full = self.targets.iter().filter(|(index, target)| target.open.is_full() && concerns(index));
        let full: Vec<Arc<str>> = full.map(|(index, _)| index.clone()).collect();
        full.iter().all(|index| self.seal(index))
    }

    fn may_leave(&self, target: &Target) -> bool {
        target.out < self.rules.in_flight
            && self.out < self.max_out
            && !self.blocked
            && target.rolled_over_to.is_none()
    }

    /// Maps a line into the open batch of its index.
    pub(super) fn take(
        &mut self,
        origin: &Origin,
        memory: &mut FileMemory,
        line: &RawLine<'_>,
        now: Instant,
        read_at: Timestamp,
    ) -> Flow {
        let event = EventMeta {
            file: origin.file,
            lineage: origin.lineage,
            start: line.start,
            end: line.end,
            checksum: line.checksum,
            uncertain: line.start < origin.fresh_from,
        };
        let whole = Line { bytes: line.bytes, offset: line.start, end: line.ended, read_at };
        let (text, around) = self.unwrapper.line(whole, &self.streams[origin.input]);
        let stream = &mut self.streams[origin.input];
        let (index, mapped, is_full) = match &mut self.routes[origin.input] {
            Route::Fixed(index) if self.process.is_none() => {
                let index = index.clone();
                let mapper = &mut self.mapper;
                let open = &mut target_of(&mut self.targets, &index, &self.rules, now).open;
                let mapped = open.push(event, |out| map(mapper, &text, around, stream, memory, out));
                (index, mapped, open.is_full())
            }
            route => {
                self.scratch.clear();
                let mapped = map(&mut self.mapper, &text, around, stream, memory, &mut self.scratch);
                if let Some(process) = &mut self.process {
                    let id = event_id(event.lineage, event.start, event.checksum);
                    if process.apply(&mut self.scratch, &id, now) == Fate::Filtered {
                        self.counts.filtered += 1;
                        return Flow::Filtered;
                    }
                }
                let index = match route {
                    Route::Fixed(index) => index.clone(),
                    Route::Dated(dated) => dated.name(mapped.timestamp),
                };
                let scratch = &self.scratch;
                let open = &mut target_of(&mut self.targets, &index, &self.rules, now).open;
                open.push(event, |out| out.extend_from_slice(scratch));
                (index, mapped, open.is_full())
            }
        };
        self.counts.events += 1;
        self.counts.bytes += line.end - line.start;
        self.counts.invalid_utf8 += u64::from(mapped.invalid_utf8);
        self.counts.cut += u64::from(mapped.cut);
        match is_full {
            true if self.seal(&index) => Flow::Continue,
            true => Flow::Stop,
            false if self.targets.len() > 1 && self.open_bytes() > self.max_open => self.make_room(),
            false => Flow::Continue,
        }
    }

    fn open_bytes(&self) -> u64 {
        self.targets.values().map(|target| target.open.raw_len() as u64).sum()
    }

    /// Many indices share the room: the largest batch leaves early.
    fn make_room(&mut self) -> Flow {
        let largest = self
            .targets
            .iter()
            .filter(|(_, target)| self.may_leave(target))
            .max_by_key(|(_, target)| target.open.raw_len())
            .map(|(index, _)| index.clone());
        match largest {
            Some(index) if self.seal(&index) => Flow::Continue,
            _ => Flow::Stop,
        }
    }

    /// Adds a document that comes from no file.
    pub(super) fn take_own(&mut self, index: &Arc<str>, event: EventMeta, document: &[u8], now: Instant) {
        let target = target_of(&mut self.targets, index, &self.rules, now);
        if !target.open.is_full() {
            target.open.push(event, |out| out.extend_from_slice(document));
        }
    }

    /// Lets batches go whose oldest event has waited long enough (all of them with `all`). Returns when to come again.
    pub(super) fn flush(&mut self, now: Instant, all: bool) -> Option<Instant> {
        let due: Vec<Arc<str>> = self
            .targets
            .iter()
            .filter(|(_, target)| target.since.is_some_and(|since| all || now - since >= self.rules.linger))
            .map(|(index, _)| index.clone())
            .collect();
        for index in due {
            self.seal(&index);
        }
        if self.targets.len() > MAX_IDLE_TARGETS {
            self.drop_idle();
        }
        let waiting = self.targets.values().filter(|target| self.may_leave(target));
        waiting.filter_map(|target| target.since).min().map(|since| since + self.rules.linger)
    }

    /// Gives back the buffers of indices nothing goes to now.
    fn drop_idle(&mut self) {
        self.targets.retain(|_, target| !target.open.is_empty() || target.out > 0);
    }

    /// Gives back all that is only needed while lines come.
    pub(super) fn rest(&mut self) {
        self.drop_idle();
        self.compressor = None;
        self.mapper = Mapper::new();
        self.scratch = Vec::new();
    }

    fn seal(&mut self, index: &Arc<str>) -> bool {
        let Some(target) = self.targets.get(index) else { return true };
        if target.open.is_empty() {
            return true;
        }
        let Some(sender) = self.sender.as_ref().filter(|_| self.may_leave(target)) else { return false };
        let Ok(permit) = sender.try_reserve() else { return false };
        let Some(target) = self.targets.get_mut(index) else { return false };
        let compressor =
            self.compressor.get_or_insert_with(|| Compressor::of_form(self.rules.form, self.compression));
        permit.send(target.open.seal(compressor));
        target.since = None;
        target.out += 1;
        self.out += 1;
        true
    }

    /// An answer named another backing index than before.
    pub(super) fn roll_over(&mut self, index: &Arc<str>, backing: String) {
        if let Some(target) = self.targets.get_mut(index) {
            target.rolled_over_to = Some(backing);
        }
    }

    /// A batch of this index has all its verdicts. Returns the backing index that all later ones go to, if it is new.
    pub(super) fn returned(&mut self, index: &Arc<str>) -> Option<String> {
        self.out = self.out.saturating_sub(1);
        let target = self.targets.get_mut(index)?;
        target.out = target.out.saturating_sub(1);
        target.rolled_over_to.take_if(|_| target.out == 0)
    }

    /// No more batches: the output ends when it has its verdicts.
    pub(super) fn close(&mut self) {
        self.sender = None;
    }
}

fn map(
    mapper: &mut Mapper,
    line: &Line<'_>,
    around: Option<Around<'_>>,
    stream: &mut Stream,
    memory: &FileMemory,
    out: &mut Vec<u8>,
) -> Mapped {
    match around {
        None => mapper.map(line, stream, memory, out),
        Some(around) => mapper.map_unwrapped(line, around, stream, memory, out),
    }
}

fn target_of<'a>(
    targets: &'a mut HashMap<Arc<str>, Target>,
    index: &Arc<str>,
    rules: &BatchRules,
    now: Instant,
) -> &'a mut Target {
    let target = targets.entry(index.clone()).or_insert_with(|| Target {
        open: OpenBatch::new(index.clone(), rules.form, rules.max_bytes),
        since: None,
        out: 0,
        rolled_over_to: None,
    });
    target.since.get_or_insert(now);
    target
}

#[cfg(test)]
mod tests {
    use super::super::rules;
    use super::*;
    use crate::checkpoint::Checkpoint;
    use crate::config::{Config, Environment as Variables};
    use crate::event::{Environment, LineEnd};

    const BYTES: &[u8] = br#"{"level":"info","message":"paid"}"#;

    /// The intake of an agent that sends to Logstash, and its output's end.
    fn intake() -> (Intake, mpsc::Receiver<Batch>) {
        let (sender, batches) = mpsc::channel(8);
        let paths = ["/var/log/app.log".to_owned()];
        let variables = Variables::of(&[]);
        let config = Config::from_arguments(&paths, "logstash://127.0.0.1:5044", &variables).unwrap().config;
        let environment = Environment::from_process("test");
        (rules::intake(&config, &Checkpoint::default(), &environment, sender).unwrap(), batches)
    }

    fn take(intake: &mut Intake, at: u64) -> Flow {
        let origin = Origin { file: FileKey(0), lineage: Lineage([0; 6]), input: 0, fresh_from: 0 };
        let (start, end) = (at * 40, at * 40 + 40);
        let line = RawLine { start, end, bytes: BYTES, ended: LineEnd::Terminated, checksum: at as u32 };
        intake.take(&origin, &mut FileMemory::unnamed(), &line, Instant::now(), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_full_batch_that_had_to_wait_leaves_before_another_line_is_taken() {
        let (mut intake, mut batches) = intake();
        let in_flight = intake.rules.in_flight;
        let taken = (0..).take_while(|at| take(&mut intake, *at) == Flow::Continue).count() + 1;
        let first = batches.try_recv().unwrap();
        let most = first.items.len();
        assert_eq!(taken, (in_flight + 1) * most, "as many as may be out, and a full one");
        assert!(!intake.has_room(0));

        intake.returned(&first.index);
        assert!(intake.has_room(0));
        assert_eq!(take(&mut intake, taken as u64), Flow::Continue);
        let later = std::iter::from_fn(|| batches.try_recv().ok());
        assert_eq!(later.map(|batch| batch.items.len()).collect::<Vec<_>>(), vec![most; in_flight]);
    }
}
