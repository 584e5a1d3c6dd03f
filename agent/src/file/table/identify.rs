//! Who a file is: one from the checkpoint, a copy of one, or a new one.

use super::compare::{begins_with, has_prefix, has_tail, mark_at, reaches, tail_at};
use super::{Notice, OpenError, Place, Table};
use crate::ack::Ledger;
use crate::checkpoint::Generation;
use crate::file::identity::LineageParts;
use crate::file::prefix::Mark;
use crate::file::source::{Compression, FirstLine};
use crate::file::tailed::{Awaits, FirstLineFacts, Identity, Known, Standing};
use crate::file::{FileKey, Physical};
use std::io;
use std::time::{Duration, Instant};

/// How long a possible copy waits for its original to be truncated.
const COPY_WAIT: Duration = Duration::from_secs(2);

/// The longest a copy that is still being written is waited for.
const COPY_WAIT_MAX: Duration = Duration::from_secs(30);

/// How long a packed file must be quiet before it is looked into.
const PACKED_QUIET: Duration = Duration::from_secs(2);

/// A packed file last written longer ago than this is looked into at once.
const PACKED_OLD: Duration = Duration::from_secs(10);

/// Most possible originals compared with one newcomer.
const MAX_CANDIDATES: usize = 64;

/// What is known of a file whose identity is to be decided.
struct Newcomer {
    key: FileKey,
    physical: Physical,
    first_line: FirstLine,
}

