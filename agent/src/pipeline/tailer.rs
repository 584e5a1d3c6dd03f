//! The loop of the tailer thread.

use super::intake::{Intake, Origin};
use super::notice;
use super::saver::Saver;
use super::saving::Saving;
use super::settle::{DeadLetterBox, Refused};
use super::signals::{Mail, Signals};
use crate::ack::{Accounts, Outcome};
use crate::checkpoint::{Journal, KnownInput};
use crate::discovery::{Scanner, Sight, Watch};
use crate::file::FileKey;
use crate::file::reader::{self, ReadBuffer, TurnEnd, TurnLimits};
use crate::file::table::{OpenError, Table};
use crate::file::tailed::Awaits;
use crate::line::Framing;
use crate::monitoring::Oddities;
use crate::output::OutputState;
use crate::queue::Queue;
use crate::receiver::Listener;
use jiff::Timestamp;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::{info, warn};

/// Text of one file before others have their turn.
const TURN_BYTES: usize = 256 * 1024;

/// Between scans while the watch reports everything.
const SCAN_WATCHED: Duration = Duration::from_secs(5);

/// Between scans without a reliable watch.
const SCAN_POLLING: Duration = Duration::from_secs(1);

/// A scan may take this part of the time at most: its cost is stretched over so many times as long.
const SCAN_SHARE: u32 = 50;

/// Between looks at files that are renamed, deleted or waiting to be recognised.
const TICK: Duration = Duration::from_millis(250);

/// Idle for so long: buffers are given back.
const IDLE_AFTER: Duration = Duration::from_secs(5);

/// What the tailer is made of.
pub(super) struct Parts {
    /// All files.
    pub(super) table: Table,
    /// Finds them.
    pub(super) scanner: Scanner,
    /// Hints; none when reading once.
    pub(super) watch: Option<Watch>,
    /// Maps and batches.
    pub(super) intake: Intake,
    /// The balance.
    pub(super) accounts: Arc<Accounts>,
    /// Its mailbox.
    pub(super) signals: Arc<Signals>,
    /// Writes checkpoints; none when reading once.
    pub(super) saver: Option<Saver>,
    /// Notes what settles between checkpoints; for outputs that cannot tell a repeat.
    pub(super) journal: Option<Journal>,
    /// Takes what the server refuses.
    pub(super) dead_letters: DeadLetterBox,
    /// Queues of the inputs that are streams, by input; empty when reading once.
    pub(super) queues: Vec<Option<Arc<Queue>>>,
    /// Where messages from the network come in.
    pub(super) listeners: Vec<Listener>,
    /// What the output says of itself.
    pub(super) output: Arc<OutputState>,
    /// Longest line of each input.
    pub(super) max_line: Vec<usize>,
    /// How lines of each input become events.
    pub(super) framings: Vec<Framing>,
    /// Index of each stream for the checkpoint.
    pub(super) stream_names: Vec<String>,
    /// Inputs that have started before, and now.
    pub(super) known_inputs: Vec<KnownInput>,
    /// Backing index of the last stored event of each index.
    pub(super) backing: HashMap<String, String>,
    /// No earlier run has left a checkpoint here.
    pub(super) first_run: bool,
    /// Read to the end once.
    pub(super) once: bool,
    /// How long a stop waits for verdicts.
    pub(super) drain: Duration,
    /// What a status report says of memory and version.
    pub(super) limits: crate::config::Limits,
    /// The agent's own metric events.
    pub(super) own_events: Option<super::own::OwnEvents>,
}

/// The tailer.
pub(super) struct Tailer {
    pub(super) parts: Parts,
    pub(super) started: Instant,
    buffer: ReadBuffer,
    stalled: Vec<FileKey>,
    next_scan: Instant,
    next_tick: Instant,
    pub(super) saving: Saving,
    pub(super) collided: HashSet<FileKey>,
    pub(super) refused: Vec<Refused>,
    pub(super) progress_at: Instant,
    stopping: Option<Instant>,
    active_at: Instant,
    /// Lines that did not arrive as they were written.
    pub(super) oddities: Oddities,
    /// Buffers were given back since.
    pub(super) rested: bool,
}

/// How the tailer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ended {
    /// Every event read has its verdict.
    pub(super) settled: bool,
    /// The last checkpoint is on disk.
    pub(super) stored: bool,
}

impl Tailer {
    /// Ready to run.
    pub(super) fn new(parts: Parts) -> Self {
        let now = Instant::now();
        let is_first = parts.first_run && parts.saver.is_some();
        Self {
            parts,
            started: now,
            buffer: ReadBuffer::default(),
            stalled: Vec::new(),
            next_scan: now,
            next_tick: now,
            saving: Saving::new(is_first, now),
            collided: HashSet::new(),
            refused: Vec::new(),
            progress_at: now,
            stopping: None,
            active_at: now,
            oddities: Oddities::default(),
            rested: false,
        }
    }

