//! Who a file is: one from the checkpoint, a copy of one ([`super::adopt`]), or a new one.

use super::adopt::Adoption;
use super::compare::{has_tail, mark_at, reaches, tail_at};
use super::{Notice, OpenError, Place, Table};
use crate::ack::Ledger;
use crate::checkpoint::Generation;
use crate::file::identity::LineageParts;
use crate::file::source::{Compression, FirstLine};
use crate::file::tailed::{Awaits, FirstLineFacts, Identity, Known};
use crate::file::{FileKey, Physical};
use std::io;
use std::time::{Duration, Instant};

/// How long a packed file must be quiet before it is looked into.
const PACKED_QUIET: Duration = Duration::from_secs(2);

/// A packed file last written longer ago than this is looked into at once.
const PACKED_OLD: Duration = Duration::from_secs(10);

/// What is known of a file whose identity is to be decided.
pub(super) struct Newcomer {
    pub(super) key: FileKey,
    physical: Physical,
    pub(super) first_line: FirstLine,
}

impl Table {
    /// Decides the identity of files whose first line has ended.
    ///
    /// Those that the checkpoint knows come first, so that what remains there is gone or was overwritten when copies are
    /// looked for.
    pub(super) fn decide(&mut self, now: Instant) {
        let undecided = std::mem::take(&mut self.undecided);
        let first_new = self.next_key;
        let mut newcomers = Vec::new();
        for key in undecided {
            let Some(newcomer) = self.examine(key, now) else { continue };
            match self.resume_same(&newcomer) {
                Ok(true) => {}
                Ok(false) => newcomers.push(newcomer),
                Err(error) => self.cannot_tell(key, &error),
            }
        }
        for newcomer in newcomers {
            if let Err(error) = self.decide_newcomer(&newcomer, now) {
                self.cannot_tell(newcomer.key, &error);
            }
        }
        // Looking for originals may have found one overwritten: what it holds now is a newcomer too.
        let found: Vec<FileKey> = self.undecided.iter().copied().filter(|key| key.0 >= first_new).collect();
        if !found.is_empty() {
            let later = std::mem::replace(&mut self.undecided, found.into_iter().collect());
            self.decide(now);
            self.undecided.extend(later);
        }
    }

    /// Gives a finished file whose only line never ended the identity of what there is.
    pub(super) fn decide_unterminated(&mut self, key: FileKey) {
        self.undecided.remove(&key);
        let Some(newcomer) = self.newcomer(key) else { return };
        if !newcomer.first_line.bytes.is_empty()
            && let Err(error) = self.resume_or_begin(&newcomer)
        {
            return self.cannot_tell(key, &error);
        }
        if let Some(file) = self.files.get_mut(&key) {
            file.scanned = file.size;
        }
    }

    fn resume_or_begin(&mut self, newcomer: &Newcomer) -> io::Result<()> {
        match self.resume_same(newcomer)? {
            true => Ok(()),
            false => self.begin(newcomer, 0),
        }
    }

    /// A file could not be read to the point: what cannot be read now is neither new nor rewritten. It is asked again.
    fn cannot_tell(&mut self, key: FileKey, error: &io::Error) {
        self.trouble(key, error);
        self.decide_later(key);
    }

    /// Looks into a file; `None` while nothing can be said yet.
    fn examine(&mut self, key: FileKey, now: Instant) -> Option<Newcomer> {
        let newcomer = match self.newcomer(key) {
            Some(newcomer) if newcomer.first_line.complete || self.settings.once => newcomer,
            _ => {
                self.decide_later(key);
                return None;
            }
        };
        let file = &self.files[&key];
        let packed = file.compression != Compression::Plain;
        if packed && !self.settings.once && now - file.grown_at < PACKED_QUIET && !self.is_old(key) {
            self.decide_later(key);
            return None;
        }
        Some(newcomer)
    }

    fn is_old(&mut self, key: FileKey) -> bool {
        let modified = self.handles.get(key).and_then(|source| source.facts().ok()?.modified().ok());
        modified.and_then(|at| at.elapsed().ok()).is_some_and(|age| age > PACKED_OLD)
    }

    fn decide_later(&mut self, key: FileKey) {
        if self.files.get(&key).is_some_and(|file| file.known().is_none()) {
            self.undecided.insert(key);
        }
    }