/// How a newcomer's text compares with what was read of another file.
enum Comparison {
    /// It has all of it, and perhaps more.
    HasAll,
    /// It is a little shorter, and the same as far as it goes.
    Shorter,
    Different,
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
    fn resume(&mut self, key: FileKey, record: &Generation, tail: Option<u64>) {
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

    /// Continues a generation whose file is gone, if the newcomer holds all that was settled of it.
    fn adopt_remembered(&mut self, newcomer: &Newcomer, wanted: impl Fn(&Mark) -> bool) -> io::Result<bool> {
        let identity = &self.settings.inputs[self.files[&newcomer.key].input].identity;
        let mut places: Vec<usize> = (0..self.remembered.len())
            .filter(|place| {
                let record = &self.remembered[*place];
                record.input == *identity
                    && wanted(&record.mark)
                    && record.first_line.matches(&newcomer.first_line)
            })
            .take(MAX_CANDIDATES)
            .collect();
        places.sort_by_key(|place| std::cmp::Reverse(self.remembered[*place].mark.offset));
        for place in places {
            let (mark, settled) = (self.remembered[place].mark, self.remembered[place].settled);
            let Some(source) = self.handles.get(newcomer.key) else { return Ok(false) };
            // Nothing settled, but perhaps sent: then the first line alone tells, and the same ids absorb what is there.
            if !has_tail(source, &mark)? || !has_prefix(source, &mark)? || !reaches(source, settled)? {
                continue;
            }
            let tail = tail_at(source, settled)?;
            let record = self.remembered.take(place);
            self.resume(newcomer.key, &record, tail);
            if let Some(file) = self.files.get_mut(&newcomer.key) {
                file.rotated = true;
                self.notices.push(Notice::Adopted { path: file.path.to_path_buf(), offset: record.settled });
            }
            return Ok(true);
        }
        Ok(false)
    }

    /// Continues a generation that is being read, if its file was truncated, overwritten or deleted meanwhile.
    fn adopt_live(&mut self, newcomer: &Newcomer, now: Instant) -> io::Result<Adoption> {
        let facts = FirstLineFacts::of(&newcomer.first_line);
        let input = self.files[&newcomer.key].input;
        let appeared_later = self.files[&newcomer.key].fresh_from == 0;
        let candidates: Vec<FileKey> = self
            .files
            .values()
            .filter(|file| file.key != newcomer.key && file.input == input)
            // Before anything was read, files of the same first line are many, and a copy made just then is rare.
            .filter(|file| file.framed() > 0 || file.standing != Standing::Present || appeared_later)
            .filter(|file| file.known().is_some_and(|known| known.first_line == facts))
            .map(|file| file.key)
            .take(MAX_CANDIDATES)
            .collect();
        let mut answer = Adoption::No;
        for candidate in candidates {
            let deleted = matches!(self.files[&candidate].standing, Standing::Detached { deleted: true, .. });
            let gone = deleted || self.came_back_as(candidate, newcomer.key);
            if !gone && self.stands(candidate, now) {
                if self.may_be_copy_of(newcomer.key, candidate)? {
                    answer = Adoption::Wait;
                }
                continue;
            }
            match self.compare(newcomer.key, candidate)? {
                Comparison::HasAll => {
                    self.take_over(newcomer.key, candidate, now);
                    return Ok(Adoption::Done);
                }
                Comparison::Shorter => return Ok(Adoption::Shorter),
                Comparison::Different => {}
            }
        }
        Ok(answer)
    }

    /// Whether a file that is no longer there is under its path again, but on a file system with another device number.
    fn came_back_as(&self, original: FileKey, newcomer: FileKey) -> bool {
        let (original, newcomer) = (&self.files[&original], &self.files[&newcomer]);
        matches!(original.standing, Standing::Detached { .. })
            && original.path == newcomer.path
            && original.physical.device != newcomer.physical.device
            && original.physical.inode == newcomer.physical.inode
            && original.physical.birth_ns == newcomer.physical.birth_ns
    }

    /// Whether the text that was read of a file is still there.
    pub(super) fn stands(&mut self, key: FileKey, now: Instant) -> bool {
        match self.files[&key].standing {
            Standing::Overwritten { .. } | Standing::Missing { .. } => false,
            Standing::Present | Standing::Detached { .. } => {
                if self.open(key).is_err() {
                    return true;
                }
                let (framed, tail) = (self.files[&key].framed(), self.files[&key].tail);
                let Some(source) = self.handles.get(key) else { return true };
                if source.compression() != Compression::Plain {
                    return true;
                }
                let known = self.files[&key].known();
                // What cannot be read now is not rewritten.
                let there = tail_at(source, framed).map_or(true, |there| there == Some(tail))
                    && begins_with(source, known).unwrap_or(true);
                if !there {
                    self.overwrite(key, now);
                }
                there
            }
        }
    }

    /// Whether the newcomer is so far the same text as a file that still stands.
    fn may_be_copy_of(&mut self, newcomer: FileKey, original: FileKey) -> io::Result<bool> {
        let framed = self.files[&original].framed();
        let packed = self.files[&newcomer].compression != Compression::Plain;
        if framed > 0 && (packed || self.files[&newcomer].size >= framed) {
            return Ok(matches!(self.compare(newcomer, original)?, Comparison::HasAll));
        }
        if packed {
            return Ok(false);
        }
        let size = self.files[&newcomer].size.min(self.files[&original].size);
        let Some(source) = self.handles.get(newcomer) else { return Ok(false) };
        let tail = tail_at(source, size)?;
        let Some(source) = self.handles.get(original) else { return Ok(false) };
        Ok(tail.is_some() && tail == tail_at(source, size)?)
    }

    fn compare(&mut self, newcomer: FileKey, original: FileKey) -> io::Result<Comparison> {
        self.measure(newcomer);
        let here = self.files[&original].mark_here();
        let (framed, tail) = (self.files[&original].framed(), self.files[&original].tail);
        let size = self.files[&newcomer].size;
        let packed = self.files[&newcomer].compression != Compression::Plain;
        let Some(source) = self.handles.get(newcomer) else { return Ok(Comparison::Different) };
        if packed || size >= framed {
            let same = has_tail(source, &here)?
                && has_prefix(source, &here)?
                && tail_at(source, framed)? == Some(tail);
            return Ok(if same { Comparison::HasAll } else { Comparison::Different });
        }
        let Some(mark) = self.files[&original].mark_before(size) else { return Ok(Comparison::Different) };
        Ok(match has_tail(source, &mark)? && has_prefix(source, &mark)? {
            true => Comparison::Shorter,
            false => Comparison::Different,
        })
    }

    /// Takes the size of a newcomer as it is now: a copy seen while it was written has grown since, and is whole before its
    /// original is truncated.
    fn measure(&mut self, key: FileKey) {
        let Some(facts) = self.handles.get(key).and_then(|source| source.facts().ok()) else { return };
        if let Some(file) = self.files.get_mut(&key) {
            file.size = facts.len();
        }
    }

    /// The file of `newcomer` becomes the file of `original`, whose own text is gone.
    fn take_over(&mut self, newcomer: FileKey, original: FileKey, now: Instant) {
        let Some(copy) = self.files.remove(&newcomer) else { return };
        self.handles.close(newcomer);
        self.handles.close(original);
        let Some(file) = self.files.get_mut(&original) else { return };
        let before = Place::of(file);
        if self.by_physical.get(&before) == Some(&original) {
            self.by_physical.remove(&before);
        }
        let paths = &mut self.by_path[file.input];
        if paths.get(&file.path) == Some(&original) {
            paths.remove(&file.path);
        }
        file.path = copy.path;
        file.physical = copy.physical;
        file.compression = copy.compression;
        file.memory = copy.memory;
        file.size = copy.size;
        file.standing = Standing::Present;
        file.rotated = true;
        file.grown_at = now;
        file.unpacked = false;
        file.scanned = file.framed();
        self.by_physical.insert(Place::of(file), original);
        paths.insert(file.path.clone(), original);
        self.notices.push(Notice::Adopted { path: file.path.to_path_buf(), offset: file.framed() });
        self.enqueue(original);
    }

    fn keeps_waiting(&mut self, key: FileKey, now: Instant) -> bool {
        let Some(file) = self.files.get_mut(&key) else { return false };
        let since = match file.identity {
            Identity::MaybeCopy { since } => since,
            _ => now,
        };
        file.identity = Identity::MaybeCopy { since };
        let waited = now - since;
        let still_written = now - file.grown_at < COPY_WAIT && waited < COPY_WAIT_MAX;
        waited < COPY_WAIT || (still_written && self.is_shorter_than_an_original(key))
    }

    fn is_shorter_than_an_original(&self, key: FileKey) -> bool {
        let size = self.files[&key].size;
        self.files.values().any(|file| file.key != key && file.known().is_some() && file.size > size)
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

enum Adoption {
    Done,
    Wait,
    Shorter,
    No,
}