    /// Runs until asked to stop (or, reading once, until all is read and settled), drains and stores the last checkpoint.
    pub(super) fn run(mut self) -> Ended {
        while !self.is_done() {
            let patience = self.step();
            let mail = self.parts.signals.take(patience);
            self.open_mail(mail);
        }
        self.finish()
    }

    /// One round of everything; returns how long there is nothing to do unless mail comes.
    fn step(&mut self) -> Duration {
        let now = Instant::now();
        let mut next = now + Duration::from_secs(3600);
        if self.stopping.is_none() {
            self.scan_if_due(now);
            next = next.min(self.next_scan);
            if self.read_turn(now) {
                next = now;
            }
        }
        if now >= self.next_tick {
            self.tick(now);
        }
        next = next.min(self.next_tick);
        let all = self.stopping.is_some() || (self.parts.once && self.parts.table.ready_count() == 0);
        if let Some(due) = self.parts.intake.flush(now, all) {
            next = next.min(due);
        }
        self.checkpoint_if_due(now);
        if let Some(due) = self.saving.due() {
            next = next.min(due.max(now + Duration::from_millis(20)));
        }
        if let Some(until) = self.stopping {
            next = next.min(until);
        }
        next.saturating_duration_since(Instant::now())
    }

    fn is_done(&mut self) -> bool {
        let quiet = self.parts.intake.is_empty() && self.parts.intake.out() == 0 && self.refused.is_empty();
        match self.stopping {
            Some(until) => quiet || Instant::now() >= until,
            None => quiet && (self.have_streams_ended() || (self.parts.once && self.has_read_all())),
        }
    }

    /// Reading once: whether all is read, last lines that nothing has ended as well.
    fn has_read_all(&mut self) -> bool {
        self.nothing_left() && {
            self.end_last_lines();
            self.nothing_left()
        }
    }

    fn nothing_left(&self) -> bool {
        self.next_scan > self.started
            && self.parts.table.ready_count() == 0
            && self.stalled.is_empty()
            && self.collided.is_empty()
            && self.parts.table.files().all(|file| file.trouble.is_some() || !file.may_have_more())
    }

    fn open_mail(&mut self, mail: Mail) {
        for settlement in mail.settlements {
            self.settle(settlement);
        }
        if mail.hints {
            self.follow_hints();
        }
        if mail.saved {
            self.saved();
        }
        for asked in mail.status {
            // Whoever asked may have hung up.
            let _hung_up = asked.send(self.report());
        }
        if mail.stop && self.stopping.is_none() {
            info!("stopping: reading has ended, waiting for open requests");
            self.stopping = Some(Instant::now() + self.parts.drain);
        }
    }

    fn scan_if_due(&mut self, now: Instant) {
        if now < self.next_scan {
            return;
        }
        let result = self.parts.scanner.scan();
        for warning in &result.warnings {
            warn!("{warning}");
        }
        if let Some(watch) = &mut self.parts.watch {
            for warning in watch.watch(&result.directories) {
                warn!("{warning}");
            }
        }
        self.parts.table.observe(result.files, &result.incomplete, now);
        let done = Instant::now();
        let pause = match &self.parts.watch {
            _ if self.parts.once => Duration::from_secs(3600 * 24),
            Some(watch) if watch.reliable() => SCAN_WATCHED,
            _ => SCAN_POLLING,
        };
        self.next_scan = done + pause.max((done - now) * SCAN_SHARE);
        self.after_change();
    }

    fn follow_hints(&mut self) {
        let Some(watch) = &mut self.parts.watch else { return };
        let hints = watch.take_hints();
        let now = Instant::now();
        if hints.overflow {
            self.next_scan = now;
        }
        for path in hints.paths {
            self.look(path, now);
        }
        self.after_change();
    }

    fn look(&mut self, path: PathBuf, now: Instant) {
        match self.parts.scanner.look(&path) {
            // A directory that appeared may hold files already.
            Sight::Directory => self.next_scan = now,
            Sight::Files(files) => self.parts.table.look(&path, files, now),
            Sight::Nothing => self.parts.table.look(&path, Vec::new(), now),
        }
    }

    fn tick(&mut self, now: Instant) {
        self.next_tick = now + TICK;
        self.parts.table.tick(now);
        self.retry_dead_letters();
        self.regenerate_collided();
        if self.parts.once {
            self.end_last_lines();
        }
        if now - self.active_at > IDLE_AFTER && !std::mem::replace(&mut self.rested, true) {
            self.parts.intake.rest();
            self.buffer.rest();
            crate::memory::give_back();
        }
        self.send_own_event(now);
        self.remove_segments();
        self.after_change();
    }