    fn newcomer(&mut self, key: FileKey) -> Option<Newcomer> {
        if self.files.get(&key)?.known().is_some() {
            return None;
        }
        match self.open(key) {
            Ok(()) => {}
            Err(OpenError::Io(error)) => {
                self.trouble(key, &error);
                return None;
            }
            Err(OpenError::Busy | OpenError::Moved) => return None,
        }
        let source = self.handles.get(key)?;
        match source.first_line() {
            Ok(first_line) => {
                let physical = self.files[&key].physical;
                Some(Newcomer { key, physical, first_line })
            }
            Err(error) => {
                self.trouble(key, &error);
                None
            }
        }
    }

    /// Goes on where the checkpoint says, if it knows this very file with this very text.
    fn resume_same(&mut self, newcomer: &Newcomer) -> io::Result<bool> {
        let Newcomer { key, physical, .. } = *newcomer;
        let input = self.files[&key].input;
        let identity = &self.settings.inputs[input].identity;
        let exact = |record: &Generation| record.device == physical.device;
        let elsewhere = |record: &Generation| {
            let place = Place { input, device: record.device, inode: record.inode };
            !self.by_physical.contains_key(&place)
        };
        let same_file = |record: &Generation| {
            record.inode == physical.inode
                && record.birth_ns == physical.birth_ns
                && record.input == *identity
        };
        let mut places: Vec<usize> = (0..self.remembered.len())
            .filter(|place| same_file(&self.remembered[*place]))
            .filter(|place| exact(&self.remembered[*place]) || elsewhere(&self.remembered[*place]))
            .collect();
        places.sort_by_key(|place| {
            let record = &self.remembered[*place];
            (record.device != physical.device, std::cmp::Reverse(record.generation))
        });
        for place in places {
            let record = &self.remembered[place];
            if !record.first_line.matches(&newcomer.first_line) {
                continue;
            }
            let (mark, settled) = (record.mark, record.settled);
            let Some(source) = self.handles.get(key) else { return Ok(false) };
            if !has_tail(source, &mark)? || !reaches(source, settled)? {
                continue;
            }
            let tail = tail_at(source, settled)?;
            let record = self.remembered.take(place);
            self.resume(key, &record, tail);
            return Ok(true);
        }
        Ok(false)
    }

    /// Lets a file continue a remembered generation; `tail` is what lies before its settled offset.
    pub(super) fn resume(&mut self, key: FileKey, record: &Generation, tail: Option<u64>) {
        let Some(file) = self.files.get_mut(&key) else { return };
        file.resume(record);
        file.tail = tail.unwrap_or(file.tail);
        // Renamed while nobody looked: its tail may never be terminated.
        file.rotated |= *file.path != *record.path || file.compression != Compression::Plain;
        // An earlier process may have sent what lies behind the settled offset, also of a file that was found late.
        file.fresh_from = u64::MAX;
        file.settle_freshness();
        file.grown_at = Instant::now();
        self.enqueue(key);
    }

    fn decide_newcomer(&mut self, newcomer: &Newcomer, now: Instant) -> io::Result<()> {
        if self.settings.once {
            return self.begin(newcomer, 0);
        }
        // A generation of which nothing is settled is known by its first line only: it comes last.
        if self.adopt_remembered(newcomer, |mark| mark.offset > 0)? {
            return Ok(());
        }
        match self.adopt_live(newcomer, now)? {
            Adoption::Done => return Ok(()),
            Adoption::Shorter => return self.begin(newcomer, self.files[&newcomer.key].size),
            Adoption::Wait if self.keeps_waiting(newcomer.key, now) => {
                self.decide_later(newcomer.key);
                return Ok(());
            }
            Adoption::Wait | Adoption::No => {}
        }
        match self.adopt_remembered(newcomer, |mark| mark.offset == 0)? {
            true => Ok(()),
            false => self.begin(newcomer, 0),
        }
    }

    /// A new text: reading begins at `offset`.
    fn begin(&mut self, newcomer: &Newcomer, offset: u64) -> io::Result<()> {
        let offset = match self.files[&newcomer.key].from_end {
            true => self.last_line_start(newcomer.key)?.unwrap_or(offset),
            false => offset.max(self.behind_own_line(newcomer)),
        };
        let mark = match self.handles.get(newcomer.key) {
            Some(source) if offset > 0 => mark_at(source, offset)?,
            _ => None,
        };
        let generation = self.next_generation(newcomer);
        let known = self.known_as(newcomer, generation);
        let once = self.settings.once;
        let Some(file) = self.files.get_mut(&newcomer.key) else { return Ok(()) };
        file.identity = Identity::Known(known);
        if !once {
            // A copy made while the process is down is only recognised by a generation the checkpoint knows.
            file.awaits_checkpoint = if generation > 0 { Awaits::Next } else { Awaits::NextIfPossible };
        }
        // Nobody goes on writing to a packed file.
        file.rotated |= file.compression != Compression::Plain;
        file.settle_freshness();
        if let Some(mark) = mark {
            file.ledger = Ledger::starting_at(mark.offset);
            file.scanned = mark.offset;
            file.settled_mark = mark;
            file.tail = mark.tail;
            file.prefix = None;
        }
        if let [0xff, 0xfe, ..] | [0xfe, 0xff, ..] = newcomer.first_line.bytes[..] {
            let path = file.path.to_path_buf();
            self.notices.push(Notice::Utf16(path));
        }
        self.enqueue(newcomer.key);
        Ok(())
    }