    /// Reading once: the end of a file ends its last line.
    fn end_last_lines(&mut self) {
        let ended: Vec<FileKey> = self
            .parts
            .table
            .files()
            .filter(|file| file.scanned > file.framed() || (file.known().is_none() && file.size > 0))
            .filter(|file| !file.queued && file.trouble.is_none())
            .map(|file| file.key)
            .collect();
        for key in ended {
            self.parts.table.force_end(key);
        }
    }

    /// Lets one file read. Returns whether there may be more to do at once.
    fn read_turn(&mut self, now: Instant) -> bool {
        if self.saving.awaits_first() {
            return false;
        }
        for key in std::mem::take(&mut self.stalled) {
            self.parts.table.enqueue(key);
        }
        for _ in 0..self.parts.table.ready_count() {
            let Some(key) = self.parts.table.next_ready() else { return false };
            match self.read_file(key, now) {
                Turned::Read => {
                    self.active_at = now;
                    self.rested = false;
                    return true;
                }
                Turned::Nothing => {}
                Turned::Stalled => self.stalled.push(key),
            }
        }
        false
    }

    fn read_file(&mut self, key: FileKey, now: Instant) -> Turned {
        let Some(origin) = self.origin(key) else { return Turned::Nothing };
        if self.waits_for_older(key) || !self.parts.intake.has_room(origin.input) {
            return Turned::Stalled;
        }
        if self.parts.table.file(key).is_some_and(|file| file.awaits_checkpoint != Awaits::Nothing) {
            self.request_checkpoint(now);
            return Turned::Stalled;
        }
        match self.parts.table.open(key) {
            Ok(()) => {}
            Err(OpenError::Busy) => return Turned::Stalled,
            Err(OpenError::Moved) => {
                self.next_scan = self.next_scan.min(now + TICK);
                return Turned::Nothing;
            }
            Err(OpenError::Io(error)) => {
                self.parts.table.trouble(key, &error);
                return Turned::Nothing;
            }
        }
        let limits = TurnLimits {
            bytes: TURN_BYTES,
            max_line: self.parts.max_line[origin.input],
            framing: &self.parts.framings[origin.input],
        };
        let read_at = Timestamp::now();
        let intake = &mut self.parts.intake;
        let Some((file, source)) = self.parts.table.pair(key) else { return Turned::Nothing };
        let before = file.framed();
        let end = reader::turn(file, source, &mut self.buffer, limits, now, |memory, line| {
            intake.take(&origin, memory, &line, now, read_at)
        });
        let moved = file.framed() - before;
        let counts = intake.take_counts();
        file.in_flight += counts.events;
        self.oddities.cut_lines += counts.cut;
        self.oddities.invalid_utf8_lines += counts.invalid_utf8;
        self.oddities.nul_bytes += std::mem::take(&mut file.nul_bytes);
        self.parts.accounts.read(counts.events + counts.filtered, moved);
        self.parts.accounts.settle(Outcome::Filtered, counts.filtered);
        if moved > 0 {
            self.saving.mark();
        }
        let rewritten = matches!(end, Ok(TurnEnd::Overwritten));
        if end.is_ok() {
            self.parts.table.readable(key);
        }
        match end {
            Ok(TurnEnd::CaughtUp) => self.parts.table.unpacked(key),
            Ok(TurnEnd::More | TurnEnd::Full) => self.parts.table.enqueue(key),
            Ok(TurnEnd::Overwritten) => self.parts.table.overwrite(key, now),
            Err(error) => self.parts.table.trouble(key, &error),
        }
        match moved > 0 || rewritten {
            true => Turned::Read,
            false => Turned::Nothing,
        }
    }

    fn origin(&self, key: FileKey) -> Option<Origin> {
        let file = self.parts.table.file(key)?;
        if file.collided {
            return None;
        }
        let lineage = file.lineage()?;
        Some(Origin { file: key, lineage, input: file.input, fresh_from: file.fresh_from })
    }

    /// Reports what happened to files.
    fn after_change(&mut self) {
        for notice in self.parts.table.take_notices() {
            self.saving.mark();
            notice::report(notice, &self.parts.accounts);
        }
    }

    /// The last checkpoint, and the end of the threads.
    fn finish(mut self) -> Ended {
        let settled = self.parts.intake.out() == 0 && self.parts.intake.is_empty() && self.refused.is_empty();
        self.parts.intake.close();
        let stored = self.store_last_checkpoint();
        if let Some(saver) = self.parts.saver.take() {
            saver.finish();
        }
        let counts = self.parts.accounts.snapshot();
        info!(
            read = counts.read,
            delivered = counts.delivered,
            duplicate = counts.duplicate,
            dead_lettered = counts.dead_lettered,
            pending = counts.pending,
            "stopped"
        );
        Ended { settled, stored }
    }

    pub(super) fn dead_letter_bytes(&self) -> u64 {
        match &self.parts.dead_letters {
            DeadLetterBox::Kept(kept) => kept.bytes(),
            DeadLetterBox::Reported => 0,
        }
    }
}

enum Turned {
    Read,
    Nothing,
    Stalled,
}