    /// Where the lines of a stream begin in a segment of its queue.
    fn behind_own_line(&self, newcomer: &Newcomer) -> u64 {
        match self.settings.inputs[self.files[&newcomer.key].input].is_queue {
            true => newcomer.first_line.bytes.len() as u64 + 1,
            false => 0,
        }
    }

    /// Where the line begins in which the text ends now; `None` for packed files.
    fn last_line_start(&mut self, key: FileKey) -> io::Result<Option<u64>> {
        let mut end = self.files[&key].size;
        let Some(source) = self.handles.get(key) else { return Ok(None) };
        if source.compression() != Compression::Plain {
            return Ok(None);
        }
        let mut buffer = vec![0; 64 * 1024];
        while end > 0 {
            let from = end.saturating_sub(buffer.len() as u64);
            let count = source.read_at(&mut buffer[..(end - from) as usize], from)?;
            if let Some(at) = memchr::memrchr(b'\n', &buffer[..count]) {
                return Ok(Some(from + at as u64 + 1));
            }
            end = from;
        }
        Ok(Some(0))
    }

    /// The identity a text begins under.
    fn known_as(&self, newcomer: &Newcomer, generation: u32) -> Known {
        let input = &self.settings.inputs[self.files[&newcomer.key].input];
        let parts = LineageParts {
            host_id: &self.settings.host_id,
            input_id: input.id.as_deref(),
            inode: newcomer.physical.inode,
            birth_ns: newcomer.physical.birth_ns,
            first_line: &newcomer.first_line.bytes,
            generation,
        };
        let first_line = FirstLineFacts::of(&newcomer.first_line);
        Known { lineage: parts.lineage(), first_line, generation }
    }

    /// 0, or one more than any generation this file, or one that would share its ids, ever had.
    fn next_generation(&self, newcomer: &Newcomer) -> u32 {
        let facts = FirstLineFacts::of(&newcomer.first_line);
        let clashes = |device: u64, inode: u64, birth_ns: u64, first_line: &FirstLineFacts| {
            inode == newcomer.physical.inode
                && birth_ns == newcomer.physical.birth_ns
                && (device == newcomer.physical.device || *first_line == facts)
        };
        let remembered = self
            .remembered
            .iter()
            .filter(|record| clashes(record.device, record.inode, record.birth_ns, &record.first_line))
            .map(|record| record.generation);
        let live = self.files.values().filter_map(|file| {
            let known = file.known()?;
            let physical = file.physical;
            clashes(physical.device, physical.inode, physical.birth_ns, &known.first_line)
                .then_some(known.generation)
        });
        remembered.chain(live).max().map_or(0, |highest| highest + 1)
    }

    /// Two events shared an id: the file begins a new generation at its settled offset. Only while nothing is in flight.
    pub fn regenerate(&mut self, key: FileKey) {
        let Some(physical) = self.files.get(&key).map(|file| file.physical) else { return };
        if self.open(key).is_err() {
            return;
        }
        let first_line = self.handles.get(key).and_then(|source| source.first_line().ok());
        let Some(first_line) = first_line else { return };
        let again = Newcomer { key, physical, first_line };
        let known = self.known_as(&again, self.next_generation(&again));
        let once = self.settings.once;
        let Some(file) = self.files.get_mut(&key) else { return };
        file.identity = Identity::Known(known);
        file.collided = false;
        if !once {
            file.awaits_checkpoint = Awaits::Next;
        }
        file.rewind();
        let framed = file.framed();
        let tail = self.handles.get(key).and_then(|source| tail_at(source, framed).ok().flatten());
        if let (Some(file), Some(tail)) = (self.files.get_mut(&key), tail) {
            file.tail = tail;
        }
        self.enqueue(key);
    }
}
